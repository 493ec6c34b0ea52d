"""The methods that learn nothing."""

import itertools

import pytest
import skimage.data
import torch

from lab.classical import bicubic, bilinear, iterative_back_projection, nearest
from lab.images import to_picture, to_tensor
from lab.metrics import measure
from lab.resize import downscale, upscale

ALL = [nearest, bilinear, bicubic, iterative_back_projection]


@pytest.fixture(scope="module")
def sharp():
    return skimage.data.chelsea()[20:260, 60:360]


@pytest.fixture(scope="module")
def quarter(sharp):
    """The sharp picture shrunk to a quarter and rounded to 8 bits, as the x4 protocol gives it."""
    return to_tensor(to_picture(downscale(to_tensor(sharp), 4)))


@pytest.mark.parametrize("method", ALL)
def test_every_method_enlarges_by_its_factor_and_stays_in_range(method):
    x = torch.rand(2, 3, 7, 9, generator=torch.Generator().manual_seed(0)).round()  # 0 and 1: overshoot is sure
    for factor in (2, 3, 4):
        result = method(x, factor)
        assert result.shape == (2, 3, 7 * factor, 9 * factor)
        assert result.min() >= 0
        assert result.max() <= 1


@pytest.mark.parametrize("method", ALL)
def test_a_flat_picture_stays_flat(method):
    torch.testing.assert_close(method(torch.full((1, 3, 8, 8), 0.3), 4), torch.full((1, 3, 32, 32), 0.3))


def test_nearest_makes_squares():
    x = torch.rand(1, 3, 3, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(nearest(x, 4), x.repeat_interleave(4, 2).repeat_interleave(4, 3), rtol=0, atol=0)


def test_bilinear_runs_straight_between_pixel_centres():
    x = torch.tensor([0.0, 0.8]).reshape(1, 1, 1, 2)
    expected = torch.tensor([0, 0, 0.1, 0.3, 0.5, 0.7, 0.8, 0.8])
    torch.testing.assert_close(bilinear(x, 4)[0, 0, 0], expected)


def test_bicubic_is_the_lab_s_own_enlargement_clamped(quarter):
    torch.testing.assert_close(bicubic(quarter, 4), upscale(quarter, 4).clamp(0, 1), rtol=0, atol=0)


def test_back_projection_without_a_step_is_bicubic(quarter):
    torch.testing.assert_close(iterative_back_projection(quarter, 4, steps=0), bicubic(quarter, 4), rtol=0, atol=0)


def test_back_projection_shrinks_back_to_the_input_far_better_than_bicubic(quarter):
    def remainder(enlarged):
        return (downscale(enlarged, 4) - quarter).abs().mean()

    assert remainder(iterative_back_projection(quarter, 4)) < remainder(bicubic(quarter, 4)) / 10


def test_back_projection_comes_closer_with_every_step(quarter):
    remainders = [
        (downscale(iterative_back_projection(quarter, 4, steps), 4) - quarter).abs().mean() for steps in range(5)
    ]
    assert all(later < earlier for earlier, later in itertools.pairwise(remainders))


def test_back_projection_beats_bicubic_on_a_photograph(sharp, quarter):
    def decibels(enlarged):
        return measure("psnr", to_picture(enlarged), sharp).value

    assert decibels(iterative_back_projection(quarter, 4)) > decibels(bicubic(quarter, 4)) + 0.2


def test_bicubic_beats_bilinear_and_bilinear_beats_nearest_on_a_photograph(sharp, quarter):
    values = [measure("psnr", to_picture(method(quarter, 4)), sharp).value for method in (bicubic, bilinear, nearest)]
    assert values == sorted(values, reverse=True)


def test_the_usual_number_of_corrections_is_enough(quarter):
    usual, many = iterative_back_projection(quarter, 4), iterative_back_projection(quarter, 4, steps=40)
    assert (usual - many).abs().max() * 255 < 1.5
