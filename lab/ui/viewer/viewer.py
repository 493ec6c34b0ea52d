"""The viewer as a Gradio component: a static frame, drawn into by the scripts beside this file."""

from pathlib import Path

import gradio as gr
from gradio.data_classes import FileData

_HERE = Path(__file__).parent
_SCRIPTS = ("elements.js", "viewport.js", "panes.js", "gestures.js", "crops.js", "figures.js", "viewer.js")

stylesheet = _HERE / "viewer.css"


class Viewer(gr.HTML):
    """Shows the value made by `lab.ui.view.view_of`.

    Everything is one value, since Gradio does not update several properties of a component at once. The HTML holds no data: every
    text reaches the page through `textContent`, so that no file name or message can become markup.
    """

    def __init__(self, value: dict | None = None, prefix: str = "", **kwargs):
        """Args: value as above; prefix: put before the ids inside, which a page may have once only."""
        frame = (_HERE / "viewer.html").read_text(encoding="utf-8")
        super().__init__(
            value=value,
            html_template=frame.replace(' id="', f' id="{prefix}'),
            js_on_load="\n".join((_HERE / script).read_text(encoding="utf-8") for script in _SCRIPTS),
            apply_default_css=False,
            **kwargs,
        )

    def postprocess(self, value: dict | None) -> dict | None:
        """Turn the paths of the panes' pictures into files that Gradio serves byte for byte."""
        if value is None:
            return None
        panes = [
            {**pane, "images": {view: FileData(path=str(path)).model_dump() for view, path in pane["images"].items()}}
            for pane in value["panes"]
        ]
        return {**value, "panes": panes}

    def preprocess(self, payload: object) -> None:
        """Nothing is read back from the browser."""
        return None

    def api_info(self) -> dict:
        return {"type": "object"}
