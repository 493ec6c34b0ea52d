"""What runs, and shipped tapes that a run goes on from, bring to a tape: read, and refused where it would not fit."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lab.images import read_picture
from lab.tapes import ENDS, TapeError, crops_of, read
from lab.train.curves import read_rows


@dataclass(frozen=True)
class Part:
    """What one run, or a shipped tape of several, brings to a tape."""

    rows: list[dict[str, str]]
    """Of its curves."""
    strips: dict[int, tuple[Path, dict[str, Any]]]
    """By step, in order: a strip and its moment, as in tape.json."""
    end: int
    """Steps in all."""
    seconds: float


def _moment(row: dict[str, str]) -> dict[str, Any]:
    def number(name: str) -> float | None:
        return float(row[name]) if row.get(name) else None

    return {
        "step": int(row["step"]),
        "seconds": float(row["seconds"]),
        "psnr": number("validation_psnr"),
        "sharpness": number("validation_sharpness"),
    }


def read_run(run: Path, files: list[str]) -> Part:
    """What a run kept; `files` are what it must have beside its curves and its tape."""
    strips = {int(path.stem): path for path in sorted((run / "tape").glob("*.png")) if path.stem.isdigit()}
    missing = [name for name in [*files, "losses.csv"] if not (run / name).is_file()]
    if missing or not strips:
        lacking = " and no ".join(missing or ["tape"])
        raise TapeError(f"'{run}' has no {lacking}: only a finished run of a network that restores has all.")
    rows = read_rows(run / "losses.csv")
    if not rows:
        raise TapeError(f"'{run}' has no rows that can be read in its losses.csv: no tape can be made of this run.")
    try:
        _ = [float(value) for row in rows for value in row.values() if value]
    except ValueError:
        raise TapeError(f"the losses.csv of '{run}' is damaged: no tape can be made of this run.") from None
    moments = {int(row["step"]): _moment(row) for row in rows}
    if lost := strips.keys() - moments.keys():
        names = ", ".join(strips[step].name for step in sorted(lost))
        raise TapeError(f"'{run}' has strips of steps that its losses.csv does not know: remove {names} from its tape.")
    # of all rows, not to the last strip: a run that was stopped has rows after it
    end = max(moments)
    return Part(rows, {step: (strips[step], moments[step]) for step in sorted(strips)}, end, float(rows[-1]["seconds"]))


def card_of(path: Path, part: Part) -> dict[str, Any]:
    """The card of a run's weights, read from the file; refused where it is none, or of another moment than the curves' end."""
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        card = None
    if not isinstance(card, dict) or not isinstance(card.get("name"), str):
        raise TapeError(f"'{path}' is no card of a checkpoint: only a finished run can be shipped.")
    if card.get("steps") != part.end:
        raise TapeError(
            f"the weights of '{path.parent}' are those of step {card.get('steps')}, but its curves end at step {part.end}: "
            "finish a run that was taken on with --resume; rows that were lost cannot be brought back."
        )
    return card


def _refuse_other_crops(earlier: Path, own: Path, pairs: dict[str, tuple[Any, Any]]) -> None:
    """Raise TapeError where the crops of the two, pairs of arrays by their names in ENDS, are not the same."""
    for name, pair in pairs.items():
        if not np.array_equal(*pair):
            other = "crops" if name == "sharp" else "blurs of its crops"
            raise TapeError(f"'{earlier}' was shown other {other} than '{own}': they do not make one tape.")


def read_earlier(run: Path, own: Path) -> tuple[Part, dict[str, Any]]:
    """What a run that another went on from kept, and its card; refused where its tape is of other crops or blurs."""
    weights = next(iter(sorted(run.glob("*.safetensors"))), None)
    if weights is None:
        raise TapeError(f"'{run}' has no weights: name finished runs; the first may be the folder of a shipped tape instead.")
    card = f"{weights.stem}.json"
    part = read_run(run, [card])
    files = {name: [folder / "tape" / f"{name}.png" for folder in (run, own)] for name in ENDS}
    pairs = {name: tuple(map(read_picture, pair)) for name, pair in files.items() if all(path.is_file() for path in pair)}
    _refuse_other_crops(run, own, pairs)
    return part, card_of(run / card, part)


def read_shipped(place: Path, own: Path) -> tuple[Part, dict[str, Any], list[int]]:
    """A shipped tape that a run goes on from, what it says of itself, and which of the run's crops it shows."""
    tape = read(place.name, place.parent)
    if tape is None or any(tape.strip(name) is None for name in ENDS):
        raise TapeError(f"'{place}' is no whole tape with the given and the sharp crops: name the runs before this one instead.")
    if lost := [f"{name}.png" for name in ENDS if not (own / "tape" / f"{name}.png").is_file()]:
        raise TapeError(f"the tape of '{own}' has no {' and no '.join(lost)}: add --data with the pictures it was trained on.")
    whole = {name: crops_of(read_picture(own / "tape" / f"{name}.png")) for name in ENDS}
    shown = {name: crops_of(read_picture(tape.strip(name))) for name in ENDS}
    places = (next((i for i, one in enumerate(whole["sharp"]) if np.array_equal(one, crop)), None) for crop in shown["sharp"])
    chosen = [i for i in places if i is not None]
    _refuse_other_crops(
        place, own, {name: (np.array([whole[name][i] for i in chosen]), np.array(shown[name])) for name in ENDS}
    )
    try:
        with (place / "curves.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        numbers = [(int(row["step"]), float(row["seconds"])) for row in rows]
        strips = {int(one["step"]): (place / f"{one['step']}.webp", one) for one in tape.about["moments"]}
        whole_numbers = [*strips, tape.about["steps"], tape.about.get("runs", 1)]
        sound = all(isinstance(number, int) for number in whole_numbers)
        sound = sound and all(isinstance(one["seconds"], float | int) for one in tape.about["moments"])
        if not sound or any(None in row or None in row.values() for row in rows):
            raise ValueError
    except (ValueError, KeyError, TypeError, csv.Error):
        raise TapeError(f"the tape in '{place}' is damaged: bring back a whole one, or name the runs before this one.") from None
    return Part(rows, strips, tape.about["steps"], numbers[-1][1]), tape.about, chosen
