"""What a network is trained to make small."""

import torch.nn.functional as F
from torch import Tensor


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


def pixel_loss(name: str):
    """The loss function of a recipe's `loss` entry."""
    return {"l1": l1, "mse": mse}[name]
