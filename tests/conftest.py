"""What all tests share."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("CLARITY_DATA", ROOT.parent / "shared" / "data"))

torch.set_num_threads(1)  # two busy threads on two shared cores wait for each other more than they work


def textured_picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A picture with edges, gradients and texture, uint8 (height, width, 3): something that blurring visibly harms."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    bars = 90 * ((x // 9 + y // 13) % 2) + 60 * np.sin((x + 2 * y) / 17) + 90
    disc = 70 * ((x - width / 2) ** 2 + (y - height / 2) ** 2 < (min(height, width) / 3) ** 2)
    base = np.stack([bars + disc, bars * 0.7 + 40, 200 - bars * 0.5 - disc * 0.4], axis=2)
    return np.clip(base + rng.normal(0, 4, base.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of training and benchmark pictures, which is not part of the project."""
    if not DATA.is_dir():
        pytest.skip("the folder of training and benchmark pictures is not here (set CLARITY_DATA to its path)")
    return DATA


@pytest.fixture(autouse=True, scope="module")
def fresh_accelerate() -> Iterator[None]:
    """What Accelerate shares in a process, precision among it, is set by whoever comes first: here by each file for itself."""
    yield
    if "accelerate.state" in sys.modules:
        sys.modules["accelerate.state"].AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(scope="session")
def picture_folder(tmp_path_factory) -> Path:
    """Twenty small textured pictures to train on, in nested folders."""
    from lab.images import write_png

    folder = tmp_path_factory.mktemp("pictures")
    for i in range(20):
        path = folder / f"set{i % 2}" / f"{i:02d}.png"
        path.parent.mkdir(exist_ok=True)
        write_png(textured_picture(130 + i, 140, seed=i), path)
    return folder


@pytest.fixture
def comparer(tmp_path):
    """What computes and keeps the page's comparisons, with a store of its own."""
    from lab.ui.comparison import Comparer
    from lab.ui.store import ResultStore

    return Comparer(ResultStore(tmp_path / "store"))


@pytest.fixture
def task():
    """A comparison of two methods without a network, on a picture so small that it takes no time."""
    from lab.degrade import Degradation
    from lab.images import png_bytes
    from lab.ui.comparison import Task

    return Task(png_bytes(textured_picture(48, 60)), Degradation("gaussian", 1.5), ("nearest", "bicubic"), device="cpu")


@pytest.fixture
def small_models(tmp_path, monkeypatch) -> Path:
    """Small models of NIQE, Ma and LPIPS in place of the shipped ones, and no official file; the folder they are in."""
    import small_models

    small_models.use(monkeypatch, tmp_path / "models")
    return tmp_path / "models"
