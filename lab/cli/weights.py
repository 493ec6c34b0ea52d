"""python -m lab weights check | fetch."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.options import JsonOption
from lab.cli.program import UsageError, app, sentences

weights_app = typer.Typer(no_args_is_help=True, help="Weights files: what they are, and the official ones.")
app.add_typer(weights_app, name="weights")


@weights_app.command("check")
@sentences
def weights_check(file: Path, as_json: JsonOption = False) -> None:
    """Say what a weights file is: its layout, scale and parameters."""
    from lab.weights import inspect

    info = inspect(file)
    if as_json:
        typer.echo(json.dumps(asdict(info), indent=2, ensure_ascii=False))
        return
    for key, value in asdict(info).items():
        if value not in (None, "", {}) and key != "card":
            typer.echo(f"{key:13} {value:,}" if key == "parameters" else f"{key:13} {value}")


@weights_app.command("fetch")
@sentences
def weights_fetch(
    name: Annotated[str, typer.Argument(help="alexnet, vgg19, niqe, ma or all.", show_default=False)],
    own: Annotated[Path | None, typer.Option("--from", help="A copy you have, to take in place of a download.")] = None,
) -> None:
    """Fetch official model files of metrics and losses from where their authors publish them."""
    from lab.errors import LabError
    from lab.official import OFFICIAL, adopt, fault, find, found

    files = list(OFFICIAL.values()) if name == "all" else [find(name)]
    if own is not None and name == "all":
        raise UsageError("--from goes with one name, the file's: " + ", ".join(OFFICIAL) + ".")
    failed = False
    for file in files:
        typer.echo(f"{file.key}: {file.title}. For {file.used_for}. Licence: {file.licence}.")
        there = found(file.key) if own is None else None
        whole = there is not None and not _damage(file.key, there)
        if whole:
            typer.echo(f"  is there already: {there}")
            continue
        try:
            if own and own.is_file() and not fault(file.key, own) and (damage := _damage(file.key, own)):
                raise UsageError(damage)  # before it takes the place of a better one
            path = adopt(file.key, own) if own else _fetch_with_bar(file.key, anew=there is not None)
        except LabError as error:  # one server that is down keeps no other file away
            failed = True
            typer.echo(f"lab: {error}", err=True)
        else:
            typer.echo(f"  is in {path}")
    if failed:
        raise typer.Exit(2)


def _damage(key: str, path: Path) -> str:
    """What is wrong with a file that has no documented hash, found by reading it, as a sentence; empty where nothing is."""
    from lab.errors import LabError
    from lab.metrics.ma_files import check_official

    if key != "ma":
        return ""
    try:
        check_official(path)
    except LabError as error:
        return str(error)
    return ""


def _fetch_with_bar(key: str, anew: bool = False) -> Path:
    """Download one official file, with a bar that moves; `anew` though it seems to be there."""
    from tqdm import tqdm

    from lab.official import fetch, find

    with tqdm(total=find(key).bytes, unit="B", unit_scale=True, desc=f"  {find(key).name}", leave=False) as bar:

        def progress(done: int, total: int | None) -> None:
            bar.total = total or bar.total
            bar.update(done - bar.n)

        return fetch(key, progress, anew)
