"""The example pictures that come with the lab."""

import json
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "examples"


class Example(NamedTuple):
    """One example picture."""

    key: str
    """Its name on the command line and in links."""
    title: str
    """Its name on screen."""
    path: Path
    """The PNG file, every side at most 512 pixels."""
    credit: str
    """Author and licence in one line; assets/CREDITS.md says more."""


def read_examples(folder: Path = FOLDER) -> list[Example]:
    """The examples that `examples.json` in a folder lists, in its order: a list of {"key", "title", "file", "credit"}."""
    entries = json.loads((folder / "examples.json").read_text(encoding="utf-8"))
    return [Example(entry["key"], entry["title"], folder / entry["file"], entry["credit"]) for entry in entries]


EXAMPLES = read_examples()
