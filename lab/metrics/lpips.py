"""LPIPS (Zhang, Isola, Efros, Shechtman, Wang, "The unreasonable effectiveness of deep features as a perceptual metric",
CVPR 2018): how far two pictures are apart in the features of a network.

At every pixel of every layer the features are brought to length 1; the weighted squares of their differences are averaged over
the pixels and summed over the layers (eq. 1). `official` is the form everybody reports, AlexNet with the linear layers v0.1 of
the `lpips` package; `lpips_lab.py` is the same formula on the lab's own network.
"""

import contextlib
import hashlib
import os
import pickle
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lab import official as files
from lab.digests import sha256
from lab.errors import LabError
from lab.metrics.lpips_tiles import spans

EPSILON = 1e-10
"""Added to the length of a feature vector before it is divided by it."""
KEPT_BYTES = 256 * 2**20
"""Memory for the features of references; what goes beyond it is computed again for every result."""
SLIM_ENDING = "-convolutions.safetensors"


class LpipsError(LabError):
    """LPIPS that cannot be computed; its text is the sentence to show."""


@dataclass(frozen=True)
class Trunk:
    """A network and what is needed to run it in tiles."""

    features: Callable[[Tensor], Sequence[Tensor]]
    """RGB [0, 1] (1, 3, H, W) -> one map (1, C, h, w) a layer, after its activation."""
    weights: tuple[Tensor, ...]
    """One vector (C,) a layer, not negative."""
    strides: tuple[int, ...]
    """Pixels from one feature to the next, a layer; each divides the last."""
    halo: int
    """Pixels beyond a tile that its features look at, rounded up to a multiple of the last stride."""
    core: int
    """The longest side of a picture that is taken in one piece, and of a tile."""
    least_side: int
    """The shortest side that has a feature in every layer."""


class _Kept:
    """Features of references, tile by tile, up to a number of bytes; the oldest reference goes first."""

    def __init__(self, limit: int):
        self.limit, self.size = limit, 0
        self.tiles: dict[tuple[str, int], list[Tensor]] = {}
        self.lock = threading.Lock()

    def get(self, reference: str, tile: int) -> list[Tensor] | None:
        with self.lock:
            return self.tiles.get((reference, tile))

    def put(self, reference: str, tile: int, features: list[Tensor]) -> None:
        """Keep a tile's features, where they fit once other references have made room."""
        needs = _bytes(features)
        with self.lock:
            if (reference, tile) in self.tiles or needs > self.limit:
                return
            for other in [key for key in self.tiles if key[0] != reference]:
                if self.size + needs <= self.limit:
                    break
                self.size -= _bytes(self.tiles.pop(other))
            if self.size + needs <= self.limit:
                self.tiles[reference, tile] = features
                self.size += needs


def _bytes(features: list[Tensor]) -> int:
    return sum(value.numel() * value.element_size() for value in features)


class Lpips:
    """LPIPS with one trunk. Pictures are uint8 (H, W, 3) RGB, taken whole and in colour.

    The reference's features are kept, so that many results are compared with one reference at half the price. Large pictures go
    through in tiles, with the result of the whole picture. May be used from several threads.
    """

    def __init__(self, trunk: Trunk, variant: Literal["official", "lab"], source: str):
        self.trunk = trunk
        self.variant: Literal["official", "lab"] = variant
        self.source = source
        self._roots = [weight.sqrt().view(1, -1, 1, 1) for weight in trunk.weights]
        self._kept = _Kept(KEPT_BYTES)

    def why_not(self, height: int, width: int) -> str:
        """Why there is no LPIPS of pictures of this size; empty where there is."""
        least = self.trunk.least_side
        if min(height, width) >= least:
            return ""
        return f"LPIPS needs at least {least}x{least} pixels; the picture is {width}x{height}."

    def distance(self, result: np.ndarray, reference: np.ndarray) -> float:
        """LPIPS of two pictures: 0 for identical ones, lower is better.

        Raises:
            LpipsError: they differ in size, or are too small.
        """
        return sum(float(layer.mean(dtype=torch.float64)) for layer in self.layer_maps(result, reference))

    def distance_map(self, result: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Where the distance comes from: float32 (H, W), not negative, whose mean is the distance.

        Every layer's map is enlarged by linear interpolation, as the `lpips` package does, and then brought back to the layer's
        mean, which interpolation changes a little.

        Raises:
            LpipsError: they differ in size, or are too small.
        """
        total = torch.zeros(result.shape[:2])
        for layer in self.layer_maps(result, reference):
            mean = layer.mean(dtype=torch.float64)
            large = F.interpolate(layer[None, None], size=result.shape[:2], mode="bilinear", align_corners=False)[0, 0]
            if mean > 0:
                total += large * float(mean / large.mean(dtype=torch.float64))
        return total.numpy()

    @torch.inference_mode()
    def layer_maps(self, result: np.ndarray, reference: np.ndarray) -> list[Tensor]:
        """The weighted squared differences of every layer, (h, w) each; their means sum to the distance.

        Raises:
            LpipsError: the pictures differ in size, or are too small.
        """
        if result.shape != reference.shape:
            raise LpipsError("LPIPS compares pictures of one size: crop or resize one of them.")
        height, width = reference.shape[:2]
        if why_not := self.why_not(height, width):
            raise LpipsError(why_not)
        trunk = self.trunk
        rows, columns = (spans(side, trunk.core, trunk.halo, trunk.strides[-1]) for side in (height, width))
        digest = hashlib.sha256(np.ascontiguousarray(reference)).hexdigest() + str(reference.shape)
        bands: list[list[Tensor]] = [[] for _ in trunk.strides]
        for i, row in enumerate(rows):
            pieces: list[list[Tensor]] = [[] for _ in trunk.strides]
            for j, column in enumerate(columns):
                number = i * len(columns) + j
                sharp = self._kept.get(digest, number)
                if sharp is None:
                    sharp = self._tile(reference, row, column)
                    self._kept.put(digest, number, sharp)
                for layer, (a, b) in enumerate(zip(self._tile(result, row, column), sharp, strict=True)):
                    pieces[layer].append((a - b).square_().sum(1)[0])
            for layer, piece in enumerate(pieces):
                bands[layer].append(torch.cat(piece, dim=1))
        return [torch.cat(band) for band in bands]

    def _tile(self, picture: np.ndarray, row: tuple[int, int, int, int], column: tuple[int, int, int, int]) -> list[Tensor]:
        """The features of a tile's core, of length 1 and times the root of the layer's weights: (1, C, h, w) each."""
        top, bottom, read_top, read_bottom = row
        left, right, read_left, read_right = column
        piece = np.ascontiguousarray(picture[read_top:read_bottom, read_left:read_right].transpose(2, 0, 1))
        x = torch.from_numpy(piece)[None].float() / 255
        result = []
        layers = zip(self.trunk.features(x), self._roots, self.trunk.strides, strict=True)
        for features, root, stride in layers:
            y, x0 = (top - read_top) // stride, (left - read_left) // stride
            y_end = None if bottom == picture.shape[0] else y + (bottom - top) // stride
            x_end = None if right == picture.shape[1] else x0 + (right - left) // stride
            core = features[..., y:y_end, x0:x_end]
            length = core.square().sum(1, keepdim=True).sqrt_().add_(EPSILON)
            result.append(root * core / length)
        return result


def slim_file(path: Path) -> Path:
    """Where AlexNet's convolution weights alone are kept: beside torchvision's file."""
    return path.with_name(path.stem + SLIM_ENDING)


def official_file() -> Path | None:
    """The file `official` can be given: the slim one where it is whole, else torchvision's where that is, else None."""
    slim = slim_file(files.place("alexnet"))
    if slim.is_file():
        state = slim.stat()
        if _slim_is_whole(str(slim), state.st_size, state.st_mtime_ns):
            return slim
    return files.found("alexnet")


@lru_cache(maxsize=4)
def _slim_is_whole(path: str, size: int, changed: int) -> bool:
    # `size` and `changed` are part of the key: a file that was replaced is read anew.
    try:
        _read_slim(Path(path))
    except LpipsError:
        return False
    return True


def official(path: Path) -> Lpips:
    """LPIPS with AlexNet and the linear layers v0.1, from torchvision's weights file or the slim one beside it.

    torchvision's file has 244 MB, of which 10 MB are needed: these are written to the slim file, so that the next start is quick,
    and torchvision's file may go.

    Args:
        path: from `official_file`. Nothing is downloaded.

    Raises:
        LpipsError: the package lpips is missing or cannot be loaded, or the file does not hold AlexNet's convolutions.
    """
    try:
        import lpips
    except ImportError as error:
        raise LpipsError("LPIPS in its official form needs the package lpips: pip install lpips.") from error
    except RuntimeError as error:  # torchvision's operators were built for another PyTorch
        raise LpipsError(
            f"the package lpips cannot be loaded: install the torchvision of PyTorch {torch.__version__}."
        ) from error
    slim = path.name.endswith(SLIM_ENDING)
    weights, digest = _read_slim(path) if slim else _read_torchvision(path)
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings(action="ignore"):
        network = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)  # its random weights are replaced at once
    state = {name: weights.get("features." + name.split(".", 1)[1], torch.empty(0)) for name in network.net.state_dict()}
    try:
        network.net.load_state_dict(state)
    except RuntimeError as error:
        raise LpipsError(f"{path.name} does not hold AlexNet's convolutions: fetch or build it anew.") from error
    if not slim:
        _write_slim(weights, digest, slim_file(path))
    network.requires_grad_(False)
    trunk = Trunk(
        features=lambda x: network.net(network.scaling_layer(2 * x - 1)),
        weights=tuple(linear.model[-1].weight.flatten() for linear in network.lins),
        strides=(4, 8, 16, 16, 16),
        halo=112,  # a feature of the last layer looks 66 pixels back and 96 on from its place
        core=1024,
        least_side=31,
    )
    return Lpips(trunk, "official", f"AlexNet (SHA-256 {digest[:12]}), linear layers v0.1 of lpips")


def _read_torchvision(path: Path) -> tuple[dict[str, Tensor], str]:
    """AlexNet's convolution weights by torchvision's names, and the SHA-256 of the file."""
    try:
        digest = sha256(path)
        whole = torch.load(path, map_location="cpu", weights_only=True)
        return {name: value.contiguous() for name, value in whole.items() if name.startswith("features.")}, digest
    except (OSError, RuntimeError, ValueError, AttributeError, EOFError, pickle.UnpicklingError) as error:
        raise LpipsError(f"{path.name} is not a weights file of torchvision's: fetch it anew.") from error


def _content_digest(weights: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].numpy())
    return digest.hexdigest()


def _write_slim(weights: dict[str, Tensor], digest: str, path: Path) -> None:
    """Write the convolution weights and the hash of the file they are from, where the folder can be written to."""
    from safetensors.torch import save

    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with contextlib.suppress(OSError):
        part.write_bytes(save(weights, {"sha256": digest, "content": _content_digest(weights)}))
        os.replace(part, path)


def _read_slim(path: Path) -> tuple[dict[str, Tensor], str]:
    """AlexNet's convolution weights by torchvision's names, and the SHA-256 of the file they are from."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as stream:
            names, said = stream.keys(), stream.metadata() or {}
            weights = {name: stream.get_tensor(name) for name in names}
    except (OSError, SafetensorError) as error:
        raise LpipsError(f"{path.name} is damaged: delete it.") from error
    if said.get("content") != _content_digest(weights) or "sha256" not in said:
        raise LpipsError(f"{path.name} is damaged: delete it.")
    return weights, said["sha256"]
