"""Small random-weight files in the authors' layouts, each with the authors' arithmetic written out by hand.

Every function returns (state dict as published, forward from RGB [0, 1] to unclamped RGB [0, 1]). The forwards use only
torch.nn.functional on the raw keys, so that they share nothing with the lab's networks.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lab.resize import resize

State = dict[str, Tensor]
Forward = Callable[[Tensor], Tensor]
W, G = 8, 4  # width and growth of the small networks


def conv(state: State, key: str, outside: int, inside: int, size: int, bias: bool = True, gain: float = 1.0) -> None:
    """Add a random convolution that roughly keeps the signal's strength."""
    state[f"{key}.weight"] = torch.randn(outside, inside, size, size) * gain / math.sqrt(inside * size * size)
    if bias:
        state[f"{key}.bias"] = torch.randn(outside) * 0.1


def tail(state: State, key: str, inside: int, size: int, bias: bool = True, gain: float = 0.2) -> None:
    """Add a last convolution whose output lies mostly inside [0, 1]."""
    conv(state, key, 3, inside, size, bias, gain)
    if bias:
        state[f"{key}.bias"] = torch.full((3,), 0.5)


def batch_norm(state: State, key: str, width: int = W, counter: bool = True) -> None:
    """Add a batch normalisation with random statistics."""
    state[f"{key}.weight"] = torch.rand(width) + 0.5
    state[f"{key}.bias"] = torch.randn(width) * 0.1
    state[f"{key}.running_mean"] = torch.randn(width) * 0.1
    state[f"{key}.running_var"] = torch.rand(width) + 0.5
    if counter:
        state[f"{key}.num_batches_tracked"] = torch.tensor(7)


def run(state: State, key: str, x: Tensor, stride: int = 1) -> Tensor:
    """Zero-padded convolution."""
    weight = state[f"{key}.weight"]
    return F.conv2d(x, weight, state.get(f"{key}.bias"), stride=stride, padding=weight.shape[-1] // 2)


def normalised(state: State, key: str, x: Tensor) -> Tensor:
    """Batch normalisation with the stored statistics, written out."""
    mean, var, weight, bias = (
        state[f"{key}.{part}"].view(1, -1, 1, 1) for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / torch.sqrt(var + 1e-5) * weight + bias


def instance(x: Tensor) -> Tensor:
    """Instance normalisation with the picture's own statistics, written out."""
    mean = x.mean((2, 3), keepdim=True)
    return (x - mean) / torch.sqrt(((x - mean) ** 2).mean((2, 3), keepdim=True) + 1e-5)


def prelu(state: State, key: str, x: Tensor) -> Tensor:
    return torch.where(x >= 0, x, state[f"{key}.weight"] * x)


def leaky(x: Tensor, slope: float = 0.2) -> Tensor:
    return torch.where(x >= 0, x, slope * x)


def twice(x: Tensor) -> Tensor:
    """Nearest-neighbour enlargement by 2."""
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


# --- ESRGAN and SPSR


def add_rrdb(state: State, key: str, width: int, growth: int, end: str, rdb: str = "RDB") -> None:
    for block in (1, 2, 3):
        for number in range(1, 6):
            outside = width if number == 5 else growth
            conv(state, f"{key}.{rdb}{block}.conv{number}{end}", outside, width + (number - 1) * growth, 3)


def run_rrdb(state: State, key: str, x: Tensor, end: str, rdb: str = "RDB") -> Tensor:
    out = x
    for block in (1, 2, 3):
        features = [out]
        for number in range(1, 5):
            name = f"{key}.{rdb}{block}.conv{number}{end}"
            features.append(leaky(run(state, name, torch.cat(features, 1))))
        out = run(state, f"{key}.{rdb}{block}.conv5{end}", torch.cat(features, 1)) * 0.2 + out
    return out * 0.2 + x


def rrdb_net(names: dict, blocks: int = 2, channels: int = 3) -> tuple[State, Forward]:
    """An RRDBNet whose layers are called as `names` says."""
    state: State = {}
    conv(state, names["first"], W, channels, 3)
    for n in range(blocks):
        add_rrdb(state, names["block"].format(n), W, G, names["end"], names["rdb"])
    for key in (names["trunk"].format(blocks), *names["up"], names["hr"]):
        conv(state, key, W, W, 3)
    tail(state, names["last"], W, 3)

    def forward(x: Tensor) -> Tensor:
        if channels > 3:
            factor = math.isqrt(channels // 3)
            n, c, h, w = x.shape
            x = x.view(n, c, h // factor, factor, w // factor, factor).permute(0, 1, 3, 5, 2, 4)
            x = x.reshape(n, c * factor**2, h // factor, w // factor)
        shallow = out = run(state, names["first"], x)
        for n in range(blocks):
            out = run_rrdb(state, names["block"].format(n), out, names["end"], names["rdb"])
        out = shallow + run(state, names["trunk"].format(blocks), out)
        for key in names["up"]:
            out = leaky(run(state, key, twice(out)))
        return run(state, names["last"], leaky(run(state, names["hr"], out)))

    return state, forward


def esrgan_old() -> tuple[State, Forward]:
    return rrdb_net(
        {"first": "model.0", "block": "model.1.sub.{}", "rdb": "RDB", "end": ".0", "trunk": "model.1.sub.{}"}
        | {"up": ["model.3", "model.6"], "hr": "model.8", "last": "model.10"}
    )


def esrgan_old_x2() -> tuple[State, Forward]:
    return rrdb_net(
        {"first": "model.0", "block": "model.1.sub.{}", "rdb": "RDB", "end": ".0", "trunk": "model.1.sub.{}"}
        | {"up": ["model.3"], "hr": "model.5", "last": "model.7"},
        blocks=1,
    )


def esrgan_new() -> tuple[State, Forward]:
    return rrdb_net(
        {"first": "conv_first", "block": "RRDB_trunk.{}", "rdb": "RDB", "end": "", "trunk": "trunk_conv"}
        | {"up": ["upconv1", "upconv2"], "hr": "HRconv", "last": "conv_last"}
    )


def basicsr_rrdb(channels: int = 3) -> tuple[State, Forward]:
    return rrdb_net(
        {"first": "conv_first", "block": "body.{}", "rdb": "rdb", "end": "", "trunk": "conv_body"}
        | {"up": ["conv_up1", "conv_up2"], "hr": "conv_hr", "last": "conv_last"},
        channels=channels,
    )


def real_esrgan_x2() -> tuple[State, Forward]:
    return basicsr_rrdb(channels=12)


def spsr() -> tuple[State, Forward]:
    """20 trunk blocks, the fewest the authors' code runs; the alias of model.8 holds other values, which must lose."""
    state: State = {}
    conv(state, "model.0", W, 3, 3)
    for n in range(20):
        add_rrdb(state, f"model.1.sub.{n}", W, G, ".0")
    for key in ("model.1.sub.20", "model.3", "model.6", "model.8", "HR_conv0_new.0", "HR_conv1_new.0"):
        conv(state, key, W, W, 3)
    conv(state, "b_fea_conv.0", W, 3, 3)
    for k in range(1, 5):
        add_rrdb(state, f"b_block_{k}", 2 * W, G + 1, ".0")
        conv(state, f"b_concat_{k}.0", W, 2 * W, 3)
    for key in ("b_LR_conv.0", "b_module.1", "b_module.4", "b_module.6", "b_module.8", "f_HR_conv0.0"):
        conv(state, key, W, W, 3)
    conv(state, "conv_w.0", 3, W, 1)
    add_rrdb(state, "f_block", 2 * W, G + 1, ".0")
    conv(state, "f_concat.0", W, 2 * W, 3)
    tail(state, "f_HR_conv1.0", W, 3, gain=0.05)
    vertical = torch.tensor([[0.0, -1, 0], [0, 0, 0], [0, 1, 0]])
    state["get_g_nopadding.weight_h"] = vertical.t().reshape(1, 1, 3, 3).contiguous()
    state["get_g_nopadding.weight_v"] = vertical.reshape(1, 1, 3, 3)

    def gradient(x: Tensor) -> Tensor:
        channels = []
        for c in range(3):
            v = F.conv2d(x[:, c : c + 1], state["get_g_nopadding.weight_v"], padding=1)
            h = F.conv2d(x[:, c : c + 1], state["get_g_nopadding.weight_h"], padding=1)
            channels.append(torch.sqrt(v**2 + h**2 + 1e-6))
        return torch.cat(channels, 1)

    def forward(x: Tensor) -> Tensor:
        shallow = out = run(state, "model.0", x)
        tapped = []
        for n in range(20):
            out = run_rrdb(state, f"model.1.sub.{n}", out, ".0")
            if n + 1 in (5, 10, 15, 20):
                tapped.append(out)
        out = shallow + run(state, "model.1.sub.20", out)
        out = leaky(run(state, "model.3", twice(out)))
        out = leaky(run(state, "model.6", twice(out)))
        out = run(state, "HR_conv1_new.0", leaky(run(state, "model.8", out)))
        start = branch = run(state, "b_fea_conv.0", gradient(x))
        for k, features in enumerate(tapped, start=1):
            joined = run_rrdb(state, f"b_block_{k}", torch.cat([branch, features], 1), ".0")
            branch = run(state, f"b_concat_{k}.0", joined)
        branch = start + run(state, "b_LR_conv.0", branch)
        branch = leaky(run(state, "b_module.1", twice(branch)))
        branch = leaky(run(state, "b_module.4", twice(branch)))
        branch = run(state, "b_module.8", leaky(run(state, "b_module.6", branch)))
        fused = run(state, "f_concat.0", run_rrdb(state, "f_block", torch.cat([branch, out], 1), ".0"))
        return run(state, "f_HR_conv1.0", leaky(run(state, "f_HR_conv0.0", fused)))

    return state, forward


# --- SRResNet's ports


def lornatang() -> tuple[State, Forward]:
    state: State = {}
    conv(state, "conv1.0", W, 3, 9)
    state["conv1.1.weight"] = torch.tensor([0.3])
    for n in range(3):
        conv(state, f"trunk.{n}.rcb.0", W, W, 3, bias=False)
        batch_norm(state, f"trunk.{n}.rcb.1")
        state[f"trunk.{n}.rcb.2.weight"] = torch.tensor([0.2])
        conv(state, f"trunk.{n}.rcb.3", W, W, 3, bias=False)
        batch_norm(state, f"trunk.{n}.rcb.4")
    conv(state, "conv2.0", W, W, 3, bias=False)
    batch_norm(state, "conv2.1")
    for n in range(2):
        conv(state, f"upsampling.{n}.upsample_block.0", 4 * W, W, 3)
        state[f"upsampling.{n}.upsample_block.2.weight"] = torch.tensor([0.1])
    tail(state, "conv3", W, 9)

    def forward(x: Tensor) -> Tensor:
        shallow = out = prelu(state, "conv1.1", run(state, "conv1.0", x))
        for n in range(3):
            block = f"trunk.{n}.rcb"
            inner = normalised(state, f"{block}.1", run(state, f"{block}.0", out))
            inner = run(state, f"{block}.3", prelu(state, f"{block}.2", inner))
            out = out + normalised(state, f"{block}.4", inner)
        out = shallow + normalised(state, "conv2.1", run(state, "conv2.0", out))
        for n in range(2):
            block = f"upsampling.{n}.upsample_block"
            out = prelu(state, f"{block}.2", F.pixel_shuffle(run(state, f"{block}.0", out), 2))
        return run(state, "conv3", out)

    return state, forward


def sgrvinod(prefix: str = "") -> tuple[State, Forward]:
    state: State = {}
    conv(state, f"{prefix}conv_block1.conv_block.0", W, 3, 9)
    state[f"{prefix}conv_block1.conv_block.1.weight"] = torch.tensor([0.3])
    for n in range(2):
        block = f"{prefix}residual_blocks.{n}"
        for k in (1, 2):
            conv(state, f"{block}.conv_block{k}.conv_block.0", W, W, 3)
            batch_norm(state, f"{block}.conv_block{k}.conv_block.1")
        state[f"{block}.conv_block1.conv_block.2.weight"] = torch.tensor([0.2])
    conv(state, f"{prefix}conv_block2.conv_block.0", W, W, 3)
    batch_norm(state, f"{prefix}conv_block2.conv_block.1")
    for n in range(2):
        conv(state, f"{prefix}subpixel_convolutional_blocks.{n}.conv", 4 * W, W, 3)
        state[f"{prefix}subpixel_convolutional_blocks.{n}.prelu.weight"] = torch.tensor([0.1])
    conv(state, f"{prefix}conv_block3.conv_block.0", 3, W, 9)

    def forward(x: Tensor) -> Tensor:
        x = (x - torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(
            1, 3, 1, 1
        )
        shallow = out = prelu(
            state, f"{prefix}conv_block1.conv_block.1", run(state, f"{prefix}conv_block1.conv_block.0", x)
        )
        for n in range(2):
            one, two = (f"{prefix}residual_blocks.{n}.conv_block{k}.conv_block" for k in (1, 2))
            inner = prelu(state, f"{one}.2", normalised(state, f"{one}.1", run(state, f"{one}.0", out)))
            out = out + normalised(state, f"{two}.1", run(state, f"{two}.0", inner))
        block = f"{prefix}conv_block2.conv_block"
        out = shallow + normalised(state, f"{block}.1", run(state, f"{block}.0", out))
        for n in range(2):
            block = f"{prefix}subpixel_convolutional_blocks.{n}"
            out = prelu(state, f"{block}.prelu", F.pixel_shuffle(run(state, f"{block}.conv", out), 2))
        return (torch.tanh(run(state, f"{prefix}conv_block3.conv_block.0", out)) + 1) / 2

    return state, forward


def sgrvinod_srgan() -> tuple[State, Forward]:
    return sgrvinod("net.")


def leftthomas() -> tuple[State, Forward]:
    """Five residual blocks, files from before PyTorch 0.4.1: no num_batches_tracked."""
    state: State = {}
    conv(state, "block1.0", W, 3, 9)
    state["block1.1.weight"] = torch.tensor([0.3])
    for n in range(2, 7):
        for k in (1, 2):
            conv(state, f"block{n}.conv{k}", W, W, 3)
            batch_norm(state, f"block{n}.bn{k}", counter=False)
        state[f"block{n}.prelu.weight"] = torch.tensor([0.2])
    conv(state, "block7.0", W, W, 3)
    batch_norm(state, "block7.1", counter=False)
    for n in range(2):
        conv(state, f"block8.{n}.conv", 4 * W, W, 3)
        state[f"block8.{n}.prelu.weight"] = torch.tensor([0.1])
    conv(state, "block8.2", 3, W, 9)

    def forward(x: Tensor) -> Tensor:
        shallow = out = prelu(state, "block1.1", run(state, "block1.0", x))
        for n in range(2, 7):
            inner = normalised(state, f"block{n}.bn1", run(state, f"block{n}.conv1", out))
            inner = run(state, f"block{n}.conv2", prelu(state, f"block{n}.prelu", inner))
            out = out + normalised(state, f"block{n}.bn2", inner)
        out = shallow + normalised(state, "block7.1", run(state, "block7.0", out))
        for n in range(2):
            out = prelu(state, f"block8.{n}.prelu", F.pixel_shuffle(run(state, f"block8.{n}.conv", out), 2))
        return (torch.tanh(run(state, "block8.2", out)) + 1) / 2

    return state, forward


def twtygqyy() -> tuple[State, Forward]:
    state: State = {}
    conv(state, "conv_input", W, 3, 9, bias=False)
    for n in range(2):
        for k in (1, 2):
            conv(state, f"residual.{n}.conv{k}", W, W, 3, bias=False)
            state[f"residual.{n}.in{k}.weight"] = torch.rand(W) + 0.5
            state[f"residual.{n}.in{k}.bias"] = torch.randn(W) * 0.1
    conv(state, "conv_mid", W, W, 3, bias=False)
    state["bn_mid.weight"], state["bn_mid.bias"] = torch.rand(W) + 0.5, torch.randn(W) * 0.1
    state["bn_mid.bias"] += 0.5
    conv(state, "upscale4x.0", 4 * W, W, 3, bias=False)
    conv(state, "upscale4x.3", 4 * W, W, 3, bias=False)
    conv(state, "conv_output", 3, W, 9, bias=False, gain=0.2)

    def affine(key: str, x: Tensor) -> Tensor:
        return instance(x) * state[f"{key}.weight"].view(1, -1, 1, 1) + state[f"{key}.bias"].view(1, -1, 1, 1)

    def forward(x: Tensor) -> Tensor:
        shallow = out = leaky(run(state, "conv_input", x))
        for n in range(2):
            inner = leaky(affine(f"residual.{n}.in1", run(state, f"residual.{n}.conv1", out)))
            out = out + affine(f"residual.{n}.in2", run(state, f"residual.{n}.conv2", inner))
        out = shallow + affine("bn_mid", run(state, "conv_mid", out))
        out = leaky(F.pixel_shuffle(run(state, "upscale4x.0", out), 2))
        out = leaky(F.pixel_shuffle(run(state, "upscale4x.3", out), 2))
        return run(state, "conv_output", out)

    return state, forward


def msrresnet(scale: int = 4, body: str = "body", hr: str = "conv_hr") -> tuple[State, Forward]:
    state: State = {}
    steps = {2: [2], 3: [3], 4: [2, 2]}[scale]
    conv(state, "conv_first", W, 3, 3)
    for n in range(3):
        conv(state, f"{body}.{n}.conv1", W, W, 3)
        conv(state, f"{body}.{n}.conv2", W, W, 3)
    for n, factor in enumerate(steps, start=1):
        conv(state, f"upconv{n}", W * factor**2, W, 3)
    conv(state, hr, W, W, 3)
    conv(state, "conv_last", 3, W, 3, gain=0.2)

    def forward(x: Tensor) -> Tensor:
        out = leaky(run(state, "conv_first", x), 0.1)
        for n in range(3):
            out = out + run(state, f"{body}.{n}.conv2", torch.relu(run(state, f"{body}.{n}.conv1", out)))
        for n, factor in enumerate(steps, start=1):
            out = leaky(F.pixel_shuffle(run(state, f"upconv{n}", out), factor), 0.1)
        out = run(state, "conv_last", leaky(run(state, hr, out), 0.1))
        size = (x.shape[2] * scale, x.shape[3] * scale)
        return out + F.interpolate(x, size=size, mode="bilinear", align_corners=False)

    return state, forward


def msrresnet_x3() -> tuple[State, Forward]:
    return msrresnet(scale=3)


def msrresnet_mmsr() -> tuple[State, Forward]:
    return msrresnet(body="recon_trunk", hr="HRconv")


def msrresnet0() -> tuple[State, Forward]:
    state: State = {}
    conv(state, "model.0", W, 3, 3)
    for n in range(3):
        conv(state, f"model.1.sub.{n}.res.0", W, W, 3)
        conv(state, f"model.1.sub.{n}.res.2", W, W, 3)
    for key in ("model.1.sub.3", "model.3", "model.6", "model.8"):
        conv(state, key, W, W, 3)
    tail(state, "model.10", W, 3, bias=False)

    def forward(x: Tensor) -> Tensor:
        shallow = out = run(state, "model.0", x)
        for n in range(3):
            inner = torch.relu(run(state, f"model.1.sub.{n}.res.0", out))
            out = out + run(state, f"model.1.sub.{n}.res.2", inner)
        out = shallow + run(state, "model.1.sub.3", out)
        for key in ("model.3", "model.6"):
            out = torch.relu(run(state, key, twice(out)))
        return run(state, "model.10", torch.relu(run(state, "model.8", out)))

    return state, forward


# --- DeblurGAN


def deblurgan(second: int | None = 6, statistics: bool = True, counter: bool = False) -> tuple[State, Forward]:
    """`second`: number of a block's second convolution: 6 with dropout, 5 without, None for the one-conv code."""
    state: State = {}
    blocks = 2

    def stored_norm(key: str, width: int) -> None:
        if statistics:  # stored, and never used
            state[f"{key}.running_mean"] = torch.randn(width)
            state[f"{key}.running_var"] = torch.rand(width) * 3
        if counter:
            state[f"{key}.num_batches_tracked"] = torch.tensor(3)

    conv(state, "model.1", W, 3, 7)
    stored_norm("model.2", W)
    conv(state, "model.4", 2 * W, W, 3)
    stored_norm("model.5", 2 * W)
    conv(state, "model.7", 4 * W, 2 * W, 3)
    stored_norm("model.8", 4 * W)
    for n in range(10, 10 + blocks):
        for k in (1, second) if second else (1,):
            conv(state, f"model.{n}.conv_block.{k}", 4 * W, 4 * W, 3)
            stored_norm(f"model.{n}.conv_block.{k + 1}", 4 * W)
    for key, inside, outside in (("model.12", 4 * W, 2 * W), ("model.15", 2 * W, W)):
        state[f"{key}.weight"] = torch.randn(inside, outside, 3, 3) / math.sqrt(inside * 4)
        state[f"{key}.bias"] = torch.randn(outside) * 0.1
    stored_norm("model.13", 2 * W)
    stored_norm("model.16", W)
    conv(state, "model.19", 3, W, 7, gain=0.3)

    def reflected(key: str, x: Tensor) -> Tensor:
        reach = state[f"{key}.weight"].shape[-1] // 2
        return F.conv2d(F.pad(x, [reach] * 4, mode="reflect"), state[f"{key}.weight"], state[f"{key}.bias"])

    def forward(x: Tensor) -> Tensor:
        x = (x - 0.5) / 0.5
        out = torch.relu(instance(reflected("model.1", x)))
        out = torch.relu(instance(run(state, "model.4", out, stride=2)))
        out = torch.relu(instance(run(state, "model.7", out, stride=2)))
        for n in range(10, 10 + blocks):
            inner = torch.relu(instance(reflected(f"model.{n}.conv_block.1", out)))
            if second:
                inner = instance(reflected(f"model.{n}.conv_block.{second}", inner))
            out = out + inner
        for key in ("model.12", "model.15"):
            weight, bias = state[f"{key}.weight"], state[f"{key}.bias"]
            out = torch.relu(instance(F.conv_transpose2d(out, weight, bias, 2, 1, output_padding=1)))
        return (torch.clamp(x + torch.tanh(reflected("model.19", out)), -1, 1) + 1) / 2

    return state, forward


def deblurgan_without_dropout() -> tuple[State, Forward]:
    return deblurgan(second=5, statistics=False)


def deblurgan_with_counters() -> tuple[State, Forward]:
    return deblurgan(counter=True)


def deblurgan_one_conv() -> tuple[State, Forward]:
    return deblurgan(second=None, counter=True)


# --- luma


def ycbcr(rgb: Tensor) -> Tensor:
    """MATLAB's rgb2ycbcr, channel by channel, in units of 255."""
    r, g, b = rgb.unbind(1)
    y = 16 + 65.481 * r + 128.553 * g + 24.966 * b
    cb = 128 - 37.797 * r - 74.203 * g + 112 * b
    cr = 128 + 112 * r - 93.786 * g - 18.214 * b
    return torch.stack([y, cb, cr], 1) / 255


def back_to_rgb(picture: Tensor) -> Tensor:
    """ITU-R BT.601's printed inverse, from studio-range Y, Cb, Cr."""
    y, cb, cr = ((picture * 255) - torch.tensor([16.0, 128, 128]).view(1, 3, 1, 1)).unbind(1)
    y = y / 219
    r = y + 1.402 * cr / 224
    g = y - 1.772 * 0.114 / 0.587 * cb / 224 - 1.402 * 0.299 / 0.587 * cr / 224
    b = y + 1.772 * cb / 224
    return torch.stack([r, g, b], 1)


def srcnn(middle: int = 5) -> tuple[State, Forward]:
    state: State = {}
    conv(state, "conv1", 64, 1, 9)
    conv(state, "conv2", 32, 64, middle)
    conv(state, "conv3", 1, 32, 5)
    state["conv3.bias"] += 0.5

    def forward(x: Tensor) -> Tensor:
        enlarged = ycbcr(resize(x, (x.shape[2] * 4, x.shape[3] * 4)))
        out = torch.relu(run(state, "conv1", enlarged[:, :1]))
        out = run(state, "conv3", torch.relu(run(state, "conv2", out))).clamp(0, 1)
        return back_to_rgb(torch.cat([out, enlarged[:, 1:]], 1))

    return state, forward


def srcnn_915() -> tuple[State, Forward]:
    return srcnn(middle=1)


def espcn(scale: int = 4) -> tuple[State, Forward]:
    state: State = {}
    conv(state, "first_part.0", 64, 1, 5)
    conv(state, "first_part.2", 32, 64, 3)
    conv(state, "last_part.0", scale**2, 32, 3)
    state["last_part.0.bias"] += 0.5

    def forward(x: Tensor) -> Tensor:
        enlarged = ycbcr(resize(x, (x.shape[2] * scale, x.shape[3] * scale)))
        out = torch.tanh(run(state, "first_part.0", ycbcr(x)[:, :1]))
        out = run(state, "last_part.0", torch.tanh(run(state, "first_part.2", out)))
        return back_to_rgb(torch.cat([F.pixel_shuffle(out, scale).clamp(0, 1), enlarged[:, 1:]], 1))

    return state, forward


def espcn_x3() -> tuple[State, Forward]:
    return espcn(scale=3)
