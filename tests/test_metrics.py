"""PSNR, SSIM and GMSD against scikit-image and against their definitions written out in loops."""

import math

import numpy as np
import pytest
import skimage.data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from lab.metrics import METRICS, measure
from lab.metrics.channels import full_luma, shave, studio_luma
from lab.metrics.gmsd import gmsd
from lab.metrics.ssim import ssim


def pair(height=60, width=75, seed=0):
    """A piece of a photograph, and the same with noise and a shift of brightness."""
    sharp = skimage.data.astronaut()[40 : 40 + height, 170 : 170 + width]
    noise = np.random.default_rng(seed).normal(5, 12, sharp.shape)
    return np.clip(sharp + noise, 0, 255).astype(np.uint8), sharp


# Channels


def test_studio_luma_of_white_black_and_the_primaries_is_that_of_bt_601():
    primaries = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    np.testing.assert_allclose(studio_luma(primaries)[0], [235, 16, 81.481, 144.553, 40.966], atol=1e-9)


def test_studio_luma_equals_scikit_image_s_and_is_not_rounded():
    from skimage.color import rgb2ycbcr

    _, sharp = pair()
    luma = studio_luma(sharp)
    np.testing.assert_allclose(luma, rgb2ycbcr(sharp)[..., 0], atol=1e-9)
    assert np.abs(luma - np.round(luma)).max() > 0.4


def test_full_luma_runs_from_0_to_255():
    ends = np.array([[[255, 255, 255], [0, 0, 0]]], np.uint8)
    np.testing.assert_allclose(full_luma(ends)[0], [255, 0], atol=1e-9)


def test_the_border_is_cut_from_every_side():
    picture = np.arange(7 * 9 * 3).reshape(7, 9, 3)
    np.testing.assert_array_equal(shave(picture, 2), picture[2:5, 2:7])
    np.testing.assert_array_equal(shave(picture, 0), picture)


# PSNR


def test_psnr_equals_its_definition_on_y_without_the_border():
    result, sharp = pair()
    total, count = 0.0, 0
    for row in range(4, 56):
        for column in range(4, 71):
            luma = [
                16 + (65.481 * float(p[0]) + 128.553 * float(p[1]) + 24.966 * float(p[2])) / 255
                for p in (result[row, column], sharp[row, column])
            ]
            total += (luma[0] - luma[1]) ** 2
            count += 1
    expected = 10 * math.log10(255**2 / (total / count))
    assert measure("psnr", result, sharp).value == pytest.approx(expected, abs=1e-9)


def test_psnr_in_rgb_equals_scikit_image_s():
    result, sharp = pair()
    expected = peak_signal_noise_ratio(sharp, result, data_range=255)
    assert measure("psnr", result, sharp, "rgb").value == pytest.approx(expected, abs=1e-9)


def test_a_difference_of_one_step_in_every_value_is_48_13_db():
    picture = np.full((40, 40, 3), 100, np.uint8)
    assert measure("psnr", picture + np.uint8(1), picture, "rgb").value == pytest.approx(48.1308, abs=1e-4)


def test_identical_pictures_have_an_infinite_psnr_a_similarity_of_1_and_no_deviation():
    _, sharp = pair()
    for convention in ("sr", "rgb"):
        assert measure("psnr", sharp, sharp, convention).value == math.inf
        assert measure("ssim", sharp, sharp, convention).value == pytest.approx(1, abs=1e-12)
        assert measure("gmsd", sharp, sharp, convention).value == pytest.approx(0, abs=1e-12)


def test_only_the_border_may_differ_without_a_change_in_the_sr_convention():
    result, sharp = pair()
    framed = result.copy()
    framed[:4], framed[-4:], framed[:, :4], framed[:, -4:] = 0, 255, 0, 255
    for key in METRICS:
        assert measure(key, framed, sharp, "sr") == measure(key, result, sharp, "sr")
        assert measure(key, framed, sharp, "rgb") != measure(key, result, sharp, "rgb")


# SSIM


def ssim_by_loops(x, y):
    """SSIM of two (H, W) arrays, each 11x11 window on its own."""
    weights = np.array([[math.exp(-(i * i + j * j) / (2 * 1.5**2)) for j in range(-5, 6)] for i in range(-5, 6)])
    weights /= weights.sum()
    c1, c2 = 6.5025, 58.5225
    values = []
    for row in range(x.shape[0] - 10):
        for column in range(x.shape[1] - 10):
            a, b = x[row : row + 11, column : column + 11], y[row : row + 11, column : column + 11]
            mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
            variance_a, variance_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
            covariance = (weights * (a - mean_a) * (b - mean_b)).sum()
            above = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
            values.append(above / ((mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)))
    return sum(values) / len(values)


def test_ssim_equals_its_definition_written_out():
    result, sharp = (studio_luma(picture) for picture in pair(30, 37))
    assert ssim(result, sharp) == pytest.approx(ssim_by_loops(result, sharp), abs=1e-9)


@pytest.mark.parametrize("convention", ["sr", "rgb"])
def test_ssim_equals_scikit_image_s(convention):
    result, sharp = pair(120, 150)
    options = {"data_range": 255, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    if convention == "sr":
        expected = structural_similarity(studio_luma(result[4:-4, 4:-4]), studio_luma(sharp[4:-4, 4:-4]), **options)
    else:
        expected = structural_similarity(result, sharp, channel_axis=2, **options)
    assert measure("ssim", result, sharp, convention).value == pytest.approx(expected, abs=1e-6)


def test_ssim_on_flat_pictures_follows_the_luminance_term():
    dark, light = np.full((32, 32, 3), 50, np.uint8), np.full((32, 32, 3), 100, np.uint8)
    expected = (2 * 50 * 100 + 6.5025) / (50**2 + 100**2 + 6.5025)
    assert measure("ssim", dark, light, "rgb").value == pytest.approx(expected, abs=1e-9)


def test_ssim_is_not_halved_on_large_pictures():
    sharp = skimage.data.astronaut()
    noisy = np.clip(sharp + np.random.default_rng(0).normal(0, 20, sharp.shape), 0, 255).astype(np.uint8)
    options = {"data_range": 255, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    halved = [studio_luma(p).reshape(256, 2, 256, 2).mean(axis=(1, 3)) for p in (noisy, sharp)]
    value = measure("ssim", noisy, sharp, border=0).value
    assert value < structural_similarity(*halved, **options) - 0.1


# GMSD


def gmsd_by_loops(x, y):
    """GMSD of two (H, W) arrays, pixel by pixel after Xue et al.: 2x2 means, Prewitt over three, T = 170."""

    def at(a, row, column):
        return a[row][column] if 0 <= row < len(a) and 0 <= column < len(a[0]) else 0.0

    def magnitudes(a):
        rows, columns = math.ceil(len(a) / 2), math.ceil(len(a[0]) / 2)
        small = [
            [sum(at(a, 2 * r + i, 2 * c + j) for i in (0, 1) for j in (0, 1)) / 4 for c in range(columns)]
            for r in range(rows)
        ]
        result = []
        for r in range(rows):
            for c in range(columns):
                across = sum(at(small, r + i, c + 1) - at(small, r + i, c - 1) for i in (-1, 0, 1)) / 3
                down = sum(at(small, r + 1, c + i) - at(small, r - 1, c + i) for i in (-1, 0, 1)) / 3
                result.append(math.sqrt(across**2 + down**2))
        return result

    similarity = [
        (2 * a * b + 170) / (a * a + b * b + 170)
        for a, b in zip(magnitudes(x.tolist()), magnitudes(y.tolist()), strict=True)
    ]
    mean = sum(similarity) / len(similarity)
    return math.sqrt(sum((s - mean) ** 2 for s in similarity) / (len(similarity) - 1))


@pytest.mark.parametrize(("height", "width"), [(40, 50), (41, 51)])
def test_gmsd_equals_its_definition_written_out(height, width):
    result, sharp = (full_luma(picture) for picture in pair(height, width))
    assert gmsd(result, sharp) == pytest.approx(gmsd_by_loops(result, sharp), abs=1e-12)


def test_gmsd_sees_full_range_grey_in_both_conventions():
    result, sharp = pair()
    whole = measure("gmsd", result, sharp, "rgb").value
    assert whole == pytest.approx(gmsd(full_luma(result), full_luma(sharp)), abs=1e-12)
    cut = measure("gmsd", result, sharp, "sr", border=4).value
    assert cut == pytest.approx(gmsd(full_luma(result[4:-4, 4:-4]), full_luma(sharp[4:-4, 4:-4])), abs=1e-12)
    assert measure("gmsd", result, sharp, "sr", border=0).value == pytest.approx(whole, abs=1e-12)


# The catalogue


def test_more_blur_is_worse_in_the_direction_every_card_names():
    from scipy.ndimage import gaussian_filter

    sharp = skimage.data.chelsea()[:160, :200]
    slight, strong = (gaussian_filter(sharp, (s, s, 0)) for s in (0.7, 2.0))
    for key, metric in METRICS.items():
        first, second = measure(key, slight, sharp).value, measure(key, strong, sharp).value
        assert first > second if metric.better == "higher" else first < second


def test_a_figure_names_its_convention():
    result, sharp = pair()
    for convention in ("sr", "rgb"):
        figure = measure("psnr", result, sharp, convention)
        assert (figure.convention, figure.variant, figure.why_not) == (convention, "", "")


def test_without_an_original_the_figure_says_why_there_is_no_value():
    result, _ = pair()
    for key in METRICS:
        figure = measure(key, result, None)
        assert figure.value is None
        assert figure.why_not == "There is no sharp original to compare with."


def test_a_picture_too_small_for_the_window_has_a_reason_instead_of_a_value():
    result, sharp = pair(18, 30)
    assert measure("ssim", result, sharp, border=3).value is not None
    figure = measure("ssim", result, sharp, border=4)
    assert figure.value is None
    sentence = "SSIM needs at least 11x11; the picture is 22x10 once 4 pixels are cut from every side."
    assert figure.why_not == sentence
    assert measure("psnr", result, sharp, border=9).value is None
    assert measure("psnr", result, sharp, border=40).value is None


@pytest.mark.parametrize("key", METRICS)
def test_the_least_size_a_card_names_is_enough(key):
    side = METRICS[key].least_side
    result, sharp = pair(side, side)
    assert math.isfinite(measure(key, result, sharp, "rgb").value)


def test_unknown_names_and_unlike_sizes_are_refused_with_a_sentence():
    result, sharp = pair()
    with pytest.raises(ValueError, match="choose among psnr, ssim, gmsd"):
        measure("vibes", result, sharp)
    with pytest.raises(ValueError, match="choose sr or rgb"):
        measure("psnr", result, sharp, "hsv")
    with pytest.raises(ValueError, match="75x59 and the original 75x60"):
        measure("psnr", result[1:], sharp)
