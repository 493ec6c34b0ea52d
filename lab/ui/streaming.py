"""Comparisons streamed into a viewer with a Run and a Cancel button beside it, one at a time for each visitor."""

from collections.abc import Iterator

import gradio as gr

from lab.ui.comparison import Comparer, Task
from lab.ui.sessions import Sessions
from lab.ui.view import SETTLED, broken_off, view_of

LANE = {"concurrency_id": "compare", "concurrency_limit": 8}
"""The queue that the comparisons of all viewers share: so many are followed at once, and they compute in turns (see turns.py)."""


def buttons(run: bool, cancel: bool) -> list:
    """Whether Run and Cancel can be pressed; while figures are measured, both can."""
    return [gr.update(interactive=run), gr.update(interactive=cancel)]


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

        The last update has the view once more: Gradio sends of each update what has changed, and its page changes the very
        dict that the viewer was given and may not have drawn yet. A `gr.skip()` after a view can erase it.

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
            if not self.sessions.current(request.session_hash):
                yield [broken_off(running.comparison, address), *buttons(run=True, cancel=False)]
            raise
        if not self.sessions.current(request.session_hash):
            view = SETTLED
            if running.comparison is not None and running.comparison.input is not None:
                running.comparison.cancel()  # changes nothing where all is done
                view = view_of(running.comparison, address)
            yield [view, *buttons(run=True, cancel=False)]

    def cancelled(self, request: gr.Request) -> list:
        """Stop what the visitor has running."""
        running = self.sessions.cancel(request.session_hash)
        if running is None or running.comparison is None or running.comparison.input is None:
            return [SETTLED, *buttons(run=True, cancel=False)]
        running.comparison.cancel()
        return [view_of(running.comparison, running.address), *buttons(run=True, cancel=False)]

    def closed(self, request: gr.Request) -> None:
        """The visitor has left the page."""
        self.sessions.forget(request.session_hash)
