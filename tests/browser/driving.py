"""What the browser tests do with the page, by the names of what a visitor does."""

import base64
import io

import numpy as np
from PIL import Image


def wait_until_done(page) -> None:
    """Until no pane waits or runs and no figure is measured any more."""
    page.wait_for_selector(".lab-viewer[data-busy=false] .lab-pane[data-state]")


def run(page) -> None:
    """Press Run and wait for the end of the comparison."""
    page.wait_for_selector("#run:not([disabled])")
    page.evaluate("document.querySelector('.lab-viewer').dataset.busy = 'before'")  # until the first new results are drawn
    page.click("#run")
    page.wait_for_selector(".lab-viewer:not([data-busy=before])")
    page.wait_for_selector("#run:not([disabled])")
    wait_until_done(page)


def choose_methods(page, *keys: str) -> None:
    """Tick exactly these methods."""
    for box in page.locator("#methods input[type=checkbox]").all():
        box.set_checked(box.get_attribute("name") in keys)


def states(page) -> dict[str, str]:
    """The state of every pane by method."""
    return page.eval_on_selector_all(
        ".lab-pane", "panes => Object.fromEntries(panes.map(p => [p.dataset.method, p.dataset.state]))"
    )


def pane_bytes(page, method: str, view: str = "picture") -> bytes:
    """The very bytes a pane shows, fetched by its address inside the page."""
    text = page.evaluate(
        """async ([method, view]) => {
          const image = document.querySelector(`.lab-pane[data-method="${method}"] img[data-shows=${view}]`);
          const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
          return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
        }""",
        [method, view],
    )
    return base64.b64decode(text)


def decoded(png: bytes) -> np.ndarray:
    """uint8 (H, W, 3)."""
    return np.array(Image.open(io.BytesIO(png)).convert("RGB"))


def cell(page, method: str, metric: str) -> str:
    """A figure as the table shows it."""
    return page.locator(f"#figures tr[data-method='{method}'] [data-metric={metric}] > :first-child").inner_text()


def toast(page) -> str:
    """The sentence of the message that has just appeared."""
    page.wait_for_selector(".toast-body")
    return page.locator(".toast-body").last.inner_text()


def set_slider(page, slider: str, value: float) -> None:
    """Type a value into a slider's number field."""
    field = page.locator(f"{slider} input[type=number]")
    field.fill(str(value))
    field.press("Tab")
