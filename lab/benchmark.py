"""A folder of sharp pictures, methods and a degradation: mean figures of merit, as papers report them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.compare import SCALE, Failed, Finished, compare, input_figures, prepare
from lab.degrade import Degradation
from lab.errors import LabError
from lab.images import PictureError, read_picture
from lab.metrics.models import Models, current

ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"}


class BenchmarkError(LabError):
    """A benchmark that cannot be run; its text is the sentence to show."""


@dataclass(frozen=True)
class Scored:
    """The figures of one picture."""

    picture: str
    values: dict[str, dict[str, float | None]]
    """Method (or `input`) -> metric -> value; None where it cannot be computed."""
    failures: dict[str, str] = field(default_factory=dict)
    """Method -> why it has no figures."""


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder, sorted by name.

    Raises:
        BenchmarkError: no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise BenchmarkError(f"there is no folder '{folder}'.")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
    if not found:
        raise BenchmarkError(f"there are no pictures in '{folder}': PNG, JPEG, WebP, BMP and TIFF files are read.")
    return found


def score(
    folder: Path,
    methods: Sequence[str],
    degradation: Degradation,
    metrics: Sequence[str] = ("psnr", "ssim"),
    convention: str = "sr",
    weights: dict[str, Path] | None = None,
    device: str = "auto",
    models: Models | None = None,
) -> Iterator[Scored]:
    """Score every method on every picture of a folder, one picture at a time.

    As the super-resolution papers do, a picture is first cropped to multiples of 4 (at its right and bottom).

    Args:
        folder: of sharp pictures.
        methods: keys of the catalogue.
        degradation: done to every picture.
        metrics: keys of lab.metrics.METRICS; all but PSNR, SSIM and GMSD take longer than a small network does.
        convention: `sr` (luma, border 4) or `rgb` (all channels, no border).
        weights: weights files in place of the shipped ones, by method.
        device: auto, cpu or cuda.
        models: what NIQE, Ma and LPIPS run on, for all pictures; what there is at the start where None is given.

    Yields:
        The figures of one picture, with the row `input` for the degraded picture itself (None for x4-bicubic).

    Raises:
        BenchmarkError: no pictures.
        PictureError: a file that cannot be read, named.
    """
    models = models or current()
    for path in pictures_in(folder):
        try:
            picture = read_picture(path)
        except PictureError as error:
            raise PictureError(f"{path.name}: {error}") from None
        picture = picture[: picture.shape[0] // SCALE * SCALE, : picture.shape[1] // SCALE * SCALE]
        prepared = prepare(picture, degradation)
        of_input = input_figures(prepared, metrics, convention, models)
        values = {"input": {key: figure.value for key, figure in of_input.items()}}
        failures = {}
        for event in compare(prepared, methods, metrics, convention, weights, device, models=models):
            if isinstance(event, Finished):
                values[event.method] = {key: figure.value for key, figure in event.metrics.items()}
            elif isinstance(event, Failed):
                failures[event.method] = event.reason
        yield Scored(path.name, values, failures)


def mean(scored: Sequence[Scored]) -> dict[str, dict[str, float | None]]:
    """Method -> metric -> mean over all pictures; None where any picture has no finite value."""
    methods = {name: None for one in scored for name in one.values}
    result = {}
    for name in methods:
        rows = [one.values.get(name, {}) for one in scored]
        keys = {key: None for row in rows for key in row}
        result[name] = {}
        for key in keys:
            column = [row.get(key) for row in rows]
            whole = all(value is not None and math.isfinite(value) for value in column)
            result[name][key] = sum(column) / len(column) if whole else None
    return result
