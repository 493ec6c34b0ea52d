"""Pictures of a folder in one file of a given size, to take to another machine: `python -m lab pack`."""

import logging
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lab.images import PictureError, png_bytes, read_picture
from lab.train.collection import Collection, DataError, folder_collection, spread
from lab.train.pictures import VALIDATION

KEPT = {".png", ".jpg", ".jpeg", ".webp"}
"""Endings of files whose bytes go into the pack as they are; others are stored as PNG."""
LEAST = 2 * VALIDATION
"""Pictures that training needs at least."""
ENTRY = 128
"""Bytes that a zip file spends on one entry at most, without its name, which it holds twice."""


@dataclass(frozen=True)
class Packed:
    """What went into a pack."""

    pictures: int
    available: int
    """Pictures in the folder."""
    bytes: int
    """Of the file."""


def pack(folder: Path, megabytes: float, out: Path, force: bool = False) -> Packed:
    """Write pictures of a folder, chosen evenly over its sorted paths, into one uncompressed zip file.

    Names inside are paths in the folder, so that a split, and DIV2K's folders, are found again; `train --data FILE` reads it.
    The same pictures always give the same file.

    Args:
        folder: searched with all folders in it.
        megabytes: millions of bytes the file may have.
        out: the file to write.
        force: replace a file that is there already.

    Raises:
        DataError: no pictures, a size that holds too few of them, or a file that is there already.
    """
    if not 0 < megabytes < math.inf:
        raise DataError(f"--mb {megabytes:g} is no size for a file: give millions of bytes, as in --mb 200.")
    if out.is_dir():
        raise DataError(f"'{out}' is a folder: give --out a file, as in pictures.zip.")
    if out.exists() and not force:
        raise DataError(f"'{out}' is there already: add --force to replace it, or choose another name.")
    collection = folder_collection(folder)
    names = collection.names
    sizes = {name: _stored_size(collection, name) for name in names}
    names = [name for name in names if sizes[name]]
    if len(names) < LEAST:
        raise DataError(f"only {len(names)} usable pictures in '{folder}': training needs at least {LEAST}.")
    chosen = choose(names, sizes, round(megabytes * 1e6))
    if len(chosen) < LEAST:
        least = math.ceil(sum(sizes[name] for name in spread(names, LEAST)) / 1e6)
        raise DataError(
            f"{megabytes:g} MB hold {len(chosen)} of these pictures, and training needs at least {LEAST}: give --mb {least}."
        )
    unfinished = out.with_name(out.name + ".part")
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as file:
            written = sum(_write(file, collection, name) for name in chosen)
        if written < LEAST:
            raise DataError(
                f"only {written} of {len(chosen)} chosen pictures in '{folder}' are whole: at least {LEAST} are needed."
            )
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    return Packed(written, len(collection.names), out.stat().st_size)


def choose(names: list[str], sizes: dict[str, int], limit: int) -> list[str]:
    """About as many names as fit into the limit (bytes), never more, at even distances."""
    count = len(names)
    while (taken := sum(sizes[name] for name in spread(names, count))) > limit:
        count = min(count - 1, int(count * limit / taken))
    while count < len(names) and sum(sizes[name] for name in spread(names, count + 1)) <= limit:
        count += 1
    return spread(names, count)


def _stored_name(name: str) -> str:
    return name if PurePosixPath(name).suffix.lower() in KEPT else f"{name}.png"


def _stored_bytes(collection: Collection, name: str) -> bytes:
    with collection.open(name) as file:
        given = file.read()
    return given if _stored_name(name) == name else png_bytes(read_picture(given))


def _write(file: zipfile.ZipFile, collection: Collection, name: str) -> bool:
    """Put a picture into the pack; False, with a word in the log, for one that is damaged."""
    try:
        content = _stored_bytes(collection, name)
        read_picture(content)
    except (PictureError, OSError) as problem:
        logging.getLogger(__name__).warning("skipped %s: %s", name, problem)
        return False
    file.writestr(zipfile.ZipInfo(_stored_name(name)), content)
    return True


def _stored_size(collection: Collection, name: str) -> int:
    """Bytes a picture takes up in the pack; 0, with a word in the log, for one that must be converted and cannot be read."""
    try:
        kept = _stored_name(name) == name
        content = collection.size(name) if kept else len(_stored_bytes(collection, name))
    except (PictureError, OSError) as problem:
        logging.getLogger(__name__).warning("skipped %s: %s", name, problem)
        return 0
    return content + ENTRY + 2 * len(_stored_name(name).encode())
