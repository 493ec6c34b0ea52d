"""Losses on pixels."""

import torch
import torch.nn.functional as F
from torch import Tensor

from lab.gradients import adjacent_gradient

CHROMA = ((-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
"""Cb and Cr of full-range BT.601 from RGB, without their offset."""
COARSE = 4
"""Side in pixels of the blocks whose means the coarse loss compares."""
OVERSHOOT_SIDE = 7
"""Side in pixels of the neighbourhood whose range the overshoot loss holds a pixel in."""
FLAT_SIDE = 7
"""Side in pixels of the neighbourhood that the flat loss calls flat or not."""
FLAT_GRADIENT = 0.02
"""Mean gradient magnitude of a neighbourhood, in [0, 1] per pixel, at which the flat loss counts a pixel 1/e: 5 of 255 steps."""


def l1(result: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference over all pixels and channels; both (N, C, H, W), scalar result.

    The content loss of NonBN-ResG-L (Fan and Wang 2021, eq. 3) and the pixel loss of ESRGAN (Wang et al. 2018).
    """
    return F.l1_loss(result, target)


def mse(result: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference over all pixels and channels; both (N, C, H, W), scalar result.

    The loss of SRCNN, ESPCN and SRResNet (Ledig et al. 2017, eq. 4).
    """
    return F.mse_loss(result, target)


def chroma(result: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of Cb and Cr (BT.601); both RGB (N, 3, H, W), scalar result.

    The lab's own hold on colour: eyes see little detail in chroma, but the coloured fringes that adversarial training
    likes to make there, while luma is left free to become sharp.
    """
    weights = result.new_tensor(CHROMA).view(2, 3, 1, 1)
    return F.conv2d(result - target, weights).abs().mean()


def coarse(result: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of the means of 4x4 blocks; both (N, C, H, W), at least 4 pixels a side, scalar result.

    What a x4 picture says for certain, and so what no invented detail may change: the consistency of Bahat and Michaeli
    (2020, "Explorable Super Resolution") as a loss, with block means in place of bicubic shrinking.
    """
    return F.l1_loss(F.avg_pool2d(result, COARSE), F.avg_pool2d(target, COARSE))


def lattice(result: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of the means of every fourth pixel, 4x4 of them; both (N, C, H, W), scalar result.

    H and W are multiples of 4 and at least 16. A x4 network computes each of the 16 pixels of a block by filters of its
    own, and adversarial training soon finds that a pattern of period 4 or 2, the same in every block, passes for detail.
    Such a pattern is in these means at its full strength, while real detail, different from block to block, mostly
    cancels. The lab's own; see `lab.networks.anti_grid` for what holds single pixels along edges.
    """
    positions = F.pixel_unshuffle(result - target, COARSE)
    return F.avg_pool2d(positions, COARSE, stride=COARSE // 2).abs().mean()


def flat(result: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference, each pixel weighed by how flat the target is there; both (N, C, H, W), scalar result.

    The weight is exp(-g / 0.02), where g is the mean of the target's gradient magnitudes over channels and 7x7 pixels.
    Adversarial training likes to lay a faint weave over skin and sky, which has the sharpness that the critics ask for and
    which eyes see there first, since there is nothing else. Where the target has detail of its own, this loss leaves the
    critics alone. The lab's own; the thought of holding only what is likely an artefact is that of Liang, Zeng and Zhang
    (2022, "Details or Artifacts").
    """
    gradient = adjacent_gradient(target).mean(dim=1, keepdim=True)
    nearby = F.avg_pool2d(gradient, FLAT_SIDE, stride=1, padding=FLAT_SIDE // 2, count_include_pad=False)
    return (torch.exp(-nearby / FLAT_GRADIENT) * (result - target).abs()).mean()


def overshoot(result: Tensor, target: Tensor) -> Tensor:
    """Mean amount by which a pixel lies above or below all of the target around it; both (N, C, H, W), scalar result.

    Around it are 7x7 pixels of the same channel. A network that takes an edge for more blurred than it is, such as one that
    was soft before the blur, sets a bright and a dark line beside it, and a critic takes these for sharpness. The lab's own
    loss; that a sharpened pixel should stay within the range of its surroundings is an old rule of sharpening filters.
    """
    side = OVERSHOOT_SIDE
    highest = F.max_pool2d(target, side, stride=1, padding=side // 2)
    lowest = -F.max_pool2d(-target, side, stride=1, padding=side // 2)
    return (F.relu(result - highest) + F.relu(lowest - result)).mean()


def total_variation(result: Tensor) -> Tensor:
    """Mean gradient magnitude over all pixels and channels; (N, C, H, W), scalar result.

    The isotropic total variation of Rudin, Osher and Fatemi (1992), from `lab.gradients.adjacent_gradient`, so that it
    is 0.001 and not 0 for a flat picture. Public SRGAN code adds a total variation with the weight 2e-8; DeblurGAN's
    authors found that it made their results worse.
    """
    return adjacent_gradient(result).mean()
