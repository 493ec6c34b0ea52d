"""The sections of the paper's tab as a Gradio component: an empty frame, drawn into by the script beside this file."""

from pathlib import Path

import gradio as gr
from gradio.data_classes import FileData

_HERE = Path(__file__).parent
_SCRIPTS = (_HERE.parent / "viewer" / "elements.js", _HERE / "paper.js")

stylesheet = _HERE / "paper.css"


class Sections(gr.HTML):
    """Shows a value made by `lab.ui.paper_view`; like the viewer, it is one value and every text goes in as text."""

    def __init__(self, value: dict | None = None, **kwargs):
        super().__init__(
            value=value,
            html_template='<div class="lab-paper"></div>',
            js_on_load="\n".join(script.read_text(encoding="utf-8") for script in _SCRIPTS),
            apply_default_css=False,
            **kwargs,
        )

    def postprocess(self, value: dict | None) -> dict | None:
        """Turn the paths of pictures into files that Gradio serves byte for byte."""
        if value is None:
            return None
        files = {name: FileData(path=str(path)).model_dump() for name, path in value["files"].items()}
        return {**value, "files": files}

    def preprocess(self, payload: object) -> None:
        """Nothing is read back from the browser."""
        return None

    def api_info(self) -> dict:
        return {"type": "object"}
