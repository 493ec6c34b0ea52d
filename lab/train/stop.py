"""Stopping a training in good order."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stopped_by_ctrl_c() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets, for training to save its state and end; a second Ctrl-C ends at once.

    Only in the main thread of a program, where Python takes signals.
    """
    stop = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def ask(number, frame) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
