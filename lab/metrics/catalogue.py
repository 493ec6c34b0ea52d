"""The catalogue of metrics: a card for each, saying what it measures, on which numbers, and where it is defined."""

from dataclasses import dataclass

LUMA = "luma of BT.601 in 16 to 235, as real numbers"
STUDIO_8_BIT = "luma of BT.601 in 16 to 235, rounded to whole numbers"
GREY_8_BIT = "grey of rgb2gray in 0 to 255, rounded to whole numbers"
RGB = "red, green and blue"


@dataclass(frozen=True)
class Metric:
    """What the lab knows of a metric."""

    key: str
    """The name on the command line and in files."""
    name: str
    """The name in papers; with the model it runs on, see lab.metrics.screen_name."""
    better: str
    """"higher", "lower" or "nearest 1"."""
    needs_reference: bool
    """Whether it compares with the sharp original."""
    unit: str
    """The unit of its values, empty where there is none."""
    decimals: int
    """How many decimals tables show."""
    about: str
    """What it measures: a sentence or two for the visitor."""
    paper: str
    """Where it is defined."""
    range: str
    """The values it can take."""
    channels: tuple[str, str]
    """The numbers it sees in convention `sr`, and in `rgb`."""
    cuts_border: bool = True
    """Whether convention `sr` cuts the border off; where not, both conventions give the same value."""
    least_side: int = 1
    """The least height and width it can be computed on, once the border is cut; models may ask for more."""


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
            range="about 15 to 50 dB; infinite for identical pictures",
            channels=(LUMA, RGB),
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
            range="-1 to 1",
            channels=(LUMA, f"{RGB}, averaged"),
            least_side=11,
        ),
        Metric(
            key="ms-ssim",
            name="MS-SSIM",
            better="higher",
            needs_reference=True,
            unit="",
            decimals=4,
            about="SSIM over five sizes of the picture, nearer to seeing it from several distances; 1 is identical.",
            paper="Wang, Simoncelli, Bovik, Asilomar 2003",
            range="0 to 1",
            channels=(LUMA, f"{RGB}, averaged"),
            least_side=161,
        ),
        Metric(
            key="lpips",
            name="LPIPS",
            better="lower",
            needs_reference=True,
            unit="",
            decimals=4,
            about="How far a network's features of the result are from those of the original; 0 is identical. "
            "Notices lost texture that PSNR forgives.",
            paper="Zhang, Isola, Efros, Shechtman, Wang, CVPR 2018, version 0.1",
            range="0 upwards; the official form mostly below 1",
            channels=(RGB, RGB),
            cuts_border=False,
        ),
        Metric(
            key="niqe",
            name="NIQE",
            better="lower",
            needs_reference=False,
            unit="",
            decimals=3,
            about="How unlike undistorted photographs the statistics of the picture are, without looking at the original. "
            "Uncertain on small pictures.",
            paper="Mittal, Soundararajan, Bovik, IEEE SPL 2013",
            range="0 upwards, about 2 to 10",
            channels=(STUDIO_8_BIT, GREY_8_BIT),
        ),
        Metric(
            key="ma",
            name="Ma",
            better="higher",
            needs_reference=False,
            unit="",
            decimals=3,
            about="The score that people would give a super-resolution result, predicted from its statistics alone.",
            paper="Ma, Yang, Yang, Yang, CVIU 2017 (also called NRQM)",
            range="about 0 to 10",
            channels=(STUDIO_8_BIT, GREY_8_BIT),
        ),
        Metric(
            key="pi",
            name="PI",
            better="lower",
            needs_reference=False,
            unit="",
            decimals=3,
            about="The perceptual index of the PIRM challenge: ((10 - Ma) + NIQE) / 2. Sharp texture scores well, true or not.",
            paper="Blau, Mechrez, Timofte, Michaeli, Zelnik-Manor, ECCVW 2018",
            range="about 2 to 10",
            channels=(STUDIO_8_BIT, GREY_8_BIT),
        ),
        Metric(
            key="gmsd",
            name="GMSD",
            better="lower",
            needs_reference=True,
            unit="",
            decimals=4,
            about="How unevenly the edges of the original have suffered; 0 is identical.",
            paper="Xue, Zhang, Mou, Bovik, IEEE TIP 2014",
            range="0 to about 0.35",
            channels=("grey in 0 to 255, as real numbers",) * 2,
            least_side=6,
        ),
        Metric(
            key="flip",
            name="FLIP",
            better="lower",
            needs_reference=True,
            unit="",
            decimals=4,
            about="The difference that people see when the two pictures take turns on a screen; 0 is none.",
            paper="Andersson, Nilsson, Akenine-Möller, Oskarsson, Åström, Fairchild, HPG 2020",
            range="0 to 1",
            channels=(RGB, RGB),
            cuts_border=False,
        ),
    )
}
"""The metrics of the page by key, in display order."""

EDGE_METRICS: dict[str, Metric] = {
    metric.key: metric
    for metric in (
        Metric(
            key="gradient-ratio",
            name="gradient ratio",
            better="nearest 1",
            needs_reference=True,
            unit="",
            decimals=3,
            about="How sharp the result is: its mean gradient over that of the original. Below 1 it is smoother; noise raises it "
            "as texture does.",
            paper="gradient of Ma et al., CVPR 2020 (SPSR), eq. 1-2",
            range="0 upwards, about 0.4 to 1.2",
            channels=(LUMA, RGB),
            least_side=3,
        ),
        Metric(
            key="gradient-error",
            name="gradient error",
            better="lower",
            needs_reference=True,
            unit="8-bit steps",
            decimals=2,
            about="How far the gradient map is from that of the original, on average over all pixels; 0 is identical.",
            paper="pixel loss on gradient maps of Ma et al., CVPR 2020 (SPSR)",
            range="0 to about 30",
            channels=(LUMA, RGB),
            least_side=3,
        ),
        Metric(
            key="overshoot",
            name="overshoot",
            better="lower",
            needs_reference=True,
            unit="%",
            decimals=2,
            about="Per cent of the pixels that lie more than 8 of 255 steps beyond the range of the original's 7x7 pixels around "
            "them: halos, ringing, and lines drawn beside edges. A soft result has none.",
            paper="the lab's own",
            range="0 to about 10",
            channels=(LUMA, RGB),
        ),
    )
}
"""What tells smooth results from sharp ones, and these from oversharpened ones: not on Compare, which shows gradient maps. A
ratio is best at 1, not at an end."""

EVERY_METRIC: dict[str, Metric] = METRICS | EDGE_METRICS
"""All that the command line and benchmarks can measure."""

FIGURES_OF_MERIT = ("psnr", "ssim", "lpips", "niqe", "ma", "pi")
"""What the lab reports where nothing else is asked for."""


def border_rule(metric: Metric, border: int) -> tuple[str, str]:
    """What convention `sr` and convention `rgb` leave out at the edges, in words."""
    return (f"{border} pixels cut from every side" if metric.cuts_border else "the whole picture"), "the whole picture"
