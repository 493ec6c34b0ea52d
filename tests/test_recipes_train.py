"""Every recipe, at a tiny width, from its first step to a file that restores pictures."""

import csv
import dataclasses
import math

import pytest
import torch
from training import tiny
from typer.testing import CliRunner

from lab.cli import app
from lab.methods import METHODS
from lab.restore import restore
from lab.train import features
from lab.train.feature_learning import FeatureLearning
from lab.train.features import lab_features
from lab.train.pictures import Source
from lab.train.recipe import available, read
from lab.train.restoration import Restoration
from lab.train.trainer import train
from lab.weights import WeightsError, load, read_card


@pytest.fixture(autouse=True)
def small_features(monkeypatch):
    """Feature losses on the lab's own network with random weights: VGG-19 is forty times slower and takes no other path."""
    from lab.networks.features import LabFeatures

    torch.manual_seed(0)
    network = LabFeatures()
    monkeypatch.setattr(
        "lab.train.restoration.vgg19_features",
        lambda layers, download: features.LabLayers(layers, "the lab's network with random weights, for tests", network),
    )


def trained(task) -> dict[str, torch.Tensor]:
    """All that a task trains: its network's parameters and its critics'."""
    networks = {"": getattr(task, "parts", task.network)}
    networks |= {name: critic.network for name, critic in getattr(task, "critics", {}).items()}
    return {
        f"{name} {key}": value.detach().clone() for name, network in networks.items() for key, value in network.named_parameters()
    }


def watch_tasks(monkeypatch) -> list:
    """Every task that is made from now on, with what it trains as it was then."""
    made = []
    for kind in (Restoration, FeatureLearning):

        def watched(self, *args, begin=kind.__init__, **kwargs):
            begin(self, *args, **kwargs)
            made.append((self, trained(self)))

        monkeypatch.setattr(kind, "__init__", watched)
    return made


@pytest.mark.parametrize("name", [name for name in available() if read(name).start_from])
def test_a_recipe_that_starts_from_another_has_its_weights_at_the_first_step(name, picture_folder, tmp_path, monkeypatch):
    start = read(name).start_from
    source = Source(data=picture_folder)
    starts = tmp_path / "starts"
    trunk = load(train(tiny(start), source, starts / start, steps=1, cpu=True)).state_dict()
    tasks = watch_tasks(monkeypatch)
    recipe = dataclasses.replace(tiny(name), start_from=start)
    path = train(recipe, source, tmp_path / name, steps=1, cpu=True, starts=starts)
    ((_, before),) = tasks
    shared = [key for key in trunk if f" {key}" in before and before[f" {key}"].shape == trunk[key].shape]
    assert sum(trunk[key].numel() for key in shared) > 0.8 * sum(value.numel() for value in trunk.values())
    assert all(torch.equal(before[f" {key}"].contiguous(), trunk[key]) for key in shared)
    assert read_card(path)["start_from"] == start


@pytest.mark.parametrize("name", available())
def test_a_recipe_trains_for_fifty_steps_and_its_weights_restore_a_picture(name, picture_folder, tmp_path, monkeypatch):
    recipe = tiny(name)
    tasks = watch_tasks(monkeypatch)
    path = train(recipe, Source(data=picture_folder), tmp_path, steps=50, cpu=True)
    card = read_card(path)
    assert card["recipe"] == name
    assert card["recipe_hash"] == recipe.hash
    assert card["steps"] == 50
    assert card["hardware"]
    assert card["data"]
    assert set(card["losses"]) >= {term.name for term in recipe.shipped.losses}
    rows = list(csv.DictReader((tmp_path / "losses.csv").open()))
    last = rows[-1]
    assert card["minutes"] == pytest.approx(float(last["seconds"]) / 60, abs=0.06)  # both rounded
    ((task, before),) = tasks
    after = trained(task)
    # a Wasserstein critic's loss is a difference of scores, in which its last bias cancels
    free = {f"{plan.name} layers.11.bias" for plan in recipe.shipped.critics if plan.form == "wasserstein"}
    still = [name for name in before.keys() - free if torch.equal(before[name], after[name])]
    assert not still, f"nothing moved {still}"
    for term in recipe.shipped.losses:
        assert math.isfinite(float(last[term.name]))
    for plan in recipe.shipped.critics:
        assert math.isfinite(float(last[f"D_real/{plan.name}"]))
        assert math.isfinite(float(last[f"D_fake/{plan.name}"]))
    if name == "features":
        maps = lab_features(["conv4_1"], path)(torch.rand(1, 3, 32, 32))
        assert torch.isfinite(maps["conv4_1"]).all()
        assert card["features"] is None
        with pytest.raises(WeightsError, match="Lab features, which restores no pictures"):
            load(path)
        return
    looked_at = any(term.kind in ("content", "perceptual", "texture") for term in recipe.shipped.losses)
    assert bool(card["features"]) == looked_at
    restored = restore(name, torch.rand(1, 3, 12, 13), own=path)
    scale = 4 if METHODS[name].takes == "x4" else 1
    assert restored.picture.shape == (1, 3, 12 * scale, 13 * scale)


def test_a_network_alone_is_trained_only_where_the_recipe_says(picture_folder, tmp_path):
    from accelerate import Accelerator

    from lab.train.pictures import load
    from lab.train.restoration import Restoration

    recipe = tiny("spsr", alone=2)
    pictures = load(Source(data=picture_folder), 64, torch.device("cpu"))
    task = Restoration(recipe, pictures, Accelerator(cpu=True), None)
    before = {name: value.clone() for name, value in task.network.network.named_parameters()}

    def changed() -> set[str]:
        now = task.network.network.named_parameters()
        return {name.split("_")[0].split(".")[0] for name, value in now if not torch.equal(value, before[name])}

    for number in range(2):
        task.step(number, slice(None), 1.0)
    assert changed() == {"fusion", "branch"}
    task.step(2, slice(None), 1.0)
    assert {"head", "body"} <= changed()


@pytest.mark.parametrize(
    ("recipe", "sentence"),
    [("srgan", "there is no srresnet/srresnet.safetensors in"), ("srresnet", "the recipe srresnet starts from no other")],
)
def test_starting_weights_that_are_not_there_are_said_before_anything_is_trained(recipe, sentence, picture_folder, tmp_path):
    words = ["train", recipe, "--data", picture_folder, "--out", tmp_path / "run", "--starts", tmp_path]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code != 0
    assert sentence in " ".join(done.output.split())
    assert not (tmp_path / "run").exists()
