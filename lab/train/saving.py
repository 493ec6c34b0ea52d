"""A run's state on disk: what it takes to go on as if nothing had happened."""

import shutil
from pathlib import Path

from accelerate import Accelerator


class State:
    """What a run remembers beside networks and optimisers; saved with them by Accelerate."""

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
