"""The ablation's figures as `python -m lab ablation --ship` left them for the page: `assets/paper/ablation.json`."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import methods
from lab.digests import sha256

FOLDER = Path(__file__).resolve().parent.parent.parent / "assets" / "paper"
NAME = "ablation.json"
INPUT = "input"
"""The row of the blurred picture itself."""
CLOSEUPS = "figures/closeups.webp"
"""The paper's Figure 5, drawn anew: its place in the folder. The page takes Figure 4's six panels from the gallery."""

Rows = dict[str, dict[str, float | None]]
"""Method, or `input` -> metric -> mean over all pictures; None where there is none."""


@dataclass(frozen=True)
class Stored:
    """What the file holds."""

    about: dict[str, Any]
    """All of it; see `lab.ablation.measuring.measure`."""
    folder: Path
    """Where it lies."""

    @property
    def command(self) -> str:
        """What wrote the file."""
        return self.about["command"]

    @property
    def pictures(self) -> dict[str, Any]:
        """{"folder": name, "count": how many}."""
        return self.about["pictures"]

    @property
    def convention(self) -> str:
        """`rgb`: all channels of the whole picture."""
        return self.about["convention"]

    @property
    def conditions(self) -> dict[str, Rows]:
        """Text form of a degradation -> rows; the first is the blur, the second x4-bicubic."""
        return self.about["conditions"]

    @property
    def variants(self) -> dict[str, str]:
        """Metric -> "official" or "lab" where it runs on a model, else empty."""
        return self.about["variants"]

    @property
    def checkpoints(self) -> dict[str, str]:
        """Method -> SHA-256 of the weights file that was measured."""
        return self.about["checkpoints"]

    @property
    def paper(self) -> dict[str, dict[str, float]]:
        """Method -> "psnr" and "ssim" -> the paper's figure."""
        return self.about["paper"]

    @property
    def closeups(self) -> Path | None:
        """The file of CLOSEUPS; None where there is none."""
        path = self.folder / CLOSEUPS
        return path if path.is_file() else None


def is_current(checkpoints: Mapping[str, str], method: str) -> bool:
    """Whether a method's shipped weights are those a stored file was made with.

    Args:
        checkpoints: the file's: method -> SHA-256.
        method: key of the catalogue.

    Raises:
        UnknownMethodError: a key that is not in the catalogue.
    """
    path = methods.checkpoint(method)
    return path is not None and checkpoints.get(method) == sha256(path)


def are_means(rows: Iterable[Any]) -> bool:
    """Whether rows of a stored file are metric -> number, or None where nothing was measured."""
    return all(
        isinstance(row, dict) and all(value is None or isinstance(value, int | float) for value in row.values()) for row in rows
    )


def json_bytes(about: Mapping[str, Any]) -> bytes:
    """The file of a JSON object, as all of those under assets/paper are."""
    return (json.dumps(about, indent=1, ensure_ascii=False) + "\n").encode()


def put(contents: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write files into a folder, one after the other; folders on the way are made. A running page finds whole files alone.

    Args:
        contents: place in the folder -> what the file holds.
        folder: where.

    Returns:
        Their paths.

    Raises:
        OSError: they cannot be written.
    """
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_bytes(content)
        part.replace(path)
    return [folder / name for name in contents]


def read(folder: Path | None = None) -> Stored | None:
    """What is stored in a folder, assets/paper where none is given; None where there is nothing, or nothing that can be read."""
    place = folder or FOLDER
    try:
        stored = Stored(json.loads((place / NAME).read_text(encoding="utf-8")), place)
        tables = (stored.pictures, stored.variants, stored.checkpoints, *stored.paper.values())
        rows = [row for condition in stored.conditions.values() for row in condition.values()]
        whole = isinstance(stored.command, str) and all(isinstance(one, dict) for one in tables) and are_means(rows)
        whole = whole and all(isinstance(value, int | float) for row in stored.paper.values() for value in row.values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return stored if whole and stored.convention else None
