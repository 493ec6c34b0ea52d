"""The example pictures, their credits, and the scripts that made them."""

import importlib.util

import numpy as np
import pytest

from lab.examples import EXAMPLES, FOLDER
from lab.images import read_picture


def script(name):
    """A script of assets/, which is no package, as a module."""
    spec = importlib.util.spec_from_file_location(name, FOLDER.parent / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.key)
def test_every_example_can_be_read_and_is_small_enough_for_a_quick_comparison(example):
    picture = read_picture(example.path)
    assert max(picture.shape[:2]) <= 512
    assert example.title
    assert example.credit


def test_keys_and_files_are_all_different_and_no_picture_is_left_unlisted():
    assert len({example.key for example in EXAMPLES}) == len(EXAMPLES)
    assert {example.path for example in EXAMPLES} == set(FOLDER.glob("*.png"))


def test_some_sizes_are_not_multiples_of_4():
    sizes = [read_picture(example.path).shape[:2] for example in EXAMPLES]
    assert sum(height % 4 != 0 or width % 4 != 0 for height, width in sizes) >= 2


def test_the_folder_stays_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 2_500_000


def test_every_file_is_credited():
    credits = (FOLDER.parent / "CREDITS.md").read_text(encoding="utf-8")
    for example in EXAMPLES:
        assert f"`{example.path.name}`" in credits


def test_the_photographs_are_what_their_script_cuts_out_of_scikit_image():
    make_examples = script("make_examples")
    for name in make_examples.CROPS:
        expected = make_examples.example(name)
        if expected.ndim == 2:
            expected = np.stack([expected] * 3, axis=2)
        np.testing.assert_array_equal(read_picture(FOLDER / f"{name}.png"), expected)


def test_the_chart_is_what_its_script_draws():
    drawn = script("draw_chart").draw_chart().astype(int)
    shipped = read_picture(FOLDER / "chart.png")
    assert drawn.shape == shipped.shape
    assert np.abs(drawn - shipped).mean() < 1  # lettering may differ a little between versions of FreeType


def test_the_chart_s_line_pairs_have_the_periods_written_below_them():
    chart = read_picture(FOLDER / "chart.png")[..., 1].astype(float)
    for place, period in enumerate((12, 8, 6, 5, 4, 3, 2)):
        row = chart[280, 16 + 70 * place : 16 + 70 * place + 4 * period]
        spectrum = np.abs(np.fft.rfft(row - row.mean()))
        assert spectrum.argmax() == 4
