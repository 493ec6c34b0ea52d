"""Ma's features: three views of one picture, without a reference.

Ma, Yang, Yang, Yang, "Learning a no-reference quality metric for single-image super-resolution", CVIU 2017,
as the authors' code has it.
"""

from dataclasses import dataclass

import numpy as np

from lab.metrics.ma_dct import dct_features
from lab.metrics.ma_pca import pca_features
from lab.metrics.ma_pyramid import pyramid_features

LEVELS = 3


@dataclass(frozen=True)
class MaFeatures:
    """The three families, each read by a forest of its own."""

    dct: np.ndarray
    """float64 (18,): local frequencies, six numbers a level."""
    pyramid: np.ndarray
    """float64 (45,): global frequencies."""
    pca: np.ndarray
    """float64 (75,): spatial variety, 25 numbers a level."""


def _halve(level: np.ndarray) -> np.ndarray:
    """The next level: a 3x3 Gaussian of sigma 0.5, zeros outside, and every second sample: (H, W) -> (H // 2, W // 2)."""
    beside = np.exp(-1 / (2 * 0.5**2))
    a, b = beside / (1 + 2 * beside), 1 / (1 + 2 * beside)
    height, width = level.shape
    padded = np.pad(level, ((0, 1), (0, 1)))  # sample 1 is the first one kept, so only the far side can look outside
    rows = a * (padded[0 : height - 1 : 2] + padded[2 : height + 1 : 2]) + b * padded[1:height:2]
    return a * (rows[:, 0 : width - 1 : 2] + rows[:, 2 : width + 1 : 2]) + b * rows[:, 1:width:2]


def ma_features(luma: np.ndarray) -> MaFeatures:
    """The features of one picture.

    Args:
        luma: (H, W), whole numbers 0..255 of any type (already rounded; the border already cut), sides at least 64 and not
            all one value: see lab.metrics.ma.

    Returns:
        What the three forests read.
    """
    luma = np.asarray(luma, dtype=np.float64)
    levels = [luma / 255]
    for _ in range(LEVELS - 1):
        levels.append(_halve(levels[-1]))
    return MaFeatures(
        dct=np.concatenate([dct_features(level) for level in levels]),
        pyramid=pyramid_features(luma),
        pca=np.concatenate([pca_features(level) for level in levels]),
    )
