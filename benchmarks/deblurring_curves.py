"""The figures of benchmarks/deblurring.py as curves: gain in PSNR against the strength of a blur."""

import io
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.deblurring_page import CHANNELS, column_of, gain, trained_range
from lab.ablation.stored import put
from lab.degrade import KINDS
from lab.methods import METHODS

METRIC = "psnr"
MARKERS = "osD^vPX*hp"
PAPER, INK, QUIET = "white", "#1e1e1e", "#8a8a8a"
WIDTH, PANEL, ROW = 4.6, 2.5, 0.46
"""Inches: of the figure; the height of a convention's panel, and of a method's one or two lines below them."""
LETTERS = 60
"""As many fit into the width of a figure: longer names are broken."""
STYLE = {"font.size": 9, "svg.hashsalt": "clarity-lab", "text.color": INK, "axes.edgecolor": QUIET, "axes.labelcolor": INK,
         "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False}  # fmt: skip


def draw(data: Mapping[str, Any], kind: str, path: Path) -> Path:
    """Draw one kind of blur as an SVG file: a panel for each convention, and below them each method's name and trained range.

    Points are filled where the method's training covers the strength and hollow where it does not. The same figures give the
    same file.

    Args:
        data: from `measure` of benchmarks/deblurring.py.
        kind: one of its blurs.
        path: of the file.

    Raises:
        OSError: it cannot be written.
    """
    import matplotlib
    from matplotlib.figure import Figure

    panels, lines = len(data["conventions"]), len(data["methods"])
    with matplotlib.rc_context(STYLE):
        figure = Figure((WIDTH, PANEL * panels + ROW * (lines + 2)), facecolor=PAPER, layout="constrained")
        axes = figure.subplots(panels + 1, sharex=True, height_ratios=[PANEL] * panels + [ROW * (lines + 1)])
        for axis, convention in zip(axes, data["conventions"], strict=False):
            _curves(axis, data, kind, convention)
        axes[-2].tick_params(labelbottom=True)
        axes[-2].set_xlabel(f"{KINDS[kind].parameter} in {KINDS[kind].unit} (filled: trained for, hollow: not)")
        _ranges(axes[-1], data, kind)
        figure.suptitle(f"{KINDS[kind].name}: PSNR gained over the blurred picture", fontsize=10)
        drawn = io.BytesIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    put({path.name: drawn.getvalue()}, path.parent)
    return path


def _curves(axis: Any, data: Mapping[str, Any], kind: str, convention: str) -> None:
    """The gains of all methods in one convention."""
    column = column_of(data, METRIC, convention)
    strengths = data["blurs"][kind]["strengths"]
    axis.axhline(0, color=QUIET, linewidth=0.8)
    for place, key in enumerate(data["methods"]):
        x = [one["strength"] for one in strengths]
        y = [float("nan") if (value := gain(one, key, column)) is None else value for one in strengths]
        color = METHODS[key].color
        axis.plot(x, y, color=color, linewidth=1.3)
        for one, height in zip(strengths, y, strict=True):
            inside = color if one["in_domain"][key] else PAPER
            axis.plot(one["strength"], height, MARKERS[place % len(MARKERS)], color=color, markerfacecolor=inside, markersize=5)
    axis.set_ylabel(f"dB, {CHANNELS[convention]}")
    axis.grid(axis="y", color="#e4e4e4", linewidth=0.6)
    axis.set_axisbelow(True)


def _ranges(axis: Any, data: Mapping[str, Any], kind: str) -> None:
    """A line for each method: its marker, its name, and the range it was trained for as a bar under the same strengths."""
    for place, (key, about) in enumerate(data["methods"].items()):
        color = METHODS[key].color
        said = trained_range(data, key, kind)
        text = f"{about['name']}: {'trained for ' + said if said else 'not trained for this blur'}"
        row = axis.get_xaxis_transform()
        top = 1 - (place + 0.35) / len(data["methods"])
        axis.plot(0.015, top, MARKERS[place % len(MARKERS)], color=color, markersize=5, transform=axis.transAxes)
        about_it = textwrap.fill(text, LETTERS)
        line = axis.text(0.045, top, about_it, color=color, fontsize=8, linespacing=1, va="center", transform=axis.transAxes)
        line.set_in_layout(False)  # else the panels shrink to make room beside them for a text that begins under them
        for one in data["methods"][key]["trained_for"]:
            if one["kind"] == kind:
                height = top - 0.4 / len(data["methods"])
                axis.plot([one["low"], one["high"]], [height, height], color=color, linewidth=2.5, transform=row)
    axis.set_ylim(0, 1)
    axis.set_yticks([])
    axis.tick_params(bottom=False, labelbottom=False)
    axis.spines[["left", "bottom"]].set_visible(False)
