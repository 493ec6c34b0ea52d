"""Whose turn it is on the machine: networks and measuring never compute at once, or their seconds would be untrue.

Networks come first, since pictures are what visitors wait for; measuring takes the pauses between them, one metric at a time.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 10.0
"""Seconds after which measuring waits for its turn like a network, so that a busy machine still measures."""

_one_at_a_time = threading.Lock()
_counting = threading.Lock()
_networks = 0
"""How many networks compute or wait for their turn."""


def _count(change: int) -> None:
    global _networks
    with _counting:
        _networks += change


@contextmanager
def network_turn(stop: threading.Event) -> Iterator[None]:
    """Wait for the machine, giving up when `stop` is set: whoever enters looks at `stop` before computing anything."""
    held = False
    _count(1)
    try:
        while not held and not stop.is_set():
            held = _one_at_a_time.acquire(timeout=0.1)
        yield
    finally:
        _count(-1)
        if held:
            _one_at_a_time.release()


@contextmanager
def measuring_turn(stop: threading.Event) -> Iterator[None]:
    """Wait until no network wants the machine, or PATIENCE has run out; giving up when `stop` is set, as above."""
    held, began = False, time.monotonic()
    while not held and not stop.is_set():
        if _networks == 0 or time.monotonic() - began >= PATIENCE:
            held = _one_at_a_time.acquire(timeout=0.1)
        else:
            stop.wait(0.02)
    try:
        yield
    finally:
        if held:
            _one_at_a_time.release()
