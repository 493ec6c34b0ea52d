"""The stored files behind the paper's tab: what made them, whether they are up to date, and their pictures."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lab.ablation.stored import is_current
from lab.methods import METHODS
from lab.ui.store import ResultStore


def changed_since(checkpoints: Mapping[str, str]) -> list[str]:
    """A sentence naming the methods whose checkpoint is no longer the one that a file was made with; none where all are."""
    changed = [key for key in METHODS if key in checkpoints and not is_current(checkpoints, key)]
    if not changed:
        return []
    names = ", ".join(METHODS[key].name for key in changed)
    return [f"Not up to date: since these figures were made, the lab's checkpoint has changed or gone for {names}."]


def measured_on(about: Mapping[str, Any]) -> str:
    """How many pictures of which folder, as the files under assets/paper have it."""
    pictures = about.get("pictures")
    if not isinstance(pictures, dict) or "count" not in pictures:
        return ""
    return f"{pictures['count']} picture{'s' * (pictures['count'] != 1)} of {pictures.get('folder', 'a folder')}"


def read_facts(folder: Path, name: str) -> dict[str, Any] | None:
    """A JSON file of a folder; None where there is none, or none that can be read."""
    try:
        facts = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(facts, dict) and isinstance(facts.get("checkpoints", {}), dict)
    return facts if whole and isinstance(facts.get("command"), str) and facts["command"] else None


def find_plots(folder: Path, names: Iterable[str]) -> list[Path]:
    """The SVG files of the curves with these names, as far as they are there."""
    return [path for name in names if (path := folder / f"{name}.svg").is_file()]


class Pictures:
    """Copies of stored pictures in a place the page serves files from, by name."""

    def __init__(self, store: ResultStore):
        self.store = store
        self.files: dict[str, Path] = {}

    def add(self, path: Path, kind: str, caption: str, alt: str) -> dict[str, str]:
        """One picture of a section. An SVG goes along as data: Gradio serves such files as downloads."""
        content = path.read_bytes()
        picture = {"kind": kind, "caption": caption, "alt": alt, "file": "", "data": ""}
        if path.suffix == ".svg":
            return picture | {"data": "data:image/svg+xml;base64," + base64.b64encode(content).decode()}
        name = hashlib.sha256(content).hexdigest()[:16] + path.suffix
        self.files[name] = self.store.keep("paper", {name: content}) / name
        return picture | {"file": name}
