"""The picture files of a folder, or of a pack: one zip file with pictures in it.

A picture is known by its path inside, with forward slashes, so that a pack and the folder it was made of are read alike.
"""

import os
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from lab.errors import LabError

ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}
SMALL_VERSIONS = re.compile(r"(DIV2K|Flickr2K)\w*_LR\w*")
"""Folders of shrunk copies that come with two data sets: there is nothing sharp in them to learn from."""


class DataError(LabError):
    """Pictures that cannot be trained on; its text is the sentence to show."""


@dataclass(frozen=True)
class Collection:
    """Picture files under one roof."""

    label: str
    """For the card: the folder's or the file's own name."""
    names: list[str]
    """Paths inside, sorted folder by folder."""
    open: Callable[[str], BinaryIO]
    size: Callable[[str], int]
    """Bytes of a file."""


def folder_collection(folder: Path) -> Collection:
    """All picture files in a folder and the folders in it, links to folders included.

    Raises:
        DataError: no such folder, or no pictures in it.
    """
    if not folder.is_dir():
        raise DataError(f"there is no folder '{folder}': give one with pictures.")
    return Collection(
        label=folder.resolve().name,
        names=_picture_names(_files(folder), folder),
        open=lambda name: (folder / name).open("rb"),
        size=lambda name: (folder / name).stat().st_size,
    )


def pack_collection(file: Path) -> Collection:
    """All picture files in a zip file, such as `python -m lab pack` makes.

    Raises:
        DataError: the file is no zip file, or there are no pictures in it.
    """
    try:
        pack = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError):
        if _begins_as_zip(file):
            raise DataError(f"'{file}' is a pack that is cut off or damaged: copy it again, or make it anew.") from None
        raise DataError(f"'{file}' is neither a folder of pictures nor a pack made by `python -m lab pack`.") from None
    return Collection(
        label=file.stem,
        names=_picture_names(pack.namelist(), file),
        open=pack.open,
        size=lambda name: pack.getinfo(name).file_size,
    )


def _files(folder: Path) -> Iterator[str]:
    """Paths of all files in a folder; a folder that links lead to twice, or back to, is gone through once."""
    seen = set()
    for here, folders, files in os.walk(folder, followlinks=True):
        folders.sort()
        if (real := os.path.realpath(here)) in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(here, name).relative_to(folder).as_posix() for name in files)


def _begins_as_zip(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(4) == b"PK\x03\x04"
    except OSError:
        return False


def in_folder(name: str, folder: str) -> bool:
    """Whether one of the folders on the way to a picture has this name."""
    return folder in PurePosixPath(name).parts[:-1]


def spread(items: Iterable, count: int) -> list:
    """`count` of the items at even distances, or all where there are no more."""
    items = list(items)
    return items if len(items) <= count else [items[round((i + 0.5) * len(items) / count)] for i in range(count)]


def _picture_names(names: Iterable[str], where: Path) -> list[str]:
    found = [
        name
        for name in names
        if PurePosixPath(name).suffix.lower() in ENDINGS
        and not any(SMALL_VERSIONS.fullmatch(part) for part in PurePosixPath(name).parts[:-1])
    ]
    if not found:
        raise DataError(f"there are no pictures in '{where}': PNG, JPEG, WebP, BMP, TIFF and GIF files are read.")
    return sorted(found, key=lambda name: name.split("/"))
