"""The shape of a generalised Gaussian, by moments: how heavy the tails of a set of numbers are.

Ma's features use one rule for all of them: rho = variance / (mean absolute deviation)^2 is matched with
r(g) = Gamma(1/g) Gamma(3/g) / Gamma(2/g)^2 on a fixed grid of shapes g. r falls with g, so the nearest grid point is found by
a binary search; the result is that of comparing with all of them.
"""

from functools import lru_cache

import numpy as np

EPSILON = 1e-7  # keeps rho finite where all numbers are equal; belongs to the authors' definition


@lru_cache(maxsize=1)
def _grid() -> tuple[np.ndarray, np.ndarray]:
    """The shapes 0.03, 0.031 ... 10 in falling order, and r of each, which rises: two float64 (9971,)."""
    from scipy.special import gammaln

    shapes = 0.03 + 0.001 * np.arange(9971)
    ratio = np.exp(gammaln(1 / shapes) + gammaln(3 / shapes) - 2 * gammaln(2 / shapes))
    return shapes[::-1].copy(), ratio[::-1].copy()


def nearest_shape(rho: np.ndarray) -> np.ndarray:
    """The grid shapes g that minimise |r(g) - rho|, the smaller g where two are equally near.

    Args:
        rho: any shape of array, at least 0.

    Returns:
        float64 of the same shape, 0.03..10.
    """
    shapes, ratio = _grid()
    above = np.clip(np.searchsorted(ratio, rho), 1, len(ratio) - 1)
    below = above - 1
    return shapes[np.where(rho - ratio[below] < ratio[above] - rho, below, above)]


def shape_of(values: np.ndarray) -> np.ndarray:
    """The generalised Gaussian shape of the numbers along the last axis, (..., n) -> (...): variance with n - 1."""
    centred = values - values.mean(axis=-1, keepdims=True)
    variance = np.einsum("...i,...i->...", centred, centred) / (values.shape[-1] - 1)
    return nearest_shape(variance / (np.abs(centred).mean(axis=-1) ** 2 + EPSILON))
