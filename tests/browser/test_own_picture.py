"""A visitor's own picture, and what cannot be used as one."""

import numpy as np
import pytest
from PIL import Image

from browser.driving import cell, choose_methods, decoded, pane_bytes, run, states, toast


@pytest.fixture
def picture() -> np.ndarray:
    """97 x 65, so that no side is a multiple of 4."""
    y, x = np.mgrid[0:65, 0:97]
    return np.stack([x * 2, y * 3, (x // 8 + y // 8) % 2 * 200], axis=2).astype(np.uint8)


@pytest.fixture
def upload(open_page, tmp_path, picture):
    """The page with the picture uploaded and chosen."""
    Image.fromarray(picture).save(tmp_path / "own `${alert(1)}` <b>.png")
    page = open_page("?methods=nearest")
    page.set_input_files("#upload input[type=file]", str(tmp_path / "own `${alert(1)}` <b>.png"))
    page.wait_for_selector("[data-picture=own][aria-checked=true]")
    return page


def test_an_upload_is_blurred_and_compared_at_its_own_size(upload, picture):
    choose_methods(upload, "bicubic", "srgan", "nonbn-resg-l")
    run(upload)
    assert states(upload) == dict.fromkeys(["input", "bicubic", "srgan", "nonbn-resg-l", "reference"], "done")
    np.testing.assert_array_equal(decoded(pane_bytes(upload, "reference")), picture)
    for method in ("input", "bicubic", "srgan", "nonbn-resg-l"):
        assert decoded(pane_bytes(upload, method)).shape == picture.shape
    assert "picture=" not in upload.url  # it has no address of its own


@pytest.mark.parametrize(("output", "factor"), [("same", 1), ("x4", 4)])
def test_an_already_blurred_picture_is_restored_in_both_sizes(upload, picture, output, factor):
    upload.check("#mode input[value=blurred]")
    upload.check(f"#output input[value={output}]")
    choose_methods(upload, "bicubic", "srresnet", "deblurgan")
    run(upload)
    assert states(upload) == dict.fromkeys(["input", "bicubic", "srresnet", "deblurgan"], "done")
    height, width = picture.shape[:2]
    for method in ("bicubic", "srresnet", "deblurgan"):
        assert decoded(pane_bytes(upload, method)).shape == (height * factor, width * factor, 3)
    assert cell(upload, "bicubic", "psnr") == "–"
    assert upload.locator("#figures tr[data-method=bicubic] [data-metric=psnr]").get_attribute("title")
    assert upload.is_disabled("[data-view=difference]")
    assert upload.is_disabled(".lab-peek")


@pytest.mark.parametrize(
    ("name", "content"),
    [("rubbish.png", b"this is no picture"), ("broken.jpg", b"\xff\xd8\xff\xe0" + bytes(200)), ("empty.webp", b"")],
)
def test_rubbish_is_a_sentence_and_the_results_stay(open_page, tmp_path, name, content):
    page = open_page("?methods=nearest")
    before = states(page)
    (tmp_path / name).write_bytes(content)
    page.set_input_files("#upload input[type=file]", str(tmp_path / name))
    assert toast(page).rstrip().endswith(".")
    assert "Traceback" not in toast(page)
    assert states(page) == before
    assert page.locator("[data-picture=own]").count() == 0
    assert page.get_attribute("[data-picture][aria-checked=true]", "data-picture") == "astronaut"


def test_a_picture_that_is_too_small_says_so(open_page, tmp_path):
    Image.new("RGB", (20, 20)).save(tmp_path / "tiny.png")
    page = open_page("?methods=nearest")
    page.set_input_files("#upload input[type=file]", str(tmp_path / "tiny.png"))
    assert "32" in toast(page)
