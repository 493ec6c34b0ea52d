"""NIQE: how far a picture's local statistics are from those of undistorted photographs; needs no reference, lower is better
(Mittal, Soundararajan, Bovik, "Making a 'completely blind' image quality analyzer", IEEE SPL 2013).

The definition is that of the authors' release of 2012, in double precision, with one rule added. Where a neighbourhood of 7x7
pixels is flat, pixel minus local mean should be zero and is some 1e-14 of either sign; the release counts these pixels as
positive or negative ones, so that its value depends on the order in which a library adds numbers up. Here they are zero.

A value depends on the model of undistorted pictures it is measured against. The authors' model and one fitted here
(`lab/fitting/niqe.py`) give values that cannot be compared, so a model carries its variant.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from lab.digests import sha256
from lab.errors import LabError

BLOCK = 96  # pixels at full size, half as many at half size
FEATURES = 36
LEAST_BLOCKS = 2  # a covariance of one block does not exist
FEW_BLOCKS = 10  # below it the value is biased upwards
FLAT = 1e-9  # far above the rounding of a flat neighbourhood's mean, far below any real difference
SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))  # (down, right): the neighbours a pixel is multiplied with


class NiqeError(LabError):
    """NIQE cannot be computed or its model not be read; its text is the sentence to show."""


@dataclass(frozen=True, eq=False)
class NiqeModel:
    """The features of undistorted pictures' blocks, as a multivariate Gaussian."""

    mean: np.ndarray
    """(36,) float64."""
    covariance: np.ndarray
    """(36, 36) float64."""
    variant: str
    """"official" or "lab"."""
    source: str
    """The file's name and the first 12 digits of its SHA-256."""


@lru_cache(maxsize=1)
def _shapes() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The grid of shape parameters a = 0.2, 0.201 .. 10, and on it G(2/a)^2 / (G(1/a) G(3/a)), sqrt(G(1/a) / G(3/a)) and
    G(2/a) / G(1/a), with G the gamma function. The first of the three grows with a."""
    grid = 0.2 + 0.001 * np.arange(9801)
    g1, g2, g3 = (np.array([math.gamma(k / a) for a in grid]) for k in (1, 2, 3))
    return grid, g2**2 / (g1 * g3), np.sqrt(g1 / g3), g2 / g1


def _normalise(luma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean-subtracted, contrast-normalised luma, and the local contrast (eq. 1-3): two (H, W).

    The window is a 7x7 Gaussian of sigma 7/6, the border continued by its last pixel.
    """
    import cv2

    window = np.exp(-(np.arange(-3, 4) ** 2) / (2 * (7 / 6) ** 2))
    window /= window.sum()

    def local_mean(values: np.ndarray) -> np.ndarray:
        return cv2.sepFilter2D(values, cv2.CV_64F, window, window, borderType=cv2.BORDER_REPLICATE)

    mean = local_mean(luma)
    contrast = np.sqrt(np.abs(local_mean(luma * luma) - mean * mean))
    difference = luma - mean
    difference[np.abs(difference) < FLAT] = 0
    return difference / (contrast + 1), contrast


def _halve(luma: np.ndarray) -> np.ndarray:
    """Half size with MATLAB's imresize, antialiased bicubic: (H, W) with even sides -> (H / 2, W / 2), not rounded.

    At exactly one half all samples have the same eight weights, so this is a filter, several times faster than `lab.resize`.
    """
    import cv2

    taps = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256  # half of Keys' kernel (a = -0.5) at +-1.75, 1.25, 0.75, 0.25
    return cv2.sepFilter2D(luma, cv2.CV_64F, taps, taps, anchor=(3, 3), borderType=cv2.BORDER_REFLECT)[::2, ::2]


def _blocks(values: np.ndarray, side: int) -> np.ndarray:
    """Cut (H, W), multiples of `side`, into (blocks, side, side), row by row."""
    rows, columns = values.shape[0] // side, values.shape[1] // side
    return values.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(-1, side, side)


def _fit_generalised_gaussians(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Fit an asymmetric generalised Gaussian to every block by its moments (Lasmar, Stitou, Berthoumieu, ICIP 2009).

    Args:
        values: (blocks, side, side).

    Returns:
        Shape, left scale, right scale, and mean, (blocks,) each. Where a block has no negative or no positive values, the
        scale of that side and the mean are NaN and the shape is 0.2, as in the release.
    """
    values = values.reshape(len(values), -1)
    positive = np.maximum(values, 0)
    negative = values - positive
    above, below = (np.einsum("nk,nk->n", side, side) for side in (positive, negative))
    absolute = positive.sum(axis=1) - negative.sum(axis=1)
    number_above, number_below = ((values > 0).sum(axis=1), (values < 0).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        left, right = np.sqrt(below / number_below), np.sqrt(above / number_above)
        ratio = left / right
        moments = (absolute / values.shape[1]) ** 2 / ((above + below) / values.shape[1])
        target = moments * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    grid, ratios, scales, means = _shapes()
    upper = np.clip(np.searchsorted(ratios, target), 1, len(grid) - 1)
    nearest = np.where(target - ratios[upper - 1] <= ratios[upper] - target, upper - 1, upper)
    nearest[np.isnan(target)] = 0
    left, right = left * scales[nearest], right * scales[nearest]
    return grid[nearest], left, right, (right - left) * means[nearest]


def _block_features(normalised: np.ndarray, side: int) -> np.ndarray:
    """The 18 features of every block of one scale (eq. 4-8): (H, W) -> (blocks, 18).

    Neighbours are taken round the block's own edges, as the release does.
    """
    blocks = _blocks(normalised, side)
    shape, left, right, _ = _fit_generalised_gaussians(blocks)
    columns = [shape, (left + right) / 2]
    for shift in SHIFTS:
        shape, left, right, mean = _fit_generalised_gaussians(blocks * np.roll(blocks, shift, axis=(1, 2)))
        columns += [shape, mean, left, right]
    return np.stack(columns, axis=1)


def _whole_blocks(luma: np.ndarray) -> np.ndarray:
    """The part of (H, W) that whole blocks cover, from the top left, as float64."""
    height, width = (side // BLOCK * BLOCK for side in luma.shape)
    return np.ascontiguousarray(luma[:height, :width], dtype=np.float64)


def features(luma: np.ndarray) -> np.ndarray:
    """The 36 features of every 96x96 block of a picture, 18 at full size and 18 at half size (section 2 of the paper).

    Args:
        luma: (H, W), whole numbers 0..255; what is left over beyond whole blocks at the right and bottom is not looked at.

    Returns:
        float64 (blocks, 36), no rows where a side is below 96. NaN where a flat block has no such feature; its shapes are 0.2.
    """
    luma = _whole_blocks(luma)
    if not luma.size:
        return np.empty((0, FEATURES))
    full, half = _normalise(luma)[0], _normalise(_halve(luma))[0]
    return np.hstack([_block_features(full, BLOCK), _block_features(half, BLOCK // 2)])


def _mean_and_covariance(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of what each column has, and covariance (N - 1) of the rows that are whole, as the release does.

    `rows` are (blocks, 36), at least two of them whole.
    """
    whole = rows[~np.isnan(rows).any(axis=1)]
    return np.nanmean(rows, axis=0), np.cov(whole, rowvar=False)


def _whole_rows(rows: np.ndarray) -> int:
    return int((~np.isnan(rows).any(axis=1)).sum())


def why_not(height: int, width: int) -> str:
    """Why NIQE cannot be computed on a picture of this size, its border already cut: one sentence, empty where it can."""
    if (height // BLOCK) * (width // BLOCK) >= LEAST_BLOCKS:
        return ""
    return f"NIQE needs two blocks of {BLOCK}x{BLOCK} pixels; the measured part of the picture is {width}x{height}."


def niqe(luma: np.ndarray, model: NiqeModel) -> float:
    """NIQE (eq. 10): the distance between the picture's features and the model's, no block left out; lower is better.

    With few blocks it is biased upwards: below ten, pictures of one size alone are comparable.

    Args:
        luma: (H, W), whole numbers 0..255, the border already cut: grey for the authors' protocol, studio-range Y for PIRM's.
        model: of undistorted pictures.

    Raises:
        NiqeError: the picture is too small, or flat but for less than two blocks.
    """
    reason = why_not(*luma.shape)
    if reason:
        raise NiqeError(reason)
    return distance(features(luma), model)


def distance(rows: np.ndarray, model: NiqeModel) -> float:
    """The same from a picture's features, (blocks, 36).

    Raises:
        NiqeError: the picture is flat but for less than two blocks.
    """
    if _whole_rows(rows) < LEAST_BLOCKS:
        raise NiqeError(f"NIQE needs texture in two blocks of {BLOCK}x{BLOCK} pixels; the picture is flat in nearly all of them.")
    mean, covariance = _mean_and_covariance(rows)
    apart = model.mean - mean
    return float(np.sqrt(apart @ np.linalg.pinv((model.covariance + covariance) / 2) @ apart))


def caveat(rows: np.ndarray) -> str:
    """What makes the value of such features, (blocks, 36), uncertain, in a few words; empty where nothing does."""
    flat = len(rows) - _whole_rows(rows)
    told = []
    if len(rows) < FEW_BLOCKS:
        told.append(f"only {len(rows)} blocks of {BLOCK}x{BLOCK}: comparable among pictures of one size alone")
    if flat:
        told.append(f"{flat} of {len(rows)} blocks are flat")
    return "; ".join(told)


def fit(lumas: Iterable[np.ndarray], least_sharpness: float = 0.75) -> tuple[np.ndarray, np.ndarray, int]:
    """Fit a model to undistorted pictures (section 2.3 of the paper): the sharpest blocks of each, all in one Gaussian.

    Args:
        lumas: (H, W) each, grey, whole numbers 0..255; those with a side below 96 add nothing.
        least_sharpness: blocks whose mean local contrast is above this share of their picture's sharpest are used.

    Returns:
        Mean (36,), covariance (36, 36), and how many blocks they are made of.

    Raises:
        NiqeError: there are too few blocks for a covariance of 36 features.
    """
    kept = [np.empty((0, FEATURES))]
    for luma in lumas:
        rows = features(luma)
        if len(rows):
            contrast = _normalise(_whole_blocks(luma))[1]
            sharpness = _blocks(contrast, BLOCK).mean(axis=(1, 2))
            kept.append(rows[sharpness > least_sharpness * sharpness.max()])
    rows = np.vstack(kept)
    if _whole_rows(rows) <= FEATURES:
        raise NiqeError(
            f"a NIQE model needs more than {FEATURES} sharp blocks of {BLOCK}x{BLOCK} pixels, and these pictures have "
            f"{_whole_rows(rows)}: give more or larger ones."
        )
    return *_mean_and_covariance(rows), len(rows)


def read_official(path: str | Path) -> NiqeModel:
    """The authors' model, from modelparameters.mat of their release (mu_prisparam and cov_prisparam).

    Raises:
        NiqeError: the file is missing, damaged, or another one.
    """
    from scipy.io import loadmat

    path = Path(path)
    try:
        content = loadmat(path)
        mean, covariance = content["mu_prisparam"], content["cov_prisparam"]
    except FileNotFoundError:
        raise NiqeError(f"there is no file {path}.") from None
    except Exception as problem:  # damaged files make scipy raise nearly anything
        raise NiqeError(f"{path.name} is not the NIQE release's modelparameters.mat, or damaged: fetch it again.") from problem
    return _model(mean, covariance, "official", path)


def read_lab(path: str | Path) -> NiqeModel:
    """A model fitted here, from safetensors with `mean` and `covariance`.

    Raises:
        NiqeError: the file is missing, damaged, or another one.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = Path(path)
    try:
        content = load_file(path)
        mean, covariance = content["mean"], content["covariance"]
    except FileNotFoundError:
        raise NiqeError(f"there is no file {path}.") from None
    except (SafetensorError, KeyError, OSError) as problem:
        raise NiqeError(
            f"{path.name} is not a NIQE model, or damaged: restore it, or fit one with `python -m lab metrics fit-niqe`."
        ) from problem
    return _model(mean, covariance, "lab", path)


def _model(mean: np.ndarray, covariance: np.ndarray, variant: str, path: Path) -> NiqeModel:
    """The model of a file's two arrays, once they are seen to be what they should."""
    arrays = (np.asarray(mean), np.asarray(covariance))
    shapes = (arrays[0].size, arrays[1].shape)
    if shapes != (FEATURES, (FEATURES, FEATURES)) or not all(a.dtype.kind == "f" and np.isfinite(a).all() for a in arrays):
        raise NiqeError(
            f"{path.name} holds no NIQE model: it takes a mean of {FEATURES} numbers and a {FEATURES}x{FEATURES} covariance."
        )
    mean, covariance = (np.asarray(a, dtype=np.float64) for a in arrays)
    if not np.allclose(covariance, covariance.T) or np.linalg.eigvalsh(covariance)[0] < 0:
        raise NiqeError(f"{path.name} holds no NIQE model: its covariance is none.")
    return NiqeModel(mean.reshape(FEATURES), covariance, variant, f"{path.name}, {sha256(path)[:12]}")
