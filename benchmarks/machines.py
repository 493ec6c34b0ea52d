"""What the benchmarks of machines that look at restored pictures share: reading.py and detection.py.

Each has a judge, a machine whose verdict on a picture is some numbers, and asks it about the picture blurred, and restored by
every method. Verdicts are kept, so that the same command goes on where it was ended, and judges only what is new, such as what a
checkpoint that was replaced makes of the pictures.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lab import methods
from lab.benchmark.records import Key, Records, Row
from lab.benchmark.scoring import INPUT
from lab.cli.options import chosen_methods
from lab.compare import Failed, Finished, compare, prepare
from lab.degrade import Degradation, shaken
from lab.digests import sha256
from lab.errors import LabError
from lab.gallery.scenes import pixels_sha256

ROOT = Path(__file__).parent.parent
PAPER = ROOT / "assets" / "paper"
"""Where the page looks for what these benchmarks write."""

SEEDS = "the motion path of each picture has a seed of its own: the blur's seed plus the picture's place, from 0"

Verdict = dict[str, float]
Judge = Callable[[np.ndarray], Verdict]
"""uint8 (H, W, 3) RGB -> what the machine says of it."""


class MachineError(LabError):
    """A benchmark of a machine that cannot be run; its text is the sentence to show."""


@dataclass(frozen=True)
class Trial:
    """What all pictures of a benchmark have in common."""

    checkpoints: Mapping[str, str]
    """Methods in display order -> SHA-256 of their weights."""
    machine: str
    """Who judges, with its version: verdicts of another are not looked at."""
    records: Records
    device: str = "auto"

    @cached_property
    def cards(self) -> dict[str, dict[str, Any]]:
        """Method -> the card of its weights, read once."""
        return {key: methods.card(key) or {} for key in self.checkpoints}

    @property
    def names(self) -> dict[str, str]:
        """Method -> its name on screen, which says what was scaled down; `input` for the blurred picture."""
        return {INPUT: "blurred"} | {key: methods.screen_name(key, card) for key, card in self.cards.items()}

    def trained(self, key: str, degradation: Degradation) -> bool:
        """Whether a method's training covered a degradation; never for the blurred picture itself."""
        return key != INPUT and methods.in_domain(degradation, self.cards[key].get("trained_for", []))


def same_size_methods(text: str) -> dict[str, str]:
    """The methods to run, in display order, and the SHA-256 of their weights files.

    Args:
        text: `a,b`, or `all` for every method that keeps the size and has been trained.

    Raises:
        MachineError: a method that enlarges, which would see a quarter of the picture, or one without weights.
        LabError: a key that is not in the catalogue, or none at all.
    """
    keys = [key for key in chosen_methods(text) if text != "all" or (_keeps_size(key) and methods.checkpoint(key))]
    if not keys:
        raise MachineError("no method that keeps the size has weights here: train one with `python -m lab train`.")
    for key in keys:
        if not _keeps_size(key):
            raise MachineError(f"{methods.find(key).name} enlarges four times: name methods that keep the size, or all.")
        if methods.checkpoint(key) is None:
            raise MachineError(f"{methods.find(key).name} has no checkpoint here: train one with `python -m lab train {key}`.")
    return {key: sha256(methods.checkpoint(key)) for key in keys}


def _keeps_size(key: str) -> bool:
    return methods.find(key).takes == "same"


def of_picture(degradation: Degradation, place: int) -> Degradation:
    """The degradation of the picture at a place (from 0): no two are shaken alike (SEEDS)."""
    return shaken(degradation, place) if degradation.kind == "motion" else degradation


def verdicts(trial: Trial, picture: np.ndarray, degradation: Degradation, judge: Judge) -> dict[str, Verdict]:
    """What the machine says of a sharp picture once it is blurred (`input`), and restored by each method.

    Args:
        trial: methods, machine and what is known.
        picture: uint8 (H, W, 3) RGB, sharp.
        degradation: keeps the size.
        judge: asked only where nothing is known.

    Raises:
        MachineError: a method failed, or its weights file is no longer the trial's.
    """
    _ = trial.cards  # what is said of the weights is read beside them, not after the last picture
    digest = pixels_sha256(picture)
    wanted = {INPUT: "", **trial.checkpoints}
    keys = {method: Key(digest, method, sha, str(degradation), trial.machine) for method, sha in wanted.items()}
    found = {method: trial.records.find(key).values for method, key in keys.items()}
    missing = [method for method, values in found.items() if not values]
    if missing:
        prepared = prepare(picture, degradation)
        if INPUT in missing:
            found[INPUT] = trial.records.add(keys[INPUT], Row(judge(prepared.given))).values
        for event in compare(prepared, [method for method in missing if method != INPUT], metrics=(), device=trial.device):
            if isinstance(event, Failed):
                raise MachineError(f"{methods.find(event.method).name} cannot take part: {event.reason}")
            if isinstance(event, Finished):
                if event.checkpoint_sha and not trial.checkpoints[event.method].startswith(event.checkpoint_sha):
                    raise MachineError(f"{event.checkpoint} was replaced while the benchmark ran: start it again.")
                found[event.method] = trial.records.add(keys[event.method], Row(judge(event.picture))).values
    return found
