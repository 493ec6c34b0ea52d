"""python -m lab score: the figures of any pictures."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from lab.cli.options import METRICS_HELP, Convention, JsonOption, chosen_metrics
from lab.cli.printing import column, figures_json, number, table
from lab.cli.program import UsageError, app, sentences
from lab.metrics import EVERY_METRIC, FIGURES_OF_MERIT

BORDER = 4


def _read(file: Path, reference: np.ndarray | None) -> np.ndarray:
    """A picture of the reference's size, or the sentence that says what is wrong with it."""
    from lab.images import PictureError, read_named

    try:
        picture = read_named(file)
    except MemoryError:
        raise PictureError(f"{file.name}: there was not enough memory to read it.") from None
    if reference is not None and picture.shape != reference.shape:
        sizes = " and ".join(f"{one.shape[1]}x{one.shape[0]}" for one in (picture, reference))
        raise PictureError(f"{file.name} and the reference differ in size ({sizes}): give pictures of one size.")
    return picture


@app.command("score")
@sentences
def score_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Pictures to score.", show_default=False)],
    reference: Annotated[
        Path | None, typer.Option(help="The sharp original of all of them, of the same size.", show_default=False)
    ] = None,
    metrics: Annotated[str | None, typer.Option(help=METRICS_HELP, show_default=False)] = None,
    convention: Annotated[
        Convention,
        typer.Option(
            help="sr: luma, border cut (NIQE, Ma and PI as the PIRM challenge measured them). rgb: all channels, no border."
        ),
    ] = Convention.sr,
    border: Annotated[int | None, typer.Option(min=0, help="Pixels cut from every side in sr; 4 where not given.")] = None,
    niqe_parameters: Annotated[
        Path | None, typer.Option(help="NIQE's parameters: the authors' .mat, or a .safetensors of metrics fit-niqe.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Figures of merit of any pictures, with or without a sharp original; exit code 1 where a picture could not be used."""
    from lab.errors import LabError
    from lab.metrics import measure_or_say_why
    from lab.metrics.models import current, with_niqe_parameters

    if border is not None and convention is Convention.rgb:
        raise UsageError("--border goes with --convention sr: rgb measures the whole picture.")
    default = [key for key in FIGURES_OF_MERIT if reference or not EVERY_METRIC[key].needs_reference]
    keys = default if metrics is None else chosen_metrics(metrics)
    models = current() if niqe_parameters is None else with_niqe_parameters(current(), niqe_parameters)
    sharp = None if reference is None else _read(reference, None)
    cut = BORDER if border is None else border
    report, rows, notes, failed = [], [["image", *(column(key, models) for key in keys)]], [], []
    alike = Counter(file.name for file in files)
    for file in files:
        shown = file.name if alike[file.name] == 1 else str(file)  # the same picture from several folders of results
        try:
            picture = _read(file, sharp)
        except LabError as error:  # one bad file costs no other its figures
            report.append({"image": str(file), "metrics": {}, "error": str(error)})
            rows.append([shown, *("-" for _ in keys)])
            failed.append(str(error))
            continue
        figures = measure_or_say_why(keys, picture, sharp, convention.value, cut, models)
        report.append({"image": str(file), "metrics": figures_json(figures)})
        rows.append([shown, *(number(key, figures[key].value) for key in keys)])
        told = {key: one.why_not or one.note for key, one in figures.items()}
        notes += [f"{shown}, {EVERY_METRIC[key].name}: {text}" for key, text in told.items() if text]
    if as_json:
        typer.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        typer.echo(table(rows))
        for note in notes:
            typer.echo(note, err=True)
    for sentence in failed:
        typer.echo(f"lab: {sentence}", err=True)
    if failed:
        raise typer.Exit(1)
