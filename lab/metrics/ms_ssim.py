"""Multi-scale structural similarity (Wang, Simoncelli, Bovik, "Multi-scale structural similarity for image quality
assessment", Asilomar 2003)."""

import numpy as np

from lab.metrics.ssim import similarities

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the five scales, full size first (the paper's calibration, section 3.2)."""
LEAST_SIDE = 161
"""The shortest side whose fifth scale, halved four times and rounded up, still holds one 11x11 window."""


def ms_ssim(result: np.ndarray, reference: np.ndarray) -> float:
    """MS-SSIM (eq. 7) with SSIM's window and constants; 1 for identical pictures, higher is better.

    At every scale but the last the mean of the contrast and structure term counts, at the last the mean of the whole SSIM, each
    to the power of its weight. Between scales pictures are averaged over 2x2 pixels and halved, an odd last row or column
    repeated, as in the authors' code. A negative mean counts as 0, since it has no real power.

    Args:
        result, reference: arrays of one shape, (H, W) or (H, W, C), on the scale of 0..255, each side at least LEAST_SIDE.

    Returns:
        At most 1; the mean of the channels' values where there are channels.
    """
    x, y = result.astype(np.float64), reference.astype(np.float64)
    values = 1.0
    for scale, weight in enumerate(WEIGHTS):
        if scale > 0:
            x, y = _halve(x), _halve(y)
        luminance, contrast_structure = similarities(x, y)
        last = scale == len(WEIGHTS) - 1
        means = (luminance * contrast_structure if last else contrast_structure).mean(axis=(0, 1))
        values = values * np.maximum(means, 0) ** weight
    return float(np.mean(values))


def _halve(picture: np.ndarray) -> np.ndarray:
    """Means of 2x2 pixels, (H, W, ...) -> (ceil(H / 2), ceil(W / 2), ...)."""
    height, width = picture.shape[:2]
    even = np.pad(picture, ((0, height % 2), (0, width % 2), *[(0, 0)] * (picture.ndim - 2)), mode="edge")
    return (even[0::2, 0::2] + even[0::2, 1::2] + even[1::2, 0::2] + even[1::2, 1::2]) / 4
