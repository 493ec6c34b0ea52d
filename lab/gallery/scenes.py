"""What lies in the gallery, and whether it is still what this lab would compute.

A scene is one example picture with one degradation: `assets/gallery/EXAMPLE/KIND/` holds `index.json` (what is known of every
result: its checkpoint, its figures), `given.webp` (the degraded picture) and METHOD.webp, all without loss. A result is current
as long as the example's file, the degraded picture, the checkpoint and what its card says are those it was computed from; what
is not current is never handed out.
"""

import hashlib
import io
import json
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lab import methods
from lab.compare import Prepared, prepare
from lab.degrade import KINDS, Degradation
from lab.digests import sha256
from lab.examples import EXAMPLES, Example
from lab.images import read_picture
from lab.metrics import CONVENTIONS, Figure
from lab.metrics.models import Models

FOLDER = Path(__file__).resolve().parent.parent.parent / "assets" / "gallery"


def plan() -> list[tuple[Example, Degradation]]:
    """Every scene the gallery is made of, in the order of the examples: each with all kinds of degradation, at their default
    strengths, which the page's controls are set to when a kind is chosen."""
    return [(example, Degradation(kind)) for example in EXAMPLES for kind in KINDS]


def webp_bytes(picture: np.ndarray) -> bytes:
    """Lossless WebP of a uint8 (H, W, 3) picture: about two thirds of its PNG. More effort saves 3 % in ten times as long."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "WEBP", lossless=True, quality=75, method=4)
    return buffer.getvalue()


def pixels_sha256(picture: np.ndarray) -> str:
    """SHA-256 of a picture's samples and shape, in hex: the same whatever file format they went through."""
    return hashlib.sha256(repr(picture.shape).encode() + np.ascontiguousarray(picture).tobytes()).hexdigest()


@lru_cache(maxsize=64)
def _sha256(path: Path, size: int, changed: int) -> str:
    return sha256(path)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hex, read once for as long as it does not change."""
    about = path.stat()
    return _sha256(path, about.st_size, about.st_mtime_ns)


def models_sha256(models: Models) -> str:
    """A digest of the contents of everything metrics run on; figures of two digests do not go into one table."""
    sources = (models.niqe, models.ma, models.lpips, models.niqe_lab, models.ma_lab)
    contents = [None if one is None else (one.variant, *map(sha256_of, one.paths)) for one in sources]
    return hashlib.sha256(repr(contents).encode()).hexdigest()


def facts_now(method: str, degradation: Degradation) -> dict[str, Any] | None:
    """What a result of today would say of its method; None where the method has no checkpoint."""
    entry, path = methods.find(method), methods.checkpoint(method)
    if path is None and entry.kind == "learned":
        return None
    card = methods.card(method) or {}
    trained_for = card.get("trained_for", []) if path else [{"kind": "x4-bicubic"}]
    return {
        "name": methods.screen_name(method, card),
        "checkpoint": path.name if path else None,
        "checkpoint_sha256": sha256_of(path) if path else None,
        "stage": card.get("stage", ""),
        "differs": card.get("differs", ""),
        "in_domain": methods.in_domain(degradation, trained_for),
    }


def figures_json(figures: dict[str, dict[str, Figure]]) -> dict[str, dict[str, dict]]:
    """Figures by convention and metric as JSON; what is empty is left out."""
    return {
        convention: {
            key: {name: part for name, part in asdict(one).items() if name == "value" or (name != "convention" and part)}
            for key, one in row.items()
        }
        for convention, row in figures.items()
    }


FIGURES = {"figures": dict, "psnrs": list, "models_sha256": str}
"""What the index says at least of whatever was measured."""
RESULT = {"pixels_sha256": str, "seconds": (int, float), "given": str, "device": str}
"""What it says of a method's result besides."""


def _whole(row: object, wanted: dict[str, type | tuple[type, ...]]) -> bool:
    return isinstance(row, dict) and all(isinstance(row.get(name), kind) for name, kind in wanted.items())


def _readable(row: dict[str, Any]) -> bool:
    """Whether a row's figures are figures, in every convention, and its PSNRs PSNRs."""
    try:
        figures, psnrs = Row(row).figures, Row(row).psnrs
    except (TypeError, ValueError, AttributeError):
        return False
    values = [one.value for of in figures.values() for one in of.values()]
    return (
        figures.keys() >= set(CONVENTIONS)
        and all(value is None or isinstance(value, (int, float)) for value in values)
        and all(isinstance(what, str) and isinstance(value, (int, float)) for what, value in psnrs)
    )


def read_index(folder: Path) -> dict[str, Any] | None:
    """The content of a scene's index.json; None where the folder has none, or another program's."""
    try:
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return index if _whole(index, {"results": dict, "degradation": str}) else None


@dataclass(frozen=True)
class Row:
    """One stored result (or the input, or the reference) as the index has it."""

    facts: dict[str, Any]

    @property
    def figures(self) -> dict[str, dict[str, Figure]]:
        """By convention and metric."""
        stored = self.facts["figures"]
        return {name: {key: Figure(convention=name, **one) for key, one in row.items()} for name, row in stored.items()}

    @property
    def psnrs(self) -> list[tuple[str, float]]:
        """As of lab.metrics.four_psnrs."""
        return [(what, value) for what, value in self.facts.get("psnrs", [])]

    def measured_with(self, models: Models) -> bool:
        """Whether these are the models its figures come from."""
        return self.facts["models_sha256"] == models_sha256(models)


class Scene:
    """One example with one degradation, as far as it is stored.

    Args:
        example: the picture.
        degradation: what was done to it.
        folder: of the whole gallery.
    """

    def __init__(self, example: Example, degradation: Degradation, folder: Path | None = None):
        self.example, self.degradation = example, degradation
        self.folder = (folder or FOLDER) / example.key / degradation.kind

    def __str__(self) -> str:
        return f"{self.example.key} {self.degradation}"

    @cached_property
    def index(self) -> dict[str, Any]:
        """The content of index.json, without rows that are damaged; without results where none can be read."""
        index = read_index(self.folder)
        if index is None:
            return {"results": {}}
        for end in ("input", "reference"):
            if not (_whole(index.get(end), FIGURES) and _readable(index[end])):
                index.pop(end, None)
        index["results"] = {
            method: row for method, row in index["results"].items() if _whole(row, FIGURES | RESULT) and _readable(row)
        }
        return index

    @cached_property
    def prepared(self) -> Prepared:
        """The input as this lab makes it today."""
        return prepare(read_picture(self.example.path), self.degradation)

    def picture(self, name: str) -> np.ndarray | None:
        """A stored picture, uint8 (H, W, 3): a method's result, or "given"; None where it is not there or damaged."""
        try:
            with Image.open(self.folder / f"{name}.webp") as image:
                return np.asarray(image.convert("RGB"))
        except (OSError, ValueError, SyntaxError):
            return None

    @cached_property
    def why_stale(self) -> str:
        """Why nothing here is current: a few words, empty where the input is still the same.

        Another processor may round a blurred sample to the other side: one 8-bit step is no difference.
        """
        if self.index.get("degradation") != str(self.degradation):
            return "not stored yet"
        if self.index.get("example_sha256") != sha256_of(self.example.path):
            return "the example picture has changed"
        given = self.picture("given")
        if given is None or given.shape != self.prepared.given.shape:
            return "the stored input is damaged"
        if np.abs(given.astype(np.int16) - self.prepared.given).max() > 1:
            return "the degradation has changed"
        return ""

    def why_not(self, method: str) -> str:
        """Why a method's stored result cannot be shown: a few words, empty where it is current."""
        now = facts_now(method, self.degradation)
        if now is None:
            return "the method has no checkpoint"
        if self.why_stale:
            return self.why_stale
        row = self.index["results"].get(method)
        if row is None:
            return "not stored yet"
        if row.get("checkpoint_sha256") != now["checkpoint_sha256"]:
            return "its checkpoint has changed"
        return "" if all(row.get(key) == value for key, value in now.items()) else "its card has changed"

    def result(self, method: str) -> tuple[np.ndarray, Row] | None:
        """A method's exact picture, uint8 (H, W, 3), and what is known of it; None unless it is current."""
        if self.why_not(method):
            return None
        row, picture = self.index["results"][method], self.picture(method)
        if picture is None or pixels_sha256(picture) != row["pixels_sha256"]:
            return None
        return picture, Row(row)

    def row(self, name: str) -> Row | None:
        """The figures of the "input" (None where it is smaller than the output) or the "reference"; None unless current."""
        return Row(self.index[name]) if not self.why_stale and name in self.index else None


def find(example: str | None, degradation: Degradation | None, folder: Path | None = None) -> Scene | None:
    """The scene of the plan with this example and exactly this degradation; None where there is none."""
    for entry, blur in plan():
        if entry.key == example and blur == degradation:
            return Scene(entry, blur, folder)
    return None
