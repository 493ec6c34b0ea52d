"""The paper's Figures 4 and 5, drawn anew: six panels of one picture, and close-ups of a face, hair, eyes and lettering."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lab.ablation import AblationError
from lab.ablation.paper import FAMILY
from lab.compare import Failed, Finished, compare, prepare
from lab.degrade import Degradation
from lab.examples import EXAMPLES, Example
from lab.figures import Box, crop_strip
from lab.images import read_picture

BLURRED, SHARP = "blurred", "sharp"
PANELS_OF = "astronaut"
PANELS_IN_A_ROW = 3


class Spot(NamedTuple):
    """Where a close-up is taken."""

    name: str
    example: str
    """Key of an example picture."""
    box: Box
    """(x, y, width, height) in its pixels."""
    zoom: int
    """How many times it is enlarged; all rows come out equally wide."""


SPOTS = (
    Spot("face", "astronaut", (176, 70, 96, 96), 2),
    Spot("hair", "astronaut", (222, 26, 64, 64), 3),
    Spot("eyes", "astronaut", (194, 76, 64, 64), 3),
    Spot("lettering", "page", (5, 48, 64, 64), 3),
)

Restored = dict[str, np.ndarray]
"""Label -> uint8 (H, W, 3): blurred, the four in the paper's order, sharp."""


def restore(example: Example, blur: Degradation, checkpoints: Mapping[str, str], device: str = "auto") -> Restored:
    """One example, blurred, restored by the four, and as it was.

    Args:
        example: one of the example pictures.
        blur: what is done to it.
        checkpoints: method -> SHA-256 of the weights that the pictures are to be of: those that were measured.
        device: auto, cpu or cuda.

    Raises:
        AblationError: one of the four could not do it, or its weights are others now.
        RestoreError: a device that is not there.
    """
    prepared = prepare(read_picture(example.path), blur)
    pictures = {BLURRED: prepared.given}
    for event in compare(prepared, FAMILY, (), device=device):
        if isinstance(event, Failed):
            raise AblationError(f"{event.method} did not restore the example '{example.title}': {event.reason}")
        if isinstance(event, Finished):
            if not checkpoints[event.method].startswith(event.checkpoint_sha):
                raise AblationError(f"{event.checkpoint} was replaced after it was measured: start it again.")
            pictures[event.name] = event.picture
    return pictures | {SHARP: prepared.reference}


def panels(pictures: Restored) -> np.ndarray:
    """The six panels, as in Figure 4: blurred and sharp first, then the four; uint8 (h, w, 3)."""
    rest = [label for label in pictures if label not in (BLURRED, SHARP)]
    labelled = [(label, pictures[label]) for label in (BLURRED, SHARP, *rest)]
    height, width = pictures[SHARP].shape[:2]
    rows = [labelled[i : i + PANELS_IN_A_ROW] for i in range(0, len(labelled), PANELS_IN_A_ROW)]
    return _stacked([crop_strip(row, (0, 0, width, height), 1) for row in rows])


def closeups(pictures: dict[str, Restored], spots: Sequence[Spot]) -> np.ndarray:
    """A row for each spot, as in Figure 5: blurred, the four, sharp; uint8 (h, w, 3).

    Args:
        pictures: key of an example -> what `restore` made of it.
        spots: each with a box times zoom of the same width.

    Raises:
        ValueError: a box does not lie inside its example, or rows are not equally wide.
    """
    rows = []
    for spot in spots:
        (first, blurred), *others = pictures[spot.example].items()
        rows.append(crop_strip([(f"{spot.name}, {first}", blurred), *others], spot.box, spot.zoom))
    return _stacked(rows)


def draw(blur: Degradation, checkpoints: Mapping[str, str], device: str = "auto") -> dict[str, np.ndarray]:
    """Both figures, from the example pictures: "panels" and "closeups", uint8 (h, w, 3); arguments as for `restore`.

    Raises:
        AblationError, RestoreError: see `restore`.
    """
    wanted = {PANELS_OF, *(spot.example for spot in SPOTS)}
    pictures = {example.key: restore(example, blur, checkpoints, device) for example in EXAMPLES if example.key in wanted}
    return {"panels": panels(pictures[PANELS_OF]), "closeups": closeups(pictures, SPOTS)}


def _stacked(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Pictures of one width below each other."""
    return np.concatenate(rows, axis=0)
