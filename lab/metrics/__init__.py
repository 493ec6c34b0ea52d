"""Figures of merit: the one function that measures a result by any metric of the catalogue.

A figure always carries the convention it was measured in (see `channels.py`) and the variant of its model (see `models.py`);
where it could not be measured it carries the reason, never a zero. Tables never mix conventions or variants.
"""

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lab.errors import LabError
from lab.metrics import models as _models
from lab.metrics.catalogue import EVERY_METRIC, FIGURES_OF_MERIT, METRICS, Metric, border_rule
from lab.metrics.channels import CONVENTIONS, eight_bit_luma, full_luma, rounded, shave, studio_luma
from lab.metrics.gmsd import gmsd
from lab.metrics.gradient_maps import gradient_error, gradient_ratio
from lab.metrics.models import LAB, Models, Source
from lab.metrics.overshoot import overshoot
from lab.metrics.psnr import psnr
from lab.metrics.ssim import ssim

__all__ = [
    "CONVENTIONS", "EVERY_METRIC", "FIGURES_OF_MERIT", "METRICS", "Figure", "Measurement", "Metric", "card", "four_psnrs",
    "measure", "measure_all", "measure_or_say_why", "screen_name",
]  # fmt: skip

NO_ORIGINAL = "There is no sharp original to compare with."


@dataclass(frozen=True)
class Figure:
    """One value of one metric for one picture, or the reason why there is none."""

    value: float | None
    """The value; None where it could not be measured."""
    convention: str
    """"sr" or "rgb"."""
    variant: str = ""
    """"official" or "lab", for a metric that runs on a model."""
    why_not: str = ""
    """One sentence, where value is None."""
    note: str = ""
    """What makes the value uncertain, in a few words; empty where nothing does."""


def screen_name(key: str, models: Models | None = None) -> str:
    """A metric's name with its variant, "NIQE" or "NIQE-lab": a model of the lab's own never goes by the official name."""
    variant = (models or _models.current()).variant(key)
    return EVERY_METRIC[key].name + ("-lab" if variant == LAB else "")


def card(key: str, models: Models | None = None, border: int = 4) -> list[tuple[str, str]]:
    """Everything to know of a figure, as (what, text): about, better, numbers, borders, range, model, definition."""
    metric, models = EVERY_METRIC[key], models or _models.current()
    (sr, rgb), (sr_border, rgb_border) = metric.channels, border_rule(metric, border)
    needs = "the sharp original" if metric.needs_reference else "the result alone"
    lines = [
        ("measures", metric.about),
        ("better", f"{metric.better}; {metric.range}"),
        ("needs", needs),
        ("numbers", f"{sr}, {sr_border}, in both conventions" if (sr, sr_border) == (rgb, rgb_border) else
                    f"in sr {sr}, {sr_border}; in rgb {rgb}, {rgb_border}"),
        ("model", _model_text(key, models)),
        ("defined by", metric.paper),
    ]  # fmt: skip
    return [(what, text) for what, text in lines if text]


def _model_text(key: str, models: Models) -> str:
    """Which model a metric runs on, in words; empty where it needs none."""
    if key != "pi" and key not in _models.FETCHED_AS:
        return ""
    if not models.variant(key):
        return "none here"
    sources = models.pi if key == "pi" else (getattr(models, key),)
    files = " and ".join(path.name for source in sources for path in source.paths)
    if models.variant(key) == LAB:
        return f"the lab's own ({files}): not comparable with published values"
    return f"the official one ({files})"


def measure(
    key: str,
    result: np.ndarray,
    reference: np.ndarray | None,
    convention: str = "sr",
    border: int = 4,
    models: Models | None = None,
) -> Figure:
    """Measure a result by one metric.

    What each metric sees in either convention is written on its card (EVERY_METRIC[key].channels and .cuts_border).

    Args:
        key: a key of EVERY_METRIC.
        result: uint8 (H, W, 3) RGB, the very bytes that are shown.
        reference: the sharp original, uint8 of the same shape; None where there is none.
        convention: "sr" or "rgb".
        border: pixels cut from every side in convention `sr`; usually the scale.
        models: the models to use, from `lab.metrics.models.current()`, which is asked where None is given.

    Returns:
        The figure; its value is None, with a sentence in `why_not`, where the metric needs a reference and there is none,
        where the picture is too small for it, or where its model or package is missing. Identical pictures have a PSNR of
        math.inf.

    Raises:
        ValueError: there is no such metric or convention, or the two pictures differ in size.
    """
    return measure_all([key], result, reference, convention, border, models)[key]


def measure_all(
    keys: Iterable[str],
    result: np.ndarray,
    reference: np.ndarray | None,
    convention: str = "sr",
    border: int = 4,
    models: Models | None = None,
) -> dict[str, Figure]:
    """Measure a result by several metrics, computing what they share once; see `measure`."""
    keys = list(keys)
    measurement = _checked(keys, result, reference, convention, border, models)
    return {key: measurement.figure(key) for key in keys}


def measure_or_say_why(
    keys: Iterable[str],
    result: np.ndarray,
    reference: np.ndarray | None,
    convention: str = "sr",
    border: int = 4,
    models: Models | None = None,
) -> dict[str, Figure]:
    """As `measure_all`, but where measuring fails, by lack of memory or a fault of the lab, the figure says so and others remain.

    For figures that are shown once. Who keeps figures lets failures through, since they may not fail again.
    """
    keys = list(keys)
    measurement = _checked(keys, result, reference, convention, border, models)
    return {key: measurement.figure_or_failure(key) for key in keys}


def _checked(
    keys: list[str], result: np.ndarray, reference: np.ndarray | None, convention: str, border: int, models: Models | None
) -> "Measurement":
    """The measurement, once its arguments are seen to make sense."""
    for key in keys:
        if key not in EVERY_METRIC:
            raise ValueError(f"There is no metric {key!r}; choose among {', '.join(EVERY_METRIC)}.")
    if convention not in CONVENTIONS:
        raise ValueError(f"There is no convention {convention!r}; choose sr or rgb.")
    if reference is not None and result.shape != reference.shape:
        raise ValueError(f"The result is {_size(result)} and the original {_size(reference)}; they must be the same size.")
    return Measurement(result, reference, convention, border, models or _models.current())


def four_psnrs(result: np.ndarray, reference: np.ndarray, border: int = 4) -> list[tuple[str, float]]:
    """The PSNRs of the same pixels that papers report, as (what is measured, decibels).

    Args:
        result, reference: uint8 (H, W, 3) RGB of one shape, each side more than twice the border.
        border: pixels cut from every side where a border is cut.
    """
    cut, cut_reference = shave(result, border), shave(reference, border)
    return [
        (f"luma 16 to 235, {border} px border cut", psnr(studio_luma(cut), studio_luma(cut_reference))),
        ("the same, luma rounded", psnr(rounded(studio_luma(cut)), rounded(studio_luma(cut_reference)))),
        ("luma 16 to 235, whole picture", psnr(studio_luma(result), studio_luma(reference))),
        ("RGB, whole picture", psnr(result, reference)),
    ]


class _Unmeasurable(LabError):
    """Why a figure has no value, as a sentence."""


class Measurement:
    """One picture in one convention, measured metric by metric; keeps what several metrics share. Arguments as for `measure`."""

    def __init__(self, result: np.ndarray, reference: np.ndarray | None, convention: str, border: int, models: Models):
        self.whole = (result, reference)
        self.border = border if convention == "sr" else 0
        self.cut = (shave(result, self.border), None if reference is None else shave(reference, self.border))
        self.convention = convention
        self.models = models
        self.parts: dict[tuple[str, Source | None], float] = {}
        """Values of NIQE and Ma, which PI shares, by model."""
        self.caveat = ""
        """What makes NIQE's value uncertain, once it was measured."""

    def figure(self, key: str) -> Figure:
        """The figure of one metric, or the reason why there is none."""
        try:
            value = self._value(key)
            if math.isnan(value):
                raise _Unmeasurable(f"{EVERY_METRIC[key].name} has no value for a picture without any detail.")
        except LabError as reason:
            return Figure(None, self.convention, self.models.variant(key), str(reason))
        return Figure(value, self.convention, self.models.variant(key), note=self.caveat if key in ("niqe", "pi") else "")

    def figure_or_failure(self, key: str) -> Figure:
        """The same; where measuring fails, the figure says so, and faults of the lab itself go to the log."""
        try:
            return self.figure(key)
        except MemoryError:
            why = f"There was not enough memory to measure {EVERY_METRIC[key].name}: try a smaller picture."
        except Exception:
            logging.getLogger(__name__).exception("measuring %s failed", key)
            why = f"Measuring {EVERY_METRIC[key].name} failed in a way nobody foresaw: please report this picture."
        return Figure(None, self.convention, self.models.variant(key), why)

    def _value(self, key: str) -> float:
        metric = EVERY_METRIC[key]
        result, reference = self.cut if metric.cuts_border else self.whole
        if metric.needs_reference and reference is None:
            raise _Unmeasurable(NO_ORIGINAL)
        if key not in ("niqe", "ma", "pi"):  # which know better what they need
            self._check_size(metric, result)
        seen = studio_luma if self.convention == "sr" else np.asarray
        match key:
            case "psnr":
                return psnr(seen(result), seen(reference))
            case "ssim":
                return ssim(seen(result), seen(reference))
            case "ms-ssim":
                from lab.metrics.ms_ssim import ms_ssim

                return ms_ssim(np.asarray(seen(result), np.float64), np.asarray(seen(reference), np.float64))
            case "gmsd":
                return gmsd(full_luma(result), full_luma(reference))
            case "gradient-ratio":
                return gradient_ratio(seen(result), seen(reference))
            case "gradient-error":
                return gradient_error(seen(result), seen(reference))
            case "overshoot":
                return overshoot(seen(result), seen(reference))
            case "lpips":
                return _models.lpips_model(self.models.lpips).distance(result, reference)
            case "flip":
                from lab.metrics.flip import flip

                return flip(result, reference)
            case "niqe":
                return self._niqe(self.models.niqe)
            case "ma":
                return self._ma(self.models.ma)
        _refuse(self.models.mixed)
        niqe_source, ma_source = self.models.pi
        return ((10 - self._ma(ma_source)) + self._niqe(niqe_source)) / 2

    def _check_size(self, metric: Metric, seen: np.ndarray) -> None:
        height, width = seen.shape[:2]
        if min(height, width) < metric.least_side:
            needs = f"{metric.name} needs at least {metric.least_side}x{metric.least_side}"
            sentence = f"{needs}; the picture is {width}x{height}."
            raise _Unmeasurable(self._after_cutting(sentence) if metric.cuts_border else sentence)

    def _after_cutting(self, sentence: str) -> str:
        """A sentence that ends with a size, and what made the picture so small."""
        cut = f" once {self.border} pixels are cut from every side." if self.border else "."
        return sentence and sentence.removesuffix(".") + cut

    @property
    def _luma(self) -> np.ndarray:
        return eight_bit_luma(self.whole[0], self.convention, self.border)

    def _niqe(self, source: Source | None) -> float:
        from lab.metrics import niqe

        if ("niqe", source) not in self.parts:
            _refuse(self._after_cutting(niqe.why_not(*self.cut[0].shape[:2])))
            model, rows = _models.niqe_model(source), niqe.features(self._luma)
            self.parts["niqe", source] = niqe.distance(rows, model)
            self.caveat = niqe.caveat(rows)
        return self.parts["niqe", source]

    def _ma(self, source: Source | None) -> float:
        from lab.metrics import ma

        if ("ma", source) not in self.parts:
            _refuse(self._after_cutting(ma.why_not(*self.cut[0].shape[:2])))
            self.parts["ma", source] = ma.ma(self._luma, _models.ma_model(source))
        return self.parts["ma", source]


def _refuse(why_not: str) -> None:
    """Raise the sentence that says why a metric cannot be computed, if there is one."""
    if why_not:
        raise _Unmeasurable(why_not)


def _size(picture: np.ndarray) -> str:
    """Width x height, for sentences."""
    return f"{picture.shape[1]}x{picture.shape[0]}"
