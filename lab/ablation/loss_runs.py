"""The five trainings of the loss ablation: where their weights lie, and whether they differ in nothing but their losses."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lab.ablation import AblationError
from lab.cards import read_card
from lab.digests import sha256


@dataclass(frozen=True)
class Stage:
    """One training: NonBN-ResG-L's terms up to one of them."""

    recipe: str
    """As for `python -m lab train`."""
    name: str
    """Of its weights file, without the ending."""
    label: str
    """As in tables; a + adds to the row above."""
    terms: frozenset[str]
    """Its losses, as cards name them."""


STAGES = (
    Stage("losses/l2", "losses-l2", "L2", frozenset({"mse"})),
    Stage("losses/l1", "losses-l1", "L1", frozenset({"l1"})),
    Stage("losses/perceptual", "losses-perceptual", "+ perceptual", frozenset({"l1", "perceptual"})),
    Stage("losses/texture", "losses-texture", "+ texture", frozenset({"l1", "perceptual", "texture"})),
    Stage(
        "losses/adversarial",
        "losses-adversarial",
        "+ adversarial",
        frozenset({"l1", "perceptual", "texture", "adversarial/picture"}),
    ),
)
"""L2, then NonBN-ResG-L's own terms, switched on one by one."""

SHARED = {"steps": "steps", "data": "pictures", "trained_for": "blur mixture", "network": "network", "start_from": "start"}
"""Entry of a card -> what it is: what all five trainings must have in common."""


@dataclass(frozen=True)
class Run:
    """One stage, trained."""

    stage: Stage
    path: Path
    card: dict[str, Any]

    @cached_property
    def sha256(self) -> str:
        """Of the weights file, read once."""
        return sha256(self.path)


def find(folder: Path) -> list[Run]:
    """The five trained runs, in the order of STAGES.

    Args:
        folder: of the runs: each weights file lies in it, or in a folder of its run, whatever that is called.

    Raises:
        AblationError: a file is not there or is there twice, has no card, or has other losses than its name says; or the five
            differ in what SHARED names, in the features losses look at or in a shared term's weight, so that they would not
            compare. What no card holds (patch, learning rate, seed) is not looked at.
        CardError: a card that cannot be read.
    """
    if not folder.is_dir():
        raise AblationError(f"there is no folder '{folder}': give the folder of the five runs.")
    runs = [_found(folder, stage) for stage in STAGES]
    refuse_unlike(runs)
    return runs


def _found(folder: Path, stage: Stage) -> Run:
    paths = sorted((*folder.glob(f"{stage.name}.safetensors"), *folder.glob(f"*/{stage.name}.safetensors")))
    if not paths:
        raise AblationError(
            f"there is no {stage.name}.safetensors in '{folder}': train it with "
            f"`python -m lab train {stage.recipe} --data PICTURES --out {folder / stage.name}`."
        )
    if len(paths) > 1:
        raise AblationError(f"{stage.name}.safetensors is in '{folder}' twice, as {paths[0]} and {paths[1]}: keep one.")
    card = read_card(paths[0])
    if card is None:
        raise AblationError(f"{paths[0].name} has no card beside it, which says how it was trained: keep both files together.")
    losses = card.get("losses")
    if not isinstance(losses, dict) or set(losses) != stage.terms:
        found = ", ".join(losses) if isinstance(losses, dict) else "none"
        raise AblationError(
            f"{paths[0].name} was trained with other losses ({found}) than {stage.recipe} has: train it by that recipe."
        )
    return Run(stage, paths[0], card)


def refuse_unlike(runs: Sequence[Run]) -> None:
    """Raise AblationError where runs differ in more than their losses: in what SHARED names, the features that losses look at,
    or the weight of a term that two of them have."""
    for entry, what in SHARED.items():
        _refuse(what, [(run, run.card.get(entry)) for run in runs])
    _refuse("features", [(run, run.card["features"]) for run in runs if run.card.get("features")])
    for term in sorted({term for run in runs for term in run.card["losses"]}):
        _refuse(f"weight of {term}", [(run, run.card["losses"][term]) for run in runs if term in run.card["losses"]])


def _refuse(what: str, values: list[tuple[Run, Any]]) -> None:
    for run, value in values[1:]:
        first, expected = values[0]
        if value != expected:
            raise AblationError(
                f"the {what} of {first.stage.name} and {run.stage.name} differ ({expected} and {value}): "
                "they compare only where nothing but the losses differs, so train one of them again."
            )
