"""Gradient maps: the operator of SPSR's code, the plain difference of neighbours, and a form to look at.

The first two take and give tensors and can be differentiated, so networks and losses may use them. The display form
takes and gives 8-bit pictures, with one scale for all the pictures of a comparison: two maps may only be compared when
equal brightness means equal gradient.

Source: Ma et al., "Structure-preserving super resolution with gradient guidance" (CVPR 2020), eq. 1-2, and the authors'
code.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

# Keeps the square root differentiable where the picture is flat; it makes sqrt(1e-6) = 0.001 the least magnitude.
EPSILON = 1e-6

# The luma of BT.601 for values in 0..1 or 0..255 (full range).
LUMA = (0.299, 0.587, 0.114)

# White of the display form: with the 98th percentile fine texture can be seen, and only the strongest edges are clipped. Of
# a picture that is nearly all flat, that percentile is noise: a quarter of its strongest edge is the least white can stand for.
PERCENTILE = 98
LEAST_SHARE_OF_STRONGEST = 1 / 4

# The least display scale, two 8-bit steps: it keeps the rounding noise of a flat picture from being shown as edges.
LEAST_SCALE = 2 / 255


def spsr_gradient(x: Tensor, pad: int = 1) -> Tensor:
    """Gradient magnitude of every channel by central differences, as SPSR's code computes it.

    v = x[y+1] - x[y-1], h = x[x+1] - x[x-1] (kernels of +1 and -1, without the factor 1/2), magnitude
    sqrt(v^2 + h^2 + 1e-6).

    Args:
        x: (N, C, H, W) in any range; differentiable.
        pad: rows and columns of zeros put around x first. 1 keeps the size (the network's own gradient branch); 2 adds
            a pixel on every side (SPSR's loss); 0 drops a pixel on every side.

    Returns:
        (N, C, H - 2 + 2 pad, W - 2 + 2 pad) in the units of x per two pixels, never below 0.001.
    """
    padded = F.pad(x, (pad, pad, pad, pad))
    vertical, horizontal = _central_differences(padded)
    return torch.sqrt(vertical.square() + horizontal.square() + EPSILON)


def adjacent_gradient(x: Tensor) -> Tensor:
    """Gradient magnitude of every channel by the differences of adjacent pixels.

    v = x[y+1] - x[y], h = x[x+1] - x[x]; there is no difference beyond the last row and column (taken as 0); magnitude
    sqrt(v^2 + h^2 + 1e-6).

    Args:
        x: (N, C, H, W) in any range; differentiable.

    Returns:
        (N, C, H, W) in the units of x per pixel, never below 0.001.
    """
    vertical = F.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))
    horizontal = F.pad(x[..., :, 1:] - x[..., :, :-1], (0, 1, 0, 0))
    return torch.sqrt(vertical.square() + horizontal.square() + EPSILON)


def full_scale(picture: np.ndarray) -> float:
    """The gradient magnitude that `gradient_picture` shows as white, from one picture of a comparison.

    Take it from the sharp reference, or from the input where there is none, and use it for every picture beside it.

    Args:
        picture: uint8 (H, W, 3) RGB.

    Returns:
        The 98th percentile of the luma gradient magnitude (luma in 0..1, per two pixels), but at least a quarter of its
        maximum and two 8-bit steps.
    """
    magnitude = _luma_gradient(picture)
    strongest = LEAST_SHARE_OF_STRONGEST * float(magnitude.max())
    return max(float(np.percentile(magnitude, PERCENTILE)), strongest, LEAST_SCALE)


def gradient_picture(picture: np.ndarray, scale: float) -> np.ndarray:
    """The gradient map of a picture as a grey picture: black is flat, white is `scale` or more.

    Central differences of luma, as in `spsr_gradient`, but with the edge pixels repeated beyond the border instead of
    zeros, which would draw a bright frame, and without the floor of 0.001.

    Args:
        picture: uint8 (H, W, 3) RGB.
        scale: the magnitude shown as white, from `full_scale`; above 0.

    Returns:
        uint8 (H, W, 3), three equal channels.

    Raises:
        ValueError: scale is not above 0.
    """
    if not scale > 0:
        raise ValueError(f"The scale of a gradient map must be above 0; it was {scale}.")
    share = _luma_gradient(picture) / scale
    grey = np.floor(np.clip(share, 0, 1) * 255 + 0.5).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _central_differences(padded: Tensor) -> tuple[Tensor, Tensor]:
    """Vertical and horizontal differences across each inner pixel of (..., H, W): each (..., H - 2, W - 2)."""
    vertical = padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]
    horizontal = padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]
    return vertical, horizontal


def _luma_gradient(picture: np.ndarray) -> np.ndarray:
    """Luma gradient magnitude of a uint8 (H, W, 3) picture: float32 (H, W), luma in 0..1, edges repeated."""
    luma = picture.astype(np.float32) @ np.asarray(LUMA, dtype=np.float32) / 255
    padded = torch.from_numpy(np.pad(luma, 1, mode="edge"))
    return torch.hypot(*_central_differences(padded)).numpy()
