"""Features and figures of every version of every training picture, kept on disk so that a run can be broken off and taken up."""

import hashlib
import json
import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lab.digests import sha256
from lab.fitting.ma_consensus import HIGHER_IS_BETTER, texture_distance
from lab.fitting.ma_versions import LEAST_SIDE, methods_here, versions
from lab.images import PictureError, read_named
from lab.methods import checkpoint
from lab.metrics import METRICS, measure_all
from lab.metrics.channels import eight_bit_luma, full_luma
from lab.metrics.ma import ma_features
from lab.metrics.models import Models

BORDER = 4
GREY_SHARE = 0.25  # of the pictures are seen as grey without a border cut, convention `rgb`; the others as in `sr`
_RECIPE = 1  # raised whenever the versions, features or figures of a picture come out otherwise than before


@dataclass(frozen=True)
class Samples:
    """Versions of pictures; n of them."""

    names: np.ndarray
    """(n,) what each is, as `versions` calls it."""
    picture: np.ndarray
    """int (n,): which picture it is a version of."""
    features: np.ndarray
    """float64 (n, 138): the three families of Ma's features one after the other."""
    figures: dict[str, np.ndarray]
    """Metric -> float64 (n,), NaN where there was none."""


def feature_row(picture: np.ndarray, convention: str = "sr") -> np.ndarray:
    """Ma's features of a uint8 (H, W, 3) picture in one row, float64 (138,)."""
    features = ma_features(eight_bit_luma(picture, convention, BORDER))
    return np.concatenate([features.dct, features.pyramid, features.pca])


def recipe(seed: int, models: Models) -> str:
    """What the samples of a picture depend on beside the picture: a digest."""
    small, same = methods_here()
    weights = {key: sha256(path) for key in small + same if (path := checkpoint(key))}
    lpips = [sha256(path) for path in models.lpips.paths] if models.lpips else []
    return hashlib.sha256(json.dumps([_RECIPE, seed, small, same, weights, lpips]).encode()).hexdigest()


def _measure(path: Path, seed: int, device: str, models: Models) -> dict[str, np.ndarray]:
    """All versions of one picture: their names, features and figures."""
    picture = read_named(path)
    if min(picture.shape[:2]) < LEAST_SIDE:
        raise PictureError(f"{path.name} is too small to learn from: its sides must be at least {LEAST_SIDE}; leave it out.")
    rng = np.random.default_rng([seed, zlib.crc32(path.name.encode())])  # of the picture alone, whichever others there are
    convention = "rgb" if rng.random() < GREY_SHARE else "sr"
    names, rows, figures = [], [], []
    reference = None
    for name, version in versions(picture, rng, device):
        reference = version if reference is None else reference
        measured = measure_all([key for key in HIGHER_IS_BETTER if key in METRICS], version, reference, "sr", BORDER, models)
        values = {key: np.nan if figure.value is None else figure.value for key, figure in measured.items()}
        values["texture"] = texture_distance(full_luma(version), full_luma(reference))
        names.append(name)
        rows.append(feature_row(version, convention))
        figures.append([values[key] for key in HIGHER_IS_BETTER])
    return {"names": np.array(names), "features": np.array(rows), "figures": np.array(figures)}


def collect(
    paths: Sequence[Path], work: Path, seed: int, models: Models, device: str, progress: Callable[[int, int], None]
) -> Samples:
    """Make, measure and keep the versions of many pictures; about ten seconds a picture the first time.

    Args:
        paths: of sharp pictures.
        work: a folder where each picture's part is kept; parts made of other bytes, with other checkpoints or another seed are
            made again.
        seed, device: for `versions`.
        models: what LPIPS runs on.
        progress: told how many pictures are done, of how many, before each and at the end.

    Raises:
        PictureError: a file that cannot be read or is too small, named.
        MaError: a method failed.
    """
    work.mkdir(parents=True, exist_ok=True)
    digest = recipe(seed, models)
    parts = []
    for done, path in enumerate(paths):
        progress(done, len(paths))
        kept = work / f"{path.stem}-{sha256(path)[:12]}-{digest[:12]}.npz"  # other folders have pictures of the same names
        if not kept.is_file():
            made = _measure(path, seed, device, models)
            part = kept.with_suffix(".part")
            with part.open("wb") as file:
                np.savez_compressed(file, **made)
            os.replace(part, kept)
        with np.load(kept, allow_pickle=False) as file:
            parts.append({name: file[name] for name in file.files})
    progress(len(paths), len(paths))
    figures = np.concatenate([part["figures"] for part in parts])
    return Samples(
        names=np.concatenate([part["names"] for part in parts]),
        picture=np.repeat(np.arange(len(parts)), [len(part["names"]) for part in parts]),
        features=np.concatenate([part["features"] for part in parts]),
        figures={key: figures[:, column] for column, key in enumerate(HIGHER_IS_BETTER)},
    )
