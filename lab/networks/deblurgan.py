"""DeblurGAN: Kupyn et al., "DeblurGAN: Blind Motion Deblurring Using Conditional Adversarial Networks" (2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lab.networks.initialise import gaussian, kaiming


class ResidualBlock(nn.Module):
    """[conv, norm, ReLU, dropout,] conv, norm, plus the input. With one convolution: conv, norm, ReLU, dropout."""

    def __init__(self, width: int, convs: int, dropout: float, instance_norm: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect")
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect") if convs == 2 else None
        self.norm = nn.InstanceNorm2d(width) if instance_norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        out = self.dropout(torch.relu(self.norm(self.conv1(x))))
        if self.conv2 is not None:
            out = self.norm(self.conv2(out))
        return x + out


class DeblurGAN(nn.Module):
    """7x7 head, two stride-2 convolutions, residual blocks, two transposed convolutions, 7x7 tail, tanh, global skip.

    Args:
        width, blocks: channels of the head and number of residual blocks; 64 and 9 in the paper.
        convs_per_block: 2 in the paper and its released weights (11,378,179 parameters); 1 in the authors' code since
            March 2019, where an operator-precedence slip drops the second half of a block (6,067,459 parameters).
        dropout: probability in a block; the authors train with 0.5. Inactive in eval mode.
        instance_norm: the paper's instance normalisation. The lab's small networks gained more without it (the recipe
            first/deblurgan.yaml); weights then start at He's normal distribution, blocks and tail close to 0.
        self_ensemble: whether `RGBNetwork` takes the mean of eight passes in eval mode (lab.networks.self_ensemble); the
            paper has one. `forward` is one pass either way.

    Instance normalisation always uses the statistics of the picture at hand, in eval mode too: the authors test
    without calling eval(), and running averages give another picture. With it, weights start as in the code: N(0, 0.02^2).

    Raises:
        ValueError: `convs_per_block` is not 1 or 2.
    """

    scale = 1
    value_range = (-1.0, 1.0)
    multiple = 4
    smallest = 8  # reflection inside the blocks needs two pixels at a quarter of the size

    def __init__(
        self,
        width: int = 64,
        blocks: int = 9,
        convs_per_block: int = 2,
        dropout: float = 0.0,
        instance_norm: bool = True,
        self_ensemble: bool = False,
    ) -> None:
        super().__init__()
        if convs_per_block not in (1, 2):
            raise ValueError(f"A DeblurGAN block has 1 or 2 convolutions, not {convs_per_block}.")
        self.self_ensemble = self_ensemble
        self.norm1 = nn.InstanceNorm2d(width) if instance_norm else nn.Identity()
        self.norm2 = nn.InstanceNorm2d(2 * width) if instance_norm else nn.Identity()
        self.norm4 = nn.InstanceNorm2d(4 * width) if instance_norm else nn.Identity()
        self.head = nn.Conv2d(3, width, 7, padding=3, padding_mode="reflect")
        self.down1 = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.down2 = nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1)
        self.body = nn.Sequential(*[ResidualBlock(4 * width, convs_per_block, dropout, instance_norm) for _ in range(blocks)])
        self.up1 = nn.ConvTranspose2d(4 * width, 2 * width, 3, stride=2, padding=1, output_padding=1)
        self.up2 = nn.ConvTranspose2d(2 * width, width, 3, stride=2, padding=1, output_padding=1)
        self.tail = nn.Conv2d(width, 3, 7, padding=3, padding_mode="reflect")
        if instance_norm:
            gaussian(self, 0.02)
        else:
            kaiming(self)
            for block in self.body:
                kaiming(block.conv2 or block.conv1, 0.1)
            kaiming(self.tail, 0.01)

    def forward(self, x: Tensor) -> Tensor:
        """Map blurred RGB in [-1, 1] (N, 3, H, W) to sharp RGB of the same shape; H, W multiples of 4, at least 8.

        The network learns the difference from its input (`learn_residual` in the authors' code). The sum is clamped
        to [-1, 1] in eval mode; in training it is left free, so that no gradient is lost at the ends.
        """
        deep = torch.relu(self.norm1(self.head(x)))
        deep = torch.relu(self.norm2(self.down1(deep)))
        deep = torch.relu(self.norm4(self.down2(deep)))
        deep = self.body(deep)
        deep = torch.relu(self.norm2(self.up1(deep)))
        deep = torch.relu(self.norm1(self.up2(deep)))
        out = x + torch.tanh(self.tail(deep))
        return out if self.training else out.clamp(-1, 1)
