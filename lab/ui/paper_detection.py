"""The table of what an object detector finds, as the data that the browser draws."""

from collections.abc import Mapping
from typing import Any

from lab.ablation.stored import INPUT
from lab.methods import METHODS
from lab.ui.paper_tables import BLURRED, blur_name

OUTSIDE = "*"
"""Marks a figure at a blur that a method was not trained for."""
LEGEND = f"{OUTSIDE} not trained for this blur. The detector's finds on the sharp pictures themselves would have 1."


def detection_table(facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """F1 of the finds, a column a blur; the best two methods of each, the blurred input not among them, are marked.

    Args:
        facts: detection.json, as benchmarks/detection.py writes it.

    Returns:
        The table; None where the file is not of this kind.
    """
    try:
        conditions, names = facts["conditions"], facts["methods"]
        columns = {blur: [_cell(key, condition) for key in names] for blur, condition in conditions.items()}
        detector = facts["detector"]
        about = f"same category, overlap of at least {detector['overlap']:g}, score of at least {detector['score']:g}"
        title = f"F1 of what is found, held against {facts['sharp']} finds on the sharp pictures; {about}"
        rows = [
            {
                "key": key,
                "name": BLURRED if key == INPUT else name,
                "color": METHODS[key].color if key in METHODS else "",
                "title": METHODS[key].about if key in METHODS else "",
                "cells": [cells[place] for cells in columns.values()],
            }
            for place, (key, name) in enumerate(names.items())
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    heads = [
        {"key": blur, "name": blur_name(blur), "arrow": "↑", "better": "higher is better", "title": blur} for blur in columns
    ]
    return {
        "key": "detection",
        "title": title,
        "corner": "Method",
        "groups": [],
        "columns": heads,
        "rows": rows,
        "notes": [LEGEND],
    }


def _cell(key: str, condition: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """One figure; its rank is 1 or 2 among the methods, by what is written."""
    written = {name: f"{row['f1']:.3f}" for name, row in condition.items() if name != INPUT and row["f1"] is not None}
    best, own = sorted(set(written.values()), reverse=True)[:2], condition[key]
    rank = best.index(written[key]) + 1 if len(written) > 1 and written.get(key) in best else 0
    if own["f1"] is None:
        return {"text": "–", "rank": 0, "title": "Nothing was found at all."}
    outside = key != INPUT and not own["trained"]
    return {
        "text": f"{own['f1']:.3f}{OUTSIDE * outside}",
        "rank": rank,
        "title": f"{own['both']} found on both, {own['extra']} on this one alone, {own['missed']} on the sharp one alone.",
    }
