"""Options that several commands share, and how their words are understood."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.program import UsageError
from lab.methods import METHODS, SEVEN, find
from lab.metrics.catalogue import EVERY_METRIC, FIGURES_OF_MERIT

DEFAULT_METHODS = ",".join(SEVEN)
DEFAULT_METRICS = ",".join(FIGURES_OF_MERIT)


class Device(StrEnum):
    """Where networks run."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Convention(StrEnum):
    """How pictures are measured."""

    sr = "sr"
    rgb = "rgb"


class Output(StrEnum):
    """The size of results for a picture that came blurred."""

    same = "same"
    x4 = "x4"


MethodsOption = Annotated[str, typer.Option(help="Comma-separated keys, or all.")]
METRICS_HELP = f"Comma-separated: {', '.join(EVERY_METRIC)}; or all."
MetricsOption = Annotated[str, typer.Option(help=METRICS_HELP)]
WeightsOption = Annotated[list[str] | None, typer.Option(help="METHOD=FILE, to use other weights than the shipped ones.")]
ConventionOption = Annotated[Convention, typer.Option(help="sr: luma, border 4. rgb: all channels, no border.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON in place of text.")]


def chosen_methods(text: str) -> list[str]:
    """Keys in display order from `a,b` or `all`."""
    if text == "all":
        return list(METHODS)
    keys = [find(key.strip()).key for key in text.split(",") if key.strip()]
    if not keys:
        raise UsageError("no methods are named: give --methods a,b or --methods all.")
    return [key for key in METHODS if key in keys]


def chosen_metrics(text: str) -> list[str]:
    """Metric keys, in the order they are named, from `a,b` or `all`."""
    keys = list(EVERY_METRIC) if text == "all" else list(dict.fromkeys(key.strip() for key in text.split(",") if key.strip()))
    for key in keys:
        if key not in EVERY_METRIC:
            raise UsageError(f"unknown metric '{key}': choose from {', '.join(EVERY_METRIC)}.")
    if not keys:
        raise UsageError("no metrics are named: give --metrics a,b or --metrics all.")
    return keys


def own_weights(entries: list[str] | None, keys: list[str]) -> dict[str, Path]:
    """METHOD=FILE entries as a mapping; each method must be among `keys`, those that run."""
    result = {}
    for entry in entries or []:
        key, _, file = entry.partition("=")
        if not file:
            raise UsageError(f"'{entry}' is not METHOD=FILE, as in esrgan=RRDB_ESRGAN_x4.pth.")
        if key not in keys:
            raise UsageError(f"--weights names {key}, which is not among --methods: add it there.")
        result[key] = Path(file)
    return result


def chosen_crop(text: str | None, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """x, y, w, h in output pixels from `x,y,w,h`; a quarter of the sides in the middle where none is given."""
    height, width = size
    if text is None:
        w, h = max(width // 4, 16), max(height // 4, 16)
        return (width - w) // 2, (height - h) // 2, w, h
    try:
        x, y, w, h = (int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--crop '{text}' is not x,y,w,h in whole pixels, as in 120,80,64,64.") from None
    if w < 1 or h < 1 or x < 0 or y < 0 or x + w > width or y + h > height:
        raise UsageError(f"--crop {text} does not lie in the {width}x{height} result.")
    return x, y, w, h
