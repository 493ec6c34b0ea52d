"""lab.metrics.flip: what the authors' package is given, and what is said where it is missing."""

import sys

import numpy as np
import pytest
from conftest import textured_picture

from lab.metrics.flip import FlipError, flip, flip_map, why_not


def linear(colour):
    """sRGB 0..255 to linear RGB 0..1."""
    c = np.asarray(colour) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def hunt_lab(rgb):
    """Linear RGB to L*a*b* under D65, a and b made smaller in the dark (the paper's section 4.1.2)."""
    matrix = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
    xyz = matrix @ rgb / (matrix @ np.ones(3))
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    light = 116 * f[1] - 16
    return np.array([light, 0.01 * light * 500 * (f[0] - f[1]), 0.01 * light * 200 * (f[1] - f[2])])


def colour_error(one, other):
    """FLIP of two even areas: HyAB to the power of 0.7, brought to 0..1 as in the paper's section 4.1.3."""

    def hyab(a, b):
        return abs(a[0] - b[0]) + np.hypot(a[1] - b[1], a[2] - b[2])

    largest = hyab(hunt_lab(np.array([0.0, 1.0, 0.0])), hunt_lab(np.array([0.0, 0.0, 1.0]))) ** 0.7
    error, knee = hyab(hunt_lab(linear(one)), hunt_lab(linear(other))) ** 0.7, 0.4 * largest
    return error * 0.95 / knee if error < knee else 0.95 + (error - knee) / (largest - knee) * 0.05


@pytest.fixture
def package():
    pytest.importorskip("flip_evaluator", reason="the optional package flip-evaluator is not installed")


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("one", "other"), [((200, 120, 40), (190, 125, 60)), ((10, 20, 30), (12, 60, 20)), ((255, 255, 255), (0, 0, 0))]
)
def test_even_areas_differ_by_the_paper_s_colour_difference(one, other):
    first, second = (np.full((48, 48, 3), colour, np.uint8) for colour in (one, other))
    assert flip(first, second) == pytest.approx(colour_error(one, other), abs=2e-3)


@pytest.mark.usefixtures("package")
def test_identical_pictures_give_0_and_more_noise_gives_more():
    sharp = textured_picture(70, 90)
    noise = np.random.default_rng(1).normal(0, 1, sharp.shape)
    values = [flip(np.clip(sharp + level * noise, 0, 255).astype(np.uint8), sharp) for level in (5, 15, 50)]
    assert flip(sharp.copy(), sharp) == 0
    assert 0 < values[0] < values[1] < values[2] < 1


@pytest.mark.usefixtures("package")
def test_the_map_averages_to_the_value_and_lies_where_the_difference_is():
    sharp = textured_picture(90, 140)
    result = sharp.copy()
    result[20:40, 10:50] = 255 - result[20:40, 10:50]
    found = flip_map(result, sharp)
    assert found.dtype == np.float32
    assert found.shape == (90, 140)
    assert float(found.mean(dtype=np.float64)) == flip(result, sharp)
    assert found[20:40, 10:50].mean() > 0.2
    assert found[:, 90:].max() == 0


def test_without_the_package_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "flip_evaluator", None)
    assert why_not() == "FLIP needs the package flip-evaluator: pip install flip-evaluator."
    with pytest.raises(FlipError, match="pip install flip-evaluator"):
        flip(textured_picture(40, 40), textured_picture(40, 40))
