"""The card of a checkpoint: a JSON file beside the weights that says what they are and how they were made."""

import json
from pathlib import Path
from typing import Any

from lab.degrade import KINDS
from lab.errors import LabError


class CardError(LabError):
    """A card that cannot be used; its text is the sentence to show."""


def _check_entry(entry: Any, name: str) -> None:
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if kind not in KINDS:
        raise CardError(f"the card {name} names a degradation it was trained for that the lab does not know: {str(entry)[:80]}.")
    if KINDS[kind].parameter and not all(isinstance(entry.get(end), int | float) for end in ("low", "high")):
        raise CardError(f"the card {name} gives no numbers low and high for {kind}.")


def read_card(weights: str | Path) -> dict[str, Any] | None:
    """The card of a weights file: the file of the same name ending in .json, beside a .safetensors file alone.

    Keys that the lab reads: network ({"name", "arguments"}), name (as on screen), stage (how far training came), differs (what is
    unlike the paper), restores (false for what only measures or teaches), trained_for (list of {"kind", "low", "high"}: see
    lab.methods.in_domain), parameters. Others are to read.

    Returns:
        The card; None where there is none, or where a JSON file lies beside another kind of file and so is no card.

    Raises:
        CardError: it is not readable, or what the lab reads of it makes no sense.
    """
    path = Path(weights).with_suffix(".json")
    if Path(weights).suffix != ".safetensors" or not path.is_file():
        return None
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CardError(f"the card {path.name} is not readable JSON: {error}. Restore it, or remove it.") from error
    if not isinstance(card, dict):
        raise CardError(f"the card {path.name} must be a JSON object, not a {type(card).__name__}.")
    trained_for = card.get("trained_for", [])
    if not isinstance(trained_for, list):
        raise CardError(f"the card {path.name} must give trained_for as a list.")
    for entry in trained_for:
        _check_entry(entry, path.name)
    return card
