"""The one endpoint for programs: the page's comparison, called with gradio_client as `/compare`."""

import math
import threading
from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from lab.degrade import parse
from lab.errors import LabError
from lab.methods import METHODS, SEVEN, find
from lab.metrics import CONVENTIONS
from lab.ui.address import BLURRED, DEFAULT_BLUR
from lab.ui.comparison import INPUT, REFERENCE, Comparer, Comparison, Task
from lab.ui.controls import ChoiceError
from lab.ui.measuring import Measured
from lab.ui.view import sentence

LANE = "programs"
"""Gradio's name for a queue of their own, one wide: whatever programs ask for, the page keeps its lanes."""


def chosen_methods(asked: object) -> tuple[str, ...]:
    """The methods that a program asks for, in display order; the seven where it names none.

    Args:
        asked: anything JSON can hold; a list of keys, a text of keys with commas between them, or nothing makes sense.

    Raises:
        ChoiceError, lab.methods.UnknownMethodError: with a sentence for the caller.
    """
    if isinstance(asked, str):
        asked = [key.strip() for key in asked.split(",") if key.strip()]
    if asked is None:
        return SEVEN
    if not isinstance(asked, list) or not all(isinstance(key, str) for key in asked):
        raise ChoiceError(f'methods must be a list of keys, such as ["bicubic", "esrgan"], not {str(asked)[:80]}.')
    chosen = {find(key[:40]).key for key in asked or SEVEN}
    return tuple(key for key in METHODS if key in chosen)


def task_of_program(picture: str | None, blur: object, methods: object, device: str) -> Task:
    """The comparison a program asks for.

    Raises:
        LabError: with a sentence for the caller.
    """
    if not picture:
        raise ChoiceError("There is no picture: send a file.")
    if not isinstance(blur, str):
        raise ChoiceError(f'blur must be a text, such as "{DEFAULT_BLUR}" or "gaussian:sigma=2", not {str(blur)[:80]}.')
    degradation, output = (None, BLURRED[blur]) if blur in BLURRED else (parse(blur), "same")
    return Task(Path(picture).read_bytes(), degradation, chosen_methods(methods), output, None, device)


def _number(value: float | None) -> float | str | None:
    """JSON has no infinity: two identical pictures have a PSNR of "inf"."""
    return "inf" if value is not None and math.isinf(value) else value


def _figures(measured: Measured) -> dict:
    return {
        convention: {
            key: {"value": _number(figure.value), "variant": figure.variant, "why_not": figure.why_not}
            for key, figure in measured.figures[convention].items()
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
        facts = {name: value for name, value in pane.entry.facts.items() if name != "files"}
        results.append({"method": key, "file": len(files), **facts, "metrics": _figures(comparison.measured[key])})
        files.append(str(pane.entry.files()["picture"]))
    for key, entry in ((INPUT, comparison.input), (REFERENCE, comparison.reference)):
        if entry:
            results.append({"method": key, "file": len(files), "metrics": _figures(comparison.measured[key])})
            files.append(str(entry.files()["picture"]))
    return files, results


def build_api(comparer: Comparer, device: str) -> None:
    """Add the endpoint to the page that is being built; it has no visible part."""

    def compare(picture: str, blur: str, methods: list[str]) -> Iterator[tuple]:
        """Compare methods on one picture.

        Args:
            picture: the picture's file.
            blur: what to do to it first, such as "x4-bicubic" or "gaussian:sigma=2,noise=5"; or "blurred" for a picture that is
                blurred already, "blurred-x4" to enlarge such a picture four times.
            methods: keys of methods, such as "bicubic" or "esrgan", in a list or with commas between them.

        Returns:
            The pictures, and a list of results whose `file` is a position in it; the input and the reference come last. Whoever
            follows the call sees empty updates before.
        """
        stop = threading.Event()
        try:
            task = task_of_program(picture, blur, methods, device)
            for last in comparer.run(task, stop):
                comparison = last
                yield gr.skip(), gr.skip()  # tells nothing: Gradio closes a generator at its next yield once the program has left
            yield _answer(comparison)
        except LabError as error:
            raise gr.Error(sentence(str(error)), print_exception=False) from None
        finally:
            stop.set()

    picture = gr.File(label="Picture", visible=False)
    blur = gr.Textbox(DEFAULT_BLUR, label="Blur", visible=False)
    methods = gr.JSON(list(SEVEN), label="Methods", visible=False)
    files = gr.File(label="Pictures", file_count="multiple", visible=False)
    results = gr.JSON(label="Results", visible=False)
    trigger = gr.Button(visible=False)
    trigger.click(
        compare, [picture, blur, methods], [files, results],
        api_name="compare", concurrency_id=LANE, concurrency_limit=1,
    )  # fmt: skip
