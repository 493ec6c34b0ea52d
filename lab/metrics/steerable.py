"""A steerable pyramid of two scales and six orientations, in the frequency domain (Simoncelli and Freeman, ICIP 1995).

The filters are those of Simoncelli's buildSFpyr with order 5 and a transition of one octave. All bands are real, so half of the
spectrum is enough; the one place where that takes thought is the highest frequency of an even side, which is its own mirror.
"""

import math
from dataclasses import dataclass

import numpy as np

ORIENTATIONS, ORDER = 6, 5
_TABLE = 256  # samples of the radial transition; the original interpolates a table of them
_GAIN = math.sqrt(2 ** (2 * ORDER) * math.factorial(ORDER) ** 2 / (ORIENTATIONS * math.factorial(2 * ORDER)))


@dataclass(frozen=True)
class Pyramid:
    """What is left of a picture in the highest frequencies, and its bands."""

    high: np.ndarray
    """float64 (H, W)."""
    bands: tuple[np.ndarray, np.ndarray]
    """Of either scale, float64 (6, H, W) and (6, h, w), where h = ceil((H - 0.5) / 2)."""


def _rise(octave: np.ndarray) -> np.ndarray:
    """cos(pi x / 2) for -1 <= x <= 0, 0 below and 1 above, interpolated in a table of 1/256 octave."""
    x = np.arange(-_TABLE, 1) / _TABLE
    return np.interp(octave, x, np.cos(np.pi / 2 * x), left=0)


def _fall(octave: np.ndarray) -> np.ndarray:
    """sqrt(1 - rise^2) in the same table: 1 below -1, 0 from 0 on."""
    x = np.arange(-_TABLE, 1) / _TABLE
    return np.interp(octave, x, np.sqrt(np.abs(1 - np.cos(np.pi / 2 * x) ** 2)))


def _frequencies(length: int) -> np.ndarray:
    """The frequencies of a side in the order of the transform, 1 at half the sampling rate, which is counted as -1."""
    k = np.arange(length)
    return np.where(k < (length + 1) // 2, k, k - length) / (length / 2)


def _odd_power(x: np.ndarray, y: np.ndarray, radius: np.ndarray, turn: float) -> np.ndarray:
    """cos(theta - turn) ** 5, where theta is the direction of (x, y)."""
    cosine = (x * math.cos(turn) + y * math.sin(turn)) / radius
    square = cosine * cosine
    return square * square * cosine


def _angle(x: np.ndarray, y: np.ndarray, radius: np.ndarray, band: int, shape: tuple[int, int]) -> np.ndarray:
    """The angular filter of one orientation on the half spectrum of a picture of this shape, without the factor -i.

    Args:
        x: (1, columns); y: (rows, 1): frequencies; radius: (rows, columns), not 0.
    """
    turn = math.pi * band / ORIENTATIONS
    angle = _odd_power(x, y, radius, turn)
    # Taking the real part of a band amounts to averaging its filter with the mirrored one. They agree but at the highest
    # frequency of an even side, where one of the coordinates keeps its sign.
    if shape[1] % 2 == 0:
        angle[:, -1:] = (angle[:, -1:] - _odd_power(x[:, -1:], -y, radius[:, -1:], turn)) / 2
    if shape[0] % 2 == 0:
        middle = slice(shape[0] // 2, shape[0] // 2 + 1)
        angle[middle] = (_odd_power(x, y[middle], radius[middle], turn) - _odd_power(-x, y[middle], radius[middle], turn)) / 2
        if shape[1] % 2 == 0:
            angle[middle, -1] = 0
    return angle


def steerable_pyramid(picture: np.ndarray) -> Pyramid:
    """Split a picture into its highest frequencies and six orientations at two scales.

    Band b of scale s is the real inverse transform of spectrum * (-i)^5 * fall(x) [* fall(x + 1) for s = 2] * rise(x + s) *
    gain * cos^5(theta - pi b / 6), x being the logarithm to base 2 of the frequency, 0 at half the sampling rate; scale 2 keeps
    the middle of the spectrum and so half as many samples.

    Args:
        picture: float64 (H, W), both sides at least 16.
    """
    from scipy import fft

    shape = height, width = picture.shape
    x, y = _frequencies(width)[None, : width // 2 + 1], _frequencies(height)[:, None]
    radius = np.hypot(x, y)
    radius[0, 0] = 2 / width  # the mean has no direction and no octave; its left neighbour's stand in, as in the original
    octave = np.log2(radius)
    spectrum = fft.rfft2(picture)
    high = fft.irfft2(spectrum * _rise(octave), s=shape)

    low = spectrum * (_fall(octave) * -1j * _GAIN)  # (-i)^5 = -i
    first = _bands(low, x, y, radius, _rise(octave + 1), shape)

    smaller = (math.ceil((height - 0.5) / 2), math.ceil((width - 0.5) / 2))
    rows = np.r_[0 : (smaller[0] + 1) // 2, height - smaller[0] // 2 : height]
    columns = slice(0, smaller[1] // 2 + 1)
    x, y = x[:, columns], y[rows]
    radius, octave = radius[rows, columns], octave[rows, columns]
    low = low[rows, columns] * _fall(octave + 1)  # nothing is left where the smaller grid's mirror would need thought again
    return Pyramid(high, (first, _bands(low, x, y, radius, _rise(octave + 2), smaller)))


def _bands(
    low: np.ndarray, x: np.ndarray, y: np.ndarray, radius: np.ndarray, ring: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """The six orientations of one scale, (6, *shape)."""
    from scipy import fft

    ringed = low * ring
    return np.stack([fft.irfft2(ringed * _angle(x, y, radius, band, shape), s=shape) for band in range(ORIENTATIONS)])
