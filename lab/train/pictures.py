"""The pictures a network is trained on: found in a folder, a pack or a folder of pairs, divided, decoded, held in memory.

Sharp pictures alone (`data`) are blurred while training goes on; pairs (`pairs`) bring their own blur. Whatever the source, a
picture is known by its path inside it, with forward slashes, so that a pack and the folder it was made of are divided alike.
"""

import hashlib
import logging
import os
import re
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lab.errors import LabError
from lab.images import MAX_BYTES, PictureError, read_picture

ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}
VALIDATION = 8
"""Held-out pictures whose middle crop is restored again and again while training goes on."""
MEMORY_SHARE = 0.6
"""Of the free memory, what decoded pictures may take; networks and their gradients need the rest."""
PARTS = ("train", "validation", "test")
SMALL_VERSIONS = re.compile(r"(DIV2K|Flickr2K)\w*_LR\w*")
"""Folders of shrunk copies that come with two data sets: they are no sharp pictures."""


class DataError(LabError):
    """Pictures that cannot be trained on; its text is the sentence to show."""


@dataclass(frozen=True)
class Source:
    """Where training pictures come from: exactly one of `data` and `pairs`."""

    data: Path | None = None
    """A folder of sharp pictures, searched with all folders in it, or a pack made by `python -m lab pack`."""
    pairs: Path | None = None
    """A folder of blurred and sharp pictures: GoPro's layout, or blur*/ beside sharp*/ with equal names."""
    split: str | None = None
    """`8:1:1` for training, validation and test, or a text file with lines `train|validation|test PATH`; test pictures are never
    opened. None holds out a few pictures for validation and trains on the rest."""

    def __post_init__(self):
        if (self.data is None) == (self.pairs is None):
            raise DataError("give either --data with sharp pictures or --pairs with blurred and sharp ones.")


@dataclass(frozen=True)
class Pictures:
    """Decoded pictures, each uint8 (3, H, W) on the device where batches are made."""

    train: list[Tensor]
    validation: list[Tensor]
    blurred_train: list[Tensor] | None
    """One for each of `train`, of its size; None where the source has no blurred pictures."""
    blurred_validation: list[Tensor] | None
    description: str
    """One phrase for the card: how many pictures of what."""


@dataclass(frozen=True)
class Collection:
    """The picture files of a folder or a pack."""

    label: str
    """For the card: the folder's or the file's own name."""
    names: list[str]
    """Paths inside, sorted folder by folder."""
    open: Callable[[str], BinaryIO]
    size: Callable[[str], int]
    """Bytes of a file."""


def folder_collection(folder: Path) -> Collection:
    """All picture files in a folder and the folders in it.

    Raises:
        DataError: no such folder, or no pictures in it.
    """
    if not folder.is_dir():
        raise DataError(f"there is no folder '{folder}': give one with pictures.")
    names = _picture_names(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    if not names:
        raise DataError(f"there are no pictures in '{folder}': PNG, JPEG, WebP, BMP and TIFF files are read.")
    return Collection(
        label=folder.resolve().name,
        names=names,
        open=lambda name: (folder / name).open("rb"),
        size=lambda name: (folder / name).stat().st_size,
    )


def pack_collection(file: Path) -> Collection:
    """All picture files in a zip file, as `python -m lab pack` makes them.

    Raises:
        DataError: the file is no zip file, or there are no pictures in it.
    """
    try:
        pack = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError):
        raise DataError(f"'{file}' is neither a folder of pictures nor a pack made by `python -m lab pack`.") from None
    names = _picture_names(pack.namelist())
    if not names:
        raise DataError(f"there are no pictures in '{file}': PNG, JPEG, WebP, BMP and TIFF files are read.")
    return Collection(label=file.stem, names=names, open=pack.open, size=lambda name: pack.getinfo(name).file_size)


def load(source: Source, smallest: int, device: torch.device) -> Pictures:
    """Find, divide and decode the pictures of a source.

    Without a split, validation pictures are spread evenly over the sorted paths; in DIV2K's layout they come from
    DIV2K_valid_HR. With one, VALIDATION of the validation pictures are taken, spread in the same way. In GoPro's layout
    only train/ is looked at.

    Args:
        source: where they are.
        smallest: pictures with a shorter side are skipped, as are damaged ones and pairs that do not belong together; all are
            named in the log.
        device: where the pictures are kept.

    Raises:
        DataError: nothing there, fewer than 16 usable pictures (8 for training and 1 for validation where the source is divided
            already), a split that cannot be followed, or more than the free memory holds.
    """
    path = source.data or source.pairs
    collection = pack_collection(path) if source.data and path.is_file() else folder_collection(path)
    if source.pairs:
        items, noun = find_pairs(collection.names, source.pairs), "pairs"
    else:
        items, noun = [(name,) for name in collection.names if not _in_folder(name, SMALL_VERSIONS.fullmatch)], "pictures"
    train, validation = divide(items, source.split)
    check_memory(collection, [*train, *validation], noun, device)
    train, validation = (decode(collection, part, smallest, device) for part in (train, validation))
    where = f"in '{path}'"
    if source.split is None and not validation:
        if len(train) < 2 * VALIDATION:
            raise DataError(f"only {len(train)} usable {noun} {where}: training needs at least {2 * VALIDATION}.")
        held_out = set(spread(range(len(train)), VALIDATION))
        validation = [train[i] for i in sorted(held_out)]
        train = [item for i, item in enumerate(train) if i not in held_out]
    if len(train) < VALIDATION or not validation:
        raise DataError(
            f"only {len(train)} usable {noun} for training and {len(validation)} for validation {where}: "
            f"training needs at least {VALIDATION} and 1."
        )
    rule = "" if source.split is None else f" split {source.split if is_ratio(source.split) else 'by ' + Path(source.split).name}"
    return Pictures(
        train=[item[-1] for item in train],
        validation=[item[-1] for item in validation],
        blurred_train=[item[0] for item in train] if source.pairs else None,
        blurred_validation=[item[0] for item in validation] if source.pairs else None,
        description=f"{len(train)} {noun} of {collection.label}{rule}, {len(validation)} held out",
    )


def find_pairs(names: list[str], folder: Path) -> list[tuple[str, str]]:
    """(blurred, sharp) names: files of equal name in blur*/ and sharp*/ folders that lie side by side.

    `blur_1` goes with `sharp_1`, and any other blur* folder with the only sharp* folder beside it. GoPro's blur_gamma (the same
    pictures averaged after gamma) is left out, and its test/ too, where there is a train/.

    Raises:
        DataError: no such folders.
    """
    log = logging.getLogger(__name__)
    tops = {PurePosixPath(name).parts[0] for name in names}
    if {"train", "test"} <= tops:
        names = [name for name in names if not name.startswith("test/")]
    in_folder: dict[str, dict[str, str]] = {}
    for name in names:
        folders, inner = _at_pair_folder(name)
        if folders:
            in_folder.setdefault(folders, {})[inner] = name
    pairs = []
    for blurred_folder in sorted(in_folder):
        parent, _, last = blurred_folder.rpartition("/")
        if not last.startswith("blur"):
            continue
        beside = [path for path in in_folder if path.rpartition("/")[0] == parent and path.rpartition("/")[2].startswith("sharp")]
        namesake = f"{parent}/sharp{last.removeprefix('blur')}".lstrip("/")
        sharp_folder = namesake if namesake in beside else beside[0] if len(beside) == 1 else None
        if sharp_folder is None:
            log.warning("skipped %s: there is no sharp* folder beside it that goes with it.", blurred_folder)
            continue
        blurred, sharp = in_folder[blurred_folder], in_folder[sharp_folder]
        for inner in sorted(blurred.keys() ^ sharp.keys()):
            name = blurred.get(inner) or sharp[inner]
            log.warning("skipped %s: it has no partner in %s.", name, sharp_folder if inner in blurred else blurred_folder)
        pairs += [(blurred[inner], sharp[inner]) for inner in sorted(blurred.keys() & sharp.keys())]
    if not pairs:
        raise DataError(
            f"there are no pairs in '{folder}': blurred pictures belong in blur/, sharp ones of equal names in sharp/."
        )
    return pairs


def divide(items: list[tuple[str, ...]], split: str | None) -> tuple[list, list]:
    """Items for training and for validation, at most VALIDATION of these; an item goes by its first name.

    Without a split and outside DIV2K's layout the second list is empty: what is held out is chosen once it is known which
    pictures are usable.

    Raises:
        DataError: a split that is neither three shares nor a readable file.
    """
    if split is None:
        train = [item for item in items if not _in_folder(item[0], "DIV2K_valid_HR".__eq__)]
        both = len(train) < len(items) and any(_in_folder(item[0], "DIV2K_train_HR".__eq__) for item in train)
        return (train, spread([item for item in items if item not in set(train)], VALIDATION)) if both else (items, [])
    part_of = _by_shares(split) if is_ratio(split) else _by_file(Path(split), [item[0] for item in items])
    parts = {part: [item for item in items if part_of(item[0]) == part] for part in PARTS}
    return parts["train"], spread(parts["validation"], VALIDATION)


def spread(items: Iterable, count: int) -> list:
    """`count` of the items, or all where there are no more, at even distances."""
    items = list(items)
    return items if len(items) <= count else [items[round((i + 0.5) * len(items) / count)] for i in range(count)]


def is_ratio(split: str) -> bool:
    """Whether a split is written as shares, `8:1:1`, rather than as the name of a file."""
    return re.fullmatch(r"[0-9.]+(:[0-9.]+)+", split) is not None


def decode(collection: Collection, items: list[tuple[str, ...]], smallest: int, device: torch.device) -> list[tuple[Tensor, ...]]:
    """Items as uint8 (3, H, W) tensors, in their order; unusable ones are named in the log and left out."""
    log = logging.getLogger(__name__)

    def read(item: tuple[str, ...]) -> list[np.ndarray] | str:
        pictures = []
        for name in item:
            try:
                if collection.size(name) > MAX_BYTES:
                    raise PictureError(f"the file has more than {MAX_BYTES // 1_000_000} MB.")
                with collection.open(name) as file:
                    pictures.append(read_picture(file.read()))
            except (PictureError, OSError, zipfile.BadZipFile, RuntimeError) as problem:  # RuntimeError: a zip with a password
                return f"skipped {name}: {problem}"
        if min(pictures[-1].shape[:2]) < smallest:
            return f"skipped {item[-1]}: its shorter side is below the {smallest} pixels a crop needs."
        if len({picture.shape for picture in pictures}) > 1:
            return f"skipped {item[0]}: its sharp partner has another size."
        return pictures

    done = []
    pool = ThreadPoolExecutor(min(16, os.cpu_count() or 1))
    try:
        for pictures in pool.map(read, items):
            if isinstance(pictures, str):
                log.warning("%s", pictures)
            else:
                done.append(tuple(torch.from_numpy(one).permute(2, 0, 1).contiguous().to(device) for one in pictures))
    finally:
        pool.shutdown(cancel_futures=True)
    return done


def free_memory(device: torch.device) -> int:
    """Bytes that pictures could take on a device; for the CPU those that could be had without swapping."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    report = Path("/proc/meminfo")
    available = re.search(r"MemAvailable:\s+(\d+) kB", report.read_text()) if report.is_file() else None
    if available:  # counts what caches would give back, which sysconf does not
        return 1024 * int(available[1])
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def check_memory(collection: Collection, items: list[tuple[str, ...]], noun: str, device: torch.device) -> None:
    """Refuse, before anything is decoded, what would not fit into memory.

    Raises:
        DataError: with what it would take and what is free.
    """
    needed, free = sum(3 * _pixels(collection, name) for item in items for name in item), free_memory(device)
    if needed > MEMORY_SHARE * free:
        way_out = (
            "train on a part of them, with `python -m lab pack DIR --mb N --out FILE.zip` and --data FILE.zip"
            if noun == "pictures"
            else "give a folder with fewer of them"
        )
        raise DataError(
            f"{len(items)} {noun} would take {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free, of which "
            f"{100 * MEMORY_SHARE:.0f} % may be used: {way_out}."
        )


def _pixels(collection: Collection, name: str) -> int:
    """Width times height, from the header alone; 0 where there is none to be read, which decoding then says."""
    try:
        with collection.open(name) as file, Image.open(file) as image:
            return image.width * image.height
    except Exception:  # damaged headers make readers raise nearly anything
        return 0


def _picture_names(names: Iterable[str]) -> list[str]:
    return sorted((name for name in names if PurePosixPath(name).suffix.lower() in ENDINGS), key=lambda name: name.split("/"))


def _in_folder(name: str, fits: Callable[[str], object]) -> bool:
    return any(fits(part) for part in PurePosixPath(name).parts[:-1])


def _at_pair_folder(name: str) -> tuple[str, str]:
    """A name cut behind its last blur* or sharp* folder, the rest without its ending; empty where there is no such folder."""
    parts = PurePosixPath(name).parts[:-1]
    for i in reversed(range(len(parts))):
        if parts[i] == "blur_gamma":
            break
        if parts[i].startswith(("blur", "sharp")):
            inner = PurePosixPath(name).relative_to("/".join(parts[: i + 1]))
            return "/".join(parts[: i + 1]), inner.with_suffix("").as_posix()
    return "", ""


def _by_shares(split: str) -> Callable[[str], str]:
    """Which part a name belongs to, by its hash alone, so that adding pictures moves none of the others."""
    try:
        shares = [float(text) for text in split.split(":")]
    except ValueError:
        shares = []
    if len(shares) != 3 or not shares[0] > 0 or not shares[1] > 0:
        raise DataError(f"--split {split} is not three shares for training, validation and test, as in 8:1:1 (or 9:1:0).")
    bounds = np.cumsum(shares) / sum(shares)

    def part_of(name: str) -> str:
        place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48
        return PARTS[int(np.searchsorted(bounds[:2], place, side="right"))]

    return part_of


def _by_file(file: Path, names: list[str]) -> Callable[[str], str | None]:
    """Which part a name belongs to, as a text file says; None for names it does not have."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise DataError(f"--split '{file}' is neither shares as in 8:1:1 nor a text file that can be read.") from None
    parts: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        part, _, path = line.strip().partition(" ")
        if not part or part.startswith("#"):
            continue
        if part not in PARTS or not path.strip():
            raise DataError(f"line {number} of {file.name} is not 'train', 'validation' or 'test' and a path.")
        name = PurePosixPath(path.strip().replace("\\", "/")).as_posix()
        if parts.setdefault(name, part) != part:
            raise DataError(f"line {number} of {file.name} puts {name} into {part}, and an earlier line into {parts[name]}.")
    log = logging.getLogger(__name__)
    for text, missing in (
        ("%d pictures are not in %s and are left out, %s for one.", [name for name in names if name not in parts]),
        ("%d pictures of %s are not there, %s for one.", sorted(parts.keys() - set(names))),
    ):
        if missing:
            log.warning(text, len(missing), file.name, missing[0])
    return parts.get
