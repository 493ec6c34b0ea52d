"""The tape player as a Gradio component: a static frame, drawn into by the scripts beside this file."""

from pathlib import Path

import gradio as gr
from gradio.data_classes import FileData

_HERE = Path(__file__).parent
_ELEMENTS = _HERE.parent / "viewer" / "elements.js"
_SCRIPTS = (_ELEMENTS, _HERE / "charts.js", _HERE / "tape.js")

stylesheet = _HERE / "tape.css"


class TapePlayer(gr.HTML):
    """Shows the value made by `lab.ui.tape_view.tape_view`; like the viewer, it is one value and every text goes in as text."""

    def __init__(self, value: dict | None = None, **kwargs):
        super().__init__(
            value=value,
            html_template=(_HERE / "tape.html").read_text(encoding="utf-8"),
            js_on_load="\n".join(script.read_text(encoding="utf-8") for script in _SCRIPTS),
            apply_default_css=False,
            **kwargs,
        )

    def postprocess(self, value: dict | None) -> dict | None:
        """Turn the paths of the strips into files that Gradio serves byte for byte."""
        if value is None:
            return None
        strips = {name: FileData(path=str(path)).model_dump() for name, path in value["strips"].items()}
        return {**value, "strips": strips}

    def preprocess(self, payload: object) -> None:
        """Nothing is read back from the browser."""
        return None

    def api_info(self) -> dict:
        return {"type": "object"}
