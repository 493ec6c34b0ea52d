"""The figures of a comparison's panes: quick ones right after the picture, the others in a thread of their own."""

import json
import logging
import threading
import time
from collections.abc import Callable, Collection
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from lab.compare import NO_INPUT_FIGURES, SCALE
from lab.diagnostics import distance_picture
from lab.errors import LabError
from lab.images import png_bytes, read_picture
from lab.metrics import CONVENTIONS, METRICS, Figure, Measurement, four_psnrs
from lab.metrics.models import Models, flip_installed, lpips_model
from lab.ui.store import ResultStore
from lab.ui.turns import measuring_turn

ITSELF = "This is the sharp original itself."
MAP = "-map"
"""How the key of a map ends, after that of its figures."""
UNFORESEEN = "Measuring failed in a way nobody foresaw; the log has the details."
STEPS = ("quick", "slow", "distance", "rgb")
"""What is measured of all panes, in this order: what the table shows first comes first. Quick and slow are of convention `sr`."""
QUICK = ("psnr", "ssim", "ms-ssim", "gmsd")
"""Metrics that take no time to speak of beside a network."""


def columns() -> list[str]:
    """The metrics the page measures: all but those whose package is not installed."""
    return [key for key in METRICS if key != "flip" or flip_installed()]


@dataclass
class Measured:
    """The figures of one pane as they arrive."""

    state: Literal["waiting", "done", "cancelled"] = "waiting"
    figures: dict[str, dict[str, Figure]] = field(default_factory=lambda: {convention: {} for convention in CONVENTIONS})
    """By convention and metric; what is not measured yet is not there."""
    psnrs: list[tuple[str, float]] = field(default_factory=list)
    """The PSNRs of the same pixels by other conventions (see lab.metrics.four_psnrs)."""
    distance: Path | None = None
    """The map of where the LPIPS distance comes from, a PNG file; None without a reference or a model, or not there yet."""


@dataclass
class _Job:
    """One pane to be measured."""

    key: str
    """In the store."""
    picture: Path
    kind: Literal["result", "small input", "reference"]
    measured: Measured
    broken: bool = False
    """Whether measuring raised anything, foreseen or not, that may not happen again: such figures are shown and not kept."""
    since: float = field(default_factory=time.monotonic)
    """When its figures began to wait for their turns."""


def find(store: ResultStore, key: str) -> Measured | None:
    """Figures that were measured before; None where the store does not hold them whole."""
    folder = store.find(key)
    if folder is None:
        return None
    try:
        kept = json.loads((folder / "figures.json").read_text())
        distance = store.find(key + MAP) / "distance.png" if kept["map"] else None
        if distance and not distance.exists():
            raise FileNotFoundError(distance)
    except (FileNotFoundError, TypeError):  # made room for others, or systems sweep single old files out of /tmp
        store.drop(key)
        store.drop(key + MAP)
        return None
    figures = {name: {metric: Figure(**one) for metric, one in row.items()} for name, row in kept["figures"].items()}
    return Measured("done", figures, [tuple(one) for one in kept["psnrs"]], distance)


def _by_turns(keys: list[str]) -> list[list[str]]:
    """Metrics by the turns they are measured in: quick ones together, each slow one alone, and PI with Ma, since it is made of
    NIQE and Ma and takes no time of its own."""
    quick = [key for key in keys if key in QUICK]
    slow = [[key, "pi"] if key == "ma" else [key] for key in keys if key not in (*QUICK, "pi")]
    return [quick, *slow] if quick else slow


class Measurer:
    """Measures the panes of one comparison one after the other, in a thread that starts with the first of them.

    Args:
        store: where figures are kept.
        models: what NIQE, Ma and LPIPS run on, the same for all panes.
        reference: the sharp original's picture file; None where there is none.
        shown: keys of the store that must stay (see ResultStore.save).
        stop: once set, nothing more is measured.
        changed: called (in the thread) whenever there is something new to show.
        ended: called (in the thread) after `close` and the last figure, or `stop`.
    """

    def __init__(
        self,
        store: ResultStore,
        models: Models,
        reference: Path | None,
        shown: Collection[str],
        stop: threading.Event,
        changed: Callable[[], None],
        ended: Callable[[], None],
    ):
        self._store, self._models, self._reference, self._shown = store, models, reference, shown
        self._stop, self._changed, self._ended = stop, changed, ended
        self._sharp: np.ndarray | None = None
        self._columns = columns()
        self._jobs: list[tuple[int, int, _Job]] = []
        """(step, order of arrival, pane): the smallest is next."""
        self._count = 0
        self._closed = False
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(
        self, key: str, picture: Path, kind: Literal["result", "small input", "reference"] = "result", in_turn: bool = False
    ) -> Measured:
        """Figures of one more pane: those of the store, or ones that fill from now on.

        Args:
            key: of the figures, in the store.
            picture: the pane's PNG file.
            kind: a "small input" is not measured, only mapped; of the "reference" only what needs no reference is.
            in_turn: whoever asks has the machine: the quick figures are measured before this returns.
        """
        if kept := find(self._store, key):
            return kept
        job = _Job(key, picture, kind, Measured())
        if in_turn:
            self._measure("quick", job, in_turn=True)
        with self._news:
            self._jobs += [(step, self._count, job) for step in range(1 if in_turn else 0, len(STEPS))]
            self._count += 1
            self._news.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="measuring", daemon=True)
            self._thread.start()
        return job.measured

    @property
    def started(self) -> bool:
        """Whether there was anything to measure that the store did not hold."""
        return self._thread is not None

    def close(self) -> None:
        """Say that no more panes will come: the thread ends with the last figure of those it has."""
        with self._news:
            self._closed = True
            self._news.notify()

    def _next(self) -> tuple[str, _Job] | None:
        with self._news:
            while not self._jobs and not self._closed:
                self._news.wait(0.5)
                if self._stop.is_set():
                    return None
            if not self._jobs:
                return None
            step, _, job = unit = min(self._jobs, key=lambda one: one[:2])
            self._jobs.remove(unit)
            return STEPS[step], job

    def _work(self) -> None:
        try:
            while not self._stop.is_set() and (unit := self._next()):
                self._measure(*unit)
                self._changed()
        finally:
            self._ended()

    def _measure(self, step: str, job: _Job, in_turn: bool = False) -> None:
        """One step of one pane; where even its picture cannot be had, that is the reason of all figures that are missing."""
        try:
            if self._copied(job):
                return
            self._take(step, job, in_turn)
            if step == STEPS[-1] and not self._stop.is_set():
                self._keep(job)
        except Exception as error:
            why = self._reason(error, job)
            for convention in CONVENTIONS:
                for key in self._columns:
                    job.measured.figures[convention].setdefault(key, Figure(None, convention, why_not=why))
            job.measured.state = "done"

    def _copied(self, job: _Job) -> bool:
        """Take all figures from the store, if another comparison of the same pictures has measured them meanwhile."""
        kept = find(self._store, job.key)
        if kept is None:
            return False
        measured = job.measured
        measured.figures, measured.psnrs, measured.distance = kept.figures, kept.psnrs, kept.distance
        measured.state = "done"
        return True

    def _reason(self, error: Exception, job: _Job) -> str:
        """What to say of an error; faults of the lab itself go to the log."""
        job.broken = True
        if isinstance(error, LabError):
            return str(error)
        if isinstance(error, MemoryError):
            return "There was not enough memory to measure this."
        logging.getLogger(__name__).error("measuring failed", exc_info=error)
        return UNFORESEEN

    def _take(self, step: str, job: _Job, in_turn: bool) -> None:
        picture = read_picture(job.picture)
        if self._sharp is None and self._reference is not None:
            self._sharp = read_picture(self._reference)
        if step == "distance":
            self._map(job, picture)
            return
        convention = "rgb" if step == "rgb" else "sr"
        keys = [key for key in self._columns if step == "rgb" or (key in QUICK) == (step == "quick")]
        if job.kind == "small input":
            job.measured.figures[convention] |= {key: Figure(None, convention, why_not=NO_INPUT_FIGURES) for key in keys}
        else:
            self._figures(keys, convention, job, picture, in_turn)

    def _figures(self, keys: list[str], convention: str, job: _Job, picture: np.ndarray, in_turn: bool) -> None:
        """Some figures of one pane in one convention: first those that need no turn, then the others, in turns."""
        sharp = None if job.kind == "reference" else self._sharp
        measurement = Measurement(picture, sharp, convention, SCALE, self._models)
        known = {key: figure for key in keys if (figure := self._known(key, job, measurement))}
        job.measured.figures[convention] |= known
        for group in _by_turns([key for key in keys if key not in known]):
            self._changed()  # before the turn and not after it: once the last figure is kept, `_work` says so
            with nullcontext() if in_turn else measuring_turn(self._stop, job.since):
                for key in group:
                    if self._stop.is_set():
                        return
                    job.measured.figures[convention][key] = self._figure(key, job, measurement)
                if "psnr" in group and sharp is not None:
                    job.measured.psnrs = four_psnrs(picture, sharp, SCALE)

    def _known(self, key: str, job: _Job, measurement: Measurement) -> Figure | None:
        """A figure that needs no computing: there is nothing to compare, or it was measured in the other convention already."""
        metric = METRICS[key]
        if metric.needs_reference and job.kind == "reference":
            return Figure(None, measurement.convention, why_not=ITSELF)
        if metric.needs_reference and self._sharp is None:
            return measurement.figure(key)  # only says so
        known = job.measured.figures["sr"].get(key)
        same_in_both = known is not None and not metric.cuts_border
        return replace(known, convention=measurement.convention) if same_in_both else None

    def _figure(self, key: str, job: _Job, measurement: Measurement) -> Figure:
        try:
            return measurement.figure(key)
        except Exception as error:
            return Figure(None, measurement.convention, why_not=self._reason(error, job))

    def _map(self, job: _Job, picture: np.ndarray) -> None:
        """Where the LPIPS distance comes from, as a picture; nothing where there is no reference or no distance."""
        lpips = job.measured.figures["sr"]["lpips"]
        if self._sharp is None or self._models.lpips is None or (job.kind == "result" and lpips.value is None):
            return
        with measuring_turn(self._stop, job.since):
            if self._stop.is_set():
                return
            distances = lpips_model(self._models.lpips).distance_map(picture, self._sharp)
            png = png_bytes(distance_picture(distances))
        folder = self._store.save(job.key + MAP, {"distance.png": png}, shown=self._shown)
        job.measured.distance = folder / "distance.png"

    def _keep(self, job: _Job) -> None:
        """Write what was measured to the store, unless something failed that may not fail again."""
        measured = job.measured
        if job.broken:
            measured.state = "done"
            return
        figures = {convention: {key: asdict(one) for key, one in row.items()} for convention, row in measured.figures.items()}
        text = json.dumps({"figures": figures, "psnrs": measured.psnrs, "map": measured.distance is not None})
        self._store.save(job.key, {"figures.json": text.encode()}, shown=self._shown)
        measured.state = "done"
