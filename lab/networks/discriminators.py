"""The discriminators of the adversarial trainings. All of them return logits: a sigmoid belongs to the loss."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2
WIDTHS = (1, 1, 2, 2, 4, 4, 8, 8)  # of SRGAN's eight convolutions, in units of the first


class SRGANDiscriminator(nn.Module):
    """SRGAN's: eight 3x3 convolutions, stride 1 and 2 in turn, BN except in the first, two dense layers (figure 4).

    Args:
        width: channels of the first convolution, 64 in the paper.
        dense: units of the first dense layer, 1024 in the paper.
        size: side of the square pictures it judges, 96 in the paper; others are pooled to the size the dense layers
            take.

    23,563,649 parameters by default (convolutions under batch normalisation have no bias).
    """

    def __init__(self, width: int = 64, dense: int = 1024, size: int = 96) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inside = 3
        for number, times in enumerate(WIDTHS):
            outside = width * times
            layers.append(nn.Conv2d(inside, outside, 3, stride=1 + number % 2, padding=1, bias=number == 0))
            if number > 0:
                layers.append(nn.BatchNorm2d(outside))
            layers.append(nn.LeakyReLU(SLOPE))
            inside = outside
        self.features = nn.Sequential(*layers)
        side = max(size // 16, 1)
        self.pool = nn.AdaptiveAvgPool2d(side)
        self.dense1 = nn.Linear(inside * side**2, dense)
        self.dense2 = nn.Linear(dense, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Judge RGB [0, 1] (N, 3, H, W): logits (N, 1), high for real."""
        features = self.pool(self.features(x)).flatten(1)
        return self.dense2(F.leaky_relu(self.dense1(features), SLOPE))


class VGG128(nn.Module):
    """ESRGAN's and SPSR's: ten convolutions, 3x3 and 4x4 stride 2 in turn, BN except in the first, two dense layers.

    Args:
        width: channels of the first convolution, 64 in the paper.
        dense: units of the first dense layer, 100 in the paper.
        size: side of the square pictures it judges, 128 in the paper; halved five times, so 130 (SPSR's gradient
            maps) serves as well as 128.

    14,499,401 parameters by default (BasicSR's form; the 2018 code's biases under batch normalisation add 2,880).
    """

    def __init__(self, width: int = 64, dense: int = 100, size: int = 128) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inside = 3
        for outside in (width, 2 * width, 4 * width, 8 * width, 8 * width):
            first = inside == 3
            layers.append(nn.Conv2d(inside, outside, 3, padding=1, bias=first))
            layers += [] if first else [nn.BatchNorm2d(outside)]
            layers += [nn.LeakyReLU(SLOPE), nn.Conv2d(outside, outside, 4, stride=2, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(outside), nn.LeakyReLU(SLOPE)]
            inside = outside
        self.features = nn.Sequential(*layers)
        self.dense1 = nn.Linear(inside * (size // 32) ** 2, dense)
        self.dense2 = nn.Linear(dense, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Judge RGB [0, 1] or gradient maps (N, 3, size, size): logits (N, 1), high for real."""
        return self.dense2(F.leaky_relu(self.dense1(self.features(x).flatten(1)), SLOPE))


class PatchGAN(nn.Module):
    """DeblurGAN's critic: judges overlapping patches; instance norm with the statistics of the picture at hand.

    Args:
        width: channels of the first convolution, 64 in the code (2,764,737 parameters).

    Initialised as in the code: N(0, 0.02^2), biases 0.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, width, 4, stride=2, padding=2), nn.LeakyReLU(SLOPE)]
        for inside, outside, stride in ((1, 2, 2), (2, 4, 2), (4, 8, 1)):
            layers.append(nn.Conv2d(inside * width, outside * width, 4, stride=stride, padding=2))
            layers += [nn.InstanceNorm2d(outside * width), nn.LeakyReLU(SLOPE)]
        layers.append(nn.Conv2d(8 * width, 1, 4, padding=2))
        self.layers = nn.Sequential(*layers)
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, 0.0, 0.02)
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Judge RGB in [-1, 1] (N, 3, H, W): one score a patch (N, 1, H', W'), high for real."""
        return self.layers(x)


class ResGDiscriminator(nn.Module):
    """NonBN-ResG's: eight steps of convolution, activation, normalisation (in that order), then two dense layers.

    Args:
        width, dense: channels of the first convolution and units of the first dense layer. The paper prints neither;
            SRGAN's widths and strides stand in.
        size: side of the square pictures it judges; 24, the paper's crop, by default.

    The paper's closing sigmoid belongs to the loss here.
    """

    def __init__(self, width: int = 64, dense: int = 1024, size: int = 24) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inside = 3
        for number, times in enumerate(WIDTHS):
            outside = width * times
            layers.append(nn.Conv2d(inside, outside, 3, stride=1 + number % 2, padding=1))
            layers += [nn.LeakyReLU(SLOPE), nn.BatchNorm2d(outside)]
            inside = outside
        self.features = nn.Sequential(*layers)
        side = max(-(-size // 16), 1)
        self.pool = nn.AdaptiveAvgPool2d(side)
        self.dense1 = nn.Linear(inside * side**2, dense)
        self.dense2 = nn.Linear(dense, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Judge RGB [0, 1] (N, 3, H, W): logits (N, 1), high for real."""
        features = self.pool(self.features(x)).flatten(1)
        return self.dense2(F.leaky_relu(self.dense1(features), SLOPE))
