"""The page's parts that need no browser: the store, the address, the ranks, the comparison as it fills."""

import errno
import itertools
import os
import stat
import threading
import time
from dataclasses import fields, replace
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import small_models as stand_ins
from conftest import textured_picture

from lab.degrade import Degradation, parse
from lab.errors import LabError
from lab.images import PictureError, png_bytes, read_picture
from lab.methods import SEVEN
from lab.metrics import CONVENTIONS, METRICS, Figure, measure
from lab.ui import address, comparison, uploads
from lab.ui.api import chosen_methods, task_of_program
from lab.ui.comparison import Comparer, Task
from lab.ui.controls import build_controls, own_picture, set_to, task_of
from lab.ui.folder import FolderError, close_to_others
from lab.ui.sessions import Sessions
from lab.ui.store import ResultStore, key_of
from lab.ui.turns import network_turn
from lab.ui.view import blank_view, figure_text, ranks, seconds_text, sentence, view_of


@pytest.fixture
def store(tmp_path) -> ResultStore:
    return ResultStore(tmp_path / "store", limit=2500, keep_seconds=0)


def age(store: ResultStore, key: str, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(store.folder / key, (then, then))


def test_the_store_gives_back_what_was_saved(store):
    assert store.find("a") is None
    store.save("a", {"x.png": b"123"})
    assert (store.find("a") / "x.png").read_bytes() == b"123"


def test_the_store_drops_what_was_not_asked_for_the_longest(store):
    for i, key in enumerate(("a", "b")):
        store.save(key, {"x": bytes(1000)})
        age(store, key, 100 - i)
    store.find("a")
    store.save("c", {"x": bytes(1000)})
    assert [store.find(key) is not None for key in ("a", "b", "c")] == [True, False, True]


def test_what_a_browser_may_still_be_fetching_stays_up_to_the_ceiling(tmp_path):
    store = ResultStore(tmp_path / "store", limit=10, keep_seconds=60, ceiling=3500)
    for i, key in enumerate("abc"):
        store.save(key, {"x": bytes(1000)})
        age(store, key, 30 - i)
    assert sorted(entry.name for entry in store.folder.iterdir()) == ["a", "b", "c"]
    store.save("d", {"x": bytes(1000)}, shown={"a"})
    assert sorted(entry.name for entry in store.folder.iterdir()) == ["a", "c", "d"]


def test_another_process_may_save_the_same_entry_first(store, monkeypatch):
    real = Path.rename

    def late(unfinished: Path, entry: Path) -> Path:
        entry.mkdir()
        (entry / "x").write_bytes(b"first")
        return real(unfinished, entry)

    monkeypatch.setattr(Path, "rename", late)
    assert (store.save("a", {"x": b"second"}) / "x").read_bytes() == b"first"
    assert [entry.name for entry in store.folder.iterdir()] == ["a"]


def test_an_entry_that_cannot_be_written_leaves_nothing(store, monkeypatch):
    monkeypatch.setattr(Path, "write_bytes", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "disk full")))
    with pytest.raises(OSError, match="disk full"):
        store.save("a", {"x": b"1"})
    assert list(store.folder.iterdir()) == []


def test_results_of_visitors_pictures_leave_by_when_they_were_made(tmp_path):
    store = ResultStore(tmp_path / "store")
    old, new, example = key_of("old", own=True), key_of("new", own=True), key_of("example")
    for key in (old, new, example):
        store.save(key, {"x": b"1"})
    for key in (old, example):
        os.utime(store.folder / key / "x", (0, 0))
        store.find(key)  # asked for just now
    assert store.remove_own(60) == 1
    assert [store.find(key) is not None for key in (old, new, example)] == [False, True, True]


def test_only_results_of_visitors_pictures_are_marked_as_theirs(comparer, task):
    *_, _ = comparer.run(replace(task, example="chelsea"), threading.Event())
    assert not any(entry.name.startswith("own-") for entry in comparer.store.folder.iterdir())
    *_, _ = comparer.run(task, threading.Event())
    assert sum(entry.name.startswith("own-") for entry in comparer.store.folder.iterdir()) >= 8  # four panes and their figures
    assert not comparer.store.remove_own(3600)
    assert comparer.store.remove_own(0) >= 8


def test_the_default_folder_is_closed_to_others(tmp_path, monkeypatch):
    folder = close_to_others(tmp_path / "new")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    assert stat.S_IMODE(close_to_others(folder).stat().st_mode) == 0o700
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "file").write_bytes(b"")
    for other in ("link", "file"):
        with pytest.raises(FolderError, match="is not a folder"):
            close_to_others(tmp_path / other)
    mine = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    with pytest.raises(FolderError, match="belongs to another user"):
        close_to_others(folder)


def test_the_oldest_uploads_beyond_the_budget_are_removed(tmp_path):
    for name in "cab":
        (tmp_path / (name * 64)).mkdir()
        (tmp_path / (name * 64) / "picture.png").write_bytes(bytes(100))
    for i, name in enumerate("cab"):
        os.utime(tmp_path / (name * 64), (time.time() - 100 + i,) * 2)
    assert uploads.remove_old(tmp_path, budget=200) == 1
    assert not (tmp_path / ("c" * 64)).exists()


def test_an_upload_that_was_removed_is_asked_for_again(tmp_path):
    with pytest.raises(LabError, match="removed after 6 hours: upload it again"):
        own_picture(str(tmp_path / "gone.png"), "own")


def test_the_first_of_two_equal_entries_stays(store):
    store.save("a", {"x": b"first"})
    store.save("a", {"x": b"second"})
    assert (store.find("a") / "x").read_bytes() == b"first"
    assert [entry.name for entry in store.folder.iterdir()] == ["a"]


def test_keys_differ_when_any_part_differs():
    keys = {key_of("a", "bc"), key_of("ab", "c"), key_of("a", "bc", None), key_of("a", "bc", "None")}
    assert len(keys) == 4


def test_old_uploads_are_removed_and_nothing_else(tmp_path):
    old, new, other = tmp_path / ("a" * 64), tmp_path / ("b" * 64), tmp_path / "results"
    for folder in (old, new, other):
        folder.mkdir()
        (folder / "picture.png").write_bytes(b"1")
    for folder in (old, other):
        os.utime(folder, (0, 0))
    assert uploads.remove_old(tmp_path) == 1
    assert [folder.exists() for folder in (old, new, other)] == [False, True, True]


@pytest.mark.parametrize(
    ("degradation", "output"),
    [
        (Degradation("motion", 12.5, noise=3, jpeg=50, seed=9), "same"),
        (Degradation("x4-bicubic"), "same"),
        (None, "same"),
        (None, "x4"),
    ],
)
def test_an_address_is_read_as_it_was_written(degradation, output):
    from urllib.parse import parse_qsl

    text = address.write("chelsea", degradation, output, ("nearest", "srgan"))
    read = address.read(dict(parse_qsl(text[1:])))
    assert (read.picture, read.degradation, read.output, read.methods) == ("chelsea", degradation, output, ("nearest", "srgan"))
    assert read.complaints == []


def test_nonsense_in_an_address_becomes_complaints_and_defaults():
    read = address.read({"picture": "x", "blur": "fog", "methods": "y"})
    assert len(read.complaints) == 3
    assert (read.picture, read.degradation, read.methods) == (*_defaults(),)


def _defaults() -> tuple:
    plain = address.read({})
    assert plain.complaints == []
    return plain.picture, plain.degradation, plain.methods


def test_the_best_two_are_ranked_by_what_is_written():
    figures = {key: Figure(value, "sr") for key, value in {"a": 30.001, "b": 30.002, "c": 29.5, "d": 10.0, "e": None}.items()}
    assert ranks("psnr", figures) == {"a": 1, "b": 1, "c": 2}
    assert ranks("gmsd", figures) == {"d": 1, "c": 2}
    assert ranks("psnr", {"a": figures["a"]}) == {}


def test_infinite_and_missing_figures_have_texts():
    assert figure_text("psnr", Figure(float("inf"), "sr")) == "∞"
    assert figure_text("psnr", Figure(None, "sr", why_not="no reference")) == "–"
    assert [seconds_text(s) for s in (0.0042, 0.357, 1.24, 84.3)] == ["0.004", "0.36", "1.2", "84"]
    assert sentence("give a number") == "Give a number."


def snapshots(comparer: Comparer, task: Task, stop: threading.Event | None = None) -> list[dict[str, str]]:
    return [{m: p.state for m, p in c.panes.items()} for c in comparer.run(task, stop or threading.Event())]


def test_panes_fill_one_by_one_and_come_from_the_store_the_second_time(comparer, task):
    first = snapshots(comparer, task)
    assert first[0] == {"nearest": "waiting", "bicubic": "waiting"}
    assert any(seen["nearest"] == "done" and seen["bicubic"] != "done" for seen in first)
    assert first[-1] == {"nearest": "done", "bicubic": "done"}
    assert snapshots(comparer, task) == [first[-1]]


def test_an_entry_that_lost_a_file_is_made_anew(comparer, task):
    *_, last = comparer.run(task, threading.Event())
    last.panes["bicubic"].entry.files()["gradient"].unlink()
    (last.input.folder / "facts.json").unlink()
    *_, again = comparer.run(task, threading.Event())
    assert again.panes["bicubic"].entry.files()["gradient"].exists()
    assert again.input.facts == last.input.facts


def test_a_stopped_comparison_keeps_what_is_done(comparer, task):
    stop, states = threading.Event(), []
    for seen in comparer.run(task, stop):
        states = [pane.state for pane in seen.panes.values()]
        if states[0] == "done":
            stop.set()
    assert states == ["done", "cancelled"]


def test_a_comparison_waits_for_its_turn_and_can_be_cancelled_meanwhile(comparer, task):
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with network_turn(threading.Event()):  # another visitor's method is running
        assert set(snapshots(comparer, task, stop)[-1].values()) == {"cancelled"}
    assert set(snapshots(comparer, task)[-1].values()) == {"done"}


def test_a_comparison_that_nobody_follows_any_more_keeps_nobody_waiting(comparer, task):
    left_hanging = comparer.run(task, threading.Event())
    while next(left_hanging).panes["nearest"].state == "waiting":
        pass
    other = Task(task.source, Degradation("gaussian", 2.0), ("nearest",), device="cpu")
    assert snapshots(comparer, other)[-1] == {"nearest": "done"}
    left_hanging.close()


def test_a_picture_that_cannot_be_used_is_refused_before_anything_is_shown(comparer):
    states = comparer.run(Task(b"rubbish", None, ("nearest",)), threading.Event())
    assert next(states).input is None
    with pytest.raises(PictureError):
        next(states)


@pytest.mark.parametrize(("side", "output"), [(3500, "same"), (900, "x4")])
def test_a_picture_beyond_the_pages_limit_is_sent_to_the_command_line(comparer, side, output):
    flat = np.zeros((side, side, 3), np.uint8)
    with pytest.raises(PictureError, match=r"12-megapixel limit.*command line takes up to 40"):
        list(comparer.run(Task(png_bytes(flat), None, ("nearest",), output), threading.Event()))


def test_the_page_says_that_it_prepares_before_it_does(comparer, task):
    states = comparer.run(task, threading.Event())
    assert view_of(next(states))["status"] == {"text": "preparing the picture", "busy": True, "running": ""}
    assert list(comparer.store.folder.iterdir()) == []
    assert len(view_of(next(states))["panes"]) == 4
    states.close()


def test_who_is_cancelled_while_waiting_prepares_nothing(comparer, task, monkeypatch):
    *_, _ = comparer.run(Task(task.source, task.degradation, ("nearest",), device="cpu"), threading.Event())
    reads = []
    monkeypatch.setattr(comparison, "read_picture", lambda *args, **kwargs: reads.append(args))
    for other in (task, Task(task.source, None, ("nearest",), device="cpu")):  # its input is in the store, and is not
        stop = threading.Event()
        threading.Timer(0.3, stop.set).start()
        with network_turn(threading.Event()):
            assert "cancelled" in snapshots(comparer, other, stop)[-1].values()
    time.sleep(0.3)
    assert reads == []


def test_a_second_run_of_a_visitor_silences_the_first(comparer, task):
    sessions = Sessions()
    first = sessions.start("visitor")
    seen = sessions.follow("visitor", first, comparer.run(task, first.stop))
    next(seen)
    second = sessions.start("visitor")
    later = sessions.follow("visitor", second, comparer.run(task, second.stop))
    next(later)
    assert list(seen) == []
    assert first.stop.is_set()
    assert sessions.current("visitor") is second
    *_, last = later
    assert {pane.state for pane in last.panes.values()} == {"done"}
    assert sessions.current("visitor") is None


def test_a_view_has_a_pane_for_the_input_each_method_and_the_reference(comparer, task):
    *_, last = comparer.run(task, threading.Event())
    view = view_of(last)
    assert [pane["key"] for pane in view["panes"]] == ["input", "nearest", "bicubic", "reference"]
    assert [pane["key"] for pane in blank_view(task.methods, (60, 48))["panes"]] == ["input", "nearest", "bicubic", "reference"]
    assert view["size"] == [60, 48]
    assert all(set(pane["images"]) >= {"picture", "gradient", "difference"} for pane in view["panes"])
    assert np.all(np.array(view["spot"]) < view["size"])


def test_a_seed_that_draws_nothing_is_dropped():
    def seed(text: str) -> int:
        return Task(b"", parse(text), ("nearest",)).degradation.seed

    assert [seed(f"{blur},seed=7") for blur in ("gaussian:sigma=2", "gaussian:sigma=2,noise=1", "motion:length=9")] == [0, 7, 7]
    assert seed("x4-bicubic:seed=7") == 0


@pytest.mark.parametrize(
    ("blur", "seed_shown"),
    [
        ("gaussian:sigma=2", False),
        ("x4-bicubic:noise=80,jpeg=99", True),
        ("motion:length=9", True),
        ("defocus:noise=2.5,jpeg=1", True),
    ],
)
def test_an_address_sets_controls_that_can_hold_it(blur, seed_shown):
    with gr.Blocks():
        components = build_controls()
    asked = address.read({"blur": blur})
    updates = dict(zip([field.name for field in fields(components)], set_to(asked), strict=True))
    assert components.noise.minimum <= updates["noise"] <= components.noise.maximum
    assert components.jpeg.minimum <= updates["jpeg"] <= components.jpeg.maximum
    assert updates["seed"]["visible"] is seed_shown
    strengths = [updates[kind]["value"] for kind in ("gaussian", "motion", "defocus")]
    task = task_of(
        "cpu", "chelsea", None, "sharp", asked.degradation.kind, *strengths, 0, updates["noise"], updates["jpeg"], "same", ["ibp"]
    )
    assert task.degradation == asked.degradation


@pytest.mark.parametrize("methods", [5, [["bicubic"]], {"a": 1}, [None], True, "magic", ["bicubic", "x" * 1000]])
def test_methods_that_make_no_sense_are_one_sentence(methods):
    with pytest.raises(LabError) as refusal:
        chosen_methods(methods)
    assert len(str(refusal.value)) < 400


def test_methods_come_in_display_order_from_a_list_or_a_text():
    assert chosen_methods(["bicubic", "nearest"]) == chosen_methods("bicubic, nearest") == ("nearest", "bicubic")
    assert chosen_methods(None) == chosen_methods([]) == chosen_methods("") == SEVEN


def test_a_program_must_send_a_picture_and_a_blur(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(LabError, match="no picture"):
        task_of_program(None, "x4-bicubic", None, "cpu")
    with pytest.raises(LabError, match="blur must be a text"):
        task_of_program(str(tmp_path / "a.png"), None, None, "cpu")


# Figures


@pytest.fixture
def large_task() -> Task:
    """Large enough for every metric."""
    return Task(png_bytes(textured_picture(216, 224)), parse("x4-bicubic"), ("nearest", "bicubic"), device="cpu")


def missing(comparison_: comparison.Comparison, pane: str) -> set[str]:
    """Metrics of a pane without a figure yet, in `sr`."""
    return set(METRICS) - set(comparison_.measured[pane].figures["sr"]) if pane in comparison_.measured else set(METRICS)


def test_a_picture_is_shown_before_it_is_measured_and_figures_fill_in(comparer, large_task, small_models):
    open_figures = []
    for seen in comparer.run(large_task, threading.Event()):
        if seen.panes["nearest"].state == "done":
            open_figures.append(missing(seen, "nearest"))
    assert "niqe" in open_figures[0]
    assert open_figures[-1] == set()
    assert all(later <= earlier for earlier, later in itertools.pairwise(open_figures))


def test_every_figure_on_the_page_is_that_of_the_picture_shown(comparer, large_task, small_models):
    *_, last = comparer.run(large_task, threading.Event())
    sharp = read_picture(large_task.source)
    for method in large_task.methods:
        shown = read_picture(last.panes[method].entry.files()["picture"])
        for convention in CONVENTIONS:
            figures = last.measured[method].figures[convention]
            assert figures == {key: measure(key, shown, sharp, convention) for key in METRICS}


def test_figures_come_from_the_store_the_second_time(comparer, large_task, small_models, monkeypatch):
    *_, first = comparer.run(large_task, threading.Event())
    monkeypatch.setattr("lab.ui.measuring.Measurement", None)
    (again,) = comparer.run(large_task, threading.Event())
    for pane, measured in first.measured.items():
        assert again.measured[pane] == measured
        assert measured.distance.exists()


def test_figures_are_measured_anew_when_an_official_file_arrives_and_pictures_are_not_made_anew(
    comparer, large_task, small_models, monkeypatch
):
    *_, before = comparer.run(large_task, threading.Event())
    for key in ("niqe", "ma"):
        stand_ins.write_official(key)
    monkeypatch.setattr(comparison.compare, "compare", None)
    *_, after = comparer.run(large_task, threading.Event())
    names = [[column["name"] for column in view_of(one)["metrics"]] for one in (before, after)]
    assert [{"NIQE-lab", "Ma-lab", "PI-lab"} <= set(row) for row in names] == [True, False]
    assert {"NIQE", "Ma", "PI", "LPIPS-lab"} <= set(names[1])
    assert after.panes["bicubic"].entry == before.panes["bicubic"].entry
    variants = {one.variant for row in after.measured["bicubic"].figures.values() for one in row.values()}
    assert variants == {"", "official", "lab"}
    assert after.measured["bicubic"].figures["sr"]["pi"].variant == "official"


def test_figures_that_were_not_measured_before_cancel_say_so(comparer, large_task, small_models):
    stop = threading.Event()
    for seen in comparer.run(large_task, stop):
        if all(pane.state == "done" for pane in seen.panes.values()):
            stop.set()
    assert {pane.state for pane in seen.panes.values()} == {"done"}
    cells = next(pane for pane in view_of(seen)["panes"] if pane["key"] == "bicubic")["figures"]["rgb"]
    assert cells["niqe"]["text"] == "–"
    assert cells["niqe"]["why"] == "Cancelled before it was measured."
    assert not view_of(seen)["status"]["busy"]


def test_while_figures_are_measured_run_can_be_pressed_and_the_page_says_what_goes_on(comparer, large_task, small_models):
    said = []
    for seen in comparer.run(large_task, threading.Event()):
        view = view_of(seen)
        if seen.has_all_pictures() and view["status"]["busy"]:
            said.append(view["status"]["text"])
            measuring = [cell for pane in view["panes"] for row in pane["figures"].values() for cell in row.values()]
            assert any(cell["measuring"] for cell in measuring)
    assert said
    assert set(said) == {"2 of 2 done, measuring"}
    assert view_of(seen)["status"]["text"] == "2 of 2 done"


def test_the_reference_has_figures_where_none_is_needed_and_the_small_input_has_reasons(comparer, large_task, small_models):
    *_, last = comparer.run(large_task, threading.Event())
    reference, given = (last.measured[pane].figures["sr"] for pane in ("reference", "input"))
    assert all((reference[key].value is None) == METRICS[key].needs_reference for key in METRICS)
    assert all("quarter" in figure.why_not for figure in given.values())


def test_a_comparison_without_a_reference_measures_what_needs_none(comparer, small_models):
    task = Task(png_bytes(textured_picture(216, 224)), None, ("nearest",), device="cpu")
    *_, last = comparer.run(task, threading.Event())
    for pane in ("input", "nearest"):
        assert all((one.value is None) == METRICS[key].needs_reference for key, one in last.measured[pane].figures["sr"].items())
        assert last.measured[pane].distance is None


def test_the_psnr_of_a_result_comes_with_the_three_others_of_the_same_pixels(comparer, large_task, small_models):
    *_, last = comparer.run(large_task, threading.Event())
    cell = next(pane for pane in view_of(last)["panes"] if pane["key"] == "bicubic")["figures"]["sr"]["psnr"]
    assert cell["note"].count(" dB") == 4
    assert cell["text"] in cell["note"]


def test_the_distance_map_is_black_where_nothing_differs(comparer, large_task, small_models):
    *_, last = comparer.run(large_task, threading.Event())
    assert read_picture(last.measured["reference"].distance).max() < 8
    assert read_picture(last.measured["nearest"].distance).shape == (216, 224, 3)


def test_the_page_names_the_command_for_official_files_until_they_are_there(small_models):
    hint = blank_view(("nearest",), (60, 48))["models_hint"]
    assert hint.startswith("LPIPS-lab, NIQE-lab, Ma-lab, PI-lab: the lab's own models")
    assert "python -m lab weights fetch all" in hint
    for key in ("niqe", "ma", "alexnet"):
        stand_ins.write_official(key)
    assert blank_view(("nearest",), (60, 48))["models_hint"] == ""


def test_a_fault_of_a_metric_is_a_reason_in_its_cells_alone_and_is_not_kept(
    comparer, large_task, small_models, monkeypatch, caplog
):
    with monkeypatch.context() as patch:
        patch.setattr("lab.metrics.niqe.distance", lambda *_: 1 / 0)
        *_, last = comparer.run(large_task, threading.Event())
    figure = last.measured["bicubic"].figures["sr"]["niqe"]
    assert figure.value is None
    assert "foresaw" in figure.why_not
    assert "ZeroDivisionError" in caplog.text
    assert last.measured["bicubic"].figures["sr"]["psnr"].value is not None
    assert last.measured["bicubic"].figures["sr"]["ma"].value is not None
    *_, again = comparer.run(large_task, threading.Event())
    assert again.measured["bicubic"].figures["sr"]["niqe"].value is not None
