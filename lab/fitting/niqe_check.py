"""Does NIQE rank pictures with the lab's model as it does with the authors'? Spearman's rank correlation on a graded set."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from lab.benchmark import pictures_in
from lab.degrade import Degradation, degrade, round_to_8_bits
from lab.errors import LabError
from lab.fitting.orderings import NO_BLUR
from lab.fitting.verdict import Verdict
from lab.images import read_named, to_picture, to_tensor
from lab.metrics.channels import eight_bit_luma
from lab.metrics.niqe import NiqeError, NiqeModel, niqe, why_not
from lab.resize import downscale, resize

LEVELS: dict[str, tuple[float, ...]] = {
    "sharp": (0,),
    "blur": (0.6, 1.0, 1.6, 2.4, 4.0),
    "noise": (2, 5, 10, 18, 30),
    "jpeg": (70, 40, 25, 15, 8),
    "small": (2, 3, 4),
}
"""How far the pictures are graded: Gaussian blur's sigma in pixels; the noise's standard deviation in 8-bit steps; JPEG quality;
and the factor by which a picture is shrunk and enlarged again, both bicubic."""
MULTIPLE = 12  # sides that every factor divides
LEAST_SPEARMAN = 0.9
"""How alike the two models must rank the graded set."""


class CheckError(LabError):
    """A check that cannot be made; its text is the sentence to show."""


@dataclass(frozen=True)
class Graded:
    """One picture of the graded set and its values."""

    picture: str
    """The sharp original's file."""
    distortion: str
    """A key of LEVELS."""
    level: float
    official: float
    """NIQE with the authors' model."""
    lab: float
    """NIQE with the lab's."""


@dataclass(frozen=True)
class Agreement:
    """How alike two models rank the graded set."""

    spearman: float
    """Over the whole set: 1 where both rank it alike."""
    within: dict[str, float]
    """Distortion -> the same over its pictures alone."""
    means: dict[tuple[str, float], tuple[float, float]]
    """(distortion, level) -> mean NIQE with the authors' model and with the lab's."""
    values: int
    """How many pictures the set holds, all levels counted."""
    left_out: int
    """How many of the set are too flat for NIQE and so were left out."""


def distorted(x: Tensor, distortion: str, level: float, seed: int = 0) -> Tensor:
    """One level of one distortion: (1, 3, H, W) in [0, 1], sides multiples of 12, to the same, rounded to 8 bits.

    `distortion` and `level` are as in LEVELS; the noise is drawn from `seed`.
    """
    match distortion:
        case "blur":
            return degrade(x, Degradation("gaussian", level))
        case "noise":
            return degrade(x, Degradation("gaussian", NO_BLUR, noise=level, seed=seed))
        case "jpeg":
            return degrade(x, Degradation("gaussian", NO_BLUR, jpeg=int(level)))
        case "small":
            return round_to_8_bits(resize(round_to_8_bits(downscale(x, int(level))), x.shape[-2:]))
    return x


def _sharp_pictures(folders: Sequence[Path], count: int) -> list[Path]:
    """`count` pictures, as even as can be from all folders and at even distances inside each."""
    chosen = []
    for place, folder in enumerate(folders):
        paths = pictures_in(Path(folder))
        share = min((count - len(chosen)) // (len(folders) - place), len(paths))
        chosen += [paths[int((i + 0.5) * len(paths) / share)] for i in range(share)]
    return chosen


def graded(
    folders: Sequence[Path],
    official: NiqeModel,
    lab: NiqeModel,
    count: int = 20,
    convention: str = "sr",
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Iterator[Graded | None]:
    """Grade sharp pictures in blur, noise, JPEG and shrinking, and give every one its NIQE with two models.

    Args:
        folders: of sharp pictures, from which `count` are chosen evenly; the noise on number i is drawn from seed i.
        official, lab: the authors' model and the lab's.
        count: how many sharp pictures are used; each makes 19 of the set.
        convention: "sr" or "rgb", see lab.metrics.channels.eight_bit_luma.
        progress: told how many sharp pictures are done, of how many.

    Yields:
        Each picture of the set; None for one that is too flat for NIQE.

    Raises:
        BenchmarkError: a folder that is not there, or without pictures.
        PictureError: a file that cannot be read, named.
        CheckError: a picture too small for NIQE, named.
    """
    paths = _sharp_pictures(folders, count)
    for done, path in enumerate(paths):
        progress(done, len(paths))
        picture = read_named(path)
        height, width = (side // MULTIPLE * MULTIPLE for side in picture.shape[:2])
        sharp = to_tensor(picture[:height, :width])
        reason = why_not(*eight_bit_luma(picture[:height, :width], convention).shape)
        if reason:
            raise CheckError(f"{path.name}: {reason} Leave it out, or give larger pictures.")
        for distortion, levels in LEVELS.items():
            for level in levels:
                seen = eight_bit_luma(to_picture(distorted(sharp, distortion, level, seed=done)), convention)
                try:
                    yield Graded(path.name, distortion, level, niqe(seen, official), niqe(seen, lab))
                except NiqeError:
                    yield None
    progress(len(paths), len(paths))


def agreement(entries: Sequence[Graded | None]) -> Agreement:
    """How alike the two models rank a graded set.

    Raises:
        CheckError: fewer than three pictures have values, so that there is no ranking to speak of.
    """
    from scipy.stats import spearmanr

    found = [entry for entry in entries if entry is not None]
    if len(found) < 3:
        raise CheckError("a ranking needs at least three pictures with values: give more, or less flat ones.")

    def correlation(some: Sequence[Graded]) -> float:
        return float(spearmanr([one.official for one in some], [one.lab for one in some]).statistic)

    within, means = {}, {}
    for distortion, levels in LEVELS.items():
        of_kind = [one for one in found if one.distortion == distortion]
        if len(of_kind) >= 3:
            within[distortion] = correlation(of_kind)
        for level in levels:
            both = [(one.official, one.lab) for one in of_kind if one.level == level]
            if both:
                first, second = np.mean(both, axis=0)
                means[distortion, level] = (float(first), float(second))
    return Agreement(correlation(found), within, means, len(found), len(entries) - len(found))


def verdict(found: Agreement) -> Verdict:
    """What should hold: the lab's model ranks the graded set as the authors' does."""
    text = f"NIQE-lab ranks a graded set like official NIQE, Spearman at least {LEAST_SPEARMAN:g}: {found.spearman:.3f}"
    return Verdict(text, found.spearman >= LEAST_SPEARMAN)
