"""The curves of the paper's tab, drawn from the shipped figures: nothing is cut off, and nothing is squeezed by a long name."""

import json

import pytest
from conftest import ROOT
from matplotlib.figure import Figure

from benchmarks import deblurring_curves, reading

PAPER = ROOT / "assets" / "paper"
LONG = "A network with a long name, width 24 of 64, no instance norm, mean of 8 passes"


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Draws with the given function and gives the matplotlib figure behind the file."""
    kept, save = [], Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda figure, *args, **more: (kept.append(figure), save(figure, *args, **more))[1])

    def draw(function, *arguments):
        function(*arguments, tmp_path / "curves.svg")
        return kept[-1]

    return draw


def texts(figure):
    inside = [text for axis in figure.axes for text in axis.texts]
    return inside + [text for legend in figure.legends for text in legend.get_texts()]


def check(figure):
    figure.draw_without_rendering()
    assert texts(figure)
    for text in texts(figure):
        box = text.get_window_extent()
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1, text.get_text()
    assert all(axis.get_window_extent().width > 0.75 * figure.bbox.width for axis in figure.axes)


@pytest.mark.parametrize("kind", ["gaussian", "motion", "defocus"])
@pytest.mark.parametrize("name", [None, LONG])
def test_a_name_in_the_gain_curves_neither_leaves_the_picture_nor_squeezes_the_panels(kind, name, drawn):
    data = json.loads((PAPER / "deblurring.json").read_text())
    if name:
        data["methods"]["resg"]["name"] = name
    check(drawn(deblurring_curves.draw, data, kind))


@pytest.mark.parametrize("name", [None, LONG])
def test_a_name_in_the_reading_curves_neither_leaves_the_picture_nor_squeezes_the_panels(name, drawn):
    data = json.loads((PAPER / "reading.json").read_text())
    if name:
        data["methods"]["resg"] = name
    check(drawn(reading.draw, data))
