"""python -m lab gallery."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.options import Device, MethodsOption, chosen_methods
from lab.cli.program import UsageError, app, sentences
from lab.degrade import KINDS, Degradation
from lab.examples import Example

MOST_BYTES = 80_000_000


@app.command("gallery")
@sentences
def gallery_command(
    examples: Annotated[str, typer.Option(help="Comma-separated keys of example pictures, or all.")] = "all",
    kinds: Annotated[str, typer.Option(help=f"Comma-separated: {', '.join(KINDS)}; or all.")] = "all",
    methods: MethodsOption = "all",
    check: Annotated[
        bool, typer.Option("--check", help="Compute nothing; say what is stale, and end with code 1 if anything is.")
    ] = False,
    device: Device = Device.auto,
    folder: Annotated[Path | None, typer.Option(help="The gallery's folder; assets/gallery where none is given.")] = None,
) -> None:
    """Compute the stored results that the page shows at once: only what is missing or has changed."""
    from lab.gallery.making import prune, stale, total_bytes, update
    from lab.gallery.scenes import FOLDER, Scene

    scenes = [Scene(example, degradation, folder) for example, degradation in _chosen(examples, kinds)]
    keys = chosen_methods(methods)
    if check:
        found = [one for scene in scenes for one in stale(scene, keys)]
        for one in found:
            typer.echo(f"{one.scene} {one.method}: {one.why}")
        typer.echo(f"{len(found)} stale" if found else "everything is current")
        raise typer.Exit(1 if found else 0)
    counts = {"computed": 0, "measured": 0, "kept": 0, "failed": 0}
    for scene in scenes:
        for one in update(scene, keys, device.value):
            counts[one.what] += 1
            if one.what != "kept":
                typer.echo(f"{one.scene} {one.method}: {one.what}" + (f" ({one.why})" if one.why else ""))
    if (examples, kinds, methods) == ("all", "all", "all"):
        for name in prune(folder):
            typer.echo(f"{name}: removed")
    size = total_bytes(folder)
    said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    typer.echo(f"{said}; {size / 1e6:.1f} MB in {(folder or FOLDER).name}")
    if size > MOST_BYTES:
        typer.echo(
            f"That is more than the {MOST_BYTES / 1e6:g} MB a repository should carry: take scenes out of lab/gallery/scenes.py."
        )
    raise typer.Exit(1 if counts["failed"] else 0)


def _chosen(examples: str, kinds: str) -> list[tuple[Example, Degradation]]:
    """The scenes of the plan that two options name."""
    from lab.gallery.scenes import plan

    scenes = plan()
    keys = _named(examples, dict.fromkeys(example.key for example, _ in scenes))
    wanted = _named(kinds, KINDS)
    return [(example, blur) for example, blur in scenes if example.key in keys and blur.kind in wanted]


def _named(words: str, known: Collection[str]) -> list[str]:
    """What an option of comma-separated words names of all that is known."""
    named = list(known) if words == "all" else [word.strip() for word in words.split(",") if word.strip()]
    for word in named:
        if word not in known:
            raise UsageError(f"the gallery has no '{word}': choose from {', '.join(known)}.")
    if not named:
        raise UsageError(f"nothing of the gallery is named: choose from {', '.join(known)}, or all.")
    return named
