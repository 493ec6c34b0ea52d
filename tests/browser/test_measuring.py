"""Figures on the page: they fill in after the pictures, change with the convention, and say what they are."""

import pytest

from browser.driving import cell, states
from lab.metrics import METRICS

METHODS = ("nearest", "bicubic", "srresnet")
NAMES = ["PSNR", "SSIM", "MS-SSIM", "LPIPS-lab", "NIQE-lab", "Ma-lab", "PI-lab", "GMSD", "FLIP"]


def figures(page, method: str) -> dict[str, str]:
    return {key: cell(page, method, key) for key in METRICS}


def test_pictures_come_first_and_figures_fill_in_without_moving_anything(open_page):
    page = open_page("?picture=gravel&blur=gaussian:sigma=1.3&methods=" + ",".join(METHODS), finished=False)
    page.wait_for_function("document.querySelectorAll('.lab-pane').length === 5")
    page.wait_for_selector("#figures tr[data-method=nearest][data-state=done] [data-measuring]")  # its picture is there already
    assert page.locator(".lab-pane[data-method=nearest] img[data-shows=picture]").get_attribute("src")
    measure = """[...document.querySelectorAll('.lab-panes, #crops, #figures, #figures tbody tr, .lab-note, .lab-models')]
        .map(node => { const box = node.getBoundingClientRect(); return [box.top, box.height].map(Math.round); })"""
    before = page.evaluate(measure)
    page.wait_for_selector(".lab-viewer[data-busy=false]")
    assert page.evaluate(measure) == before
    assert page.locator("#figures [data-measuring]").count() == 0
    for method in METHODS:
        assert all(float(text) > 0 for text in figures(page, method).values()), figures(page, method)


def test_run_can_be_pressed_while_figures_are_measured(open_page):
    page = open_page("?picture=gravel&blur=gaussian:sigma=1.4&methods=nearest,bicubic", finished=False)
    page.wait_for_function("/^2 of 2 done, measuring/.test(document.querySelector('#progress')?.innerText)")
    page.wait_for_selector("#run:not([disabled])")
    page.click("#run")
    page.wait_for_selector(".lab-viewer[data-busy=false]")
    assert set(states(page).values()) == {"done"}
    assert page.locator("#figures [data-measuring]").count() == 0


def test_every_metric_is_a_column_that_names_its_variant_and_carries_its_card(open_page):
    page = open_page("?methods=nearest")
    heads = page.locator("#figures thead th[data-metric]")
    assert [text.split(" ")[0] for text in heads.all_inner_texts()] == NAMES
    for key, head in zip(METRICS, heads.all(), strict=True):
        card = head.get_attribute("title")
        assert METRICS[key].about in card
        assert METRICS[key].paper in card
        assert ("not comparable" in card) == (key in ("lpips", "niqe", "ma", "pi"))
    page.click(".lab-about summary")
    assert page.locator(".lab-card").count() == len(METRICS)
    assert "weights fetch all" in page.inner_text(".lab-models")


def test_the_switch_measures_the_same_pictures_by_the_other_convention(open_page):
    page = open_page("?methods=" + ",".join(METHODS))
    sr = {method: figures(page, method) for method in METHODS}
    page.click("#figures [data-convention=rgb]")
    for method in METHODS:
        rgb = figures(page, method)
        for key, metric in METRICS.items():
            if metric.cuts_border and key != "ma":  # the small model of these tests has few answers
                assert rgb[key] != sr[method][key], (method, key)
            elif not metric.cuts_border:
                assert rgb[key] == sr[method][key]
    page.click("#figures [data-convention=sr]")
    assert {method: figures(page, method) for method in METHODS} == sr


def test_a_psnr_tells_the_four_ways_to_measure_it(open_page):
    page = open_page("?methods=nearest,bicubic")
    told = page.locator("#figures tr[data-method=bicubic] [data-metric=psnr]").get_attribute("title")
    assert told.count(" dB") == 4
    assert cell(page, "bicubic", "psnr") in told
    page.click("#figures [data-convention=rgb]")
    assert cell(page, "bicubic", "psnr") in told
    assert "four PSNRs" in page.locator("[data-convention=sr]").get_attribute("title")


def test_what_cannot_be_measured_says_why(open_page):
    page = open_page("?methods=nearest")
    for method, words in (("input", "quarter"), ("reference", "original itself")):
        assert cell(page, method, "psnr") == "–"
        assert words in page.locator(f"#figures tr[data-method={method}] [data-metric=psnr]").get_attribute("title")
    assert float(cell(page, "reference", "niqe")) > 0


@pytest.mark.parametrize("blur", ["x4-bicubic", "gaussian:sigma=2"])
def test_the_distance_map_is_a_view_of_every_pane(open_page, blur):
    page = open_page(f"?blur={blur}&methods=nearest,bicubic")
    page.click("[data-view=distance]")
    page.wait_for_function(
        "[...document.querySelectorAll('.lab-pane img[data-shows=distance]')].every(i => i.naturalWidth === 512)"
    )
    shown = page.eval_on_selector_all(
        ".lab-pane img",
        "images => images.filter(i => getComputedStyle(i).visibility === 'visible' && !i.hidden).map(i => i.dataset.shows)",
    )
    assert shown == ["distance"] * 4
    assert page.locator(".lab-crop[data-method=bicubic] img").get_attribute("src").endswith("distance.png")
