"""The heart of the lab: a picture, a degradation, methods and metrics become a stream of results."""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from lab import classical
from lab.degrade import Degradation, degrade, pad_to_multiple, round_to_8_bits
from lab.errors import LabError
from lab.images import MAX_PIXELS, PictureError, check_size, to_picture, to_tensor
from lab.methods import Method, find, in_domain
from lab.metrics import Figure, measure_all, measure_or_say_why
from lab.metrics.models import Models, current
from lab.resize import downscale
from lab.restore import Restored, Stopped, pick_device, restore

SCALE = 4
DEFAULT_METRICS = ("psnr", "ssim")
NO_INPUT_FIGURES = "The input is a quarter of the size: bicubic's row says what enlarging alone gives."


@dataclass(frozen=True)
class Prepared:
    """One input, ready for every method."""

    reference: np.ndarray | None
    """The sharp picture, uint8 (H, W, 3); None when the visitor's picture came blurred."""
    given: np.ndarray
    """What the degradation left, uint8 (h, w, 3): the only thing any method may see."""
    shown: np.ndarray
    """`given` at output size, uint8 (H, W, 3): each pixel repeated where it is smaller."""
    degradation: Degradation | None
    output_size: tuple[int, int]
    """(H, W) of every result."""
    factor: int
    """4 when `given` is a quarter of the output, else 1."""


@dataclass(frozen=True)
class Started:
    """A method began."""

    method: str


@dataclass(frozen=True)
class Failed:
    """A method could not do it."""

    method: str
    reason: str
    """One sentence for the visitor."""


@dataclass(frozen=True)
class Finished:
    """What one method made of the input. The picture is the very one that was measured."""

    method: str
    name: str
    """As on screen; says what was scaled down."""
    picture: np.ndarray
    """uint8 (H, W, 3)."""
    seconds: float
    given: str
    """What the method was really given, as a sentence."""
    in_domain: bool
    """Whether its training covered that."""
    checkpoint: str | None
    """File name of the weights; None for classical methods."""
    checkpoint_sha: str | None
    """First 12 hex digits of the file's SHA-256."""
    stage: str
    """How far the weights have come, from their card."""
    differs: str
    """What is unlike the paper, from the same card; empty where it says nothing."""
    device: str
    metrics: dict[str, Figure] = field(default_factory=dict)


def prepare(
    picture: np.ndarray,
    degradation: Degradation | None,
    output: Literal["same", "x4"] = "same",
    max_pixels: int = MAX_PIXELS,
) -> Prepared:
    """Make the input that all methods share.

    Args:
        picture: uint8 (H, W, 3): the sharp picture, or, without a degradation, one that is blurred already.
        degradation: what to do to a sharp picture; None for an already blurred one.
        output: only without a degradation: results at the picture's own size, or four times it.
        max_pixels: how many a result may have.

    Raises:
        PictureError: the result would be larger than the limit.
        ValueError: an output of `x4` together with a degradation, which fixes the size.
    """
    height, width = picture.shape[:2]
    if degradation is not None and output != "same":
        raise ValueError("a sharp picture that is degraded comes back at its own size")
    if degradation is not None:
        given = to_picture(degrade(to_tensor(picture), degradation))
        factor = SCALE if degradation.kind == "x4-bicubic" else 1
        reference, size = picture, (height, width)
    else:
        factor = SCALE if output == "x4" else 1
        given, reference, size = picture, None, (height * factor, width * factor)
        if factor > 1:
            try:
                check_size(size[1], size[0], max_pixels)
            except PictureError as error:
                raise type(error)(f"four times {width}x{height}: {error} Or choose the same size.") from None
    shown = given if factor == 1 else np.repeat(np.repeat(given, factor, 0), factor, 1)[: size[0], : size[1]]
    return Prepared(reference, given, np.ascontiguousarray(shown), degradation, size, factor)


def _input_for(method: Method, prepared: Prepared):
    """The tensor a method receives and the sentence that says what it is."""
    x = to_tensor(prepared.given)
    high, wide = prepared.output_size
    match method.takes, prepared.factor:
        case "x4", 4:
            return x, f"the {x.shape[-1]}x{x.shape[-2]} picture"
        case "same", 4:
            x = round_to_8_bits(classical.bicubic(x, SCALE)[..., :high, :wide])
            return x, f"the picture enlarged to {wide}x{high} with bicubic interpolation"
        case "x4", 1:
            x = round_to_8_bits(downscale(pad_to_multiple(x, SCALE), SCALE))
            return x, f"the picture shrunk to {x.shape[-1]}x{x.shape[-2]} with bicubic interpolation"
    return x, f"the {wide}x{high} picture"


def _domain(method: Method, prepared: Prepared, restored: Restored) -> bool:
    trained_for = restored.loaded.trained_for if restored.loaded else [{"kind": "x4-bicubic"}]
    return in_domain(prepared.degradation, list(trained_for))


def figures(
    picture: np.ndarray, reference: np.ndarray | None, keys: Sequence[str], convention: str, models: Models | None = None
) -> dict[str, Figure]:
    """The named figures of one picture, uint8 (H, W, 3), in one convention, with the border of an x4 comparison."""
    return measure_all(keys, picture, reference, convention, SCALE, models)


def input_figures(
    prepared: Prepared, keys: Sequence[str] = DEFAULT_METRICS, convention: str = "sr", models: Models | None = None
) -> dict[str, Figure]:
    """The figures of the input itself: how far it was from the reference before any method."""
    if prepared.factor != 1:
        return {key: Figure(None, convention, why_not=NO_INPUT_FIGURES) for key in keys}
    return measure_or_say_why(keys, prepared.given, prepared.reference, convention, SCALE, models)


def _finished(
    method: Method,
    prepared: Prepared,
    own: Path | None,
    device: torch.device,
    metrics: Sequence[str],
    convention: str,
    models: Models,
    stop: threading.Event | None,
) -> Finished:
    """Everything there is to say of one method, or an error."""
    high, wide = prepared.output_size
    x, given = _input_for(method, prepared)
    restored = restore(method.key, x, own, device, stop)
    picture = to_picture(restored.picture[..., :high, :wide])
    loaded = restored.loaded
    return Finished(
        method=method.key,
        name=loaded.name if loaded else method.name,
        picture=picture,
        seconds=restored.seconds,
        given=given + ("" if restored.tiles == 1 else f", in {restored.tiles} overlapping tiles"),
        in_domain=_domain(method, prepared, restored),
        checkpoint=loaded.file if loaded else None,
        checkpoint_sha=loaded.sha256[:12] if loaded else None,
        stage=loaded.stage if loaded else "",
        differs=loaded.differs if loaded else "",
        device=restored.device,
        metrics=measure_or_say_why(metrics, picture, prepared.reference, convention, SCALE, models),
    )


def compare(
    prepared: Prepared,
    methods: Sequence[str],
    metrics: Sequence[str] = DEFAULT_METRICS,
    convention: Literal["sr", "rgb"] = "sr",
    weights: Mapping[str, Path] | None = None,
    device: str = "auto",
    stop: threading.Event | None = None,
    models: Models | None = None,
) -> Iterator[Started | Finished | Failed]:
    """Run methods one after the other on the same input, yielding each result as soon as it is there.

    Args:
        prepared: from `prepare`.
        methods: keys of the catalogue, run in this order.
        metrics: keys of lab.metrics.METRICS.
        convention: `sr` (luma, border 4) or `rgb` (all channels, no border).
        weights: weights files to use in place of the shipped ones, by method key.
        device: auto, cpu or cuda.
        stop: once set, the stream ends: between two methods, or two tiles of one, or two passes of a self-ensemble.
        models: what NIQE, Ma and LPIPS run on; what there is at the start of the stream where None is given.

    Yields:
        Started, then Finished or Failed, for each method.

    Raises:
        UnknownMethodError: a key that is not in the catalogue, before anything runs.
        RestoreError: a device that is not there, before anything runs.
    """
    own = dict(weights or {})
    for key in (*methods, *own):
        find(key)
    chosen, models = pick_device(device), models or current()
    for key in methods:
        if stop is not None and stop.is_set():
            return
        yield Started(key)
        method = find(key)
        try:
            finished = _finished(method, prepared, own.get(key), chosen, metrics, convention, models, stop)
        except Stopped:
            return
        except LabError as error:
            yield Failed(key, str(error))
        except MemoryError:
            yield Failed(key, f"there was not enough memory for {method.name}: try a smaller picture, or close other programs.")
        except Exception:
            logging.getLogger(__name__).exception("%s failed", key)
            yield Failed(key, f"{method.name} failed in a way nobody foresaw: try another picture, and please report this one.")
        else:
            yield finished
