"""RRDBNet, ESRGAN's generator: Wang et al., "ESRGAN: Enhanced Super-Resolution GANs" (2018)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lab.networks.anti_grid import without_grid
from lab.networks.initialise import kaiming
from lab.resize import resize

SLOPE = 0.2  # of every LeakyReLU
RESIDUAL_SCALING = 0.2


class ResidualDenseBlock(nn.Module):
    """Five 3x3 convolutions, each seeing all features before it; the fifth returns to `width` and is added, scaled."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, growth, 3, padding=1)
        self.conv2 = nn.Conv2d(width + growth, growth, 3, padding=1)
        self.conv3 = nn.Conv2d(width + 2 * growth, growth, 3, padding=1)
        self.conv4 = nn.Conv2d(width + 3 * growth, growth, 3, padding=1)
        self.conv5 = nn.Conv2d(width + 4 * growth, width, 3, padding=1)
        kaiming(self, 0.1)

    def forward(self, x: Tensor) -> Tensor:
        features = x
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            features = torch.cat([features, F.leaky_relu(conv(features), SLOPE)], dim=1)
        return x + RESIDUAL_SCALING * self.conv5(features)


class RRDB(nn.Module):
    """Residual in residual: three dense blocks inside one more scaled residual (the paper's figure 4)."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.rdb1 = ResidualDenseBlock(width, growth)
        self.rdb2 = ResidualDenseBlock(width, growth)
        self.rdb3 = ResidualDenseBlock(width, growth)

    def forward(self, x: Tensor) -> Tensor:
        return x + RESIDUAL_SCALING * self.rdb3(self.rdb2(self.rdb1(x)))


class NearestStep(nn.Module):
    """Nearest-neighbour enlargement by 2, 3x3 convolution, LeakyReLU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.conv(F.interpolate(x, scale_factor=2, mode="nearest")), SLOPE)


class RRDBNet(nn.Module):
    """ESRGAN's generator.

    Args:
        blocks, width, growth: RRDBs, channels of the trunk, channels each dense layer adds; 23, 64, 32 in the paper.
        scale: 1, 2, 4 or 8.
        in_channels: channels of the first convolution. 3 is the paper's; 12 and 48 first fold the picture's 2x2 or 4x4
            pixels into channels, as Real-ESRGAN's x2 and x1 networks do.
        bicubic_skip: add the bicubic enlargement of the input, so that the network learns only what bicubic misses.
        anti_grid: pass what the layers make through `without_grid`, as the lab's adversarial trainings do.

    16,697,987 parameters by default. The dense blocks start at a tenth of He's normal distribution with biases 0
    (BasicSR's form of the paper's small initialisation), the other layers at PyTorch's default; with `bicubic_skip` the
    last layer at a hundredth of He's, close to the bicubic enlargement.

    Raises:
        ValueError: `scale` or `in_channels` has no such network.
    """

    def __init__(
        self,
        blocks: int = 23,
        width: int = 64,
        growth: int = 32,
        scale: int = 4,
        in_channels: int = 3,
        bicubic_skip: bool = False,
        anti_grid: bool = False,
    ) -> None:
        super().__init__()
        if in_channels not in (3, 12, 48) or scale not in (1, 2, 4, 8):
            raise ValueError(f"RRDBNet takes 3, 12 or 48 channels and scale 1, 2, 4 or 8, not {in_channels}, {scale}.")
        self.scale = scale
        self.bicubic_skip = bicubic_skip
        self.anti_grid = anti_grid
        self.multiple = math.isqrt(in_channels // 3)
        self.head = nn.Conv2d(in_channels, width, 3, padding=1)
        self.body = nn.Sequential(*[RRDB(width, growth) for _ in range(blocks)])
        self.body_conv = nn.Conv2d(width, width, 3, padding=1)
        steps = round(math.log2(scale * self.multiple))
        self.upsampling = nn.Sequential(*[NearestStep(width) for _ in range(steps)])
        self.high_resolution = nn.Conv2d(width, width, 3, padding=1)
        self.tail = nn.Conv2d(width, 3, 3, padding=1)
        if bicubic_skip:
            kaiming(self.tail, 0.01)

    def forward(self, x: Tensor) -> Tensor:
        """Map RGB [0, 1] (N, 3, h, w) to RGB (N, 3, h * scale, w * scale), unclamped; h, w multiples of `multiple`."""
        given = x
        if self.multiple > 1:
            x = F.pixel_unshuffle(x, self.multiple)
        shallow = self.head(x)
        deep = self.upsampling(shallow + self.body_conv(self.body(shallow)))
        out = self.tail(F.leaky_relu(self.high_resolution(deep), SLOPE))
        if self.anti_grid:
            out = without_grid(out)
        if self.bicubic_skip:
            height, width = given.shape[-2:]
            out = out + resize(given, (height * self.scale, width * self.scale))
        return out
