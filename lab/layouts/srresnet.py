"""SRResNet's ports, each in its repository's layout."""

from __future__ import annotations

import math

from lab.layouts.keys import Found, State, after_trunk, numbered, renamed, rgb, without


def recognise(state: State) -> Found | None:
    """Translate an SRResNet in any of the layouts below; None if it is none of them."""
    return (
        lornatang(state)
        or sgrvinod(state)
        or leftthomas(state)
        or twtygqyy(state)
        or msrresnet(state)
        or msrresnet0(state)
    )


def enlargement(state: State) -> int:
    """The product of the sub-pixel steps `upsampling.N.conv`, each read from its channels: width * factor^2."""
    width = state["body_conv.weight"].shape[0]
    steps = numbered(state, r"upsampling\.(\d+)\.conv\.weight")
    return math.prod(math.isqrt(state[f"upsampling.{n}.conv.weight"].shape[0] // width) for n in steps)


def arguments_of(state: State) -> dict:
    """Blocks, width, scale and biases of an `SRResNet` under the lab's keys."""
    return {
        "blocks": len(numbered(state, r"body\.(\d+)\..+")),
        "width": state["head.weight"].shape[0],
        "scale": enlargement(state),
        "bias": "body_conv.bias" in state,
    }


def lornatang(state: State) -> Found | None:
    """Lornatang/SRGAN-PyTorch: `conv1.0`, `trunk.N.rcb.K`, `conv2`, `upsampling.N.upsample_block.K`, `conv3`."""
    if "trunk.0.rcb.0.weight" not in state or not rgb(state, "conv1.0.weight", "conv3.weight"):
        return None
    layout = "SRResNet, Lornatang"
    rules = [
        (r"conv1\.0\.(\w+)", r"head.\1"),
        (r"conv1\.1\.weight", r"head_activation.weight"),
        (r"trunk\.(\d+)\.rcb\.0\.(\w+)", r"body.\1.conv1.\2"),
        (r"trunk\.(\d+)\.rcb\.1\.(\w+)", r"body.\1.norm1.\2"),
        (r"trunk\.(\d+)\.rcb\.2\.weight", r"body.\1.activation.weight"),
        (r"trunk\.(\d+)\.rcb\.3\.(\w+)", r"body.\1.conv2.\2"),
        (r"trunk\.(\d+)\.rcb\.4\.(\w+)", r"body.\1.norm2.\2"),
        (r"conv2\.0\.(\w+)", r"body_conv.\1"),
        (r"conv2\.1\.(\w+)", r"body_norm.\1"),
        (r"upsampling\.(\d+)\.upsample_block\.0\.(\w+)", r"upsampling.\1.conv.\2"),
        (r"upsampling\.(\d+)\.upsample_block\.2\.weight", r"upsampling.\1.activation.weight"),
        (r"conv3\.(\w+)", r"tail.\1"),
    ]
    translated = renamed(state, rules, layout)
    return Found(layout, "srresnet", arguments_of(translated), translated)


def sgrvinod(state: State) -> Found | None:
    """sgrvinod's tutorial: `conv_block1.conv_block.K`, `residual_blocks.N...`; `net.` in front in SRGAN's generator.

    It takes pictures normalised by ImageNet's statistics and ends in tanh on [-1, 1].
    """
    if all(key.startswith("net.") for key in state):
        state = {key.removeprefix("net."): tensor for key, tensor in state.items()}
    if "residual_blocks.0.conv_block1.conv_block.0.weight" not in state or not rgb(
        state, "conv_block1.conv_block.0.weight", "conv_block3.conv_block.0.weight"
    ):
        return None
    layout = "SRResNet, sgrvinod"
    rules = [
        (r"conv_block1\.conv_block\.0\.(\w+)", r"head.\1"),
        (r"conv_block1\.conv_block\.1\.weight", r"head_activation.weight"),
        (r"residual_blocks\.(\d+)\.conv_block(\d)\.conv_block\.0\.(\w+)", r"body.\1.conv\2.\3"),
        (r"residual_blocks\.(\d+)\.conv_block(\d)\.conv_block\.1\.(\w+)", r"body.\1.norm\2.\3"),
        (r"residual_blocks\.(\d+)\.conv_block1\.conv_block\.2\.weight", r"body.\1.activation.weight"),
        (r"conv_block2\.conv_block\.0\.(\w+)", r"body_conv.\1"),
        (r"conv_block2\.conv_block\.1\.(\w+)", r"body_norm.\1"),
        (r"subpixel_convolutional_blocks\.(\d+)\.conv\.(\w+)", r"upsampling.\1.conv.\2"),
        (r"subpixel_convolutional_blocks\.(\d+)\.prelu\.weight", r"upsampling.\1.activation.weight"),
        (r"conv_block3\.conv_block\.0\.(\w+)", r"tail.\1"),
    ]
    translated = renamed(state, rules, layout)
    arguments = arguments_of(translated) | {"tanh_output": True, "imagenet_input": True}
    return Found(layout, "srresnet", arguments, translated)


def leftthomas(state: State) -> Found | None:
    """leftthomas/SRGAN: `block1`, `block2` ... with residuals, the trunk's end, the enlargement; tanh."""
    if "block2.bn1.weight" not in state or "block1.0.weight" not in state:
        return None
    layout = "SRResNet, leftthomas"
    residual = numbered(state, r"block(\d+)\.conv1\.weight")
    end, up = residual[-1] + 1, residual[-1] + 2
    steps = numbered(state, rf"block{up}\.(\d+)\.conv\.weight")
    tail = len(steps)
    rules = [
        (r"block1\.0\.(\w+)", r"head.\1"),
        (r"block1\.1\.weight", r"head_activation.weight"),
        *[(rf"block{n}\.conv(\d)\.(\w+)", rf"body.{i}.conv\1.\2") for i, n in enumerate(residual)],
        *[(rf"block{n}\.bn(\d)\.(\w+)", rf"body.{i}.norm\1.\2") for i, n in enumerate(residual)],
        *[(rf"block{n}\.prelu\.weight", f"body.{i}.activation.weight") for i, n in enumerate(residual)],
        (rf"block{end}\.0\.(\w+)", r"body_conv.\1"),
        (rf"block{end}\.1\.(\w+)", r"body_norm.\1"),
        (rf"block{up}\.(\d+)\.conv\.(\w+)", r"upsampling.\1.conv.\2"),
        (rf"block{up}\.(\d+)\.prelu\.weight", r"upsampling.\1.activation.weight"),
        (rf"block{up}\.{tail}\.(\w+)", r"tail.\1"),
    ]
    translated = renamed(state, rules, layout)
    if not rgb(translated, "head.weight", "tail.weight"):
        return None
    return Found(layout, "srresnet", arguments_of(translated) | {"tanh_output": True}, translated)


def twtygqyy(state: State) -> Found | None:
    """twtygqyy/pytorch-SRResNet: `conv_input`, `residual.N.in1`, `bn_mid` (an instance norm), `upscale4x`."""
    if "residual.0.in1.weight" not in state or not rgb(state, "conv_input.weight", "conv_output.weight"):
        return None
    layout = "SRResNet, twtygqyy"
    rules = [
        (r"conv_input\.weight", r"head.weight"),
        (r"residual\.(\d+)\.conv(\d)\.weight", r"body.\1.conv\2.weight"),
        (r"residual\.(\d+)\.in(\d)\.(\w+)", r"body.\1.norm\2.\3"),
        (r"conv_mid\.weight", r"body_conv.weight"),
        (r"bn_mid\.(\w+)", r"body_norm.\1"),
        (r"upscale4x\.0\.weight", r"upsampling.0.weight"),
        (r"upscale4x\.3\.weight", r"upsampling.1.weight"),
        (r"conv_output\.weight", r"tail.weight"),
    ]
    # An instance norm uses the picture's own statistics, whatever an old PyTorch stored beside it.
    state = without(state, "running_mean", "running_var", "num_batches_tracked")
    translated = renamed(state, rules, layout)
    blocks = len(numbered(translated, r"body\.(\d+)\..+"))
    arguments = {"blocks": blocks, "width": translated["head.weight"].shape[0]}
    return Found(layout, "srresnet-instance-norm", arguments, translated)


def msrresnet(state: State) -> Found | None:
    """BasicSR's MSRResNet (`body.N`, `conv_hr`), or the same under mmsr's names (`recon_trunk.N`, `HRconv`)."""
    mmsr = "recon_trunk.0.conv1.weight" in state
    if not (mmsr or "body.0.conv1.weight" in state) or "upconv1.weight" not in state:
        return None
    if not rgb(state, "conv_first.weight", "conv_last.weight"):
        return None
    layout = f"MSRResNet, {'mmsr' if mmsr else 'BasicSR'}"
    rules = [
        (r"conv_first\.(\w+)", r"head.\1"),
        (r"(?:body|recon_trunk)\.(\d+)\.conv(\d)\.(\w+)", r"body.\1.conv\2.\3"),
        (r"upconv1\.(\w+)", r"upsampling.0.\1"),
        (r"upconv2\.(\w+)", r"upsampling.1.\1"),
        (r"(?:conv_hr|HRconv)\.(\w+)", r"high_resolution.\1"),
        (r"conv_last\.(\w+)", r"tail.\1"),
    ]
    translated = renamed(state, rules, layout)
    width = translated["head.weight"].shape[0]
    first = math.isqrt(translated["upsampling.0.weight"].shape[0] // width)
    arguments = {
        "blocks": len(numbered(translated, r"body\.(\d+)\..+")),
        "width": width,
        "scale": 4 if "upsampling.1.weight" in translated else first,
    }
    return Found(layout, "msrresnet", arguments, translated)


def msrresnet0(state: State) -> Found | None:
    """KAIR's MSRResNet0: `model.0`, `model.1.sub.N.res.K`, then the rest by number; the tail has no bias."""
    if "model.1.sub.0.res.0.weight" not in state or "model.0.weight" not in state:
        return None
    *steps, high_resolution, tail = after_trunk(state)
    if not rgb(state, "model.0.weight", f"model.{tail}.weight"):
        return None
    layout = "MSRResNet0, KAIR"
    rules = [
        (r"model\.0\.(\w+)", r"head.\1"),
        (r"model\.1\.sub\.(\d+)\.res\.0\.(\w+)", r"body.\1.conv1.\2"),
        (r"model\.1\.sub\.(\d+)\.res\.2\.(\w+)", r"body.\1.conv2.\2"),
        (r"model\.1\.sub\.\d+\.(\w+)", r"body_conv.\1"),
        *[(rf"model\.{n}\.(\w+)", rf"upsampling.{i}.\1") for i, n in enumerate(steps)],
        (rf"model\.{high_resolution}\.(\w+)", r"high_resolution.\1"),
        (rf"model\.{tail}\.(\w+)", r"tail.\1"),
    ]
    translated = renamed(state, rules, layout)
    arguments = {
        "blocks": len(numbered(translated, r"body\.(\d+)\..+")),
        "width": translated["head.weight"].shape[0],
        "scale": 2 ** len(steps),
    }
    return Found(layout, "msrresnet0", arguments, translated)
