"""SRCNN and ESPCN as yjn870 ported them to PyTorch; both work on luma alone."""

from __future__ import annotations

import math
import re

from lab.layouts.keys import Found, State, renamed


def recognise(state: State, stem: str) -> Found | None:
    """Translate an SRCNN or ESPCN port; None if it is neither. `stem` is the file's name, which may tell the scale."""
    return srcnn(state, stem) or espcn(state)


def srcnn(state: State, stem: str) -> Found | None:
    """`conv1`, `conv2`, `conv3`: 9x9 to 64, then 32, then one channel; zero padding, unlike the authors."""
    shapes = {key: tuple(tensor.shape) for key, tensor in state.items()}
    middle = shapes.get("conv2.weight", (0,))[-1]
    if (
        shapes.get("conv1.weight") != (64, 1, 9, 9)
        or shapes.get("conv2.weight") != (32, 64, middle, middle)
        or shapes.get("conv3.weight") != (1, 32, 5, 5)
    ):
        return None
    named = re.search(r"x([234])(?!\d)", stem)
    scale = int(named[1]) if named else 4
    note = f"Scale {scale}, read from the file's name." if named else "The file cannot tell its scale; taken as 4."
    rules = [(r"conv1\.(\w+)", r"extract.\1"), (r"conv2\.(\w+)", r"map.\1"), (r"conv3\.(\w+)", r"rebuild.\1")]
    arguments = {"middle": middle, "padding": "zeros", "scale": scale}
    return Found("SRCNN, yjn870", "srcnn", arguments, renamed(state, rules, "SRCNN, yjn870"), note)


def espcn(state: State) -> Found | None:
    """`first_part.0`, `first_part.2`, `last_part.0`."""
    if "first_part.0.weight" not in state or "last_part.0.weight" not in state:
        return None
    layout = "ESPCN, yjn870"
    rules = [
        (r"first_part\.0\.(\w+)", r"extract.\1"),
        (r"first_part\.2\.(\w+)", r"map.\1"),
        (r"last_part\.0\.(\w+)", r"rebuild.\1"),
    ]
    arguments = {"scale": math.isqrt(state["last_part.0.weight"].shape[0])}
    return Found(layout, "espcn", arguments, renamed(state, rules, layout))
