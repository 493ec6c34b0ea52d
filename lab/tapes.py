"""Tapes: what a network made of the same held-out crops at moments of its training, and the curves of that training.

`assets/tapes/NAME/` holds `tape.json` (the moments, and what the run was), `curves.csv` (the run's losses.csv, thinned) and one
strip of crops a moment, STEP.webp, without loss; `sharp.webp` and `given.webp` are the originals and what the network was given,
where the run kept them. A run's own folder holds 8 crops of 192 pixels a moment in PNG, ten times as much.
"""

import csv
import json
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lab.errors import LabError
from lab.images import read_picture

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "tapes"
MOST_MOMENTS = 10
CROPS = 3
SIDE = 128
"""Pixels of a crop's side."""
MOST_ROWS = 120
ENDS = ("sharp", "given")
"""Strips beside the moments: the originals, and what the network was given."""


ABOUT = {"name", "stage", "steps", "minutes", "checkpoint_sha256"}
"""What tape.json says at least of its run, besides the moments."""


def _size(strip: Path) -> tuple[int, int]:
    """Width and height of a picture's file; an OSError where it is none."""
    from PIL import Image

    with Image.open(strip) as image:
        return image.size


class TapeError(LabError):
    """Runs or tapes that no tape can be made of; its text is the sentence to show."""


@dataclass(frozen=True)
class Moment:
    """One moment of a training."""

    step: int
    seconds: float
    psnr: float | None
    """Of the held-out crops, in dB."""
    sharpness: float | None
    """Mean gradient magnitude of the results over that of the originals."""


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


@dataclass(frozen=True)
class Tape:
    """A shipped tape."""

    folder: Path
    about: dict[str, Any]
    """tape.json: see `ship`."""

    @property
    def moments(self) -> list[Moment]:
        """In order of their steps."""
        return [Moment(**one) for one in self.about["moments"]]

    def strip(self, name: str | int) -> Path | None:
        """The file of a moment's step, or of one of ENDS; None where there is none."""
        path = self.folder / f"{name}.webp"
        return path if path.is_file() else None

    @cached_property
    def curves(self) -> dict[str, list[tuple[int, float]]]:
        """(step, value) of every figure, by its name in losses.csv."""
        with (self.folder / "curves.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        names = [name for name in (rows[0] if rows else {}) if name not in ("step", "seconds")]
        return {name: [(int(row["step"]), float(row[name])) for row in rows if row[name]] for name in names}


def read(name: str, folder: Path | None = None) -> Tape | None:
    """The tape of a method; None where there is none, or none that can be read."""
    place = (folder or FOLDER) / name
    try:
        about = json.loads((place / "tape.json").read_text(encoding="utf-8"))
        tape = Tape(place, about)
        sizes = {_size(place / f"{moment.step}.webp") for moment in tape.moments}
        whole = len(sizes) == 1 and bool(tape.curves) and about.keys() >= ABOUT
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return None
    return tape if whole else None


def thin_moments(steps: list[int], most: int = MOST_MOMENTS) -> list[int]:
    """The first and the last step, and those between that lie well apart: each at most 0.75 of the one after it."""
    kept = [steps[-1]]
    for step in reversed(steps[1:-1]):
        if step <= 0.75 * kept[0]:
            kept.insert(0, step)
    first = steps[:1] if len(steps) > 1 else []
    return [*first, *kept[-(most - len(first)) :]]


def thin_rows(rows: list[dict[str, str]], most: int = MOST_ROWS) -> list[dict[str, str]]:
    """At most so many rows of curves: each the mean of neighbours, at the step of the last of them."""
    size = -(-len(rows) // most) if rows else 1
    thinned = []
    for start in range(0, len(rows), size):
        group = rows[start : start + size]
        row = {name: group[-1][name] for name in ("step", "seconds")}
        for name in group[0].keys() - row.keys():
            values = [float(one[name]) for one in group if one[name]]
            row[name] = f"{sum(values) / len(values):.4g}" if values else ""
        thinned.append({name: row[name] for name in group[0]})
    return thinned


def crops_of(strip: np.ndarray) -> list[np.ndarray]:
    """The square crops of a strip, uint8 (S, N*S, 3), cut to their middle SIDE pixels."""
    side = strip.shape[0]
    cut = min(SIDE, side)
    top = (side - cut) // 2
    return [strip[top : top + cut, x + top : x + top + cut] for x in range(0, strip.shape[1] - side + 1, side)]


def most_changed(first: np.ndarray, last: np.ndarray) -> list[int]:
    """The positions of the CROPS crops that training changed most from one strip to another, in order."""
    pairs = zip(crops_of(first), crops_of(last), strict=True)
    changes = [float(np.abs(a.astype(np.int16) - b).mean()) for a, b in pairs]
    return sorted(sorted(range(len(changes)), key=lambda i: -changes[i])[:CROPS])


def _write_strip(strip: np.ndarray, chosen: list[int], path: Path) -> None:
    from PIL import Image

    crops = crops_of(strip)
    Image.fromarray(np.concatenate([crops[i] for i in chosen], axis=1)).save(path, lossless=True, quality=75, method=4)


def _moment(row: dict[str, str]) -> dict[str, Any]:
    def number(name: str) -> float | None:
        return float(row[name]) if row.get(name) else None

    return {
        "step": int(row["step"]),
        "seconds": float(row["seconds"]),
        "psnr": number("validation_psnr"),
        "sharpness": number("validation_sharpness"),
    }


def _read_run(run: Path, files: list[str]) -> Part:
    """What a run kept; `files` are what it must have beside its curves and its tape."""
    strips = {int(path.stem): path for path in sorted((run / "tape").glob("*.png")) if path.stem.isdigit()}
    missing = [name for name in [*files, "losses.csv"] if not (run / name).is_file()]
    if missing or not strips:
        lacking = " and no ".join(missing or ["tape"])
        raise TapeError(f"'{run}' has no {lacking}: only a finished run of a network that restores has all.")
    try:
        with (run / "losses.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        moments = {int(row["step"]): _moment(row) for row in rows}
    except (ValueError, KeyError, TypeError, csv.Error):
        raise TapeError(f"the losses.csv of '{run}' is damaged: no tape can be made of this run.") from None
    if not rows:
        raise TapeError(f"'{run}' has no rows in its losses.csv: only a finished run of a network that restores has all.")
    if lost := strips.keys() - moments.keys():
        names = ", ".join(strips[step].name for step in sorted(lost))
        raise TapeError(f"'{run}' has strips of steps that its losses.csv does not know: remove {names} from its tape.")
    # of all rows, not to the last strip: a run that was stopped has rows after it
    end = max(moments)
    return Part(rows, {step: (strips[step], moments[step]) for step in sorted(strips)}, end, float(rows[-1]["seconds"]))


def _read_card(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        card = None
    if not isinstance(card, dict) or not isinstance(card.get("name"), str):
        raise TapeError(f"'{path}' is no card of a checkpoint: only a finished run can be shipped.")
    return card


def _refuse_other_crops(earlier: Path, own: Path, pairs: dict[str, tuple[Any, Any]]) -> None:
    """Raise TapeError where the crops of the two, pairs of arrays by their names in ENDS, are not the same."""
    for name, pair in pairs.items():
        if not np.array_equal(*pair):
            other = "crops" if name == "sharp" else "blurs of its crops"
            raise TapeError(f"'{earlier}' was shown other {other} than '{own}': they do not make one tape.")


def _read_earlier(run: Path, own: Path) -> tuple[Part, dict[str, Any]]:
    """What a run that another went on from kept, and its card; refused where its tape is of other crops or blurs."""
    weights = next(iter(sorted(run.glob("*.safetensors"))), None)
    if weights is None:
        raise TapeError(f"'{run}' has no weights: name finished runs; the first may be the folder of a shipped tape instead.")
    card = f"{weights.stem}.json"
    part = _read_run(run, [card])
    files = {name: [folder / "tape" / f"{name}.png" for folder in (run, own)] for name in ENDS}
    pairs = {name: tuple(map(read_picture, pair)) for name, pair in files.items() if all(path.is_file() for path in pair)}
    _refuse_other_crops(run, own, pairs)
    return part, _read_card(run / card)


def _read_shipped(place: Path, own: Path) -> tuple[Part, dict[str, Any], list[int]]:
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


def _joined(parts: list[Part]) -> tuple[list[dict[str, str]], dict[int, tuple[Path, dict[str, Any]]]]:
    """Parts that went on from one another as one: steps and seconds counted on, the first strip of each later part left out."""
    rows: list[dict[str, str]] = []
    strips: dict[int, tuple[Path, dict[str, Any]]] = {}
    names = list(dict.fromkeys(name for part in parts for name in part.rows[0]))
    steps, seconds = 0, 0.0
    for part in parts:
        for row in part.rows:
            moved = {"step": str(int(row["step"]) + steps), "seconds": f"{float(row['seconds']) + seconds:.1f}"}
            rows.append(dict.fromkeys(names, "") | row | moved)
        for step, (path, moment) in list(part.strips.items())[1 if strips else 0 :]:
            at = {"step": step + steps, "seconds": round(moment["seconds"] + seconds, 1)}
            strips[step + steps] = (path, moment | at)
        steps, seconds = steps + part.end, seconds + part.seconds
    return rows, strips


def ship(weights: Path, folder: Path | None = None, after: tuple[Path, ...] = ()) -> Path:
    """Copy the tape and the thinned curves of a finished run to assets/tapes/NAME, in place of what was there.

    Args:
        weights: the run's weights file, NAME.safetensors in the run's folder, beside its card, losses.csv and tape/.
        folder: of all tapes.
        after: the folders of the runs this one went on from, the earliest first: they become one tape with it. The first may be
            the folder of a shipped tape instead, which stands for all the runs it was made of.

    Returns:
        The tape's folder.

    Raises:
        TapeError: a run has no card, curves or tape, or an earlier one was shown other crops; of a shipped tape, that it is not
            whole or is of these very weights already.
    """
    from lab.weights import sha256

    run, name = weights.parent, weights.stem
    own = _read_run(run, [f"{name}.safetensors", f"{name}.json"])
    card = _read_card(weights.with_suffix(".json"))
    shipped = _read_shipped(after[0], run) if after and (after[0] / "tape.json").is_file() else None
    if shipped and shipped[1]["checkpoint_sha256"] == sha256(weights):
        raise TapeError(f"'{after[0]}' is the tape of these very weights already: name the tape of those they went on from.")
    earlier = [_read_earlier(one, run) for one in after[1 if shipped else 0 :]]
    first = shipped[1] if shipped else earlier[0][1] if earlier else card
    parts = [*([shipped[0]] if shipped else []), *(part for part, _ in earlier), own]
    rows, moments = _joined(parts)

    kept = {step: moments[step] for step in thin_moments(sorted(moments))}
    strips = {str(step): path for step, (path, _) in kept.items()}
    strips |= {end: run / "tape" / f"{end}.png" for end in ENDS if (run / "tape" / f"{end}.png").is_file()}
    chosen = shipped[2] if shipped else most_changed(*(read_picture(kept[step][0]) for step in (min(kept), max(kept))))
    place = (folder or FOLDER) / name
    new = place.with_name(f"{name}.part")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for strip_name, path in strips.items():
        if path.suffix == ".webp":  # of a shipped tape: cut already
            shutil.copyfile(path, new / f"{strip_name}.webp")
        else:
            _write_strip(read_picture(path), chosen, new / f"{strip_name}.webp")
    with (new / "curves.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(thin_rows(rows))
    about = {
        "name": card["name"],
        "stage": card.get("stage", ""),
        "start_from": first.get("start_from"),
        "runs": len(earlier) + 1 + (shipped[1].get("runs", 1) if shipped else 0),
        "losses": card.get("losses", {}),
        "steps": sum(part.end for part in parts),
        "minutes": round(sum(part.seconds for part in parts) / 60, 1),
        "checkpoint_sha256": sha256(weights),
        "moments": [moment for _, moment in kept.values()],
    }
    (new / "tape.json").write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")
    if read(new.name, new.parent) is None:  # whatever the cause, a tape that can be read is not given for one that cannot
        shutil.rmtree(new, ignore_errors=True)
        raise TapeError(f"what '{run}' and those before it kept does not make a tape: their strips are not of one size.")
    shutil.rmtree(place, ignore_errors=True)
    new.rename(place)
    return place
