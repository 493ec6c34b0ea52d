"""The methods that learn nothing: three interpolations and iterative back-projection."""

import torch.nn.functional as F
from torch import Tensor

from lab.resize import downscale, upscale

# On photographs shrunk to a quarter, more corrections than ten move no value by more than about one 8-bit step.
BACK_PROJECTION_STEPS = 10


def nearest(x: Tensor, factor: int) -> Tensor:
    """Enlarge (N, C, h, w) by a whole factor, every pixel becoming a square: (N, C, h f, w f)."""
    return F.interpolate(x, scale_factor=factor, mode="nearest")


def bilinear(x: Tensor, factor: int) -> Tensor:
    """Enlarge (N, C, h, w) by a whole factor, linearly between pixel centres, edges repeated: (N, C, h f, w f)."""
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def bicubic(x: Tensor, factor: int) -> Tensor:
    """Enlarge (N, C, h, w) in [0, 1] by a whole factor with the lab's bicubic, clamped to [0, 1]: (N, C, h f, w f)."""
    return upscale(x, factor).clamp(0, 1)


def iterative_back_projection(x: Tensor, factor: int, steps: int = BACK_PROJECTION_STEPS) -> Tensor:
    """Enlarge until shrinking the result gives the input back (Irani & Peleg, "Improving resolution by image
    registration", CVGIP: Graphical Models and Image Processing 1991; here for a single picture).

    From y = enlarge(x), each step adds what is missing, itself enlarged: y <- y + enlarge(x - shrink(y)). Shrinking and
    enlarging (the paper's blur and its back-projection kernel) are the lab's bicubic, so the blur is assumed to be that of
    the x4 protocol.

    Args:
        x: (N, C, h, w) in [0, 1].
        factor: whole number of times to enlarge.
        steps: corrections to make; 0 is bicubic.

    Returns:
        (N, C, h factor, w factor), clamped to [0, 1].
    """
    result = upscale(x, factor)
    for _ in range(steps):
        result = result + upscale(x - downscale(result, factor), factor)
    return result.clamp(0, 1)
