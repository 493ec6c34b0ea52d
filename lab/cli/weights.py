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
    from lab.official import OFFICIAL, adopt, find, found

    files = list(OFFICIAL.values()) if name == "all" else [find(name)]
    if own is not None and name == "all":
        raise UsageError("--from goes with one name, the file's: " + ", ".join(OFFICIAL) + ".")
    failed = False
    for file in files:
        typer.echo(f"{file.key}: {file.title}. For {file.used_for}. Licence: {file.licence}.")
        if own is None and found(file.key):
            typer.echo(f"  is there already: {found(file.key)}")
            continue
        try:
            path = adopt(file.key, own) if own else _fetch_with_bar(file.key)
        except LabError as error:  # one server that is down keeps no other file away
            failed = True
            typer.echo(f"lab: {error}", err=True)
        else:
            typer.echo(f"  is in {path}")
    if failed:
        raise typer.Exit(2)


def _fetch_with_bar(key: str) -> Path:
    """Download one official file, with a bar that moves."""
    from tqdm import tqdm

    from lab.official import fetch, find

    with tqdm(total=find(key).bytes, unit="B", unit_scale=True, desc=f"  {find(key).name}", leave=False) as bar:

        def progress(done: int, total: int | None) -> None:
            bar.total = total or bar.total
            bar.update(done - bar.n)

        return fetch(key, progress)
