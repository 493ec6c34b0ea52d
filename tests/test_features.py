"""lab.train.features: VGG-19's layers against torchvision's, where the weights come from, and downloads that cannot hang."""

import dataclasses
import hashlib
import http.server
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT
from safetensors.torch import save_file

from lab import official
from lab.networks.features import LabFeatures
from lab.train import features
from lab.train.features import FeaturesError, layer_names, vgg19_features

NARROW = (4, 6, 8, 10, 10)
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def pictures(side=64, count=2):
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(4))


def torchvision_layers(widths):
    """torchvision's own VGG-19 `features` with other widths and seeded weights."""
    from torchvision.models.vgg import cfgs, make_layers

    width_of = dict(zip((64, 128, 256), widths[:3], strict=True))
    seen_pools, plan = 0, []
    for entry in cfgs["E"]:
        seen_pools += entry == "M"
        plan.append(entry if entry == "M" else width_of.get(entry, widths[min(seen_pools, 4)]))
    layers = make_layers(plan)
    generator = torch.Generator().manual_seed(8)
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * (0.25 if parameter.ndim > 1 else 0.1))
    return layers.eval()


@pytest.fixture(autouse=True)
def nothing_on_disk(tmp_path, monkeypatch):
    """Neither torchvision's file nor the lab's own network, whatever this machine has."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setattr(features, "CHECKPOINTS", tmp_path / "checkpoints")


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """A narrow VGG-19 in a file of torchvision's layout and format: (torchvision's own layers, the file, not yet in place)."""
    layers = torchvision_layers(NARROW)
    state = {f"features.{key}": value for key, value in layers.state_dict().items()}
    state["classifier.0.weight"] = torch.zeros(3, 3)  # what losses do not need
    path = tmp_path / "made.pth"
    torch.save(state, path, _use_new_zipfile_serialization=False)  # as old as torchvision's file
    monkeypatch.setattr(features, "WIDTHS", NARROW)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    change_file(monkeypatch, name=f"vgg19-{digest}.pth", sha256=digest, bytes=path.stat().st_size)
    return layers, path


def change_file(monkeypatch, **what):
    """Let the lab know another file as VGG-19's."""
    monkeypatch.setitem(official.OFFICIAL, "vgg19", dataclasses.replace(official.OFFICIAL["vgg19"], **what))


def put_in_place(path):
    place = official.place("vgg19")
    place.parent.mkdir(parents=True, exist_ok=True)
    return shutil.copyfile(path, place)


# the layers


def test_the_layers_are_torchvisions_in_its_order_and_of_its_shapes():
    from torchvision.models import vgg19

    with torch.device("meta"):
        theirs = vgg19().features
        ours = torch.nn.Sequential(*features._vgg19_layers())
    assert [type(layer) for layer in ours] == [type(layer) for layer in theirs]
    assert {key: value.shape for key, value in ours.state_dict().items()} == {
        key: value.shape for key, value in theirs.state_dict().items()
    }
    kinds = {"conv": torch.nn.Conv2d, "relu": torch.nn.ReLU, "pool": torch.nn.MaxPool2d}
    assert [kinds[name[:4]] for name in layer_names()] == [type(layer) for layer in theirs]


@pytest.mark.parametrize(
    ("layer", "index"),
    [("conv1_1", 0), ("pool1", 4), ("pool2", 9), ("conv3_3", 14), ("conv5_4", 34), ("relu5_4", 35), ("pool5", 36)],
)
def test_names_stand_for_the_indices_that_public_code_uses(layer, index):
    assert layer_names().index(layer) == index


def test_the_file_is_the_one_torchvision_names():
    from torchvision.models import VGG19_Weights

    weights = VGG19_Weights.IMAGENET1K_V1
    file = official.OFFICIAL["vgg19"]
    assert file.urls == (weights.url,)
    assert weights.url.endswith("/" + file.name)
    assert file.name.endswith(f"-{file.sha256}.pth")
    assert round(file.bytes / 2**20, 3) == weights.meta["_file_size"]
    assert official.place("vgg19").parent.parent == Path(torch.hub.get_dir())


def test_every_layer_has_the_value_torchvision_computes_before_and_after_activation(stand_in):
    layers, path = stand_in
    put_in_place(path)
    x = pictures()
    names = ["pool5", "conv1_1", "relu1_1", "conv3_3", "pool2", "relu5_4", "conv5_4"]
    ours = vgg19_features(names)
    found = ours(x)
    assert list(found) == names
    with torch.no_grad():
        for name in names:
            expected = layers[: layer_names().index(name) + 1]((x - MEAN) / STD)
            torch.testing.assert_close(found[name], expected, rtol=1e-4, atol=1e-5)
    assert found["conv5_4"].min() < 0 <= found["relu5_4"].min()
    assert ours.source == f"VGG-19 with torchvision's ImageNet weights ({official.place('vgg19').name})"


def test_only_the_layers_up_to_the_deepest_are_kept(stand_in):
    put_in_place(stand_in[1])
    assert len(vgg19_features(["pool2", "conv1_2"]).features) == 10


@pytest.mark.parametrize("layers", [["conv1_1", "pool5"], ["relu5_4"], ["pool2"]])
def test_the_smallest_picture_passes_and_a_smaller_one_is_refused_with_a_sentence(layers, stand_in, tmp_path):
    save_lab_network(tmp_path / "checkpoints" / "features.safetensors")
    lab = vgg19_features(layers)
    put_in_place(stand_in[1])
    vgg = vgg19_features(layers)
    assert (type(lab), type(vgg)) == (features.LabLayers, features.VGG19)
    for network in (lab, vgg):
        side = network.smallest()
        assert all(value.numel() > 0 for value in network(pictures(side, 1)).values())
        with pytest.raises(FeaturesError, match=f"{layers[-1]} need crops of at least {side} x {side} pixels"):
            network(pictures(side - 1, 1))


def test_unknown_missing_and_repeated_layers_are_refused():
    with pytest.raises(FeaturesError, match="no layer 'conv6_1'"):
        vgg19_features(["conv6_1"])
    for layers in ([], ["pool1", "pool1"]):
        with pytest.raises(FeaturesError, match="at least one layer, and each layer once"):
            vgg19_features(layers)


# frozen, with gradients to the picture


@pytest.mark.parametrize("source", ["ImageNet", "the lab's own", "random"])
def test_weights_are_frozen_and_gradients_reach_every_pixel(source, stand_in, tmp_path):
    if source == "ImageNet":
        put_in_place(stand_in[1])
    if source == "the lab's own":
        save_lab_network(tmp_path / "checkpoints" / "features.safetensors")
    network = vgg19_features(["conv1_2", "conv5_4"]).train()
    assert source in network.source
    assert not any(parameter.requires_grad for parameter in network.parameters())
    x = pictures(32).requires_grad_()
    network(x)["conv1_2"].square().mean().backward(retain_graph=True)
    assert torch.isfinite(x.grad).all()
    assert (x.grad.abs() > 0).float().mean() > 0.99
    x.grad = None
    network(x)["conv5_4"].square().mean().backward()
    assert x.grad.abs().max() > 0


def test_calibration_brings_every_layer_to_a_mean_magnitude_of_one_and_changes_nothing_else():
    network = features.random_features(["conv1_1", "relu2_2"])
    x = pictures(16)
    raw = network(x)
    network.calibrate(x)
    for layer, value in network(x).items():
        assert float(value.abs().mean()) == pytest.approx(1, rel=1e-5)
        torch.testing.assert_close(value, raw[layer] / raw[layer].abs().mean())
    before = network(2 * x)
    network.calibrate(x)
    torch.testing.assert_close(network(2 * x), before)


# random weights


def test_random_weights_are_the_same_every_time_and_leave_the_random_state_alone(monkeypatch):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = vgg19_features(["pool2"])
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    second = vgg19_features(["pool2"])
    assert torch.equal(first(pictures(8))["pool2"], second(pictures(8))["pool2"])
    assert first.source == "VGG-19 with random weights, seed 0 (after Liu et al. 2021)"
    monkeypatch.setattr(features, "SEED", 1)
    assert not torch.equal(first(pictures(8))["pool2"], vgg19_features(["pool2"])(pictures(8))["pool2"])


def test_random_weights_keep_the_scale_from_layer_to_layer():
    network = vgg19_features(["relu1_1", "relu4_4"])
    sizes = [float(value.square().mean()) for value in network(pictures()).values()]
    assert 0.2 < sizes[1] / sizes[0] < 20


# the lab's own network


def save_lab_network(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        network = LabFeatures()
    halves = {key: value.half() for key, value in network.state_dict().items()}
    save_file(halves, path)
    network.load_state_dict(halves)
    return network


def test_the_lab_network_has_four_stages_with_taps_before_activation():
    network = LabFeatures()
    assert sum(parameter.numel() for parameter in network.parameters()) == 840_352
    taps = network(pictures(64))
    assert list(taps) == ["stage1", "stage2", "stage3", "stage4"]
    assert [tuple(value.shape[1:]) for value in taps.values()] == [(32, 64, 64), (64, 32, 32), (128, 16, 16), (192, 8, 8)]
    assert all(value.min() < 0 for value in taps.values())
    x = (pictures(64) - MEAN) / STD
    for stage, tap in zip(network.stages, taps.values(), strict=True):
        first, _, second = stage
        by_hand = F.conv2d(F.conv2d(x, first.weight, first.bias, padding=1).clamp(min=0), second.weight, second.bias, padding=1)
        torch.testing.assert_close(tap, by_hand)
        x = by_hand.clamp(min=0)
        x = (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]) / 4
    assert list(network(pictures(8), stages=2)) == ["stage1", "stage2"]


def test_the_lab_network_stands_in_for_vgg19_block_by_block(tmp_path):
    path = tmp_path / "checkpoints" / "features.safetensors"
    network = save_lab_network(path)
    state = torch.get_rng_state()
    found = vgg19_features(["conv2_1", "relu3_4", "pool2", "conv5_4", "conv4_4", "pool5"])
    assert torch.equal(torch.get_rng_state(), state)
    values, taps = found(pictures()), network(pictures())
    torch.testing.assert_close(values["conv2_1"], taps["stage2"])
    torch.testing.assert_close(values["relu3_4"], taps["stage3"].clamp(min=0))
    torch.testing.assert_close(values["pool2"], F.avg_pool2d(taps["stage2"].clamp(min=0), 2))
    torch.testing.assert_close(values["conv5_4"], taps["stage4"])
    torch.testing.assert_close(values["conv4_4"], taps["stage4"])
    torch.testing.assert_close(values["pool5"], F.avg_pool2d(taps["stage4"].clamp(min=0), 2))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    assert found.source == f"the lab's own features (features.safetensors, SHA-256 {digest})"


def test_imagenet_weights_come_before_the_labs_own(stand_in, tmp_path):
    save_lab_network(tmp_path / "checkpoints" / "features.safetensors")
    put_in_place(stand_in[1])
    assert "ImageNet" in vgg19_features(["pool2"]).source


@pytest.mark.parametrize("content", ["damaged", "another network"])
def test_a_file_that_is_not_the_lab_network_is_refused_with_a_sentence(content, tmp_path):
    path = tmp_path / "checkpoints" / "features.safetensors"
    path.parent.mkdir()
    if content == "damaged":
        path.write_bytes(b"not safetensors at all")
    else:
        save_file({"conv.weight": torch.zeros(3)}, path)
    with pytest.raises(FeaturesError, match=r"features\.safetensors does not hold the lab's feature network: delete it"):
        vgg19_features(["pool2"])


# torchvision's file on disk


def test_a_truncated_file_is_refused_by_its_size(stand_in):
    path = put_in_place(stand_in[1])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FeaturesError, match=r"has [\d,]+ bytes and not [\d,]+\): delete it"):
        vgg19_features(["pool2"])


def test_a_changed_file_is_refused_by_the_hash_in_its_name(stand_in):
    path = put_in_place(stand_in[1])
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(FeaturesError, match=r"its SHA-256 begins with [0-9a-f]{8} and not [0-9a-f]{8}"):
        vgg19_features(["pool2"])


# downloads


@pytest.fixture
def server(monkeypatch):
    """A web server on this machine whose answer a test sets: `answer(handler)`; also counts the requests."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            running.requests += 1
            running.answer(self)

        def log_message(self, *_):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.requests = 0
    running.daemon_threads = True
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    change_file(monkeypatch, urls=(f"http://127.0.0.1:{running.server_port}/weights",))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield running
    running.shutdown()
    running.server_close()


def sends(content):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def left_behind():
    folder = official.place("vgg19").parent
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_nothing_is_downloaded_unasked(stand_in, server):
    assert "random" in vgg19_features(["pool2"]).source
    assert server.requests == 0


def test_a_download_that_was_asked_for_is_checked_put_in_place_and_used_from_then_on(stand_in, server):
    server.answer = sends(stand_in[1].read_bytes())
    assert "ImageNet" in vgg19_features(["pool2"], download=True).source
    assert left_behind() == [official.place("vgg19").name]
    assert "ImageNet" in vgg19_features(["pool2"]).source
    assert "ImageNet" in vgg19_features(["pool2"], download=True).source
    assert server.requests == 1


def test_a_download_replaces_a_damaged_file(stand_in, server):
    put_in_place(stand_in[1]).write_bytes(b"half")
    server.answer = sends(stand_in[1].read_bytes())
    assert "ImageNet" in vgg19_features(["pool2"], download=True).source


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda whole: whole[:-1] + b"?", "is something else: its SHA-256 begins with"),
        (lambda whole: whole[:-5], "is something else: it has"),
        (lambda whole: whole + b"more", "could not be downloaded .more than"),
    ],
    ids=["changed", "cut short", "too long"],
)
def test_what_is_not_the_file_is_refused_and_leaves_nothing_behind(change, sentence, stand_in, server):
    server.answer = sends(change(stand_in[1].read_bytes()))
    with pytest.raises(FeaturesError, match=sentence):
        vgg19_features(["pool2"], download=True)
    assert left_behind() == []


def test_a_servers_refusal_is_told(stand_in, server):
    server.answer = lambda handler: handler.send_error(404, "Not Found")
    sentence = r"could not be downloaded \(Not Found\): train without the download, or put the file into"
    with pytest.raises(FeaturesError, match=sentence):
        vgg19_features(["pool2"], download=True)


def test_without_a_network_a_sentence_comes_at_once(monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    change_file(monkeypatch, urls=(f"http://127.0.0.1:{port}/weights",))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    began = time.monotonic()
    with pytest.raises(FeaturesError, match=r"could not be downloaded .*refused.*: train without the download"):
        vgg19_features(["pool2"], download=True)
    assert time.monotonic() - began < 5
    assert left_behind() == []


def test_a_name_look_up_that_does_not_end_is_given_up(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(official, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: release.wait(60))
    began = time.monotonic()
    with pytest.raises(FeaturesError, match=r"could not be downloaded .no answer within 0\.2 seconds"):
        vgg19_features(["pool2"], download=True)
    assert time.monotonic() - began < 10
    release.set()


@pytest.mark.parametrize(
    ("pieces", "limit", "value", "sentence"),
    [(1, "ANSWER_SECONDS", 0.5, "timed out"), (1000, "DOWNLOAD_MINUTES", 0.5 / 60, "not done within")],
    ids=["stops sending", "sends too slowly"],
)
def test_a_server_that_does_not_get_done_is_given_up(pieces, limit, value, sentence, stand_in, server, monkeypatch):
    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(pieces):
            handler.wfile.write(b"x")
            if done.wait(0.05):
                return
        done.wait(60)

    done = threading.Event()
    server.answer = answer
    monkeypatch.setattr(official, limit, value)
    began = time.monotonic()
    with pytest.raises(FeaturesError, match=f"could not be downloaded .*{sentence}"):
        vgg19_features(["pool2"], download=True)
    done.set()
    assert time.monotonic() - began < 10
    assert left_behind() == []


# imports


def test_losses_and_features_load_neither_torchvision_nor_the_page_nor_other_peoples_metrics():
    script = "import sys, lab.train.losses, lab.train.features; print({'gradio', 'lpips', 'torchvision'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
