"""Ma's first family of features: how the frequencies of small windows are distributed (Ma et al., CVIU 2017)."""

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from lab.metrics.ma_shape import shape_of

TILE, MARGIN = 3, 2  # every 3x3 tile is seen through the 7x7 window around it
WINDOW = TILE + 2 * MARGIN
_CHUNK = 8192  # tiles at a time: their coefficients are fifty times as many numbers
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


def _windows(level: np.ndarray) -> Iterator[np.ndarray]:
    """The 7x7 windows around all 3x3 tiles, zeros outside, some rows of tiles at a time: (H, W) -> (tiles, 49) each."""
    height, width = level.shape
    padded = np.pad(level, ((MARGIN, MARGIN + -height % TILE), (MARGIN, MARGIN + -width % TILE)))
    step = max(1, _CHUNK // -(-width // TILE)) * TILE
    for top in range(0, height, step):
        strip = padded[top : top + step + 2 * MARGIN]
        windows = np.lib.stride_tricks.sliding_window_view(strip, (WINDOW, WINDOW))[::TILE, ::TILE]
        yield windows.reshape(-1, WINDOW * WINDOW)


def _statistics(windows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is looked at of each window (tiles, 49): shape, variation and orientation of its coefficients, (tiles,) each."""
    coefficients = windows @ _transform()
    size, square = np.abs(coefficients), np.square(coefficients)
    count = size.shape[1]
    mean = size.mean(axis=1)
    deviation = np.sqrt(np.maximum(square.sum(axis=1) - count * mean**2, 0) / (count - 1))
    sectors, counts = _sectors(), _sectors().sum(axis=0)
    sector_mean = (size @ sectors) / counts
    sector_deviation = np.sqrt(np.maximum(square @ sectors - counts * sector_mean**2, 0) / (counts - 1))
    orientation = (sector_deviation / (sector_mean + 1e-8)).var(axis=1, ddof=1)
    return shape_of(coefficients), deviation / (mean + 1e-7), orientation


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
    statistics = [_statistics(windows) for windows in _windows(level)]
    shape, variation, orientation = (np.concatenate(parts) for parts in zip(*statistics, strict=True))
    return np.array([*_pool(shape, low=True), *_pool(variation, low=False), *_pool(orientation, low=False)])
