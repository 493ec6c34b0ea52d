"""lab.train.queue: recipes in order, budgets of minutes, stopping, resuming, failing."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch
import yaml
from conftest import ROOT
from safetensors.torch import load_file
from typer.testing import CliRunner

from lab.cli import app
from lab.train.pictures import Source
from lab.train.queue import main, standing
from lab.train.recipe import RECIPES, read
from lab.train.trainer import Stopped, train


@pytest.fixture
def recipe(tmp_path):
    """A maker of small recipes; gives the path of the YAML file."""

    def make(name, **changes):
        about = yaml.safe_load((RECIPES / "espcn.yaml").read_text()) | {"name": name}
        shipped = {"patch": 32, "batch": 2, "learning_rate": changes.pop("learning_rate", 1e-3)}
        about["shipped"] |= shipped
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(about | changes))
        return path

    return make


@pytest.fixture
def queue(picture_folder, tmp_path):
    """The command, with pictures and a folder for the runs."""

    def run(*words):
        return main([*map(str, words), "--data", str(picture_folder), "--out", str(tmp_path / "runs"), "--device", "cpu"])

    return run


def last_row(folder):
    with (folder / "losses.csv").open() as file:
        return list(csv.DictReader(file))[-1]


def test_recipes_run_in_order_and_finished_ones_are_skipped(queue, recipe, tmp_path, capsys):
    words = [f"{recipe('first')}:0.01", f"{recipe('second', start_from='first')}:0.01"]
    assert queue(*words) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in said[:4]] == [
        "first: begins",
        "first: finished",
        "second: begins",  # from the first one's weights, which lie in the queue's folder alone
        "second: finished",
    ]
    for name, line in zip(("first", "second"), said[-2:], strict=True):
        row = last_row(tmp_path / "runs" / name)
        assert line.split()[:3] == [name, "finished", row["step"]]
        assert line.split()[-1] == f"{float(row['validation_psnr']):.2f}"
    files = [tmp_path / "runs" / name / f"{name}.safetensors" for name in ("first", "second")]
    before = [file.stat().st_mtime_ns for file in files]
    assert queue(*words) == 0
    assert capsys.readouterr().out.count("finished before") == 2
    assert [file.stat().st_mtime_ns for file in files] == before


def test_two_trainings_that_make_one_checkpoint_have_a_folder_each(queue, tmp_path, monkeypatch, capsys):
    """The names that queue trains under are those of train: first/resg and resg."""
    trained = []

    def instead(recipe, source, out, **_):
        trained.append((recipe, out.name))
        raise Stopped("enough")

    monkeypatch.setattr("lab.train.queue.train", instead)
    assert queue("first/resg:1", "resg:1") == 130
    assert trained == [(read("first/resg"), "first-resg"), (read("resg"), "resg")]
    table = capsys.readouterr().out.partition("recipe ")[2].splitlines()
    assert [line.split()[:2] for line in table[1:3]] == [["first-resg", "stopped"], ["resg", "stopped"]]


def test_a_larger_budget_goes_on_with_a_finished_run(queue, recipe, tmp_path, capsys):
    path = recipe("first")
    assert queue(f"{path}:0.01") == 0
    steps = int(last_row(tmp_path / "runs" / "first")["step"])
    assert queue(f"{path}:0.02") == 0
    assert f"first: goes on after {steps} steps" in capsys.readouterr().out
    assert int(last_row(tmp_path / "runs" / "first")["step"]) > steps


def test_a_failing_recipe_is_reported_and_the_next_one_runs(queue, recipe, tmp_path, capsys):
    words = [
        f"{recipe('wild', learning_rate=1e30)}:0.5",
        f"{recipe('orphan', start_from='never-trained')}:0.01",
        f"{recipe('good')}:0.01",
    ]
    assert queue(*words) == 1
    said = capsys.readouterr().out
    assert "wild: failed: training diverged by step" in said
    assert "orphan: failed: this recipe starts from never-trained.safetensors, which is not there" in said
    assert "good: finished" in said
    assert standing(tmp_path / "runs" / "good", read(tmp_path / "good.yaml")).finished(0.01)
    assert [line.split()[1] for line in said.splitlines()[-3:]] == ["failed", "failed", "finished"]


def test_a_fault_of_the_lab_in_one_recipe_does_not_stop_the_others(queue, recipe, capsys, caplog, monkeypatch):
    def faulty(recipe, *args, **kwargs):
        if recipe.name == "first":
            raise ZeroDivisionError("a fault")
        return train(recipe, *args, **kwargs)

    monkeypatch.setattr("lab.train.queue.train", faulty)
    assert queue(f"{recipe('first')}:0.01", f"{recipe('second')}:0.01") == 1
    said = capsys.readouterr().out
    assert "first: failed by a fault of the lab" in said
    assert "second: finished" in said
    assert "ZeroDivisionError: a fault" in caplog.text


def test_the_time_of_the_whole_queue_ends_it_and_the_same_command_finishes_it(queue, recipe, tmp_path, capsys):
    words = [f"{recipe('first')}:0.04", f"{recipe('second')}:0.01"]
    assert queue(*words, "--minutes", "0.02") == 0
    said = capsys.readouterr().out
    assert "first: stopped and saved" in said
    assert [line.split()[1] for line in said.splitlines() if line.startswith(("first ", "second "))] == ["stopped", "waiting"]
    assert "the time is over; the same command goes on from here" in said
    assert not (tmp_path / "runs" / "first" / "first.safetensors").exists()
    assert queue(*words) == 0
    assert "first: goes on after" in capsys.readouterr().out
    assert float(last_row(tmp_path / "runs" / "first")["seconds"]) >= 2.4


def test_ctrl_c_saves_and_says_how_to_go_on(queue, recipe, tmp_path, capsys):
    words = [f"{recipe('first')}:5", f"{recipe('second')}:5"]

    def press():
        curve = tmp_path / "runs" / "first" / "losses.csv"
        while not curve.exists() or curve.read_text().count("\n") < 3:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    threading.Thread(target=press, daemon=True).start()
    assert queue(*words) == 130
    assert signal.getsignal(signal.SIGINT) is before
    said = capsys.readouterr().out
    assert "first: stopped and saved" in said
    assert "stopped; the same command goes on from here" in said
    assert (tmp_path / "runs" / "first" / "state").is_dir()
    assert not (tmp_path / "runs" / "second").exists()


def test_a_run_stopped_in_good_order_resumes_to_the_very_weights_of_an_unbroken_one(recipe, picture_folder, tmp_path):
    class AfterFiveSteps(threading.Event):
        asked = 0

        def is_set(self):
            self.asked += 1
            return self.asked > 5

    chosen, source = read(recipe("first")), Source(picture_folder)
    whole = train(chosen, source, tmp_path / "whole", steps=12, cpu=True)
    with pytest.raises(Stopped, match=r"stopped after step 5, saved .* --resume"):
        train(chosen, source, tmp_path / "broken", steps=12, cpu=True, stop=AfterFiveSteps())
    broken = train(chosen, source, tmp_path / "broken", steps=12, cpu=True, resume=True)
    expected, resumed = load_file(whole), load_file(broken)
    assert expected.keys() == resumed.keys()
    for name in expected:
        assert torch.equal(expected[name], resumed[name]), name


def test_finished_weights_are_shipped_when_asked_for(queue, recipe, tmp_path, monkeypatch):
    shelf = tmp_path / "checkpoints"
    monkeypatch.setattr("lab.train.trainer.CHECKPOINTS", shelf)
    monkeypatch.setattr("lab.tapes.FOLDER", tmp_path / "tapes")
    words = [f"{recipe('first')}:0.01"]
    assert queue(*words) == 0
    assert not shelf.exists()
    assert queue(*words, "--ship") == 0  # also what was finished before
    assert (shelf / "first.safetensors").read_bytes() == (tmp_path / "runs" / "first" / "first.safetensors").read_bytes()
    assert (shelf / "first.json").is_file()
    assert (tmp_path / "tapes" / "first" / "tape.json").is_file()


def test_fresh_weights_of_the_queue_come_before_shipped_ones(queue, recipe, tmp_path, monkeypatch, capsys):
    shelf = tmp_path / "checkpoints"
    shelf.mkdir()
    (shelf / "first.safetensors").write_text("no weights at all: whoever starts from them fails")
    monkeypatch.setattr("lab.train.trainer.CHECKPOINTS", shelf)
    second = recipe("second", start_from="first")
    assert queue(f"{second}:0.01") == 1
    shutil.rmtree(tmp_path / "runs", ignore_errors=True)
    assert queue(f"{recipe('first')}:0.01", f"{second}:0.01") == 0


def test_a_run_of_a_recipe_that_was_changed_since_is_not_gone_on_with(queue, recipe, capsys):
    assert queue(f"{recipe('first')}:0.01") == 0
    assert queue(f"{recipe('first', title='Another')}:0.02") == 1
    assert "from before the recipe was changed: move it away" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["espcn"], "'espcn' is not RECIPE:MINUTES"),
        (["espcn:soon"], "'espcn:soon' is not RECIPE:MINUTES"),
        (["espcn:-1"], "'espcn:-1' is not RECIPE:MINUTES"),
        (["espcn:1", "edsr:1"], "there is no recipe 'edsr'"),
        (["espcn:1", "espcn:2"], "a recipe is named twice"),
        (["espcn:1", "--minutes", "0"], "--minutes must be a number above 0"),
        (["espcn:1", "--minutes", "inf"], "--minutes must be a number above 0"),
        (["espcn:1", "srcnn:1", "--split", "no-such-file"], "--split 'no-such-file' is neither shares"),
        (["espcn:1", "--pairs", "pairs"], "either --data"),
    ],
)
def test_wrong_words_get_one_sentence_before_anything_is_trained(queue, tmp_path, capsys, words, sentence):
    assert queue(*words) == 2
    said = capsys.readouterr()
    assert said.err.startswith("lab: ")
    assert sentence in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_pairs_for_a_network_that_takes_none_are_said_before_anything_runs(tmp_path, capsys):
    assert main(["srnet:1", "espcn:1", "--pairs", str(tmp_path), "--out", str(tmp_path / "runs")]) == 2
    assert "espcn enlarges four times, which pairs of one size cannot teach" in capsys.readouterr().err


def test_a_broken_curve_ends_neither_the_queue_nor_its_run(queue, recipe, tmp_path, capsys):
    first = recipe("first")
    assert queue(f"{first}:0.01") == 0
    with (tmp_path / "runs" / "first" / "losses.csv").open("a") as file:
        file.write("12,soon")
    assert queue(f"{first}:0.01", f"{recipe('second')}:0.01") == 0
    said = capsys.readouterr().out
    assert "first: finished before" in said
    assert "second: finished" in said


def test_weights_older_than_the_curve_are_not_taken_for_finished_ones(queue, recipe, tmp_path):
    first = recipe("first")
    assert queue(f"{first}:0.01") == 0
    folder = tmp_path / "runs" / "first"
    assert standing(folder, read(first)).exported
    card = json.loads((folder / "first.json").read_text())
    (folder / "first.json").write_text(json.dumps(card | {"steps": card["steps"] - 1}))
    assert not standing(folder, read(first)).exported


def test_pictures_that_are_not_there_are_said_once(recipe, tmp_path, capsys):
    assert main([f"{recipe('first')}:1", f"{recipe('second')}:1", "--data", str(tmp_path / "gone")]) == 2
    assert capsys.readouterr().err.count("there is nothing at") == 1


def test_python_m_lab_queue_is_the_same_command(recipe, picture_folder, tmp_path):
    run = CliRunner().invoke
    assert "RECIPE:MINUTES" in run(app, ["queue", "--help"]).stdout
    assert "a recipe is named twice" in run(app, ["queue", "espcn:1", "espcn:1", "--data", str(tmp_path)]).stderr
    words = [
        "queue",
        f"{recipe('first')}:0.01",
        "--data",
        str(picture_folder),
        "--out",
        str(tmp_path / "runs"),
        "--device",
        "cpu",
    ]
    done = run(app, words)
    assert done.exit_code == 0, done.output
    assert "first: finished" in done.stdout


def test_a_queue_needs_nothing_but_the_training_libraries(recipe, picture_folder, tmp_path):
    script = (
        "import sys, torch; torch.set_num_threads(1)\n"
        "for name in ('typer', 'gradio', 'lpips', 'tqdm', 'matplotlib', 'spandrel'): sys.modules[name] = None\n"
        "from lab.train.queue import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    words = [f"{recipe('first')}:0.01", "--data", picture_folder, "--out", tmp_path / "runs", "--device", "cpu"]
    done = subprocess.run([sys.executable, "-c", script, *map(str, words)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "first: finished" in done.stdout
