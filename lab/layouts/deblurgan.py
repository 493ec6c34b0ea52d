"""DeblurGAN's generator in the layouts its repository has produced over the years."""

from __future__ import annotations

from lab.layouts.keys import Found, State, WeightsError, numbered, renamed, without

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
FIRST_BLOCK = 10  # `model.10.conv_block`


def recognise(state: State) -> Found | None:
    """Translate a DeblurGAN generator; None if it is not one.

    Running statistics in the file are dropped: the authors test without eval(), so the picture's own are used. The
    second convolution of a block is number 6 with dropout, 5 without, and absent in files of the code since 2019-03.

    Raises:
        WeightsError: a variant whose arithmetic differs (batch normalisation, 4x4 transposed convolutions).
    """
    if "model.10.conv_block.1.weight" not in state or "model.1.weight" not in state:
        return None
    if "model.2.weight" in state:
        raise WeightsError(
            "This is DeblurGAN with batch normalisation (--norm batch); only its instance norm form is supported."
        )
    layout = "DeblurGAN (2018)"
    blocks = len(numbered(state, r"model\.(\d+)\.conv_block\.1\.weight"))
    up1 = FIRST_BLOCK + blocks
    up2, tail = up1 + 3, up1 + 7
    if f"model.{up1}.weight" in state and state[f"model.{up1}.weight"].shape[-1] != 3:
        raise WeightsError(
            "This is DeblurGAN of May 2018 with 4x4 transposed convolutions, since withdrawn by its authors; "
            "only the 3x3 form is supported."
        )
    second = numbered(state, rf"model\.{FIRST_BLOCK}\.conv_block\.([2-9])\.weight")
    rules = [
        (r"model\.1\.(\w+)", r"head.\1"),
        (r"model\.4\.(\w+)", r"down1.\1"),
        (r"model\.7\.(\w+)", r"down2.\1"),
        *[(rf"model\.{FIRST_BLOCK + i}\.conv_block\.1\.(\w+)", rf"body.{i}.conv1.\1") for i in range(blocks)],
        *[(rf"model\.{FIRST_BLOCK + i}\.conv_block\.[56]\.(\w+)", rf"body.{i}.conv2.\1") for i in range(blocks)],
        (rf"model\.{up1}\.(\w+)", r"up1.\1"),
        (rf"model\.{up2}\.(\w+)", r"up2.\1"),
        (rf"model\.{tail}\.(\w+)", r"tail.\1"),
    ]
    translated = renamed(without(state, *STATISTICS), rules, layout)
    arguments = {
        "width": translated["head.weight"].shape[0],
        "blocks": blocks,
        "convs_per_block": 2 if second else 1,
        "dropout": 0.0 if second == [5] else 0.5,
    }
    note = "Dropout, if it was trained with it, is off. The picture's own statistics are used in every instance norm."
    if not second:
        layout = "DeblurGAN (code since 2019-03, one convolution a block)"
        note += " The file cannot tell whether --no_dropout was given, which also drops a ReLU; read as without it."
    return Found(layout, "deblurgan", arguments, translated, note)
