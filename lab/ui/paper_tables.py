"""The tables of the paper's tab, as the data that the browser draws."""

from collections.abc import Mapping, Sequence
from typing import Any

from lab.ablation.paper import DECIMALS, FAMILY, SOURCE, differences
from lab.ablation.stored import INPUT, Stored
from lab.degrade import KINDS, DegradationError, parse
from lab.methods import METHODS
from lab.metrics import EVERY_METRIC, Figure, card
from lab.metrics.models import LAB
from lab.ui.paper_files import measured_on
from lab.ui.view import figure_text, ranks

ARROWS = {"higher": "↑", "lower": "↓", "nearest 1": "→ 1"}
BETTER = {"higher": "higher is better", "lower": "lower is better", "nearest 1": "best at 1"}
BLURRED = "Blurred input"
SAME_ORDER = "In PSNR, SSIM and sharpness the figures here stand in the paper's order."

Row = tuple[str, str, Mapping[str, float | None]]
"""Key, name on screen, metric -> mean."""


def blur_name(text: str) -> str:
    """A degradation's text form as the page writes it; as it is, where it is not one."""
    try:
        blur = parse(text)
    except DegradationError:
        return text
    kind = KINDS[blur.kind]
    if blur.kind == "x4-bicubic":
        parts = ["Shrunk to a quarter and enlarged again, bicubic"]
    else:
        parts = [f"{kind.name}, {kind.parameter} {blur.strength:g} {kind.unit}"]
    parts += [f"noise {blur.noise:g}"] if blur.noise else []
    parts += [f"JPEG quality {blur.jpeg}"] if blur.jpeg is not None else []
    parts += [f"seed {blur.seed}"] if blur.seed else []
    return ", ".join(parts)


def _column(key: str, variant: str) -> dict[str, str]:
    metric = EVERY_METRIC[key]
    name = metric.name[:1].upper() + metric.name[1:] + ("-lab" if variant == LAB else "")
    about = [f"{what}: {text}" for what, text in card(key) if what != "model"]  # the file's model, not today's, was used
    return {
        "key": key,
        "name": name,
        "arrow": ARROWS[metric.better],
        "better": BETTER[metric.better],
        "title": "\n".join([name, *about]),
    }


def _paper_column(key: str) -> dict[str, str]:
    return _column(key, "") | {"key": f"paper-{key}", "title": f"{EVERY_METRIC[key].name} as printed: {SOURCE}."}


def _cells(rows: Sequence[Row], metrics: Sequence[str], convention: str) -> dict[str, list[dict]]:
    """Row -> its cells. Ranks are among the methods: the input is no result."""
    figures = {metric: {key: Figure(values.get(metric), convention) for key, _, values in rows} for metric in metrics}
    ranked = {metric: ranks(metric, {key: one for key, one in row.items() if key != INPUT}) for metric, row in figures.items()}
    return {
        key: [
            {
                "text": figure_text(metric, figures[metric][key]),
                "rank": ranked[metric].get(key, 0),
                "title": "" if figures[metric][key].value is not None else "Not measured.",
            }
            for metric in metrics
        ]
        for key, _, _ in rows
    }


def _paper_cells(stored: Stored, method: str) -> list[dict]:
    """What the paper prints of a method; nothing of the input."""
    printed = stored.paper.get(method, {})
    best = {
        key: ranks(key, {name: Figure(row.get(key), "rgb") for name, row in stored.paper.items()}).get(method, 0)
        for key in DECIMALS
    }
    return [
        {"text": f"{printed[key]:.{digits}f}" if key in printed else "", "rank": best[key], "title": ""}
        for key, digits in DECIMALS.items()
    ]


def _row(key: str, name: str, cells: list[dict]) -> dict[str, Any]:
    method = METHODS.get(key)
    title = f"{method.about} {method.paper}." if method else ""
    return {"key": key, "name": name, "color": method.color if method else "", "title": title, "cells": cells}


def ablation_table(stored: Stored, condition: str) -> dict[str, Any]:
    """One condition's figures, the paper's beside them, with a sentence where their orders differ."""
    found = stored.conditions[condition]
    metrics = [key for key in stored.variants if key in EVERY_METRIC]
    rows: list[Row] = [(INPUT, BLURRED, found.get(INPUT, {}))]
    rows += [(method, METHODS[method].name, found.get(method, {})) for method in FAMILY]
    cells = _cells(rows, metrics, stored.convention)
    notes = differences(found)
    whole = all(found.get(method, {}).get(key) is not None for method in FAMILY for key in (*DECIMALS, "gradient-ratio"))
    return {
        "key": condition,
        "title": blur_name(condition),
        "corner": "Network",
        "groups": [
            {"text": "The paper", "span": len(DECIMALS), "title": f"{SOURCE}."},
            {"text": "Here", "span": len(metrics), "title": f"{measured_on(stored.about)}, {stored.convention}"},
        ],
        "columns": [*map(_paper_column, DECIMALS), *(_column(key, stored.variants[key]) for key in metrics)],
        "rows": [_row(key, name, _paper_cells(stored, key) + cells[key]) for key, name, _ in rows],
        "notes": notes or ([SAME_ORDER] if whole else []),
    }


def plain_table(key: str, title: str, rows: Sequence[Row], variants: Mapping[str, str], convention: str) -> dict[str, Any]:
    """Figures alone, in the metrics that `variants` names."""
    metrics = [metric for metric in variants if metric in EVERY_METRIC]
    cells = _cells(rows, metrics, convention)
    return {
        "key": key,
        "title": title,
        "corner": "Losses",
        "groups": [],
        "columns": [_column(metric, variants[metric]) for metric in metrics],
        "rows": [_row(name, label, cells[name]) for name, label, _ in rows],
        "notes": [],
    }
