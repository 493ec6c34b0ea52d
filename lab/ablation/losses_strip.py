"""A strip for the loss ablation: a face and lettering, blurred, restored by each of the five, and sharp."""

from collections.abc import Sequence

import numpy as np

from lab.ablation import AblationError
from lab.ablation.loss_runs import Run
from lab.ablation.losses import BLUR, METHOD
from lab.ablation.panels import BLURRED, SHARP, SPOTS, Restored, closeups
from lab.compare import Failed, Prepared, compare, prepare
from lab.examples import EXAMPLES, Example
from lab.images import read_picture

SHOWN = [spot for spot in SPOTS if spot.name in ("face", "lettering")]
"""What is looked at; one row each."""


def draw(runs: Sequence[Run], device: str = "auto") -> np.ndarray:
    """The strip, uint8 (h, w, 3): a row for each of SHOWN; in it the blurred crop, one of every run, and the sharp one.

    Raises:
        AblationError: a run cannot restore one of the examples.
        RestoreError: a device that is not there.
    """
    wanted = {spot.example for spot in SHOWN}
    pictures = {example.key: _restored(example, runs, device) for example in EXAMPLES if example.key in wanted}
    return closeups(pictures, SHOWN)


def _restored(example: Example, runs: Sequence[Run], device: str) -> Restored:
    prepared = prepare(read_picture(example.path), BLUR)
    restored = {one.stage.label: _restored_by(one, prepared, device) for one in runs}
    return {BLURRED: prepared.given} | restored | {SHARP: prepared.reference}


def _restored_by(one: Run, prepared: Prepared, device: str) -> np.ndarray:
    last = list(compare(prepared, [METHOD], (), weights={METHOD: one.path}, device=device))[-1]
    if isinstance(last, Failed):
        raise AblationError(f"{one.stage.name} cannot restore an example: {last.reason}")
    return last.picture
