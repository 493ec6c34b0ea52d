"""The catalogue of metrics, and the one function that measures a result by any of them.

A figure always carries the convention it was measured in (see `channels.py`); where it could not be measured it carries
the reason, never a zero. Tables never mix conventions or variants.
"""

from dataclasses import dataclass

import numpy as np

from lab.metrics.channels import CONVENTIONS, full_luma, shave, studio_luma
from lab.metrics.gmsd import gmsd
from lab.metrics.psnr import psnr
from lab.metrics.ssim import ssim


@dataclass(frozen=True)
class Metric:
    """What the lab knows of a metric."""

    key: str
    """The name on the command line and in files."""
    name: str
    """The name on screen."""
    better: str
    """"higher" or "lower"."""
    needs_reference: bool
    """Whether it compares with the sharp original."""
    unit: str
    """The unit of its values, empty where there is none."""
    decimals: int
    """How many decimals tables show."""
    about: str
    """One sentence for the visitor."""
    paper: str
    """Where it is defined."""
    least_side: int = 1
    """The least height and width it can be computed on, once the border is cut."""


@dataclass(frozen=True)
class Figure:
    """One value of one metric for one picture, or the reason why there is none."""

    value: float | None
    """The value; None where it could not be measured."""
    convention: str
    """"sr" or "rgb"."""
    variant: str = ""
    """Which model of the metric it was, where there is more than one."""
    why_not: str = ""
    """One sentence, where value is None."""


METRICS: dict[str, Metric] = {
    metric.key: metric
    for metric in (
        Metric(
            key="psnr",
            name="PSNR",
            better="higher",
            needs_reference=True,
            unit="dB",
            decimals=2,
            about="How small the squared differences from the original are; blurry results can score well.",
            paper="10 log10(255^2 / mean squared error)",
        ),
        Metric(
            key="ssim",
            name="SSIM",
            better="higher",
            needs_reference=True,
            unit="",
            decimals=4,
            about="How alike local brightness, contrast and structure are to the original; 1 is identical.",
            paper="Wang, Bovik, Sheikh, Simoncelli, IEEE TIP 2004",
            least_side=11,
        ),
        Metric(
            key="gmsd",
            name="GMSD",
            better="lower",
            needs_reference=True,
            unit="",
            decimals=4,
            about="How unevenly the edges of the original have suffered; 0 is identical. Measured on grey.",
            paper="Xue, Zhang, Mou, Bovik, IEEE TIP 2014",
            least_side=6,
        ),
    )
}


def measure(
    key: str, result: np.ndarray, reference: np.ndarray | None, convention: str = "sr", border: int = 4
) -> Figure:
    """Measure a result by one metric.

    PSNR and SSIM see studio-range Y without the border in convention `sr`, and all three channels of the whole picture in
    convention `rgb`. GMSD is defined on grey alone: it sees full-range luma in both, without the border in `sr`.

    Args:
        key: a key of METRICS.
        result: uint8 (H, W, 3) RGB, the very bytes that are shown.
        reference: the sharp original, uint8 of the same shape; None where there is none.
        convention: "sr" or "rgb".
        border: pixels cut from every side in convention `sr`; usually the scale.

    Returns:
        The figure; its value is None, with a sentence in `why_not`, where the metric needs a reference and there is none,
        or where the picture is too small for it. Identical pictures have a PSNR of math.inf.

    Raises:
        ValueError: there is no such metric or convention, or the two pictures differ in size.
    """
    if key not in METRICS:
        raise ValueError(f"There is no metric {key!r}; choose among {', '.join(METRICS)}.")
    if convention not in CONVENTIONS:
        raise ValueError(f"There is no convention {convention!r}; choose sr or rgb.")
    metric = METRICS[key]
    if metric.needs_reference and reference is None:
        return Figure(None, convention, why_not="There is no sharp original to compare with.")
    if reference is not None and result.shape != reference.shape:
        raise ValueError(f"The result is {_size(result)} and the original {_size(reference)}; they must be the same size.")
    border = border if convention == "sr" else 0
    height, width = (max(side - 2 * border, 0) for side in result.shape[:2])
    if min(height, width) < metric.least_side:
        cut = f" once {border} pixels are cut from every side" if border else ""
        needs = f"{metric.name} needs at least {metric.least_side}x{metric.least_side}"
        return Figure(None, convention, why_not=f"{needs}; the picture is {width}x{height}{cut}.")

    result, reference = shave(result, border), shave(reference, border)
    channels = studio_luma if convention == "sr" else np.asarray
    if key == "psnr":
        value = psnr(channels(result), channels(reference))
    elif key == "ssim":
        value = ssim(channels(result), channels(reference))
    else:
        value = gmsd(full_luma(result), full_luma(reference))
    return Figure(value, convention)


def _size(picture: np.ndarray) -> str:
    """Width x height, for sentences."""
    return f"{picture.shape[1]}x{picture.shape[0]}"
