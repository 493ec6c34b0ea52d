"""What a run keeps for its tape: the held-out crops as given, as restored at each moment, and as they should be."""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from lab.images import read_picture, to_picture, to_tensor, write_png
from lab.train.curves import read_rows
from lab.train.data import Batches
from lab.train.entries import RecipeError
from lab.train.errors import TrainingError
from lab.train.pictures import Source, load
from lab.train.recipe import RECIPES, Recipe, from_values, read
from lab.train.restoration import Restoration, psnr

SAME = 0.05
"""Decibels by which the PSNR of the last moment may differ from the one in the curves: 8 bits against more."""


def write_strip(path: Path, crops: Tensor) -> None:
    """Crops (N, 3, H, W) in [0, 1] side by side, as PNG."""
    write_png(to_picture(torch.cat(list(crops.clamp(0, 1).float().cpu()), dim=2)), path)


def write_ends(folder: Path, given: Tensor, sharp: Tensor) -> None:
    """The tape's two ends: the crops as given, each pixel repeated where they are smaller, and the originals."""
    write_strip(folder / "given.png", F.interpolate(given, size=sharp.shape[-2:], mode="nearest"))
    write_strip(folder / "sharp.png", sharp)


def drop_later_strips(folder: Path, step: int) -> None:
    """Remove the strips of steps after this one from a tape: a run that was killed and goes on from there never had them."""
    for path in folder.glob("*.png"):
        if path.stem.isdigit() and int(path.stem) > step:
            path.unlink()


def recipe_of(run: Path) -> Recipe:
    """The recipe a run followed: from the values it kept; older runs kept none, and have the lab's recipe of their hash.

    Raises:
        TrainingError: neither is there, or this lab cannot follow it any more.
    """
    try:
        about = json.loads((run / "recipe.json").read_text(encoding="utf-8"))
        known = [from_values(about["values"])] if "values" in about else map(read, sorted(RECIPES.rglob("*.yaml")))
        for recipe in known:
            if (recipe.name, recipe.hash) == (about["recipe"], about["hash"]):
                return recipe
    except RecipeError as error:
        raise TrainingError(f"the recipe that '{run}' was trained by cannot be followed here: {error}") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise TrainingError(f"'{run}' has no recipe.json that can be read, so what was given is not known.") from None
    raise TrainingError(f"the recipe that '{run}' was trained by is not here as it was then, so what was given is not known.")


def add_ends(run: Path, source: Source) -> None:
    """Add the given and the original crops to a run that did not keep them, from the pictures it was trained on.

    Raises:
        TrainingError: the run has no tape, or these are not its crops; and see `recipe_of`.
    """
    known = {int(row["step"]): row.get("validation_psnr") for row in read_rows(run / "losses.csv")}
    moments = sorted(path for path in (run / "tape").glob("*.png") if path.stem.isdigit() and known.get(int(path.stem)))
    if not moments:
        raise TrainingError(f"'{run}' has no tape with a moment that its losses.csv knows.")
    recipe = recipe_of(run)
    pictures = load(source, recipe.shipped.patch + Restoration.smallest_margin, torch.device("cpu"))
    given, sharp = Batches(recipe, pictures).validation()
    last = to_tensor(read_picture(moments[-1]))
    crops = torch.cat(last.split(last.shape[-2], dim=3))
    if crops.shape != sharp.shape or abs(psnr(crops, sharp) - float(known[int(moments[-1].stem)])) > SAME:
        raise TrainingError(f"'{run}' was trained on other pictures: its crops are not those of this source.")
    write_ends(run / "tape", given, sharp)
