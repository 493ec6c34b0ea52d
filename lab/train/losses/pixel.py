"""Losses on pixels."""

import torch.nn.functional as F
from torch import Tensor

from lab.gradients import adjacent_gradient


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


def total_variation(result: Tensor) -> Tensor:
    """Mean gradient magnitude over all pixels and channels; (N, C, H, W), scalar result.

    The isotropic total variation of Rudin, Osher and Fatemi (1992), from `lab.gradients.adjacent_gradient`, so that it
    is 0.001 and not 0 for a flat picture. Public SRGAN code adds a total variation with the weight 2e-8; DeblurGAN's
    authors found that it made their results worse.
    """
    return adjacent_gradient(result).mean()
