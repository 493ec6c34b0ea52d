"""Gradient maps: the two operators against plain loops, and the display form."""

import math

import numpy as np
import pytest
import torch

from lab.gradients import adjacent_gradient, full_scale, gradient_picture, spsr_gradient


def spsr_by_loops(x, pad):
    """SPSR's operator written out pixel by pixel on a (H, W) list of lists, zeros outside."""
    height, width = len(x), len(x[0])

    def at(row, column):
        return x[row][column] if 0 <= row < height and 0 <= column < width else 0.0

    rows = range(1 - pad, height - 1 + pad)
    columns = range(1 - pad, width - 1 + pad)
    return [
        [
            math.sqrt((at(r + 1, c) - at(r - 1, c)) ** 2 + (at(r, c + 1) - at(r, c - 1)) ** 2 + 1e-6)
            for c in columns
        ]
        for r in rows
    ]


@pytest.mark.parametrize("pad", [0, 1, 2])
def test_the_spsr_operator_equals_its_definition_written_out(pad):
    x = torch.rand(2, 3, 7, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    result = spsr_gradient(x, pad)
    assert result.shape == (2, 3, 7 - 2 + 2 * pad, 9 - 2 + 2 * pad)
    for picture in range(2):
        for channel in range(3):
            expected = torch.tensor(spsr_by_loops(x[picture, channel].tolist(), pad), dtype=torch.float64)
            torch.testing.assert_close(result[picture, channel], expected, rtol=0, atol=1e-12)


def test_the_spsr_operator_equals_a_convolution_with_its_published_kernels():
    x = torch.rand(1, 1, 6, 8, generator=torch.Generator().manual_seed(2))
    kernel_v = torch.tensor([[0.0, -1, 0], [0, 0, 0], [0, 1, 0]])[None, None]
    kernel_h = torch.tensor([[0.0, 0, 0], [-1, 0, 1], [0, 0, 0]])[None, None]
    v = torch.nn.functional.conv2d(x, kernel_v, padding=1)
    h = torch.nn.functional.conv2d(x, kernel_h, padding=1)
    torch.testing.assert_close(spsr_gradient(x), torch.sqrt(v**2 + h**2 + 1e-6))


def test_a_flat_picture_has_the_floor_as_its_gradient():
    x = torch.full((1, 3, 8, 8), 0.5)
    torch.testing.assert_close(spsr_gradient(x, pad=0), torch.full((1, 3, 6, 6), 1e-3))
    torch.testing.assert_close(adjacent_gradient(x), torch.full((1, 3, 8, 8), 1e-3))


def test_the_adjacent_operator_sees_a_step_in_one_column_and_the_spsr_operator_in_two():
    x = torch.zeros(1, 1, 6, 8)
    x[..., 4:] = 1
    adjacent = adjacent_gradient(x)[0, 0, 2]
    central = spsr_gradient(x, pad=0)[0, 0, 2]
    assert (adjacent > 0.5).nonzero().flatten().tolist() == [3]
    assert (central > 0.5).nonzero().flatten().tolist() == [2, 3]  # columns 3 and 4 of x


def test_the_adjacent_operator_adds_both_directions():
    x = torch.tensor([[0.0, 3.0], [4.0, 0.0]])[None, None]
    torch.testing.assert_close(adjacent_gradient(x)[0, 0, 0, 0], torch.tensor(math.sqrt(25 + 1e-6)))


@pytest.mark.parametrize("operator", [spsr_gradient, adjacent_gradient])
def test_both_operators_can_be_differentiated_even_where_the_picture_is_flat(operator):
    x = torch.full((1, 3, 5, 5), 0.25, requires_grad=True)
    operator(x).sum().backward()
    assert torch.isfinite(x.grad).all()
    y = torch.rand(1, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3)).requires_grad_()
    assert torch.autograd.gradcheck(operator, (y,))


def test_the_display_form_is_black_where_flat_and_white_at_the_scale():
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[:, 20:] = 255
    shown = gradient_picture(picture, scale=1.0)
    assert shown.dtype == np.uint8
    assert shown.shape == picture.shape
    assert (shown[:, 19:21] == 255).all()
    assert (shown[:, :19] == 0).all()
    assert (shown[:, 21:] == 0).all()
    assert (gradient_picture(picture, scale=2.0)[:, 19:21] == 128).all()


def test_one_common_scale_shows_a_weaker_edge_darker():
    sharp = np.zeros((40, 40, 3), np.uint8)
    sharp[:, 20:] = 200
    weak = sharp // 2
    scale = full_scale(sharp)
    assert gradient_picture(sharp, scale).max() == 255
    assert abs(int(gradient_picture(weak, scale).max()) - 128) <= 1


def test_the_scale_of_a_flat_picture_does_not_show_rounding_noise_as_edges():
    flat = np.full((40, 40, 3), 77, np.uint8)
    assert gradient_picture(flat, full_scale(flat)).max() == 0


def test_the_scale_of_a_nearly_flat_picture_is_that_of_its_few_edges_not_of_its_noise():
    picture = np.random.default_rng(0).integers(100, 102, (200, 200, 3)).astype(np.uint8)
    picture[90:95, 90:95] = 255
    shown = gradient_picture(picture, full_scale(picture))
    assert shown[85:100, 85:100].max() == 255
    assert shown[:80].max() < 32


def test_most_of_a_photograph_is_below_white_and_its_strongest_edges_are_white():
    import skimage.data

    picture = skimage.data.chelsea()
    shown = gradient_picture(picture, full_scale(picture))
    assert 0.01 < (shown == 255).mean() < 0.03


def test_a_scale_that_is_not_above_zero_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        gradient_picture(np.zeros((32, 32, 3), np.uint8), 0.0)
