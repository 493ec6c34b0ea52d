"""The catalogue of methods: what each is, what it takes, and which checkpoint belongs to it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab.cards import read_card
from lab.degrade import Degradation
from lab.errors import LabError

CHECKPOINTS = Path(__file__).parent.parent / "checkpoints"


@dataclass(frozen=True)
class Method:
    """One card of the catalogue."""

    key: str
    """As typed on the command line."""
    name: str
    """As on screen, for the paper's own size."""
    year: int
    paper: str
    """Who and where."""
    takes: Literal["x4", "same"]
    """`x4`: a quarter-size picture, returned at full size. `same`: a full-size picture, returned at the same size."""
    kind: Literal["classical", "learned"]
    color: str
    """#rrggbb, the same in panes, tables and plots."""
    about: str
    """One sentence for a visitor."""


_CATALOGUE = (
    Method("nearest", "Nearest", 1960, "Sample repetition", "x4", "classical", "#6b7280",
           "Repeats every pixel: shows what the small picture really holds."),
    Method("bilinear", "Bilinear", 1960, "Linear interpolation", "x4", "classical", "#78716c",
           "Straight lines between pixels: smooth, and the softest of the interpolations."),
    Method("bicubic", "Bicubic", 1981, "Keys, IEEE TASSP 1981", "x4", "classical", "#475569",
           "Cubic curves between pixels: the yardstick every learned method is held against."),
    Method("ibp", "Back-projection", 1991, "Irani and Peleg, CVGIP 1991", "x4", "classical", "#0f766e",
           "Corrects the enlargement until shrinking it gives the small picture back."),
    Method("srcnn", "SRCNN", 2014, "Dong et al., ECCV 2014, TPAMI 2016", "x4", "learned", "#65a30d",
           "The first network for the task: three convolutions on the bicubic enlargement, brightness only."),
    Method("espcn", "ESPCN", 2016, "Shi et al., CVPR 2016", "x4", "learned", "#a16207",
           "Works at low resolution and rearranges channels into pixels at the end, brightness only."),
    Method("srresnet", "SRResNet", 2017, "Ledig et al., CVPR 2017", "x4", "learned", "#2563eb",
           "Sixteen residual blocks trained for the smallest pixel error: faithful and smooth."),
    Method("srgan", "SRGAN", 2017, "Ledig et al., CVPR 2017", "x4", "learned", "#7c3aed",
           "SRResNet's network trained against a critic, for texture that looks real rather than averaged."),
    Method("esrgan-psnr", "RRDB-PSNR", 2018, "Wang et al., ECCVW 2018", "x4", "learned", "#0891b2",
           "ESRGAN's network of dense residual blocks before its critic: trained for the smallest pixel error."),
    Method("esrgan", "ESRGAN", 2018, "Wang et al., ECCVW 2018", "x4", "learned", "#db2777",
           "Dense residual blocks without batch norm and a critic that compares real with restored."),
    Method("deblurgan", "DeblurGAN", 2018, "Kupyn et al., CVPR 2018", "same", "learned", "#ea580c",
           "Removes motion blur at full size with nine residual blocks and a Wasserstein critic."),
    Method("spsr", "SPSR", 2020, "Ma et al., CVPR 2020", "x4", "learned", "#16a34a",
           "A second branch predicts where the edges are, and keeps the structure straight."),
    Method("srnet", "SR-NET", 2022, "U-Net course project, 2022", "same", "learned", "#92400e",
           "A U-Net that sharpens a picture shrunk to a quarter and enlarged again."),
    Method("stackedg", "StackedG", 2021, "Fan and Wang, CSA 30(2) 2021", "same", "learned", "#4d7c0f",
           "The paper's plainest generator: stacked convolutions without residual blocks."),
    Method("resg", "ResG", 2021, "Fan and Wang, CSA 30(2) 2021", "same", "learned", "#c026d3",
           "The paper's second step: classic residual blocks with batch norm."),
    Method("nonbn-resg", "NonBN-ResG", 2021, "Fan and Wang, CSA 30(2) 2021", "same", "learned", "#4f46e5",
           "The paper's third step: residual blocks without batch norm, PReLU, squared pixel error."),
    Method("nonbn-resg-l", "NonBN-ResG-L", 2021, "Fan and Wang, CSA 30(2) 2021", "same", "learned", "#dc2626",
           "The paper's own method: the same generator with absolute error, perceptual, texture and critic losses."),
)  # fmt: skip

METHODS = {method.key: method for method in _CATALOGUE}
"""Every method by key, in display order: classical, then by year, the paper's own family last."""

SEVEN = ("bicubic", "srresnet", "srgan", "esrgan", "deblurgan", "spsr", "nonbn-resg-l")
"""The comparison the lab opens with."""


class UnknownMethodError(LabError):
    """A method key that is not in the catalogue; its text is the sentence to show."""


def find(key: str) -> Method:
    """The card of a key.

    Raises:
        UnknownMethodError: with the keys there are.
    """
    if key not in METHODS:
        raise UnknownMethodError(f"unknown method '{key}': choose from {', '.join(METHODS)}.")
    return METHODS[key]


def checkpoint(key: str) -> Path | None:
    """Where the method's shipped weights lie; None for a classical method, or where nothing has been trained yet."""
    path = CHECKPOINTS / f"{key}.safetensors"
    return path if find(key).kind == "learned" and path.is_file() else None


def card(key: str) -> dict | None:
    """The card beside the shipped weights; None where there are none.

    Raises:
        CardError: it cannot be read.
    """
    path = checkpoint(key)
    return None if path is None else read_card(path)


def screen_name(key: str, card: dict | None) -> str:
    """The name to show: the card's, which says what was scaled down, else the catalogue's."""
    return (card or {}).get("name") or find(key).name


def in_domain(degradation: Degradation | None, trained_for: list[dict]) -> bool:
    """Whether a network was trained for a degradation.

    Args:
        degradation: what was done to the picture; None for a picture that came blurred, which no training is known to cover.
        trained_for: the card's list of {"kind", "low", "high"} (low and high where the kind has a strength), optionally with
            "noise" and "jpeg" where training included them.
    """
    if degradation is None:
        return False
    for entry in trained_for:
        if entry["kind"] != degradation.kind:
            continue
        strong_enough = degradation.strength is None or entry["low"] <= degradation.strength <= entry["high"]
        clean = degradation.noise <= entry.get("noise", 0) and (degradation.jpeg is None or entry.get("jpeg", False))
        if strong_enough and clean:
            return True
    return False
