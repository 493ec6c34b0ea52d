"""Ma's second family of features: bands of a steerable pyramid, each normalised by its neighbours (Ma et al., CVIU 2017, after
Moorthy and Bovik, IEEE TIP 2011)."""

import itertools
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from lab.metrics.ma_shape import shape_of
from lab.metrics.steerable import ORIENTATIONS, steerable_pyramid

GUARD = (16, 8)  # pixels left out on every side of a normalised band, by scale: the pyramid wraps round
C2 = (0.03 * 255) ** 2
_CHUNK = 8192  # pixels at a time: their neighbours fit into the processor's cache


def _neighbours(bands: np.ndarray, band: int, parent: np.ndarray | None) -> np.ndarray:
    """What a coefficient is compared with: its 3x3 square (itself in row 4), its parent, and the other orientations.

    Args:
        bands: (6, h, w) of one scale; parent: (h, w) of the next scale, or None.

    Returns:
        (14 or 15, (h - 2) (w - 2)), of all pixels that have a whole 3x3 square.
    """
    height, width = bands.shape[1:]
    square = [bands[band, dy : height - 2 + dy, dx : width - 2 + dx] for dy in range(3) for dx in range(3)]
    others = [bands[other, 1:-1, 1:-1] for other in range(ORIENTATIONS) if other != band]
    above = [] if parent is None else [parent[1:-1, 1:-1]]
    return np.stack(square + above + others).reshape(len(square + above + others), -1)


def _strips(bands: np.ndarray, band: int, parent: np.ndarray | None) -> Iterator[np.ndarray]:
    """`_neighbours` of a few rows at a time, from the top: no picture is too large for the processor's cache."""
    height, width = bands.shape[1:]
    rows = max(1, _CHUNK // (width - 2))
    for top in range(0, height - 2, rows):
        strip = slice(top, min(top + rows, height - 2) + 2)
        yield _neighbours(bands[:, strip], band, None if parent is None else parent[strip])


def _whitening(covariance: np.ndarray) -> np.ndarray:
    """The matrix (rank, k) that turns vectors (k, n) of this covariance into numbers of variance 1, uncorrelated.

    Negative eigenvalues, which only rounding makes, are set to 0 and the others rescaled to keep the trace.
    """
    values, directions = np.linalg.eigh(covariance)
    kept = np.maximum(values, 0)
    if kept.any():
        kept *= values.sum() / kept.sum()
    alive = kept > len(kept) * np.finfo(float).eps * kept.max()
    return np.ascontiguousarray((directions[:, alive] / np.sqrt(kept[alive])).T)


def _normalise(bands: np.ndarray, band: int, parent: np.ndarray | None, guard: int) -> np.ndarray:
    """One band divided by the energy around each of its coefficients, without the guard band, its mean taken off.

    The energy is z = sqrt(v' C^-1 v / N), C the mean of v v', not centred; N counts the 3x3 square and the parent, as in the
    authors' code, not the orientations.
    """
    centre = bands[band, 1:-1, 1:-1]
    whitening = _whitening(sum(vectors @ vectors.T for vectors in _strips(bands, band, parent)) / centre.size)
    energy = []
    for vectors in _strips(bands, band, parent):
        white = whitening @ vectors
        energy.append(np.einsum("ij,ij->j", white, white))
    z = np.sqrt(np.concatenate(energy).reshape(centre.shape) / (9 if parent is None else 10))
    ratio = np.divide(centre - centre.mean(), z, out=np.zeros_like(z), where=z > 0)
    ratio = ratio[guard : ratio.shape[0] - guard, guard : ratio.shape[1] - guard]
    return ratio - ratio.mean()


@lru_cache(maxsize=8)
def _resizer(length: int, target: int):
    """The lab's bicubic along one side as a sparse matrix (target, length), read off what it makes of the unit vectors."""
    import torch
    from scipy.sparse import csr_array

    from lab.resize import resize

    unit = torch.eye(length, dtype=torch.float64)
    return csr_array(resize(unit[None, None], (target, length))[0, 0].numpy())


def _enlarge(band: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A band (h, w) at another size (H, W), by MATLAB's bicubic: float64."""
    rows = _resizer(band.shape[0], size[0]) @ band
    return np.ascontiguousarray((_resizer(band.shape[1], size[1]) @ rows.T).T)


def _window_means(values: np.ndarray) -> np.ndarray:
    """Gaussian-weighted means (11x11, sigma 1.5) around every pixel that has a whole window: float32 (H, W) -> (H - 10, W - 10).

    Single precision is enough: bands vary around zero, so no variance is a small difference of large numbers.
    """
    import cv2

    window = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window /= window.sum()
    return cv2.sepFilter2D(values, cv2.CV_32F, window, window)[5:-5, 5:-5]


class _Side:
    """One picture of a comparison: what of it all its comparisons need."""

    def __init__(self, values: np.ndarray):
        self.values = values.astype(np.float32)
        self.mean = _window_means(self.values)
        self.variance = _window_means(self.values * self.values) - self.mean * self.mean


def _contrast_structure(a: _Side, b: _Side) -> float:
    """The mean of SSIM's contrast and structure terms, (2 s12 + C2) / (s1^2 + s2^2 + C2); can be negative."""
    covariance = _window_means(a.values * b.values) - a.mean * b.mean
    return float(((2 * covariance + C2) / (a.variance + b.variance + C2)).mean(dtype=np.float64))


def pyramid_features(luma: np.ndarray) -> np.ndarray:
    """45 numbers of the steerable pyramid's twelve bands.

    Args:
        luma: float64 (H, W) on the scale of 0..255, sides at least 64.

    Returns:
        float64 (45,): the shapes of the 12 normalised bands; those of the 6 orientations with both scales together; the
        likeness (contrast and structure) of the 12 raw bands to the highest frequencies; that of the 15 pairs of normalised
        orientations of scale 1.
    """
    height, width = luma.shape
    pyramid = steerable_pyramid(luma)
    first, second = pyramid.bands
    high = _Side(pyramid.high)
    del pyramid  # a large picture's bands are many times the picture: no more of them are kept than is needed
    whole = (2 * second.shape[1], 2 * second.shape[2])
    fine, coarse, both, like_first, like_second, sides = [], [], [], [], [], []
    for band in range(ORIENTATIONS):
        enlarged = _enlarge(second[band], (height, width))
        like_first.append(_contrast_structure(_Side(first[band]), high))
        like_second.append(_contrast_structure(_Side(enlarged), high))
        # The authors' loop gives no parent to the last orientation of scale 1; scale 2 has no coarser one to give.
        parent = None
        if band < ORIENTATIONS - 1:
            parent = enlarged if whole == (height, width) else _enlarge(second[band], whole)[:height, :width]
        f, c = _normalise(first, band, parent, GUARD[0]), _normalise(second, band, None, GUARD[1])
        fine.append(shape_of(f.ravel()))
        coarse.append(shape_of(c.ravel()))
        both.append(shape_of(np.concatenate([f.ravel(), c.ravel()])))
        sides.append(_Side(f))
    del first, second, high
    pairs = [_contrast_structure(a, b) for a, b in itertools.combinations(sides, 2)]
    return np.array([*fine, *coarse, *both, *like_first, *like_second, *pairs], dtype=np.float64)
