"""Writing a fitted model and its card."""

import json
import os
from pathlib import Path
from typing import Any

from lab.errors import LabError


class OutputError(LabError):
    """A name a model cannot be written under; its text is the sentence to show."""


def checked_output(out: str | Path) -> Path:
    """The path of a model to write, asked before the work begins: its card goes beside it, under the same name with .json.

    Raises:
        OutputError: the name does not end with .safetensors.
    """
    out = Path(out)
    if out.suffix.lower() != ".safetensors":
        raise OutputError(f"the model cannot be written as {out.name}: give --out a name that ends with .safetensors.")
    return out


def write_model(out: Path, data: bytes, card: dict[str, Any]) -> None:
    """Write a model and its card; folders on the way are made.

    Args:
        out: from `checked_output`.
        data: the safetensors file.
        card: what the model is and how it was made, JSON-able.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_suffix(".part")  # whoever reads meanwhile sees the old file or the new one, never half of it
    part.write_bytes(data)
    os.replace(part, out)
    out.with_suffix(".json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
