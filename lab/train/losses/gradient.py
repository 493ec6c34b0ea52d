"""Losses on gradient maps: Ma et al., "Structure-Preserving Super Resolution with Gradient Guidance" (CVPR 2020).

Its third, the GAN on gradient maps, is the relativistic pair on a discriminator that judges `spsr_gradient(x, pad=2)`. The lab's
own are `gradient_strength`, and `grid` against blocking artefacts.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from lab.gradients import spsr_gradient

NEIGHBOURHOOD = 16
"""Side in pixels of the blocks whose gradient strength is compared."""
GRID = 4
"""Period in pixels of the grid that the grid loss looks for: a pixel of a picture that was enlarged four times."""


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


def grid(result: Tensor, target: Tensor) -> Tensor:
    """How much more steps differ by their place in blocks of 4x4 pixels than the target's do; scalar result.

    Steps between neighbours, to the right and down apart, are averaged over all blocks of a picture and all channels for each
    of a block's 16 places, and the standard deviation of these 16 means is what counts, so far as it is above the target's. Both
    (N, C, H, W), sides multiples of 4; the last column and row count as steps of 0. A network that learns to sharpen takes a
    picture that was enlarged four times for one of blurred blocks, and brings the blocks back: flat inside, with steps between
    them (blocking artefacts). Where there is no grid, chance is left, from noise and the few edges of a small crop. It grows with
    the size of the steps: the loss holds sharpening back a little, too, and leaves a soft result room for a faint grid. The
    lab's own.
    """
    return F.relu(_spread(result) - _spread(target)).mean()


def _spread(x: Tensor) -> Tensor:
    """Standard deviations (N, 2) of mean steps among the places of a block, to the right and down."""
    steps = torch.stack((x.diff(dim=3, append=x[..., -1:]), x.diff(dim=2, append=x[..., -1:, :])), dim=1).abs().mean(dim=2)
    means = F.pixel_unshuffle(steps, GRID).mean(dim=(2, 3)).unflatten(1, (2, GRID**2))
    return (means.var(dim=2, correction=0) + 1e-12).sqrt()  # a root has no gradient at 0
