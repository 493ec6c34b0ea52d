"""Thumbnails to choose a picture by, as a Gradio component; the visitor's own picture, once uploaded, is the last of them."""

import base64
import functools
import io
from pathlib import Path

import gradio as gr
from PIL import Image

from lab.images import read_picture
from lab.ui.pictures import FIRST, MAX_PIXELS, PICTURES, limit_explained

_HERE = Path(__file__).parent
_SIDE = 112

OWN = "own"
stylesheet = _HERE / "picker.css"


def _thumbnail(source: str | Path | bytes) -> str:
    """A small square JPEG of the picture's middle, as a data address; nothing is ever measured on it."""
    with limit_explained():
        picture = Image.fromarray(read_picture(source, max_pixels=MAX_PIXELS))
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    small = picture.crop((left, top, left + side, top + side)).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


@functools.cache
def _examples() -> tuple[dict, ...]:
    return tuple(
        {"key": key, "title": example.title, "credit": example.credit, "thumbnail": _thumbnail(example.path)}
        for key, example in PICTURES.items()
    )


def choices(chosen: str, own: bytes | None = None) -> dict:
    """The component's value: every example, the visitor's picture if there is one, and which is chosen.

    Raises:
        lab.images.PictureError: the visitor's picture cannot be used.
    """
    pictures = list(_examples())
    if own is not None:
        pictures.append({"key": OWN, "title": "Your picture", "credit": "", "thumbnail": _thumbnail(own)})
    return {"chosen": chosen, "pictures": pictures}


class Picker(gr.HTML):
    """Shows `choices(...)`; as an input it gives the key of the chosen picture (OWN for the visitor's)."""

    def __init__(self, value: dict | None = None, **kwargs):
        super().__init__(
            value=value,
            html_template='<div class="lab-picker" role="radiogroup" aria-label="Picture"></div>',
            js_on_load=(_HERE / "picker.js").read_text(encoding="utf-8"),
            apply_default_css=False,
            **kwargs,
        )

    def postprocess(self, value: dict | None) -> dict | None:
        return value

    def preprocess(self, payload: object) -> str:
        chosen = payload.get("chosen") if isinstance(payload, dict) else None
        return chosen if chosen in PICTURES or chosen == OWN else FIRST

    def api_info(self) -> dict:
        return {"type": "object"}
