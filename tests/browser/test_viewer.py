"""The panes move together, the crops follow, the views switch."""

import pytest

from browser.driving import states

FRAME = ".lab-pane[data-method=bicubic] .lab-frame"


@pytest.fixture
def page(open_page):
    return open_page("?methods=nearest,bicubic,srresnet")


def transforms(page) -> list[str]:
    """How every pane's picture is placed, as the browser computes it."""
    return page.eval_on_selector_all(
        ".lab-frame img[data-shows=picture]", "images => images.map(i => getComputedStyle(i).transform)"
    )


def scale(page) -> float:
    return float(transforms(page)[0].split("(")[1].split(",")[0])


def box(page) -> list[int]:
    return [int(n) for n in page.get_attribute(".lab-crops", "data-box").split(",")]


def test_the_wheel_scrolls_the_page_until_a_picture_was_clicked(page):
    page.hover(FRAME)
    before = transforms(page)
    page.mouse.wheel(0, 300)
    page.wait_for_function("window.scrollY > 0")
    assert transforms(page) == before


def test_zooming_one_pane_moves_all(page):
    assert len(transforms(page)) == len(states(page)) == 5
    page.click(FRAME)
    before = transforms(page)
    page.mouse.wheel(0, -400)
    page.wait_for_function("document.querySelector('.lab-panes').classList.contains('lab-movable')")
    after = transforms(page)
    assert after != before
    assert len(set(after)) == 1


def test_the_point_under_the_wheel_stays_where_it_is(page):
    place = page.locator(FRAME).bounding_box()
    x, y = place["x"] + place["width"] * 0.6, place["y"] + place["height"] * 0.4
    under = f"""(() => {{ const r = document.querySelector('{FRAME} img[data-shows=picture]').getBoundingClientRect();
        return [({x} - r.left) / r.width, ({y} - r.top) / r.height]; }})()"""
    page.mouse.click(x, y)
    before = page.evaluate(under)
    page.mouse.wheel(0, -300)
    page.wait_for_function("document.querySelector('.lab-panes').classList.contains('lab-movable')")
    assert page.evaluate(under) == pytest.approx(before, abs=0.005)


def test_dragging_moves_all_and_sets_no_crop(page):
    page.click("[data-zoom='4']")
    before, crop = transforms(page), box(page)
    place = page.locator(FRAME).bounding_box()
    page.mouse.move(place["x"] + 100, place["y"] + 100)
    page.mouse.down()
    page.mouse.move(place["x"] + 60, place["y"] + 130, steps=4)
    page.mouse.up()
    after = transforms(page)
    assert after != before
    assert len(set(after)) == 1
    assert box(page) == crop


def test_one_to_one_means_one_screen_pixel_for_each_pixel(open_page):
    page = open_page("?methods=nearest", device_scale_factor=2)
    page.click("[data-zoom='1']")
    assert scale(page) == 0.5
    page.click("[data-zoom='4']")
    assert scale(page) == 2
    rendering = "getComputedStyle(document.querySelector('.lab-frame img')).imageRendering"
    assert page.evaluate(rendering) == "pixelated"
    page.click("[data-zoom=fit]")
    assert page.evaluate(rendering) == "auto"


def test_a_click_sets_the_crop_and_the_crops_follow(page):
    place = page.locator(FRAME).bounding_box()
    page.mouse.click(place["x"] + place["width"] * 0.25, place["y"] + place["height"] * 0.75)
    x, y, w, h = box(page)
    assert (w, h) == (64, 64)
    assert abs(x + 32 - 128) <= 2
    assert abs(y + 32 - 384) <= 2
    shown = page.evaluate(
        """[...document.querySelectorAll('.lab-crop')].map((crop) => {
          const glass = crop.querySelector('.lab-glass').getBoundingClientRect();
          const image = crop.querySelector('img').getBoundingClientRect();
          const k = image.width / 512;
          return [(glass.left - image.left) / k, (glass.top - image.top) / k, glass.width / k, glass.height / k];
        })"""
    )
    assert len(shown) == 5
    for crop in shown:
        assert crop == pytest.approx([x, y, w, h], abs=0.05)
    page.click("[data-size='32']")
    assert box(page)[2:] == [32, 32]


def test_the_crops_are_enlarged_a_whole_number_of_times_without_smoothing(page):
    image = page.locator(".lab-crop[data-method=bicubic] img")
    times = image.evaluate("image => image.getBoundingClientRect().width / 512")
    assert times == pytest.approx(round(times), abs=1e-3)
    assert times >= 2
    assert image.evaluate("image => getComputedStyle(image).imageRendering") == "pixelated"


def test_gradient_maps_and_differences_are_shown_at_once(page):
    shown = """() => [...document.querySelectorAll('.lab-pane')].map((pane) => [...pane.querySelectorAll('img')]
        .filter((i) => getComputedStyle(i).visibility === 'visible' && !i.hidden).map((i) => i.dataset.shows).join())"""
    assert page.evaluate(shown) == ["picture"] * 5
    page.click("[data-view=gradient]")
    assert page.evaluate(shown) == ["gradient"] * 5
    assert page.locator(".lab-crop[data-method=bicubic] img").get_attribute("src").endswith("gradient.png")
    page.click("[data-view=difference]")
    assert page.evaluate(shown) == ["difference"] * 5


def test_holding_r_shows_the_reference_in_every_pane(page):
    page.click(FRAME)
    page.keyboard.down("r")
    peeking = (
        "[...document.querySelectorAll('img[data-shows=peek]')].filter(i => getComputedStyle(i).visibility === 'visible').length"
    )
    assert page.evaluate(peeking) == 5
    page.keyboard.up("r")
    assert page.evaluate(peeking) == 0


def test_keys_zoom_move_and_fit(page):
    page.focus(".lab-panes")
    fitted = scale(page)
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert scale(page) > fitted * 1.3
    before = transforms(page)
    page.keyboard.press("ArrowRight")
    assert transforms(page) != before
    crop = box(page)
    page.keyboard.press("Shift+ArrowRight")
    assert box(page)[0] == crop[0] + 16
    page.keyboard.press("0")
    assert scale(page) == pytest.approx(fitted)


def test_the_same_picture_blurred_anew_keeps_the_zoom_and_the_crop(page):
    from browser.driving import run

    page.click(FRAME, position={"x": 40, "y": 40})
    page.click("[data-zoom='2']")
    before, crop = transforms(page)[0], box(page)
    page.check("#kind input[value=defocus]")
    run(page)
    assert transforms(page)[0] == before
    assert box(page) == crop
