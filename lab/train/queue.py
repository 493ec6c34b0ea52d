"""Recipes one after another, each with a budget of minutes: for a lent GPU, and for nights on a processor.

    python -m lab queue srresnet:45 srgan:45 esrgan-psnr:60 --data pictures.zip --out runs --ship
    python -m lab.train.queue srresnet:45 srgan:45 ...        (the same, where only the training libraries are installed)

The same command goes on where it was stopped: what is finished is skipped, what was begun is resumed. A recipe that starts from
another's weights takes those trained in the same folder, else the shipped ones.
"""

import argparse
import logging
import math
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.cards import CardError, read_card
from lab.errors import LabError
from lab.train.curves import read_rows
from lab.train.data import refuse_pairs
from lab.train.errors import Stopped
from lab.train.pictures import Source, find
from lab.train.recipe import Recipe, read, run_name
from lab.train.saving import check_same_recipe, newest_state
from lab.train.stop import stopped_by_ctrl_c
from lab.train.trainer import ship, train


class QueueError(LabError):
    """A queue that cannot be run; its text is the sentence to show."""


@dataclass(frozen=True)
class Entry:
    """One recipe and the minutes it may train."""

    recipe: Recipe
    minutes: float
    folder: str
    """Name of its run's folder: see lab.train.recipe.run_name."""


@dataclass(frozen=True)
class Standing:
    """How far a run has come, as the files in its folder say."""

    steps: int = 0
    seconds: float = 0.0
    """Of training."""
    psnr: float | None = None
    """The last on the held-out pictures, in dB."""
    exported: bool = False
    """Whether its weights are there, and those of the last step."""

    def finished(self, minutes: float) -> bool:
        """Whether this budget is used up and its weights are there."""
        return self.exported and self.seconds + 0.05 >= 60 * minutes  # the file has tenths of seconds


@dataclass(frozen=True)
class Outcome:
    """What became of one entry."""

    entry: Entry
    result: str
    """finished, failed, stopped (it can go on) or waiting (not begun)."""
    standing: Standing


def parse_entry(text: str) -> Entry:
    """`srresnet:45`: the name of a recipe, or a YAML file, and minutes.

    Raises:
        QueueError: it is not written like that.
        RecipeError: no such recipe.
    """
    name, _, number = text.rpartition(":")
    try:
        minutes = float(number)
    except ValueError:
        minutes = 0.0
    if not name or not 0 < minutes < float("inf"):
        raise QueueError(f"'{text}' is not RECIPE:MINUTES, as in srresnet:45.")
    recipe = read(name)
    return Entry(recipe, minutes, run_name(name, recipe))


def standing(folder: Path, recipe: Recipe) -> Standing:
    """How far the run in a folder has come; nothing at all where there is none."""
    rows, weights = read_rows(folder / "losses.csv"), folder / f"{recipe.name}.safetensors"
    steps = int(rows[-1]["step"]) if rows else 0
    try:
        card = read_card(weights) if weights.is_file() else None
    except CardError:  # as good as none: training goes on from the state, and writes a new one
        card = None
    measured = [float(row["validation_psnr"]) for row in rows if row.get("validation_psnr")]
    return Standing(
        steps=steps,
        seconds=float(rows[-1]["seconds"]) if rows else 0.0,
        psnr=measured[-1] if measured else None,
        exported=card is not None and card.get("steps") == steps,
    )


def run(
    entries: Iterable[Entry],
    source: Source,
    out: Path,
    *,
    ship_each: bool = False,
    cpu: bool = False,
    stop: threading.Event | None = None,
) -> list[Outcome]:
    """Train the entries in order, saying on standard output what happens.

    Args:
        entries: recipes with their minutes.
        source: the pictures for all of them.
        out: folder of the runs, each in its entry's folder.
        ship_each: copy weights to checkpoints/ as soon as they are finished.
        cpu: stay on the CPU even where there is a GPU.
        stop: when set, the run under way saves its state, and the rest waits.

    Returns:
        What became of each. An entry that fails does not keep the next from running.
    """
    outcomes = []
    for entry in entries:
        recipe, name, folder = entry.recipe, entry.folder, out / entry.folder
        try:
            check_same_recipe(folder, recipe)
            before = standing(folder, recipe)
            if before.finished(entry.minutes):
                say(f"{name}: finished before, {in_words(before)}")
                path = folder / f"{recipe.name}.safetensors"
            elif stop is not None and stop.is_set():
                outcomes.append(Outcome(entry, "stopped" if newest_state(folder) else "waiting", before))
                continue
            else:
                begun = f"goes on after {in_words(before)}" if newest_state(folder) else "begins"
                say(f"{name}: {begun}, for {entry.minutes:g} minutes in all")
                path = train(recipe, source, folder, minutes=entry.minutes, resume=True, cpu=cpu, starts=out, stop=stop)
                say(f"{name}: finished, {in_words(standing(folder, recipe))}")
            if ship_each:
                ship(path)
            result = "finished"
        except Stopped:
            say(f"{name}: stopped and saved, {in_words(standing(folder, recipe))}")
            result = "stopped"
        except LabError as error:
            say(f"{name}: failed: {error}")
            result = "failed"
        except OSError as error:
            say(f"{name}: failed: cannot use '{error.filename}': {error.strerror}.")
            result = "failed"
        except Exception as error:  # a night's other recipes are not to be lost to a fault in one
            logging.getLogger(__name__).exception("%s failed", name)
            say(f"{name}: failed by a fault of the lab or the machine, with details above: {type(error).__name__}")
            result = "failed"
        outcomes.append(Outcome(entry, result, standing(folder, recipe)))
    return outcomes


def say(line: str) -> None:
    """Print at once, so that a log shows what is going on."""
    print(line, flush=True)


def in_words(run: Standing) -> str:
    """Steps, minutes and, where it was measured, PSNR."""
    quality = "" if run.psnr is None else f", {run.psnr:.2f} dB on held-out pictures"
    return f"{run.steps} steps in {run.seconds / 60:.1f} minutes{quality}"


def summary(outcomes: list[Outcome]) -> str:
    """A table of what became of each recipe."""
    rows = [("recipe", "result", "steps", "minutes", "of", "dB")]
    for one in outcomes:
        run = one.standing
        quality = "-" if run.psnr is None else f"{run.psnr:.2f}"
        rows.append(
            (one.entry.folder, one.result, str(run.steps), f"{run.seconds / 60:.1f}", f"{one.entry.minutes:g}", quality)
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def parser() -> argparse.ArgumentParser:
    """The words on the command line; argparse, because a GPU machine may have no typer."""
    words = argparse.ArgumentParser(
        prog="python -m lab queue",
        description="Train recipes one after another, each with a budget of minutes. It goes on where it was stopped.",
    )
    words.add_argument(
        "entries", nargs="+", metavar="RECIPE:MINUTES", help="as in srresnet:45 srgan:45; YAML files are taken, too"
    )
    words.add_argument("--data", type=Path, help="folder of sharp pictures, or a pack made by `python -m lab pack`")
    words.add_argument("--pairs", type=Path, help="folder of blurred and sharp pictures instead")
    words.add_argument("--split", help="8:1:1, or a file with lines train|validation|test PATH")
    words.add_argument("--out", type=Path, default=Path("runs"), help="folder of the runs (default: %(default)s)")
    words.add_argument("--minutes", type=float, help="stop and save after this long, loading included; saving takes seconds more")
    words.add_argument("--ship", action="store_true", help="copy each finished recipe's weights to checkpoints/")
    words.add_argument("--device", choices=("auto", "cpu"), default="auto", help="where to train (default: %(default)s)")
    return words


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code is 0, 1 where a recipe failed, 2 where the words make no sense, 130 after Ctrl-C."""
    given = parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        entries = [parse_entry(text) for text in given.entries]
        names = [entry.folder for entry in entries]
        if len(set(names)) < len(names):
            raise QueueError("a recipe is named twice: give each once, with all its minutes.")
        if given.minutes is not None and not 0 < given.minutes < math.inf:
            raise QueueError("--minutes must be a number above 0.")
        source = Source(given.data, given.pairs, given.split)
        if not (source.data or source.pairs).exists():
            raise QueueError(f"there is nothing at '{source.data or source.pairs}': give a folder of pictures, or a pack.")
        if source.pairs is not None:
            for entry in entries:
                refuse_pairs(entry.recipe)
        find(source)  # what is wrong with the source is wrong for every recipe
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 2
    with stopped_by_ctrl_c() as stop:
        over = threading.Event()

        def time_is_over() -> None:
            over.set()
            stop.set()

        timer = threading.Timer(min(60 * (given.minutes or 0), threading.TIMEOUT_MAX), time_is_over)
        timer.daemon = True
        if given.minutes is not None:
            timer.start()
        try:
            outcomes = run(entries, source, given.out, ship_each=given.ship, cpu=given.device == "cpu", stop=stop)
        except KeyboardInterrupt:
            print("lab: ended at once; the same command goes on from what was saved last.", file=sys.stderr)
            return 130
        finally:
            timer.cancel()
    say("\n" + summary(outcomes))
    results = [one.result for one in outcomes]
    if "stopped" in results or "waiting" in results:
        say(f"\n{'the time is over' if over.is_set() else 'stopped'}; the same command goes on from here.")
        if not over.is_set():
            return 130
    return 1 if "failed" in results else 0


if __name__ == "__main__":
    sys.exit(main())
