"""Ma's first family of features: how the frequencies of small windows are distributed (Ma et al., CVIU 2017)."""

import math
from functools import lru_cache

import numpy as np

from lab.metrics.ma_shape import shape_of

TILE, MARGIN = 3, 2  # every 3x3 tile is seen through the 7x7 window around it
WINDOW = TILE + 2 * MARGIN
_SECTOR_COLUMNS = (  # the columns of each row of the 7x7 transform that belong to a sector
    {0: range(1, 7), 1: range(2, 7), 2: range(4, 7), 3: range(5, 7)},
    {1: range(1, 2), 2: range(2, 4), 3: range(2, 5), 4: range(3, 7), 5: range(4, 7), 6: range(4, 7)},
)


@lru_cache(maxsize=1)
def _transform() -> np.ndarray:
    """(49, 48): a flattened window times this gives its orthonormal DCT-II without the mean."""
    k, x = np.mgrid[0:WINDOW, 0:WINDOW]
    cosine = np.cos(np.pi * (2 * x + 1) * k / (2 * WINDOW)) * math.sqrt(2 / WINDOW)
    cosine[0] /= math.sqrt(2)
    return np.ascontiguousarray(np.kron(cosine, cosine).T[:, 1:])


@lru_cache(maxsize=1)
def _sectors() -> np.ndarray:
    """(48, 3) of zeros and ones: which coefficients belong to the three sectors of orientation."""
    member = np.zeros((3, WINDOW, WINDOW))
    for sector, rows in zip((0, 1), _SECTOR_COLUMNS, strict=True):
        for row, columns in rows.items():
            member[sector, row, list(columns)] = 1
    member[2] = member[0].T
    return np.ascontiguousarray(member.reshape(3, -1)[:, 1:].T)


def _windows(level: np.ndarray) -> np.ndarray:
    """The 7x7 windows around all 3x3 tiles, zeros outside: (H, W) -> (tiles, 49)."""
    height, width = level.shape
    padded = np.pad(level, ((MARGIN, MARGIN + -height % TILE), (MARGIN, MARGIN + -width % TILE)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (WINDOW, WINDOW))[::TILE, ::TILE]
    return windows.reshape(-1, WINDOW * WINDOW)


def _pool(values: np.ndarray, low: bool) -> tuple[float, float]:
    """The mean of a tail and the mean of all: the lowest tenth, or the highest, counted as the authors' code does."""
    ordered, n = np.sort(values), len(values)
    tail = ordered[: math.ceil(0.1 * n)] if low else ordered[max(int(0.9 * n) - 1, 0) :]
    return float(tail.mean()), float(values.mean())


def dct_features(level: np.ndarray) -> np.ndarray:
    """Six numbers of one level of the pyramid.

    Of every window's 48 coefficients: the shape of their distribution, their coefficient of variation, and the variance of the
    latter over three sectors of orientation; of each of these over the picture, the mean of a tail and the mean.

    Args:
        level: float64 (H, W) on the scale of 0..1.

    Returns:
        float64 (6,): shape (lowest tenth, all), variation (highest tenth, all), orientation (highest tenth, all).
    """
    coefficients = _windows(level) @ _transform()
    size, square = np.abs(coefficients), np.square(coefficients)
    count = size.shape[1]
    mean = size.mean(axis=1)
    deviation = np.sqrt(np.maximum(square.sum(axis=1) - count * mean**2, 0) / (count - 1))
    sectors, counts = _sectors(), _sectors().sum(axis=0)
    sector_mean = (size @ sectors) / counts
    sector_deviation = np.sqrt(np.maximum(square @ sectors - counts * sector_mean**2, 0) / (counts - 1))
    shape = _pool(shape_of(coefficients), low=True)
    variation = _pool(deviation / (mean + 1e-7), low=False)
    orientation = _pool((sector_deviation / (sector_mean + 1e-8)).var(axis=1, ddof=1), low=False)
    return np.array([*shape, *variation, *orientation])
