"""Which visitor's comparison is running, so that it can be stopped, and which was the last to be given a viewer."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from lab.ui.comparison import Comparison


@dataclass
class Running:
    """One visitor's comparison at work."""

    stop: threading.Event = field(default_factory=threading.Event)
    comparison: Comparison | None = None
    """What there is so far; None before the first pane."""
    address: str = ""


class Sessions:
    """At most one running comparison for each visitor; safe to share between threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self._running: dict[str, Running] = {}
        self._with_stored: set[str] = set()
        self._last: dict[str, Running] = {}

    def start(self, session: str) -> Running:
        """Stop whatever the visitor had running and begin anew."""
        with self._lock:
            if old := self._running.get(session):
                old.stop.set()
            self._with_stored.discard(session)
            self._running[session] = self._last[session] = Running()
            return self._running[session]

    def show_stored(self, session: str) -> None:
        """Stop whatever the visitor had running: from now on the page shows stored results, until the next `start`."""
        self.cancel(session)
        with self._lock:
            self._with_stored.add(session)
            self._last.pop(session, None)

    def shows_stored(self, session: str) -> bool:
        """Whether what the visitor sees are stored results."""
        with self._lock:
            return session in self._with_stored

    def forget(self, session: str) -> None:
        """The visitor has left."""
        self.cancel(session)
        with self._lock:
            self._with_stored.discard(session)
            self._last.pop(session, None)

    def is_last(self, session: str, running: Running) -> bool:
        """Whether nothing was begun or shown after this one, so that it may still draw; it may have ended or been cancelled."""
        with self._lock:
            return self._last.get(session) is running

    def current(self, session: str) -> Running | None:
        """What the visitor has running; None if that is nothing."""
        with self._lock:
            return self._running.get(session)

    def follow(self, session: str, running: Running, comparisons: Iterator[Comparison]) -> Iterator[Comparison]:
        """Pass a comparison's states on for as long as it is the visitor's current one, and keep the last where Cancel finds it.

        One that was cancelled, or replaced by another Run, must not draw over what came after it.
        """
        try:
            for comparison in comparisons:
                if self.current(session) is not running:
                    return
                running.comparison = comparison
                yield comparison
        finally:
            self.end(session, running)

    def cancel(self, session: str) -> Running | None:
        """Stop the visitor's comparison and return it; None if there is none."""
        with self._lock:
            running = self._running.pop(session, None)
        if running:
            running.stop.set()
        return running

    def end(self, session: str, running: Running) -> None:
        """Forget a comparison that has come to its end, however it ended."""
        running.stop.set()
        with self._lock:
            if self._running.get(session) is running:
                del self._running[session]
