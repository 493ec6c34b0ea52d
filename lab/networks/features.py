"""The lab's own feature network, for losses on features where VGG-19's ImageNet weights cannot be had."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lab.networks.initialise import kaiming

WIDTHS = (32, 64, 128, 192)  # of the four stages
IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of RGB in [0, 1], as all of torchvision's networks expect
IMAGENET_STD = (0.229, 0.224, 0.225)


class ImageNetNormalise(nn.Module):
    """RGB [0, 1] to zero mean and unit deviation over ImageNet's pictures. Not part of a state dict."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std


class LabFeatures(nn.Module):
    """Four stages of two 3x3 convolutions with ReLU, VGG-style, with average pooling between them.

    32, 64, 128 and 192 channels at full, half, quarter and eighth size; 840,352 parameters. Average rather than
    maximum pooling, because gradients then reach every pixel (Gatys et al. 2016, section 2). Its training, after
    Dosovitskiy et al. (2014), puts heads on the last stage and throws them away afterwards.

    He's normal initialisation.
    """

    TAPS = ("stage1", "stage2", "stage3", "stage4")

    def __init__(self) -> None:
        super().__init__()
        self.normalise = ImageNetNormalise()
        stages = []
        for inside, outside in zip((3, *WIDTHS), WIDTHS, strict=False):
            first, second = nn.Conv2d(inside, outside, 3, padding=1), nn.Conv2d(outside, outside, 3, padding=1)
            stages.append(nn.Sequential(first, nn.ReLU(), second))
        self.stages = nn.ModuleList(stages)
        kaiming(self)

    def forward(self, x: Tensor, stages: int = len(WIDTHS)) -> dict[str, Tensor]:
        """Features of RGB [0, 1] (N, 3, H, W), H and W at least 2^(stages - 1).

        Returns:
            For k = 1 to `stages`: "stagek", the result of its second convolution before the activation,
            (N, WIDTHS[k - 1], H / 2^(k - 1), W / 2^(k - 1)), sizes rounded down.
        """
        taps = {}
        x = self.normalise(x)
        for name, stage in zip(self.TAPS[:stages], self.stages, strict=False):
            taps[name] = stage(x)
            if len(taps) < stages:
                x = F.avg_pool2d(F.relu(taps[name]), 2)
        return taps
