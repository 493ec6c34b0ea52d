"""The files of Ma models: the authors' .mat, the compact .npz it is converted to once, and the lab's own .safetensors."""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np

from lab.digests import sha256
from lab.metrics.ma_model import FAMILIES, Forest, MaError, MaModel, Tree, plant

_FIELDS = ("sizes", "left", "feature", "number")
_FETCH = "fetch it again with `python -m lab weights fetch ma`"
_TYPES = {"sizes": np.int32, "left": np.uint16, "feature": np.uint8}


def to_arrays(forests: tuple[Forest, Forest, Forest], linear: np.ndarray) -> dict[str, np.ndarray]:
    """A model as named arrays: `linear`, and `dct.sizes`, `dct.left` and so on for the three families."""
    arrays = {f"{family}.{name}": getattr(f, name) for family, f in zip(FAMILIES, forests, strict=True) for name in _FIELDS}
    return {"linear": np.asarray(linear, np.float64), **arrays}


def _from_arrays(arrays: dict[str, np.ndarray]) -> tuple[tuple[Forest, Forest, Forest], np.ndarray]:
    """The reverse, checked; raises MaError with half a sentence."""
    missing = [name for name in ("linear", *(f"{a}.{b}" for a in FAMILIES for b in _FIELDS)) if name not in arrays]
    if missing:
        raise MaError(f"it has no array {missing[0]}.")
    forests = []
    for family, features in FAMILIES.items():
        forest = Forest(**{name: arrays[f"{family}.{name}"] for name in _FIELDS})
        if any(getattr(forest, name).dtype != kind for name, kind in _TYPES.items()) or forest.number.dtype.kind != "f":
            raise MaError(f"its arrays of the family {family} are of another type.")
        forest.check(features)
        forests.append(forest)
    return tuple(forests), _checked_linear(arrays["linear"])


def _checked_linear(linear: np.ndarray) -> np.ndarray:
    linear = np.asarray(linear)
    if linear.size != 4 or linear.dtype.kind not in "fiu" or not np.isfinite(linear).all():
        raise MaError("its weights of the three forests are not four numbers.")
    return linear.astype(np.float64).ravel()


def _stamp(path: Path) -> str:
    """What tells a file from the one that stood in its place before."""
    stat = path.stat()
    return f"{stat.st_size} {stat.st_mtime_ns}"


def read_lab(path: str | Path) -> MaModel:
    """Read the lab's own model: a .safetensors with the arrays of `to_arrays`.

    Raises:
        MaError: there is no such file, or it is damaged or holds something else.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = Path(path)
    try:
        data = path.read_bytes()
        forests, linear = _from_arrays(load(data))
    except OSError:
        raise MaError(f"there is no Ma model {path.name} to read: train one with `python -m lab metrics train-ma`.") from None
    except (SafetensorError, KeyError, ValueError) as problem:
        why = str(problem) if isinstance(problem, MaError) else "it is damaged or cut short."
        raise MaError(f"the Ma model {path.name} cannot be used: {why} Restore the file, or train the model again.") from problem
    return MaModel(forests, linear, "lab", f"{path.name} {hashlib.sha256(data).hexdigest()[:12]}")


def read_official(path: str | Path) -> MaModel:
    """Read the authors' NRQM_model.mat, or what it was converted to.

    The .mat takes long to read and holds room for nodes that no tree uses. So it is converted once: a .npz of the same name
    appears beside it, whole or not at all, and is read from then on, until the .mat changes. Where the folder cannot be
    written to, the .mat is read every time.

    Args:
        path: the .mat, or the .npz.

    Raises:
        MaError: there is no such file, or it is damaged or has another layout.
    """
    path = Path(path)
    if not path.is_file():
        raise MaError(f"there is no file {path}: fetch it with `python -m lab weights fetch ma`.")
    if path.suffix == ".npz":
        return _read_npz(path)[0]
    converted = path.with_suffix(".npz")
    if converted.is_file():
        try:
            model, stamp = _read_npz(converted)
        except MaError:
            stamp = ""  # damaged: made again below
        if stamp == _stamp(path):
            return model
    stamp = _stamp(path)
    forests, linear = _read_mat(path)
    source = f"{path.name} {sha256(path)[:12]}"
    _write_npz(converted, {**to_arrays(forests, linear), "source": np.array(source), "stamp": np.array(stamp)})
    return MaModel(forests, linear, "official", source)


def check_official(path: str | Path) -> None:
    """Make sure that an authors' .mat can be read; writes nothing.

    Raises:
        MaError: it is damaged or has another layout.
    """
    path = Path(path)
    converted = path.with_suffix(".npz")
    if converted.is_file():
        with contextlib.suppress(MaError):
            if _read_npz(converted)[1] == _stamp(path):
                return  # it was read before, and is what it was
    _read_mat(path)


def _read_npz(path: Path) -> tuple[MaModel, str]:
    """The model, and the stamp of the .mat it was made from."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        forests, linear = _from_arrays(arrays)
        return MaModel(forests, linear, "official", str(arrays["source"])), str(arrays["stamp"])
    except MemoryError:
        raise
    except Exception as problem:  # damaged archives make the reader raise nearly anything
        why = str(problem) if isinstance(problem, MaError) else "it is damaged or cut short."
        raise MaError(f"the converted Ma model {path.name} cannot be used: {why} Remove it and read the .mat again.") from problem


def _write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write beside the .mat and rename when whole; where that is not allowed, do without."""
    part = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, suffix=".part", delete=False) as file:
            part = Path(file.name)
            np.savez_compressed(file, **arrays)
        os.replace(part, path)
    except OSError:
        if part is not None:
            part.unlink(missing_ok=True)


def _read_mat(path: Path) -> tuple[tuple[Forest, Forest, Forest], np.ndarray]:
    """The forests and the weights of NRQM_model.mat, by the names of its fields."""
    from scipy.io import loadmat

    try:
        file = loadmat(path, variable_names=["model"])
    except MemoryError:
        raise
    except Exception as problem:  # damaged files make the reader raise nearly anything
        raise MaError(f"{path.name} is damaged, cut short or no MATLAB file: {_FETCH}.") from problem
    try:
        model = _field(file, "model").ravel()[0]
        cells = _field(model, "rf").ravel()
        if len(cells) != len(FAMILIES):
            raise MaError(f"its cell rf has {len(cells)} forests instead of 3.")
        forests = tuple(_forest(cell.ravel()[0], size) for cell, size in zip(cells, FAMILIES.values(), strict=True))
        return forests, _checked_linear(_field(model, "linear"))
    except (MaError, AttributeError, IndexError, TypeError) as problem:
        why = str(problem) if isinstance(problem, MaError) else "its fields are not laid out as the authors' are."
        raise MaError(f"{path.name} is not the authors' NRQM_model.mat: {why} {_FETCH.capitalize()}.") from problem


def _field(record, name: str) -> np.ndarray:
    """A field of a MATLAB struct (or a variable of the file) by its name."""
    try:
        return record[name]
    except (KeyError, ValueError, IndexError):
        raise MaError(f"it has no field {name}.") from None


def _forest(record, features: int) -> Forest:
    """One forest from the (nodes, trees) matrices of randomforest-matlab: children from 1, 0 for none, features from 1."""
    left, right, asked = (_field(record, name).astype(np.int64) for name in ("lDau", "rDau", "mbest"))
    threshold, value = (_field(record, name).astype(np.float64) for name in ("upper", "avnode"))
    if left.ndim != 2 or any(array.shape != left.shape for array in (right, asked, threshold, value)):
        raise MaError("the matrices of a forest differ in size.")
    columns = zip(left.T - 1, right.T - 1, asked.T - 1, threshold.T, value.T, strict=True)
    forest = plant((Tree(*column) for column in columns), np.float64)
    forest.check(features)
    return forest
