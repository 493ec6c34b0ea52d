"""lab.metrics.ms_ssim against its definition written out in loops."""

import math

import numpy as np
import pytest
from conftest import textured_picture

from lab.metrics.channels import studio_luma
from lab.metrics.ms_ssim import LEAST_SIDE, ms_ssim
from lab.metrics.ssim import ssim


def noisy(picture, level, seed=1):
    noise = np.random.default_rng(seed).normal(0, level, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def window_terms(x, y):
    """Mean of luminance times contrast-structure, and of contrast-structure, over all 11x11 windows, each on its own."""
    weights = np.array([[math.exp(-(i * i + j * j) / (2 * 1.5**2)) for j in range(-5, 6)] for i in range(-5, 6)])
    weights /= weights.sum()
    whole, part = [], []
    for row in range(x.shape[0] - 10):
        for column in range(x.shape[1] - 10):
            a, b = x[row : row + 11, column : column + 11], y[row : row + 11, column : column + 11]
            mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
            variance_a, variance_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
            covariance = (weights * (a - mean_a) * (b - mean_b)).sum()
            part.append((2 * covariance + 58.5225) / (variance_a + variance_b + 58.5225))
            whole.append(part[-1] * (2 * mean_a * mean_b + 6.5025) / (mean_a**2 + mean_b**2 + 6.5025))
    return sum(whole) / len(whole), sum(part) / len(part)


def halved(x):
    """Means of 2x2 pixels; beyond the border the last pixel is repeated."""
    height, width = x.shape
    small = np.empty(((height + 1) // 2, (width + 1) // 2))
    for i in range(small.shape[0]):
        for j in range(small.shape[1]):
            rows, columns = (2 * i, min(2 * i + 1, height - 1)), (2 * j, min(2 * j + 1, width - 1))
            small[i, j] = sum(x[r, c] for r in rows for c in columns) / 4
    return small


def ms_ssim_by_loops(x, y):
    value = 1.0
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        if scale:
            x, y = halved(x), halved(y)
        whole, part = window_terms(x, y)
        value *= (whole if scale == 4 else part) ** weight
    return value


@pytest.mark.parametrize(("height", "width"), [(161, 164), (163, 161)])
def test_ms_ssim_equals_its_definition_written_out(height, width):
    sharp = studio_luma(textured_picture(height, width))
    result = studio_luma(noisy(textured_picture(height, width), 25))
    expected = ms_ssim_by_loops(result, sharp)
    assert expected < 0.98
    assert ms_ssim(result, sharp) == pytest.approx(expected, abs=1e-9)


def test_colour_is_the_mean_of_the_channels():
    sharp = textured_picture(170, 180)
    result = noisy(sharp, 20)
    channels = [ms_ssim(result[..., c].astype(float), sharp[..., c].astype(float)) for c in range(3)]
    assert ms_ssim(result.astype(float), sharp.astype(float)) == pytest.approx(sum(channels) / 3, abs=1e-12)
    assert max(channels) - min(channels) > 1e-4


def test_identical_pictures_give_1_and_more_noise_gives_less():
    sharp = studio_luma(textured_picture(176, 190))
    values = [ms_ssim(studio_luma(noisy(textured_picture(176, 190), level)), sharp) for level in (5, 20, 60)]
    assert ms_ssim(sharp, sharp) == pytest.approx(1, abs=1e-12)
    assert 1 > values[0] > values[1] > values[2] > 0


def test_opposite_structure_counts_as_0_and_not_as_a_complex_number():
    rows, columns = np.mgrid[0:176, 0:176]
    bars = 128 + 100 * ((rows // 8 + columns // 8) % 2 - 0.5)
    assert ssim(255 - bars, bars) < 0
    assert ms_ssim(255 - bars, bars) == 0


def test_the_least_side_is_the_last_one_that_fits():
    assert math.ceil(LEAST_SIDE / 16) == 11
    assert math.ceil((LEAST_SIDE - 1) / 16) == 10
