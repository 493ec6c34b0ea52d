"""The trainer, to be read top to bottom: it asks a task for one step after another, and keeps what a run leaves behind.

    python -m lab train srgan --data DIR --out runs/srgan --minutes 30
    python -m lab train srgan --data DIR --out runs/srgan --minutes 30 --resume
    accelerate launch -m lab train srgan --data DIR --out runs/srgan --steps 100000      (several GPUs or machines)

What a step is, the task knows: restoration.py (a network, its losses, its critics), or feature_learning.py (the lab's features).

A run leaves in its folder: the weights and their card (NAME.safetensors, NAME.json), the curve of every loss (losses.csv and
TensorBoard files), a tape (the same held-out crops at about a dozen moments, tape/STEP.png, beside tape/given.png and
tape/sharp.png) and its state, for --resume. With
--steps a run that was killed and resumed ends with the very weights of an unbroken one (on the CPU with one number of threads);
with --minutes the learning rate falls with the clock, so no two runs are alike to the bit.
"""

import json
import math
import shutil
import threading
import time
from pathlib import Path

import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import broadcast, set_seed
from torch import Tensor

from lab.methods import CHECKPOINTS
from lab.train.curves import Curves
from lab.train.data import refuse_pairs
from lab.train.errors import Stopped, TrainingError, check_finite
from lab.train.feature_learning import FeatureLearning
from lab.train.hardware import hardware, has_fast_bf16
from lab.train.pictures import Source, load
from lab.train.processes import average_figures, check_shares
from lab.train.progress import Progress
from lab.train.recipe import Recipe
from lab.train.restoration import Restoration, check_files
from lab.train.saving import State, check_folder, load_state, newest_state, save_state
from lab.train.tape import drop_later_strips, write_ends, write_strip
from lab.train.tape_shipping import ship_tape

SAVE_EVERY_SECONDS = 60
LOG_EVERY_STEPS = 25
VALIDATE_EVERY_STEPS = 500
TAPE_MOMENTS = 12
WARM_UP_STEPS = 50


def learning_rate_factor(progress: float, step: int) -> float:
    """Half a cosine from 1 to 0.01 as progress goes from 0 to 1, after a short linear warm-up."""
    cosine = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return cosine * min(1.0, (step + 1) / WARM_UP_STEPS)


def is_tape_moment(before: float, after: float) -> bool:
    """Whether progress from `before` to `after` (0..1) passes a moment of the tape; each lies twice as far on."""
    moments = [2.0 ** (i - TAPE_MOMENTS + 2) for i in range(TAPE_MOMENTS - 1)]
    return before == 0 or any(before < moment <= after for moment in moments)


def asked_to_stop(accelerator: Accelerator, stop: threading.Event | None, step: int) -> bool:
    """Whether to stop before this step; several processes ask each other now and then, so that all stop at the same one."""
    asked = stop is not None and stop.is_set()
    if accelerator.num_processes == 1:
        return asked
    if step % LOG_EVERY_STEPS:
        return False
    return bool(accelerator.reduce(torch.tensor(float(asked), device=accelerator.device), "sum") > 0)


def clock(accelerator: Accelerator) -> float:
    """Seconds on the main process's clock: what depends on time must be decided alike by all processes."""
    now = torch.tensor(time.monotonic(), dtype=torch.float64, device=accelerator.device)
    return float(broadcast(now) if accelerator.num_processes > 1 else now)


def starting_weights(name: str | None, starts: Path | None) -> Path | None:
    """The weights of the recipe that another starts from: of a run in `starts` where there is one, else the shipped ones."""
    if name is None:
        return None
    fresh = None if starts is None else starts / name / f"{name}.safetensors"
    return fresh if fresh is not None and fresh.is_file() else CHECKPOINTS / f"{name}.safetensors"


def card(recipe: Recipe, state: State, device: torch.device, data: str, mixture: bool = True) -> dict:
    """What is known of the weights, for people and for the page; the task and lab.weights add to it.

    `mixture` is False where pairs were trained on: what blurred them is not known, so no kind is claimed.
    """
    minutes = state.seconds / 60
    return {
        "name": recipe.title,
        "stage": f"{recipe.stage}, {minutes:.0f} minutes" if minutes >= 1 else f"{recipe.stage}, {state.seconds:.0f} seconds",
        "differs": recipe.differs,
        "recipe": recipe.name,
        "recipe_hash": recipe.hash,
        "start_from": recipe.start_from,
        "trained_for": [
            {"kind": entry.kind} | ({"low": entry.low, "high": entry.high} if entry.low is not None else {})
            for entry in recipe.degradations
            if mixture
        ],
        "steps": state.step,
        "minutes": round(minutes, 1),
        "hardware": hardware(device),
        "data": data,
    }


def ship(path: Path) -> Path:
    """Copy a finished run's weights and card to checkpoints/, where the methods find them, and its tape (see tape_shipping.py) to
    assets/tapes/, where the page does; the new weights file.

    Raises:
        TapeError: the run makes no tape; the weights are not copied then.
    """
    if any((path.parent / "tape").glob("*.png")):  # the lab's features restore nothing, so their runs have no tape
        ship_tape(path)  # first: where it is refused, the weights stay as they were
    CHECKPOINTS.mkdir(exist_ok=True)
    for source in (path.with_suffix(".json"), path):  # a running app may look at any moment: it finds whole files alone
        part = CHECKPOINTS / f"{source.name}.part"
        shutil.copyfile(source, part)
        part.replace(CHECKPOINTS / source.name)
    return CHECKPOINTS / path.name


def train(
    recipe: Recipe,
    source: Source,
    out: Path,
    *,
    steps: int | None = None,
    minutes: float | None = None,
    resume: bool = False,
    cpu: bool = False,
    starts: Path | None = None,
    stop: threading.Event | None = None,
    download: bool = False,
) -> Path:
    """Follow a recipe until its steps or minutes are used up.

    Args:
        recipe: what to train and how.
        source: the pictures.
        out: the run's folder.
        steps: in place of the recipe's number; the learning rate falls over them.
        minutes: stop after this much training time instead (resumed time counts on).
        resume: go on from the run's last saved state; starts anew where there is none.
        cpu: stay on the CPU even where there is a GPU.
        starts: folder of other runs (NAME/NAME.safetensors) that `start_from` is looked for in before checkpoints/.
        stop: when set, the state is saved after the step under way, and the run ends with Stopped.
        download: fetch VGG-19's ImageNet weights where a loss wants them and they are not on disk.

    Returns:
        The weights file.

    Raises:
        TrainingError: the folder holds another run, the batch cannot be shared out among the processes, a loss is not finite any
            more, or a critic has won.
        Stopped: see `stop`.
        DataError, FeaturesError, WeightsError: see their texts.
    """
    shipped = recipe.shipped
    total = steps or shipped.steps
    if minutes is not None and not 0 < minutes < math.inf:
        raise TrainingError(f"a run cannot take {minutes:g} minutes: give a number above 0.")
    check_folder(out, recipe, resume)
    resumed = newest_state(out) is not None
    start = None if resumed else starting_weights(recipe.start_from, starts)
    if source.pairs is not None:
        refuse_pairs(recipe)
    check_files(recipe, start, download)  # all this before minutes are spent on decoding pictures

    bf16 = has_fast_bf16(PartialState(cpu=cpu).device)
    accelerator = Accelerator(cpu=cpu, mixed_precision="bf16" if bf16 else "no")
    main, device = accelerator.is_main_process, accelerator.device
    check_shares(shipped.batch, accelerator)
    set_seed(shipped.seed)
    kind = FeatureLearning if recipe.network == "features" else Restoration
    pictures = load(source, shipped.patch + kind.smallest_margin, device)
    task = kind(recipe, pictures, accelerator, start, download)
    set_seed(shipped.seed + accelerator.process_index)  # from here on only dropout draws from the global generator
    state = State()
    accelerator.register_for_checkpointing(state, *task.saved())
    if resumed:
        load_state(accelerator, out)

    accelerator.wait_for_everyone()  # a process that is late must not find its own run's files and take the folder for another's
    if main:
        out.mkdir(parents=True, exist_ok=True)
        about = {"recipe": recipe.name, "hash": recipe.hash, "values": recipe.values}
        (out / "recipe.json").write_text(json.dumps(about, default=str))
        drop_later_strips(out / "tape", state.step)
        curves = Curves(out, ["learning_rate", *task.figures()], state.step)
        if isinstance(task, Restoration):
            write_ends(out / "tape", task.given, task.sharp)
    bar = Progress(recipe.name, main)
    share = slice(accelerator.process_index, None, accelerator.num_processes)
    saved, began = state.seconds, clock(accelerator) - state.seconds
    sums: dict[str, Tensor] = {}
    summed = 0

    def progress() -> float:
        return state.step / total if minutes is None else state.seconds / (60 * minutes)

    def means_so_far() -> dict[str, float]:
        means = average_figures(accelerator, {name: float(value) / summed for name, value in sums.items()})
        for value in means.values():
            check_finite(value, state.step)
        return means

    def log(tape: bool, rate: float) -> None:
        means = means_so_far()
        task.watch(means, summed)
        if not main:
            return
        if tape or state.step % VALIDATE_EVERY_STEPS == 0:
            figures, restored = task.validate(state.step)
            means |= figures
            bar.note(**{name.removeprefix("validation_"): f"{value:.4g}" for name, value in figures.items()})
            if tape and restored is not None:
                write_strip(out / "tape" / f"{state.step:07d}.png", restored)
        curves.add(state.step, state.seconds, learning_rate=shipped.learning_rate * rate, **means)

    try:
        while (before := progress()) < 1:
            if asked_to_stop(accelerator, stop, state.step):
                if summed:
                    log(False, learning_rate_factor(before, state.step))
                save_state(accelerator, out)
                go_on = "the same command with --resume goes on from there"
                raise Stopped(f"stopped after step {state.step}, saved in '{out}': {go_on}.")
            rate = learning_rate_factor(before, state.step)
            for name, value in task.step(state.step, share, rate).items():
                sums[name] = sums.get(name, 0) + value
            summed += 1
            state.step += 1
            state.seconds = clock(accelerator) - began
            bar.update(progress(), state.step)
            tape = is_tape_moment(before, progress()) or progress() >= 1
            if tape or state.step % LOG_EVERY_STEPS == 0:
                log(tape, rate)
                sums, summed = {}, 0
            if state.seconds - saved > SAVE_EVERY_SECONDS:
                means_so_far()  # a state with losses that are not finite would take the place of the last good one
                save_state(accelerator, out)
                saved = state.seconds
        save_state(accelerator, out)
        path = out / f"{recipe.name}.safetensors"
        if main:
            about = card(recipe, state, device, pictures.description, source.pairs is None)
            task.export(path, {**about, **task.about()})
        accelerator.wait_for_everyone()  # no process looks for the file before it is there; `end_training` parts them
    finally:
        bar.close()
        if main:
            curves.close()
        accelerator.end_training()
    return path
