"""The Compare tab: controls on one side, the pictures on the other, and what happens between them."""

import html
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import gradio as gr
from PIL import Image

from lab.errors import LabError
from lab.methods import SEVEN
from lab.ui import address
from lab.ui.comparison import Comparer, Task
from lab.ui.controls import ChoiceError, Controls, build_controls, own_picture, set_to, task_of
from lab.ui.picker import OWN, choices
from lab.ui.pictures import FIRST, PICTURES
from lab.ui.sessions import Sessions
from lab.ui.view import SETTLED, blank_view, sentence, view_of
from lab.ui.viewer import Viewer

LANE = "compare"
"""Gradio's name for the queue that all comparisons share."""
LANE_WIDTH = 8
"""Comparisons followed at once; they compute one at a time, in turns (see comparison.py)."""


def _buttons(run: bool, cancel: bool) -> list:
    """Whether Run and Cancel can be pressed; while figures are measured, both can."""
    return [gr.update(interactive=run), gr.update(interactive=cancel)]


def _address_of(task: Task) -> str:
    return address.write(task.example, task.degradation, task.output, task.methods)


def opening_task(device: str) -> Task:
    """The comparison a visitor meets who brings no address: the first example, x4 bicubic, the seven methods."""
    return _task_at(address.read({}), device)


def _task_at(asked: address.Address, device: str) -> Task:
    source = PICTURES[asked.picture].path.read_bytes()
    return Task(source, asked.degradation, asked.methods, asked.output, asked.picture, device)


def _blank_opening() -> dict:
    with Image.open(PICTURES[FIRST].path) as picture:  # reads the size, not the pixels
        return blank_view(SEVEN, picture.size)


def _tell(text: str, title: str) -> None:
    """A message on the page. Gradio renders messages as HTML, and the text may hold what a visitor wrote."""
    gr.Warning(html.escape(sentence(text), quote=False), title=title)


@contextmanager
def _told_to_the_visitor(title: str) -> Iterator[None]:
    """Show what goes wrong inside as a message on the page, and go on; faults of the lab itself go to the log."""
    try:
        yield
    except LabError as error:
        _tell(str(error), title)
    except Exception:
        logging.getLogger(__name__).exception("a comparison failed")
        _tell("Something went wrong that nobody foresaw; the log has the details.", title)


def build_compare_tab(demo: gr.Blocks, comparer: Comparer, device: str) -> None:
    """Lay out the tab in the current context and connect its events.

    Args:
        demo: the page, for what happens when it opens and closes.
        comparer: makes and keeps the comparisons.
        device: auto, cpu or cuda.
    """
    sessions = Sessions()
    with gr.Row(elem_id="bench", equal_height=False):
        with gr.Column(elem_id="side", min_width=0):
            drawer = gr.Button("Picture, blur, methods", elem_id="drawer", size="sm")
            with gr.Column(elem_id="controls", min_width=0):
                controls = build_controls()
            with gr.Row(elem_id="actions"):
                run = gr.Button("Run", variant="primary", elem_id="run")
                cancel = gr.Button("Cancel", elem_id="cancel", interactive=False)
        with gr.Column(elem_id="main", min_width=0):
            viewer = Viewer(_blank_opening(), elem_id="viewer")

    def follow(task: Task, request: gr.Request) -> Iterator[list]:
        """Stream a comparison into the viewer."""
        running = sessions.start(request.session_hash)
        running.address = _address_of(task)
        try:
            for comparison in sessions.follow(request.session_hash, running, comparer.run(task, running.stop)):
                yield [view_of(comparison, running.address), *_buttons(run=comparison.has_all_pictures(), cancel=True)]
        except Exception:
            preparing = running.comparison is not None and running.comparison.input is None
            if preparing and not sessions.current(request.session_hash):
                yield [SETTLED, *_buttons(run=True, cancel=False)]
            raise

    def at_rest(request: gr.Request) -> list:
        """The last update of a comparison: Run can be pressed again, unless another one has begun meanwhile."""
        if sessions.current(request.session_hash):
            return [gr.skip(), gr.skip(), gr.skip()]
        return [gr.skip(), *_buttons(run=True, cancel=False)]

    def run_clicked(request: gr.Request, *values) -> Iterator[list]:
        with _told_to_the_visitor("This did not work"):
            yield from follow(task_of(device, *values), request)
        yield at_rest(request)

    def stored_view(task: Task, request: gr.Request, whole: bool = False) -> list | None:
        """The stored results of a task, and the buttons; None where there are none, or, if `whole`, not all."""
        comparison = comparer.stored(task)
        if comparison is None or (whole and not comparison.is_whole()):
            return None
        sessions.show_stored(request.session_hash)
        return [view_of(comparison, _address_of(task)), *_buttons(run=True, cancel=False)]

    def opened(request: gr.Request) -> Iterator[list]:
        with _told_to_the_visitor("The first comparison did not work"):
            task = _task_at(address.read(dict(request.query_params)), device)
            if at_once := stored_view(task, request, whole=True):
                yield at_once
                return
            yield from follow(task, request)
        yield at_rest(request)

    def chosen(request: gr.Request, *values) -> list:
        with _told_to_the_visitor("The stored results cannot be shown"), suppress(ChoiceError):
            if at_once := stored_view(task_of(device, *values), request):
                return at_once
        return [gr.skip(), gr.skip(), gr.skip()]

    def picture_chosen(event: gr.EventData, request: gr.Request, *values) -> list:
        key = event._data.get("key") if isinstance(event._data, dict) else None
        return chosen(request, key, *values[1:]) if key in PICTURES else [gr.skip()] * 3

    def methods_chosen(request: gr.Request, *values) -> list:
        return chosen(request, *values) if sessions.shows_stored(request.session_hash) else [gr.skip()] * 3

    def set_controls(request: gr.Request) -> list:
        asked = address.read(dict(request.query_params))
        for complaint in asked.complaints:
            _tell(complaint, "The address")
        return set_to(asked)

    def cancelled(request: gr.Request) -> list:
        running = sessions.cancel(request.session_hash)
        if running is None or running.comparison is None or running.comparison.input is None:
            return [SETTLED, *_buttons(run=True, cancel=False)]
        running.comparison.cancel()
        return [view_of(running.comparison, running.address), *_buttons(run=True, cancel=False)]

    def closed(request: gr.Request) -> None:
        sessions.forget(request.session_hash)

    private = {"api_visibility": "private", "show_progress": "hidden"}
    lane = {"concurrency_id": LANE, "concurrency_limit": LANE_WIDTH}
    shown = [viewer, run, cancel]
    # Not demo.load: it fires before the viewer is mounted, and Gradio's page then applies its first updates in any order.
    opening = viewer.ready(set_controls, None, controls.all(), **private).then(opened, None, shown, **private, **lane)
    # "multiple": Gradio's page goes on thinking a cancelled event runs, and would refuse a second Run for ever.
    running = run.click(run_clicked, controls.all(), shown, trigger_mode="multiple", **private, **lane)
    cancel.click(cancelled, None, shown, cancels=[opening, running], queue=False, **private)
    beside = {"concurrency_id": "stored", "concurrency_limit": 4, "trigger_mode": "always_last"}
    controls.picker.chosen(picture_chosen, controls.all(), shown, **private, **beside)
    controls.kind.input(chosen, controls.all(), shown, **private, **beside)
    controls.methods.change(methods_chosen, controls.all(), shown, **private, **beside)
    demo.unload(closed)
    drawer.click(None, js=_TOGGLE_DRAWER)
    _connect_upload(controls, private)


_TOGGLE_DRAWER = """() => {
  const open = document.querySelector('#controls').classList.toggle('lab-open');
  document.querySelector('#drawer').setAttribute('aria-expanded', String(open));
}"""


def _connect_upload(controls: Controls, private: dict) -> None:
    def uploaded(upload: str, chosen: str):
        with _told_to_the_visitor("This picture cannot be used"):
            return own_picture(upload, chosen), gr.skip()
        return choices(chosen if chosen != OWN else FIRST), None

    def removed(chosen: str):
        return own_picture(None, chosen)

    # Not queue=False: Gradio delivers messages to the visitor only through its queue.
    lane = {"concurrency_id": "uploads", "concurrency_limit": 4}
    controls.upload.upload(uploaded, [controls.upload, controls.picker], [controls.picker, controls.upload], **private, **lane)
    controls.upload.clear(removed, controls.picker, controls.picker, queue=False, **private)
