"""What the trainer costs beside the network itself: one step of a recipe, over a bare forward, backward and optimiser step.

    python benchmarks/training.py [RECIPE] [--rounds N]

Prints the ratio of the medians of both, taken in turns in one run, so that it holds on a busy machine too. The bare step has the
same network, batch size, precision and optimiser, on one batch made beforehand; the recipe's step also draws and degrades its
batch, averages weights and collects its figures.
"""

import argparse
import itertools
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.pages import sentences
from lab.networks import build
from lab.train.hardware import has_fast_bf16
from lab.train.pictures import Pictures
from lab.train.recipe import Recipe, read
from lab.train.restoration import Restoration


def noise_pictures(count: int, device: torch.device) -> Pictures:
    """Pictures of noise on the device: what they show does not matter here."""
    rng = np.random.default_rng(0)
    made = [torch.from_numpy(rng.integers(0, 256, (3, 320, 480), dtype=np.uint8)).to(device) for _ in range(count)]
    return Pictures(made[8:], made[:8], None, None, "noise")


def seconds(work) -> float:
    """Wall time of one call, with the GPU's work in it."""
    began = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def compare(recipe: Recipe, rounds: int) -> None:
    """Time the steps of a recipe and bare ones in turns, so many rounds (at least 1) after two that warm up, and print both."""
    shipped = recipe.shipped
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    accelerator = Accelerator(mixed_precision="bf16" if has_fast_bf16(device) else "no")
    task = Restoration(recipe, noise_pictures(40, accelerator.device), accelerator, None)
    network = build(recipe.network, **shipped.arguments).to(accelerator.device, memory_format=torch.channels_last).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-6)
    given, sharp = task.batches.make(task.batches.draw(0))
    given = given.contiguous(memory_format=torch.channels_last)

    def bare() -> None:
        with accelerator.autocast():
            result = network(given)
        loss = torch.nn.functional.l1_loss(result.float(), sharp)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    numbers = itertools.count()
    bare_times, step_times = [], []
    for turn in range(rounds + 2):
        first, second = seconds(bare), seconds(lambda: task.step(next(numbers), slice(None), 1.0))
        if turn >= 2:  # the first two warm up
            bare_times.append(first)
            step_times.append(second)
    ratio = statistics.median(step_times) / statistics.median(bare_times)
    print(f"{recipe.name}: a step takes {ratio:.3f} times its bare forward, backward and optimiser step")
    print(f"({statistics.median(step_times):.3f} s and {statistics.median(bare_times):.3f} s, {torch.get_num_threads()} threads)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", nargs="?", default="srresnet")
    parser.add_argument("--rounds", type=int, default=12)
    choice = parser.parse_args()
    if choice.rounds < 1:
        parser.error("--rounds must be at least 1.")
    with sentences("training.py"):
        recipe = read(choice.recipe)
        if recipe.network == "features":
            parser.error("the feature network restores nothing: name a recipe of a network that does.")
        compare(recipe, choice.rounds)


if __name__ == "__main__":
    main()
