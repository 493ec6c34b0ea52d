"""The curves of a run: one CSV file, and TensorBoard's files beside it."""

import csv
from collections.abc import Sequence
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter


def read_rows(path: Path) -> list[dict[str, str]]:
    """The whole rows of a curve file; what a power cut left of a row is passed over, as is a file that is not there."""
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = text[: text.rfind("\n") + 1].splitlines()
    rows = [row for row in csv.DictReader(lines) if {"step", "seconds"} <= row.keys() and None not in {*row, *row.values()}]
    return [row for row in rows if row["step"].isdigit() and row["seconds"].replace(".", "", 1).isdigit()]


class Curves:
    """Writes figures step by step; on resuming, rows after the resumed step are dropped.

    Args:
        out: the run's folder.
        names: every figure that will ever be added.
        resumed_at: the step a resumed run goes on from, else 0.
    """

    def __init__(self, out: Path, names: Sequence[str], resumed_at: int):
        path, part = out / "losses.csv", out / "losses.csv.part"
        columns = ["step", "seconds", *names]
        with part.open("w", newline="", encoding="utf-8") as file:
            rows = csv.DictWriter(file, columns, extrasaction="ignore")
            rows.writeheader()
            rows.writerows(row for row in read_rows(path) if int(row["step"]) <= resumed_at)
        part.replace(path)  # whatever ends this process meanwhile, the old curve or the new one is there
        self.file = path.open("a", newline="", encoding="utf-8")
        self.rows = csv.DictWriter(self.file, columns)
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
