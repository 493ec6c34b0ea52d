"""SRResNet, also the generator of SRGAN: Ledig et al., "Photo-Realistic Single Image SR Using a GAN" (2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lab.networks.anti_grid import without_grid
from lab.networks.initialise import kaiming
from lab.resize import resize

UPSAMPLING_STEPS = {2: (2,), 3: (3,), 4: (2, 2), 8: (2, 2, 2)}
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class ResidualBlock(nn.Module):
    """conv-BN-PReLU-conv-BN plus the input; without `batch_norm`, conv-PReLU-conv plus the input."""

    def __init__(self, width: int, batch_norm: bool, bias: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=bias)
        self.norm1 = nn.BatchNorm2d(width) if batch_norm else nn.Identity()
        self.activation = nn.PReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=bias)
        self.norm2 = nn.BatchNorm2d(width) if batch_norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return x + self.norm2(self.conv2(self.activation(self.norm1(self.conv1(x)))))


class SubPixelStep(nn.Module):
    """conv to width * factor^2 channels, pixel shuffle, PReLU: the picture grows by `factor`."""

    def __init__(self, width: int, factor: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width * factor**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(factor)
        self.activation = nn.PReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.shuffle(self.conv(x)))


class SRResNet(nn.Module):
    """9x9 head, residual blocks with a long skip, sub-pixel enlargement, 9x9 tail (the paper's figure 4).

    Args:
        blocks, width: residual blocks and channels; 16 and 64 in the paper.
        batch_norm: the paper's batch normalisation. Without it the network trains much faster on small machines.
        bicubic_skip: add the bicubic enlargement of the input, so that the network learns only what bicubic misses.
        scale: 2, 3, 4 or 8.
        bias: biases in the convolutions that batch normalisation follows; None means only where there is none.
        tanh_output: end in (tanh + 1) / 2, as the ports of leftthomas and sgrvinod.
        imagenet_input: normalise the input by ImageNet's mean and deviation first, as sgrvinod's port.
        anti_grid: pass what the layers make through `without_grid`, as the lab's adversarial trainings do.

    1,547,350 parameters by default, 1,549,462 with `bias=True`. Initialised with He's normal distribution; without
    batch normalisation the blocks start at a tenth of it, or 16 of them would amplify the signal 256 times. With
    `bicubic_skip` the last layer starts at a hundredth of it, close to the bicubic enlargement.

    Raises:
        ValueError: `scale` is not 2, 3, 4 or 8.
    """

    def __init__(
        self,
        blocks: int = 16,
        width: int = 64,
        batch_norm: bool = True,
        bicubic_skip: bool = False,
        scale: int = 4,
        bias: bool | None = None,
        tanh_output: bool = False,
        imagenet_input: bool = False,
        anti_grid: bool = False,
    ) -> None:
        super().__init__()
        if scale not in UPSAMPLING_STEPS:
            raise ValueError(f"SRResNet enlarges 2, 3, 4 or 8 times, not {scale}.")
        bias = (not batch_norm) if bias is None else bias
        self.scale = scale
        self.bicubic_skip = bicubic_skip
        self.tanh_output = tanh_output
        self.imagenet_input = imagenet_input
        self.anti_grid = anti_grid
        self.head = nn.Conv2d(3, width, 9, padding=4)
        self.head_activation = nn.PReLU()
        self.body = nn.Sequential(*[ResidualBlock(width, batch_norm, bias) for _ in range(blocks)])
        self.body_conv = nn.Conv2d(width, width, 3, padding=1, bias=bias)
        self.body_norm = nn.BatchNorm2d(width) if batch_norm else nn.Identity()
        self.upsampling = nn.Sequential(*[SubPixelStep(width, factor) for factor in UPSAMPLING_STEPS[scale]])
        self.tail = nn.Conv2d(width, 3, 9, padding=4)
        kaiming(self)
        if not batch_norm:
            kaiming(self.body, 0.1)
        if bicubic_skip:
            kaiming(self.tail, 0.01)

    def forward(self, x: Tensor) -> Tensor:
        """Map RGB [0, 1] (N, 3, h, w) to RGB (N, 3, h * scale, w * scale); unclamped unless `tanh_output`."""
        given = x
        if self.imagenet_input:
            x = (x - x.new_tensor(IMAGENET_MEAN).view(1, 3, 1, 1)) / x.new_tensor(IMAGENET_STD).view(1, 3, 1, 1)
        shallow = self.head_activation(self.head(x))
        deep = shallow + self.body_norm(self.body_conv(self.body(shallow)))
        out = self.tail(self.upsampling(deep))
        if self.anti_grid:
            out = without_grid(out)
        if self.tanh_output:
            out = (torch.tanh(out) + 1) / 2
        if self.bicubic_skip:
            height, width = given.shape[-2:]
            out = out + resize(given, (height * self.scale, width * self.scale))
        return out
