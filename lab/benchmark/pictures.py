"""The sharp pictures of a benchmark: those of one folder, or of several sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"}


class BenchmarkError(LabError):
    """A benchmark that cannot be run; its text is the sentence to show."""


@dataclass(frozen=True)
class Sharp:
    """One sharp picture."""

    set: str
    """The name of its folder."""
    name: str
    """The name of its file."""
    path: Path
    place: int
    """Its place in its folder, by name, from 0: the same whichever others of the folder are measured."""


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder, sorted by name.

    Raises:
        BenchmarkError: no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise BenchmarkError(f"there is no folder '{folder}'.")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
    if not found:
        raise BenchmarkError(f"there are no pictures in '{folder}': PNG, JPEG, WebP, BMP, TIFF and GIF files are read.")
    return found


def collect(folders: Sequence[Path], at_most: int | None = None) -> list[Sharp]:
    """The pictures of all folders, in their order.

    Args:
        folders: each a set.
        at_most: how many of each folder, spread evenly over it; all where None, or where it has no more.

    Raises:
        BenchmarkError: a folder is not there or empty, or two have the same name, under which their means would be one; or
            fewer than one picture is asked for.
    """
    if at_most is not None and at_most < 1:
        raise BenchmarkError(f"a benchmark needs at least one picture, not {at_most}.")
    found: dict[str, list[Sharp]] = {}
    for folder in folders:
        name = folder.resolve().name
        if name in found:
            raise BenchmarkError(f"two folders are called '{name}': give each set once, and each a name of its own.")
        pictures = [Sharp(name, path.name, path, place) for place, path in enumerate(pictures_in(folder))]
        count = min(at_most or len(pictures), len(pictures))
        found[name] = [pictures[i * len(pictures) // count] for i in range(count)]
    return [picture for pictures in found.values() for picture in pictures]
