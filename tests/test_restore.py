"""lab.restore: devices, tiles, memory and cancelling."""

import os
import threading

import pytest
import torch
from conftest import textured_picture

from lab import restore as room
from lab.images import to_tensor
from lab.methods import METHODS
from lab.networks import build
from lab.restore import RestoreError, Stopped, pick_device, restore, run_network
from lab.weights import WeightsError, save


@pytest.fixture
def small_network():
    torch.manual_seed(0)
    return build("srresnet", blocks=1, width=8, batch_norm=False, bicubic_skip=True).eval()


def test_a_picture_cut_into_tiles_equals_the_picture_in_one_piece(small_network):
    x = to_tensor(textured_picture(300, 420))
    whole, one = run_network(small_network, x, tile=4096)
    tiled, many = run_network(small_network, x, tile=512)
    assert one == 1
    assert many > 4
    torch.testing.assert_close(tiled, whole, atol=1e-5, rtol=0)


def test_tiles_of_a_network_with_strides_stay_in_phase():
    torch.manual_seed(0)
    network = build("srnet", width=8).eval()
    x = to_tensor(textured_picture(610, 130))
    whole, _ = run_network(network, x, tile=4096)
    tiled, many = run_network(network, x, tile=512)
    assert many == 3
    torch.testing.assert_close(tiled, whole, atol=1e-5, rtol=0)


def test_tiles_of_a_self_ensemble_equal_the_whole_picture():
    torch.manual_seed(0)
    network = build("deblurgan", width=4, blocks=1, instance_norm=False, self_ensemble=True).eval()
    x = to_tensor(textured_picture(700, 530))
    whole, _ = run_network(network, x, tile=4096)
    tiled, many = run_network(network, x, tile=512)
    assert many == 9
    torch.testing.assert_close(tiled, whole, atol=1e-5, rtol=0)


def test_a_network_with_instance_norm_sees_the_whole_picture_while_memory_lasts(monkeypatch):
    torch.manual_seed(0)
    network = build("deblurgan", width=4, blocks=1).eval()
    x = to_tensor(textured_picture(600, 130))
    result, tiles = run_network(network, x, tile=512)
    assert tiles == 1
    torch.testing.assert_close(result, network(x).detach(), atol=1e-6, rtol=0)


def test_the_spans_of_tiles_cover_every_sample_once():
    for length in (1, 31, 256, 257, 1000, 1023):
        covered = []
        for start, end, read_start, read_end in room._spans(length, 256, 32):
            assert read_start <= start < end <= read_end
            covered += range(start, end)
        assert covered == list(range(length))


def test_a_smaller_tile_is_tried_when_memory_runs_out(small_network, monkeypatch):
    x = to_tensor(textured_picture(200, 260))
    expected, _ = run_network(small_network, x, tile=512)
    forward, sizes = small_network.forward, []

    def short_of_memory(piece):
        sizes.append(max(piece.shape[-2:]))
        if max(piece.shape[-2:]) > 200:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        return forward(piece)

    monkeypatch.setattr(small_network, "forward", short_of_memory)
    result, tiles = run_network(small_network, x, tile=2048)
    assert sizes[0] > 200 >= sizes[-1]
    assert tiles > 1
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=0)


def test_too_little_memory_for_any_tile_is_said_in_a_sentence(small_network, monkeypatch):
    def no_memory(piece):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr(small_network, "forward", no_memory)
    with pytest.raises(RestoreError, match="not enough memory for this picture"):
        run_network(small_network, torch.rand(1, 3, 40, 40))


def test_other_faults_of_a_network_are_not_taken_for_lack_of_memory(small_network, monkeypatch):
    def broken(piece):
        raise RuntimeError("expected 3 channels")

    monkeypatch.setattr(small_network, "forward", broken)
    with pytest.raises(RuntimeError, match="expected 3 channels"):
        run_network(small_network, torch.rand(1, 3, 40, 40))


def test_a_run_that_is_stopped_ends_before_its_next_tile(small_network, monkeypatch):
    stop, forward, calls = threading.Event(), small_network.forward, []

    def count(piece):
        calls.append(1)
        stop.set()
        return forward(piece)

    monkeypatch.setattr(small_network, "forward", count)
    with pytest.raises(Stopped):
        run_network(small_network, torch.rand(1, 3, 300, 300), stop, tile=512)
    assert len(calls) == 1


def test_a_run_that_is_stopped_ends_before_the_next_pass_of_a_self_ensemble(monkeypatch):
    network = build("deblurgan", width=4, blocks=1, instance_norm=False, self_ensemble=True).eval()
    stop, head, passes = threading.Event(), network.network.head.forward, []

    def third(x):
        passes.append(1)
        if len(passes) == 3:
            stop.set()
        return head(x)

    monkeypatch.setattr(network.network.head, "forward", third)
    with pytest.raises(Stopped):
        run_network(network, torch.rand(1, 3, 16, 16), stop)
    assert len(passes) == 3
    assert run_network(network, torch.rand(1, 3, 16, 16))[1] == 1  # nothing of the stopped run is left
    assert len(passes) == 3 + 8


@pytest.mark.parametrize("key", METHODS)
@pytest.mark.parametrize("size", [(8, 9), (33, 41)])
def test_every_method_returns_its_own_size_rounded_to_8_bits(key, size):
    restored = restore(key, torch.rand(1, 3, *size))
    scale = 4 if METHODS[key].takes == "x4" else 1
    assert restored.picture.shape == (1, 3, size[0] * scale, size[1] * scale)
    levels = restored.picture * 255
    torch.testing.assert_close(levels, levels.round(), atol=1e-4, rtol=0)
    assert 0 <= float(restored.picture.min()) <= float(restored.picture.max()) <= 1
    assert restored.seconds > 0
    assert (restored.loaded is None) == (METHODS[key].kind == "classical")


def test_a_file_of_the_visitors_own_takes_the_place_of_the_shipped_weights(tmp_path, small_network):
    path = tmp_path / "mine.safetensors"
    save(small_network, path, {"name": "Mine"})
    restored = restore("srresnet", torch.rand(1, 3, 10, 10), own=path)
    assert restored.loaded.name == "Mine, own weights"
    assert restored.loaded.file == "mine.safetensors"


def test_a_file_trained_anew_is_loaded_anew(tmp_path, small_network):
    path, x = tmp_path / "mine.safetensors", torch.rand(1, 3, 10, 10)
    save(small_network, path, {})
    first = restore("srresnet", x, own=path).loaded.sha256
    torch.nn.init.normal_(next(small_network.parameters()))
    save(small_network, path, {})
    assert restore("srresnet", x, own=path).loaded.sha256 != first


def test_a_card_that_changed_is_read_anew_though_the_weights_are_the_same(tmp_path, small_network):
    path, x = tmp_path / "mine.safetensors", torch.rand(1, 3, 10, 10)
    save(small_network, path, {"stage": "one step"})
    assert restore("srresnet", x, own=path).loaded.stage == "one step"
    card = path.with_suffix(".json")
    card.write_text(card.read_text().replace("one step", "two steps"))
    os.utime(card, (1, 1))
    assert restore("srresnet", x, own=path).loaded.stage == "two steps"


def test_weights_that_give_no_numbers_are_refused_with_a_sentence(tmp_path, small_network, monkeypatch):
    path = tmp_path / "mine.safetensors"
    save(small_network, path, {})
    monkeypatch.setattr(room, "run_network", lambda network, x, stop: (torch.full((1, 3, 40, 40), torch.nan), 1))
    with pytest.raises(RestoreError, match=r"mine.safetensors gives values that are not numbers"):
        restore("srresnet", torch.rand(1, 3, 10, 10), own=path)


def test_weights_that_do_not_fit_the_method_are_refused_with_a_sentence(tmp_path, small_network):
    path = tmp_path / "mine.safetensors"
    save(small_network, path, {})
    x = torch.rand(1, 3, 10, 10)
    with pytest.raises(RestoreError, match="enlarges 4 times, but DeblurGAN enlarges 1 times"):
        restore("deblurgan", x, own=path)
    with pytest.raises(RestoreError, match="Bicubic is not a network"):
        restore("bicubic", x, own=path)
    with pytest.raises(WeightsError, match="there is no weights file gone"):
        restore("srresnet", x, own=tmp_path / "gone.safetensors")


def test_a_device_that_is_not_there_is_refused_with_a_sentence():
    with pytest.raises(RestoreError, match="unknown device 'tpu'"):
        pick_device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(RestoreError, match="no CUDA GPU"):
            pick_device("cuda")
    assert pick_device("cpu").type == "cpu"
