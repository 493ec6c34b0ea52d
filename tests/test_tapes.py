"""The tape of a training, made small enough to ship, and what it still says."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from training import tiny
from typer.testing import CliRunner

from lab import tapes
from lab.cli import app
from lab.images import read_picture, write_png
from lab.tapes import crops_of
from lab.train.errors import TrainingError
from lab.train.pictures import Source
from lab.train.recipe import RECIPES, read
from lab.train.tape import add_ends, recipe_of
from lab.train.tape_shipping import most_changed, ship_tape, thin_moments, thin_rows
from lab.train.trainer import ship, train
from lab.ui.store import ResultStore
from lab.ui.tape_view import tape_view


@pytest.fixture(scope="module")
def run(picture_folder, tmp_path_factory) -> Path:
    """The weights file of a finished run of ESPCN, tiny, 40 steps."""
    return train(tiny("espcn"), Source(data=picture_folder), tmp_path_factory.mktemp("espcn"), steps=40, cpu=True)


def write_recipe(folder: Path, name: str, **shipped) -> Path:
    """One of the lab's recipes with other values, as a YAML file."""
    about = yaml.safe_load((RECIPES / f"{name}.yaml").read_text())
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(about | {"shipped": about["shipped"] | shipped}))
    return path


def test_a_shipped_tape_holds_the_moments_the_ends_and_the_curves(run, tmp_path):
    place = ship_tape(run, tmp_path)
    assert place == tmp_path / "espcn"
    tape = tapes.read("espcn", tmp_path)
    rows = {int(row["step"]): row for row in csv.DictReader((run.parent / "losses.csv").open())}
    assert [tape.moments[0].step, tape.moments[-1].step] == [1, 40]
    for moment in tape.moments:
        assert moment.psnr == float(rows[moment.step]["validation_psnr"])
        assert moment.sharpness == float(rows[moment.step]["validation_sharpness"])
        assert read_picture(tape.strip(moment.step)).shape == (128, 3 * 128, 3)
    assert [read_picture(tape.strip(end)).shape for end in tapes.ENDS] == [(128, 3 * 128, 3)] * 2
    assert tape.curves["loss"][-1] == (40, pytest.approx(float(rows[40]["loss"]), rel=1e-3))
    assert tape.about["checkpoint_sha256"]
    assert sum(path.stat().st_size for path in place.iterdir()) < 1_000_000


def test_the_pixels_of_a_tape_are_those_of_the_run(run, tmp_path):
    place = ship_tape(run, tmp_path)
    whole = crops_of(read_picture(run.parent / "tape" / "0000040.png"))
    shipped = crops_of(read_picture(place / "40.webp"))
    assert len(shipped) == 3
    for crop in shipped:
        assert any(np.array_equal(crop, one) for one in whole)


def test_shipping_again_replaces_the_tape_whole(run, tmp_path):
    place = ship_tape(run, tmp_path)
    (place / "9999.webp").write_bytes(b"of an older run")
    ship_tape(run, tmp_path)
    assert not (place / "9999.webp").exists()


def test_runs_that_went_on_from_one_another_make_one_tape(run, tmp_path):
    earlier = tmp_path / "earlier"
    shutil.copytree(run.parent, earlier)
    ship_tape(run, tmp_path / "tapes", after=(earlier,))
    tape = tapes.read("espcn", tmp_path / "tapes")
    assert [tape.moments[0].step, tape.moments[-1].step, tape.about["steps"]] == [1, 80, 80]
    last = float(list(csv.DictReader((run.parent / "losses.csv").open()))[-1]["seconds"])
    assert tape.moments[-1].seconds == pytest.approx(2 * last, abs=0.2)
    steps = [step for step, _ in tape.curves["loss"]]
    assert steps == sorted(set(steps))
    assert steps[-1] == 80
    alone = ship_tape(run, tmp_path / "alone")
    assert np.array_equal(read_picture(alone / "40.webp"), read_picture(tape.strip(80)))


def went_past_its_tape(run, folder):
    """A copy of a run with a row at step 50, after its last strip at 40, as one has that was stopped before its end."""
    stopped = shutil.copytree(run.parent, folder)
    with (stopped / "losses.csv").open() as file:
        last = list(csv.DictReader(file))[-1]
    with (stopped / "losses.csv").open("a", newline="") as file:
        csv.DictWriter(file, last).writerow(last | {"step": "50", "validation_psnr": "", "validation_sharpness": ""})
    card = json.loads((stopped / "espcn.json").read_text())
    (stopped / "espcn.json").write_text(json.dumps(card | {"steps": 50}))
    return stopped


def test_weights_of_an_earlier_step_than_the_curves_end_make_no_tape(run, tmp_path):
    """As after a finished run was taken on with --resume and stopped: its weights file is still the first end's."""
    taken_on = went_past_its_tape(run, tmp_path / "taken-on")
    shutil.copy(run.parent / "espcn.json", taken_on)
    with pytest.raises(tapes.TapeError, match="are those of step 40, but its curves end at step 50"):
        ship_tape(taken_on / "espcn.safetensors", tmp_path / "tapes")
    with pytest.raises(tapes.TapeError, match="are those of step 40, but its curves end at step 50"):
        ship_tape(run, tmp_path / "tapes", after=(taken_on,))
    assert not (tmp_path / "tapes").exists()


def test_where_a_tape_is_refused_the_weights_are_not_shipped_either(run, tmp_path, monkeypatch):
    taken_on = went_past_its_tape(run, tmp_path / "taken-on")
    monkeypatch.setattr("lab.train.trainer.CHECKPOINTS", tmp_path / "checkpoints")
    monkeypatch.setattr(tapes, "FOLDER", tmp_path / "tapes")
    shutil.copy(run.parent / "espcn.json", taken_on)
    with pytest.raises(tapes.TapeError, match="but its curves end at step 50"):
        ship(taken_on / "espcn.safetensors")
    assert not (tmp_path / "checkpoints").exists()
    assert ship(run) == tmp_path / "checkpoints" / "espcn.safetensors"
    assert (tmp_path / "tapes" / "espcn" / "tape.json").is_file()


def test_runs_of_other_crops_in_size_or_number_make_no_tape(run, tmp_path):
    side, width = read_picture(run.parent / "tape" / "sharp.png").shape[:2]
    for name, cut in (("fewer", np.s_[:, : width - side]), ("smaller", np.s_[: side // 2, : width // 2])):
        earlier = shutil.copytree(run.parent, tmp_path / name)
        for strip in (earlier / "tape").glob("*.png"):
            write_png(np.ascontiguousarray(read_picture(strip)[cut]), strip)
        for end in tapes.ENDS:
            (earlier / "tape" / f"{end}.png").unlink()
        with pytest.raises(tapes.TapeError, match="not of one size"):
            ship_tape(run, tmp_path / "tapes", after=(earlier,))
    assert not (tmp_path / "tapes").exists()


def test_a_row_that_a_power_cut_tore_is_passed_over(run, tmp_path):
    torn = shutil.copytree(run.parent, tmp_path / "torn")
    with (torn / "losses.csv").open("a") as file:
        file.write("41,1")
    tape = ship_tape(torn / "espcn.safetensors", tmp_path / "tapes")
    whole = ship_tape(run, tmp_path / "whole")
    assert (tape / "tape.json").read_text() == (whole / "tape.json").read_text()


def gone_on(run, folder):
    """A copy of a run with other weights, as one has that went on from it."""
    later = shutil.copytree(run.parent, folder)
    with (later / "espcn.safetensors").open("ab") as file:
        file.write(b" ")
    card = json.loads((later / "espcn.json").read_text())
    (later / "espcn.json").write_text(json.dumps(card | {"start_from": "espcn"}))
    return later


def test_a_run_that_went_on_from_shipped_weights_goes_on_with_their_tape(run, tmp_path):
    stopped = went_past_its_tape(run, tmp_path / "stopped")
    shipped = ship_tape(stopped / "espcn.safetensors", tmp_path / "tapes")
    before = tapes.read("espcn", tmp_path / "tapes")
    later = gone_on(run, tmp_path / "later")
    shown = [crop.tobytes() for crop in crops_of(read_picture(shipped / "sharp.webp"))]
    crops = crops_of(read_picture(run.parent / "tape" / "sharp.png"))
    chosen = [[crop.tobytes() for crop in crops].index(one) for one in shown]
    strip = read_picture(later / "tape" / "0000040.png")
    side = strip.shape[0]
    for i in range(strip.shape[1] // side):  # those that the shipped tape does not show change most here
        if i not in chosen:
            strip[:, i * side : (i + 1) * side] = 255 - strip[:, i * side : (i + 1) * side]
    write_png(strip, later / "tape" / "0000040.png")
    ship_tape(later / "espcn.safetensors", tmp_path / "tapes", after=(shipped,))
    tape = tapes.read("espcn", tmp_path / "tapes")
    assert [tape.about["runs"], tape.about["steps"], tape.about["start_from"]] == [2, 90, before.about["start_from"]]
    assert [tape.moments[0], tape.moments[-1].step, tape.curves["loss"][-1][0]] == [before.moments[0], 90, 90]
    assert tape.moments[-1].seconds == pytest.approx(2 * before.moments[-1].seconds, abs=0.2)
    expected = np.concatenate([crops_of(strip)[i] for i in chosen], axis=1)
    assert np.array_equal(read_picture(tape.strip(90)), expected)


def test_a_tape_is_not_joined_to_the_run_it_was_made_of(run, tmp_path):
    shipped = ship_tape(run, tmp_path / "tapes")
    with pytest.raises(tapes.TapeError, match="these very weights already"):
        ship_tape(run, tmp_path / "tapes", after=(shipped,))
    assert tapes.read("espcn", tmp_path / "tapes").about["steps"] == 40


@pytest.mark.parametrize(
    "harm",
    [
        lambda about, curves: (about | {"steps": "40"}, curves),
        lambda about, curves: (about | {"runs": None}, curves),
        lambda about, curves: (about | {"moments": [one | {"seconds": "1"} for one in about["moments"]]}, curves),
        lambda about, curves: (about, curves.replace("seconds", "minutes", 1)),
        lambda about, curves: (about, curves.rstrip().rsplit(",", 2)[0] + "\n"),
    ],
)
def test_a_damaged_shipped_tape_is_not_gone_on_with(run, tmp_path, harm):
    shipped = ship_tape(run, tmp_path / "tapes")
    about, curves = harm(json.loads((shipped / "tape.json").read_text()), (shipped / "curves.csv").read_text())
    (shipped / "tape.json").write_text(json.dumps(about))
    (shipped / "curves.csv").write_text(curves)
    later = gone_on(run, tmp_path / "later")
    with pytest.raises(tapes.TapeError, match=r"is damaged|no whole tape"):
        ship_tape(later / "espcn.safetensors", tmp_path / "tapes", after=(shipped,))


def test_a_tape_that_can_be_read_is_not_given_for_one_that_cannot(run, tmp_path):
    shipped = ship_tape(run, tmp_path / "tapes")
    for name in ("sharp", "given"):
        strip = crops_of(read_picture(shipped / f"{name}.webp"))
        Image.fromarray(np.concatenate(strip[:2], axis=1)).save(shipped / f"{name}.webp", lossless=True)
    later = gone_on(run, tmp_path / "later")
    with pytest.raises(tapes.TapeError, match="not of one size"):
        ship_tape(later / "espcn.safetensors", tmp_path / "tapes", after=(shipped,))
    assert tapes.read("espcn", tmp_path / "tapes").about["steps"] == 40


def test_a_shipped_tape_of_other_crops_is_not_gone_on_with(run, tmp_path):
    shipped = ship_tape(run, tmp_path / "tapes")
    for name, other in (("given", "blurs of its crops"), ("sharp", "crops")):
        later = gone_on(run, tmp_path / f"other-{name}")
        picture = later / "tape" / f"{name}.png"
        write_png(255 - read_picture(picture), picture)
        with pytest.raises(tapes.TapeError, match=f"was shown other {other} than"):
            ship_tape(later / "espcn.safetensors", tmp_path / "tapes", after=(shipped,))
    with pytest.raises(tapes.TapeError, match="the first may be the folder of a shipped tape"):
        ship_tape(run, tmp_path / "tapes", after=(run.parent, shipped))
    (shipped / "sharp.webp").unlink()
    with pytest.raises(tapes.TapeError, match="no whole tape"):
        ship_tape(run, tmp_path / "tapes", after=(shipped,))


def test_one_tape_of_two_runs_begins_where_the_first_began_and_the_page_says_so(run, tmp_path, monkeypatch):
    later, folder = shutil.copytree(run.parent, tmp_path / "later"), tmp_path / "tapes"
    card = json.loads((later / "espcn.json").read_text())
    (later / "espcn.json").write_text(json.dumps(card | {"start_from": "espcn"}))
    monkeypatch.setattr(tapes, "FOLDER", folder)
    ship_tape(later / "espcn.safetensors", after=(run.parent,))
    about = tape_view("espcn", ResultStore(tmp_path / "store"))["about"]
    assert "80 steps in " in about
    assert " seconds, by 2 runs that went on from one another; of the last: " in about
    assert "It began from" not in about
    ship_tape(later / "espcn.safetensors")
    about = tape_view("espcn", ResultStore(tmp_path / "store"))["about"]
    assert "It went on from an earlier training of its own, which this tape does not show." in about
    card["start_from"] = "srcnn"
    (later / "espcn.json").write_text(json.dumps(card))
    ship_tape(later / "espcn.safetensors")
    assert "It began from the weights of SRCNN" in tape_view("espcn", ResultStore(tmp_path / "store"))["about"]


def test_a_tape_says_from_which_step_on_its_crops_are_of_a_self_ensemble(run, tmp_path, monkeypatch):
    monkeypatch.setattr(tapes, "FOLDER", tmp_path / "tapes")
    shipped = ship_tape(run)
    assert tapes.read("espcn").about["self_ensemble_after"] is None
    assert "eight passes" not in tape_view("espcn", ResultStore(tmp_path / "store"))["about"]
    later = gone_on(run, tmp_path / "later")
    card = json.loads((later / "espcn.json").read_text())
    card["network"]["arguments"]["self_ensemble"] = True
    (later / "espcn.json").write_text(json.dumps(card))
    ship_tape(later / "espcn.safetensors", after=(shipped,))
    assert tapes.read("espcn").about["self_ensemble_after"] == 40
    shown = tape_view("espcn", ResultStore(tmp_path / "store"))["about"]
    assert "After step 40 the crops and their figures are of the mean of eight passes (self-ensemble), before of one" in shown
    latest = shutil.copytree(later, tmp_path / "latest")
    with (latest / "espcn.safetensors").open("ab") as file:
        file.write(b" ")
    ship_tape(latest / "espcn.safetensors", after=(shipped,))
    assert tapes.read("espcn").about["self_ensemble_after"] == 40


def test_runs_that_do_not_belong_together_make_no_tape(run, tmp_path):
    earlier = shutil.copytree(run.parent, tmp_path / "earlier")
    (earlier / "espcn.json").unlink()
    with pytest.raises(tapes.TapeError, match=r"has no espcn\.json"):
        ship_tape(run, tmp_path / "tapes", after=(earlier,))
    shutil.copy(run.parent / "espcn.json", earlier)
    for name, other in (("given", "blurs of its crops"), ("sharp", "crops")):
        picture = earlier / "tape" / f"{name}.png"
        write_png(255 - read_picture(picture), picture)
        with pytest.raises(tapes.TapeError, match=f"was shown other {other} than"):
            ship_tape(run, tmp_path / "tapes", after=(earlier,))
    (earlier / "losses.csv").write_text("step,seconds\n")
    with pytest.raises(tapes.TapeError, match="has no rows"):
        ship_tape(run, tmp_path / "tapes", after=(earlier,))
    assert not (tmp_path / "tapes").exists()


def test_a_run_that_was_stopped_before_its_end_counts_with_all_its_steps(run, tmp_path):
    earlier = went_past_its_tape(run, tmp_path / "earlier")
    ship_tape(run, tmp_path / "tapes", after=(earlier,))
    tape = tapes.read("espcn", tmp_path / "tapes")
    assert [tape.moments[-1].step, tape.about["steps"], tape.curves["loss"][-1][0]] == [90, 90, 90]
    steps = [step for step, _ in tape.curves["loss"]]
    assert steps == sorted(set(steps))


def test_a_strip_of_a_step_that_the_curves_do_not_know_is_not_shipped(run, tmp_path):
    lost = shutil.copytree(run.parent, tmp_path / "lost")
    shutil.copy(lost / "tape" / "0000040.png", lost / "tape" / "0000057.png")
    with pytest.raises(tapes.TapeError, match=r"does not know: remove 0000057\.png from its tape"):
        ship_tape(lost / "espcn.safetensors", tmp_path / "tapes")
    assert not (tmp_path / "tapes").exists()


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("losses.csv", "seconds,loss\n1,2\n", "has no rows that can be read"),
        ("losses.csv", "step,seconds\nmany,2\n", "has no rows that can be read"),
        ("losses.csv", "step,seconds,loss\n40,2,0.x5\n", "is damaged"),
        ("tape/0000040.png", "no picture", "no picture that can be read"),
        ("espcn.json", "{", "is no card"),
        ("espcn.json", "[]", "is no card"),
    ],
)
def test_a_damaged_run_gets_one_sentence(run, tmp_path, file, content, sentence):
    copied = shutil.copytree(run.parent, tmp_path / "run")
    (copied / file).write_text(content)
    with pytest.raises(tapes.TapeError, match=sentence):
        ship_tape(copied / run.name, tmp_path / "tapes")
    assert not (tmp_path / "tapes").exists()


def test_the_originals_are_added_to_a_run_that_did_not_keep_them(run, picture_folder, tmp_path):
    kept = {end: (run.parent / "tape" / f"{end}.png").read_bytes() for end in tapes.ENDS}
    for end in tapes.ENDS:
        (run.parent / "tape" / f"{end}.png").unlink()
    add_ends(run.parent, Source(data=picture_folder))
    assert {end: (run.parent / "tape" / f"{end}.png").read_bytes() for end in tapes.ENDS} == kept
    others = tmp_path / "others"
    others.mkdir()
    for path in picture_folder.rglob("*.png"):
        (others / f"{99 - int(path.stem)}.png").write_bytes(path.read_bytes())
    with pytest.raises(TrainingError, match="trained on other pictures"):
        add_ends(run.parent, Source(data=others))


def test_a_run_by_a_recipe_in_a_folder_or_a_file_is_judged_by_that_recipe(tmp_path):
    """first/resg and resg have one name; and a YAML file lies wherever it does."""
    for chosen in (read("first/resg"), read("resg"), read(write_recipe(tmp_path, "resg", seed=77))):
        kept = {"recipe": chosen.name, "hash": chosen.hash, "values": chosen.values}
        (tmp_path / "recipe.json").write_text(json.dumps(kept, default=str))
        assert recipe_of(tmp_path) == chosen


def test_a_run_that_kept_no_values_has_the_recipe_of_its_hash_or_none(tmp_path):
    for name in ("first/resg", "resg"):
        chosen = read(name)
        (tmp_path / "recipe.json").write_text(json.dumps({"recipe": "resg", "hash": chosen.hash}))
        assert recipe_of(tmp_path) == chosen
    changed = read(write_recipe(tmp_path, "resg", seed=77))
    (tmp_path / "recipe.json").write_text(json.dumps({"recipe": "resg", "hash": changed.hash}))
    with pytest.raises(TrainingError, match="is not here as it was then"):
        recipe_of(tmp_path)
    (tmp_path / "recipe.json").write_text(json.dumps({"recipe": "resg", "hash": "", "values": {"shipped": {"losses": 3}}}))
    with pytest.raises(TrainingError, match="cannot be followed here: losses must be a list"):
        recipe_of(tmp_path)
    for content in ("{", "[]", "{}"):
        (tmp_path / "recipe.json").write_text(content)
        with pytest.raises(TrainingError, match=r"has no recipe\.json that can be read"):
            recipe_of(tmp_path)


def test_a_run_keeps_the_values_of_its_recipe(run):
    assert recipe_of(run.parent) == read("espcn")


def test_the_command_ships_a_tape_and_says_what_is_missing(run, tmp_path, monkeypatch):
    monkeypatch.setattr(tapes, "FOLDER", tmp_path / "tapes")
    done = CliRunner().invoke(app, ["tape", str(run)])
    assert done.exit_code == 0, done.output
    assert tapes.read("espcn").about["name"]
    refused = CliRunner().invoke(app, ["tape", str(tmp_path / "espcn.safetensors")])
    assert refused.exit_code == 2
    assert "has no espcn.safetensors and no espcn.json" in refused.output


def test_moments_are_thinned_to_ten_that_lie_well_apart():
    steps = [1, 2, 3, 4, 6, 13, 27, 80, 247, 365, 500, 540]
    kept = thin_moments(steps)
    assert kept == [1, 3, 4, 6, 13, 27, 80, 247, 365, 540]
    assert thin_moments([7]) == [7]
    assert thin_moments([1, 2]) == [1, 2]


def test_curves_are_thinned_to_means_of_neighbours():
    rows = [{"step": str(i), "seconds": str(i), "loss": str(i), "rare": "2" if i == 5 else ""} for i in range(1, 301)]
    thinned = thin_rows(rows)
    assert len(thinned) == 100
    assert thinned[0] == {"step": "3", "seconds": "3", "loss": "2", "rare": ""}
    assert thinned[1] == {"step": "6", "seconds": "6", "loss": "5", "rare": "2"}
    assert list(thinned[0]) == ["step", "seconds", "loss", "rare"]


def test_figures_of_the_crops_are_not_averaged_but_left_to_the_moments():
    rows = [{"step": str(i), "seconds": str(i), "loss": "1", "validation_psnr": str(i)} for i in range(1, 301)]
    assert list(thin_rows(rows)[0]) == ["step", "seconds", "loss"]


def test_the_plots_of_the_crops_go_through_the_moments_and_no_step_between(run, tmp_path, monkeypatch):
    monkeypatch.setattr(tapes, "FOLDER", tmp_path / "tapes")
    ship_tape(run)
    moments = tapes.read("espcn").moments
    assert not any(name.startswith("validation") for name in tapes.read("espcn").curves)
    charts = {chart["key"]: chart for chart in tape_view("espcn", ResultStore(tmp_path / "store"))["charts"]}
    for key in ("psnr", "sharpness"):
        assert charts[key]["series"][0]["points"] == [[one.step, getattr(one, key)] for one in moments]


def test_a_tape_stays_where_another_cannot_take_its_place(run, tmp_path, monkeypatch):
    place = ship_tape(run, tmp_path)
    rename = Path.rename

    def broken_off(path, target):
        if path.suffix == ".part":
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", broken_off)
    with pytest.raises(KeyboardInterrupt):
        ship_tape(run, tmp_path)
    assert tapes.read(place.name, tmp_path)
    monkeypatch.setattr(Path, "rename", rename)
    ship_tape(run, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["espcn"]


def test_the_crops_that_training_changed_most_are_kept():
    first = np.zeros((4, 20, 3), np.uint8)
    last = first.copy()
    for position, change in ((0, 9), (1, 1), (2, 200), (4, 30)):
        last[:, 4 * position : 4 * position + 4] = change
    assert most_changed(first, last) == [0, 2, 4]


@pytest.mark.parametrize("harm", ["tape.json", "curves.csv", "40.webp"])
def test_a_tape_that_lacks_a_file_is_no_tape(run, tmp_path, harm):
    place = ship_tape(run, tmp_path)
    (place / harm).unlink()
    assert tapes.read("espcn", tmp_path) is None


@pytest.mark.parametrize("lost", ["name", "stage", "steps", "minutes", "checkpoint_sha256"])
def test_a_tape_that_does_not_say_what_its_run_was_is_no_tape(run, tmp_path, lost):
    place = ship_tape(run, tmp_path)
    about = json.loads((place / "tape.json").read_text())
    del about[lost]
    (place / "tape.json").write_text(json.dumps(about))
    assert tapes.read("espcn", tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_tape_with_a_damaged_strip_is_no_tape(run, tmp_path, content):
    (ship_tape(run, tmp_path) / "1.webp").write_bytes(content)
    assert tapes.read("espcn", tmp_path) is None


@pytest.mark.parametrize("about", [{"moments": "none"}, {"moments": []}, {"moments": [{"step": 40}]}, {}])
def test_a_tape_whose_moments_make_no_sense_is_no_tape(run, tmp_path, about):
    place = ship_tape(run, tmp_path)
    assert tapes.read("espcn", tmp_path)
    (place / "tape.json").write_text(json.dumps(about))
    assert tapes.read("espcn", tmp_path) is None
