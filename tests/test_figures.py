"""The strip of crops."""

import numpy as np
import pytest
from PIL import ImageFont

from lab.figures import FRAME, FRAME_COLOR, GAP, INK, LABEL_SIZE, PAPER, _lines, crop_strip


def noise(seed, height=60, width=80):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def panel(strip, place, box, zoom):
    """The enlarged crop at a place of the strip, without its frame."""
    left = GAP + place * (box[2] * zoom + 2 * FRAME + GAP) + FRAME
    top = GAP + FRAME
    return strip[top : top + box[3] * zoom, left : left + box[2] * zoom]


def ink(strip, place, box, zoom):
    """Whether there is anything but paper below a panel."""
    left = GAP + place * (box[2] * zoom + 2 * FRAME + GAP)
    below = strip[GAP + box[3] * zoom + 2 * FRAME :, left : left + box[2] * zoom + 2 * FRAME]
    return (below != PAPER).any()


def test_every_panel_shows_the_same_spot_in_squares_of_equal_pixels():
    first, second = noise(1), noise(2)
    box, zoom = (10, 20, 16, 12), 5
    strip = crop_strip([("first", first), ("second", second)], box, zoom)
    for place, picture in enumerate((first, second)):
        expected = np.kron(picture[20:32, 10:26], np.ones((zoom, zoom, 1), np.uint8))
        np.testing.assert_array_equal(panel(strip, place, box, zoom), expected)


def test_a_frame_one_pixel_wide_surrounds_every_panel():
    box, zoom = (0, 0, 10, 10), 4
    strip = crop_strip([("a", noise(1)), ("b", noise(2))], box, zoom)
    for left in (GAP, GAP + 42 + GAP):
        framed = strip[GAP : GAP + 42, left : left + 42]
        for side in (framed[0], framed[-1], framed[:, 0], framed[:, -1]):
            assert (side == FRAME_COLOR).all()
    assert (strip[:GAP] == PAPER).all()
    assert (strip[:, :GAP] == PAPER).all()
    assert (strip[:, -GAP:] == PAPER).all()


def test_labels_are_drawn_under_their_own_panels():
    box, zoom = (0, 0, 20, 10), 4
    strip = crop_strip([("bicubic", noise(1)), ("", noise(2)), ("SRGAN", noise(3))], box, zoom)
    assert [ink(strip, place, box, zoom) for place in range(3)] == [True, False, True]
    assert (np.abs(strip[GAP + 40 + 2 :].astype(int) - INK).sum(axis=2) < 30).any()  # in the colour of ink


def test_a_long_label_takes_more_lines_and_stays_under_its_panel():
    box, zoom = (0, 0, 20, 10), 4
    short = crop_strip([("ESRGAN", noise(1)), ("", noise(2))], box, zoom)
    long = crop_strip([("ESRGAN, 4 of 23 blocks of its generator", noise(1)), ("", noise(2))], box, zoom)
    assert long.shape[0] > short.shape[0]
    assert long.shape[1] == short.shape[1]
    assert not ink(long, 1, box, zoom)
    assert (long[-1] == PAPER).all()


@pytest.mark.parametrize("label", ["ESRGAN, 4 of 23 blocks", "NonBN-ResG-L-with-an-unbroken-name", "a", "", "  two   words "])
def test_no_line_is_wider_than_the_panel_and_no_letter_is_lost(label):
    font = ImageFont.load_default(LABEL_SIZE)
    lines = _lines(label, 70, font)
    assert all(font.getlength(line) <= 70 for line in lines)
    assert "".join(lines).replace(" ", "") == label.replace(" ", "")


def test_a_panel_narrower_than_a_letter_still_makes_a_strip():
    strip = crop_strip([("wide", noise(1))], (0, 0, 2, 2), 1)
    np.testing.assert_array_equal(panel(strip, 0, (0, 0, 2, 2), 1), noise(1)[:2, :2])


@pytest.mark.parametrize("box", [(-1, 0, 10, 10), (0, 55, 10, 10), (75, 0, 10, 10), (0, 0, 0, 10), (0, 0, 10, -2)])
def test_a_crop_outside_the_picture_is_refused_with_both(box):
    with pytest.raises(ValueError, match=f"{','.join(map(str, box))} does not lie inside the picture of 80x60"):
        crop_strip([("a", noise(1))], box, 4)


def test_no_picture_and_no_zoom_are_refused():
    with pytest.raises(ValueError, match="at least one picture"):
        crop_strip([], (0, 0, 4, 4), 4)
    with pytest.raises(ValueError, match="at least 1"):
        crop_strip([("a", noise(1))], (0, 0, 4, 4), 0)
