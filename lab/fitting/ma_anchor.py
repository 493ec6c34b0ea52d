"""Ma-lab's scale: what published tables say of bicubic enlargement."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lab.benchmark import pictures_in
from lab.classical import bicubic
from lab.degrade import Degradation, degrade
from lab.images import read_named, to_picture, to_tensor
from lab.metrics.channels import eight_bit_luma
from lab.metrics.niqe import NiqeModel, niqe

PUBLISHED_PI = {"Set5": 7.3699, "Set14": 7.0268, "BSD100": 7.0026}
"""Mean PI of bicubic enlargement x4, from the README of SPSR (Ma et al., CVPR 2020)."""
TOP = 10.0
"""The score that stays where it is when the scale is stretched: the original's."""


@dataclass(frozen=True)
class Anchor:
    """One benchmark set."""

    published_ma: float
    """Bicubic's mean Ma: 10 - (2 PI - NIQE), PI as published, NIQE measured with the authors' parameters."""
    niqe: float
    """The measured NIQE."""
    scored: float
    """Bicubic's mean score before the scale is stretched."""


def enlarged_by_bicubic(path: Path) -> np.ndarray:
    """A benchmark picture, cropped to multiples of 4 as the papers do, shrunk to a quarter and enlarged again: uint8."""
    picture = read_named(path)
    picture = picture[: picture.shape[0] // 4 * 4, : picture.shape[1] // 4 * 4]
    return to_picture(bicubic(degrade(to_tensor(picture), Degradation("x4-bicubic")), 4))


def anchors(
    benchmark: Path, official: NiqeModel, scorer: Callable[[np.ndarray], float], progress: Callable[[int, int], None]
) -> dict[str, Anchor]:
    """Measure bicubic enlargement on every set of PUBLISHED_PI.

    Args:
        benchmark: the folder with the sets' folders.
        official: NIQE with the authors' parameters.
        scorer: scores what Ma sees of a picture, float64 (H, W).
        progress: told how many pictures are done, of how many.

    Raises:
        BenchmarkError: a set's folder is missing or empty.
        PictureError: a file that cannot be read, named.
    """
    paths = {name: pictures_in(benchmark / name) for name in PUBLISHED_PI}
    count, done, found = sum(map(len, paths.values())), 0, {}
    for name, own in paths.items():
        values = []
        for path in own:
            progress(done, count)
            luma = eight_bit_luma(enlarged_by_bicubic(path), "sr")
            values.append((niqe(luma, official), scorer(luma)))
            done += 1
        mean_niqe, mean_score = (float(mean) for mean in np.mean(values, axis=0))
        found[name] = Anchor(10 - (2 * PUBLISHED_PI[name] - mean_niqe), mean_niqe, mean_score)
    progress(count, count)
    return found


def stretch(found: dict[str, Anchor]) -> float:
    """The factor k of score -> 10 - k (10 - score) that brings bicubic's mean over the sets to the published one."""
    published = np.mean([anchor.published_ma for anchor in found.values()])
    scored = np.mean([anchor.scored for anchor in found.values()])
    return float((TOP - published) / (TOP - scored))


def stretched(linear: np.ndarray, factor: float) -> np.ndarray:
    """The weights that join the forests, with the scale stretched by `stretch`'s factor: float64 (4,)."""
    result = factor * np.asarray(linear, np.float64)
    result[0] += TOP * (1 - factor)
    return result
