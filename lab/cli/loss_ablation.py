"""python -m lab ablation-losses."""

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from lab.cli.options import Device
from lab.cli.printing import number, table
from lab.cli.program import app, sentences
from lab.metrics.models import LAB


@app.command("ablation-losses")
@sentences
def loss_ablation_command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Sharp pictures, such as BSD100.", show_default=False)],
    runs: Annotated[Path, typer.Option(help="Folder of the five runs: of the recipes losses/l2, l1, perceptual, ...")],
    pictures: Annotated[
        int | None, typer.Option(min=1, help="How many, spread evenly over the folder; all if not given.", show_default=False)
    ] = None,
    device: Device = Device.auto,
    out: Annotated[
        Path, typer.Option(help="Folder for losses.json and losses.webp; the same command goes on where a run was ended.")
    ] = Path("runs/ablation-losses"),
    ship: Annotated[
        bool, typer.Option("--ship", help="Put both files into assets/paper/, where the page shows them, too.")
    ] = False,
) -> None:
    """What each of NonBN-ResG-L's losses does: five small trainings on blurred pictures, as a table and a strip of crops."""
    from lab.ablation import losses_stored, stored
    from lab.ablation.loss_runs import find
    from lab.ablation.losses import measure
    from lab.ablation.losses_strip import draw
    from lab.gallery.scenes import webp_bytes

    found = find(runs)
    measured = measure(folder, found, at_most=pictures, device=device.value, records=out, progress=_tell)
    if measured is None:  # one of several processes, and not the first
        return
    about = {"command": _command(folder, runs, pictures, ship), **measured}
    strip = webp_bytes(draw(found, device.value))
    places = [out, *([stored.FOLDER] if ship else [])]
    for place in places:
        losses_stored.write(about, strip, place)
    typer.echo(text(about))
    typer.echo(f"\nwrote losses.json and losses.webp to {' and '.join(str(place) for place in places)}")


def text(about: dict[str, Any]) -> str:
    """What was measured as a table, with what it was measured on above."""
    ((blur, rows),) = about["conditions"].items()
    lines = [["losses", *(key + ("-lab" if variant == LAB else "") for key, variant in about["variants"].items()), "minutes"]]
    for name, row in rows.items():
        stage = about["stages"].get(name, {"label": name, "minutes": None})
        minutes = "-" if stage["minutes"] is None else f"{stage['minutes']:.1f}"
        lines.append([stage["label"], *(number(key, row[key]) for key in about["variants"]), minutes])
    count = about["pictures"]["count"]
    head = (
        f"{about['pictures']['folder']}, {count} picture{'s' * (count != 1)}, {blur}, convention {about['convention']}; "
        f"each trained for {about['training']['steps']} steps"
    )
    return f"{head}\n\n{table(lines)}"


def _command(folder: Path, runs: Path, pictures: int | None, ship: bool) -> str:
    """What gives the same figures, with the folders' names alone, which hold on every machine."""
    words = ["python", "-m", "lab", "ablation-losses", folder.resolve().name, "--runs", runs.resolve().name]
    words += [] if pictures is None else ["--pictures", str(pictures)]
    return shlex.join([*words, *(["--ship"] if ship else [])])


def _tell(stage, one, done: int, count: int) -> None:
    """Progress, on standard error."""
    from lab.benchmark import Skipped

    why = f" is skipped: {one.reason}" if isinstance(one, Skipped) else ""
    typer.echo(f"{stage.label}, {done} of {count}: {one.picture.name}{why}", err=True)
