"""Comparisons streamed into a viewer with a Run and a Cancel button beside it, one at a time for each visitor."""

from collections.abc import Iterator

import gradio as gr

from lab.ui.comparison import Comparer, Task
from lab.ui.sessions import Running, Sessions
from lab.ui.view import SETTLED, broken_off, view_of

LANE = {"concurrency_id": "compare", "concurrency_limit": 8}
"""The queue that the comparisons of all viewers share: so many are followed at once, and they compute in turns (see turns.py)."""


def nothing() -> list:
    """An update that changes nothing of the viewer, Run and Cancel."""
    return [gr.skip(), gr.skip(), gr.skip()]


def buttons(run: bool, cancel: bool) -> list:
    """Whether Run and Cancel can be pressed; while figures are measured, both can."""
    return [gr.update(interactive=run), gr.update(interactive=cancel)]


def _ended(running: Running) -> dict:
    """The last view of what runs no more: what is done, and whatever is not as cancelled."""
    if running.comparison is None or running.comparison.input is None:
        return SETTLED
    running.comparison.cancel()  # changes nothing where all is done
    return view_of(running.comparison, running.address)


class Streaming:
    """What happens in one viewer. Every update is a list: the viewer's value, Run, Cancel.

    Args:
        comparer: makes and keeps the comparisons.
    """

    def __init__(self, comparer: Comparer):
        self.comparer = comparer
        self.sessions = Sessions()

    def follow(self, task: Task, address: str, request: gr.Request) -> Iterator[list]:
        """Stream a comparison; what the visitor had running before is stopped. The last update lets Run be pressed again.

        Gradio applies the last update twice, so one that something else has replaced ends with an empty update. Any other ends
        with its view: Gradio sends of each update what has changed, and its page makes the changes in the very dict that the
        viewer was given and may not have drawn yet, so that a `gr.skip()` after a view can erase it.

        Args:
            task: what to compare.
            address: the query string that leads back to it; empty leaves the browser's address as it is.
            request: whose it is.
        """
        running = self.sessions.start(request.session_hash)
        running.address = address
        try:
            for comparison in self.sessions.follow(request.session_hash, running, self.comparer.run(task, running.stop)):
                yield [view_of(comparison, address), *buttons(run=comparison.has_all_pictures(), cancel=True)]
        except Exception:
            self.sessions.end(request.session_hash, running)
            yield self._last_update(broken_off(running.comparison, address), running, request)
            raise
        yield self._last_update(_ended(running), running, request)

    def _last_update(self, view: dict, running: Running, request: gr.Request) -> list:
        if not self.sessions.is_last(request.session_hash, running):
            return nothing()
        return [view, *buttons(run=True, cancel=False)]

    def cancelled(self, request: gr.Request) -> list:
        """Stop what the visitor has running."""
        running = self.sessions.cancel(request.session_hash)
        return [_ended(running) if running else SETTLED, *buttons(run=True, cancel=False)]

    def closed(self, request: gr.Request) -> None:
        """The visitor has left the page."""
        self.sessions.forget(request.session_hash)
