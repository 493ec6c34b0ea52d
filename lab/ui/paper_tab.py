"""The tab "The paper": what it does, what each of its steps is worth, and the six panels to walk about in."""

import threading
from collections.abc import Iterator

import gradio as gr
from PIL import Image

from lab.ablation.paper import FAMILY
from lab.degrade import Degradation
from lab.ui import address
from lab.ui.comparison import Comparer, Comparison, Task
from lab.ui.paper import Sections
from lab.ui.paper_view import after_panels, before_panels
from lab.ui.pictures import PICTURES
from lab.ui.streaming import LANE, Streaming, buttons, nothing
from lab.ui.telling import told_to_the_visitor
from lab.ui.view import blank_view, view_of
from lab.ui.viewer import Viewer

PICTURE = "astronaut"
BLUR = Degradation("gaussian")
NOT_YET = "Not computed yet: press Run."
STATUS = {"text": "Not computed yet: Run computes the four here and now.", "busy": False, "running": ""}


def panels_task(device: str) -> Task:
    """The comparison of the six panels: the astronaut, Gaussian blur at its default strength, the paper's four."""
    return Task(PICTURES[PICTURE].path.read_bytes(), BLUR, FAMILY, "same", PICTURE, device)


def _blank() -> dict:
    """Six empty panes; the paper's convention is chosen for their figures."""
    with Image.open(PICTURES[PICTURE].path) as picture:  # reads the size, not the pixels
        return blank_view(FAMILY, picture.size) | {"convention": "rgb"}


def at_hand(comparer: Comparer, task: Task, stop: threading.Event) -> Comparison | None:
    """What can be shown of a task without running a method: the input, the reference, and what was computed lately; the other
    panes are absent, with what to do. None where it was stopped before there was an input."""
    states = comparer.run(task, stop)
    found = next((comparison for comparison in states if comparison.input is not None), None)
    stop.set()
    states.close()
    if found is None:
        return None
    for pane in found.panes.values():
        if pane.state == "waiting":
            pane.state, pane.reason = "absent", NOT_YET
    return found


def build_paper_tab(demo: gr.Blocks, tab: gr.Tab, comparer: Comparer, device: str) -> None:
    """Lay out the tab in the current context and connect its events.

    Args:
        demo: the page, for what happens when it closes.
        tab: the tab, which reads the stored files anew whenever it is opened.
        comparer: makes and keeps the six panels.
        device: auto, cpu or cuda.
    """
    streaming = Streaming(comparer)
    link = address.write(PICTURE, BLUR, "same", FAMILY)
    above = Sections(elem_id="paper-above")
    with gr.Row(elem_id="paper-actions"):
        run = gr.Button("Run", variant="primary", elem_id="paper-run")
        cancel = gr.Button("Cancel", elem_id="paper-cancel", interactive=False)
    viewer = Viewer(_blank(), prefix="paper-", elem_id="paper-viewer")
    below = Sections(elem_id="paper-below")

    def sections() -> list[dict]:
        found = [gr.skip(), gr.skip()]
        with told_to_the_visitor("A stored file cannot be shown"):
            found[0] = before_panels(str(BLUR), PICTURES[PICTURE].title, link)
        with told_to_the_visitor("A stored file cannot be shown"):
            found[1] = after_panels(comparer.store)
        return found

    def opened(request: gr.Request) -> Iterator[list]:
        yield nothing()  # where nothing follows: of an event that yields nothing, Gradio empties all outputs
        with told_to_the_visitor("The six panels cannot be shown"):
            task = panels_task(device)
            kept = comparer.stored(task)
            if streaming.sessions.current(request.session_hash):
                return  # Run was pressed meanwhile: its results are not drawn over
            if kept:
                yield [view_of(kept), *buttons(run=True, cancel=False)]
                if kept.is_whole():
                    return
            looking = streaming.sessions.start(request.session_hash)
            try:
                found = at_hand(comparer, task, looking.stop)
            finally:
                streaming.sessions.end(request.session_hash, looking)
            if found is None or not streaming.sessions.is_last(request.session_hash, looking):
                return
            if found.is_whole():
                yield from streaming.follow(task, "", request)
            elif not kept:
                found.measured.clear()
                yield [view_of(found) | {"status": STATUS}, *buttons(run=True, cancel=False)]

    def run_clicked(request: gr.Request) -> Iterator[list]:
        yield nothing()
        with told_to_the_visitor("The six panels could not be computed"):
            yield from streaming.follow(panels_task(device), "", request)

    private = {"api_visibility": "private", "show_progress": "hidden"}
    shown = [viewer, run, cancel]
    tab.select(sections, None, [above, below], trigger_mode="always_last", concurrency_limit=4, **private)
    opening = viewer.ready(opened, None, shown, **private, **LANE)
    running = run.click(run_clicked, None, shown, trigger_mode="multiple", **private, **LANE)  # as in the Compare tab
    cancel.click(streaming.cancelled, None, shown, cancels=[opening, running], queue=False, **private)
    demo.unload(streaming.closed)
