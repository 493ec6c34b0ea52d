"""What a visitor does: look, choose, run, cancel."""

import re

import numpy as np
import pytest
from PIL import Image

from browser.driving import cell, choose_methods, run, set_slider, states, toast, wait_until_done
from lab.methods import METHODS, SEVEN


def test_the_first_comparison_is_there_without_a_click(open_page):
    page = open_page()
    assert list(states(page)) == ["input", *SEVEN, "reference"]
    assert set(states(page).values()) == {"done"}
    assert page.inner_text("#progress") == "7 of 7 done"
    page.wait_for_function(
        "[...document.querySelectorAll('.lab-pane img[data-shows=picture]')].every(i => i.naturalWidth === 512)"
    )


def test_the_page_shows_the_device_and_the_checkpoints(page):
    assert page.inner_text(".lab-device") == "CPU"
    row = page.inner_text("#figures tr[data-method=esrgan]")
    assert "Small esrgan" in row
    assert "esrgan.safetensors" in row
    assert re.search(r"\b[0-9a-f]{12}\b", row)
    assert "random weights, for tests" in row
    assert "Unlike the paper: one block, no training" in row
    tooltip = page.get_attribute(".lab-pane[data-method=esrgan]", "title")
    assert tooltip.startswith("In the paper: ")
    assert tooltip.endswith("Here: random weights, for tests. Unlike the paper: one block, no training.")


def test_another_example_another_blur_and_other_methods_are_run(page):
    page.click("[data-picture=coffee]")
    page.check("#kind input[value=gaussian]")
    set_slider(page, "#strength-gaussian", 2.5)
    choose_methods(page, "bicubic", "ibp", "nonbn-resg-l")
    run(page)
    assert states(page) == dict.fromkeys(["input", "bicubic", "ibp", "nonbn-resg-l", "reference"], "done")
    assert float(cell(page, "input", "psnr")) > 15  # a blur at full size can be measured before any method
    assert "sigma=2.5" in page.inner_text(".lab-pane[data-method=input]")
    assert "shrunk to" in page.inner_text("#figures tr[data-method=bicubic]")
    assert page.url.endswith("?picture=coffee&blur=gaussian:sigma=2.5&methods=bicubic,ibp,nonbn-resg-l")


def test_the_quick_buttons_choose_all_methods_and_the_seven_and_both_run(page):
    for button, keys in (("All", tuple(METHODS)), ("The seven", SEVEN)):
        page.click(f".lab-quick button:text-is('{button}')")
        page.wait_for_function(
            "count => document.querySelectorAll('#methods input:checked').length === count", arg=len(keys)
        )
        run(page)
        assert list(states(page)) == ["input", *keys, "reference"]
        assert set(states(page).values()) <= {"done", "failed"}


def test_methods_outside_their_domain_say_what_they_were_given(page):
    hint = page.locator(".lab-pane[data-method=deblurgan] .lab-domain")
    assert hint.inner_text() == "not its domain"
    assert "enlarged to 512x512 with bicubic" in hint.get_attribute("title")
    assert page.locator(".lab-pane[data-method=srresnet] .lab-domain").inner_text() == ""


def test_a_method_without_a_checkpoint_says_so_and_the_others_go_on(open_page):
    page = open_page("?methods=srcnn,nearest")
    assert states(page) == {"input": "done", "nearest": "done", "srcnn": "failed", "reference": "done"}
    assert "No checkpoint yet" in page.inner_text(".lab-pane[data-method=srcnn]")
    assert "No checkpoint yet" in page.inner_text("#figures tr[data-method=srcnn]")


def test_the_best_and_the_second_best_are_marked(open_page):
    page = open_page("?methods=nearest,bilinear,bicubic")
    for metric, pick in (("psnr", max), ("ssim", max), ("gmsd", min), ("lpips", min), ("niqe", min)):
        figures = {method: float(cell(page, method, metric)) for method in ("nearest", "bilinear", "bicubic")}
        best = page.locator(f"#figures [data-metric={metric}][data-rank='1']")
        assert float(best.inner_text()) == pick(figures.values())
        assert best.locator("b").count() == 1
        assert page.locator(f"#figures [data-metric={metric}][data-rank='2']").count() == 1


def test_the_convention_switches_without_running_again(open_page):
    page = open_page("?methods=nearest,bicubic")
    luma, seconds = cell(page, "bicubic", "psnr"), page.inner_text("#figures tr[data-method=bicubic] .lab-took")
    page.click("#figures [data-convention=rgb]")
    assert cell(page, "bicubic", "psnr") != luma
    assert page.inner_text("#figures tr[data-method=bicubic] .lab-took") == seconds
    page.click("#figures [data-convention=sr]")
    assert cell(page, "bicubic", "psnr") == luma


def test_no_method_chosen_is_a_sentence_and_the_results_stay(open_page):
    page = open_page("?methods=nearest")
    choose_methods(page)
    page.click("#run")
    assert "No method is chosen" in toast(page)
    assert states(page) == {"input": "done", "nearest": "done", "reference": "done"}
    page.wait_for_selector("#run:not([disabled])")
    assert [page.inner_text(button) for button in ("#run", "#cancel")] == ["Run", "Cancel"]
    page.click("[data-view=gradient]")  # the results are still there to look at
    assert page.get_attribute("[data-view=gradient]", "aria-pressed") == "true"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?picture=nobody&methods=nearest", "no example called 'nobody'"),
        ("?blur=gaussian:sigma=999&methods=nearest", "out of range"),
        ("?methods=nearest,magic", "magic"),
        ("?methods=nearest&picture=<img src=x onerror=alert(1)>", "no example called"),
    ],
)
def test_an_address_that_makes_no_sense_is_ignored_with_a_sentence(open_page, query, words):
    page = open_page(query)
    assert words in toast(page)
    assert page.locator(".toast-body img").count() == 0  # what the address says is text, whatever it looks like
    assert states(page)["nearest"] == "done"


def test_an_address_leads_back_to_its_comparison(open_page):
    page = open_page("?picture=chelsea&blur=motion:length=9,noise=2,seed=4&methods=bicubic,deblurgan")
    assert list(states(page)) == ["input", "bicubic", "deblurgan", "reference"]
    assert page.get_attribute("[data-picture=chelsea]", "aria-checked") == "true"
    assert page.is_checked("#kind input[value=motion]")
    assert page.input_value("#seed input") == "4"
    assert page.is_checked("#methods input[name=deblurgan]")
    assert not page.is_checked("#methods input[name=srgan]")


def test_every_method_can_be_asked_for(open_page):
    page = open_page("?methods=" + ",".join(METHODS))
    shown = states(page)
    assert [key for key in shown if key in METHODS] == list(METHODS)
    assert {shown[key] for key in ("nearest", "bilinear", "bicubic", "ibp", *SEVEN)} == {"done"}


def test_cancel_stops_and_keeps_what_is_done(open_page, tmp_path):
    # large enough for Cancel to come before SPSR is done, and no larger: what runs when it is pressed has to end
    noise = np.random.default_rng(7).integers(0, 256, (240, 240, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    page = open_page("?methods=nearest&blur=blurred-x4")
    page.set_input_files("#upload input[type=file]", str(tmp_path / "large.png"))
    page.wait_for_selector("[data-picture=own][aria-checked=true]")
    choose_methods(page, "nearest", "ibp", "esrgan", "spsr")
    page.click("#run")
    page.wait_for_selector(".lab-pane[data-method=spsr][data-state=waiting]")
    page.wait_for_selector(".lab-pane[data-method=nearest][data-state=done]", timeout=60_000)
    page.click("#cancel")
    page.wait_for_selector(".lab-pane[data-method=spsr][data-state=cancelled]")
    page.wait_for_selector("#run:not([disabled])")
    wait_until_done(page)
    assert states(page)["nearest"] == "done"
    assert "cancelled" in page.inner_text("#progress")
    page.wait_for_timeout(3000)
    assert states(page)["spsr"] == "cancelled"  # nothing arrives late
    choose_methods(page, "nearest")
    page.check("#output input[value=same]")  # 240 x 240, which is measured at once
    run(page)  # and the machine is free for the next comparison
    assert states(page) == {"input": "done", "nearest": "done"}
