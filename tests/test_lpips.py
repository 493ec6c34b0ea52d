"""lab.metrics.lpips and lpips_lab: the formula against explicit loops, tiles against the whole, files that are not it."""

import dataclasses
import hashlib
import subprocess
import sys

import numpy as np
import pytest
import torch
from conftest import ROOT, textured_picture
from safetensors.torch import load_file, save_file

from lab.digests import sha256
from lab.metrics import lpips
from lab.metrics.lpips import Lpips, LpipsError, official, official_file, slim_file
from lab.metrics.lpips_lab import FEATURES_KEY, lab, read_features, trunk
from lab.metrics.lpips_tiles import spans
from lab.networks.features import WIDTHS, LabFeatures
from lab.official import OFFICIAL, place

CONVOLUTIONS = {0: (64, 3, 11), 3: (192, 64, 5), 6: (384, 192, 3), 8: (256, 384, 3), 10: (256, 256, 3)}
"""Index in torchvision's `features` -> (channels out, channels in, kernel)."""


def noisy(picture, level, seed=1):
    noise = np.random.default_rng(seed).normal(0, level, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


# stand-ins


@pytest.fixture(scope="module")
def alexnet_state():
    """Random weights in the layout of torchvision's AlexNet, of a size that keeps values apart from layer to layer."""
    generator = torch.Generator().manual_seed(5)
    state = {}
    for index, (out, inside, kernel) in CONVOLUTIONS.items():
        scale = (2 / (inside * kernel * kernel)) ** 0.5
        state[f"features.{index}.weight"] = torch.randn(out, inside, kernel, kernel, generator=generator) * scale
        state[f"features.{index}.bias"] = torch.randn(out, generator=generator) * 0.1
    state["classifier.1.weight"] = torch.zeros(3, 3)  # what LPIPS does not need
    return state


@pytest.fixture
def alexnet_file(alexnet_state, tmp_path, monkeypatch):
    """The stand-in in a file of torchvision's name and format, which the catalogue knows as AlexNet's; not yet in place."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    path = tmp_path / "alexnet.pth"
    torch.save(alexnet_state, path, _use_new_zipfile_serialization=False)  # as old as torchvision's file
    known = dataclasses.replace(OFFICIAL["alexnet"], sha256=sha256(path))
    monkeypatch.setitem(OFFICIAL, "alexnet", known)
    return path


@pytest.fixture(scope="module")
def alex(alexnet_state, tmp_path_factory):
    path = tmp_path_factory.mktemp("alexnet") / "alexnet.pth"
    torch.save(alexnet_state, path)
    return official(path)


def save_lab_files(folder, seed=3):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        state = {name: value.half() for name, value in LabFeatures().state_dict().items()}
        weights = {tap: torch.rand(width) for tap, width in zip(LabFeatures.TAPS, WIDTHS, strict=True)}
    features, layers = folder / "features.safetensors", folder / "lpips.safetensors"
    save_file(state, features)
    save_file(weights, layers, {FEATURES_KEY: sha256(features)})
    return features, layers


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return lab(*save_lab_files(tmp_path_factory.mktemp("lab")))


# the formula, written out


def convolve(x, weight, bias, stride, padding):
    """A convolution of (C, H, W), position by position, with zeros outside."""
    out, _, kernel, _ = weight.shape
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    height, width = ((side - kernel) // stride + 1 for side in x.shape[1:])
    result = np.empty((out, height, width))
    for i in range(height):
        for j in range(width):
            window = x[:, i * stride : i * stride + kernel, j * stride : j * stride + kernel]
            result[:, i, j] = (weight * window).sum(axis=(1, 2, 3)) + bias
    return result


def pool(x, reduce, size):
    """Windows of `size` every 2 pixels, position by position; what does not fit is left out."""
    height, width = ((side - size) // 2 + 1 for side in x.shape[1:])
    result = np.empty((x.shape[0], height, width))
    for i in range(height):
        for j in range(width):
            result[:, i, j] = reduce(x[:, 2 * i : 2 * i + size, 2 * j : 2 * j + size], axis=(1, 2))
    return result


def alexnet_by_loops(picture, state):
    """The five layers LPIPS looks at, of uint8 (H, W, 3)."""
    x = picture.transpose(2, 0, 1) / 255 * 2 - 1
    x = (x - np.array([-0.030, -0.088, -0.188]).reshape(3, 1, 1)) / np.array([0.458, 0.448, 0.450]).reshape(3, 1, 1)
    layers = []
    for index, (_, _, kernel) in CONVOLUTIONS.items():
        if index in (3, 6):
            x = pool(x, np.max, 3)
        weight, bias = (state[f"features.{index}.{kind}"].double().numpy() for kind in ("weight", "bias"))
        x = np.maximum(convolve(x, weight, bias, 4 if index == 0 else 1, kernel // 2 if index else 2), 0)
        layers.append(x)
    return layers


def lab_by_loops(picture, state):
    """The four stages of the lab's feature network, after their activation, of uint8 (H, W, 3)."""
    x = picture.transpose(2, 0, 1) / 255
    x = (x - np.array([0.485, 0.456, 0.406]).reshape(3, 1, 1)) / np.array([0.229, 0.224, 0.225]).reshape(3, 1, 1)
    stages = []
    for stage in range(4):
        for part in (0, 2):
            weight, bias = (state[f"stages.{stage}.{part}.{kind}"].double().numpy() for kind in ("weight", "bias"))
            x = np.maximum(convolve(x, weight, bias, 1, 1), 0)
        stages.append(x)
        x = pool(x, np.mean, 2)
    return stages


def lpips_by_loops(first, second, weights):
    """The sum over layers of the mean over pixels of the weighted squared differences, pixel by pixel."""
    total = 0.0
    for a, b, weight in zip(first, second, weights, strict=True):
        layer = 0.0
        for i in range(a.shape[1]):
            for j in range(a.shape[2]):
                u, v = (x[:, i, j] / (np.sqrt((x[:, i, j] ** 2).sum()) + 1e-10) for x in (a, b))
                layer += (weight * (u - v) ** 2).sum()
        total += layer / (a.shape[1] * a.shape[2])
    return total


def test_official_lpips_equals_its_definition_written_out(alex, alexnet_state):
    import lpips as package

    sharp = textured_picture(47, 59)
    result = noisy(sharp, 25)
    file = f"{package.__path__[0]}/weights/v0.1/alex.pth"
    linear = torch.load(file, map_location="cpu", weights_only=True)
    weights = [linear[f"lin{k}.model.1.weight"].double().numpy().ravel() for k in range(5)]
    first, second = (alexnet_by_loops(picture, alexnet_state) for picture in (result, sharp))
    expected = lpips_by_loops(first, second, weights)
    assert expected > 0.01
    assert alex.distance(result, sharp) == pytest.approx(expected, rel=1e-4)


def test_lpips_lab_equals_its_definition_written_out(tmp_path):
    features, layers = save_lab_files(tmp_path)
    sharp = textured_picture(18, 25)
    result = noisy(sharp, 25)
    state = load_file(features)
    weights = [load_file(layers)[tap].double().numpy() for tap in LabFeatures.TAPS]
    first, second = (lab_by_loops(picture, state) for picture in (result, sharp))
    assert lab(features, layers).distance(result, sharp) == pytest.approx(lpips_by_loops(first, second, weights), rel=1e-4)


def test_official_lpips_equals_the_package_s_own_result(alex, alexnet_state):
    import lpips as package

    sharp = textured_picture(80, 101)
    result = noisy(sharp, 12)
    theirs = package.LPIPS(net="alex", pnet_rand=True, verbose=False)
    for slice_ in (theirs.net.slice1, theirs.net.slice2, theirs.net.slice3, theirs.net.slice4, theirs.net.slice5):
        slice_.load_state_dict({name: alexnet_state[f"features.{name}"] for name in slice_.state_dict()})
    pictures = [torch.from_numpy(p.transpose(2, 0, 1)[None] / 255).float() for p in (result, sharp)]
    with torch.no_grad():
        expected = float(theirs(*pictures, normalize=True))
    assert alex.distance(result, sharp) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("which", ["alex", "own"])
def test_identical_pictures_have_distance_0_and_stronger_noise_a_larger_one(which, request):
    metric = request.getfixturevalue(which)
    sharp = textured_picture(70, 90)
    assert metric.distance(sharp.copy(), sharp) == 0
    assert metric.distance_map(sharp.copy(), sharp).max() == 0
    distances = [metric.distance(noisy(sharp, level), sharp) for level in (3, 10, 30)]
    assert 0 < distances[0] < distances[1] < distances[2]


# the map


@pytest.mark.parametrize("which", ["alex", "own"])
def test_the_map_averages_to_the_distance_and_lies_where_the_difference_is(which, request):
    metric = request.getfixturevalue(which)
    sharp = textured_picture(150, 203)
    result = sharp.copy()
    result[:, :60] = noisy(sharp, 30)[:, :60]
    found = metric.distance_map(result, sharp)
    assert found.dtype == np.float32
    assert found.shape == (150, 203)
    assert found.min() >= 0
    assert float(found.mean(dtype=np.float64)) == pytest.approx(metric.distance(result, sharp), rel=1e-5)
    assert found[:, :50].mean() > 5 * found[:, 150:].mean()


# tiles


def in_tiles(metric, core):
    return Lpips(dataclasses.replace(metric.trunk, core=core), metric.variant, metric.source)


@pytest.mark.parametrize(("which", "core"), [("alex", 96), ("own", 40)])
@pytest.mark.parametrize("size", [(301, 263), (150, 402)])
def test_tiles_give_the_features_of_the_whole_picture(which, core, size, request):
    metric = request.getfixturevalue(which)
    sharp = textured_picture(*size)
    result = noisy(sharp, 15)
    small, whole = in_tiles(metric, core), in_tiles(metric, 10_000)
    assert len(spans(max(size), core, metric.trunk.halo, metric.trunk.strides[-1])) > 3
    for ours, expected in zip(small.layer_maps(result, sharp), whole.layer_maps(result, sharp), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-6)
    assert small.distance(result, sharp) == pytest.approx(whole.distance(result, sharp), rel=1e-5)


def test_a_smaller_halo_would_be_seen(own):
    sharp = textured_picture(200, 230)
    result = noisy(sharp, 15)
    narrow = Lpips(dataclasses.replace(own.trunk, core=80, halo=24), "lab", "")
    whole = own.layer_maps(result, sharp)[-1]
    assert (narrow.layer_maps(result, sharp)[-1] - whole).abs().max() > 1e-3 * whole.max()


# the reference's features


def counted(metric):
    """The metric, with a list that grows with every picture or tile its network looks at."""
    seen = []
    features = metric.trunk.features
    watched = dataclasses.replace(metric.trunk, features=lambda x: seen.append(tuple(x.shape[2:])) or features(x))
    return Lpips(watched, metric.variant, metric.source), seen


def test_the_reference_is_looked_at_once_for_many_results(own):
    metric, seen = counted(own)
    sharp = textured_picture(64, 80)
    results = [noisy(sharp, level) for level in (2, 5, 9)]
    found = [metric.distance(result, sharp) for result in results]
    assert len(seen) == 1 + len(results)
    assert found == [in_tiles(own, 512).distance(result, sharp) for result in results]
    metric.distance(results[0], textured_picture(64, 80, seed=7))
    assert len(seen) == 6
    metric.distance(results[0], sharp)
    assert len(seen) == 7


def test_what_is_kept_has_a_limit_and_results_do_not_depend_on_it(own, monkeypatch):
    sharp = textured_picture(120, 130)
    result = noisy(sharp, 9)
    expected = in_tiles(own, 40).distance(result, sharp)
    for limit, kept in ((0, [0]), (700_000, range(1, 12))):
        monkeypatch.setattr(lpips, "KEPT_BYTES", limit)
        metric = in_tiles(own, 40)
        for picture in (textured_picture(120, 130, seed=5), sharp):
            for _ in range(2):
                metric.distance(result, picture)
                assert metric._kept.size <= limit
        assert metric.distance(result, sharp) == expected
        assert len(metric._kept.tiles) in kept
    assert {reference for reference, _ in metric._kept.tiles} == {hashlib.sha256(sharp).hexdigest() + str(sharp.shape)}


def test_a_tile_beyond_the_limit_drives_nothing_out():
    kept = lpips._Kept(100)
    kept.put("first", 0, [torch.zeros(20)])
    kept.put("second", 0, [torch.zeros(30)])
    assert kept.get("first", 0) is not None
    assert kept.get("second", 0) is None


# sizes


@pytest.mark.parametrize(("which", "least"), [("alex", 31), ("own", 8)])
def test_the_smallest_picture_passes_and_a_smaller_one_is_refused_with_a_sentence(which, least, request):
    metric = request.getfixturevalue(which)
    assert metric.why_not(least, least) == ""
    assert metric.why_not(least, least - 1) == f"LPIPS needs at least {least}x{least} pixels; the picture is {least - 1}x{least}."
    sharp = textured_picture(least, least)
    assert np.isfinite(metric.distance(noisy(sharp, 9), sharp))
    with pytest.raises(LpipsError, match="LPIPS needs at least"):
        metric.distance(sharp[1:], sharp[1:])
    with pytest.raises(LpipsError, match="pictures of one size"):
        metric.distance(textured_picture(64, 65), textured_picture(64, 64))


# AlexNet's file


def put_in_place(path):
    target = place("alexnet")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(path.read_bytes())
    return target


def test_the_convolutions_are_kept_beside_torchvision_s_file_which_may_then_go(alexnet_file):
    assert official_file() is None
    whole = put_in_place(alexnet_file)
    assert official_file() == whole
    sharp = textured_picture(64, 64)
    result = noisy(sharp, 9)
    first = official(whole)
    slim = slim_file(whole)
    assert official_file() == slim
    assert slim.stat().st_size < 10_000_000
    assert not any(name.startswith("classifier") for name in load_file(slim))
    whole.unlink()
    second = official(official_file())
    assert second.distance(result, sharp) == first.distance(result, sharp)
    assert second.source == first.source
    assert sha256(alexnet_file)[:12] in first.source


def test_a_damaged_slim_file_is_passed_over(alexnet_file):
    whole = put_in_place(alexnet_file)
    official(whole)
    slim = slim_file(whole)
    content = bytearray(slim.read_bytes())
    content[-3] ^= 1
    slim.write_bytes(content)
    assert official_file() == whole
    with pytest.raises(LpipsError, match="is damaged: delete it"):
        official(slim)
    slim.write_bytes(content[:1000])
    assert official_file() == whole


def test_a_file_that_is_not_whole_is_not_offered(alexnet_file):
    whole = put_in_place(alexnet_file)
    whole.write_bytes(whole.read_bytes()[:-1])
    assert official_file() is None


@pytest.mark.parametrize("content", ["damaged", "a list", "another network"])
def test_what_is_not_alexnet_is_refused_with_a_sentence(content, tmp_path):
    path = tmp_path / "alexnet.pth"
    if content == "damaged":
        path.write_bytes(b"not a weights file at all")
    else:
        torch.save([1] if content == "a list" else {"features.0.weight": torch.zeros(3)}, path)
    with pytest.raises(LpipsError, match=r"alexnet\.pth (is not a weights file|does not hold AlexNet's convolutions)"):
        official(path)
    assert not slim_file(path).exists()


def test_without_the_package_a_sentence_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(LpipsError, match="needs the package lpips: pip install lpips"):
        official(tmp_path / "alexnet.pth")


def test_a_torchvision_of_another_pytorch_is_told_in_a_sentence(monkeypatch, tmp_path):
    class Broken:
        def find_spec(self, name, *_):
            if name == "lpips":
                raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.delitem(sys.modules, "lpips", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(LpipsError, match="install the torchvision of PyTorch"):
        official(tmp_path / "alexnet.pth")


def test_loading_leaves_the_random_state_alone(alexnet_file, tmp_path):
    state = torch.get_rng_state()
    official(alexnet_file)
    lab(*save_lab_files(tmp_path))
    assert torch.equal(torch.get_rng_state(), state)


# the lab's files


def test_lab_files_that_do_not_belong_together_are_refused(tmp_path):
    features, layers = save_lab_files(tmp_path)
    assert lab(features, layers).variant == "lab"
    (tmp_path / "other").mkdir()
    other, _ = save_lab_files(tmp_path / "other", seed=4)
    with pytest.raises(LpipsError, match="was fitted on other features than"):
        lab(other, layers)


@pytest.mark.parametrize("change", ["negative", "missing stage", "damaged", "no features"])
def test_lab_files_that_are_not_what_they_seem_are_refused_with_a_sentence(change, tmp_path):
    features, layers = save_lab_files(tmp_path)
    weights = load_file(layers)
    if change == "negative":
        weights["stage2"][3] = -0.1
    if change == "missing stage":
        del weights["stage4"]
    save_file(weights, layers, {FEATURES_KEY: sha256(features)})
    if change == "damaged":
        layers.write_bytes(b"nothing of the kind")
    if change == "no features":
        features.write_bytes(b"nothing of the kind")
    with pytest.raises(LpipsError, match=r"fit it anew|train it anew"):
        lab(features, layers)


def test_the_lab_network_is_read_as_training_writes_it(tmp_path):
    features, _ = save_lab_files(tmp_path)
    network = read_features(features)
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert trunk(network, ()).features(torch.rand(1, 3, 16, 16))[0].min() == 0


def test_importing_lpips_loads_no_slow_library():
    script = "import sys, lab.metrics.lpips, lab.metrics.lpips_lab; print({'lpips', 'torchvision', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
