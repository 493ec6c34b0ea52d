"""The loss ablation: its five recipes, its trained runs, its figures and its strip."""

import dataclasses
import io
import itertools
import json
import shutil

import numpy as np
import pytest
import torch
from conftest import textured_picture
from PIL import Image
from training import tiny
from typer.testing import CliRunner

from lab import compare as comparing
from lab.ablation import AblationError, loss_runs, losses, losses_stored, losses_strip
from lab.ablation.loss_runs import STAGES
from lab.cli import app
from lab.digests import sha256
from lab.examples import EXAMPLES
from lab.figures import FRAME, FRAME_COLOR, GAP
from lab.images import read_picture, to_picture, to_tensor, write_png
from lab.metrics import measure
from lab.train import features
from lab.train.pictures import Source
from lab.train.recipe import read
from lab.train.trainer import train
from lab.weights import load

L2, *OWN = STAGES
STEPS = 10


@pytest.fixture(scope="module")
def runs(tmp_path_factory, picture_folder):
    """The five recipes at a tiny width, trained for a moment from weights of its own each, so that none is like another."""
    from lab.networks.features import LabFeatures

    folder = tmp_path_factory.mktemp("runs")
    torch.manual_seed(0)
    network = LabFeatures()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "lab.train.restoration.vgg19_features",
            lambda layers, download: features.LabLayers(layers, "the lab's network with random weights, for tests", network),
        )
        for seed, stage in enumerate(STAGES):
            recipe = tiny(stage.recipe, seed=seed, ema=0.0, learning_rate=5e-2)
            train(recipe, Source(data=picture_folder), folder / stage.name, steps=STEPS, cpu=True)
    return folder


@pytest.fixture
def copied(runs, tmp_path):
    """The same runs, to be spoiled."""
    return shutil.copytree(runs, tmp_path / "copied")


@pytest.fixture
def sharp(tmp_path):
    """Three pictures, of which the last is left out where two are asked for."""
    for i in range(3):
        write_png(textured_picture(204, 212, seed=i), tmp_path / "sharp" / f"{i}.png")
    return tmp_path / "sharp"


def lab(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def change(card, **entries):
    card.write_text(json.dumps(json.loads(card.read_text()) | entries))


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_recipe_differs_from_nonbn_resg_l_in_nothing_but_losses_steps_seed_start_and_learning_rate(stage):
    recipe, whole = read(stage.recipe), read("nonbn-resg-l")
    assert recipe.name == stage.name
    assert (recipe.network, recipe.degradations) == (whole.network, whole.degradations)
    assert recipe.start_from is None
    shipped = recipe.shipped
    others = {name: getattr(whole.shipped, name) for name in ("steps", "learning_rate", "losses", "critics", "seed")}
    assert dataclasses.replace(shipped, **others) == whole.shipped
    assert {term.name for term in shipped.losses} == stage.terms
    assert shipped.critics == (whole.shipped.critics if stage is STAGES[-1] else ())


def test_each_recipe_adds_the_next_of_nonbn_resg_l_s_own_losses_with_its_own_weight():
    whole = read("nonbn-resg-l").shipped.losses
    assert [read(stage.recipe).shipped.losses for stage in OWN] == [whole[: i + 1] for i in range(len(whole))]


def test_the_squared_error_has_the_weight_it_has_in_nonbn_resg():
    assert read(L2.recipe).shipped.losses == read("nonbn-resg").shipped.losses[:1]


def test_all_five_are_trained_for_equally_many_steps_at_one_rate_from_the_same_seed():
    settings = [read(stage.recipe).shipped for stage in STAGES]
    assert len({(shipped.steps, shipped.learning_rate, shipped.seed) for shipped in settings}) == 1


def test_the_command_measures_every_run_on_every_picture_and_ships_table_and_strip(
    runs, sharp, tmp_path, small_models, monkeypatch
):
    monkeypatch.setattr("lab.ablation.stored.FOLDER", tmp_path / "paper")
    words = ("ablation-losses", sharp, "--runs", runs, "--pictures", 2, "--device", "cpu", "--out", tmp_path / "out", "--ship")
    done = lab(*words)
    assert done.exit_code == 0, done.output
    about = json.loads((tmp_path / "paper" / "losses.json").read_text())
    assert about == json.loads((tmp_path / "out" / "losses.json").read_text())
    assert about["pictures"] == {"folder": "sharp", "count": 2}
    assert about["command"] == f"python -m lab ablation-losses sharp --runs {runs.name} --pictures 2 --ship"
    assert str(tmp_path) not in json.dumps(about)
    files = {stage.name: runs / stage.name / f"{stage.name}.safetensors" for stage in STAGES}
    assert about["checkpoints"] == {name: sha256(path) for name, path in files.items()}
    assert about["training"]["steps"] == STEPS
    assert about["variants"]["lpips"] == "lab"

    rows = about["conditions"]["gaussian:sigma=1.6"]
    assert list(rows) == ["input", *files]
    pairs = [(read_picture(sharp / f"{i}.png"), comparing.prepare(read_picture(sharp / f"{i}.png"), losses.BLUR)) for i in (0, 1)]
    for name, row in rows.items():
        assert set(row) == set(losses.METRICS)
        network = None if name == "input" else load(files[name])
        for key in ("psnr", "gradient-ratio", "lpips"):
            values = []
            for original, prepared in pairs:
                result = prepared.given if network is None else to_picture(network(to_tensor(prepared.given)))
                values.append(measure(key, result, original, "rgb").value)
            assert row[key] == pytest.approx(np.mean(values), abs=0.02), (name, key)
    assert len({row["psnr"] for row in rows.values()}) == 6

    lines = done.stdout.splitlines()
    assert lines[0].startswith("sharp, 2 pictures, gaussian:sigma=1.6, convention rgb")
    assert lines[2].split() == ["losses", "psnr", "ssim", "gradient-ratio", "lpips-lab", "niqe-lab", "minutes"]
    assert lines[4].split()[:2] == ["input", f"{rows['input']['psnr']:.2f}"]
    assert [line.split("  ")[0] for line in lines[5:10]] == [stage.label for stage in STAGES]
    assert f"{rows['losses-texture']['psnr']:.2f}" in lines[8]

    stored = losses_stored.read(tmp_path / "paper")
    assert stored.rows == [(label, row) for label, row in zip(["input", *(s.label for s in STAGES)], rows.values(), strict=True)]
    assert (stored.steps, stored.blur, stored.command) == (STEPS, "gaussian:sigma=1.6", about["command"])
    strip = np.array(Image.open(io.BytesIO(stored.strip.read_bytes())).convert("RGB"))
    np.testing.assert_array_equal(strip, losses_strip.draw(loss_runs.find(runs), "cpu"))


def test_runs_measured_on_different_pictures_are_not_put_side_by_side(runs, sharp, small_models):
    def spoil(stage, one, done, count):
        if stage is STAGES[1]:
            (sharp / "1.png").write_bytes(b"no picture any more")

    with pytest.raises(AblationError, match="were measured on different pictures"):
        losses.measure(sharp, loss_runs.find(runs), at_most=2, device="cpu", progress=spoil)


def test_weights_that_are_replaced_while_the_ablation_runs_are_refused(copied, sharp, small_models):
    last = copied / "losses-adversarial" / "losses-adversarial.safetensors"

    def replace(stage, one, done, count):
        last.write_bytes((copied / "losses-l1" / "losses-l1.safetensors").read_bytes())

    with pytest.raises(AblationError, match="weights of losses-adversarial were replaced"):
        losses.measure(sharp, loss_runs.find(copied), at_most=1, device="cpu", progress=replace)


def test_the_strip_has_a_row_a_spot_from_blurred_over_all_five_to_sharp(runs):
    found = loss_runs.find(runs)
    strip = losses_strip.draw(found, "cpu")
    framed = np.flatnonzero((strip[:, GAP] == FRAME_COLOR).all(axis=1))
    tops = framed[np.diff(framed, prepend=-2) > 1]
    assert len(tops) == len(losses_strip.SHOWN) == 2
    for top, (_, example, (x, y, width, height), zoom) in zip(tops, losses_strip.SHOWN, strict=True):
        original = read_picture(next(one.path for one in EXAMPLES if one.key == example))
        blurred = comparing.prepare(original, losses.BLUR).given
        panels = [blurred, *(to_picture(load(one.path)(to_tensor(blurred))) for one in found), original]
        crops = [panel[y : y + height, x : x + width].astype(int) for panel in panels]
        assert all(np.abs(one - other).max() > 4 for one, other in itertools.combinations(crops, 2)), "two look alike"
        step = width * zoom + 2 * FRAME + GAP
        for place, crop in enumerate(crops):
            left = GAP + FRAME + place * step
            seen = strip[top + FRAME :, left:][: height * zoom : zoom, : width * zoom : zoom].astype(int)
            assert np.abs(seen - crop).max() <= 1, (example, place)
        assert strip.shape[1] == GAP + len(panels) * step


def test_runs_are_found_whatever_their_folders_are_called(copied):
    (copied / "losses-l1").rename(copied / "l1")
    assert [one.stage for one in loss_runs.find(copied)] == list(STAGES)


def test_a_run_that_is_missing_is_named_with_the_command_that_trains_it(copied, sharp):
    shutil.rmtree(copied / "losses-texture")
    done = lab("ablation-losses", sharp, "--runs", copied)
    assert done.exit_code == 2
    assert "there is no losses-texture.safetensors" in done.output
    assert "python -m lab train losses/texture" in done.output
    done = lab("ablation-losses", sharp, "--runs", copied / "nowhere")
    assert done.exit_code == 2
    assert "there is no folder" in done.output


def test_a_run_that_is_there_twice_is_refused(copied):
    shutil.copytree(copied / "losses-l2", copied / "again")
    with pytest.raises(AblationError, match=r"losses-l2\.safetensors is in .* twice"):
        loss_runs.find(copied)


def test_a_run_without_its_card_is_refused(copied):
    (copied / "losses-l1" / "losses-l1.json").unlink()
    with pytest.raises(AblationError, match=r"losses-l1\.safetensors has no card"):
        loss_runs.find(copied)


@pytest.mark.parametrize(
    ("name", "entries", "sentence"),
    [
        ("losses-l1", {"steps": 11}, "the steps of losses-l2 and losses-l1 differ \\(10 and 11\\)"),
        ("losses-l1", {"start_from": "resg"}, "the start of losses-l2 and losses-l1 differ \\(None and resg\\)"),
        ("losses-texture", {"data": "others"}, "the pictures of losses-l2 and losses-texture differ"),
        ("losses-adversarial", {"features": "VGG-19"}, "the features of losses-perceptual and losses-adversarial differ"),
        ("losses-perceptual", {"losses": {"l1": 2, "perceptual": 0.01}}, "the weight of l1 of losses-l1 and losses-perceptual"),
        ("losses-l2", {"losses": {"l1": 1}}, "losses-l2.safetensors was trained with other losses \\(l1\\) than losses/l2 has"),
        ("losses-l2", {"losses": None}, "with other losses \\(none\\)"),
    ],
)
def test_runs_that_differ_in_more_than_their_losses_are_refused(copied, name, entries, sentence):
    loss_runs.find(copied)
    change(copied / name / f"{name}.json", **entries)
    with pytest.raises(AblationError, match=sentence):
        loss_runs.find(copied)


def test_what_is_stored_is_nothing_where_there_is_no_file_or_half_of_one(tmp_path):
    assert losses_stored.read(tmp_path) is None
    for content in ("{", "[]", '{"command": "x"}', '{"command": "x", "conditions": {}, "stages": {}, "training": {}}'):
        (tmp_path / "losses.json").write_text(content)
        assert losses_stored.read(tmp_path) is None, content
