"""News from the threads that work on one comparison, to whoever follows it."""

import threading
import time
from collections.abc import Callable, Iterator
from queue import SimpleQueue

GATHER_SECONDS = 0.25
"""How long new figures are gathered before they are shown."""


class Changes:
    """News from the threads that work on one comparison, in order; many new figures in a row are one piece of news."""

    PANE, FIGURES, FILLED, MEASURED = "a pane changed", "figures changed", "a pane is at its end", "all is measured"

    def __init__(self):
        self._queue: SimpleQueue[str | Exception] = SimpleQueue()
        self._told = threading.Event()
        self._when = 0.0
        self._all_measured = False  # a stopped thread may say so while a pane is still being filled

    def put(self, change: str | Exception) -> None:
        """Tell of a change, or of what went wrong."""
        self._queue.put(change)

    def figures_changed(self) -> None:
        """Tell of new figures, unless that was done a moment ago: drawing the page takes longer than measuring."""
        if not self._told.is_set() and time.monotonic() - self._when > GATHER_SECONDS:
            self._told.set()
            self._queue.put(self.FIGURES)

    def measured(self) -> None:
        """Tell that all figures are there."""
        self._queue.put(self.MEASURED)

    def until(self, end: str) -> Iterator[None]:
        """One item for every piece of news before `end`; raises what went wrong."""
        while not (end == self.MEASURED and self._all_measured):
            change = self._queue.get()
            if isinstance(change, Exception):
                raise change
            if change == self.FIGURES:
                self._told.clear()
                self._when = time.monotonic()
            self._all_measured |= change == self.MEASURED
            if change == end:
                return
            yield


def in_a_thread(work: Callable[[], Iterator[None]], changes: Changes) -> Iterator[None]:
    """Run work that fills a pane in a thread of its own, passing its changes on: whoever follows may stop following at any
    `yield`, and a generator left hanging there must not keep the machine from the others."""

    def run() -> None:
        try:
            for _ in work():
                changes.put(Changes.PANE)
            changes.put(Changes.FILLED)
        except Exception as error:
            changes.put(error)

    threading.Thread(target=run, name="filling a pane", daemon=True).start()
    yield from changes.until(Changes.FILLED)
