"""Phone width, dark mode, keyboard, and a layout that stays where it is."""

import pytest

from browser.driving import states

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}


@pytest.fixture
def phone(open_page):
    return open_page("?methods=nearest,bicubic,srresnet", **PHONE)


def test_a_phone_shows_two_panes_abreast_and_never_scrolls_sideways(phone):
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    left = phone.eval_on_selector_all(".lab-pane", "panes => panes.map(p => Math.round(p.getBoundingClientRect().left))")
    assert len(set(left)) == 2
    right = phone.eval_on_selector_all(".lab-pane", "panes => Math.max(...panes.map(p => p.getBoundingClientRect().right))")
    assert right <= 390
    assert phone.evaluate("(() => { const s = document.querySelector('.lab-scroll'); return s.scrollWidth > s.clientWidth; })()")


def test_on_a_phone_the_controls_fold_into_a_drawer(phone):
    assert not phone.is_visible("#methods")
    assert phone.is_visible("#run")
    phone.tap("#drawer")
    phone.wait_for_selector("#methods", state="visible")
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    phone.tap("#drawer")
    phone.wait_for_selector("#methods", state="hidden")


def test_a_tap_sets_the_crop(phone):
    before = phone.get_attribute(".lab-crops", "data-box")
    phone.tap(".lab-pane[data-method=bicubic] .lab-frame", position={"x": 20, "y": 20})
    assert phone.get_attribute(".lab-crops", "data-box") != before


def test_two_fingers_zoom_all_panes(phone):
    place = phone.locator(".lab-pane[data-method=bicubic] .lab-frame").bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    touches = phone.context.new_cdp_session(phone)

    def touch(kind: str, *reach: float) -> None:
        points = [{"x": x - r, "y": y, "id": 0} for r in reach] + [{"x": x + r, "y": y, "id": 1} for r in reach]
        touches.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 20)
    for reach in (25, 35, 50, 60):
        touch("touchMove", reach)
    touch("touchEnd")
    phone.wait_for_function("document.querySelector('.lab-panes').classList.contains('lab-movable')")
    assert phone.evaluate("window.visualViewport.scale") == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_its_background(open_page, theme):
    page = open_page(f"?methods=nearest,srcnn&__theme={theme}")
    ratios = page.evaluate(
        """() => {
          const parse = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
          const light = (rgb) => rgb.slice(0, 3).map((v) => v / 255)
            .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const behind = (node) => {
            for (let n = node; n; n = n.parentElement) {
              const c = parse(getComputedStyle(n).backgroundColor);
              if (c.length === 3 || c[3] > 0.99) return c;
            }
            return [255, 255, 255];
          };
          const seen = [];
          for (const node of document.querySelectorAll('.lab-header *, .lab-viewer *, #controls label, #controls h2, #run')) {
            const own = [...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
            if (!own || node.disabled || !node.checkVisibility() || node.classList.contains('lab-unseen')) continue;
            const a = light(parse(getComputedStyle(node).color)), b = light(behind(node));
            seen.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), node.className + ' ' + node.textContent.slice(0, 40)]);
          }
          return seen;
        }"""
    )
    assert len(ratios) > 30
    assert [text for ratio, text in ratios if ratio < 4.5] == []


def test_dark_mode_is_dark(open_page):
    page = open_page("?methods=nearest&__theme=dark")
    assert page.evaluate("document.body.classList.contains('dark')")
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(n) for n in colour[4:-1].split(",")[:3]) < 60


def test_nothing_moves_while_results_arrive(open_page):
    page = open_page("?picture=rocket&blur=defocus&methods=nearest,bicubic,ibp,srresnet,esrgan", finished=False)
    page.wait_for_function("document.querySelectorAll('.lab-pane').length === 7")  # its own panes, no longer the opening ones
    measure = "['.lab-panes', '#crops', '#figures'].map(s => Math.round(document.querySelector(s).getBoundingClientRect().top))"
    before = page.evaluate(measure)
    page.wait_for_selector(".lab-viewer[data-busy=false]")
    assert page.evaluate(measure) == before
    assert set(states(page).values()) == {"done"}


def test_the_pictures_are_chosen_with_the_arrow_keys(open_page):
    page = open_page("?methods=nearest")
    page.focus("[data-picture=astronaut]")
    page.keyboard.press("ArrowRight")
    chosen = page.get_attribute("[data-picture][aria-checked=true]", "data-picture")
    assert chosen != "astronaut"
    assert page.evaluate("document.activeElement.dataset.picture") == chosen
