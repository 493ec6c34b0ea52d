"""Computes the gallery, but only what is missing or has changed."""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lab.compare import SCALE, Failed, Finished, compare
from lab.gallery import scenes
from lab.gallery.scenes import (
    Row,
    Scene,
    facts_now,
    figures_json,
    models_sha256,
    pixels_sha256,
    plan,
    read_index,
    sha256_of,
    webp_bytes,
)
from lab.methods import METHODS
from lab.metrics import CONVENTIONS, METRICS, Figure, Measurement, four_psnrs
from lab.metrics.models import Models, current, flip_installed


@dataclass(frozen=True)
class Done:
    """What became of one result."""

    scene: str
    method: str
    what: Literal["computed", "measured", "kept", "failed", "stale"]
    why: str = ""
    """Why it had to be computed, or could not."""


def _keys(with_reference: bool) -> list[str]:
    """The metrics that a picture is measured by here, with its sharp original or without."""
    here = [key for key in METRICS if key != "flip" or flip_installed()]
    return [key for key in here if with_reference or not METRICS[key].needs_reference]


def _why_measure(row: Row, models: Models, with_reference: bool = True) -> str:
    """Why figures have to be measured anew: a few words, empty where they need not; more than is measured here may be stored."""
    if not row.measured_with(models):
        return "its figures were measured with other models"
    figures = row.figures
    lacking = [key for key in _keys(with_reference) if any(key not in figures.get(name, {}) for name in CONVENTIONS)]
    return f"its {', '.join(METRICS[key].name for key in lacking)} was never measured" if lacking else ""


def _measured(picture: np.ndarray, sharp: np.ndarray | None, models: Models) -> dict[str, Any]:
    """Every figure of a picture in both conventions, as a part of the index."""
    keys = _keys(sharp is not None)
    figures: dict[str, dict[str, Figure]] = {convention: {} for convention in CONVENTIONS}
    for convention in CONVENTIONS:
        measurement = Measurement(picture, sharp, convention, SCALE, models)
        for key in keys:
            known = figures["sr"].get(key)
            same = known is not None and not METRICS[key].cuts_border  # the same numbers in both conventions
            figures[convention][key] = replace(known, convention=convention) if same else measurement.figure(key)
    psnrs = [] if sharp is None else four_psnrs(picture, sharp, SCALE)
    return {"figures": figures_json(figures), "psnrs": psnrs, "models_sha256": models_sha256(models)}


def _result(scene: Scene, finished: Finished, models: Models) -> dict[str, Any]:
    """One method's part of the index."""
    known = {name: getattr(finished, name) for name in ("seconds", "given", "device")}
    return {
        **facts_now(finished.method, scene.degradation),
        **known,
        "pixels_sha256": pixels_sha256(finished.picture),
        **_measured(finished.picture, scene.prepared.reference, models),
    }


def _write(path: Path, content: bytes) -> None:
    """Write whole or not at all: the page may read at any moment."""
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def _write_index(scene: Scene) -> None:
    _write(scene.folder / "index.json", json.dumps(scene.index, ensure_ascii=False, indent=1).encode())


def _begin(scene: Scene, models: Models) -> None:
    """Start a scene anew: its input, and the figures of the input and of the reference.

    Only the gallery's own files make way: it may have been put where other things lie.
    """
    prepared = scene.prepared
    scene.folder.mkdir(parents=True, exist_ok=True)
    for name in ("index.json", "given.webp", *(f"{method}.webp" for method in METHODS)):
        (scene.folder / name).unlink(missing_ok=True)
    _write(scene.folder / "given.webp", webp_bytes(prepared.given))
    scene.index.clear()
    scene.index |= {
        "degradation": str(scene.degradation),
        "example_sha256": sha256_of(scene.example.path),
        "given_sha256": pixels_sha256(prepared.given),
        "results": {},
    }
    scene.__dict__.pop("why_stale", None)
    _refresh_ends(scene, models)


def _stale_ends(scene: Scene, models: Models) -> Iterator[tuple[str, str]]:
    """Of a scene whose input is current: the input (where it has the output's size) and the reference, each with why its figures
    have to be measured anew, if they have."""
    for name in ("input", "reference") if scene.prepared.factor == 1 else ("reference",):
        row = scene.index.get(name)
        if why := _why_measure(Row(row), models, name == "input") if row else "its figures are not stored":
            yield name, why


def _refresh_ends(scene: Scene, models: Models) -> None:
    """The figures of the input and of the reference, where `_stale_ends` has them."""
    prepared = scene.prepared
    ends = {"input": (prepared.given, prepared.reference), "reference": (prepared.reference, None)}
    for name, _ in _stale_ends(scene, models):
        scene.index[name] = _measured(*ends[name], models)
    _write_index(scene)


def _refresh(scene: Scene, method: str, models: Models) -> Done:
    """Bring up to date what can be without running the method: texts of its card, and figures."""
    row = scene.index["results"][method]
    row |= facts_now(method, scene.degradation)
    if scene.why_not(method) or (stored := scene.result(method)) is None:
        return Done(str(scene), method, "stale", scene.why_not(method) or "the stored picture is damaged")
    picture, known = stored
    why = _why_measure(known, models)
    if not why:
        return Done(str(scene), method, "kept")
    row |= _measured(picture, scene.prepared.reference, models)
    return Done(str(scene), method, "measured", why)


def update(scene: Scene, keys: Sequence[str], device: str = "auto") -> Iterator[Done]:
    """Bring the results of some methods in one scene up to date, one after the other; what was done is kept at any moment.

    Args:
        scene: which.
        keys: of the methods, in display order.
        device: auto, cpu or cuda.

    Raises:
        lab.restore.RestoreError: a device that is not there.
    """
    models = current()
    if scene.why_stale:
        _begin(scene, models)
    else:
        _refresh_ends(scene, models)
    for method in keys:
        why = scene.why_not(method)
        if facts_now(method, scene.degradation) is None:
            continue
        if why in ("", "its card has changed"):
            done = _refresh(scene, method, models)
            why = done.why
            if done.what != "stale":
                _write_index(scene)
                yield done
                continue
        yield _compute(scene, method, why, models, device)


def _compute(scene: Scene, method: str, why: str, models: Models, device: str) -> Done:
    for event in compare(scene.prepared, [method], (), device=device):
        if isinstance(event, Failed):
            return Done(str(scene), method, "failed", event.reason)
        if isinstance(event, Finished):
            row = _result(scene, event, models)
            if event.checkpoint_sha and not row["checkpoint_sha256"].startswith(event.checkpoint_sha):
                return Done(str(scene), method, "failed", f"{event.checkpoint} was replaced while it ran: start again.")
            scene.index["results"].pop(method, None)
            _write(scene.folder / f"{method}.webp", webp_bytes(event.picture))
            scene.index["results"][method] = row
    _write_index(scene)
    return Done(str(scene), method, "computed", why)


def stale(scene: Scene, keys: Sequence[str]) -> list[Done]:
    """What `update` would do to some methods' results, and why; nothing is computed but the input."""
    models = current()
    found = [] if scene.why_stale else [Done(str(scene), name, "stale", why) for name, why in _stale_ends(scene, models)]
    for method in keys:
        if facts_now(method, scene.degradation) is None:
            continue
        if why := scene.why_not(method):
            found.append(Done(str(scene), method, "stale", why))
        elif (stored := scene.result(method)) is None:
            found.append(Done(str(scene), method, "stale", "the stored picture is damaged"))
        elif why := _why_measure(stored[1], models):
            found.append(Done(str(scene), method, "stale", why))
    return found


def prune(folder: Path | None = None) -> list[str]:
    """Remove what no scene of the plan, or no method that can run, has to do with any more; the names of what was removed.

    Of folders, only those that were scenes: a gallery may have been put where other things lie.
    """
    folder = folder or scenes.FOLDER
    kept = {Scene(example, degradation, folder).folder: degradation for example, degradation in plan()}
    removed = []
    for path in sorted(folder.glob("*/*")):
        if path not in kept and read_index(path) is not None:
            shutil.rmtree(path)
            removed.append(str(path.relative_to(folder)))
    for example, degradation in plan():
        scene = Scene(example, degradation, folder)
        gone = [key for key in scene.index["results"] if key not in METHODS or facts_now(key, degradation) is None]
        for key in gone:
            del scene.index["results"][key]
            (scene.folder / f"{key}.webp").unlink(missing_ok=True)
            removed.append(f"{scene} {key}")
        if gone:
            _write_index(scene)
    return removed


def total_bytes(folder: Path | None = None) -> int:
    """What the whole gallery takes on disk."""
    return sum(path.stat().st_size for path in (folder or scenes.FOLDER).rglob("*") if path.is_file())
