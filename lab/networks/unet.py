"""SR-NET: a U-Net for super-resolution, from a course project (2022) that compares it with ESRGAN."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2


class Down(nn.Module):
    """3x3 convolution with stride 2, batch normalisation from the third step on, LeakyReLU."""

    def __init__(self, inside: int, outside: int, batch_norm: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, 3, stride=2, padding=1, bias=not batch_norm)
        self.norm = nn.BatchNorm2d(outside) if batch_norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.norm(self.conv(x)), SLOPE)


class SRNet(nn.Module):
    """Five stride-2 convolutions, five transposed ones with concatenated skips, and a final 2x2 convolution.

    Args:
        width: channels of the first step, 128 in the source; the five have 1, 1, 2, 4 and 4 times as many.

    It sharpens a picture that was already enlarged: same size in and out. The last skip is the picture itself, and the
    2x2 convolution starts out passing it through, so training begins at the enlarged picture. The source does
    not print the transposed kernels (here 4x4, which leave no checkerboard) nor the output's activation (here none).
    """

    scale = 1
    multiple = 32
    smallest = 64  # batch normalisation in training needs more than one value a channel at 1/32 of the size

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        down = (width, width, 2 * width, 4 * width, 4 * width)
        self.down = nn.ModuleList(
            [Down(a, b, batch_norm=i >= 2) for i, (a, b) in enumerate(zip((3, *down), down, strict=False))]
        )
        self.up = nn.ModuleList(
            [
                nn.ConvTranspose2d(inside, outside, 4, stride=2, padding=1)
                for inside, outside in (
                    (4 * width, 4 * width),
                    (8 * width, 2 * width),
                    (4 * width, width),
                    (2 * width, width),
                    (2 * width, 3),
                )
            ]
        )
        self.tail = nn.Conv2d(6, 3, 2)
        with torch.no_grad():
            self.tail.weight.mul_(0.1)
            self.tail.bias.zero_()
            for channel in range(3):
                self.tail.weight[channel, 3 + channel, 0, 0] += 1

    def forward(self, x: Tensor) -> Tensor:
        """Map enlarged RGB [0, 1] (N, 3, H, W) to sharp RGB of the same shape, unclamped; H, W multiples of 32."""
        skips = [x]
        for down in self.down:
            skips.append(down(skips[-1]))
        deep = skips.pop()
        for up in self.up:
            deep = up(deep)
            skip = skips.pop()
            if skips:
                deep = F.leaky_relu(deep, SLOPE)
            deep = torch.cat([deep, skip], dim=1)
        return self.tail(F.pad(deep, (0, 1, 0, 1), mode="replicate"))
