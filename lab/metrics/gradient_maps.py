"""How sharp a result is, and whether its edges are where they should be: two figures from SPSR's gradient maps.

Operator: Ma et al., "Structure-preserving super resolution with gradient guidance" (CVPR 2020), eq. 1-2, in lab.gradients. Both
figures leave out the outermost pixels, which have no neighbour on one side.
"""

import numpy as np
import torch
from torch import Tensor

from lab.gradients import spsr_gradient


def gradient_ratio(result: np.ndarray, reference: np.ndarray) -> float:
    """Mean gradient magnitude of the result over that of the reference: 1 is as sharp, less is smoother, more is rougher.

    It says nothing of where the gradients are: noise raises it as texture does.

    Args:
        result, reference: (H, W) or (H, W, C) of one shape on the scale of 0..255, each side at least 3.
    """
    return float(_gradient(result).mean() / _gradient(reference).mean())


def gradient_error(result: np.ndarray, reference: np.ndarray) -> float:
    """Mean absolute difference of the two gradient maps (SPSR's pixel loss on gradient maps); 0 is identical.

    Args:
        result, reference: (H, W) or (H, W, C) of one shape on the scale of 0..255, each side at least 3.

    Returns:
        8-bit steps, between pixels that are two apart.
    """
    return float((_gradient(result) - _gradient(reference)).abs().mean()) * 255


def _gradient(picture: np.ndarray) -> Tensor:
    """Gradient magnitude of every channel, float64 (1, C, H - 2, W - 2) in 0..1 steps per two pixels."""
    channels = np.atleast_3d(picture).astype(np.float64).transpose(2, 0, 1) / 255
    return spsr_gradient(torch.from_numpy(np.ascontiguousarray(channels))[None], pad=0)
