"""SPSR: Ma et al., "Structure-Preserving Super Resolution with Gradient Guidance" (2020)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lab.gradients import spsr_gradient
from lab.networks.anti_grid import without_grid
from lab.networks.initialise import kaiming
from lab.networks.rrdb import RRDB, SLOPE, NearestStep
from lab.resize import resize


class SPSR(nn.Module):
    """An RRDB trunk, a branch that predicts the high-resolution gradient map, and a fusion of both; x4.

    Args:
        blocks, width, growth: of the trunk's RRDBs; 23, 64 and 32 in the authors' code.
        taps: after how many trunk blocks the features join the gradient branch; one branch RRDB for each.
        branch_growth: growth of the branch's and the fusion's RRDBs, which are 2 * width wide; 32 in the code.
        bicubic_skip: add the bicubic enlargement of the input, as in a trunk that was trained so.
        anti_grid: pass what the layers make through `without_grid`, as the lab's adversarial trainings do.

    24,796,230 parameters by default; the authors' file counts 24,796,248, because it also stores the 18 fixed values
    of its two gradient kernels, which `lab.gradients.spsr_gradient` holds here.

    The dense blocks start small as in RRDBNet, and the layers between RRDBNet's (head, body, body_conv, upsampling,
    high_resolution, tail) as the identity on the trunk's features, with a tenth of He's normal on the branch's: with a trained
    RRDBNet's weights in the layers of its names, the network begins close to what that one makes. (The authors draw these layers,
    and the last ones, anew.)

    Raises:
        ValueError: a tap lies outside the trunk, or the taps do not rise.
    """

    scale = 4

    def __init__(
        self,
        blocks: int = 23,
        width: int = 64,
        growth: int = 32,
        taps: Sequence[int] = (5, 10, 15, 20),
        branch_growth: int = 32,
        bicubic_skip: bool = False,
        anti_grid: bool = False,
    ) -> None:
        super().__init__()
        self.bicubic_skip = bicubic_skip
        self.anti_grid = anti_grid
        self.taps = tuple(taps)
        if not self.taps or list(self.taps) != sorted(set(self.taps)) or self.taps[0] < 1 or self.taps[-1] > blocks:
            raise ValueError(f"SPSR's taps must rise from 1 to at most {blocks}, its number of blocks, not {taps}.")
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.body = nn.ModuleList([RRDB(width, growth) for _ in range(blocks)])
        self.body_conv = nn.Conv2d(width, width, 3, padding=1)
        self.upsampling = nn.Sequential(NearestStep(width), NearestStep(width))
        self.high_resolution = nn.Conv2d(width, width, 3, padding=1)
        self.trunk_features = nn.Conv2d(width, width, 3, padding=1)

        self.branch_head = nn.Conv2d(3, width, 3, padding=1)
        self.branch_blocks = nn.ModuleList([RRDB(2 * width, branch_growth) for _ in self.taps])
        self.branch_joins = nn.ModuleList([nn.Conv2d(2 * width, width, 3, padding=1) for _ in self.taps])
        self.branch_conv = nn.Conv2d(width, width, 3, padding=1)
        self.branch_upsampling = nn.Sequential(NearestStep(width), NearestStep(width))
        self.branch_hr = nn.Conv2d(width, width, 3, padding=1)
        self.branch_features = nn.Conv2d(width, width, 3, padding=1)
        self.branch_out = nn.Conv2d(width, 3, 1)

        self.fusion_block = RRDB(2 * width, branch_growth)
        self.fusion_join = nn.Conv2d(2 * width, width, 3, padding=1)
        self.fusion_hr = nn.Conv2d(width, width, 3, padding=1)
        self.tail = nn.Conv2d(width, 3, 3, padding=1)
        if bicubic_skip:
            kaiming(self.tail, 0.01)
        self._begin_as_the_trunk(width)

    def _begin_as_the_trunk(self, width: int) -> None:
        kaiming(self.fusion_join, 0.1)
        for layer in (self.trunk_features, self.fusion_hr):
            nn.init.dirac_(layer.weight)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.fusion_join.weight[:, width:] = 0
            nn.init.dirac_(self.fusion_join.weight[:, width:])

    def trunk(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Features (N, width, 4h, 4w) of the super-resolution trunk, and its features (N, width, h, w) at each tap."""
        shallow = deep = self.head(x)
        tapped = []
        for number, block in enumerate(self.body, start=1):
            deep = block(deep)
            if number in self.taps:
                tapped.append(deep)
        deep = self.upsampling(shallow + self.body_conv(deep))
        return self.trunk_features(F.leaky_relu(self.high_resolution(deep), SLOPE)), tapped

    def branch(self, x: Tensor, tapped: list[Tensor]) -> Tensor:
        """Features (N, width, 4h, 4w) of the gradient branch."""
        shallow = deep = self.branch_head(spsr_gradient(x))
        for block, join, features in zip(self.branch_blocks, self.branch_joins, tapped, strict=True):
            deep = join(block(torch.cat([deep, features], dim=1)))
        deep = self.branch_upsampling(shallow + self.branch_conv(deep))
        return self.branch_features(F.leaky_relu(self.branch_hr(deep), SLOPE))

    def forward(self, x: Tensor, with_branch: bool = False) -> Tensor | tuple[Tensor, Tensor]:
        """Map RGB [0, 1] (N, 3, h, w) to RGB (N, 3, 4h, 4w), unclamped.

        With `with_branch` the result is (predicted gradient map (N, 3, 4h, 4w), RGB), for training.
        """
        trunk, tapped = self.trunk(x)
        branch = self.branch(x, tapped)
        fused = self.fusion_join(self.fusion_block(torch.cat([branch, trunk], dim=1)))
        out = self.tail(F.leaky_relu(self.fusion_hr(fused), SLOPE))
        if self.anti_grid:
            out = without_grid(out)
        if self.bicubic_skip:
            height, width = x.shape[-2:]
            out = out + resize(x, (height * self.scale, width * self.scale))
        return (self.branch_out(branch), out) if with_branch else out
