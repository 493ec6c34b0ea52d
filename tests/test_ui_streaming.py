"""What a viewer and a program get of a comparison that goes wrong, changes while it is read, or is left."""

import errno
import threading
from types import SimpleNamespace

import pytest
from conftest import textured_picture

from lab.degrade import parse
from lab.images import write_png
from lab.ui.app import build
from lab.ui.comparison import Task
from lab.ui.measuring import Measured
from lab.ui.store import ResultStore
from lab.ui.streaming import Streaming, nothing
from lab.ui.turns import network_turn
from lab.ui.view import BROKEN_OFF, SETTLED, status_of

VISITOR = SimpleNamespace(session_hash="visitor")


def until_disk_full(streaming: Streaming, task: Task, monkeypatch, saves: int) -> list[list]:
    """Every update of a comparison whose store can save so many entries and no more."""
    real, left = ResultStore.save, iter(range(saves))

    def save(store: ResultStore, *args, **kwargs):
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(store, *args, **kwargs)

    monkeypatch.setattr(ResultStore, "save", save)
    updates = []
    with pytest.raises(OSError, match="No space left"):
        updates.extend(streaming.follow(task, "", VISITOR))
    return updates


def test_a_disk_that_fills_up_ends_the_comparison_and_the_page_says_so(comparer, task, monkeypatch):
    streaming = Streaming(comparer)
    *_, (view, run, cancel) = until_disk_full(streaming, task, monkeypatch, saves=3)  # the reference, the input, nearest
    assert [pane["state"] for pane in view["panes"]] == ["done", "done", "cancelled", "done"]
    assert view["status"] == {"text": f"1 of 2 done, 1 cancelled. {BROKEN_OFF}", "busy": False, "running": ""}
    assert (run["interactive"], cancel["interactive"]) == (True, False)
    assert not any(cell["measuring"] for pane in view["panes"] for row in pane["figures"].values() for cell in row.values())
    assert streaming.sessions.current("visitor") is None


def test_a_disk_that_is_full_before_there_is_an_input_leaves_the_page_as_it_was(comparer, task, monkeypatch):
    *_, (view, run, cancel) = until_disk_full(Streaming(comparer), task, monkeypatch, saves=0)
    assert view == SETTLED
    assert (run["interactive"], cancel["interactive"]) == (True, False)


def test_the_last_update_has_the_view_once_more_and_lets_run_be_pressed(comparer, task):
    *_, before, (view, run, cancel) = Streaming(comparer).follow(task, "", VISITOR)
    assert view == before[0]
    assert [pane["state"] for pane in view["panes"]] == ["done"] * 4
    assert (run["interactive"], cancel["interactive"]) == (True, False)


def test_a_cancelled_comparison_ends_with_nothing_at_work(comparer, task):
    streaming = Streaming(comparer)
    for updates_before in (1, 4):  # before and after there is an input
        updates = streaming.follow(task, "", VISITOR)
        for _ in range(updates_before):
            next(updates)
        streaming.cancelled(VISITOR)
        [(view, run, cancel)] = updates
        assert {pane["state"] for pane in view["panes"]} <= {"done", "cancelled"}
        assert not (view["status"] or {}).get("busy")
        assert (run["interactive"], cancel["interactive"]) == (True, False)


def test_a_comparison_that_was_replaced_draws_no_more(comparer, task):
    streaming = Streaming(comparer)
    first, second = (streaming.follow(task, "", VISITOR) for _ in range(2))
    next(first)
    next(second)
    assert list(first) == [nothing()]  # Gradio applies the last update twice
    *_, (view, _, _) = second
    assert view["status"]["text"] == "2 of 2 done"


def test_a_comparison_draws_no_more_when_another_has_begun_and_ended_meanwhile(comparer, task):
    streaming = Streaming(comparer)
    first = streaming.follow(task, "", VISITOR)
    next(first)
    list(streaming.follow(task, "", VISITOR))
    assert list(first) == [nothing()]


def test_a_comparison_draws_no_more_when_stored_results_are_shown(comparer, task):
    streaming = Streaming(comparer)
    updates = streaming.follow(task, "", VISITOR)
    next(updates)
    streaming.sessions.show_stored("visitor")
    assert list(updates) == [nothing()]


def test_a_comparison_that_breaks_off_draws_no_more_when_it_was_replaced(comparer, task, monkeypatch):
    streaming = Streaming(comparer)

    def broken(*_):
        yield from comparer.run(task, threading.Event())
        streaming.sessions.show_stored("visitor")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(streaming, "comparer", SimpleNamespace(run=broken))
    updates = []
    with pytest.raises(OSError, match="No space left"):
        updates.extend(streaming.follow(task, "", VISITOR))
    assert updates[-1] == nothing()


def test_the_progress_is_read_while_a_thread_adds_figures(comparer, task):
    *_, comparison = comparer.run(task, threading.Event())

    class Adding(Measured):
        """Figures during whose look another thread adds those of one more pane."""

        state = property(lambda self: comparison.measured.setdefault("late", Measured("done")).state, lambda self, value: None)

    comparison.measured["nearest"] = Adding()
    comparison.measured.pop("bicubic")
    assert status_of(comparison)["text"] == "2 of 2 done"
    assert "late" in comparison.measured


def test_nothing_more_is_computed_for_a_program_that_has_left(comparer, tmp_path, small_models):
    picture = write_png(textured_picture(216, 224), tmp_path / "picture.png")
    compare = next(fn for fn in build("cpu", comparer).fns.values() if fn.api_name == "compare").fn
    before = set(threading.enumerate())
    answers = compare(str(picture), str(parse("x4-bicubic")), ["nearest"])

    def measuring() -> list[threading.Thread]:
        return [one for one in threading.enumerate() if one.name == "measuring" and one not in before]

    while not measuring():
        next(answers)
    with network_turn(threading.Event()):  # so that no figure can be measured
        answers.close()
        for thread in measuring():
            thread.join(5)
        assert measuring() == []


def test_a_program_gets_its_answer_last(comparer, tmp_path):
    picture = write_png(textured_picture(48, 60), tmp_path / "picture.png")
    compare = next(fn for fn in build("cpu", comparer).fns.values() if fn.api_name == "compare").fn
    *early, (files, results) = compare(str(picture), "gaussian:sigma=2", ["nearest"])
    assert early
    assert [result["method"] for result in results] == ["nearest", "input", "reference"]
    assert len(files) == 3
