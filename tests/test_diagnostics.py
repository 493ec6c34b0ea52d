"""The difference picture."""

import numpy as np
import pytest

from lab.diagnostics import difference_picture


def flat(*colour):
    return np.full((8, 10, 3), colour, np.uint8)


def test_no_difference_is_mid_grey():
    picture = np.random.default_rng(0).integers(0, 256, (8, 10, 3), dtype=np.uint8)
    assert (difference_picture(picture, picture) == 128).all()


def test_too_light_is_lighter_and_too_dark_is_darker_by_the_gain():
    assert (difference_picture(flat(110, 110, 110), flat(100, 100, 100)) == 168).all()
    assert (difference_picture(flat(90, 90, 90), flat(100, 100, 100)) == 88).all()
    assert (difference_picture(flat(101, 101, 101), flat(100, 100, 100), gain=2.5) == 131).all()


def test_a_colour_cast_shows_as_its_own_tint():
    assert difference_picture(flat(120, 100, 100), flat(100, 100, 100))[0, 0].tolist() == [208, 128, 128]


def test_differences_beyond_the_range_are_clipped_not_wrapped():
    assert (difference_picture(flat(255, 255, 255), flat(0, 0, 0)) == 255).all()
    assert (difference_picture(flat(0, 0, 0), flat(255, 255, 255)) == 0).all()


def test_two_sizes_are_refused_with_both_named():
    with pytest.raises(ValueError, match="10x8 and 10x7"):
        difference_picture(flat(0, 0, 0), flat(0, 0, 0)[1:])
