"""Does restoring help a machine read? The share of QR codes that OpenCV reads, against the strength of the blur.

    python benchmarks/reading.py                       (codes on the example pictures: nothing to download)
    python benchmarks/reading.py BSD100 --codes 100    (codes on the pictures of a folder)

Prints a table a kind of blur, and writes assets/paper/reading.json and the curves, reading.svg, for the page. What was read is
kept in runs/reading: the same command goes on where it was ended, and reads anew only what a replaced checkpoint restores.
"""

import argparse
import io
import math
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import machines
from benchmarks.deblurring_curves import INK, MARKERS, PAPER, QUIET, STYLE
from benchmarks.pages import command_text, sentences
from lab.ablation.stored import json_bytes, put
from lab.benchmark.files import markdown_table
from lab.benchmark.pictures import pictures_in
from lab.benchmark.records import Records
from lab.degrade import KINDS, Degradation
from lab.examples import FOLDER
from lab.images import read_named
from lab.methods import METHODS
from lab.reading import LENGTH, MODULES, SIDE, ReadingError, Scene, check_background, read, scenes

STRENGTHS = ("gaussian=0.8,1.2,1.6,2.0,2.4,3.0,3.6", "motion=5,10,15,20,25,35")
CODES = 42
INPUT, SHARP = machines.INPUT, "sharp"
GRID = "#e4e4e4"
LETTERS = 30
"""As many fit into half the width of the figure: longer names are broken."""
OUTSIDE = "*"
"""Marks a share at a strength that a method was not trained for."""


def blurs(words: Sequence[str]) -> dict[str, list[Degradation]]:
    """Kind of blur -> what is done at each strength, weakest first, from words like `gaussian=0.8,1.2`.

    Raises:
        MachineError: a word that is not understood; DegradationError: a strength out of range.
    """
    found = {}
    for word in words:
        kind, _, numbers = word.partition("=")
        if kind not in KINDS or KINDS[kind].parameter is None:
            possible = ", ".join(key for key, about in KINDS.items() if about.parameter)
            raise machines.MachineError(f"'{word}' names no blur that has a strength: choose from {possible}.")
        try:
            strengths = sorted({*(one.strength for one in found.get(kind, ())), *(float(one) for one in numbers.split(","))})
        except ValueError:
            raise machines.MachineError(f"'{word}' is not KIND=NUMBER,NUMBER, as in gaussian=0.8,1.6.") from None
        found[kind] = [Degradation(kind, strength) for strength in strengths]
    return found


def share_read(codes: Sequence[Scene], degradation: Degradation, trial: machines.Trial) -> dict[str, float]:
    """Method, or `input` -> the share of codes, 0..1, whose text is read after it."""
    right = dict.fromkeys((INPUT, *trial.checkpoints), 0.0)
    for place, scene in enumerate(codes):

        def judge(picture: np.ndarray, text: str = scene.text) -> machines.Verdict:
            return {"read": float(read(picture) == text)}

        for key, verdict in machines.verdicts(trial, scene.picture, machines.of_picture(degradation, place), judge).items():
            right[key] += verdict["read"]
    return {key: count / len(codes) for key, count in right.items()}


def measure(codes: Sequence[Scene], kinds: Mapping[str, Sequence[Degradation]], trial: machines.Trial) -> dict[str, Any]:
    """All curves.

    Returns:
        "checkpoints" (method -> SHA-256), "methods" (method or `input` -> name), "reader", "seeds", "codes" (count, side of their
        pictures and of their modules in pixels, letters of a text), "sharp" (share of the sharp codes that is read), and
        "curves": kind -> {"parameter", "unit", "strengths": [...], "shares": {method or `input`: [...]}, "trained": {method:
        [whether its training covered the strength, ...]}}.
    """
    curves = {}
    for kind, degradations in kinds.items():
        found = []
        for degradation in degradations:
            found.append(share_read(codes, degradation, trial))
            told = ", ".join(f"{key} {share:.0%}" for key, share in found[-1].items())
            print(f"{degradation}: {told}", file=sys.stderr, flush=True)
        curves[kind] = {
            "parameter": KINDS[kind].parameter,
            "unit": KINDS[kind].unit,
            "strengths": [degradation.strength for degradation in degradations],
            "shares": {key: [shares[key] for shares in found] for key in (INPUT, *trial.checkpoints)},
            "trained": {key: [trial.trained(key, one) for one in degradations] for key in trial.checkpoints},
        }
    return {
        "checkpoints": dict(trial.checkpoints),
        "methods": trial.names,
        "reader": trial.machine,
        "seeds": machines.SEEDS,
        "codes": {"count": len(codes), "side": SIDE, "modules": list(MODULES), "letters": LENGTH},
        SHARP: sum(read(scene.picture) == scene.text for scene in codes) / len(codes),
        "curves": curves,
    }


def tables(about: Mapping[str, Any]) -> str:
    """The curves in Markdown, in per cent, and what is to be known of them."""
    parts = []
    for kind, curve in about["curves"].items():
        heads = [f"{strength:g} {curve['unit']}" for strength in curve["strengths"]]
        rows = [[SHARP, *[f"{about[SHARP]:.0%}"] * len(heads)]]
        for key, shares in curve["shares"].items():
            known = curve["trained"].get(key, [True] * len(heads))
            marked = [f"{share:.0%}" + OUTSIDE * (not inside) for share, inside in zip(shares, known, strict=True)]
            rows.append([about["methods"][key], *marked])
        parts += [f"{KINDS[kind].name}, by {curve['parameter']}: codes read", markdown_table(["", *heads], rows)]
    count = about["codes"]["count"]
    parts.append(
        f"Read by {about['reader']} out of {count} codes, the same for every row; {OUTSIDE} marks a strength that a method was "
        f"not trained for. With other codes a share near one half may be {1.96 * math.sqrt(0.25 / count):.0%} away (95 %)."
    )
    return "\n\n".join(parts)


def draw(about: Mapping[str, Any], path: Path) -> Path:
    """The curves as an SVG file, a panel a kind of blur; the same figures give the same bytes. Returns the path.

    Points are filled where the method's training covers the strength and hollow where it does not.
    """
    import matplotlib
    from matplotlib.figure import Figure

    curves = about["curves"]
    with matplotlib.rc_context(STYLE):
        figure = Figure((5, 2.6 * len(curves) + 1.8), facecolor=PAPER, layout="constrained")
        panels = figure.subplots(len(curves), squeeze=False)[:, 0]
        for axis, (kind, curve) in zip(panels, curves.items(), strict=True):
            axis.axhline(100 * about[SHARP], color=QUIET, linestyle="--", label=SHARP)
            for place, (key, shares) in enumerate(curve["shares"].items()):
                _curve(axis, curve, key, [100 * share for share in shares], MARKERS[place % len(MARKERS)], about["methods"][key])
            axis.set(ylim=(-4, 104), ylabel="codes read, %")
            axis.set_xlabel(f"{KINDS[kind].name}: {curve['parameter']} in {curve['unit']}")
            axis.grid(axis="y", color=GRID, linewidth=0.6)
        handles, labels = panels[0].get_legend_handles_labels()
        broken = [textwrap.fill(label, LETTERS) for label in labels]
        figure.legend(handles, broken, loc="outside lower center", ncols=2, frameon=False, title="hollow: not trained for")
        drawn = io.BytesIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    put({path.name: drawn.getvalue()}, path.parent)
    return path


def _curve(axis: Any, curve: Mapping[str, Any], key: str, heights: Sequence[float], marker: str, name: str) -> None:
    """One row of a table as a line."""
    color, at = METHODS[key].color if key in METHODS else INK, curve["strengths"]
    axis.plot(at, heights, marker, linestyle="-", color=color, linewidth=1.3, markersize=5, label=name)
    for x, height, inside in zip(at, heights, curve["trained"].get(key, []), strict=False):
        if not inside:
            axis.plot(x, height, marker, color=color, markerfacecolor=PAPER, markersize=5)


def _background(path: Path) -> np.ndarray:
    """A picture to put codes on; a complaint about it begins with its name."""
    picture = read_named(path)
    try:
        check_background(picture)
    except ReadingError as error:
        raise ReadingError(f"{path.name}: {error}") from None
    return picture


def main() -> None:
    import cv2

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="pictures to put codes on; else the examples")
    parser.add_argument("--codes", type=int, default=CODES, help="how many")
    parser.add_argument("--strengths", nargs="+", default=STRENGTHS, metavar="KIND=NUMBERS", help="as in gaussian=0.8,1.6")
    parser.add_argument("--methods", default="all", help="comma-separated keys of methods that keep the size")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--records", type=Path, default=machines.ROOT / "runs" / "reading", help="what was read is kept here")
    about_out = "folder of reading.json and reading.svg; the page's where none is given"
    parser.add_argument("--out", type=Path, default=machines.PAPER, help=about_out)
    choice = parser.parse_args()
    with sentences("reading.py"):
        kinds, checkpoints = blurs(choice.strengths), machines.same_size_methods(choice.methods)
        codes = scenes([_background(path) for path in pictures_in(choice.folder)], choice.codes)
        machine = f"OpenCV {cv2.__version__}'s QRCodeDetector"
        records = Records(choice.records)
        found = measure(codes, kinds, machines.Trial(checkpoints, machine, records, choice.device))
        records.close()
        pictures = {"folder": f"QR codes pasted on {choice.folder.resolve().name}", "count": len(codes)}
        about = {"command": command_text("reading.py", sys.argv[1:]), "pictures": pictures, **found}
        print(tables(about))
        drawn = draw(about, choice.out / "reading.svg")
        (path,) = put({"reading.json": json_bytes(about)}, choice.out)
        print(f"\nwrote {path} and {drawn}")


if __name__ == "__main__":
    main()
