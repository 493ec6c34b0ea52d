"""The loss ablation's files, which `python -m lab ablation-losses --ship` leaves for the page: losses.json, losses.webp."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.ablation.stored import FOLDER, are_means, json_bytes, put

NAME = "losses.json"
STRIP = "losses.webp"


@dataclass(frozen=True)
class StoredLosses:
    """What the file holds."""

    about: dict[str, Any]
    """All of it: "command", and what `lab.ablation.losses.measure` gives."""
    strip: Path | None
    """The picture beside it: blurred, five results, sharp; one row a spot. None where it is not there."""

    @property
    def command(self) -> str:
        """What wrote the file."""
        return self.about["command"]

    @property
    def rows(self) -> list[tuple[str, dict[str, float | None]]]:
        """(label, metric -> mean) of the blurred pictures themselves, then of every stage, in order."""
        (rows,) = self.about["conditions"].values()
        labels = {name: stage["label"] for name, stage in self.about["stages"].items()}
        return [(labels.get(name, name), row) for name, row in rows.items()]

    @property
    def blur(self) -> str:
        """The text form of what blurred the pictures."""
        (blur,) = self.about["conditions"]
        return blur

    @property
    def steps(self) -> int:
        """How long each was trained."""
        return self.about["training"]["steps"]


def read(folder: Path | None = None) -> StoredLosses | None:
    """What is stored in a folder, assets/paper where none is given; None where there is nothing, or nothing that can be read."""
    place = folder or FOLDER
    try:
        strip = place / STRIP
        stored = StoredLosses(json.loads((place / NAME).read_text(encoding="utf-8")), strip if strip.is_file() else None)
        whole = isinstance(stored.command, str) and isinstance(stored.steps, int) and isinstance(stored.blur, str)
        whole = whole and isinstance(stored.about["variants"], dict)
        return stored if whole and are_means(row for _, row in stored.rows) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write(about: Mapping[str, Any], strip: bytes, folder: Path) -> None:
    """Write both files into a folder, which is made if it is not there.

    Args:
        about: see `StoredLosses.about`.
        strip: what becomes losses.webp.
        folder: where.

    Raises:
        OSError: they cannot be written.
    """
    put({STRIP: strip, NAME: json_bytes(about)}, folder)
