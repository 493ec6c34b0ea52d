"""Which pictures are for training, which for validation, and which are not to be touched."""

import hashlib
import logging
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from lab.train.collection import DataError

PARTS = ("train", "validation", "test")


def is_ratio(split: str) -> bool:
    """Whether a split is written as shares, `8:1:1`, rather than as the name of a file."""
    return re.fullmatch(r"[0-9.]+(:[0-9.]+)+", split) is not None


def part_finder(split: str, names: list[str]) -> Callable[[str], str | None]:
    """A function that tells which of PARTS a picture belongs to.

    Args:
        split: three shares as in `8:1:1`, or the name of a text file with lines `train|validation|test PATH`; empty lines and
            those that begin with # are passed over.
        names: all pictures there are. Those that the file does not name belong to no part (None), which the log says.

    Raises:
        DataError: the split is neither, or the file cannot be followed.
    """
    return _by_shares(split) if is_ratio(split) else _by_file(Path(split), names)


def _by_shares(split: str) -> Callable[[str], str]:
    """By a hash of the name alone, so that adding pictures moves none of the others."""
    try:
        shares = [float(text) for text in split.split(":")]
    except ValueError:
        shares = []
    if len(shares) != 3 or not shares[0] > 0 or not shares[1] > 0:
        raise DataError(f"--split {split} is not three shares for training, validation and test, as in 8:1:1 (or 9:1:0).")
    train, validation = shares[0] / sum(shares), (shares[0] + shares[1]) / sum(shares)

    def part_of(name: str) -> str:
        place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48
        return "train" if place < train else "validation" if place < validation else "test"

    return part_of


def _by_file(file: Path, names: list[str]) -> Callable[[str], str | None]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise DataError(f"--split '{file}' is neither shares as in 8:1:1 nor a text file that can be read.") from None
    parts: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        part, *path = line.split(maxsplit=1)[:2] or ["#"]
        if part.startswith("#"):
            continue
        if part not in PARTS or not path:
            raise DataError(f"line {number} of {file.name} is not 'train', 'validation' or 'test' and a path.")
        name = PurePosixPath(path[0].strip().replace("\\", "/")).as_posix()
        if parts.setdefault(name, part) != part:
            raise DataError(f"line {number} of {file.name} puts {name} into {part}, and an earlier line into {parts[name]}.")
    log = logging.getLogger(__name__)
    if left_out := [name for name in names if name not in parts]:
        log.warning("%d pictures are not in %s and are left out, %s for one.", len(left_out), file.name, left_out[0])
    if missing := sorted(parts.keys() - set(names)):
        log.warning("%d pictures of %s are not there, %s for one.", len(missing), file.name, missing[0])
    return parts.get
