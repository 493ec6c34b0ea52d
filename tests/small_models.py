"""Small stand-ins for the models of NIQE, Ma and LPIPS, in the lab's layouts and in the official ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from lab import official
from lab.digests import sha256
from lab.metrics import models


def _gaussian() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(36, 36))
    return {"mean": rng.random(36), "covariance": a @ a.T + np.eye(36)}


def _stumps() -> list[dict[str, np.ndarray]]:
    """Three forests of two trees with one question each, as (nodes, trees) matrices of randomforest-matlab."""
    columns = {
        "lDau": np.array([[2, 2], [0, 0], [0, 0]], np.int32),
        "rDau": np.array([[3, 3], [0, 0], [0, 0]], np.int32),
        "mbest": np.array([[1, 5], [0, 0], [0, 0]], np.int32),
        "upper": np.array([[0.5, 1.5], [0, 0], [0, 0]]),
    }
    return [{**columns, "avnode": np.array([[5, 5], [4, 3], [6, 7]]) + family * 0.1} for family in range(3)]


LINEAR = np.array([0.5, 0.3, 0.3, 0.3])


def write_lab(folder: Path) -> Path:
    """The lab's own files: niqe, ma, features and lpips .safetensors."""
    from safetensors.numpy import save_file
    from safetensors.torch import save_file as save_tensors

    from lab.metrics.lpips_lab import FEATURES_KEY
    from lab.metrics.ma_files import to_arrays
    from lab.metrics.ma_model import Tree, plant
    from lab.networks.features import WIDTHS, LabFeatures

    folder.mkdir(parents=True, exist_ok=True)
    save_file(_gaussian(), folder / "niqe.safetensors")
    forests = []
    for one in _stumps():
        columns = zip(
            one["lDau"].T - 1, one["rDau"].T - 1, one["mbest"].T - 1, one["upper"].T, one["avnode"].T.astype(float), strict=True
        )
        forests.append(plant([Tree(*column) for column in columns], np.float64))
    save_file(to_arrays(tuple(forests), LINEAR), folder / "ma.safetensors")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_tensors(LabFeatures().state_dict(), folder / "features.safetensors")
    digest = sha256(folder / "features.safetensors")
    weights = {tap: torch.full((width,), 1 / width) for tap, width in zip(LabFeatures.TAPS, WIDTHS, strict=True)}
    save_tensors(weights, folder / "lpips.safetensors", {FEATURES_KEY: digest})
    return folder


def write_official(key: str) -> Path:
    """The official file of niqe, ma or alexnet in its place, small and random but laid out as its authors' is."""
    from scipy.io import savemat

    path = official.place(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    if key == "niqe":
        model = _gaussian()
        savemat(path, {"mu_prisparam": model["mean"][None], "cov_prisparam": model["covariance"]})
    elif key == "ma":
        cells = np.empty((1, 3), object)
        cells[0, :] = [{**one, "nodestatus": one["lDau"], "nrnodes": 3} for one in _stumps()]
        savemat(path, {"model": {"linear": LINEAR[:, None], "rf": cells}}, do_compression=True)
    else:
        from torchvision.models import alexnet

        with torch.random.fork_rng():
            torch.manual_seed(0)
            state = {name: value for name, value in alexnet(weights=None).state_dict().items() if name.startswith("features.")}
        torch.save(state, path)
    return path


def use(monkeypatch, folder: Path) -> None:
    """The lab's small models, and an empty place for official ones, whose hashes are not asked for."""
    monkeypatch.setattr(models, "CHECKPOINTS", write_lab(folder / "lab"))
    monkeypatch.setenv("CLARITY_LAB_MODELS", str(folder / "official"))
    monkeypatch.setenv("TORCH_HOME", str(folder / "torch"))
    for key in ("niqe", "ma", "alexnet"):
        monkeypatch.setitem(official.OFFICIAL, key, replace(official.OFFICIAL[key], bytes=None, sha256=None))
