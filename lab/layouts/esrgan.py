"""ESRGAN's RRDBNet as published in 2018 (old architecture), in 2019 (new architecture) and by BasicSR."""

from __future__ import annotations

import math

from lab.layouts.keys import Found, State, after_trunk, numbered, renamed, rgb

CHANNELS = (3, 12, 48)


def recognise(state: State) -> Found | None:
    """Translate an RRDBNet in any of the three layouts; None if it is none of them."""
    if any(".conv1x1." in key for key in state):
        return None  # ESRGAN+, another network
    return old_architecture(state) or new_architecture(state) or basicsr(state)


def old_architecture(state: State) -> Found | None:
    """`model.0`, `model.1.sub.N.RDB1.conv1.0`, then the enlargement steps and the last two convolutions by number."""
    if "model.1.sub.0.RDB1.conv1.0.weight" not in state:
        return None
    *steps, high_resolution, tail = after_trunk(state)
    if not rgb(state, "model.0.weight", f"model.{tail}.weight", CHANNELS):
        return None
    layout = "ESRGAN, old architecture (2018)"
    rules = [
        (r"model\.0\.(\w+)", r"head.\1"),
        (r"model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0\.(\w+)", r"body.\1.rdb\2.conv\3.\4"),
        (r"model\.1\.sub\.\d+\.(\w+)", r"body_conv.\1"),
        *[(rf"model\.{n}\.(\w+)", rf"upsampling.{i}.conv.\1") for i, n in enumerate(steps)],
        (rf"model\.{high_resolution}\.(\w+)", r"high_resolution.\1"),
        (rf"model\.{tail}\.(\w+)", r"tail.\1"),
    ]
    return found(renamed(state, rules, layout), len(steps), layout)


def new_architecture(state: State) -> Found | None:
    """`conv_first`, `RRDB_trunk.N.RDB1.conv1`, `trunk_conv`, `upconv1`, `HRconv`, `conv_last`."""
    if "RRDB_trunk.0.RDB1.conv1.weight" not in state or not rgb(
        state, "conv_first.weight", "conv_last.weight", CHANNELS
    ):
        return None
    layout = "ESRGAN, new architecture (2019)"
    steps = numbered(state, r"upconv(\d)\.weight")
    rules = [
        (r"conv_first\.(\w+)", r"head.\1"),
        (r"RRDB_trunk\.(\d+)\.RDB(\d)\.conv(\d)\.(\w+)", r"body.\1.rdb\2.conv\3.\4"),
        (r"trunk_conv\.(\w+)", r"body_conv.\1"),
        *[(rf"upconv{n}\.(\w+)", rf"upsampling.{i}.conv.\1") for i, n in enumerate(steps)],
        (r"HRconv\.(\w+)", r"high_resolution.\1"),
        (r"conv_last\.(\w+)", r"tail.\1"),
    ]
    return found(renamed(state, rules, layout), len(steps), layout)


def basicsr(state: State) -> Found | None:
    """`conv_first`, `body.N.rdb1.conv1`, `conv_body`, `conv_up1`, `conv_hr`, `conv_last`; Real-ESRGAN too."""
    if "body.0.rdb1.conv1.weight" not in state or not rgb(state, "conv_first.weight", "conv_last.weight", CHANNELS):
        return None
    layout = "RRDBNet, BasicSR"
    steps = numbered(state, r"conv_up(\d)\.weight")
    rules = [
        (r"conv_first\.(\w+)", r"head.\1"),
        (r"(body\.\d+\.rdb\d\.conv\d\.\w+)", r"\1"),
        (r"conv_body\.(\w+)", r"body_conv.\1"),
        *[(rf"conv_up{n}\.(\w+)", rf"upsampling.{i}.conv.\1") for i, n in enumerate(steps)],
        (r"conv_hr\.(\w+)", r"high_resolution.\1"),
        (r"conv_last\.(\w+)", r"tail.\1"),
    ]
    return found(renamed(state, rules, layout), len(steps), layout)


def found(state: State, steps: int, layout: str) -> Found:
    """Infer an RRDBNet's arguments from its shapes under the lab's keys."""
    width, channels = state["head.weight"].shape[0], state["head.weight"].shape[1]
    unshuffle = math.isqrt(channels // 3)
    arguments = {
        "blocks": len(numbered(state, r"body\.(\d+)\..+")),
        "width": width,
        "growth": state["body.0.rdb1.conv1.weight"].shape[0],
        "scale": 2**steps // unshuffle,
        "in_channels": channels,
    }
    return Found(layout, "rrdb", arguments, state)
