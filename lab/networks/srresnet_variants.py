"""Relatives of SRResNet, needed to run weights that others have published."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lab.networks.initialise import kaiming
from lab.networks.srresnet import UPSAMPLING_STEPS


class PlainBlock(nn.Module):
    """conv-ReLU-conv plus the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(torch.relu(self.conv1(x)))


class MSRResNet(nn.Module):
    """BasicSR's MSRResNet: 3x3 head, no normalisation, no skip round the trunk, added to bilinear enlargement.

    Args:
        blocks, width: 16 and 64 in BasicSR (1,517,571 parameters).
        scale: 2, 3 or 4.

    Initialised as in BasicSR: a tenth of He's normal distribution, biases 0.
    """

    def __init__(self, blocks: int = 16, width: int = 64, scale: int = 4) -> None:
        super().__init__()
        self.scale = scale
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.body = nn.Sequential(*[PlainBlock(width) for _ in range(blocks)])
        self.upsampling = nn.ModuleList(
            [nn.Conv2d(width, width * factor**2, 3, padding=1) for factor in UPSAMPLING_STEPS[scale]]
        )
        self.high_resolution = nn.Conv2d(width, width, 3, padding=1)
        self.tail = nn.Conv2d(width, 3, 3, padding=1)
        kaiming(self, 0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Map RGB [0, 1] (N, 3, h, w) to RGB (N, 3, h * scale, w * scale), unclamped."""
        deep = self.body(F.leaky_relu(self.head(x), 0.1))
        for conv, factor in zip(self.upsampling, UPSAMPLING_STEPS[self.scale], strict=True):
            deep = F.leaky_relu(F.pixel_shuffle(conv(deep), factor), 0.1)
        out = self.tail(F.leaky_relu(self.high_resolution(deep), 0.1))
        return out + F.interpolate(x, scale_factor=self.scale, mode="bilinear", align_corners=False)


class MSRResNet0(nn.Module):
    """KAIR's MSRResNet0: 3x3 head without activation, long skip, nearest enlargement, tail without bias.

    Args:
        blocks, width: 16 and 64 in KAIR (1,332,928 parameters).
        scale: 1, 2, 4 or 8.

    Raises:
        ValueError: any other scale.
    """

    def __init__(self, blocks: int = 16, width: int = 64, scale: int = 4) -> None:
        super().__init__()
        if scale not in (1, 2, 4, 8):
            raise ValueError(f"scale must be 1, 2, 4 or 8, not {scale}")
        self.scale = scale
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.body = nn.Sequential(*[PlainBlock(width) for _ in range(blocks)])
        self.body_conv = nn.Conv2d(width, width, 3, padding=1)
        steps = scale.bit_length() - 1
        self.upsampling = nn.ModuleList([nn.Conv2d(width, width, 3, padding=1) for _ in range(steps)])
        self.high_resolution = nn.Conv2d(width, width, 3, padding=1)
        self.tail = nn.Conv2d(width, 3, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map RGB [0, 1] (N, 3, h, w) to RGB (N, 3, h * scale, w * scale), unclamped."""
        shallow = self.head(x)
        deep = shallow + self.body_conv(self.body(shallow))
        for conv in self.upsampling:
            deep = torch.relu(conv(F.interpolate(deep, scale_factor=2, mode="nearest")))
        return self.tail(torch.relu(self.high_resolution(deep)))


class InstanceNormBlock(nn.Module):
    """conv-IN-LeakyReLU-conv-IN plus the input; convolutions without bias, instance norm with scale and shift."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm1 = nn.InstanceNorm2d(width, affine=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.InstanceNorm2d(width, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.norm2(self.conv2(F.leaky_relu(self.norm1(self.conv1(x)), 0.2)))


class InstanceNormSRResNet(nn.Module):
    """twtygqyy's SRResNet: instance norm, LeakyReLU, no biases; x4.

    Args:
        blocks, width: 16 and 64 in that repository (1,546,752 parameters).
    """

    scale = 4
    smallest = 2  # instance statistics of a single pixel do not exist

    def __init__(self, blocks: int = 16, width: int = 64) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, width, 9, padding=4, bias=False)
        self.body = nn.Sequential(*[InstanceNormBlock(width) for _ in range(blocks)])
        self.body_conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.body_norm = nn.InstanceNorm2d(width, affine=True)
        self.upsampling = nn.ModuleList([nn.Conv2d(width, 4 * width, 3, padding=1, bias=False) for _ in range(2)])
        self.tail = nn.Conv2d(width, 3, 9, padding=4, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map RGB [0, 1] (N, 3, h, w) to RGB (N, 3, 4h, 4w), unclamped."""
        shallow = F.leaky_relu(self.head(x), 0.2)
        deep = shallow + self.body_norm(self.body_conv(self.body(shallow)))
        for conv in self.upsampling:
            deep = F.leaky_relu(F.pixel_shuffle(conv(deep), 2), 0.2)
        return self.tail(deep)
