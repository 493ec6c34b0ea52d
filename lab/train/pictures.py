"""The pictures a network is trained on: found, divided, decoded and held in memory.

Sharp pictures alone (`data`) are blurred while training goes on; pairs (`pairs`) bring their own blur.
"""

import logging
import os
import re
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lab.images import MAX_BYTES, PictureError, read_picture
from lab.train.collection import Collection, DataError, folder_collection, in_folder, pack_collection, spread
from lab.train.pairs import find_pairs
from lab.train.split import is_ratio, part_finder

VALIDATION = 8
"""Held-out pictures whose middle crop is restored again and again while training goes on."""
MEMORY_SHARE = 0.6
"""Of the free memory, what decoded pictures may take; networks and their gradients need the rest."""

Item = tuple[str, ...]
"""The names of one sharp picture, or of a blurred one and its sharp partner."""


@dataclass(frozen=True)
class Source:
    """Where training pictures come from: exactly one of `data` and `pairs`."""

    data: Path | None = None
    """A folder of sharp pictures, searched with all folders in it, or a pack made by `python -m lab pack`."""
    pairs: Path | None = None
    """A folder of blurred and sharp pictures: GoPro's layout, or blur*/ beside sharp*/ with equal names."""
    split: str | None = None
    """See lab.train.split; a pair goes by its blurred picture. None holds out a few pictures and trains on the rest."""

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


def find(source: Source) -> tuple[Collection, list[Item], list[Item]]:
    """Where the pictures of a source are, and the names of those for training and for validation; see `divide`.

    Raises:
        DataError: nothing there, or a split that cannot be followed.
    """
    path = source.data or source.pairs
    collection = pack_collection(path) if source.data and path.is_file() else folder_collection(path)
    items = find_pairs(collection.names, path) if source.pairs else [(name,) for name in collection.names]
    return collection, *divide(items, source.split)


def load(source: Source, smallest: int, device: torch.device) -> Pictures:
    """Find, divide and decode the pictures of a source.

    Without a split, 8 validation pictures are spread evenly over the sorted paths; in DIV2K's layout they come from
    DIV2K_valid_HR. With one, 8 of its validation pictures are taken in the same way, and its test pictures are never opened.

    Args:
        source: where they are.
        smallest: pictures with a shorter side are skipped, as are damaged ones and pairs that do not belong together; all are
            named in the log.
        device: where the pictures are kept.

    Raises:
        DataError: nothing there, fewer than 16 usable pictures (8 for training and 1 for validation where the source is divided
            already), a split that cannot be followed, or more than the free memory holds.
    """
    path, noun = source.data or source.pairs, "pairs" if source.pairs else "pictures"
    collection, train, validation = find(source)
    divided = bool(validation) or source.split is not None
    check_memory(collection, [*train, *validation], noun, device)
    train, validation = (decode(collection, part, smallest, device) for part in (train, validation))
    if not divided:
        if len(train) < 2 * VALIDATION:
            raise DataError(f"only {len(train)} usable {noun} in '{path}': training needs at least {2 * VALIDATION}.")
        held_out = spread(range(len(train)), VALIDATION)
        validation = [train[i] for i in held_out]
        train = [item for i, item in enumerate(train) if i not in held_out]
    if len(train) < VALIDATION or not validation:
        raise DataError(
            f"only {len(train)} usable {noun} for training and {len(validation)} for validation in '{path}': "
            f"training needs at least {VALIDATION} and 1."
        )
    return Pictures(
        train=[item[-1] for item in train],
        validation=[item[-1] for item in validation],
        blurred_train=[item[0] for item in train] if source.pairs else None,
        blurred_validation=[item[0] for item in validation] if source.pairs else None,
        description=f"{len(train)} {noun} of {collection.label}{_in_words(source.split)}, {len(validation)} held out",
    )


def divide(items: list[Item], split: str | None) -> tuple[list[Item], list[Item]]:
    """Items for training and for validation, at most 8 of these; an item goes by its first name.

    Without a split and outside DIV2K's layout the second list is empty: what is held out is chosen once it is known which
    pictures are usable.

    Raises:
        DataError: see lab.train.split.
    """
    if split is not None:
        part_of = part_finder(split, [item[0] for item in items])
        train, validation = ([item for item in items if part_of(item[0]) == part] for part in ("train", "validation"))
    elif any(in_folder(item[0], "DIV2K_train_HR") for item in items):
        train = [item for item in items if not in_folder(item[0], "DIV2K_valid_HR")]
        validation = [item for item in items if in_folder(item[0], "DIV2K_valid_HR")]
    else:
        train, validation = items, []
    return train, spread(validation, VALIDATION)


def decode(collection: Collection, items: list[Item], smallest: int, device: torch.device) -> list[tuple[Tensor, ...]]:
    """Items as uint8 (3, H, W) tensors, in their order; unusable ones are named in the log and left out."""

    def read(item: Item) -> list[np.ndarray] | str:
        pictures = []
        for name in item:
            try:
                if collection.size(name) > MAX_BYTES:
                    raise PictureError(f"the file has more than {MAX_BYTES // 1_000_000} MB.")
                with collection.open(name) as file:
                    pictures.append(read_picture(file.read()))
            except (PictureError, OSError) as problem:
                return f"skipped {name}: {problem}"
            except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError):  # damaged in the zip file, or behind a password
                return f"skipped {name}: it cannot be read from the zip file."
        if min(pictures[-1].shape[:2]) < smallest:
            return f"skipped {item[-1]}: its shorter side is below the {smallest} pixels a crop needs."
        if len({picture.shape for picture in pictures}) > 1:
            return f"skipped {item[0]}: its sharp partner has another size."
        return pictures

    log, done = logging.getLogger(__name__), []
    pool = ThreadPoolExecutor(min(16, os.cpu_count() or 1))  # decoders let other threads run
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
    """Bytes that pictures could take: of a GPU's memory what nobody uses, of a computer's what is to be had without swapping."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    report = Path("/proc/meminfo")
    available = re.search(r"MemAvailable:\s+(\d+) kB", report.read_text()) if report.is_file() else None
    if available:  # unlike sysconf's count of unused pages, it has what caches would give back
        return 1024 * int(available[1])
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def check_memory(collection: Collection, items: list[Item], noun: str, device: torch.device) -> None:
    """Refuse, before anything is decoded, what would not fit into memory.

    Raises:
        DataError: with what it would take and what is free.
    """
    needed, free = sum(3 * _pixels(collection, name) for item in items for name in item), free_memory(device)
    if needed > MEMORY_SHARE * free:
        way_out = "make a smaller set of them with `python -m lab pack`" if noun == "pictures" else "give a folder with fewer"
        raise DataError(
            f"{len(items)} {noun} would take {needed / 1e9:.1f} GB of memory, and of the {free / 1e9:.1f} GB that are free "
            f"{100 * MEMORY_SHARE:.0f} % may be used: {way_out}."
        )


def _pixels(collection: Collection, name: str) -> int:
    """Width times height, from the header alone; 0 where it cannot be read, which decoding then says."""
    try:
        with collection.open(name) as file, Image.open(file) as image:
            return image.width * image.height
    except Exception:  # damaged headers make readers raise nearly anything
        return 0


def _in_words(split: str | None) -> str:
    if split is None:
        return ""
    return f" split {split}" if is_ratio(split) else f" split by {Path(split).name}"
