"""Peak signal-to-noise ratio."""

import math

import numpy as np


def psnr(result: np.ndarray, reference: np.ndarray) -> float:
    """PSNR = 10 log10(255^2 / MSE) in dB; higher is better; the mean is over all pixels and channels.

    Args:
        result, reference: arrays of one shape on the scale of 0..255, float64 or uint8.

    Returns:
        Decibels; math.inf where the two are identical.
    """
    difference = result.astype(np.float64) - reference
    error = float(np.mean(np.square(difference)))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)
