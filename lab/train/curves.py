"""The curves of a run: one CSV file, and TensorBoard's files beside it."""

import csv
from collections.abc import Sequence
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter


class Curves:
    """Writes figures step by step; on resuming, rows after the resumed step are dropped.

    Args:
        out: the run's folder.
        names: every figure that will ever be added.
        resumed_at: the step a resumed run goes on from, else 0.
    """

    def __init__(self, out: Path, names: Sequence[str], resumed_at: int):
        path = out / "losses.csv"
        kept = list(csv.DictReader(path.open())) if resumed_at and path.is_file() else []
        self.file = path.open("w", newline="")
        self.rows = csv.DictWriter(self.file, ["step", "seconds", *names])
        self.rows.writeheader()
        self.rows.writerows(row for row in kept if int(row["step"]) <= resumed_at)
        self.board = SummaryWriter(str(out / "tensorboard"), purge_step=resumed_at or None)

    def add(self, step: int, seconds: float, **figures: float) -> None:
        """One row, and one point of each figure's curve."""
        self.rows.writerow({"step": step, "seconds": f"{seconds:.1f}", **{k: f"{v:.6g}" for k, v in figures.items()}})
        self.file.flush()
        for name, value in figures.items():
            self.board.add_scalar(name, value, step)

    def close(self) -> None:
        self.file.close()
        self.board.close()
