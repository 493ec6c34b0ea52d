"""What the paper reports of its four networks, and where the lab's figures stand in another order."""

from collections.abc import Mapping

from lab.methods import METHODS
from lab.metrics.catalogue import EVERY_METRIC

SOURCE = "Table 1 of Fan and Wang 2021 (Computer Systems & Applications 30(2)): on DIV2K, with a blur that it does not state"

PAPER = {
    "stackedg": {"psnr": 25.11, "ssim": 0.804},
    "resg": {"psnr": 25.82, "ssim": 0.890},
    "nonbn-resg": {"psnr": 28.54, "ssim": 0.917},
    "nonbn-resg-l": {"psnr": 28.39, "ssim": 0.933},
}
"""Method -> metric -> the paper's figure: PSNR in dB, SSIM."""

FAMILY = tuple(PAPER)
"""The four, each one step of the paper further than the one before."""

DECIMALS = {"psnr": 2, "ssim": 3}
"""Of the paper's figures."""


def differences(rows: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    """One sentence for each respect in which figures stand in another order than the paper's.

    PSNR and SSIM are compared as tables show them, so that equal figures are in no order. Of sharpness the paper gives no figure:
    it says that NonBN-ResG is short of detail and NonBN-ResG-L has the finest texture, so the latter's gradient should be larger.

    Args:
        rows: method -> metric -> mean, of one condition; None, or nothing, where there is no mean.

    Returns:
        The sentences; none where everything that was measured stands as in the paper.
    """
    sentences = []
    for metric in ("psnr", "ssim"):
        ours = {method: rows.get(method, {}).get(metric) for method in FAMILY}
        if None in ours.values():
            continue
        shown = {method: round(value, EVERY_METRIC[metric].decimals) for method, value in ours.items()}
        expected = sorted(FAMILY, key=lambda method: -PAPER[method][metric])
        found = sorted(expected, key=lambda method: -shown[method])
        if found != expected:
            name = EVERY_METRIC[metric].name
            sentences.append(f"{name}: from best to worst the paper has {_named(expected)}; here it is {_named(found)}.")
    squared, own = FAMILY[-2:]
    before, after = (rows.get(method, {}).get("gradient-ratio") for method in (squared, own))
    if before is not None and after is not None and round(after, 3) <= round(before, 3):
        sentences.append(
            f"Sharpness: the paper finds {METHODS[squared].name} short of detail and {METHODS[own].name} the finest in texture; "
            f"here the mean gradient of the former is {before:.3f} of the original's, and of the latter {after:.3f}."
        )
    return sentences


def _named(methods) -> str:
    """Methods by the paper's names, in a row."""
    return ", ".join(METHODS[method].name for method in methods)
