"""One comparison of the page: what was asked for, and its panes as they fill, from the store or by computing."""

import functools
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from lab import compare, methods
from lab.degrade import Degradation
from lab.diagnostics import difference_picture
from lab.digests import sha256
from lab.gallery import scenes
from lab.gradients import full_scale, gradient_picture
from lab.images import png_bytes, read_picture
from lab.metrics.models import Models, current
from lab.restore import device_name, pick_device
from lab.ui import measuring, spot, stored
from lab.ui.changes import Changes, in_a_thread
from lab.ui.measuring import MAP, Measured, Measurer
from lab.ui.pictures import MAX_PIXELS, limit_explained
from lab.ui.store import ResultStore, key_of
from lab.ui.turns import network_turn

VIEWS = ("picture", "gradient", "difference")
INPUT, REFERENCE = "input", "reference"
FIGURES = "figures"
"""The part of a key that tells a pane's figures from its pictures."""


def draws(kind: str, noise: float) -> bool:
    """Whether a degradation's seed changes anything: it draws the path of a motion blur, and the noise where there is some."""
    return kind == "motion" or noise > 0


@dataclass(frozen=True)
class Task:
    """What is to be compared. A seed that draws nothing is dropped, so that it makes no other address or result."""

    source: bytes
    """The picture's file."""
    degradation: Degradation | None
    """What to do to a sharp picture; None for one that is blurred already."""
    methods: tuple[str, ...]
    """Keys of the catalogue, in display order."""
    output: Literal["same", "x4"] = "same"
    """Size of the results of an already blurred picture."""
    example: str | None = None
    """Key of the example the picture is; None for a visitor's own."""
    device: str = "auto"

    def __post_init__(self):
        blur = self.degradation
        if blur is not None and not draws(blur.kind, blur.noise):
            object.__setattr__(self, "degradation", replace(blur, seed=0))

    @functools.cached_property
    def hash(self) -> str:
        """SHA-256 of the picture's file, in hex."""
        return hashlib.sha256(self.source).hexdigest()


@dataclass(frozen=True)
class Entry:
    """The files of one pane in the store, and what is known of them."""

    folder: Path
    facts: dict
    """As put together in `Comparer._input`, `Comparer._result` or `stored.facts`, and the names of the `files`."""

    def files(self) -> dict[str, Path]:
        """PNG files by view; no `difference` where there is no reference."""
        return {view: self.folder / f"{view}.png" for view in VIEWS if (self.folder / f"{view}.png").exists()}


@dataclass
class Pane:
    """One method (or the input, or the reference) on the page."""

    state: Literal["waiting", "running", "done", "failed", "cancelled", "absent"] = "waiting"
    """Absent is what the gallery does not hold."""
    entry: Entry | None = None
    reason: str = ""
    """Why it failed or is absent, a sentence."""


@dataclass
class Comparison:
    """Everything the page shows of one task; changes as results arrive."""

    task: Task
    models: Models
    """What NIQE, Ma and LPIPS run on, for every pane."""
    input: Entry | None = None
    """None while the picture is being prepared."""
    reference: Entry | None = None
    panes: dict[str, Pane] = field(default_factory=dict)
    """By method key, in display order."""
    measured: dict[str, Measured] = field(default_factory=dict)
    """The figures of what is there, by method key, INPUT and REFERENCE."""
    stored: bool = False
    """Whether it shows results of the gallery, which were computed beforehand."""

    def has_all_pictures(self) -> bool:
        """Whether nothing but figures can still come."""
        return self.input is not None and not any(pane.state in ("waiting", "running") for pane in self.panes.values())

    def is_whole(self) -> bool:
        """Whether stored results lack no method that can run."""
        return not any(pane.state == "absent" for pane in self.panes.values())

    def cancel(self) -> None:
        """Mark whatever is not there yet as cancelled."""
        for one in (*self.panes.values(), *self.measured.values()):
            if one.state in ("waiting", "running"):
                one.state = "cancelled"


@functools.cache
def _code() -> str:
    """A digest of everything that decides pixels, figures and entries, so that a changed program never shows an old result."""
    lab = Path(compare.__file__).parent
    rooms = {file for file in lab.rglob("*.py") if file.relative_to(lab).parts[0] not in ("ui", "cli", "train", "fitting")}
    digest = hashlib.sha256()
    for file in sorted(rooms | {Path(room) for room in (__file__, measuring.__file__, spot.__file__, stored.__file__)}):
        digest.update(file.read_bytes())
    return digest.hexdigest()


@functools.lru_cache(maxsize=64)
def _sha_of(path: Path, changed: float) -> str:
    return sha256(path)


def _checkpoint_and_card(method: str) -> str | None:
    """What a method's results and what is said of them depend on: its weights and their card; None where it has none."""
    path = methods.checkpoint(method)
    files = [file for file in (path, path and path.with_suffix(".json")) if file and file.is_file()]
    return " ".join(_sha_of(file, file.stat().st_mtime) for file in files) or None


def _first_state(method: str) -> Pane:
    card = methods.find(method)
    if card.kind == "learned" and methods.checkpoint(method) is None:
        what_to_do = f"train one with `python -m lab train {method} --ship`, or choose another method."
        return Pane("failed", reason=f"No checkpoint yet: {what_to_do}")
    return Pane()


class _Prepared:
    """The input of a task, computed when first needed: where everything lies in the store it never is."""

    def __init__(self, task: Task, keys: frozenset[str]):
        self.task = task
        self.keys = keys
        """Of everything the comparison shows."""

    @functools.cached_property
    def prepared(self) -> compare.Prepared:
        with limit_explained():
            picture = read_picture(self.task.source, max_pixels=MAX_PIXELS)
            return compare.prepare(picture, self.task.degradation, self.task.output, max_pixels=MAX_PIXELS)

    @functools.cached_property
    def scale(self) -> float:
        """White of the gradient maps, the same for every pane."""
        sharpest = self.prepared.shown if self.prepared.reference is None else self.prepared.reference
        return full_scale(sharpest)

    def pngs(self, picture: np.ndarray) -> dict[str, bytes]:
        """The files of a pane: the picture itself, its gradient map, and its difference from the reference."""
        files = {"picture.png": png_bytes(picture), "gradient.png": png_bytes(gradient_picture(picture, self.scale))}
        if self.prepared.reference is not None:
            files["difference.png"] = png_bytes(difference_picture(picture, self.prepared.reference))
        return files


class Comparer:
    """Makes comparisons, keeping every result in a store."""

    def __init__(self, store: ResultStore):
        self.store = store
        self._asked = threading.Event()
        """Set once somebody has asked for a comparison."""

    def _find(self, key: str) -> Entry | None:
        folder = self.store.find(key)
        if folder is None:
            return None
        try:
            facts = json.loads((folder / "facts.json").read_text())
        except FileNotFoundError:
            facts = {"files": ["facts.json"]}
        if not all((folder / name).exists() for name in facts["files"]):  # systems sweep single old files out of /tmp
            self.store.drop(key)
            return None
        return Entry(folder, facts)

    def _save(self, key: str, lazy: _Prepared, picture: np.ndarray, facts: dict) -> Entry:
        pngs = lazy.pngs(picture)
        facts = {**facts, "files": list(pngs)}
        folder = self.store.save(key, {**pngs, "facts.json": json.dumps(facts).encode()}, shown=lazy.keys)
        return Entry(folder, facts)

    def _input(self, key: str, lazy: _Prepared) -> Entry:
        prepared = lazy.prepared
        height, width = prepared.output_size
        facts = {
            "size": [width, height],
            "given_size": [prepared.given.shape[1], prepared.given.shape[0]],
            "spot": spot.interesting_spot(prepared.shown if prepared.reference is None else prepared.reference),
            "small": prepared.factor != 1,
        }
        return self._save(key, lazy, prepared.shown, facts)

    def _result(self, key: str, lazy: _Prepared, result: compare.Finished) -> Entry:
        facts = {
            name: getattr(result, name)
            for name in ("name", "seconds", "given", "in_domain", "checkpoint", "checkpoint_sha", "stage", "differs", "device")
        }
        return self._save(key, lazy, result.picture, facts)

    def _has_input(self, comparison: Comparison, given: str, sharp: str | None) -> bool:
        """Take the input, and the reference where there is one, from the store, if it holds them."""
        comparison.input = self._find(given)
        comparison.reference = self._find(sharp) if sharp else None
        if sharp and comparison.reference is None:
            comparison.input = None
        return comparison.input is not None

    def _make_input(self, comparison: Comparison, given: str, sharp: str | None, lazy: _Prepared, stop: threading.Event) -> None:
        """Compute the input and the reference in a turn of their own; nothing once `stop` is set."""
        with network_turn(stop):
            if stop.is_set() or self._has_input(comparison, given, sharp):  # another visitor may have asked for the same
                return
            prepared = lazy.prepared
            if stop.is_set():
                return
            if sharp:
                comparison.reference = self._save(sharp, lazy, prepared.reference, {})
            if not stop.is_set():
                comparison.input = self._input(given, lazy)

    def stored(self, task: Task) -> Comparison | None:
        """What the gallery holds of a task, at once: no method runs, nothing is measured.

        Methods whose stored result is not there, or not current, are absent. None where no result of the task is current.
        """
        scene = scenes.find(task.example, task.degradation)
        if scene is None or scene.why_stale:
            return None
        results = {method: scene.result(method) for method in task.methods}
        if not any(results.values()):
            return None
        comparison = Comparison(task, current(), stored=True)
        named = functools.partial(key_of, task.hash, str(task.degradation), task.output, _code())
        keys = {method: named("gallery", method, result[1].facts) for method, result in results.items() if result}
        keys |= {INPUT: named(INPUT), REFERENCE: named(REFERENCE)}
        lazy = _Prepared(task, frozenset(keys.values()))
        for method, result in results.items():
            if result is None:
                pane = _first_state(method)
                comparison.panes[method] = pane if pane.reason else Pane("absent", reason=stored.ABSENT)
                continue
            entry = self._find(keys[method]) or self._save(keys[method], lazy, result[0], stored.facts(result[1]))
            comparison.panes[method] = Pane("done", entry)
            comparison.measured[method] = stored.measured(result[1], comparison.models)
        comparison.reference = self._find(keys[REFERENCE]) or self._save(keys[REFERENCE], lazy, lazy.prepared.reference, {})
        comparison.input = self._find(keys[INPUT]) or self._input(keys[INPUT], lazy)
        comparison.measured[INPUT] = stored.measured(scene.row("input"), comparison.models, "input")
        comparison.measured[REFERENCE] = stored.measured(scene.row("reference"), comparison.models, "reference")
        return comparison

    def make_ahead(self, task: Task) -> None:
        """Make a comparison that nobody has asked for; it ends once anybody asks for any, leaving in the store what is done."""
        for _ in self._run(task, self._asked):
            pass

    def run(self, task: Task, stop: threading.Event) -> Iterator[Comparison]:
        """Fill the panes of a task and then their figures, yielding the same growing Comparison after every change.

        What the store holds is there in the first one; where the input is not, the first one has none yet. The rest is computed:
        the input, then method by method, one comparison at a time on the machine, in turns with other visitors' comparisons.
        Figures are measured in a thread of their own, in the pauses of the networks.

        Args:
            task: what to compare.
            stop: once set, the stream ends with the panes and figures that are still open marked as cancelled, and without an
                input where it was not ready.

        Raises:
            lab.images.PictureError: a picture that cannot be used, before there is an input.
        """
        self._asked.set()
        yield from self._run(task, stop)

    def _run(self, task: Task, stop: threading.Event) -> Iterator[Comparison]:
        device = device_name(pick_device(task.device))
        shared = (task.hash, str(task.degradation), task.output, _code())
        named = functools.partial(key_of, *shared, own=task.example is None)
        comparison = Comparison(task, current())
        keys = {key: named(key, _checkpoint_and_card(key), device) for key in task.methods}
        keys |= {INPUT: named(INPUT)} | ({} if task.degradation is None else {REFERENCE: named(REFERENCE)})
        figure_keys = {pane: named(FIGURES, key, comparison.models.digest) for pane, key in keys.items()}
        everything = {*keys.values(), *figure_keys.values(), *(key + MAP for key in figure_keys.values())}
        lazy = _Prepared(task, frozenset(everything))

        for method in task.methods:
            entry = self._find(keys[method])
            comparison.panes[method] = Pane("done", entry) if entry else _first_state(method)
        given, sharp = keys[INPUT], keys.get(REFERENCE)
        if not self._has_input(comparison, given, sharp):
            yield comparison  # before the work, so that the visitor sees that it begins and can cancel it
            self._make_input(comparison, given, sharp, lazy, stop)
        if comparison.input is not None:
            yield from self._fill_all(comparison, keys, figure_keys, lazy, stop)
        if stop.is_set():
            comparison.cancel()
            yield comparison

    def _fill_all(
        self, comparison: Comparison, keys: dict[str, str], figure_keys: dict[str, str], lazy: _Prepared, stop: threading.Event
    ) -> Iterator[Comparison]:
        """Panes and figures, from the store or computed, once there is an input."""
        changes = Changes()
        sharp = comparison.reference.files()["picture"] if comparison.reference else None
        measurer = Measurer(self.store, comparison.models, sharp, lazy.keys, stop, changes.figures_changed, changes.measured)

        def measure(pane: str, entry: Entry | None, in_turn: bool = False) -> None:
            if entry is not None:
                kind = "reference" if pane == REFERENCE else "small input" if entry.facts.get("small") else "result"
                comparison.measured[pane] = measurer.add(figure_keys[pane], entry.files()["picture"], kind, in_turn)

        try:
            for method, pane in comparison.panes.items():
                measure(method, pane.entry)
            measure(INPUT, comparison.input)
            measure(REFERENCE, comparison.reference)
            if not stop.is_set():
                yield comparison
            for method, pane in comparison.panes.items():
                if pane.state == "waiting" and not stop.is_set():
                    fill = functools.partial(self._compute, pane, method, keys[method], lazy, stop, measure)
                    for _ in in_a_thread(fill, changes):
                        yield comparison
            measurer.close()
            if measurer.started:
                for _ in changes.until(Changes.MEASURED):
                    yield comparison
                yield comparison
        finally:
            measurer.close()

    def _compute(
        self, pane: Pane, method: str, key: str, lazy: _Prepared, stop: threading.Event, measure: Callable[..., None]
    ) -> Iterator[None]:
        """Bring one pane from waiting to its end, yielding after every change; to be run to its end without a pause."""
        with network_turn(stop):
            if stop.is_set():
                return
            pane.entry = self._find(key)  # another comparison may have made it while this one waited for its turn
            if pane.entry is not None:
                pane.state = "done"
            else:
                yield from self._restore(pane, method, key, lazy, stop)
            if pane.entry is not None and not stop.is_set():
                yield
                measure(method, pane.entry, in_turn=True)
                yield

    def _restore(self, pane: Pane, method: str, key: str, lazy: _Prepared, stop: threading.Event) -> Iterator[None]:
        """Run a method and keep its result; yields while it runs and when it failed."""
        for event in compare.compare(lazy.prepared, [method], (), device=lazy.task.device, stop=stop):
            if stop.is_set():  # what comes too late is not worth the seconds that large files take to write
                return
            match event:
                case compare.Started():
                    pane.state = "running"
                    yield
                case compare.Failed():
                    pane.state, pane.reason = "failed", event.reason
                    yield
                case compare.Finished():
                    pane.entry = self._result(key, lazy, event)
                    pane.state = "done"
