"""Losses on gradient maps: Ma et al., "Structure-Preserving Super Resolution with Gradient Guidance" (CVPR 2020).

Its third, the GAN on gradient maps, is the relativistic pair on a discriminator that judges `spsr_gradient(x, pad=2)`.
"""

import torch.nn.functional as F
from torch import Tensor

from lab.gradients import spsr_gradient

NEIGHBOURHOOD = 16
"""Side in pixels of the blocks whose gradient strength is compared."""


def gradient_map_loss(result: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of the gradient maps of two pictures; both (N, C, H, W), scalar result.

    The distance and the maps, with two rows of zeros around the picture, are those of the authors' code and settings,
    which weigh it 0.01.
    """
    return F.mse_loss(spsr_gradient(result, pad=2), spsr_gradient(target, pad=2))


def branch_loss(branch: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference between the gradient branch's map and the sharp picture's; scalar result.

    Args:
        branch: (N, C, H, W), SPSR's first output when called with `with_branch`.
        target: the sharp picture (N, C, H, W); its map has one row of zeros around it, which keeps the size. Weight 0.5.
    """
    return F.l1_loss(branch, spsr_gradient(target, pad=1))


def gradient_strength(result: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of the mean gradients of 16x16 blocks, each half overlapping the next; scalar result.

    Both (N, C, H, W) in [0, 1], at least 3 pixels a side; gradients per two pixels (`spsr_gradient`). Of small pictures a block
    is the whole; what is left over at the right and below does not count. It asks for as much edge and texture as the original
    has thereabouts, and leaves it to the other losses what they look like. The lab's own.
    """
    maps = [spsr_gradient(x, pad=0) for x in (result, target)]
    side = min(NEIGHBOURHOOD, *maps[0].shape[-2:])
    return F.l1_loss(*(F.avg_pool2d(strength, side, stride=NEIGHBOURHOOD // 2) for strength in maps))
