"""Weights: the authors' files run as the authors' code does, ours come back, and nothing else gets in."""

from __future__ import annotations

import json
import math
import pickle
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lab.cards import CardError, read_card
from lab.digests import sha256
from lab.networks import build
from lab.weights import WeightsError, inspect, load, save
from tests import authors

torch.set_num_threads(1)

LAYOUTS = [
    (authors.esrgan_old, "ESRGAN, old architecture (2018)", "rrdb", 4),
    (authors.esrgan_old_x2, "ESRGAN, old architecture (2018)", "rrdb", 2),
    (authors.esrgan_new, "ESRGAN, new architecture (2019)", "rrdb", 4),
    (authors.basicsr_rrdb, "RRDBNet, BasicSR", "rrdb", 4),
    (authors.real_esrgan_x2, "RRDBNet, BasicSR", "rrdb", 2),
    (authors.spsr, "SPSR (2020)", "spsr", 4),
    (authors.lornatang, "SRResNet, Lornatang", "srresnet", 4),
    (authors.sgrvinod, "SRResNet, sgrvinod", "srresnet", 4),
    (authors.sgrvinod_srgan, "SRResNet, sgrvinod", "srresnet", 4),
    (authors.leftthomas, "SRResNet, leftthomas", "srresnet", 4),
    (authors.twtygqyy, "SRResNet, twtygqyy", "srresnet-instance-norm", 4),
    (authors.msrresnet, "MSRResNet, BasicSR", "msrresnet", 4),
    (authors.msrresnet_x3, "MSRResNet, BasicSR", "msrresnet", 3),
    (authors.msrresnet_mmsr, "MSRResNet, mmsr", "msrresnet", 4),
    (authors.msrresnet0, "MSRResNet0, KAIR", "msrresnet0", 4),
    (authors.deblurgan, "DeblurGAN (2018)", "deblurgan", 1),
    (authors.deblurgan_without_dropout, "DeblurGAN (2018)", "deblurgan", 1),
    (authors.deblurgan_with_counters, "DeblurGAN (2018)", "deblurgan", 1),
    (authors.deblurgan_one_conv, "DeblurGAN (code since 2019-03, one convolution a block)", "deblurgan", 1),
    (authors.srcnn, "SRCNN, yjn870", "srcnn", 4),
    (authors.srcnn_915, "SRCNN, yjn870", "srcnn", 4),
    (authors.espcn, "ESPCN, yjn870", "espcn", 4),
    (authors.espcn_x3, "ESPCN, yjn870", "espcn", 3),
]


def picture(height: int = 16, width: int = 20) -> torch.Tensor:
    return torch.rand(1, 3, height, width)


def written(tmp_path: Path, content: object, name: str = "file.pth") -> Path:
    path = tmp_path / name
    torch.save(content, path)
    return path


@pytest.mark.parametrize(
    ("author", "layout", "architecture", "scale"), LAYOUTS, ids=lambda value: getattr(value, "__name__", "")
)
def test_an_authors_file_gives_the_authors_picture(tmp_path, author, layout, architecture, scale):
    torch.manual_seed(1)
    state, forward = author()
    path = written(tmp_path, state)
    x = picture()
    with torch.no_grad():
        ours, theirs = load(path)(x), forward(x)
    inside = ((theirs > 0) & (theirs < 1)).float().mean()
    assert inside > 0.5, "most of the picture is clamped, so this comparison would show little"
    assert theirs.std() > 0.01
    assert ours.shape == (1, 3, 16 * scale, 20 * scale)
    torch.testing.assert_close(ours, theirs.clamp(0, 1), atol=2e-5, rtol=0)
    info = inspect(path)
    assert (info.layout, info.architecture, info.scale) == (layout, architecture, scale)


def test_a_loaded_network_is_in_eval_mode_in_float32_and_wants_no_gradients(tmp_path):
    state, _ = authors.lornatang()
    network = load(
        written(tmp_path, {key: value.half() if value.is_floating_point() else value for key, value in state.items()})
    )
    assert not any(module.training for module in network.modules())
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_ema_weights_are_preferred_where_a_file_has_both(tmp_path):
    ema, forward = authors.basicsr_rrdb()
    other, _ = authors.basicsr_rrdb()
    x = picture()
    with torch.no_grad():
        ours = load(written(tmp_path, {"params": other, "params_ema": ema}))(x)
    torch.testing.assert_close(ours, forward(x).clamp(0, 1), atol=2e-5, rtol=0)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: {"params": s},
        lambda s: {"epoch": 3, "psnr": 28.1, "state_dict": s, "optimizer": {"state": {}, "param_groups": []}},
        lambda s: {"state_dict": {f"_orig_mod.{k}": v for k, v in s.items()}},
        lambda s: {"state_dict": {f"module._orig_mod.{k}": v for k, v in s.items()}},
        lambda s: {"n_averaged": torch.tensor(9), **{f"module.{k}": v for k, v in s.items()}},
        lambda s: {"generator": s, "epoch": 1},
        lambda s: {"somebody": {"else": s}},
    ],
    ids=["params", "checkpoint", "compiled", "parallel and compiled", "averaged", "generator", "single entry"],
)
def test_wrappers_and_prefixes_are_taken_off(tmp_path, wrap):
    state, forward = authors.lornatang()
    x = picture()
    with torch.no_grad():
        ours = load(written(tmp_path, wrap(state)))(x)
        torch.testing.assert_close(ours, forward(x).clamp(0, 1), atol=2e-5, rtol=0)


def test_a_file_in_pytorchs_old_format_loads(tmp_path):
    state, forward = authors.deblurgan()
    path = tmp_path / "latest_net_G.pth"
    torch.save(state, path, _use_new_zipfile_serialization=False)
    x = picture()
    with torch.no_grad():
        torch.testing.assert_close(load(path)(x), forward(x).clamp(0, 1), atol=2e-5, rtol=0)


def test_an_authors_layout_in_safetensors_loads(tmp_path):
    state, forward = authors.esrgan_new()
    save_file(state, tmp_path / "community.safetensors")
    x = picture()
    with torch.no_grad():
        ours = load(tmp_path / "community.safetensors")(x)
        torch.testing.assert_close(ours, forward(x).clamp(0, 1), atol=2e-5, rtol=0)


def test_parameters_count_aliases_once_gradient_kernels_included_and_statistics_not(tmp_path):
    state, _ = authors.spsr()
    alias = sum(state[f"HR_conv0_new.0.{kind}"].numel() for kind in ("weight", "bias"))
    assert inspect(written(tmp_path, state)).parameters == sum(t.numel() for t in state.values()) - alias
    state, _ = authors.deblurgan()
    statistics = sum(t.numel() for key, t in state.items() if "running" in key)
    assert inspect(written(tmp_path, state)).parameters == sum(t.numel() for t in state.values()) - statistics


def test_an_spsr_file_with_only_the_alias_loads_too(tmp_path):
    state, forward = authors.spsr()
    x = picture(8, 8)
    with torch.no_grad():
        theirs = forward(x)
    for kind in ("weight", "bias"):
        state[f"HR_conv0_new.0.{kind}"] = state.pop(f"model.8.{kind}")
    with torch.no_grad():
        torch.testing.assert_close(load(written(tmp_path, state))(x), theirs.clamp(0, 1), atol=2e-5, rtol=0)


def test_an_srcnn_file_tells_its_scale_by_its_name(tmp_path):
    state, _ = authors.srcnn()
    assert inspect(written(tmp_path, state, "srcnn_x3.pth")).scale == 3
    unnamed = inspect(written(tmp_path, state, "srcnn.pth"))
    assert unnamed.scale == 4
    assert "cannot tell its scale" in unnamed.note


def test_instance_statistics_are_the_pictures_own_not_the_stored_ones(tmp_path):
    state, _ = authors.deblurgan()
    x = picture()
    with torch.no_grad():
        first = load(written(tmp_path, state))(x)
        for key in state:
            if key.endswith("running_mean"):
                state[key] = state[key] + 100
        assert torch.equal(load(written(tmp_path, state))(x), first)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("srcnn", {}),
        ("espcn", {"scale": 4}),
        ("srresnet", {"blocks": 2, "width": 8}),
        ("srresnet", {"blocks": 2, "width": 8, "batch_norm": False, "bicubic_skip": True}),
        ("rrdb", {"blocks": 1, "width": 8, "growth": 4}),
        ("spsr", {"blocks": 2, "width": 8, "growth": 4, "taps": [1, 2], "branch_growth": 4}),
        ("deblurgan", {"width": 8, "blocks": 2}),
        ("deblurgan", {"width": 8, "blocks": 2, "self_ensemble": True}),
        ("resg", {"kind": "resg", "width": 8}),
        ("resg", {"kind": "nonbn-resg", "width": 8}),
        ("srnet", {"width": 4}),
    ],
)
def test_a_saved_network_comes_back_the_same_but_for_half_precision(tmp_path, name, arguments):
    torch.manual_seed(2)
    network = build(name, **arguments)
    network.train()(torch.rand(2, 3, 16, 16))  # so that batch norms have statistics worth keeping
    path = tmp_path / "checkpoints" / "one.safetensors"
    save(network, path, {"name": "One", "steps": 5})
    again = load(path)
    for key, tensor in network.network.state_dict().items():
        torch.testing.assert_close(again.network.state_dict()[key], tensor, atol=1e-3, rtol=1e-3)
    assert (again.name, again.arguments) == (name, arguments)
    x = picture()
    with torch.no_grad():
        torch.testing.assert_close(again(x), network.eval()(x), atol=1e-2, rtol=0)
    info = inspect(path)
    assert (info.layout, info.architecture) == ("Clarity Lab", name)
    assert info.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert info.card == read_card(path)
    assert info.card["network"] == {"name": name, "arguments": arguments}
    assert (info.card["parameters"], info.card["steps"]) == (info.parameters, 5)


def test_our_own_file_loads_without_its_card(tmp_path):
    save(build("resg", width=8), tmp_path / "one.safetensors", {})
    (tmp_path / "one.json").unlink()
    assert load(tmp_path / "one.safetensors").name == "resg"
    assert read_card(tmp_path / "one.safetensors") is None


def test_a_network_with_a_weight_beyond_half_precision_is_not_saved(tmp_path):
    network = build("espcn")
    network.network.extract.weight.data[0] = 1e6
    with pytest.raises(WeightsError, match=r"extract\.weight holds values that are not finite"):
        save(network, tmp_path / "one.safetensors", {})
    assert not list(tmp_path.iterdir())


def test_sha256_is_that_of_the_bytes(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_what_spandrel_knows_loads_through_spandrel(tmp_path):
    pytest.importorskip("spandrel")
    from spandrel.architectures.Compact import Compact

    torch.manual_seed(3)
    theirs = Compact(num_in_ch=3, num_out_ch=3, num_feat=8, num_conv=2, upscale=4).eval()
    path = written(tmp_path, {"params": theirs.state_dict()})
    network = load(path)
    x = torch.rand(2, 3, 9, 7)
    with torch.no_grad():
        torch.testing.assert_close(network(x), theirs(x).clamp(0, 1), atol=2e-5, rtol=0)
    info = inspect(path)
    assert (info.layout, info.scale) == ("spandrel: RealESRGAN Compact", 4)
    with pytest.raises(WeightsError, match="came through spandrel"):
        save(network, tmp_path / "copy.safetensors", {})


# --- refusals


def refused(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        load(path)
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    with pytest.raises(WeightsError):
        inspect(path)
    return message


class Trap:
    def __reduce__(self):
        return (print, ("code from the file has run",))


def test_a_pickled_module_is_refused_with_what_to_do(tmp_path):
    message = refused(written(tmp_path, {"model": torch.nn.Conv2d(1, 1, 1)}))
    assert "run code" in message
    assert "Conv2d" in message
    assert "state_dict" in message


@pytest.mark.parametrize("kind", ["torch", "old torch", "pickle"])
def test_code_in_a_file_is_refused_and_does_not_run(tmp_path, capsys, kind):
    path = tmp_path / "trap.pth"
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Trap(), protocol=2))
    else:
        torch.save({"a": Trap()}, path, _use_new_zipfile_serialization=kind == "torch")
    assert "run code" in refused(path)
    assert "has run" not in capsys.readouterr().out


def test_a_torchscript_archive_is_refused(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(torch.nn.Conv2d(1, 1, 1)).save(tmp_path / "script.pth")
    assert "TorchScript" in refused(tmp_path / "script.pth")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
def test_a_truncated_pytorch_file_is_called_damaged(tmp_path, zipped, share):
    path = tmp_path / "half.pth"
    torch.save(authors.espcn()[0], path, _use_new_zipfile_serialization=zipped)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "damaged or truncated" in refused(path)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_a_truncated_safetensors_file_is_called_damaged(tmp_path, share):
    path = tmp_path / "half.safetensors"
    save(build("espcn"), path, {})
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "damaged or truncated" in refused(path)


def test_a_text_file_a_folder_an_empty_and_a_missing_file_are_each_named(tmp_path):
    (tmp_path / "page.pth").write_text("<!DOCTYPE html><html>Quota exceeded")
    assert 'text that begins "<!DOCTYPE html>' in refused(tmp_path / "page.pth")
    (tmp_path / "folder.pth").mkdir()
    assert "folder" in refused(tmp_path / "folder.pth")
    (tmp_path / "empty.pth").write_bytes(b"")
    assert "empty" in refused(tmp_path / "empty.pth")
    assert "no file" in refused(tmp_path / "missing.pth")
    (tmp_path / "noise.pth").write_bytes(bytes(range(200, 256)))
    assert "begins with the bytes c8 c9" in refused(tmp_path / "noise.pth")


def test_a_zip_that_is_not_pytorchs_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "other.pth", "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "archive of another kind" in refused(tmp_path / "other.pth")


def test_an_unknown_network_is_refused_by_its_first_keys_and_shapes(tmp_path):
    message = refused(written(tmp_path, {"backbone.stem.weight": torch.zeros(7, 3, 2, 2)}))
    assert "backbone.stem.weight (7, 3, 2, 2)" in message


@pytest.mark.parametrize(
    "content", [torch.zeros(3, 4), [1, 2], {"epoch": 3}, {}], ids=["tensor", "list", "numbers", "empty"]
)
def test_a_pytorch_file_without_a_state_dict_says_what_it_holds(tmp_path, content):
    assert "holds" in refused(written(tmp_path, content))


def test_a_known_layout_with_a_missing_an_extra_or_a_misshapen_tensor_is_refused_by_name(tmp_path):
    for author in (authors.esrgan_old, authors.lornatang, authors.deblurgan, authors.leftthomas, authors.espcn):
        state, _ = author()
        bias = [key for key in state if key.endswith(".bias")][-1]
        assert "missing" in refused(written(tmp_path, {key: value for key, value in state.items() if key != bias}))
        assert "shape" in refused(written(tmp_path, state | {bias: torch.zeros(5)}))
        assert "extra.weight" in refused(written(tmp_path, state | {"extra.weight": torch.zeros(2)}))
        assert "not finite" in refused(written(tmp_path, state | {bias: torch.full_like(state[bias], math.nan)}))


def test_an_author_file_that_lacks_its_key_layers_is_refused_not_crashed_on(tmp_path):
    for author, *_ in LAYOUTS:
        state, _ = author()
        for key in list(state)[:: max(1, len(state) // 6)]:
            if key.startswith(("HR_conv0_new", "get_g")) or key.endswith(
                ("running_mean", "running_var", "num_batches_tracked")
            ):
                continue
            refused(written(tmp_path, {other: value for other, value in state.items() if other != key}))


def test_deblurgan_with_batch_norm_or_4x4_transposed_convolutions_is_refused(tmp_path):
    state, _ = authors.deblurgan()
    assert "batch normalisation" in refused(written(tmp_path, state | {"model.2.weight": torch.ones(8)}))
    assert "4x4" in refused(written(tmp_path, state | {"model.12.weight": torch.zeros(32, 16, 4, 4)}))


def test_a_description_that_no_network_fits_is_refused(tmp_path):
    path = tmp_path / "one.safetensors"
    network = build("espcn")
    for name, arguments in (
        ("nothing", {}),
        ("espcn", {"depth": 3}),
        ("espcn", {"scale": 3}),
        ("espcn", None),
        ("rrdb", {"scale": 5}),
    ):
        network.name, network.arguments = name, arguments
        save(network, path, {})
        refused(path)


def test_a_card_that_is_not_json_is_named(tmp_path):
    save(build("espcn"), tmp_path / "one.safetensors", {})
    (tmp_path / "one.json").write_text("{")
    with pytest.raises(CardError, match=r"one\.json is not readable JSON"):
        read_card(tmp_path / "one.safetensors")
    (tmp_path / "one.json").write_text(json.dumps([1]))
    with pytest.raises(CardError, match="must be a JSON object"):
        read_card(tmp_path / "one.safetensors")
