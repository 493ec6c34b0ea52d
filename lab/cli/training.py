"""python -m lab train | tape | pack | queue."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.options import Device
from lab.cli.program import UsageError, app, sentences


@app.command("train")
@sentences
def train_command(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe in lab/train/recipes, or a YAML file.", show_default=False)],
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of sharp pictures, searched with all folders in it, or a pack; data/train if not given."),
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="Folder of blurred and sharp pictures instead: GoPro's layout, or blur/ and sharp/.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="8:1:1 for train, validation and test, or a file with lines train|validation|test PATH.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder; runs/RECIPE if not given.", show_default=False)] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's number.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="Train this long instead, with --resume in all.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder.")] = False,
    starts: Annotated[
        Path | None,
        typer.Option(help="Folder of the runs that a recipe starts from, FOLDER/NAME/NAME.safetensors; else shipped weights."),
    ] = None,
    ship: Annotated[bool, typer.Option("--ship", help="Copy the result to checkpoints/, its tape to assets/tapes/.")] = False,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch VGG-19's weights (575 MB) where losses want them and they are not here.")
    ] = False,
    device: Device = Device.auto,
) -> None:
    """Train a network by a recipe; on several GPUs: accelerate launch -m lab train RECIPE..."""
    import logging

    from lab.restore import pick_device
    from lab.train.pictures import Source
    from lab.train.processes import is_main
    from lab.train.recipe import read, run_name
    from lab.train.stop import stopped_by_ctrl_c
    from lab.train.trainer import ship as ship_weights
    from lab.train.trainer import train

    if steps is not None and minutes is not None:
        raise UsageError("give --steps or --minutes, not both.")
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    chosen = read(recipe)
    if starts is not None and not (starts / f"{chosen.start_from}" / f"{chosen.start_from}.safetensors").is_file():
        wanted = f"{chosen.start_from}/{chosen.start_from}.safetensors"
        why = f"there is no {wanted} in '{starts}'" if chosen.start_from else f"the recipe {recipe} starts from no other"
        raise UsageError(f"--starts: {why}.")
    folder = out or Path("runs") / run_name(recipe, chosen)
    source = Source(data or (None if pairs else Path("data/train")), pairs, split)
    cpu = pick_device(device.value).type == "cpu"
    with stopped_by_ctrl_c() as stop:
        budget = {"steps": steps, "minutes": minutes, "resume": resume, "stop": stop}
        path = train(chosen, source, folder, cpu=cpu, starts=starts, download=download, **budget)
    if is_main():
        typer.echo(str(ship_weights(path) if ship else path))


@app.command("tape")
@sentences
def tape_command(
    weights: Annotated[Path, typer.Argument(help="The weights file in the folder of a finished run.", show_default=False)],
    data: Annotated[
        Path | None,
        typer.Option(help="The run's folder or pack of pictures, to add the originals where the run did not keep them."),
    ] = None,
    split: Annotated[str | None, typer.Option(help="As in train, with --data.")] = None,
    after: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of a run this one went on from, or, first, of a shipped tape: they make one tape; repeatable."),
    ] = None,
) -> None:
    """Copy a run's tape and curves to assets/tapes, where the page shows them; train --ship does it too."""
    from lab.train.tape_shipping import ship_tape

    if data is not None:
        from lab.train.pictures import Source
        from lab.train.tape import add_ends

        add_ends(weights.parent, Source(data, None, split))
    elif split is not None:
        raise UsageError("--split goes with --data.")
    typer.echo(str(ship_tape(weights, after=tuple(after or ()))))


@app.command("pack")
@sentences
def pack_command(
    folder: Annotated[Path, typer.Argument(help="Folder of sharp pictures, with all folders in it.", show_default=False)],
    mb: Annotated[float, typer.Option(help="Megabytes (millions of bytes) the file may have.")],
    out: Annotated[Path, typer.Option(help="The file to write, for train --data.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
) -> None:
    """Put pictures of a folder, evenly chosen, into one file of a given size."""
    import logging

    from lab.train.pack import pack

    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    packed = pack(folder, mb, out, force)
    typer.echo(f"{packed.pictures} of {packed.available} pictures, {packed.bytes / 1e6:.1f} MB, in {out}")


@app.command(
    "queue",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def queue_command(words: typer.Context) -> None:
    """Train recipes one after another, each with a budget of minutes (see queue --help)."""
    from lab.train.queue import main

    raise typer.Exit(main(words.args))
