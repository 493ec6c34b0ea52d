"""The Compare tab: controls on one side, the pictures on the other, and what happens between them."""

from collections.abc import Iterator
from contextlib import suppress

import gradio as gr
from PIL import Image

from lab.methods import SEVEN
from lab.ui import address
from lab.ui.comparison import Comparer, Task
from lab.ui.controls import ChoiceError, Controls, build_controls, own_picture, set_to, task_of
from lab.ui.picker import OWN, choices
from lab.ui.pictures import FIRST, PICTURES
from lab.ui.streaming import LANE, Streaming, buttons, nothing
from lab.ui.telling import tell, told_to_the_visitor
from lab.ui.view import blank_view, view_of
from lab.ui.viewer import Viewer


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


def build_compare_tab(demo: gr.Blocks, comparer: Comparer, device: str) -> None:
    """Lay out the tab in the current context and connect its events.

    Args:
        demo: the page, for what happens when it opens and closes.
        comparer: makes and keeps the comparisons.
        device: auto, cpu or cuda.
    """
    streaming = Streaming(comparer)
    sessions = streaming.sessions
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

    def run_clicked(request: gr.Request, *values) -> Iterator[list]:
        yield nothing()  # where nothing follows: of an event that yields nothing, Gradio empties all outputs
        with told_to_the_visitor("This did not work"):
            task = task_of(device, *values)
            yield from streaming.follow(task, _address_of(task), request)

    def stored_view(task: Task, request: gr.Request, whole: bool = False) -> list | None:
        """The stored results of a task, and the buttons; None where there are none, or, if `whole`, not all."""
        comparison = comparer.stored(task)
        if comparison is None or (whole and not comparison.is_whole()):
            return None
        sessions.show_stored(request.session_hash)
        return [view_of(comparison, _address_of(task)), *buttons(run=True, cancel=False)]

    def opened(request: gr.Request) -> Iterator[list]:
        yield nothing()
        with told_to_the_visitor("The first comparison did not work"):
            task = _task_at(address.read(dict(request.query_params)), device)
            if at_once := stored_view(task, request, whole=True):
                yield at_once
                return
            yield from streaming.follow(task, _address_of(task), request)

    def chosen(request: gr.Request, *values) -> list:
        with told_to_the_visitor("The stored results cannot be shown"), suppress(ChoiceError):
            if at_once := stored_view(task_of(device, *values), request):
                return at_once
        return nothing()

    def picture_chosen(event: gr.EventData, request: gr.Request, *values) -> list:
        key = event._data.get("key") if isinstance(event._data, dict) else None
        return chosen(request, key, *values[1:]) if key in PICTURES else nothing()

    def methods_chosen(request: gr.Request, *values) -> list:
        return chosen(request, *values) if sessions.shows_stored(request.session_hash) else nothing()

    def set_controls(request: gr.Request) -> list:
        asked = address.read(dict(request.query_params))
        for complaint in asked.complaints:
            tell(complaint, "The address")
        return set_to(asked)

    private = {"api_visibility": "private", "show_progress": "hidden"}
    shown = [viewer, run, cancel]
    # Not demo.load: it fires before the viewer is mounted, and Gradio's page then applies its first updates in any order.
    opening = viewer.ready(set_controls, None, controls.all(), **private).then(opened, None, shown, **private, **LANE)
    # "multiple": Gradio's page goes on thinking a cancelled event runs, and would refuse a second Run for ever.
    running = run.click(run_clicked, controls.all(), shown, trigger_mode="multiple", **private, **LANE)
    cancel.click(streaming.cancelled, None, shown, cancels=[opening, running], queue=False, **private)
    beside = {"concurrency_id": "stored", "concurrency_limit": 4, "trigger_mode": "always_last"}
    controls.picker.chosen(picture_chosen, controls.all(), shown, **private, **beside)
    controls.kind.input(chosen, controls.all(), shown, **private, **beside)
    controls.methods.change(methods_chosen, controls.all(), shown, **private, **beside)
    demo.unload(streaming.closed)
    drawer.click(None, js=_TOGGLE_DRAWER)
    _connect_upload(controls, private)


_TOGGLE_DRAWER = """() => {
  const open = document.querySelector('#controls').classList.toggle('lab-open');
  document.querySelector('#drawer').setAttribute('aria-expanded', String(open));
}"""


def _connect_upload(controls: Controls, private: dict) -> None:
    def uploaded(upload: str, chosen: str):
        with told_to_the_visitor("This picture cannot be used"):
            return own_picture(upload, chosen), gr.skip()
        return choices(chosen if chosen != OWN else FIRST), None

    def removed(chosen: str):
        return own_picture(None, chosen)

    # Not queue=False: Gradio delivers messages to the visitor only through its queue.
    lane = {"concurrency_id": "uploads", "concurrency_limit": 4}
    controls.upload.upload(uploaded, [controls.upload, controls.picker], [controls.picker, controls.upload], **private, **lane)
    controls.upload.clear(removed, controls.picker, controls.picker, queue=False, **private)
