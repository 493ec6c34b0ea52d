"""Which blurred picture belongs to which sharp one."""

import logging
from pathlib import Path, PurePosixPath

from lab.train.collection import DataError


def find_pairs(names: list[str], folder: Path) -> list[tuple[str, str]]:
    """(blurred, sharp) names: files of equal names in blur*/ and sharp*/ folders that lie side by side.

    `blur_1` goes with `sharp_1`, and any other blur* folder with the only sharp* folder beside it. This covers GoPro (Nah et al.
    2017): its blur_gamma (the same pictures averaged after gamma) is left out, and its test/ too, where there is a train/. What
    has no partner is named in the log.

    Args:
        names: paths in the folder.
        folder: for the sentence.

    Raises:
        DataError: there are no pairs.
    """
    log = logging.getLogger(__name__)
    if {"train", "test"} <= {PurePosixPath(name).parts[0] for name in names}:
        names = [name for name in names if not name.startswith("test/")]
    files = _by_pair_folder(names)
    pairs = []
    for blurred_folder in sorted(path for path in files if path.name.startswith("blur")):
        sharp_folder = _partner(blurred_folder, list(files))
        if sharp_folder is None:
            log.warning("skipped %s: no sharp* folder beside it goes with it.", blurred_folder)
            continue
        blurred, sharp = files[blurred_folder], files[sharp_folder]
        for inner in sorted(blurred.keys() ^ sharp.keys()):
            alone, other = (blurred[inner], sharp_folder) if inner in blurred else (sharp[inner], blurred_folder)
            log.warning("skipped %s: it has no partner in %s.", alone, other)
        pairs += [(blurred[inner], sharp[inner]) for inner in sorted(blurred.keys() & sharp.keys())]
    if not pairs:
        raise DataError(
            f"there are no pairs in '{folder}': put blurred pictures in blur/ and sharp ones, named alike, in sharp/."
        )
    return pairs


def _by_pair_folder(names: list[str]) -> dict[PurePosixPath, dict[str, str]]:
    """For each blur* and sharp* folder: the path inside it, without its ending, -> the whole name."""
    found: dict[PurePosixPath, dict[str, str]] = {}
    for path in map(PurePosixPath, names):
        folder = next((parent for parent in path.parents if parent.name.startswith(("blur", "sharp"))), None)
        if folder is not None and folder.name != "blur_gamma":
            found.setdefault(folder, {})[str(path.relative_to(folder).with_suffix(""))] = str(path)
    return found


def _partner(blurred: PurePosixPath, folders: list[PurePosixPath]) -> PurePosixPath | None:
    """The sharp* folder that a blur* folder goes with."""
    namesake = blurred.with_name("sharp" + blurred.name.removeprefix("blur"))
    if namesake in folders:
        return namesake
    beside = [path for path in folders if path.parent == blurred.parent and path.name.startswith("sharp")]
    return beside[0] if len(beside) == 1 else None
