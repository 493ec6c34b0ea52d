"""Ships the tape of a finished run: its moments and curves, thinned, to assets/tapes/NAME, where lab.tapes reads them."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from lab import tapes
from lab.digests import sha256
from lab.images import read_picture
from lab.tapes import CROPS, ENDS, TapeError, crops_of, size_of
from lab.train.tape_parts import Part, card_of, read_earlier, read_run, read_shipped

MOST_MOMENTS = 10
MOST_ROWS = 120
UNLIKE = "their strips are not of one size"


def thin_moments(steps: list[int], most: int = MOST_MOMENTS) -> list[int]:
    """The first and the last step, and those between that lie well apart: each at most 0.75 of the one after it."""
    kept = [steps[-1]]
    for step in reversed(steps[1:-1]):
        if step <= 0.75 * kept[0]:
            kept.insert(0, step)
    first = steps[:1] if len(steps) > 1 else []
    return [*first, *kept[-(most - len(first)) :]]


def thin_rows(rows: list[dict[str, str]], most: int = MOST_ROWS) -> list[dict[str, str]]:
    """At most so many rows of curves: each the mean of neighbours, at the step of the last of them.

    Figures of the held-out crops are left out: they are of single moments, which have them, and not noisy, so that a mean of
    early ones would be of no step.
    """
    rows = [{name: value for name, value in row.items() if not name.startswith("validation_")} for row in rows]
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


def most_changed(first: np.ndarray, last: np.ndarray) -> list[int]:
    """The positions of the CROPS crops that training changed most from one strip to another, in order."""
    pairs = zip(crops_of(first), crops_of(last), strict=True)
    changes = [float(np.abs(a.astype(np.int16) - b).mean()) for a, b in pairs]
    return sorted(sorted(range(len(changes)), key=lambda i: -changes[i])[:CROPS])


def _refuse_unlike_sizes(run: Path, strips: list[Path]) -> None:
    """Raise TapeError where strips are not of one size, or one is no picture."""
    try:
        sizes = {size_of(path) for path in strips}
    except OSError:
        raise TapeError(f"a strip in the tape of '{run}', or of those before it, is no picture that can be read.") from None
    if len(sizes) > 1:
        raise TapeError(f"what '{run}' and those before it kept does not make a tape: {UNLIKE}.")


def _write_strip(strip: np.ndarray, chosen: list[int], path: Path) -> None:
    from PIL import Image

    crops = crops_of(strip)
    Image.fromarray(np.concatenate([crops[i] for i in chosen], axis=1)).save(path, lossless=True, quality=75, method=4)


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


def _self_ensemble_after(parts: list[tuple[Part, dict[str, Any]]]) -> int | None:
    """The step after which the crops and their figures are the mean of eight passes; None where they are of one throughout.

    Args:
        parts: each with its run's card, or with what a shipped tape says of itself.
    """
    steps = 0
    for part, about in parts:
        if (known := about.get("self_ensemble_after")) is not None:
            return known
        if about.get("network", {}).get("arguments", {}).get("self_ensemble"):
            return steps
        steps += part.end
    return None


def ship_tape(weights: Path, folder: Path | None = None, after: tuple[Path, ...] = ()) -> Path:
    """Copy the tape and the thinned curves of a finished run to assets/tapes/NAME, in place of what was there.

    Args:
        weights: the run's weights file, NAME.safetensors in the run's folder, beside its card, losses.csv and tape/.
        folder: of all tapes.
        after: the folders of the runs this one went on from, the earliest first: they become one tape with it. The first may be
            the folder of a shipped tape instead, which stands for all the runs it was made of.

    Returns:
        The tape's folder.

    Raises:
        TapeError: a run has no card, curves or tape, its weights are not those of its curves' end, or an earlier one was shown
            other crops; of a shipped tape, that it is not whole or is of these very weights already.
    """
    run, name = weights.parent, weights.stem
    own = read_run(run, [f"{name}.safetensors", f"{name}.json"])
    card = card_of(weights.with_suffix(".json"), own)
    shipped = read_shipped(after[0], run) if after and (after[0] / "tape.json").is_file() else None
    if shipped and shipped[1]["checkpoint_sha256"] == sha256(weights):
        raise TapeError(f"'{after[0]}' is the tape of these very weights already: name the tape of those they went on from.")
    earlier = [read_earlier(one, run) for one in after[1 if shipped else 0 :]]
    told = [*([shipped[:2]] if shipped else []), *earlier, (own, card)]
    parts, first = [part for part, _ in told], told[0][1]
    rows, moments = _joined(parts)
    thinned = thin_rows(rows)

    kept = {step: moments[step] for step in thin_moments(sorted(moments))}
    strips = {str(step): path for step, (path, _) in kept.items()}
    strips |= {end: run / "tape" / f"{end}.png" for end in ENDS if (run / "tape" / f"{end}.png").is_file()}
    _refuse_unlike_sizes(run, [path for path in strips.values() if path.suffix == ".png"])
    chosen = shipped[2] if shipped else most_changed(*(read_picture(kept[step][0]) for step in (min(kept), max(kept))))
    place = (folder or tapes.FOLDER) / name
    new = place.with_name(f"{name}.part")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for strip_name, path in strips.items():
        if path.suffix == ".webp":  # of a shipped tape: cut already
            shutil.copyfile(path, new / f"{strip_name}.webp")
        else:
            _write_strip(read_picture(path), chosen, new / f"{strip_name}.webp")
    with (new / "curves.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, thinned[0].keys())
        writer.writeheader()
        writer.writerows(thinned)
    about = {
        "name": card["name"],
        "stage": card.get("stage", ""),
        "start_from": first.get("start_from"),
        "runs": len(earlier) + 1 + (shipped[1].get("runs", 1) if shipped else 0),
        "self_ensemble_after": _self_ensemble_after(told),
        "steps": sum(part.end for part in parts),
        "minutes": round(sum(part.seconds for part in parts) / 60, 1),
        "checkpoint_sha256": sha256(weights),
        "moments": [moment for _, moment in kept.values()],
    }
    (new / "tape.json").write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")
    if tapes.read(new.name, new.parent) is None:  # whatever the cause, a tape that can be read is not given for one that cannot
        shutil.rmtree(new, ignore_errors=True)
        raise TapeError(f"what '{run}' and those before it kept does not make a tape: {UNLIKE}.")
    old = place.with_name(f"{name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    try:
        new.rename(place)
    except BaseException:  # a tape that was whole is not lost to one that could not take its place
        if old.exists():
            old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)
    return place
