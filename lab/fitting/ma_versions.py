"""The pictures Ma-lab learns from: one sharp picture, made worse and restored in many ways by chance."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from lab.compare import Failed, Finished, Prepared, compare, prepare
from lab.degrade import Degradation, blur, degrade, gaussian_kernel
from lab.fitting.orderings import NO_BLUR
from lab.images import to_picture, to_tensor
from lab.methods import METHODS, checkpoint
from lab.metrics.ma import MaError
from lab.resize import downscale, resize

LEAST_SIDE = 176
"""Of the cut-out pictures: MS-SSIM needs 161 once the border is cut."""
BLURS = {"gaussian": (0.6, 3.0), "motion": (5, 25), "defocus": (1.0, 4.0)}


def methods_here() -> tuple[list[str], list[str]]:
    """The methods that can be run: those that take the small picture, and the learned ones that take a blurred one."""
    ready = [method for method in METHODS.values() if method.kind == "classical" or checkpoint(method.key)]
    small = [method.key for method in ready if method.takes == "x4"]
    return small, [method.key for method in ready if method.takes == "same" and method.kind == "learned"]


def _cut(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A part of 60 to 100 % of either side, multiples of 4, so that scores come to depend less on the size of pictures."""
    part = []
    for side in picture.shape[:2]:
        length = max(LEAST_SIDE, int(side * rng.uniform(0.6, 1))) // 4 * 4
        start = int(rng.integers(0, side - length + 1))
        part.append(slice(start, start + length))
    return picture[part[0], part[1]]


def _results(prepared: Prepared, methods: Sequence[str], device: str) -> Iterator[tuple[str, np.ndarray]]:
    for event in compare(prepared, methods, metrics=(), device=device):
        if isinstance(event, Finished):
            yield event.method, event.picture
        elif isinstance(event, Failed):
            raise MaError(f"{event.method} could not restore a training picture: {event.reason}")


def _mixed(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    return np.floor(share * a.astype(np.float64) + (1 - share) * b + 0.5).astype(np.uint8)


def _oversharpened(picture: np.ndarray, radius: float, amount: float) -> np.ndarray:
    """Unsharp masking: the picture and `amount` times what a Gaussian of sigma `radius` takes from it."""
    x = to_tensor(picture)
    return to_picture(x + amount * (x - blur(x, gaussian_kernel(radius))))


def _degradations(sharp: np.ndarray, bicubic: np.ndarray, rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """What needs no method: blurs, noise, JPEG, other scales, too much sharpening."""
    x, seed = to_tensor(sharp), int(rng.integers(2**31))
    strengths = {
        "blur, weak": Degradation("gaussian", rng.uniform(0.4, 1.2)),
        "blur, strong": Degradation("gaussian", rng.uniform(1.2, 4)),
        "noise": Degradation("gaussian", NO_BLUR, noise=rng.uniform(2, 25), seed=seed),
        "jpeg": Degradation("gaussian", NO_BLUR, jpeg=int(rng.integers(5, 90))),
        "blur and noise": Degradation("gaussian", rng.uniform(0.6, 2), noise=rng.uniform(2, 12), seed=seed),
    }
    for name, degradation in strengths.items():
        yield name, to_picture(degrade(x, degradation))
    for factor in (2, 3):
        yield f"x{factor} bicubic", to_picture(resize(downscale(x, factor), x.shape[-2:]))
    yield "sharpened", _oversharpened(sharp, rng.uniform(0.8, 2), rng.uniform(0.5, 3))
    yield "bicubic, sharpened", _oversharpened(bicubic, rng.uniform(1, 3), rng.uniform(0.5, 3))
    noisy = torch.from_numpy(rng.normal(0, rng.uniform(2, 12) / 255, x.shape)).float()
    yield "bicubic and noise", to_picture(to_tensor(bicubic) + noisy)


def versions(picture: np.ndarray, rng: np.random.Generator, device: str = "auto") -> Iterator[tuple[str, np.ndarray]]:
    """Some thirty versions of one sharp picture; the first is the original itself, cut to some part.

    All methods that enlarge restore it from a quarter of its size, and one of the others the bicubic enlargement; two deblur it
    after a blur drawn by chance; then come plain degradations, and mixtures of the original with results and of results with
    one another, which lie between them in quality.

    Args:
        picture: uint8 (H, W, 3), sides at least LEAST_SIDE.
        rng: draws the part, the strengths and the methods.
        device: auto, cpu or cuda, for the networks.

    Yields:
        (what it is, uint8 (h, w, 3)), all of the same size.

    Raises:
        MaError: a method failed.
    """
    sharp = _cut(picture, rng)
    yield "original", sharp
    small, same = methods_here()
    chosen = small + [str(key) for key in rng.permutation(same)[:1]]
    results = dict(_results(prepare(sharp, Degradation("x4-bicubic")), chosen, device))
    yield from results.items()

    kind = str(rng.choice(list(BLURS)))
    noise = float(rng.choice([0, rng.uniform(1, 6)]))
    prepared = prepare(sharp, Degradation(kind, rng.uniform(*BLURS[kind]), noise=noise, seed=int(rng.integers(2**31))))
    yield kind, prepared.given
    for key, result in _results(prepared, [str(key) for key in rng.permutation(same)[:2]], device):
        yield f"{kind}, {key}", result

    yield from _degradations(sharp, results["bicubic"], rng)
    names = list(results)
    for _ in range(3):
        name = str(rng.choice(names))
        yield f"original and {name}", _mixed(sharp, results[name], rng.uniform(0.2, 0.8))
    for _ in range(2):
        a, b = (str(name) for name in rng.choice(names, 2, replace=False))
        yield f"{a} and {b}", _mixed(results[a], results[b], rng.uniform(0.3, 0.7))
