"""How long each recipe takes on this machine: the median of a few steps, times the recipe's steps.

    python benchmarks/recipes.py [RECIPE ...] [--rounds N]

Prints a table in Markdown. A step is whole: its batch, all networks and critics, averaged weights. Validation and saving are not
in it; they add a few seconds a minute at most. Pictures are noise, so nothing has to be decoded; losses on features look at
what there is (see lab.train.features), which the last column names.
"""

import argparse
import functools
import os
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from accelerate import Accelerator

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.pages import sentences
from benchmarks.training import noise_pictures, seconds
from lab.train.feature_learning import FeatureLearning
from lab.train.hardware import hardware, has_fast_bf16
from lab.train.recipe import Recipe, available, read
from lab.train.restoration import Restoration


def table(recipes: Mapping[str, Recipe], rounds: int) -> None:
    """Print the table row by row.

    Args:
        recipes: name, as it was given -> recipe.
        rounds: steps that are timed, at least 1, after two that warm up.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    accelerator = Accelerator(mixed_precision="bf16" if has_fast_bf16(device) else "no")
    pictures = noise_pictures(16, device)
    print(f"{hardware(device)}, {torch.get_num_threads()} threads of {os.cpu_count()} cores\n")
    print("| recipe | steps | seconds a step | minutes in all | features |\n|---|---|---|---|---|")
    for name, recipe in recipes.items():
        kind = FeatureLearning if recipe.network == "features" else Restoration
        task = kind(recipe, pictures, accelerator, None)
        first = recipe.shipped.alone  # the steps before it train a few layers alone, and are quicker
        times = [seconds(functools.partial(task.step, first + i, slice(None), 1.0)) for i in range(rounds + 2)]
        step = statistics.median(times[2:])  # the first two warm up
        minutes = step * recipe.shipped.steps / 60
        source = task.about()["features"] or "-"
        print(f"| {name} | {recipe.shipped.steps} | {step:.3f} | {minutes:.0f} | {source.split(' (')[0]} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", default=available())
    parser.add_argument("--rounds", type=int, default=5)
    choice = parser.parse_args()
    if choice.rounds < 1:
        parser.error("--rounds must be at least 1.")
    with sentences("recipes.py"):
        table({name: read(name) for name in choice.recipes}, choice.rounds)


if __name__ == "__main__":
    main()
