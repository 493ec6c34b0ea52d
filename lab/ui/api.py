"""The one endpoint for programs: the page's comparison, called with gradio_client as `/compare`."""

import math
import threading
from pathlib import Path

import gradio as gr

from lab.degrade import parse
from lab.errors import LabError
from lab.methods import METHODS, SEVEN, find
from lab.ui.address import BLURRED, DEFAULT_BLUR
from lab.ui.compare_tab import LANE, LANE_WIDTH
from lab.ui.comparison import CONVENTIONS, INPUT, REFERENCE, Comparer, Comparison, Entry, Task
from lab.ui.controls import ChoiceError
from lab.ui.view import sentence


def _number(value: float | None) -> float | str | None:
    """JSON has no infinity: two identical pictures have a PSNR of "inf"."""
    return "inf" if value is not None and math.isinf(value) else value


def _figures(entry: Entry) -> dict:
    return {
        convention: {
            key: {"value": _number(figure.value), "why_not": figure.why_not} for key, figure in entry.figures(convention).items()
        }
        for convention in CONVENTIONS
    }


def _answer(comparison: Comparison) -> tuple[list[str], list[dict]]:
    """The result pictures, and beside each what is known of it; failed methods have a reason and no picture."""
    files, results = [], []
    for key, pane in comparison.panes.items():
        if pane.entry is None:
            results.append({"method": key, "file": None, "failed": sentence(pane.reason)})
            continue
        facts = {name: value for name, value in pane.entry.facts.items() if name not in ("figures", "files")}
        results.append({"method": key, "file": len(files), **facts, "metrics": _figures(pane.entry)})
        files.append(str(pane.entry.files()["picture"]))
    for key, entry in ((INPUT, comparison.input), (REFERENCE, comparison.reference)):
        if entry:
            results.append({"method": key, "file": len(files)})
            files.append(str(entry.files()["picture"]))
    return files, results


def build_api(comparer: Comparer, device: str) -> None:
    """Add the endpoint to the page that is being built; it has no visible part."""

    def compare(picture: str, blur: str, methods: list[str]) -> tuple[list[str], list[dict]]:
        """Compare methods on one picture.

        Args:
            picture: the picture's file.
            blur: what to do to it first, such as "x4-bicubic" or "gaussian:sigma=2,noise=5"; or "blurred" for a picture that is
                blurred already, "blurred-x4" to enlarge such a picture four times.
            methods: keys of methods, such as "bicubic" or "esrgan".

        Returns:
            The pictures, and a list of results whose `file` is a position in it; the input and the reference come last.
        """
        try:
            if not picture:
                raise ChoiceError("There is no picture: send a file.")
            chosen = {find(key).key for key in methods or SEVEN}
            task = Task(
                Path(picture).read_bytes(),
                None if blur in BLURRED else parse(blur),
                tuple(key for key in METHODS if key in chosen),
                BLURRED.get(blur, "same"),
                None,
                device,
            )
            *_, last = comparer.run(task, threading.Event())
        except LabError as error:
            raise gr.Error(sentence(str(error)), print_exception=False) from None
        return _answer(last)

    picture = gr.File(label="Picture", visible=False)
    blur = gr.Textbox(DEFAULT_BLUR, label="Blur", visible=False)
    methods = gr.JSON(list(SEVEN), label="Methods", visible=False)
    files = gr.File(label="Pictures", file_count="multiple", visible=False)
    results = gr.JSON(label="Results", visible=False)
    trigger = gr.Button(visible=False)
    trigger.click(
        compare, [picture, blur, methods], [files, results],
        api_name="compare", concurrency_id=LANE, concurrency_limit=LANE_WIDTH,
    )  # fmt: skip
