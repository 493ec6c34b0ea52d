"""A run's folder on disk: whose run it holds, and its state, which is what it takes to go on as if nothing had happened."""

import json
import logging
import os
import shutil
from pathlib import Path

import torch
from accelerate import Accelerator

from lab.train.errors import TrainingError
from lab.train.recipe import Recipe


class State:
    """What a run remembers beside networks and optimisers; saved with them by Accelerate."""

    def __init__(self):
        self.step = 0
        self.seconds = 0.0

    def state_dict(self) -> dict:
        return {"step": self.step, "seconds": self.seconds}

    def load_state_dict(self, state: dict) -> None:
        self.step, self.seconds = state["step"], state["seconds"]


def check_same_recipe(out: Path, recipe: Recipe) -> None:
    """Raise TrainingError where a folder holds a run of another recipe, or of this one as it once was."""
    about = out / "recipe.json"
    if not about.is_file() or not (newest_state(out) or (out / f"{recipe.name}.safetensors").is_file()):
        return
    try:
        known = json.loads(about.read_text(encoding="utf-8"))
    except ValueError:
        known = {}
    if known.get("recipe", recipe.name) != recipe.name:
        raise TrainingError(f"'{out}' holds a run of {known['recipe']}, not of {recipe.name}: choose another folder.")
    if known.get("hash") != recipe.hash:
        raise TrainingError(
            f"'{out}' holds a run of {recipe.name} from before the recipe was changed: move it away to start anew."
        )


def check_folder(out: Path, recipe: Recipe, resume: bool) -> None:
    """Raise TrainingError where a run in this folder would spoil one that is there; nothing is written."""
    left = [out / "losses.csv", out / f"{recipe.name}.safetensors"]
    if not resume and (newest_state(out) or any(path.is_file() for path in left)):
        raise TrainingError(f"'{out}' holds a run already: add --resume to go on with it, or choose another folder.")
    check_same_recipe(out, recipe)


def save_state(accelerator: Accelerator, out: Path) -> None:
    """Save atomically: a kill or a power cut at any moment leaves a whole state behind. The one before is kept beside it."""
    fresh, kept, old = out / "state.part", out / "state", out / "state.old"
    if accelerator.is_main_process:
        shutil.rmtree(fresh, ignore_errors=True)
    accelerator.wait_for_everyone()
    accelerator.save_state(str(fresh))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        for path in [*fresh.iterdir(), fresh]:
            _to_disk(path)
        if kept.exists():
            shutil.rmtree(old, ignore_errors=True)
            kept.rename(old)
        fresh.rename(kept)
    accelerator.wait_for_everyone()


def load_state(accelerator: Accelerator, out: Path) -> None:
    """Go back to the last state that is whole.

    Raises:
        TrainingError: none is.
    """
    for path in _states(out):
        try:
            accelerator.load_state(str(path))
            whole = 1.0
        except Exception:  # what half a file makes of its reader is beyond listing
            whole = 0.0
        if accelerator.reduce(torch.tensor(whole, device=accelerator.device), "sum") == accelerator.num_processes:
            return
        logging.getLogger(__name__).warning("the state in '%s' is damaged.", path)
    raise TrainingError(f"no state in '{out}' can be read, so the run cannot go on: move the folder away to start anew.")


def newest_state(out: Path) -> Path | None:
    """The state to resume from; the one before where a kill fell between the two renames."""
    return next(iter(_states(out)), None)


def _states(out: Path) -> list[Path]:
    return [path for path in (out / "state", out / "state.old") if path.is_dir()]


def _to_disk(path: Path) -> None:
    """Have the system write a file, or a folder's list of files, to the disk now: a rename must not get there before it."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
