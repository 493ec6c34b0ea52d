"""Results as text in columns, and as JSON."""

import math
from typing import Any

from lab.metrics import EVERY_METRIC, Figure
from lab.metrics.models import LAB, Models


def figures_json(figures: dict[str, Figure]) -> dict[str, dict]:
    """Figures as JSON values by metric: an infinite PSNR becomes null with a note, since JSON knows no infinity."""
    result = {}
    for key, figure in figures.items():
        entry: dict[str, Any] = {"value": figure.value, "convention": figure.convention, "variant": figure.variant}
        if figure.note:
            entry["note"] = figure.note
        if figure.value is not None and not math.isfinite(figure.value):
            entry |= {"value": None, "note": "infinite: the pictures are identical"}
        if figure.why_not:
            entry["note"] = figure.why_not
        result[key] = entry
    return result


def table(rows: list[list[str]]) -> str:
    """Rows of text in aligned columns, the first row underlined."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def number(key: str, value: float | None) -> str:
    """A figure of merit with its metric's number of decimals; a dash where there is none, inf for identical pictures."""
    return "-" if value is None else f"{value:.{EVERY_METRIC[key].decimals}f}"


def column(key: str, models: Models) -> str:
    """The head of a metric's column: "ssim", or "niqe-lab" where the model is the lab's own."""
    return f"{key}-lab" if models.variant(key) == LAB else key
