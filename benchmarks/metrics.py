"""What the metrics cost beside public packages: seconds for one 512x512 picture on one thread, in one run.

    python benchmarks/metrics.py [--rounds N]

Prints a table in Markdown with medians and ratios. SSIM is held against scikit-image, the others against pyiqa where it is
installed; where it is not, the seconds are named that were measured with it elsewhere, which make no ratio. Metrics whose
model is missing are left out, but for Ma, whose features take nearly all of its time.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import torch
from skimage.metrics import structural_similarity

sys.path.insert(0, str(Path(__file__).parent.parent))

from lab.compare import prepare
from lab.degrade import parse
from lab.examples import EXAMPLES
from lab.images import read_picture, to_tensor
from lab.metrics import METRICS, measure, screen_name
from lab.metrics.channels import rounded, shave, studio_luma
from lab.metrics.models import current

ELSEWHERE = {
    "niqe": ("pyiqa", 0.121),
    "ma": ("pyiqa", 24.0),
    "lpips": ("lpips", 0.089),
    "ms-ssim": ("piq", 0.064),
    "gmsd": ("piq", 0.01),
}
"""A package and its seconds, 512x512, one thread, on a small shared machine that is not this one."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
PYIQA = {"niqe": "niqe", "ma": "nrqm", "lpips": "lpips", "ssim": "ssim", "ms-ssim": "ms_ssim", "gmsd": "gmsd"}
"""The names pyiqa has for our metrics."""
SLOW = {"ma"}
"""Metrics that take pyiqa so long that three rounds must do."""

Work = Callable[[], object]


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """An example of 512x512 enlarged from a quarter by repeating pixels, and its original."""
    for example in EXAMPLES:
        sharp = read_picture(example.path)
        if min(sharp.shape[:2]) >= 512:
            sharp = np.ascontiguousarray(sharp[:512, :512])
            return prepare(sharp, parse("x4-bicubic")).shown, sharp
    raise SystemExit("there is no example of 512x512 pixels.")


def ours(key: str, result: np.ndarray, sharp: np.ndarray) -> Work | None:
    """One metric of the lab's, or None where it cannot be computed here."""
    models = current()
    if measure(key, result, sharp, models=models).value is not None:
        return lambda: measure(key, result, sharp, models=models)
    if key == "ma":
        from lab.metrics.ma import ma_features

        return lambda: ma_features(rounded(studio_luma(shave(result, 4))))
    return None


def other(key: str, result: np.ndarray, sharp: np.ndarray) -> tuple[str, Work] | None:
    """The same by a public package that is installed: its name, and the work."""
    if key == "ssim":
        a, b = (studio_luma(shave(picture, 4)) for picture in (result, sharp))
        options = {"data_range": 255, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        return "scikit-image", lambda: structural_similarity(a, b, **options)
    if key not in PYIQA or find_spec("pyiqa") is None:
        return None
    import pyiqa

    try:
        metric = pyiqa.create_metric(PYIQA[key], device="cpu")
        tensors = [to_tensor(result), to_tensor(sharp)] if METRICS[key].needs_reference else [to_tensor(result)]
        with torch.inference_mode():
            metric(*tensors)
    except Exception as error:  # it downloads its models, and raises whatever that raises
        print(f"pyiqa could not measure {METRICS[key].name}: {error}", file=sys.stderr)
        return None

    def work() -> object:
        with torch.inference_mode():
            return metric(*tensors)

    return "pyiqa", work


def seconds(work: Work) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def medians(works: list[Work], rounds: int) -> list[float]:
    """The median seconds of each, taken in turns after one round that warms up."""
    times = [[seconds(work) for work in works] for _ in range(rounds + 1)][1:]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    if rounds < 1:
        parser.error("--rounds must be at least 1.")
    if not ONE_THREAD.items() <= os.environ.items():  # libraries read them once, when they are loaded
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ONE_THREAD)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)

    result, sharp = pictures()
    print("| metric | seconds | beside | seconds | times as fast |\n|---|---|---|---|---|")
    for key in METRICS:
        own = ours(key, result, sharp)
        if own is None or key in ("psnr", "pi"):  # PSNR takes next to nothing; PI is NIQE and Ma
            continue
        name = screen_name(key) if measure(key, result, sharp).value is not None else f"{METRICS[key].name}'s features"
        beside = other(key, result, sharp)
        if beside:
            package, work = beside
            mine, theirs = medians([own, work], min(rounds, 3) if key in SLOW else rounds)
            print(f"| {name} | {mine:.3f} | {package} | {theirs:.3f} | {theirs / mine:.1f} |")
            continue
        (mine,) = medians([own], rounds)
        package, theirs = ELSEWHERE.get(key, ("", None))
        print(f"| {name} | {mine:.3f} | {f'{package}, measured elsewhere | {theirs:g}' if theirs else ' | '} | |")


if __name__ == "__main__":
    main()
