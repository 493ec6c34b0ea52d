"""SPSR as its authors published it: an old-architecture RRDBNet trunk, branch `b_*`, fusion `f_*`."""

from __future__ import annotations

from lab.layouts.keys import Found, State, WeightsError, numbered, renamed, without

LAYOUT = "SPSR (2020)"
TAPS = [5, 10, 15, 20]  # hard-coded in the authors' code
RDB = r"RDB(\d)\.conv(\d)\.0\.(\w+)"
RULES = [
    (r"model\.0\.(\w+)", r"head.\1"),
    (rf"model\.1\.sub\.(\d+)\.{RDB}", r"body.\1.rdb\2.conv\3.\4"),
    (r"model\.1\.sub\.\d+\.(\w+)", r"body_conv.\1"),
    (r"model\.3\.(\w+)", r"upsampling.0.conv.\1"),
    (r"model\.6\.(\w+)", r"upsampling.1.conv.\1"),
    (r"model\.8\.(\w+)", r"high_resolution.\1"),
    (r"HR_conv1_new\.0\.(\w+)", r"trunk_features.\1"),
    (r"b_fea_conv\.0\.(\w+)", r"branch_head.\1"),
    *[(rf"b_block_{k + 1}\.{RDB}", rf"branch_blocks.{k}.rdb\1.conv\2.\3") for k in range(4)],
    *[(rf"b_concat_{k + 1}\.0\.(\w+)", rf"branch_joins.{k}.\1") for k in range(4)],
    (r"b_LR_conv\.0\.(\w+)", r"branch_conv.\1"),
    (r"b_module\.1\.(\w+)", r"branch_upsampling.0.conv.\1"),
    (r"b_module\.4\.(\w+)", r"branch_upsampling.1.conv.\1"),
    (r"b_module\.6\.(\w+)", r"branch_hr.\1"),
    (r"b_module\.8\.(\w+)", r"branch_features.\1"),
    (r"conv_w\.0\.(\w+)", r"branch_out.\1"),
    (rf"f_block\.{RDB}", r"fusion_block.rdb\1.conv\2.\3"),
    (r"f_concat\.0\.(\w+)", r"fusion_join.\1"),
    (r"f_HR_conv0\.0\.(\w+)", r"fusion_hr.\1"),
    (r"f_HR_conv1\.0\.(\w+)", r"tail.\1"),
]


def recognise(state: State) -> Found | None:
    """Translate SPSR's file; None if it is not one.

    `HR_conv0_new.0` and `model.8` are one convolution in the authors' code. Should a file hold two different ones,
    `model.8` wins, because the code loads it last.

    Raises:
        WeightsError: fewer trunk blocks than the authors' code can run.
    """
    if "b_fea_conv.0.weight" not in state or "model.1.sub.0.RDB1.conv1.0.weight" not in state:
        return None
    state = dict(state)
    aliases = frozenset(f"HR_conv0_new.0.{kind}" for kind in ("weight", "bias") if f"model.8.{kind}" in state)
    for kind in ("weight", "bias"):
        alias = state.pop(f"HR_conv0_new.0.{kind}", None)
        if alias is not None:
            state.setdefault(f"model.8.{kind}", alias)
    translated = renamed(without(state, "get_g_nopadding.weight_h", "get_g_nopadding.weight_v"), RULES, LAYOUT)
    blocks = len(numbered(translated, r"body\.(\d+)\..+"))
    if blocks < TAPS[-1] or "branch_blocks.0.rdb1.conv1.weight" not in translated:
        raise WeightsError(
            f"This looks like {LAYOUT}, which has at least {TAPS[-1]} trunk blocks and four branch blocks, "
            f"but it holds {blocks} trunk blocks."
        )
    arguments = {
        "blocks": blocks,
        "width": translated["branch_head.weight"].shape[0],
        "growth": translated["body.0.rdb1.conv1.weight"].shape[0],
        "taps": TAPS,
        "branch_growth": translated["branch_blocks.0.rdb1.conv1.weight"].shape[0],
    }
    return Found(LAYOUT, "spsr", arguments, translated, aliases=aliases)
