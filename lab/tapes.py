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
    """A run without a tape; its text is the sentence to show."""


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


def _read_run(run: Path, files: list[str]) -> tuple[list[dict[str, str]], dict[int, Path]]:
    """The rows of a run's losses.csv and the strip of every moment, by step."""
    strips = {int(path.stem): path for path in sorted((run / "tape").glob("*.png")) if path.stem.isdigit()}
    missing = [name for name in [*files, "losses.csv"] if not (run / name).is_file()]
    if missing or not strips:
        lacking = " and no ".join(missing or ["tape"])
        raise TapeError(f"'{run}' has no {lacking}: only a finished run of a network that restores has all.")
    try:
        with (run / "losses.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        moments = [_moment(row) for row in rows]
    except (ValueError, KeyError, TypeError, csv.Error):
        raise TapeError(f"the losses.csv of '{run}' is damaged: no tape can be made of this run.") from None
    if not rows:
        raise TapeError(f"'{run}' has no rows in its losses.csv: only a finished run of a network that restores has all.")
    if lost := strips.keys() - {moment["step"] for moment in moments}:
        names = ", ".join(strips[step].name for step in sorted(lost))
        raise TapeError(f"'{run}' has strips of steps that its losses.csv does not know: remove {names} from its tape.")
    return rows, strips


def _read_card(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        card = None
    if not isinstance(card, dict) or not isinstance(card.get("name"), str):
        raise TapeError(f"'{path}' is no card of a checkpoint: only a finished run can be shipped.")
    return card


def _read_earlier(run: Path, own: Path) -> tuple[tuple[list[dict[str, str]], dict[int, Path]], dict[str, Any]]:
    """A run that another went on from, as `_read_run` has it, and its card; refused where its tape is of other crops or blurs."""
    weights = next(iter(sorted(run.glob("*.safetensors"))), None)
    if weights is None:
        raise TapeError(f"'{run}' has no weights: only a finished run can be shipped.")
    card = f"{weights.stem}.json"
    found = _read_run(run, [card])
    for name in ENDS:
        pair = [folder / "tape" / f"{name}.png" for folder in (run, own)]
        if all(end.is_file() for end in pair) and not np.array_equal(*map(read_picture, pair)):
            other = "crops" if name == "sharp" else "blurs of its crops"
            raise TapeError(f"'{run}' was shown other {other} than '{own}': they do not make one tape.")
    return found, _read_card(run / card)


def _joined(runs: list[tuple[list[dict[str, str]], dict[int, Path]]]) -> tuple[list[dict[str, str]], dict[int, Path]]:
    """Runs that went on from one another as one: steps and seconds counted on, the first strip of each later run left out."""
    rows: list[dict[str, str]] = []
    strips: dict[int, Path] = {}
    names = list(dict.fromkeys(name for run, _ in runs for name in (run[0] if run else {})))
    steps, seconds = 0, 0.0
    for run, moments in runs:
        for row in run:
            moved = {"step": str(int(row["step"]) + steps), "seconds": f"{float(row['seconds']) + seconds:.1f}"}
            rows.append(dict.fromkeys(names, "") | row | moved)
        strips |= {steps + step: path for step, path in list(moments.items())[1 if strips else 0 :]}
        # a run that was stopped, and did not end, has rows after its last strip
        steps, seconds = max(max(strips), int(rows[-1]["step"])), float(rows[-1]["seconds"])
    return rows, strips


def ship(weights: Path, folder: Path | None = None, after: tuple[Path, ...] = ()) -> Path:
    """Copy the tape and the thinned curves of a finished run to assets/tapes/NAME, in place of what was there.

    Args:
        weights: the run's weights file, NAME.safetensors in the run's folder, beside its card, losses.csv and tape/.
        folder: of all tapes.
        after: the folders of the runs this one went on from, the earliest first: they become one tape with it.

    Returns:
        The tape's folder.

    Raises:
        TapeError: a run has no card, curves or tape; or an earlier one was shown other crops.
    """
    from lab.weights import sha256

    run, name = weights.parent, weights.stem
    own = _read_run(run, [f"{name}.safetensors", f"{name}.json"])
    card = _read_card(weights.with_suffix(".json"))
    earlier = [_read_earlier(one, run) for one in after]
    first = earlier[0][1] if earlier else card
    rows, paths = _joined([*(found for found, _ in earlier), own])

    strips = {step: read_picture(paths[step]) for step in thin_moments(sorted(paths))}
    ends = {end: read_picture(run / "tape" / f"{end}.png") for end in ENDS if (run / "tape" / f"{end}.png").is_file()}
    chosen = most_changed(strips[min(strips)], strips[max(strips)])
    place = (folder or FOLDER) / name
    part = place.with_name(f"{name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for strip_name, strip in (strips | ends).items():
        _write_strip(strip, chosen, part / f"{strip_name}.webp")
    with (part / "curves.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(thin_rows(rows))
    by_step = {int(row["step"]): row for row in rows}
    about = {
        "name": card["name"],
        "stage": card.get("stage", ""),
        "start_from": first.get("start_from"),
        "runs": len(after) + 1,
        "losses": card.get("losses", {}),
        "steps": int(rows[-1]["step"]),
        "minutes": round(float(rows[-1]["seconds"]) / 60, 1),
        "checkpoint_sha256": sha256(weights),
        "moments": [_moment(by_step[step]) for step in strips],
    }
    (part / "tape.json").write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")
    shutil.rmtree(place, ignore_errors=True)
    part.rename(place)
    return place
