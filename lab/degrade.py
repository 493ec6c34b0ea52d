"""What blurs a picture: x4 bicubic shrinking, Gaussian, motion and defocus blur, each optionally with noise and JPEG.

A degradation is data. The same one always gives the same result, and its text form (`gaussian:sigma=2,noise=5`) is shared by the
command line, the page's address and file names.
"""

import io
import math
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lab.errors import LabError
from lab.resize import downscale

MAX_NOISE = 100.0
MAX_SEED = 2**31 - 1


class DegradationError(LabError):
    """A degradation that cannot be made; its text is the sentence to show."""


@dataclass(frozen=True)
class Kind:
    """One kind of degradation and the parameter that sets its strength."""

    name: str
    """As on screen."""
    parameter: str | None
    """Name of the strength in the text form; None where there is nothing to set."""
    default: float | None
    low: float | None
    high: float | None
    unit: str
    about: str
    """One sentence for a visitor."""


KINDS = {
    "x4-bicubic": Kind(
        "x4 bicubic", None, None, None, None, "",
        "Shrunk to a quarter with antialiased bicubic interpolation: the protocol of super-resolution papers.",
    ),
    "gaussian": Kind(
        "Gaussian blur", "sigma", 1.6, 0.2, 6.0, "px",
        "Every point spreads into a bell; sigma is the bell's standard deviation in pixels.",
    ),
    "motion": Kind(
        "Motion blur", "length", 15.0, 2.0, 60.0, "px",
        "A shaken camera: every point follows a random path of this length (Boracchi and Foi 2012).",
    ),
    "defocus": Kind(
        "Defocus", "radius", 3.0, 0.5, 12.0, "px",
        "A lens out of focus: every point becomes an even disc of this radius.",
    ),
}  # fmt: skip


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # also refuses NaN
        shown = str(value) if len(str(value)) < 20 else f"{str(value)[:16]}..."
        raise DegradationError(f"{name}={shown} is out of range: give {name} from {low} to {high}.")


@dataclass(frozen=True)
class Degradation:
    """What is done to a sharp picture before the methods see it.

    Raises:
        DegradationError: unknown kind, or a value out of range.
    """

    kind: str
    """A key of KINDS."""
    strength: float | None = None
    """sigma, length or radius in pixels (see KINDS); the kind's default where None."""
    noise: float = 0.0
    """Standard deviation of white Gaussian noise added after the blur, in 8-bit steps (0..100)."""
    jpeg: int | None = None
    """Quality 1..100 of a JPEG compression at the end; None for no compression."""
    seed: int = 0
    """Draws the motion path and the noise."""

    def __post_init__(self):
        if self.kind not in KINDS:
            raise DegradationError(f"unknown degradation '{self.kind}': choose one of {', '.join(KINDS)}.")
        kind = KINDS[self.kind]
        if kind.parameter is None:
            if self.strength is not None:
                raise DegradationError(f"{self.kind} has no strength to set: leave it out.")
        else:
            if self.strength is None:
                object.__setattr__(self, "strength", kind.default)
            _check(kind.parameter, self.strength, kind.low, kind.high)
        _check("noise", self.noise, 0, MAX_NOISE)
        if self.jpeg is not None:
            _check("jpeg", self.jpeg, 1, 100)
        _check("seed", self.seed, 0, MAX_SEED)
        if any(value is not None and int(value) != value for value in (self.jpeg, self.seed)):
            raise DegradationError("jpeg and seed must be whole numbers.")

    def __str__(self) -> str:
        """The text form, which `parse` reads back to an equal Degradation."""
        parts = []
        if self.strength is not None:
            parts.append(f"{KINDS[self.kind].parameter}={self.strength:.12g}")
        if self.noise:
            parts.append(f"noise={self.noise:.12g}")
        if self.jpeg is not None:
            parts.append(f"jpeg={self.jpeg}")
        if self.seed:
            parts.append(f"seed={self.seed}")
        return self.kind + (":" + ",".join(parts) if parts else "")


def parse(text: str) -> Degradation:
    """Read a text form such as `gaussian:sigma=2.0,noise=5,jpeg=60,seed=3`; what is not named takes its default.

    Raises:
        DegradationError: with a sentence that names what was wrong and what is possible.
    """
    kind, _, rest = text.partition(":")
    kind = kind.strip()
    if kind not in KINDS:
        raise DegradationError(f"unknown degradation '{kind[:40]}': choose one of {', '.join(KINDS)}.")
    parameter = KINDS[kind].parameter
    numbers = {parameter: float, "noise": float, "jpeg": int, "seed": int}
    fields = {parameter: "strength", "noise": "noise", "jpeg": "jpeg", "seed": "seed"}
    values = {}
    for part in filter(None, (piece.strip() for piece in rest.split(","))):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in numbers:
            known = ", ".join(str(key) for key in numbers if key)
            raise DegradationError(f"{kind} has no parameter '{name[:40]}': it takes {known}.")
        if fields[name] in values:
            raise DegradationError(f"{name} is given twice in '{text[:80]}'.")
        try:
            values[fields[name]] = numbers[name](value)
        except ValueError:
            wanted = "a whole number" if numbers[name] is int else "a number"
            raise DegradationError(f"'{part[:40]}': {name} must be {wanted}, as in {name}=5.") from None
    return Degradation(kind, **values)


def gaussian_kernel(sigma: float) -> Tensor:
    """A (k, k) Gaussian of standard deviation `sigma` pixels, sum 1, cut at four standard deviations; float32."""
    radius = max(1, math.ceil(4 * sigma))
    x = torch.arange(-radius, radius + 1, dtype=torch.float64)
    bell = torch.exp(-(x**2) / (2 * sigma**2))
    kernel = bell[:, None] * bell[None, :]
    return (kernel / kernel.sum()).float()


def defocus_kernel(radius: float) -> Tensor:
    """A (k, k) disc of `radius` pixels, sum 1, its rim antialiased by 8x8 samples a pixel; float32."""
    reach = math.ceil(radius)
    fine = 8
    x = (torch.arange((2 * reach + 1) * fine, dtype=torch.float64) + 0.5) / fine - reach - 0.5
    disc = (x[:, None] ** 2 + x[None, :] ** 2 <= radius**2).double()
    kernel = F.avg_pool2d(disc[None, None], fine)[0, 0]
    return (kernel / kernel.sum()).float()


def motion_paths(lengths: np.ndarray, rng: np.random.Generator, steps: int = 2000) -> np.ndarray:
    """Random camera paths after Boracchi and Foi (2012, algorithm 1), with the constants of DeblurGAN's code.

    A point moves with constant speed; its direction is changed by a Gaussian push, by inertia pulling it back to the start, and
    now and then by an impulse that turns it round.

    Args:
        lengths: (n,) lengths of the paths in pixels.
        rng: draws everything.
        steps: samples of the path.

    Returns:
        (n, steps) complex positions in pixels, real part to the right, imaginary part down, centred on their centroid (so that
        the blur does not shift the picture).
    """
    n = len(lengths)
    speed = np.asarray(lengths, dtype=np.float64) / (steps - 1)
    inertia = 0.7 * rng.random(n)
    chance_of_impulse = 0.2 * rng.random(n)
    push = 10 * rng.random(n)
    anxiety = rng.choice([0.01, 0.009, 0.008, 0.007, 0.005, 0.003], n)
    velocity = speed * np.exp(2j * np.pi * rng.random(n))
    position = np.zeros((n, steps), dtype=np.complex128)
    for t in range(steps - 1):
        turn = np.exp(1j * (np.pi + rng.random(n) - 0.5))
        impulse = np.where(rng.random(n) < chance_of_impulse * anxiety, 2 * velocity * turn, 0)
        noise = rng.standard_normal(n) + 1j * rng.standard_normal(n)
        velocity = velocity + impulse + anxiety * (push * noise - inertia * position[:, t]) * speed
        velocity = velocity / np.maximum(np.abs(velocity), 1e-12) * speed
        position[:, t + 1] = position[:, t] + velocity
    return position - position.mean(axis=1, keepdims=True)


def path_kernel(path: np.ndarray) -> Tensor:
    """Turn one (steps,) complex path into a (k, k) kernel, k odd, by bilinear splatting; sum 1; float32."""
    radius = int(np.ceil(max(np.abs(path.real).max(), np.abs(path.imag).max()))) + 1
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1))
    column, row = np.floor(path.real).astype(int), np.floor(path.imag).astype(int)
    right, down = path.real - column, path.imag - row
    for dy, wy in ((0, 1 - down), (1, down)):
        for dx, wx in ((0, 1 - right), (1, right)):
            np.add.at(kernel, (row + dy + radius, column + dx + radius), wy * wx)
    return torch.from_numpy(kernel / kernel.sum()).float()


def motion_kernel(length: float, seed: int) -> Tensor:
    """The kernel of one seeded camera shake whose path is `length` pixels long: (k, k), k odd, sum 1."""
    return path_kernel(motion_paths(np.array([length]), np.random.default_rng(seed))[0])


def blur(x: Tensor, kernels: Tensor) -> Tensor:
    """Convolve pictures with kernels, the border continued by its last pixel; computed by FFT in float32.

    Args:
        x: (N, C, H, W), any range.
        kernels: (k, k) for all pictures, or (N, k, k) one each; k odd.

    Returns:
        (N, C, H, W), same range when the kernels sum to 1.
    """
    kernels = kernels if kernels.ndim == 3 else kernels[None]
    radius = kernels.shape[-1] // 2
    height, width = x.shape[-2:]
    with torch.autocast(x.device.type, enabled=False):
        padded = F.pad(x.float(), (radius,) * 4, mode="replicate")
        size = padded.shape[-2:]
        spectrum = torch.fft.rfft2(padded) * torch.fft.rfft2(kernels.to(padded), s=size)[:, None]
        full = torch.fft.irfft2(spectrum, s=size)
    return full[..., 2 * radius : 2 * radius + height, 2 * radius : 2 * radius + width]


def round_to_8_bits(x: Tensor) -> Tensor:
    """Clamp to [0, 1] and round to the nearest of 256 levels, halves up (as MATLAB's uint8 does)."""
    return (x.clamp(0, 1) * 255 + 0.5).floor() / 255


def shaken(degradation: Degradation, place: int) -> Degradation:
    """A degradation with a seed of its own for the picture at a place (from 0): no two photographs are shaken alike."""
    return replace(degradation, seed=(degradation.seed + place) % (MAX_SEED + 1))


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Repeat the last row and column until both sides of (N, C, H, W) are multiples of `multiple`."""
    height, width = x.shape[-2:]
    return F.pad(x, (0, -width % multiple, 0, -height % multiple), mode="replicate")


def jpeg(x: Tensor, quality: int) -> Tensor:
    """Through a JPEG file of this quality (1..100) and back; (N, 3, H, W) in [0, 1], rounded to 8 bits."""
    from PIL import Image

    pictures = []
    for picture in (x * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy():
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=quality)
        pictures.append(np.array(Image.open(file)))
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(x) / 255


def kernel_of(degradation: Degradation) -> Tensor | None:
    """The (k, k) point spread function of a degradation; None for x4-bicubic, which has none at full size."""
    match degradation.kind:
        case "gaussian":
            return gaussian_kernel(degradation.strength)
        case "defocus":
            return defocus_kernel(degradation.strength)
        case "motion":
            return motion_kernel(degradation.strength, degradation.seed)
    return None


def degrade(x: Tensor, degradation: Degradation) -> Tensor:
    """Degrade sharp pictures; the result is what a file would hold, so it is rounded to 8 bits.

    Order: blur or shrinking, then noise, then rounding, then JPEG.

    Args:
        x: (N, 3, H, W) in [0, 1].
        degradation: what to do; the same one always gives the same result.

    Returns:
        (N, 3, H, W) in [0, 1]; for x4-bicubic (N, 3, ceil(H/4), ceil(W/4)), the picture padded by its border to a multiple of 4.
    """
    kernel = kernel_of(degradation)
    y = downscale(pad_to_multiple(x, 4), 4) if kernel is None else blur(x, kernel)
    if degradation.noise:
        noise = np.random.default_rng(degradation.seed).standard_normal(y.shape)
        y = y + torch.from_numpy(noise).to(y) * (degradation.noise / 255)
    y = round_to_8_bits(y)
    return y if degradation.jpeg is None else jpeg(y, degradation.jpeg)
