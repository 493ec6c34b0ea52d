"""What is there without computing: the gallery's results, and the tapes of trainings."""

import numpy as np
import pytest

from browser.conftest import STORED
from browser.driving import cell, choose_methods, decoded, pane_bytes, states
from browser.test_looks import PHONE
from lab.degrade import Degradation
from lab.gallery.scenes import find

PAGE = "?picture=page&blur=x4-bicubic&methods=" + ",".join(STORED)
WORDS = "Stored results, computed with these checkpoints"


def is_stored(page) -> bool:
    return page.get_attribute(".lab-viewer", "data-stored") == "true"


def open_training(page) -> None:
    page.click("button[role=tab]:has-text('Training')")
    page.wait_for_selector(".lab-tape[data-method]")


def test_opening_the_page_shows_stored_results_and_run_computes_them(open_page, gallery):
    page = open_page(PAGE)
    assert is_stored(page)
    assert page.inner_text("#progress").startswith(WORDS)
    assert states(page) == dict.fromkeys(["input", *STORED, "reference"], "done")
    kept = find("page", Degradation("x4-bicubic"), gallery)
    assert np.array_equal(decoded(pane_bytes(page, "srresnet")), kept.picture("srresnet"))
    psnr = cell(page, "srresnet", "psnr")
    assert psnr == f"{kept.index['results']['srresnet']['figures']['sr']['psnr']['value']:.2f}"
    page.click("#run")
    page.wait_for_selector(".lab-viewer[data-stored=false] .lab-pane[data-method=srresnet][data-state=done]")
    assert page.inner_text("#progress").startswith("3 of 3 done")
    assert cell(page, "srresnet", "psnr") == psnr
    assert np.array_equal(decoded(pane_bytes(page, "srresnet")), kept.picture("srresnet"))


def test_what_is_asked_for_in_part_is_computed_whole(open_page):
    page = open_page(PAGE + ",bilinear", finished=False)
    page.wait_for_selector(".lab-pane[data-method=bilinear][data-state=done]")
    page.wait_for_selector(".lab-pane[data-method=srresnet][data-state=done]")
    assert not is_stored(page)


def test_choosing_an_example_or_a_kind_shows_what_is_stored_of_it(open_page):
    page = open_page("?picture=page&blur=gaussian&methods=nearest,bicubic,ibp", finished=False)
    page.wait_for_selector(".lab-pane[data-method=ibp][data-state=done]")
    assert not is_stored(page)
    page.click("[data-picture=chelsea]")
    page.wait_for_timeout(1000)
    page.click("[data-picture=page]")
    page.wait_for_timeout(1000)
    assert not is_stored(page)  # no Gaussian blur is stored: what was computed stays
    page.check("#kind input[value=x4-bicubic]")
    page.wait_for_selector(".lab-viewer[data-stored=true]")
    assert states(page) == {"input": "done", "nearest": "done", "bicubic": "done", "ibp": "absent", "reference": "done"}
    assert "press Run" in page.inner_text(".lab-pane[data-method=ibp]")
    assert "Not stored: 1 of 3." in page.inner_text("#progress")
    choose_methods(page, "nearest", "srresnet")
    page.wait_for_selector(".lab-pane[data-method=srresnet][data-state=done]")
    page.wait_for_selector(".lab-pane[data-method=bicubic]", state="detached")
    page.click(".lab-views [data-view=distance]")
    assert "no map is stored" in page.inner_text(".lab-pane[data-method=srresnet]")


def test_the_slider_leads_through_the_moments_of_a_training(open_page):
    page = open_page(PAGE)
    open_training(page)
    page.wait_for_selector(".lab-tape[data-method=srgan] .lab-chart")
    assert page.inner_text(".lab-when").startswith("After 30 steps")
    strip = ".lab-strips [data-strip=moment] img"
    last = page.get_attribute(strip, "src")
    page.focus("#tape-slider")
    page.keyboard.press("Home")
    assert page.inner_text(".lab-when").startswith("After 1 step,")
    assert page.get_attribute(strip, "src") != last
    page.wait_for_function("document.querySelector('.lab-strips img').naturalWidth === 384")
    page.click(".lab-moment [aria-label=Later]")
    assert not page.inner_text(".lab-when").startswith("After 1 step,")
    texts = page.inner_text(".lab-texts")
    assert "D(real) is its mean verdict on sharp pictures" in texts
    assert "sharpness how strong the edges are" in texts
    assert "comes from another training" in page.inner_text(".lab-tape-about")
    charts = page.eval_on_selector_all(".lab-chart", "charts => charts.map(c => c.dataset.chart)")
    assert charts[:4] == ["way", "psnr", "sharpness", "verdicts/picture"]
    assert {"loss", "content", "adversarial/picture", "critic/picture"} <= set(charts)
    drawn = page.eval_on_selector_all(".lab-chart .lab-series", "lines => lines.map(l => l.getTotalLength())")
    assert len(drawn) == len(charts) + 1  # D(real) and D(fake) share one
    assert min(drawn) > 100


def test_a_method_without_a_tape_says_so_and_the_way_back_is_open(open_page):
    page = open_page(PAGE)
    open_training(page)
    page.click("#tape-methods label:has(input[value=esrgan])")
    page.wait_for_selector(".lab-tape[data-method=esrgan]")
    assert "ESRGAN has no tape here" in page.inner_text(".lab-tape-why")
    assert not page.is_visible(".lab-strips")
    page.click("#tape-methods label:has(input[value=srgan])")
    page.wait_for_selector(".lab-tape[data-method=srgan] .lab-strips", state="visible")
    page.click("button[role=tab]:has-text('Compare')")
    page.wait_for_selector(".lab-pane", state="visible")
    assert page.inner_text("#progress").startswith(WORDS)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_fit_a_phone(open_page, theme):
    page = open_page(f"{PAGE}&__theme={theme}", **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    open_training(page)
    page.wait_for_selector(".lab-chart")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    right = page.eval_on_selector_all(".lab-tape *", "nodes => Math.max(...nodes.map(n => n.getBoundingClientRect().right))")
    assert right <= 390
