"""python -m lab ablation."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.options import Device
from lab.cli.printing import table
from lab.cli.program import app, sentences
from lab.degrade import Degradation, parse

BLUR = "gaussian:sigma=1.6"


@app.command("ablation")
@sentences
def ablation_command(
    folder: Annotated[Path, typer.Argument(help="Folder of sharp pictures, such as BSD100.", show_default=False)],
    pictures: Annotated[
        int | None, typer.Option(min=1, help="How many of them, spread evenly; all where not given.", show_default=False)
    ] = None,
    blur: Annotated[str, typer.Option(help="A blur that keeps the size, as for compare.")] = BLUR,
    device: Device = Device.auto,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for ablation.json, table.md, figure-panels.png and figure-closeups.png; "
            "the same command goes on where a run was ended. With --ship runs/ablation where none is given.",
            show_default=False,
        ),
    ] = None,
    ship: Annotated[bool, typer.Option("--ship", help="Put the figures into assets/paper, where the page reads them.")] = False,
) -> None:
    """The paper's four networks under a blur and under x4-bicubic, beside the paper's own figures, and its Figures 4 and 5."""
    from lab.ablation import panels, writing
    from lab.ablation.measuring import measure
    from lab.ablation.paper import SOURCE

    degradation, told = parse(blur), set()
    out = out or (Path("runs") / "ablation" if ship else None)

    def progress(under_way: Degradation, one, done: int, count: int) -> None:
        from lab.benchmark import Skipped

        typer.echo(f"{under_way}, {done} of {count}: {one.picture.name}", err=True)
        reasons = {"": one.reason} if isinstance(one, Skipped) else one.failures | one.why_not
        for reason in reasons.items():
            if reason not in told or isinstance(one, Skipped):  # what is true of every picture is said of the first
                typer.echo(": ".join(filter(None, (one.picture.name, *reason))), err=True)
            told.add(reason)

    command = _command(folder, pictures, str(degradation), ship)
    about = measure(folder, degradation, command, at_most=pictures, device=device.value, records=out, progress=progress)
    if about is None:  # one of several processes, and not the first
        return
    for condition in about["conditions"]:
        typer.echo(writing.heading(about, condition) + "\n\n" + table(writing.table(about, condition)) + "\n")
        typer.echo("\n".join(writing.verdict(about, condition)) + "\n")
    typer.echo(f"The paper's figures: {SOURCE}. {writing.NO_COMPARISON}")
    if out is not None or ship:
        drawn = panels.draw(degradation, about["checkpoints"], device.value)
        for path in (writing.write(about, drawn, out) if out else []) + (writing.ship(about, drawn) if ship else []):
            typer.echo(f"wrote {path}")


def _command(folder: Path, pictures: int | None, blur: str, ship: bool) -> str:
    """What gives the same figures, with the folder's name alone, which holds on every machine."""
    words = ["python", "-m", "lab", "ablation", folder.resolve().name]
    words += ["--pictures", str(pictures)] if pictures else []
    words += ["--blur", blur] if blur != BLUR else []
    return shlex.join([*words, *(["--ship"] if ship else [])])
