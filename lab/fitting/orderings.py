"""Pairs of pictures of which it is known which one looks worse: what a metric of differences can be fitted and judged by.

None of it needs anyone's opinion of these very pictures:

- Ladders: the same picture with the same distortion, at rising levels.
- Twins: two changes of one picture of which one is far less visible, though the mean squared error is the same, or speaks for
  the other. A little more light or contrast against blur or noise (Wang, Bovik, Sheikh, Simoncelli 2004, figure 2); a slight bend
  of the picture against blur (Sampat et al. 2009); noise hidden in texture against noise on plain areas (Legge and Foley 1980);
  true edges with texture out of place against true edges without texture, which is what training with a critic and training for
  the pixel error alone end in (Ledig et al. 2017, figure 2; Blau and Michaeli 2018).
"""

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lab.degrade import Degradation, blur, degrade, gaussian_kernel, round_to_8_bits
from lab.resize import resize

RANGES: dict[str, tuple[float, float]] = {
    "small": (1.5, 6.0),
    "gaussian": (0.6, 4.0),
    "defocus": (1.0, 6.0),
    "motion": (4.0, 30.0),
    "noise": (3.0, 40.0),
    "jpeg": (8.0, 90.0),
}
"""The first and the last level of every ladder: the factor by which the picture is shrunk and enlarged again, both bicubic;
sigma, radius and length in pixels; the noise's standard deviation in 8-bit steps; JPEG quality, where less is worse."""
NO_BLUR = 0.2  # a Gaussian of this sigma changes no 8-bit value
TWINS = ("light", "contrast", "bend", "texture", "detail")
LIGHT, CONTRAST, NOISE = 0.06, 0.25, 0.03
"""How much light is added or taken, in [0, 1]; how much contrast; and how strong the noise in texture is."""
BEND = (0.6, 1.5)
"""How far a bend moves the picture, in pixels."""
OUT_OF_PLACE = (2.0, 5.0)
"""How far texture is moved, in pixels."""


def levels(distortion: str, count: int) -> list[float]:
    """`count` levels of a ladder from mild to strong, at even ratios."""
    low, high = RANGES[distortion]
    rising = [low * (high / low) ** (i / (count - 1)) for i in range(count)]
    return [float(round(level)) for level in reversed(rising)] if distortion == "jpeg" else rising


def distorted(x: Tensor, distortion: str, level: float, seed: int) -> Tensor:
    """One step of a ladder: (1, 3, H, W) in [0, 1] to the same, rounded to 8 bits; `seed` draws the noise and the shake."""
    match distortion:
        case "small":
            size = tuple(max(1, round(side / level)) for side in x.shape[-2:])
            return round_to_8_bits(resize(round_to_8_bits(resize(x, size)), x.shape[-2:]))
        case "noise":
            return degrade(x, Degradation("gaussian", NO_BLUR, noise=level, seed=seed))
        case "jpeg":
            return degrade(x, Degradation("gaussian", NO_BLUR, jpeg=int(level)))
    return degrade(x, Degradation(distortion, level, seed=seed))


def ladder(x: Tensor, distortion: str, count: int, seed: int) -> list[Tensor]:
    """The picture at `count` rising levels of one distortion."""
    return [distorted(x, distortion, level, seed) for level in levels(distortion, count)]


def twins(x: Tensor, kind: str, seed: int) -> tuple[Tensor, Tensor]:
    """Two changes of one picture: (hardly visible, plainly visible), rounded to 8 bits.

    The mean squared error of both is the same; of "detail" alone the second's is mostly smaller.

    Args:
        x: the picture, (1, 3, H, W) in [0, 1].
        kind: of TWINS.
        seed: draws the noise, the bend, and what the slight change is held against.
    """
    rng = np.random.default_rng(seed)
    noise = torch.from_numpy(rng.standard_normal((1, 1, *x.shape[-2:]))).to(x).expand_as(x)
    sign = float(rng.choice([-1, 1]))
    blurred = lambda s: blur(x, gaussian_kernel(10 ** (1.5 * s - 1)))  # noqa: E731
    added = lambda s: x + s * noise  # noqa: E731
    plain = blurred if rng.random() < 0.5 else added
    match kind:
        case "light":
            mild = x + sign * LIGHT
        case "contrast":
            mild = (x - x.mean()) * (1 + sign * CONTRAST) + x.mean()
        case "bend":
            mild, plain = _bent(x, float(rng.uniform(*BEND)), rng), blurred
        case "texture":
            busy = _busyness(x)
            mild, bare = x + NOISE * noise * busy, noise / (busy + 0.1)
            plain = lambda s: x + s * bare  # noqa: E731
        case _:
            soft = distorted(x, "small", 4.0, seed)
            edges = _edges(x)
            smooth, detail = soft + edges * (x - soft), (1 - edges) * (x - soft)
            moved = _bent(detail, float(rng.uniform(*OUT_OF_PLACE)), rng)
            return round_to_8_bits(smooth + moved), round_to_8_bits(smooth)
    mild = round_to_8_bits(mild)
    return mild, _with_error(x, plain, _error(mild, x))


def _error(picture: Tensor, x: Tensor) -> float:
    return float((picture - x).square().mean())


def _with_error(x: Tensor, change: Callable[[float], Tensor], error: float) -> Tensor:
    """change(s) with the s in 0..1 that gives the mean squared error asked for, or the most it can."""
    low, high = 0.0, 1.0
    for _ in range(9):
        middle = (low + high) / 2
        low, high = (middle, high) if _error(round_to_8_bits(change(middle)), x) < error else (low, middle)
    return round_to_8_bits(change((low + high) / 2))


def _busyness(x: Tensor) -> Tensor:
    """The standard deviation of luma around every pixel, (1, 1, H, W), brought to a mean of 1, then cut off at 2."""
    luma = x.mean(1, keepdim=True)
    mean = blur(luma, gaussian_kernel(2.0))
    deviation = (blur(luma * luma, gaussian_kernel(2.0)) - mean * mean).clamp(min=1e-6).sqrt()
    return (deviation / deviation.mean()).clamp(max=2)


def _edges(x: Tensor) -> Tensor:
    """1 where the gradients around a pixel have one direction, 0 where they have all: the structure tensor's coherence."""
    luma = F.pad(x.mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    across, down = luma[..., 1:-1, 2:] - luma[..., 1:-1, :-2], luma[..., 2:, 1:-1] - luma[..., :-2, 1:-1]
    products = blur(torch.cat([across * across, down * down, across * down], dim=1), gaussian_kernel(1.5))
    xx, yy, xy = products.split(1, dim=1)
    return ((xx - yy).square() + 4 * xy.square()) / (xx + yy + 1e-5).square()


def _bent(x: Tensor, pixels: float, rng: np.random.Generator) -> Tensor:
    """The picture read along slow waves that move it by up to `pixels`."""
    height, width = x.shape[-2:]
    rows, columns = torch.meshgrid(torch.arange(height).float(), torch.arange(width).float(), indexing="ij")

    def waves() -> Tensor:
        total = torch.zeros(height, width)
        for _ in range(3):
            angle, length, phase = rng.uniform(0, 2 * math.pi), rng.uniform(40, 120), rng.uniform(0, 2 * math.pi)
            along = rows * math.cos(angle) + columns * math.sin(angle)
            total += torch.sin(2 * math.pi * along / length + phase)
        return total / 3 * pixels

    x_read, y_read = columns + waves(), rows + waves()
    grid = torch.stack([2 * x_read / (width - 1) - 1, 2 * y_read / (height - 1) - 1], dim=-1)
    return F.grid_sample(x, grid[None], mode="bicubic", padding_mode="reflection", align_corners=True)
