"""lab.resize: MATLAB's bicubic."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from lab.degrade import round_to_8_bits
from lab.images import read_picture, to_tensor
from lab.resize import downscale, resize, upscale


def slow_imresize_axis(signal: list[float], target: int) -> list[float]:
    """One axis of imresize with plain loops, following the description in the NIQE release: u = i/s + 0.5 (1 - 1/s), 1-based."""

    def cubic(x):
        x = abs(x)
        if x <= 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0

    n, scale = len(signal), target / len(signal)
    squeeze = min(1.0, scale)
    result = []
    for i in range(1, target + 1):
        u = i / scale + 0.5 * (1 - 1 / scale)
        left = math.floor(u - 4 / squeeze / 2)
        total, weight_sum = 0.0, 0.0
        for tap in range(left, left + math.ceil(4 / squeeze) + 2):
            weight = squeeze * cubic(squeeze * (u - tap))
            mirrored = (tap - 1) % (2 * n)
            mirrored = mirrored if mirrored < n else 2 * n - 1 - mirrored
            total += weight * signal[mirrored]
            weight_sum += weight
        result.append(total / weight_sum)
    return result


@pytest.mark.parametrize(("length", "target"), [(16, 4), (17, 5), (9, 36), (12, 7), (5, 20), (3, 1), (2, 8)])
def test_an_axis_is_resized_as_a_slow_rendering_of_imresize_does(length, target):
    signal = np.random.default_rng(length).random(length)
    fast = resize(torch.from_numpy(signal)[None, None, None, :], (1, target))[0, 0, 0]
    np.testing.assert_allclose(fast.numpy(), slow_imresize_axis(list(signal), target), atol=1e-12)


def test_a_constant_picture_stays_constant_up_to_the_border():
    x = torch.full((1, 3, 13, 17), 0.37)
    for size in ((4, 5), (52, 68), (13, 17), (1, 1)):
        torch.testing.assert_close(resize(x, size), torch.full((1, 3, *size), 0.37), atol=1e-6, rtol=0)


def test_the_same_size_gives_the_same_picture():
    x = torch.rand(1, 3, 11, 14)
    torch.testing.assert_close(resize(x, (11, 14)), x, atol=1e-6, rtol=0)


def test_shrinking_rounds_the_size_up():
    assert downscale(torch.rand(1, 3, 33, 30), 4).shape == (1, 3, 9, 8)
    assert upscale(torch.rand(2, 1, 5, 6), 4).shape == (2, 1, 20, 24)


def test_gradients_pass_through():
    x = torch.rand(1, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: resize(t, (3, 5)), (x,))


def test_a_size_without_pixels_is_refused():
    with pytest.raises(ValueError, match="at least one pixel"):
        resize(torch.rand(1, 3, 8, 8), (0, 4))


def test_bicubic_on_set5_comes_out_at_the_published_28_42_db(data):
    values = []
    weights = np.array([65.481, 128.553, 24.966]) / 255
    for path in sorted((data / "benchmark" / "Set5").glob("*.png")):
        sharp = to_tensor(read_picture(path))
        result = round_to_8_bits(upscale(round_to_8_bits(downscale(sharp, 4)), 4))
        luma = [16 + (t[0].permute(1, 2, 0).double().numpy() * 255) @ weights for t in (sharp, result)]
        values.append(peak_signal_noise_ratio(luma[0][4:-4, 4:-4], luma[1][4:-4, 4:-4], data_range=255))
    assert len(values) == 5
    assert np.mean(values) == pytest.approx(28.42, abs=0.03)
