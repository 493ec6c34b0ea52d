"""Tapes: what a network made of the same held-out crops at moments of its training, and the curves of that training.

`assets/tapes/NAME/` holds `tape.json` (the moments, and what the run was), `curves.csv` (the run's losses.csv, thinned) and one
strip of crops a moment, STEP.webp, without loss; `sharp.webp` and `given.webp` are the originals and what the network was given,
where the run kept them. A run's own folder holds 8 crops of 192 pixels a moment in PNG, ten times as much.
"""

import csv
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lab.errors import LabError

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "tapes"
CROPS = 3
SIDE = 128
"""Pixels of a crop's side."""
ENDS = ("sharp", "given")
"""Strips beside the moments: the originals, and what the network was given."""

ABOUT = {"name", "stage", "steps", "minutes", "checkpoint_sha256"}
"""What tape.json says at least of its run, besides the moments."""


def size_of(strip: Path) -> tuple[int, int]:
    """Width and height of a picture's file; an OSError where it is none."""
    from PIL import Image

    with Image.open(strip) as image:
        return image.size


class TapeError(LabError):
    """Runs or tapes that no tape can be made of; its text is the sentence to show."""


@dataclass(frozen=True)
class Moment:
    """One moment of a training."""

    step: int
    seconds: float
    psnr: float | None
    """Of the held-out crops, in dB."""
    sharpness: float | None
    """Mean gradient magnitude of the results over that of the originals."""


@dataclass(frozen=True)
class Tape:
    """A shipped tape."""

    folder: Path
    about: dict[str, Any]
    """tape.json: see `lab.train.tape_shipping.ship_tape`."""

    @property
    def moments(self) -> list[Moment]:
        """In order of their steps."""
        return [Moment(**one) for one in self.about["moments"]]

    def strip(self, name: str | int) -> Path | None:
        """The file of a moment's step, or of one of ENDS; None where there is none."""
        path = self.folder / f"{name}.webp"
        return path if path.is_file() else None

    @cached_property
    def curves(self) -> dict[str, list[tuple[int, float]]]:
        """(step, value) of every figure, by its name in losses.csv."""
        with (self.folder / "curves.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        names = [name for name in (rows[0] if rows else {}) if name not in ("step", "seconds")]
        return {name: [(int(row["step"]), float(row[name])) for row in rows if row[name]] for name in names}


def read(name: str, folder: Path | None = None) -> Tape | None:
    """The tape of a method; None where there is none, or none that can be read."""
    place = (folder or FOLDER) / name
    try:
        about = json.loads((place / "tape.json").read_text(encoding="utf-8"))
        tape = Tape(place, about)
        sizes = {size_of(place / f"{moment.step}.webp") for moment in tape.moments}
        whole = len(sizes) == 1 and bool(tape.curves) and about.keys() >= ABOUT
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return None
    return tape if whole else None


def crops_of(strip: np.ndarray) -> list[np.ndarray]:
    """The square crops of a strip, uint8 (S, N*S, 3), cut to their middle SIDE pixels."""
    side = strip.shape[0]
    cut = min(SIDE, side)
    top = (side - cut) // 2
    return [strip[top : top + cut, x + top : x + top + cut] for x in range(0, strip.shape[1] - side + 1, side)]
