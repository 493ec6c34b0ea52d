"""ESPCN: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel CNN" (2016)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class ESPCN(nn.Module):
    """Three convolutions at low resolution and a sub-pixel shuffle (periodic shuffling, eq. 4); luma only.

    Args:
        scale: enlargement factor. 21,284 parameters for 2, 22,729 for 3, 24,752 for 4.

    Activations are tanh, as in the paper's best setting; the output is linear. Initialised as yjn870's port:
    N(0, 2 / (channels out * k^2)), the last layer N(0, 0.001^2), biases 0.
    """

    colour = "luma"

    def __init__(self, scale: int = 4) -> None:
        super().__init__()
        self.scale = scale
        self.extract = nn.Conv2d(1, 64, 5, padding=2)
        self.map = nn.Conv2d(64, 32, 3, padding=1)
        self.rebuild = nn.Conv2d(32, scale**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)
        for layer in (self.extract, self.map):
            nn.init.normal_(layer.weight, 0.0, math.sqrt(2 / (layer.out_channels * layer.kernel_size[0] ** 2)))
        nn.init.normal_(self.rebuild.weight, 0.0, 0.001)
        for layer in (self.extract, self.map, self.rebuild):
            nn.init.zeros_(layer.bias)

    def forward(self, y: Tensor) -> Tensor:
        """Map luma (N, 1, h, w), BT.601 in [16/255, 235/255], to (N, 1, h * scale, w * scale); unclamped."""
        return self.shuffle(self.rebuild(torch.tanh(self.map(torch.tanh(self.extract(y))))))
