"""The tab "The paper": words, table, the six panels that are computed when asked for, and what is missing."""

import pytest

from browser.test_looks import PHONE

FOUR = ["stackedg", "resg", "nonbn-resg", "nonbn-resg-l"]
START = "?picture=page&blur=x4-bicubic&methods=nearest,bicubic,srresnet"
VIEWER = "#paper-viewer"


def open_paper(page) -> None:
    page.click("button[role=tab]:has-text('The paper')")
    page.wait_for_selector("#paper-below section[data-section=reading]")
    page.wait_for_selector(f"{VIEWER} .lab-pane[data-method=input][data-state=done]")


def panes(page) -> dict[str, str]:
    """State of every pane of the six panels by method."""
    return page.eval_on_selector_all(
        f"{VIEWER} .lab-pane", "panes => Object.fromEntries(panes.map(p => [p.dataset.method, p.dataset.state]))"
    )


def test_the_words_the_tables_and_what_is_missing_are_there(open_page):
    page = open_page(START)
    open_paper(page)
    assert page.eval_on_selector_all(".lab-step", "steps => steps.map(s => s.dataset.method)") == FOUR
    table = "[data-table='gaussian:sigma=1.6']"
    assert page.inner_text(f"{table} tr[data-method=nonbn-resg] [data-column=paper-psnr]") == "28.54"
    assert page.inner_text(f"{table} tr[data-method=nonbn-resg] [data-column=psnr] .lab-best") == "28.00"
    assert "measures: How small the squared differences" in page.get_attribute(f"{table} th[data-column=psnr]", "title")
    assert "here it is NonBN-ResG, NonBN-ResG-L, StackedG, ResG" in page.inner_text(table)
    assert "Why orders may differ" in page.inner_text("[data-section=table]")
    assert page.inner_text("[data-section=table] .lab-command") == "Made by python -m lab ablation PICTURES --ship"
    assert "Nothing has been read here yet" in page.inner_text("[data-section=reading] .lab-missing")
    assert page.locator("[data-section=reading] figure").count() == 0
    assert page.inner_text("[data-table=detection] tr[data-method=resg] .lab-best") == "0.800"
    assert page.inner_text("[data-table=detection] tr[data-method=stackedg] td").strip() == "0.333*"
    page.locator("[data-section=losses] img").scroll_into_view_if_needed()
    loaded = "[...document.querySelectorAll('.lab-paper img')].every((image) => image.naturalWidth > 100)"
    page.locator("[data-section=deblurring] img").scroll_into_view_if_needed()
    page.wait_for_function(loaded)
    assert page.locator(".lab-paper img").count() == 3
    ids = page.eval_on_selector_all("[id]", "nodes => nodes.map(n => n.id).filter((id, i, all) => all.indexOf(id) !== i)")
    assert [one for one in ids if one.startswith(("paper", "viewer", "crops", "figures", "progress"))] == []


def test_the_six_panels_are_computed_when_run_is_pressed_and_stay(open_page):
    page = open_page(START)
    address = page.url
    open_paper(page)
    shown = panes(page)
    assert list(shown) == ["input", *FOUR, "reference"]
    if shown["resg"] == "absent":  # the first to look at them
        assert "press Run" in page.inner_text(f"{VIEWER} .lab-pane[data-method=resg]")
        assert page.inner_text("#paper-progress").startswith("Not computed yet")
        page.click("#paper-run")
    page.wait_for_selector(f"{VIEWER} .lab-pane[data-method=nonbn-resg-l][data-state=done]")
    assert set(panes(page).values()) == {"done"}
    assert page.get_attribute("#paper-figures table", "data-convention") == "rgb"
    assert page.url == address
    page.click(f"{VIEWER} [data-zoom='2']")
    moved = page.eval_on_selector_all(
        f"{VIEWER} .lab-frame img[data-shows=picture]", "images => images.map(i => getComputedStyle(i).transform)"
    )
    assert len(moved) == 6
    assert len(set(moved)) == 1
    page.wait_for_function(  # a pane is done when its address is there; the browser fetches the picture after that
        "selector => [...document.querySelectorAll(selector)].every(image => image.complete)",
        arg=f"{VIEWER} .lab-frame img[data-shows=picture]",
    )
    sizes = page.eval_on_selector_all(f"{VIEWER} .lab-frame img[data-shows=picture]", "images => images.map(i => i.naturalWidth)")
    assert sizes == [512] * 6
    page.click("button[role=tab]:has-text('Compare')")
    assert page.inner_text("#progress").startswith("Stored results")
    page.click("button[role=tab]:has-text('The paper')")
    page.wait_for_selector(f"{VIEWER} .lab-pane[data-method=resg][data-state=done]", state="visible")
    again = open_page(START)
    open_paper(again)
    again.wait_for_selector(
        f"{VIEWER} .lab-pane[data-method=nonbn-resg-l][data-state=done]"
    )  # from the store: nobody pressed Run


def test_the_link_opens_the_same_in_compare(open_page):
    page = open_page(START)
    open_paper(page)
    with page.context.expect_page() as opened:
        page.click("[data-section=panels] a")
    compare = opened.value
    compare.wait_for_selector("#viewer .lab-pane[data-method=nonbn-resg-l][data-state=done]", timeout=90_000)
    shown = compare.eval_on_selector_all("#viewer .lab-pane", "panes => panes.map(p => p.dataset.method)")
    assert shown == ["input", *FOUR, "reference"]
    assert compare.is_checked("#kind input[value=gaussian]")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_tab_fits_a_phone(open_page, theme):
    page = open_page(f"{START}&__theme={theme}", **PHONE)
    open_paper(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    wide = "(() => { const s = document.querySelector('.lab-paper .lab-scroll'); return s.scrollWidth > s.clientWidth; })()"
    assert page.evaluate(wide)
    blocks = page.eval_on_selector_all(
        ".lab-step, .lab-words, .lab-scroll, .lab-canvas", "nodes => Math.max(...nodes.map(n => n.getBoundingClientRect().right))"
    )
    assert blocks <= 390
