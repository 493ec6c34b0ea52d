"""The trainer, to be read top to bottom: one network, one pixel loss, Accelerate underneath.

    python -m lab train srresnet --data DIR --out runs/srresnet --minutes 30
    python -m lab train srresnet --data DIR --out runs/srresnet --minutes 30 --resume
    accelerate launch -m lab train srresnet --data DIR --out runs/srresnet --steps 100000      (several GPUs or machines)

A run leaves in its folder: the weights and their card (NAME.safetensors, NAME.json), the loss curve (losses.csv and TensorBoard
files), a tape (the same held-out crops at about a dozen moments, tape/STEP.png) and its state, from which --resume goes on.
With --steps a run that was killed and resumed ends with the very weights of an unbroken one (on the CPU with one number of
threads). With --minutes the learning rate falls with the clock, so no two runs are alike to the bit.
"""

import csv
import json
import logging
import math
import platform
import shutil
import threading
import time
from pathlib import Path

import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import set_seed
from torch import Tensor
from torch.optim.swa_utils import AveragedModel
from torch.utils.tensorboard import SummaryWriter

from lab import weights
from lab.degrade import round_to_8_bits
from lab.errors import LabError
from lab.images import to_picture, write_png
from lab.methods import CHECKPOINTS
from lab.networks import RGBNetwork, build
from lab.train.data import MARGIN, Batches, refuse_pairs
from lab.train.losses import pixel_loss
from lab.train.pictures import Source, load
from lab.train.progress import Progress
from lab.train.recipe import Recipe

SAVE_EVERY_SECONDS = 60
LOG_EVERY_STEPS = 25
TAPE_MOMENTS = 12
WARM_UP_STEPS = 50


class TrainingError(LabError):
    """A run that cannot start or go on; its text is the sentence to show."""


class Stopped(TrainingError):
    """A run that was asked to stop, with its state saved; its text says how to go on."""


def has_fast_bf16(device: torch.device) -> bool:
    """Whether bf16 is faster than float32 here: in the GPU's or the processor's instructions, not emulated."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    flags = Path("/proc/cpuinfo")
    return flags.is_file() and any(word in flags.read_text() for word in ("avx512_bf16", "amx_bf16"))


def hardware(device: torch.device) -> str:
    """What the card says of the machine: the GPU's name, or the processor's with the number of threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = platform.processor() or platform.machine()
    flags = Path("/proc/cpuinfo")
    if flags.is_file():
        names = [line.partition(":")[2].strip() for line in flags.read_text().splitlines() if line.startswith("model name")]
        name = names[0] if names else name
    threads = torch.get_num_threads()
    return f"{name}, {threads} thread{'s' if threads > 1 else ''}"


def learning_rate_factor(progress: float, step: int) -> float:
    """Half a cosine from 1 to 0.01 as progress goes from 0 to 1, after a short linear warm-up."""
    cosine = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return cosine * min(1.0, (step + 1) / WARM_UP_STEPS)


def check_finite(value: float, step: int) -> None:
    """Raise TrainingError where a loss or a result has left the finite numbers."""
    if not math.isfinite(value):
        raise TrainingError(f"training diverged by step {step}: lower the recipe's learning rate and start anew.")


def is_tape_moment(before: float, after: float) -> bool:
    """Whether progress from `before` to `after` (0..1) passes a moment of the tape; each lies twice as far on."""
    moments = [2.0 ** (i - TAPE_MOMENTS + 2) for i in range(TAPE_MOMENTS - 1)]
    return before == 0 or any(before < moment <= after for moment in moments)


def averaged(network: RGBNetwork, decay: float) -> AveragedModel:
    """An exponential moving average of weights and buffers, which forgets its first values faster than its last."""

    def update(average: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        now = min(decay, (1 + int(count)) / (10 + int(count)))
        for old, new in zip(average, current, strict=True):
            old.copy_(torch.lerp(old, new, 1 - now) if old.is_floating_point() else new)

    return AveragedModel(network, multi_avg_fn=update, use_buffers=True)


def psnr(result: Tensor, sharp: Tensor) -> float:
    """Mean PSNR in dB over (N, 3, H, W) pairs in [0, 1], all channels, rounded to 8 bits: a quick check, no benchmark."""
    error = (round_to_8_bits(result) - sharp).square().mean(dim=(1, 2, 3)).clamp(min=1e-10)
    return float((-10 * error.log10()).mean())


def start_from(network: RGBNetwork, path: Path) -> int:
    """Copy weights from a checkpoint wherever name and shape agree; the number of values copied.

    Raises:
        TrainingError: no such checkpoint, or less than a tenth of the network's values found in it.
    """
    if not path.is_file():
        raise TrainingError(f"this recipe starts from {path.name}, which is not there: train {path.stem} first.")
    source, target = weights.load(path).state_dict(), network.state_dict()
    shared = {name: value for name, value in source.items() if name in target and target[name].shape == value.shape}
    count = sum(value.numel() for value in shared.values())
    if count < 0.1 * sum(value.numel() for value in target.values()):
        raise TrainingError(f"{path.name} shares too few weights with this network to start from: its size must agree.")
    network.load_state_dict(shared, strict=False)
    return count


class Curves:
    """The loss curve as CSV and TensorBoard files; on resuming, rows after the resumed step are dropped."""

    def __init__(self, out: Path, resumed_at: int):
        self.path = out / "losses.csv"
        rows = list(csv.DictReader(self.path.open())) if resumed_at and self.path.is_file() else []
        self.file = self.path.open("w", newline="")
        self.rows = csv.DictWriter(self.file, ["step", "seconds", "loss", "learning_rate", "validation_psnr"])
        self.rows.writeheader()
        self.rows.writerows(row for row in rows if int(row["step"]) <= resumed_at)
        self.board = SummaryWriter(str(out / "tensorboard"), purge_step=resumed_at or None)

    def add(self, step: int, seconds: float, **values: float) -> None:
        self.rows.writerow({"step": step, "seconds": f"{seconds:.1f}", **{key: f"{value:.6g}" for key, value in values.items()}})
        self.file.flush()
        for key, value in values.items():
            self.board.add_scalar(key, value, step)

    def close(self) -> None:
        self.file.close()
        self.board.close()


class State:
    """What a run remembers beside weights and optimiser; saved with them by Accelerate."""

    def __init__(self):
        self.step = 0
        self.seconds = 0.0

    def state_dict(self) -> dict:
        return {"step": self.step, "seconds": self.seconds}

    def load_state_dict(self, state: dict) -> None:
        self.step, self.seconds = state["step"], state["seconds"]


def save_state(accelerator: Accelerator, out: Path) -> None:
    """Save atomically: a kill at any moment leaves a whole state behind, the new one or the one before."""
    fresh, kept, old = out / "state.part", out / "state", out / "state.old"
    if accelerator.is_main_process:
        shutil.rmtree(fresh, ignore_errors=True)
    accelerator.wait_for_everyone()
    accelerator.save_state(str(fresh))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        shutil.rmtree(old, ignore_errors=True)
        if kept.exists():
            kept.rename(old)
        fresh.rename(kept)
        shutil.rmtree(old, ignore_errors=True)
    accelerator.wait_for_everyone()


def newest_state(out: Path) -> Path | None:
    """The state to resume from; the one before where a kill fell between the two renames."""
    return next((path for path in (out / "state", out / "state.old") if path.is_dir()), None)


def asked_to_stop(accelerator: Accelerator, stop: threading.Event | None, step: int) -> bool:
    """Whether to stop before this step; several processes ask each other now and then, so that all stop at the same one."""
    asked = stop is not None and stop.is_set()
    if accelerator.num_processes == 1:
        return asked
    if step % LOG_EVERY_STEPS:
        return False
    return bool(accelerator.reduce(torch.tensor(float(asked), device=accelerator.device), "sum") > 0)


def starting_weights(name: str, starts: Path | None) -> Path:
    """The weights of the recipe that another starts from: of a run in `starts` where there is one, else the shipped ones."""
    fresh = None if starts is None else starts / name / f"{name}.safetensors"
    return fresh if fresh is not None and fresh.is_file() else CHECKPOINTS / f"{name}.safetensors"


def card(recipe: Recipe, state: State, device: torch.device, data: str, mixture: bool = True) -> dict:
    """What is known of the weights, for people and for the page; lab.weights adds network and parameters.

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
        "loss": recipe.shipped.loss,
        "steps": state.step,
        "minutes": round(minutes, 1),
        "hardware": hardware(device),
        "data": data,
    }


def export(network: RGBNetwork, average: AveragedModel | None, path: Path, about: dict) -> None:
    """Write the shipped weights (averaged where the recipe averages) in half precision, with their card."""
    shipped = network if average is None else average.module
    weights.save(shipped, path, about)


def write_tape(path: Path, result: Tensor) -> None:
    """The held-out crops of one moment, side by side, as PNG."""
    write_png(to_picture(torch.cat(list(result.clamp(0, 1).float().cpu()), dim=2)), path)


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

    Returns:
        The weights file.

    Raises:
        TrainingError: the folder holds another run, or the loss is not finite any more.
        Stopped: see `stop`.
        DataError, WeightsError: see their texts.
    """
    shipped = recipe.shipped
    total = steps or shipped.steps
    state_path = newest_state(out)
    if state_path is not None and not resume:
        raise TrainingError(f"'{out}' holds a run already: add --resume to go on with it, or choose another folder.")

    if source.pairs is not None:
        refuse_pairs(recipe)

    set_seed(shipped.seed)
    bf16 = has_fast_bf16(PartialState(cpu=cpu).device)
    accelerator = Accelerator(cpu=cpu, mixed_precision="bf16" if bf16 else "no")
    device = accelerator.device
    if accelerator.is_main_process:
        out.mkdir(parents=True, exist_ok=True)
        (out / "recipe.json").write_text(json.dumps({"recipe": recipe.name, "hash": recipe.hash}))

    pictures = load(source, shipped.patch + 2 * MARGIN, device)
    batches = Batches(recipe, pictures)
    network = build(recipe.network, **shipped.arguments)
    if recipe.start_from and state_path is None:
        start_from(network, starting_weights(recipe.start_from, starts))
    network = network.to(device, memory_format=torch.channels_last).train()
    average = averaged(network, shipped.ema) if shipped.ema else None
    optimiser = torch.optim.Adam(network.parameters(), lr=shipped.learning_rate, betas=shipped.betas)
    loss_of = pixel_loss(shipped.loss)

    wrapped, optimiser = accelerator.prepare(network, optimiser)
    state = State()
    accelerator.register_for_checkpointing(state)
    if average is not None:
        accelerator.register_for_checkpointing(average)
    if state_path is not None:
        accelerator.load_state(str(state_path))

    given, sharp = batches.validation()
    best_known = average.module if average is not None else network
    curves = Curves(out, state.step) if accelerator.is_main_process else None
    share = slice(accelerator.process_index, None, accelerator.num_processes)
    bar = Progress(recipe.name, accelerator.is_main_process)
    saved, began = time.monotonic(), time.monotonic() - state.seconds
    running, seen = torch.zeros((), device=device), 0

    def progress() -> float:
        return state.step / total if minutes is None else state.seconds / (60 * minutes)

    def validate(tape: bool) -> float:
        best_known.eval()
        with torch.no_grad(), accelerator.autocast():
            result = best_known(given).float()
        best_known.train()
        check_finite(float(result.mean()), state.step)
        if tape:
            write_tape(out / "tape" / f"{state.step:07d}.png", result)
        return psnr(result, sharp)

    while progress() < 1:
        if asked_to_stop(accelerator, stop, state.step):
            save_state(accelerator, out)
            if accelerator.is_main_process:
                bar.close()
                curves.close()
            accelerator.end_training()
            raise Stopped(
                f"stopped after step {state.step}, saved in '{out}': the same command with --resume goes on from there."
            )
        before = progress()
        rate = shipped.learning_rate * learning_rate_factor(before, state.step)
        for group in optimiser.param_groups:
            group["lr"] = rate
        x, target = batches.make(batches.draw(state.step)[share])
        result = wrapped(x.contiguous(memory_format=torch.channels_last))
        loss = loss_of(result.float(), target)
        optimiser.zero_grad(set_to_none=True)
        accelerator.backward(loss)
        optimiser.step()
        if average is not None:
            average.update_parameters(accelerator.unwrap_model(wrapped))
        running, seen = running + loss.detach(), seen + 1
        state.step += 1
        state.seconds = time.monotonic() - began
        bar.update(progress(), state.step)

        tape = is_tape_moment(before, progress()) or progress() >= 1
        if state.step % LOG_EVERY_STEPS == 0 or tape:
            mean_loss = float(running) / seen
            running, seen = torch.zeros((), device=device), 0
            check_finite(mean_loss, state.step)
            if accelerator.is_main_process:
                values = {"loss": mean_loss, "learning_rate": rate}
                if tape or state.step % (LOG_EVERY_STEPS * 20) == 0:
                    values["validation_psnr"] = validate(tape)
                    bar.note(loss=f"{mean_loss:.4f}", dB=f"{values['validation_psnr']:.2f}")
                curves.add(state.step, state.seconds, **values)
        if time.monotonic() - saved > SAVE_EVERY_SECONDS:
            save_state(accelerator, out)
            saved = time.monotonic()

    save_state(accelerator, out)
    path = out / f"{recipe.name}.safetensors"
    if accelerator.is_main_process:
        bar.close()
        curves.close()
        raw = accelerator.unwrap_model(wrapped)
        export(raw, average, path, card(recipe, state, device, pictures.description, source.pairs is None))
        logging.getLogger(__name__).info("wrote %s", path)
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return path


def ship(path: Path) -> Path:
    """Copy a finished run's weights and card to checkpoints/, where the methods find them; the new weights file."""
    CHECKPOINTS.mkdir(exist_ok=True)
    for source in (path.with_suffix(".json"), path):  # a running app may look at any moment: it finds whole files alone
        part = CHECKPOINTS / f"{source.name}.part"
        shutil.copyfile(source, part)
        part.replace(CHECKPOINTS / source.name)
    return CHECKPOINTS / path.name
