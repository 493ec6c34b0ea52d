"""lab.train: recipes, batches, and the trainer."""

import csv
import dataclasses
import math
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
import yaml
from conftest import ROOT, textured_picture
from safetensors.torch import load_file

from lab import tapes, weights
from lab.cards import read_card
from lab.images import read_picture, write_png
from lab.methods import METHODS
from lab.resize import downscale, upscale
from lab.train.averaging import averaged
from lab.train.curves import read_rows
from lab.train.data import Batches
from lab.train.errors import TrainingError
from lab.train.losses import l1, mse
from lab.train.pictures import DataError, Pictures, Source, load
from lab.train.recipe import RecipeError, available, read
from lab.train.restoration import start_from
from lab.train.saving import newest_state
from lab.train.tape_shipping import ship_tape
from lab.train.trainer import is_tape_moment, learning_rate_factor, train

TINY = """
name: tiny
title: Tiny
network: {network}
degradations: {degradations}
stage: test
paper: {{}}
shipped:
  arguments: {arguments}
  losses: [{{kind: l1, weight: 1}}]
  patch: 32
  batch: 4
  steps: 12
  learning_rate: 1.0e-3
  betas: [0.9, 0.99]
  ema: {ema}
  seed: 5
"""
MIXTURE = (
    "[{kind: x4-bicubic}, {kind: gaussian, low: 1, high: 2}, {kind: motion, low: 5, high: 12}, {kind: defocus, low: 1, high: 2}]"
)
NETWORKS = {
    "srresnet": ("[{kind: x4-bicubic}]", "{blocks: 1, width: 8, batch_norm: true, bicubic_skip: true}"),
    "resg": (MIXTURE, "{kind: resg, width: 8, blocks: 1}"),
    "deblurgan": (MIXTURE, "{width: 8, blocks: 1, dropout: 0.5}"),
}


def tiny(tmp_path, network="srresnet", ema=0.9):
    degradations, arguments = NETWORKS[network]
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY.format(network=network, degradations=degradations, arguments=arguments, ema=ema))
    return path


def only(pictures):
    return Pictures(pictures, [], None, None, "")


@pytest.mark.parametrize("name", available())
def test_every_recipe_is_whole_and_belongs_to_a_method(name):
    recipe = read(name)
    assert recipe.name == name
    if name != "features":  # a network for losses, not a method
        assert METHODS[name].takes == ("x4" if recipe.quarter_size else "same")
    assert recipe.paper
    assert recipe.differs
    if recipe.start_from:
        assert recipe.start_from in available()


def test_every_learned_method_has_a_recipe():
    assert set(available()) >= {key for key, method in METHODS.items() if method.kind == "learned"}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("kind: l1", "kind: l7", "unknown loss 'l7'"),
        ("patch: 32", "patch: 33", "patch is 33"),
        ("title: Tiny", "titel: Tiny", "has no entry 'titel'"),
        ("seed: 5", "sead: 5", "has no entry 'sead'"),
        ("seed: 5", "", "shipped is not complete: missing 1 required .* 'seed'"),
        ("kind: x4-bicubic", "kind: fog", "unknown degradation 'fog'"),
        ("kind: x4-bicubic", "kind: gaussian", "needs low and high"),
        ("kind: x4-bicubic", "kind: gaussian, low: 1, high: 2", "x4-bicubic is the only degradation"),
        ("network: srresnet", "network: [", "not YAML that can be read"),
        ("network: srresnet", "network: edsr", "unknown network 'edsr'"),
        ("name: tiny", "name: ../evil", "name '../evil' may have letters"),
        ("name: tiny", "name: tiny\nhash: x", "has no entry 'hash'"),
        ("name: tiny", "name: tiny\nstart_from: /tmp/x", "start_from '/tmp/x' may have letters"),
        ("blocks: 1", "blocks: -1", "its whole numbers start at 1"),
        ("blocks: 1", "blokcs: 1", "srresnet cannot be built"),
        ("learning_rate: 1.0e-3", "learning_rate: 4e-4", r"must be a finite number \(write 4.0e-4\)"),
        ("learning_rate: 1.0e-3", "learning_rate: .inf", "must be a finite number"),
        ("betas: [0.9, 0.99]", "betas: [0.9]", "must be a list of two numbers"),
        ("betas: [0.9, 0.99]", "betas: [0.9, 1.0]", "betas must be from 0 to below 1"),
        ("seed: 5", "seed: -1", "seed must be from 0"),
        ("seed: 5", "seed: 5\n  alone: 3", "alone_layers go together"),
        ("seed: 5", "seed: 5\n  alone: 3\n  alone_layers: [nope]", "no layer that begins with 'nope'"),
        ("[{kind: l1, weight: 1}]", "[{kind: stripes, weight: 1}]", "stripes cannot be had with BatchNorm2d"),
        ("batch: 4", "batch: 2.5", "batch is 2.5, but must be a whole number"),
        ("patch: 32", "patch: 32.0", "patch is 32.0, but must be a whole number"),
        ("[{kind: l1, weight: 1}]", "[l1]", "'l1', but must be a mapping"),
        ("kind: l1, weight: 1", "kind: l1, weight: 1, layers: [conv1_1]", "the l1 loss takes no layers"),
        ("kind: l1, weight: 1", "kind: perceptual, weight: 1, layers: [conv1_1]", "it has its own, pool2 and pool5"),
        ("kind: l1, weight: 1", "kind: content, weight: 1, layers: conv1_1", "must be a list of names"),
        ("kind: l1, weight: 1", "kind: texture, weight: 1, layers: [pool2], block: 0", "at least 1 pixel a side"),
        ("{kind: l1, weight: 1}", "{kind: l1, weight: 1}, {kind: l1, weight: 2}", "the loss l1 is there twice"),
        ("kind: x4-bicubic", "kind: gaussian, low: 1, high: 5", "gaussian can be from 0.2 to 4 pixels"),
    ],
)
def test_a_wrong_recipe_is_refused_with_a_sentence(tmp_path, old, new, sentence):
    path = tiny(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(RecipeError, match=sentence):
        read(path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"arguments": {"foo": 1}}, "critic picture cannot judge crops of 32 pixels: .*foo"),
        ({"form": "wasserstein"}, "the form wasserstein needs a penalty above 0, and patchgan"),
        ({"penalty": -1}, "penalty not below"),
        ({"updates": 1.5}, "updates is 1.5, but must be a whole number"),
    ],
)
def test_a_recipe_whose_critic_cannot_be_is_refused_with_a_sentence(tmp_path, changes, sentence):
    about = yaml.safe_load(tiny(tmp_path).read_text())
    critic = {"name": "picture", "network": "vgg128", "form": "standard", "learning_rate": 1e-4, "arguments": {"width": 4}}
    about["shipped"]["losses"].append({"kind": "adversarial", "weight": 1, "critic": "picture"})
    about["shipped"]["critics"] = [critic]
    (tmp_path / "good.yaml").write_text(yaml.safe_dump(about))
    assert read(tmp_path / "good.yaml").shipped.critics[0].name == "picture"
    about["shipped"]["critics"] = [critic | changes]
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(about))
    with pytest.raises(RecipeError, match=sentence):
        read(tmp_path / "bad.yaml")


def test_a_comment_leaves_a_recipes_hash_alone_and_a_value_does_not(tmp_path):
    path = tiny(tmp_path)
    before = read(path).hash
    path.write_text("# a comment\n" + path.read_text())
    assert read(path).hash == before
    path.write_text(path.read_text().replace("seed: 5", "seed: 6"))
    assert read(path).hash != before


def test_a_step_draws_the_same_batch_whatever_ran_before(tmp_path):
    pictures = [torch.from_numpy(textured_picture(90, 100, i)).permute(2, 0, 1) for i in range(4)]
    first, second = (Batches(read(tiny(tmp_path, "resg")), only(pictures)) for _ in range(2))
    for step in (7, 3):
        a = first.make(first.draw(step))
        b = second.make(second.draw(step))
        assert torch.equal(a[0], b[0])
        assert torch.equal(a[1], b[1])
    assert not torch.equal(first.make(first.draw(1))[1], first.make(first.draw(2))[1])


def test_processes_share_out_one_batch(tmp_path):
    pictures = [torch.from_numpy(textured_picture(90, 100, i)).permute(2, 0, 1) for i in range(4)]
    batches = Batches(read(tiny(tmp_path, "srresnet")), only(pictures))
    plan = batches.draw(3)
    whole = batches.make(plan)
    for rank in range(2):
        given, sharp = batches.make(plan[rank::2])
        torch.testing.assert_close(given, whole[0][rank::2])
        assert torch.equal(sharp, whole[1][rank::2])


def test_crops_are_degraded_as_if_cut_from_the_whole_degraded_picture(tmp_path):
    picture = torch.from_numpy(textured_picture(120, 120)).permute(2, 0, 1)
    batches = Batches(read(tiny(tmp_path)), only([picture]))
    given, sharp = batches.make(batches.draw(0))
    assert given.shape == (4, 3, 8, 8)
    assert sharp.shape == (4, 3, 32, 32)
    error = (upscale(given, 4) - sharp).abs().mean()
    shifted = (upscale(given, 4) - sharp.roll(4, 3)).abs().mean()
    assert error < 0.5 * shifted  # input and target lie on each other
    wide = downscale(sharp, 4)  # the crop alone, with a border the picture does not have
    torch.testing.assert_close(given[..., 2:-2, 2:-2], wide[..., 2:-2, 2:-2], atol=0.01, rtol=0)


def test_camera_paths_are_turned_by_an_angle_of_each_crops_own(tmp_path):
    pictures = [torch.from_numpy(textured_picture(90, 100, i)).permute(2, 0, 1) for i in range(4)]
    batches = Batches(read(tiny(tmp_path, "resg")), only(pictures))
    draws = [draw for step in range(10) for draw in batches.draw(step)]
    assert len({draw.angle for draw in draws}) == len(draws)
    assert all(0 <= draw.angle < 2 * math.pi for draw in draws)
    draw = next(draw for draw in draws if draw.mixture.kind == "motion")
    made = {angle: batches.make([dataclasses.replace(draw, angle=angle)])[0] for angle in (0.0, 2.0, 2 * math.pi)}
    torch.testing.assert_close(made[0.0], made[2 * math.pi], atol=1.1 / 255, rtol=0)
    assert (made[0.0] - made[2.0]).abs().max() > 2 / 255
    unturned, quarter = (batches._kernel(dataclasses.replace(draw, angle=angle)) for angle in (0.0, math.pi / 2))
    torch.testing.assert_close(quarter, torch.rot90(unturned, -1), atol=1e-6, rtol=0)


def test_bad_pictures_are_named_and_skipped(picture_folder, tmp_path, caplog):
    for path in picture_folder.rglob("*.png"):
        write_png(read_picture(path), tmp_path / path.name)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff not a picture")
    write_png(textured_picture(40, 40), tmp_path / "small.png")
    pictures = load(Source(tmp_path), 64, torch.device("cpu"))
    assert len(pictures.train) + len(pictures.validation) == 20
    assert "broken.jpg" in caplog.text
    assert "small.png" in caplog.text


def test_a_folder_without_enough_pictures_is_refused_with_a_sentence(tmp_path):
    with pytest.raises(DataError, match="there is no folder"):
        load(Source(tmp_path / "gone"), 64, torch.device("cpu"))
    with pytest.raises(DataError, match="there are no pictures"):
        load(Source(tmp_path), 64, torch.device("cpu"))
    write_png(textured_picture(80, 80), tmp_path / "one.png")
    with pytest.raises(DataError, match="only 1 usable pictures"):
        load(Source(tmp_path), 64, torch.device("cpu"))


def test_the_pixel_losses_are_their_formulas():
    a, b = torch.rand(2, 3, 4, 5), torch.rand(2, 3, 4, 5)
    differences = [float(x - y) for x, y in zip(a.flatten(), b.flatten(), strict=True)]
    assert float(l1(a, b)) == pytest.approx(sum(map(abs, differences)) / 120, rel=1e-5)
    assert float(mse(a, b)) == pytest.approx(sum(d * d for d in differences) / 120, rel=1e-5)


def test_the_learning_rate_warms_up_and_falls_along_a_cosine():
    assert learning_rate_factor(0, 0) < 0.05
    assert learning_rate_factor(0.25, 1000) == pytest.approx(0.01 + 0.99 * (1 + np.cos(np.pi / 4)) / 2)
    assert learning_rate_factor(1, 1000) == pytest.approx(0.01)


def test_the_tape_has_about_twelve_moments_twice_as_far_apart_each_time():
    steps = [step for step in range(10_000) if is_tape_moment(step / 10_000, (step + 1) / 10_000)]
    assert 10 <= len(steps) <= 13
    assert steps[0] == 0
    assert steps[-1] / steps[-2] == pytest.approx(2, rel=0.01)


def test_averaged_weights_follow_the_formula():
    network = torch.nn.Linear(1, 1, bias=False)
    average, expected = averaged(network, 0.5), None
    for count, value in enumerate([1.0, 3.0, 4.0]):
        torch.nn.init.constant_(network.weight, value)
        average.update_parameters(network)
        decay = min(0.5, (1 + count) / (10 + count))
        expected = value if expected is None else decay * expected + (1 - decay) * value
    assert float(average.module.weight.detach()) == pytest.approx(expected)


def test_a_run_leaves_weights_card_curves_and_tape(picture_folder, tmp_path):
    recipe = read(tiny(tmp_path, "resg"))
    path = train(recipe, Source(picture_folder), tmp_path / "run", cpu=True)
    card = read_card(path)
    assert card["recipe"] == "tiny"
    assert card["recipe_hash"] == recipe.hash
    assert card["steps"] == 12
    assert card["trained_for"][1] == {"kind": "gaussian", "low": 1, "high": 2}
    assert "thread" in card["hardware"]
    assert card["data"].startswith("12 pictures")
    network = weights.load(path)
    assert network(torch.rand(1, 3, 20, 21)).shape == (1, 3, 20, 21)
    rows = list(csv.DictReader((path.parent / "losses.csv").open()))
    assert int(rows[-1]["step"]) == 12
    assert float(rows[-1]["validation_psnr"]) > 5
    assert len(list((path.parent / "tape").glob("*.png"))) >= 4
    assert list((path.parent / "tensorboard").glob("events*"))


def test_minutes_end_a_run_in_time_and_are_on_its_card(picture_folder, tmp_path):
    path = train(read(tiny(tmp_path)), Source(picture_folder), tmp_path / "run", minutes=0.05, cpu=True)
    card = read_card(path)
    assert card["steps"] > 1
    assert "seconds" in card["stage"]


@pytest.mark.parametrize("network", ["srresnet", "deblurgan"])
def test_a_killed_run_resumes_to_the_very_weights_of_an_unbroken_one(network, picture_folder, tmp_path):
    recipe = tiny(tmp_path, network)
    whole = train(read(recipe), Source(picture_folder), tmp_path / "whole", cpu=True)
    # the state is saved after every step here, and the process is killed as soon as one is there
    script = (
        "import sys, torch; torch.set_num_threads(1)\n"
        "from pathlib import Path\n"
        "from lab.train import trainer\n"
        "from lab.train.pictures import Source\n"
        "from lab.train.recipe import read\n"
        "trainer.SAVE_EVERY_SECONDS = 0\n"
        "trainer.train(read(sys.argv[1]), Source(Path(sys.argv[2])), Path(sys.argv[3]), resume=True, cpu=True)\n"
    )
    command = [sys.executable, "-c", script, str(recipe), str(picture_folder), str(tmp_path / "broken")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (tmp_path / "broken" / "state").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (tmp_path / "broken" / "state").exists() or (tmp_path / "broken" / "state.old").exists()
    assert not (tmp_path / "broken" / "tiny.safetensors").exists(), "the run had ended before it was killed"
    broken = train(read(recipe), Source(picture_folder), tmp_path / "broken", resume=True, cpu=True)
    expected, resumed = load_file(whole), load_file(broken)
    assert expected.keys() == resumed.keys()
    for name in expected:
        assert torch.equal(expected[name], resumed[name]), name


@pytest.mark.parametrize("saved", [True, False])
def test_a_run_killed_after_its_last_save_loses_the_strips_of_the_steps_it_loses(saved, picture_folder, tmp_path, monkeypatch):
    recipe, out = read(tiny(tmp_path)), tmp_path / "run"
    if saved:
        train(recipe, Source(picture_folder), out, steps=2, cpu=True)

    def killed(*_):
        raise KeyboardInterrupt

    def strips():
        return [int(path.stem) for path in sorted((out / "tape").glob("0*.png"))]

    with monkeypatch.context() as patch:
        patch.setattr("lab.train.trainer.save_state", killed)  # first asked for at step 30
        with pytest.raises(KeyboardInterrupt):
            train(recipe, Source(picture_folder), out, steps=30, cpu=True, resume=True)
    assert strips()[-1] == 30
    assert (newest_state(out) is not None) == saved
    path = train(recipe, Source(picture_folder), out, steps=20, cpu=True, resume=True)
    rows = {int(row["step"]) for row in csv.DictReader((out / "losses.csv").open())}
    assert strips()[-1] == 20
    assert set(strips()) <= rows
    assert {file.stem for file in (out / "tape").glob("[a-z]*.png")} == {"given", "sharp"}
    moments = tapes.read("tiny", ship_tape(path, tmp_path / "tapes").parent).moments
    assert moments[-1].step == 20
    assert all(moment.psnr for moment in moments)


def test_a_folder_that_holds_a_run_is_not_overwritten(picture_folder, tmp_path):
    recipe = read(tiny(tmp_path))
    train(recipe, Source(picture_folder), tmp_path / "run", steps=1, cpu=True)
    with pytest.raises(TrainingError, match="holds a run already"):
        train(recipe, Source(picture_folder), tmp_path / "run", steps=2, cpu=True)
    for name in ("state", "state.old"):
        shutil.rmtree(tmp_path / "run" / name, ignore_errors=True)
    with pytest.raises(TrainingError, match="holds a run already"):  # its curve and its weights
        train(recipe, Source(picture_folder), tmp_path / "run", steps=2, cpu=True)


def test_resuming_by_another_or_an_edited_recipe_is_refused_and_leaves_the_curve_alone(picture_folder, tmp_path):
    path = tiny(tmp_path)
    train(read(path), Source(picture_folder), tmp_path / "run", steps=1, cpu=True)
    curve = (tmp_path / "run" / "losses.csv").read_text()
    edited = {
        "before the recipe was changed": ("seed: 5", "seed: 6"),
        "a run of tiny, not of other": ("name: tiny", "name: other"),
    }
    for sentence, change in edited.items():
        other = tmp_path / "other.yaml"
        other.write_text(path.read_text().replace(*change))
        with pytest.raises(TrainingError, match=sentence):
            train(read(other), Source(picture_folder), tmp_path / "run", steps=2, cpu=True, resume=True)
    assert (tmp_path / "run" / "losses.csv").read_text() == curve


def test_a_damaged_state_gives_way_to_the_one_before_and_without_it_a_sentence(picture_folder, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("lab.train.trainer.SAVE_EVERY_SECONDS", 0)
    recipe, out = read(tiny(tmp_path)), tmp_path / "run"
    train(recipe, Source(picture_folder), out, steps=3, cpu=True)
    for name in ("state", "state.old"):
        for path in (out / name).glob("custom*"):
            path.write_bytes(path.read_bytes()[:100])
        if name == "state":
            train(recipe, Source(picture_folder), out, steps=4, cpu=True, resume=True)
            assert "state' is damaged" in caplog.text
            for path in (out / name).glob("custom*"):
                path.write_bytes(b"")
    with pytest.raises(TrainingError, match="can be read, so the run cannot go on"):
        train(recipe, Source(picture_folder), out, steps=5, cpu=True, resume=True)


def test_half_a_row_of_a_curve_is_passed_over(tmp_path):
    (tmp_path / "losses.csv").write_text("step,seconds,loss\n1,0.5,0.1\n2,x,0.1\n3,0.7\n4,0.9,0.")
    assert [row["step"] for row in read_rows(tmp_path / "losses.csv")] == ["1"]
    assert read_rows(tmp_path / "gone.csv") == []


@pytest.mark.parametrize("minutes", [0, -1, float("inf"), float("nan")])
def test_a_number_of_minutes_that_none_could_wait_for_is_refused(minutes, picture_folder, tmp_path):
    with pytest.raises(TrainingError, match="a run cannot take"):
        train(read(tiny(tmp_path)), Source(picture_folder), tmp_path / "run", minutes=minutes, cpu=True)


def test_what_a_recipe_starts_from_is_looked_for_before_pictures_are(tmp_path):
    path = tiny(tmp_path)
    path.write_text(path.read_text().replace("name: tiny", "name: tiny\nstart_from: never-trained"))
    with pytest.raises(TrainingError, match="never-trained"):
        train(read(path), Source(tmp_path / "no-pictures"), tmp_path / "run", steps=1, cpu=True)


def test_a_loss_that_is_not_finite_stops_the_run_and_says_so(picture_folder, tmp_path):
    path = tiny(tmp_path)
    path.write_text(path.read_text().replace("1.0e-3", "1.0e+30"))
    with pytest.raises(TrainingError, match="training diverged by step"):
        train(read(path), Source(picture_folder), tmp_path / "run", steps=60, cpu=True)


def test_starting_from_another_network_copies_what_fits_and_refuses_what_does_not(tmp_path):
    from lab.networks import build

    small = {"blocks": 2, "width": 8, "growth": 4}
    trunk = build("rrdb", **small)
    weights.save(trunk, tmp_path / "trunk.safetensors", {})
    larger = build("spsr", **small, taps=[1, 2], branch_growth=4)
    assert start_from(larger, tmp_path / "trunk.safetensors") > 0
    torch.testing.assert_close(larger.network.body[0].state_dict(), trunk.network.body[0].state_dict(), atol=1e-3, rtol=1e-2)
    with pytest.raises(TrainingError, match="shares too few weights"):
        start_from(build("srcnn"), tmp_path / "trunk.safetensors")
    with pytest.raises(TrainingError, match="train gone first"):
        start_from(larger, tmp_path / "gone.safetensors")
