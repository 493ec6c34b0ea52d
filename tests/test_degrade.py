"""lab.degrade: degradations as data."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import textured_picture

from lab.degrade import (
    KINDS,
    Degradation,
    DegradationError,
    blur,
    defocus_kernel,
    degrade,
    gaussian_kernel,
    motion_kernel,
    motion_paths,
    parse,
    round_to_8_bits,
)
from lab.images import to_tensor
from lab.resize import downscale

TEXTS = [
    "x4-bicubic",
    "gaussian:sigma=2",
    "gaussian:sigma=1.23456789",
    "motion:length=20,seed=7",
    "defocus:radius=3.5,noise=5,jpeg=60,seed=3",
    "x4-bicubic:noise=2.5",
]


@pytest.mark.parametrize("text", TEXTS)
def test_the_text_form_is_read_back_to_an_equal_degradation(text):
    degradation = parse(text)
    assert str(degradation) == text
    assert parse(str(degradation)) == degradation


def test_what_is_not_named_takes_its_default():
    assert parse("gaussian") == Degradation("gaussian", KINDS["gaussian"].default)
    assert parse(" motion : length = 9 , seed=2 ") == Degradation("motion", 9.0, seed=2)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("fog", "unknown degradation 'fog': choose one of x4-bicubic, gaussian, motion, defocus"),
        ("gaussian:radius=2", "gaussian has no parameter 'radius': it takes sigma, noise, jpeg, seed"),
        ("gaussian:sigma=wide", "sigma must be a number"),
        ("gaussian:sigma", "sigma must be a number"),
        ("gaussian:seed=1.5", "seed must be a whole number"),
        ("gaussian:sigma=0", "sigma=0.0 is out of range: give sigma from 0.2 to 6"),
        ("gaussian:sigma=nan", "out of range"),
        ("gaussian:sigma=2,sigma=3", "given twice"),
        ("motion:jpeg=0", "give jpeg from 1 to 100"),
        ("defocus:noise=-1", "give noise from 0 to 100"),
        ("motion:seed=-4", "give seed from 0"),
        ("motion:seed=2147483648", "seed=2147483648 is out of range: give seed from 0 to 2147483647"),
        ("motion:seed=" + "9" * 400, r"seed=9999999999999999\.\.\. is out of range"),
        ("x4-bicubic:sigma=2", "x4-bicubic has no parameter 'sigma': it takes noise, jpeg, seed"),
        ("", "unknown degradation ''"),
    ],
)
def test_a_wrong_text_is_refused_with_a_sentence(text, sentence):
    with pytest.raises(DegradationError, match=sentence):
        parse(text)


def test_a_fraction_where_a_whole_number_belongs_is_refused():
    with pytest.raises(DegradationError, match="must be whole numbers"):
        Degradation("gaussian", 1.0, jpeg=50.5)


@pytest.mark.parametrize("kernel", [gaussian_kernel(0.2), gaussian_kernel(2.5), defocus_kernel(0.5), defocus_kernel(4.3),
                                    motion_kernel(2, 0), motion_kernel(60, 5)])  # fmt: skip
def test_every_kernel_is_odd_sums_to_one_and_is_never_negative(kernel):
    assert kernel.shape[0] == kernel.shape[1]
    assert kernel.shape[0] % 2 == 1
    assert float(kernel.sum()) == pytest.approx(1, abs=1e-6)
    assert float(kernel.min()) >= 0


def test_a_gaussian_kernel_has_the_standard_deviation_it_is_named_for():
    kernel = gaussian_kernel(2.0).double()
    x = torch.arange(kernel.shape[0]) - kernel.shape[0] // 2
    assert float((kernel.sum(0) * x**2).sum()) == pytest.approx(4.0, rel=0.01)


def test_a_motion_path_has_constant_speed_and_the_length_asked_for():
    paths = motion_paths(np.array([12.0, 30.0]), np.random.default_rng(1))
    steps = np.abs(np.diff(paths, axis=1))
    np.testing.assert_allclose(steps.sum(axis=1), [12, 30], rtol=1e-9)
    np.testing.assert_allclose(steps.std(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(np.abs(paths.mean(axis=1)), 0, atol=1e-9)


def test_a_motion_kernel_is_the_slow_count_of_where_its_path_spent_its_time():
    path = motion_paths(np.array([14.0]), np.random.default_rng(3))[0]
    kernel = motion_kernel(14, 3).double().numpy()
    radius = kernel.shape[0] // 2
    slow = np.zeros_like(kernel)
    for point in path:
        for row in range(kernel.shape[0]):
            for column in range(kernel.shape[1]):
                weight_x = max(0.0, 1 - abs(point.real - (column - radius)))
                weight_y = max(0.0, 1 - abs(point.imag - (row - radius)))
                slow[row, column] += weight_x * weight_y
        if kernel.shape[0] > 40:
            pytest.fail("choose a shorter path: this rendering is slow")
    np.testing.assert_allclose(kernel, slow / slow.sum(), atol=1e-6)


def test_motion_paths_differ_between_seeds_and_agree_within_one():
    assert torch.equal(motion_kernel(20, 1), motion_kernel(20, 1))
    first, second = motion_kernel(20, 1), motion_kernel(20, 2)
    assert first.shape != second.shape or not torch.equal(first, second)


def test_blurring_is_convolution_with_the_border_continued():
    x, kernel = torch.rand(2, 3, 19, 23), motion_kernel(12, 4)
    radius = kernel.shape[0] // 2
    padded = F.pad(x, (radius,) * 4, mode="replicate").reshape(6, 1, 19 + 2 * radius, 23 + 2 * radius)
    slow = F.conv2d(padded, kernel.flip(0, 1)[None, None]).reshape(x.shape)
    torch.testing.assert_close(blur(x, kernel), slow, atol=2e-6, rtol=0)


def test_a_kernel_larger_than_the_picture_still_works():
    assert degrade(torch.rand(1, 3, 32, 33), parse("gaussian:sigma=6")).shape == (1, 3, 32, 33)
    assert degrade(torch.rand(1, 3, 32, 33), parse("motion:length=60")).shape == (1, 3, 32, 33)


def test_every_picture_of_a_batch_may_have_its_own_kernel():
    x = torch.rand(2, 3, 20, 20)
    kernels = torch.stack([gaussian_kernel(1.0), gaussian_kernel(0.9)])
    both = blur(x, kernels)
    torch.testing.assert_close(both[1:], blur(x[1:], kernels[1]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("text", TEXTS)
def test_the_same_degradation_always_gives_the_same_8_bit_picture(text):
    x = to_tensor(textured_picture(61, 50))
    first, second = degrade(x, parse(text)), degrade(x, parse(text))
    assert torch.equal(first, second)
    torch.testing.assert_close(first * 255, (first * 255).round(), atol=1e-4, rtol=0)


def test_x4_bicubic_shrinks_to_a_quarter_rounded_up_and_equals_plain_shrinking_on_multiples_of_four():
    x = to_tensor(textured_picture(64, 48))
    assert torch.equal(degrade(x, parse("x4-bicubic")), round_to_8_bits(downscale(x, 4)))
    assert degrade(to_tensor(textured_picture(65, 50)), parse("x4-bicubic")).shape == (1, 3, 17, 13)


def test_noise_has_the_standard_deviation_it_is_named_for():
    x = torch.full((1, 3, 200, 200), 0.5)
    noisy = degrade(x, parse("gaussian:sigma=1,noise=10,seed=5"))
    assert float((noisy * 255).std()) == pytest.approx(10, rel=0.02)
    assert not torch.equal(noisy, degrade(x, parse("gaussian:sigma=1,noise=10,seed=6")))


def test_jpeg_at_a_low_quality_changes_the_picture_more():
    x = to_tensor(textured_picture(64, 64))
    clean = degrade(x, parse("gaussian:sigma=1"))
    low, high = (degrade(x, parse(f"gaussian:sigma=1,jpeg={quality}")) for quality in (20, 95))
    assert (low - clean).abs().mean() > 2 * (high - clean).abs().mean() > 0
