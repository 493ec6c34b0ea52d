"""One method on one picture: the device, the tiles of a large picture, and the memory there is."""

import itertools
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

from lab import classical, methods, weights
from lab.cards import read_card
from lab.degrade import round_to_8_bits
from lab.digests import sha256
from lab.errors import LabError
from lab.networks.adapter import RGBNetwork

TILE = 1024
"""Longest side, in output pixels, that is restored in one piece; larger pictures are cut into overlapping tiles."""
SMALLEST_TILE = 512
OVERLAP = 128
"""Output pixels on every side of a tile that are computed and thrown away, so that no seam shows."""

_CLASSICAL = {
    "nearest": classical.nearest,
    "bilinear": classical.bilinear,
    "bicubic": classical.bicubic,
    "ibp": classical.iterative_back_projection,
}
_device_in_use = threading.Lock()  # two networks at once on one device are slower than in turn, and take twice the memory


class RestoreError(LabError):
    """A method that cannot be run as asked; its text is the sentence to show."""


class Stopped(Exception):
    """The run was cancelled between two tiles, or between two passes of a self-ensemble."""


@dataclass(frozen=True)
class Loaded:
    """A network on its device, with what is known of its weights."""

    network: RGBNetwork
    name: str
    file: str
    sha256: str
    stage: str
    differs: str
    trained_for: tuple[dict, ...]


@dataclass(frozen=True)
class Restored:
    """What one method made of one picture."""

    picture: Tensor
    """(1, 3, H, W) in [0, 1], rounded to 8 bits, on the CPU."""
    seconds: float
    """Wall time of the restoration alone: no loading, no rounding."""
    tiles: int
    device: str
    loaded: Loaded | None
    """None for classical methods."""


def pick_device(wish: str = "auto") -> torch.device:
    """`auto` (a GPU where there is one), `cpu` or `cuda`.

    Raises:
        RestoreError: unknown word, or no GPU where one was asked for.
    """
    if wish not in ("auto", "cpu", "cuda"):
        raise RestoreError(f"unknown device '{wish}': choose auto, cpu or cuda.")
    if wish == "cuda" and not torch.cuda.is_available():
        raise RestoreError("no CUDA GPU is available here: choose cpu or auto.")
    return torch.device("cuda" if wish != "cpu" and torch.cuda.is_available() else "cpu")


def device_name(device: torch.device) -> str:
    """As on screen: the GPU's own name, or CPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


@lru_cache(maxsize=24)
def _load(path: str, changed: tuple[float, ...], device: str) -> tuple[RGBNetwork, str, dict | None]:
    # `changed` is part of the key: a file trained anew, or said other things of, is loaded anew.
    network = weights.load(path).to(device)
    if device.startswith("cpu"):
        network = network.to(memory_format=torch.channels_last)  # 1.2 to 1.5 times faster, equal to 1e-5
    return network, sha256(path), read_card(path)


def load(key: str, own: Path | None, device: torch.device) -> Loaded:
    """The network of a learned method, kept in memory between calls.

    Args:
        key: a learned method of the catalogue.
        own: another weights file than the shipped one, in any layout lab.weights knows; None for the shipped one.
        device: where the network is put.

    Raises:
        RestoreError: nothing trained yet, or a network that does not fit the method.
        lab.weights.WeightsError: a file that cannot be used.
    """
    method = methods.find(key)
    path = Path(own) if own else methods.checkpoint(key)
    if path is None:
        raise RestoreError(
            f"{method.name} has no checkpoint here: train one with `python -m lab train {key} --ship`, "
            f"or name a weights file with --weights {key}=FILE."
        )
    if not path.is_file():
        raise weights.WeightsError(f"there is no weights file {path.name}: check the path.")
    changed = tuple(file.stat().st_mtime for file in (path, path.with_suffix(".json")) if file.is_file())
    network, sha, card = _load(str(path), changed, str(device))
    scale = 4 if method.takes == "x4" else 1
    if network.scale != scale:
        raise RestoreError(
            f"{path.name} holds a network that enlarges {network.scale} times, but {method.name} enlarges {scale} times here: "
            f"choose a file made for x{scale}."
        )
    name = methods.screen_name(key, card) + ("" if own is None else ", own weights")
    said = card or {}
    return Loaded(
        network, name, path.name, sha, said.get("stage", ""), said.get("differs", ""), tuple(said.get("trained_for", ()))
    )


def _is_out_of_memory(error: Exception) -> bool:
    said = str(error)
    kinds = (torch.cuda.OutOfMemoryError, MemoryError)
    return isinstance(error, kinds) or "can't allocate memory" in said or "not enough memory" in said


def _spans(length: int, core: int, margin: int) -> list[tuple[int, int, int, int]]:
    """Cut a side into cores with margins: (core start, core end, read start, read end) each, in input samples.

    Cuts lie on multiples of 32, so that networks with strided layers see every tile in phase with the whole picture.
    """
    count = -(-length // core)
    edges = [round(i * length / count / 32) * 32 for i in range(count)] + [length]
    return [(a, b, max(0, a - margin), min(length, b + margin)) for a, b in itertools.pairwise(edges) if a < b]


def _run_tiles(network: RGBNetwork, x: Tensor, tile: int) -> tuple[Tensor, int]:
    """Run (1, 3, h, w) through a network in overlapping tiles of `tile` output pixels; the result on the CPU, and the count."""
    scale = network.scale
    height, width = x.shape[-2:]
    if max(height, width) * scale <= tile:
        rows, columns = [(0, height, 0, height)], [(0, width, 0, width)]
    else:
        core, margin = (tile - 2 * OVERLAP) // scale, OVERLAP // scale
        rows, columns = _spans(height, core, margin), _spans(width, core, margin)
    result = torch.empty(1, 3, height * scale, width * scale)
    device = next(network.parameters()).device
    for top, bottom, read_top, read_bottom in rows:
        for left, right, read_left, read_right in columns:
            piece = x[..., read_top:read_bottom, read_left:read_right].to(device)
            with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
                out = network(piece).float().cpu()
            y, x0 = (top - read_top) * scale, (left - read_left) * scale
            high, wide = (bottom - top) * scale, (right - left) * scale
            result[..., top * scale : bottom * scale, left * scale : right * scale] = out[..., y : y + high, x0 : x0 + wide]
    return result, len(rows) * len(columns)


def run_network(network: RGBNetwork, x: Tensor, stop: threading.Event | None = None, tile: int = TILE) -> tuple[Tensor, int]:
    """Restore a picture of any size with one network, in smaller tiles when memory runs out.

    Args:
        network: in eval mode, on its device.
        x: (1, 3, h, w) in [0, 1], on the CPU.
        stop: once set, the run ends before the network's next pass, of which a tile has one, or eight of a self-ensemble.
        tile: output pixels; longer sides are cut. A network with instance norm looks at the whole picture's statistics, so its
            picture is cut only when memory runs out.

    Returns:
        (1, 3, h * scale, w * scale) in [0, 1] on the CPU, and the number of tiles.

    Raises:
        Stopped: `stop` was set.
        RestoreError: not enough memory even for the smallest tile.
    """
    if any(isinstance(module, nn.InstanceNorm2d) for module in network.modules()):
        tile = max(tile, network.scale * max(x.shape[-2:]))

    def check(*_) -> None:
        if stop is not None and stop.is_set():
            raise Stopped

    before_each_pass = network.network.register_forward_pre_hook(check)
    try:
        while True:
            try:
                return _run_tiles(network, x, tile)
            except (RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error):
                    raise
            if tile // 2 < SMALLEST_TILE:
                raise RestoreError("there is not enough memory for this picture: try a smaller one, or close other programs.")
            tile //= 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
    finally:
        before_each_pass.remove()


def restore(
    key: str, x: Tensor, own: Path | None = None, device: torch.device | None = None, stop: threading.Event | None = None
) -> Restored:
    """Run one method on one picture.

    Args:
        key: of the catalogue.
        x: (1, 3, h, w) in [0, 1]: the quarter-size picture for methods that take `x4`, the full-size one otherwise.
        own: weights file to use in place of the shipped one.
        device: None picks a GPU where there is one.
        stop: once set, the run ends as in `run_network`.

    Returns:
        The picture at (4h, 4w) or (h, w), rounded to 8 bits.

    Raises:
        Stopped, RestoreError, lab.weights.WeightsError, lab.methods.UnknownMethodError: see their texts.
    """
    device = device or pick_device()
    if methods.find(key).kind == "classical":
        if own is not None:
            raise RestoreError(f"{methods.find(key).name} is not a network and takes no weights.")
        started = time.perf_counter()
        y = _CLASSICAL[key](x, 4)
        return Restored(round_to_8_bits(y), time.perf_counter() - started, 1, "CPU", None)
    loaded = load(key, own, device)
    with _device_in_use:
        started = time.perf_counter()
        y, tiles = run_network(loaded.network, x, stop)
        seconds = time.perf_counter() - started
    if not torch.isfinite(y).all():
        raise RestoreError(f"{loaded.file} gives values that are not numbers: its weights are damaged, or training diverged.")
    return Restored(round_to_8_bits(y), seconds, tiles, device_name(device), loaded)
