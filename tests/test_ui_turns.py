"""Whose turn it is on the machine, and what is done without one: real threads that want it at once."""

import itertools
import threading
import time
from collections.abc import Callable

import pytest
from conftest import textured_picture

from lab.degrade import parse
from lab.images import png_bytes, write_png
from lab.metrics import METRICS, Measurement
from lab.metrics.models import current
from lab.ui import app, measuring, turns
from lab.ui.comparison import REFERENCE, Task
from lab.ui.measuring import Measurer
from lab.ui.store import ResultStore
from lab.ui.turns import measuring_turn, network_turn

SECONDS = 20
"""After which a test gives up waiting for a thread."""


@pytest.fixture
def task() -> Task:
    """Large enough for every metric."""
    return Task(png_bytes(textured_picture(216, 224)), parse("x4-bicubic"), ("nearest",), device="cpu")


@pytest.fixture
def order() -> list[str]:
    return []


def started(work: Callable, *args) -> threading.Thread:
    thread = threading.Thread(target=work, args=args, daemon=True)
    thread.start()
    return thread


def compute(name: str, order: list[str], times: int = 1) -> None:
    """A comparison's networks: one turn after the other without a pause."""
    for _ in range(times):
        with network_turn(threading.Event()):
            order.append(name)
            time.sleep(0.02)


def waiting_now() -> int:
    with turns._door:
        return len(turns._waiting)


def until(condition: Callable[[], bool]) -> bool:
    """Whether something becomes true in time."""
    end = time.monotonic() + SECONDS
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def test_networks_compute_in_the_order_they_came_and_the_last_cannot_overtake(order):
    with network_turn(threading.Event()):
        threads = []
        for number, name in enumerate("abc"):
            threads.append(started(compute, name, order, 3))
            assert until(lambda number=number: waiting_now() == number + 1)
    for thread in threads:
        thread.join(SECONDS)
    assert order == list("abcabcabc")


def test_measuring_lets_networks_go_first(order):
    def measure() -> None:
        with measuring_turn(threading.Event(), time.monotonic()):
            order.append("measured")

    with network_turn(threading.Event()):
        threads = [started(measure)]
        assert until(lambda: waiting_now() == 1)
        threads += [started(compute, name, order) for name in "ab"]
        assert until(lambda: waiting_now() == 3)
    for thread in threads:
        thread.join(SECONDS)
    assert sorted(order[:2]) == ["a", "b"]
    assert order[2:] == ["measured"]


def test_networks_that_never_pause_delay_the_figures_of_a_pane_once_and_not_every_figure(order, monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE", 1.0)
    over = threading.Event()

    def keep_computing(name: str) -> None:
        while not over.is_set():
            compute(name, order)

    threads = [started(keep_computing, name) for name in "abc"]
    assert until(lambda: {"a", "b", "c"} <= set(order))
    since = time.monotonic()
    for _ in range(10):
        with measuring_turn(threading.Event(), since):
            order.append("measured")
    over.set()
    for thread in threads:
        thread.join(SECONDS)
    at = [i for i, what in enumerate(order) if what == "measured"]
    assert at[0] > 5  # networks went first while there was patience
    assert max(later - earlier for earlier, later in itertools.pairwise(at)) <= 7  # then a turn or two of each stream between


def test_who_gives_up_waiting_keeps_nobody_waiting(order):
    stop = threading.Event()

    def give_up() -> None:
        with network_turn(stop):
            order.append("stopped" if stop.is_set() else "computed")

    with network_turn(threading.Event()):
        thread = started(give_up)
        assert until(lambda: waiting_now() == 1)
        stop.set()
        thread.join(SECONDS)
        assert order == ["stopped"]
    compute("next", order)
    assert order == ["stopped", "next"]


def test_cells_of_the_reference_that_need_no_measuring_are_there_while_a_network_runs(comparer, tmp_path, small_models):
    sharp = write_png(textured_picture(216, 224), tmp_path / "sharp.png")
    stop = threading.Event()
    measurer = Measurer(comparer.store, current(), sharp, (), stop, lambda: None, lambda: None)
    with network_turn(threading.Event()):
        measured = measurer.add("figures", sharp, "reference")
        needing = {key for key in measuring.columns() if METRICS[key].needs_reference}
        assert until(lambda: set(measured.figures["sr"]) == needing)
        stop.set()


def test_a_turn_is_taken_for_nothing_that_needs_no_computing(comparer, task, small_models, monkeypatch):
    taken: list[list[str]] = []
    real_turn, real_figure, real_map = measuring.measuring_turn, Measurement.figure, measuring.distance_picture

    def turn(stop: threading.Event, since: float):
        taken.append([])
        return real_turn(stop, since)

    def figure(measurement: Measurement, key: str):
        if taken:
            taken[-1].append(key)
        return real_figure(measurement, key)

    def draw(distances):
        taken[-1].append("map")
        return real_map(distances)

    monkeypatch.setattr(measuring, "measuring_turn", turn)
    monkeypatch.setattr(Measurement, "figure", figure)
    monkeypatch.setattr(measuring, "distance_picture", draw)
    *_, last = comparer.run(task, threading.Event())
    assert last.measured[REFERENCE].figures["rgb"].keys() == set(measuring.columns())
    assert ["map"] in taken
    assert ["ma", "pi"] in taken
    assert [] not in taken
    assert ["pi"] not in taken


def test_figures_that_another_comparison_measured_meanwhile_are_taken_over(tmp_path, small_models, monkeypatch):
    sharp = write_png(textured_picture(216, 224), tmp_path / "sharp.png")
    stores = [ResultStore(tmp_path / name) for name in ("first", "second")]
    ended = [threading.Event(), threading.Event()]
    first, second = (
        Measurer(store, current(), None, (), threading.Event(), lambda: None, end.set)
        for store, end in zip(stores, ended, strict=True)
    )
    known = first.add("figures", sharp)
    first.close()
    assert ended[0].wait(SECONDS)

    asked, real = [], Measurement.figure
    monkeypatch.setattr(Measurement, "figure", lambda self, key: asked.append(key) or real(self, key))
    with network_turn(threading.Event()):
        late = second.add("figures", sharp)
        assert until(lambda: waiting_now() == 1)  # for the turn of its first step that computes anything
        kept = {file.name: file.read_bytes() for file in stores[0].find("figures").iterdir()}
        stores[1].save("figures", kept)
    second.close()
    assert ended[1].wait(SECONDS)
    assert late == known
    assert asked.count("niqe") == 1  # of one convention; the store had the other


def test_the_opening_comparison_gives_way_to_the_first_that_is_asked_for(comparer, task, monkeypatch):
    monkeypatch.setattr(app, "opening_task", lambda device: task)
    with network_turn(threading.Event()):
        app.warm(comparer, "cpu")
        warming = next(thread for thread in threading.enumerate() if thread.name == "opening comparison")
        assert until(lambda: waiting_now() == 1)
        asked = comparer.run(task, threading.Event())
        next(asked)
        warming.join(SECONDS)
        assert not warming.is_alive()
    *_, last = asked
    assert last.panes["nearest"].state == "done"


def test_the_opening_comparison_is_done_where_nobody_asks(comparer, task, monkeypatch):
    monkeypatch.setattr(app, "opening_task", lambda device: task)
    app.warm(comparer, "cpu")
    next(thread for thread in threading.enumerate() if thread.name == "opening comparison").join(SECONDS)
    assert next(comparer.run(task, threading.Event())).panes["nearest"].state == "done"
