"""The figures of benchmarks/deblurring.py as a page in Markdown."""

from collections.abc import Mapping
from typing import Any

from benchmarks.pages import checkpoint_table, made_by
from lab.benchmark.files import CONVENTION_TEXT, markdown_table
from lab.benchmark.scoring import INPUT
from lab.degrade import KINDS
from lab.metrics import EVERY_METRIC

CHANNELS = {"rgb": "RGB", "sr": "Y"}
"""A convention, as in the head of a column."""


def gain(strength: Mapping[str, Any], method: str, column: str) -> float | None:
    """A method's mean less the blurred pictures'; None where either is missing.

    Args:
        strength: one of the "strengths" that `measure` of benchmarks/deblurring.py lists.
        method: a key of the catalogue.
        column: such as "psnr" (the first convention) or "psnr-sr".
    """
    result, blurred = (strength["mean"].get(key, {}).get(column) for key in (method, INPUT))
    return None if result is None or blurred is None else result - blurred


def column_of(data: Mapping[str, Any], metric: str, convention: str) -> str:
    """The key of the column that holds a metric in a convention."""
    found = data["columns"].items()
    return next(key for key, about in found if (about["metric"], about["convention"]) == (metric, convention))


def trained_range(data: Mapping[str, Any], method: str, kind: str) -> str:
    """The strengths of a blur that a method was trained for, as text: "5 to 25 px"; empty where there are none."""
    unit = KINDS[kind].unit
    ranges = [one for one in data["methods"][method]["trained_for"] if one["kind"] == kind]
    return " and ".join(f"{one['low']:g} to {one['high']:g} {unit}" for one in ranges)


def tables(data: Mapping[str, Any], kind: str) -> str:
    """For each metric: the blurred pictures' means, then what each method gains over them, in all conventions.

    The greatest gain of a column, as it is shown, is bold; what lies outside a method's training is in italics.
    """
    strengths, blur = data["blurs"][kind]["strengths"], KINDS[kind]
    parts = []
    for metric in dict.fromkeys(about["metric"] for about in data["columns"].values()):
        cells = [(column_of(data, metric, convention), one) for convention in data["conventions"] for one in strengths]
        heads = [
            f"{blur.parameter} {one['strength']:g}, {CHANNELS[convention]}"
            for convention in data["conventions"]
            for one in strengths
        ]
        decimals = EVERY_METRIC[metric].decimals
        blurred = [one["mean"][INPUT][column] for column, one in cells]
        rows = [["blurred", *("-" if value is None else f"{value:.{decimals}f}" for value in blurred)]]
        best = [
            max((round(g, decimals) for key in data["methods"] if (g := gain(one, key, column)) is not None), default=None)
            for column, one in cells
        ]
        for key, about in data["methods"].items():
            row = []
            for (column, one), greatest in zip(cells, best, strict=True):
                value = gain(one, key, column)
                text = "-" if value is None else f"{value:+.{decimals}f}"
                text = f"*{text}*" if value is not None and not one["in_domain"][key] else text
                row.append(f"**{text}**" if value is not None and round(value, decimals) == greatest else text)
            rows.append([about["name"], *row])
        name = EVERY_METRIC[metric].name + (f" in {EVERY_METRIC[metric].unit}" if EVERY_METRIC[metric].unit else "")
        parts += [f"{name}: of the blurred pictures, and what is gained", markdown_table(["method", *heads], rows)]
    return "\n\n".join(parts)


def page(data: Mapping[str, Any], curves: Mapping[str, str]) -> str:
    """The whole page.

    Args:
        data: from `measure` of benchmarks/deblurring.py.
        curves: kind of blur -> link to its curve.
    """
    pictures = data["pictures"]
    some = f"{pictures['count']} of the {pictures['of']}" if pictures["count"] < pictures["of"] else f"the {pictures['count']}"
    parts = [
        "# What deblurring gains",
        made_by(data["command"]),
        f"Means over {some} pictures of {pictures['folder']}, cropped to multiples of 4, blurred, and rounded to 8 bits. "
        "A gain is a method's mean less the blurred pictures'. The greatest of a column is bold; italics mark a blur that the "
        "method was not trained for. All figures are in assets/paper/deblurring.json. Where no methods are named, those that "
        "keep the size take part; with `--methods all` those that enlarge do, too, on the blurred picture shrunk to a quarter.",
        "\n".join(f"- {CHANNELS[convention]}: {CONVENTION_TEXT[convention]}" for convention in data["conventions"]),
        "\n".join(f"- {name} is left out: {reason}" for name, reason in pictures["skipped"].items()),
    ]
    for kind, blur in data["blurs"].items():
        parts += [f"## {KINDS[kind].name}", KINDS[kind].about]
        if blur["seed_by_picture"]:
            parts.append(
                "Each picture has a seed of its own, its place in the folder counted from 0; it is the same at every strength "
                "and for every method."
            )
        parts += [f"![Gain in PSNR against strength, {KINDS[kind].name}]({curves[kind]})", tables(data, kind)]
        for one in blur["strengths"]:
            parts += [
                f"Without figures: {data['methods'][method]['name']} on {name}, {one['degradation']}: {reason}"
                for name, failures in one["failed"].items()
                for method, reason in failures.items()
            ]
    ranges = {
        f"{KINDS[kind].name}, trained": {key: trained_range(data, key, kind) for key in data["methods"]} for kind in data["blurs"]
    }
    parts += ["## What was measured", checkpoint_table(data["methods"], ranges)]
    return "\n\n".join(part for part in parts if part) + "\n"
