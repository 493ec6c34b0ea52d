"""Scores without people: what several metrics that see the original agree on, in the manner of BLISS (Ye, Kumar, Kang, Doermann,
"Beyond human opinion scores: blind image quality assessment based on synthetic scores", CVPR 2014)."""

from collections.abc import Mapping

import numpy as np

WEIGHTS = {"lpips": 0.40, "texture": 0.25, "gmsd": 0.15, "ms-ssim": 0.10, "ssim": 0.10}
"""How much each metric's ranking counts. LPIPS and the texture distance, which forgive texture in the wrong phase, outweigh the
others, which prefer a smooth result to it; people do not."""
HIGHER_IS_BETTER = {"lpips": False, "texture": False, "gmsd": False, "ms-ssim": True, "ssim": True}
_FINE, _AROUND = 1.0, 3.0  # sigma in pixels of what counts as coarse, and of the neighbourhood
_FLOOR = 1.0  # grey levels; differences in finer texture than this are not seen


def _texture(luma: np.ndarray) -> np.ndarray:
    """The local strength of fine detail, in grey levels: (H, W) -> (H, W)."""
    import cv2

    luma = luma.astype(np.float64)
    fine = luma - cv2.GaussianBlur(luma, (0, 0), _FINE)
    return np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), _AROUND))


def texture_distance(result: np.ndarray, reference: np.ndarray) -> float:
    """How unlike the strengths of fine detail are, place by place: mean |log2((t + 1) / (t_reference + 1))|; 0 is identical.

    Detail that is missing counts as detail that is too much or in the wrong place; whether it lies exactly as in the original
    does not count.

    Args:
        result, reference: luma (H, W) of one shape on the scale of 0..255.
    """
    ratio = (_texture(result) + _FLOOR) / (_texture(reference) + _FLOOR)
    return float(np.abs(np.log2(ratio)).mean())


def _percentiles(values: np.ndarray) -> np.ndarray:
    """The rank of each number among all, from 0 for the lowest to 1 for the highest, equal ones in the middle of theirs."""
    from scipy.stats import rankdata

    return (rankdata(values) - 1) / max(len(values) - 1, 1)


def consensus(figures: Mapping[str, np.ndarray], picture: np.ndarray) -> np.ndarray:
    """One score a version, 0..10, higher is better.

    Every metric ranks all versions of all pictures, and again the versions of each picture among themselves; the score is ten
    times the weighted mean of these percentiles, both kinds counting alike. The first tells how strong a distortion is, the
    second is fair to pictures on which all distortions look weak. Originals come out at 10, or nearly.

    Args:
        figures: metric -> (n,) values; metrics of WEIGHTS that are not among them are left out, and the others count for more.
        picture: (n,) whole numbers, which picture each is a version of.
    """
    total, scores = 0.0, np.zeros(len(picture))
    for key, values in figures.items():
        oriented = values if HIGHER_IS_BETTER[key] else -values
        among = np.empty(len(oriented))
        for one in np.unique(picture):
            own = picture == one
            among[own] = _percentiles(oriented[own])
        scores += WEIGHTS[key] * (_percentiles(oriented) + among) / 2
        total += WEIGHTS[key]
    return 10 * scores / total
