"""Whose turn it is on the machine: networks and measuring compute one at a time, or the seconds of networks would be untrue.

Networks come first, since pictures are what visitors wait for; measuring takes the pauses between them, one metric at a time.
What is done outside any turn can still cost a network that runs meanwhile a fraction of a second: reading pictures to be
measured, and preparing and writing the gallery's results for the page.
"""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

PATIENCE = 10.0
"""Seconds for which the figures of a pane let networks go first, all their turns together. After that they wait for each turn
like a network, so that a busy machine still measures."""


@dataclass(eq=False)
class _Waiter:
    """Somebody who wants the machine."""

    patient_until: float
    """Until when others may go first, by `time.monotonic`."""


_door = threading.Condition()
"""Held for every look at the two below."""
_waiting: list[_Waiter] = []
"""In order of arrival."""
_holder: _Waiter | None = None
"""Who has the machine."""


def _pass_on() -> None:
    """Hand the machine to the oldest of those who need not let others go first; where there is none, to the oldest of all."""
    global _holder
    now = time.monotonic()
    _holder = next((one for one in _waiting if one.patient_until <= now), _waiting[0] if _waiting else None)
    if _holder is not None:
        _waiting.remove(_holder)
        _door.notify_all()


@contextmanager
def _turn(waiter: _Waiter, stop: threading.Event) -> Iterator[None]:
    try:
        with _door:
            _waiting.append(waiter)
            if _holder is None:
                _pass_on()
            while _holder is not waiter and not stop.is_set():
                _door.wait(0.1)  # not for ever: `stop` wakes nobody
        yield
    finally:
        with _door:
            if _holder is waiter:
                _pass_on()
            else:
                _waiting.remove(waiter)


def network_turn(stop: threading.Event) -> AbstractContextManager[None]:
    """Wait for the machine, giving up when `stop` is set: whoever enters looks at `stop` before computing anything."""
    return _turn(_Waiter(-math.inf), stop)


def measuring_turn(stop: threading.Event, since: float) -> AbstractContextManager[None]:
    """Wait until no network wants the machine, or like a network once PATIENCE has run out; giving up as above.

    Args:
        stop: what ends the waiting.
        since: when the figures of the pane began to wait, by `time.monotonic`.
    """
    return _turn(_Waiter(since + PATIENCE), stop)
