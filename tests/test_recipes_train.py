"""Every recipe, at a tiny width, from its first step to a file that restores pictures."""

import csv
import math

import pytest
import torch
from training import tiny

from lab.methods import METHODS
from lab.restore import restore
from lab.train import features
from lab.train.features import lab_features
from lab.train.pictures import Source
from lab.train.recipe import available
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


@pytest.mark.parametrize("name", available())
def test_a_recipe_trains_for_fifty_steps_and_its_weights_restore_a_picture(name, picture_folder, tmp_path):
    recipe = tiny(name)
    path = train(recipe, Source(data=picture_folder), tmp_path, steps=50, cpu=True)
    card = read_card(path)
    assert card["recipe"] == name
    assert card["recipe_hash"] == recipe.hash
    assert card["steps"] == 50
    assert card["minutes"] >= 0
    assert card["hardware"]
    assert card["data"]
    assert set(card["losses"]) >= {term.name for term in recipe.shipped.losses}
    rows = list(csv.DictReader((tmp_path / "losses.csv").open()))
    last = rows[-1]
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
    assert float(rows[0]["loss"]) != float(last["loss"])


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
