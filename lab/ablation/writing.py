"""The ablation's figures as tables and files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lab.ablation import stored
from lab.ablation.paper import DECIMALS, FAMILY, PAPER, SOURCE, differences
from lab.benchmark.columns import columns
from lab.benchmark.files import convention_lines, markdown_table
from lab.gallery.scenes import webp_bytes
from lab.images import write_png
from lab.metrics import EVERY_METRIC
from lab.metrics.models import LAB

AS_IN_THE_PAPER = "PSNR, SSIM and sharpness, as far as they have means, stand in the paper's order."
NO_COMPARISON = "Its figures and ours do not compare in value, only in order."


def table(about: Mapping[str, Any], condition: str) -> list[list[str]]:
    """One condition as rows of text, a head first: the input, then the four, the paper's figures beside ours.

    Args:
        about: see `lab.ablation.measuring.measure`.
        condition: a key of its conditions.
    """
    metrics = list(about["variants"])
    paper = [f"{EVERY_METRIC[key].name}, paper" for key in DECIMALS]
    ours = [EVERY_METRIC[key].name + ("-lab" if about["variants"][key] == LAB else "") for key in metrics]
    rows = [["method", *paper, *ours]]
    for method in (stored.INPUT, *FAMILY):
        values = about["conditions"][condition][method]
        theirs = [f"{PAPER[method][key]:.{count}f}" if method in PAPER else "-" for key, count in DECIMALS.items()]
        cells = ["-" if values[key] is None else f"{values[key]:.{EVERY_METRIC[key].decimals}f}" for key in metrics]
        rows.append([about["methods"][method]["name"] if method in FAMILY else method, *theirs, *cells])
    return rows


def heading(about: Mapping[str, Any], condition: str) -> str:
    """What a table is of, in one line."""
    count = about["pictures"]["count"]
    pictures = f"{about['pictures']['folder']}, {count} picture{'s' * (count != 1)}"
    return f"{condition}: {pictures}, convention {about['convention']}"


def verdict(about: Mapping[str, Any], condition: str) -> list[str]:
    """Where a condition's order differs from the paper's, a sentence each; one that says so where it does not."""
    return differences(about["conditions"][condition]) or [AS_IN_THE_PAPER]


def markdown(about: Mapping[str, Any]) -> str:
    """The whole page table.md."""
    conventions = [about["convention"]]
    parts = [
        "# The paper's ablation",
        f"Made by\n\n```\n{about['command']}\n```",
        f"The paper's figures are {SOURCE}. {NO_COMPARISON}",
        "\n".join(f"- {line}" for line in convention_lines(conventions, columns(list(about["variants"]), conventions))) + "\n"
        "- The input of x4-bicubic is the bicubic enlargement, which all four are given.\n"
        "- A gradient ratio of 1 is the original's sharpness, less is smoother.\n"
        "- Names that end in -lab are metrics on models of the lab's own.",
    ]
    for condition in about["conditions"]:
        head, *rows = table(about, condition)
        parts += [f"## {heading(about, condition)}", markdown_table(head, rows)]
        parts.append("\n".join(f"- {sentence}" for sentence in verdict(about, condition)))
    rows = [
        [one["name"], (one["checkpoint_sha256"] or "")[:12], one["stage"] or "-", one["differs"] or "-"]
        for one in about["methods"].values()
    ]
    parts += ["## What was measured", markdown_table(["method", "checkpoint", "trained", "unlike the paper"], rows)]
    return "\n\n".join(parts) + "\n"


def write(about: Mapping[str, Any], drawn: Mapping[str, np.ndarray], folder: Path) -> list[Path]:
    """Write ablation.json, table.md, figure-panels.png and figure-closeups.png into a folder; their paths.

    Args:
        about: see `lab.ablation.measuring.measure`.
        drawn: see `lab.ablation.panels.draw`.
        folder: made where it is not there.

    Raises:
        OSError: they cannot be written.
    """
    texts = {stored.NAME: stored.json_bytes(about), "table.md": markdown(about).encode()}
    return stored.put(texts, folder) + [write_png(picture, folder / f"figure-{name}.png") for name, picture in drawn.items()]


def ship(about: Mapping[str, Any], drawn: Mapping[str, np.ndarray], folder: Path | None = None) -> list[Path]:
    """Put the figures where the page reads them, the close-ups as lossless WebP; their paths. Arguments as for `write`."""
    # the figures last: the page takes the picture for that of the figures
    contents = {stored.CLOSEUPS: webp_bytes(drawn["closeups"]), stored.NAME: stored.json_bytes(about)}
    return stored.put(contents, folder or stored.FOLDER)
