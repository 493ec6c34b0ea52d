"""Recipes shrunk to the smallest size that still has every part, for tests."""

import dataclasses
from pathlib import Path
from unittest.mock import patch

import torch
from accelerate import Accelerator

from lab.networks.features import LabFeatures
from lab.train import restoration
from lab.train.features import LabLayers
from lab.train.pictures import Source, load
from lab.train.recipe import Recipe, read
from lab.train.restoration import Restoration

TINY = {
    "srcnn": {"middle": 1},
    "espcn": {},
    "srresnet": {"blocks": 1, "width": 8, "batch_norm": False, "bicubic_skip": True},
    "rrdb": {"blocks": 1, "width": 8, "growth": 4},
    "spsr": {"blocks": 2, "width": 8, "growth": 4, "taps": [1, 2], "branch_growth": 4},
    "deblurgan": {"blocks": 1, "width": 8},
    "srnet": {"width": 8},
    "features": {},
}


def tiny(name: str, **changes) -> Recipe:
    """The recipe `name` with a tiny network, tiny critics and small crops, started from nothing; `changes` to what is shipped."""
    recipe = read(name)
    shipped = recipe.shipped
    family = {"kind": shipped.arguments.get("kind"), "width": 8, "blocks": 1}
    arguments = TINY.get(recipe.network, family)
    critics = tuple(dataclasses.replace(plan, arguments=dict.fromkeys(plan.arguments, 8)) for plan in shipped.critics)
    small = {"arguments": arguments, "critics": critics, "patch": 32, "batch": 2, "alone": min(shipped.alone, 5)}
    return dataclasses.replace(recipe, start_from=None, shipped=dataclasses.replace(shipped, **{**small, **changes}))


def shared_work(name: str, pictures: Path, accelerator: Accelerator) -> dict:
    """Six steps of a tiny recipe, shared out among the processes there are: its weights in one row, and how far they moved.

    `resg:mse` is resg with this loss alone, and so without its critic.
    """
    name, _, alone = name.partition(":")
    torch.manual_seed(0)
    features = LabFeatures()
    recipe = tiny(name, batch=4, alone=0, alone_layers=(), learning_rate=2e-3)
    # x4 alone: a blur's FFT has the size that the largest kernel of a share needs, and rounds some pixels the other way
    recipe = dataclasses.replace(recipe, degradations=recipe.degradations[:1])
    if alone:
        kept = tuple(loss for loss in recipe.shipped.losses if loss.kind == alone)
        recipe = dataclasses.replace(recipe, shipped=dataclasses.replace(recipe.shipped, losses=kept, critics=()))
    held = load(Source(data=pictures), recipe.shipped.patch + Restoration.smallest_margin, accelerator.device)
    with patch.object(restoration, "vgg19_features", lambda layers, download: LabLayers(layers, "random", features)):
        task = Restoration(recipe, held, accelerator, None)

    def weights() -> torch.Tensor:
        return torch.cat([parameter.detach().flatten() for parameter in task.network.parameters()])

    before = weights()
    share = slice(accelerator.process_index, None, accelerator.num_processes)
    for number in range(6):
        task.step(number, share, 1.0)
    return {"weights": weights(), "moved": float((weights() - before).norm())}
