"""python -m lab methods | compare."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from lab.cli.options import (
    DEFAULT_METHODS,
    DEFAULT_METRICS,
    Convention,
    ConventionOption,
    Device,
    JsonOption,
    MethodsOption,
    MetricsOption,
    Output,
    WeightsOption,
    chosen_crop,
    chosen_methods,
    chosen_metrics,
    own_weights,
)
from lab.cli.printing import column, figures_json, number, table
from lab.cli.program import UsageError, app, sentences
from lab.degrade import Degradation, parse
from lab.methods import METHODS, card, checkpoint, screen_name


def domain_text(entry: dict) -> str:
    """One entry of a card's `trained_for`, in words."""
    return entry["kind"] if "low" not in entry else f"{entry['kind']} {entry['low']:g}-{entry['high']:g} px"


@app.command("methods")
@sentences
def methods_command(as_json: JsonOption = False) -> None:
    """List the catalogue: key, name, kind, parameters, trained for, checkpoint."""
    entries = []
    for key, method in METHODS.items():
        about = card(key)
        path = checkpoint(key)
        entries.append(
            {
                "key": key,
                "name": screen_name(key, about),
                "kind": method.kind,
                "takes": method.takes,
                "year": method.year,
                "paper": method.paper,
                "parameters": (about or {}).get("parameters"),
                "trained_for": (about or {}).get("trained_for", []),
                "stage": (about or {}).get("stage", ""),
                "checkpoint": path.name if path else None,
            }
        )
    if as_json:
        typer.echo(json.dumps(entries, indent=2, ensure_ascii=False))
        return
    rows = [["key", "name", "kind", "takes", "parameters", "trained for", "checkpoint"]]
    for entry in entries:
        learned = entry["kind"] == "learned"
        count = f"{entry['parameters']:,}" if entry["parameters"] else "-"
        trained = "; ".join(domain_text(one) for one in entry["trained_for"]) or "-"
        file = entry["checkpoint"] or ("not trained yet" if learned else "-")
        rows.append([entry["key"], entry["name"], entry["kind"], entry["takes"], count, trained, file])
    typer.echo(table(rows))


@app.command("compare")
@sentences
def compare_command(
    image: Annotated[Path, typer.Argument(help="PNG, JPEG, WebP, TIFF, BMP or GIF.", show_default=False)],
    degradation: Annotated[
        str,
        typer.Option(
            help="x4-bicubic, gaussian:sigma=2, motion:length=15,seed=3, defocus:radius=3, each also with "
            "noise=5,jpeg=60; none for a picture that is blurred already."
        ),
    ] = "x4-bicubic",
    output: Annotated[
        Output, typer.Option(help="With --degradation none: results at the same size, or four times it.")
    ] = Output.same,
    methods: MethodsOption = DEFAULT_METHODS,
    metrics: MetricsOption = DEFAULT_METRICS,
    convention: ConventionOption = Convention.sr,
    crop: Annotated[str | None, typer.Option(help="x,y,w,h in result pixels, for the strip of crops.")] = None,
    weights: WeightsOption = None,
    device: Device = Device.auto,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("out"),
    as_json: JsonOption = False,
) -> None:
    """Run methods on one picture: a PNG each, gradient maps, a strip of crops, results.json."""
    from lab.compare import Failed, Finished, compare, input_figures, prepare
    from lab.figures import crop_strip
    from lab.gradients import full_scale, gradient_picture
    from lab.images import read_picture, write_png
    from lab.metrics.models import current

    keys, wanted = chosen_methods(methods), chosen_metrics(metrics)
    own, models = own_weights(weights, keys), current()
    blur: Degradation | None = None if degradation == "none" else parse(degradation)
    if blur is not None and output is Output.x4:
        raise UsageError("--output x4 goes with --degradation none: a blurred sharp picture comes back at its own size.")
    prepared = prepare(read_picture(image), blur, output.value)
    box = chosen_crop(crop, prepared.output_size)
    out.mkdir(parents=True, exist_ok=True)
    scale = full_scale(prepared.reference if prepared.reference is not None else prepared.shown)
    pictures, results, failed = [("input", prepared.shown)], [], []
    of_input = input_figures(prepared, wanted, convention.value, models)
    rows = [["method", *(column(key, models) for key in wanted), "seconds", "in domain", "given"]]
    figures = [of_input]
    rows.append(["input", *(number(key, of_input[key].value) for key in wanted), "-", "-", "-"])

    def keep(name: str, picture: Any) -> None:
        write_png(picture, out / f"{name}.png")
        write_png(gradient_picture(picture, scale), out / f"{name}.gradient.png")

    write_png(prepared.given, out / "given.png")
    keep("input", prepared.shown)
    if prepared.reference is not None:
        keep("reference", prepared.reference)
    for event in compare(prepared, keys, wanted, convention.value, own, device.value, models=models):
        if isinstance(event, Failed):
            failed.append(asdict(event))
            typer.echo(f"{event.method}: {event.reason}", err=True)
        elif isinstance(event, Finished):
            keep(event.method, event.picture)
            pictures.append((event.name, event.picture))
            figures.append(event.metrics)
            values = [number(key, event.metrics[key].value) for key in wanted]
            rows.append([event.method, *values, f"{event.seconds:.2f}", "yes" if event.in_domain else "no", event.given])
            results.append(
                {
                    "method": event.method,
                    "name": event.name,
                    "image": f"{event.method}.png",
                    "seconds": round(event.seconds, 4),
                    "given": event.given,
                    "in_domain": event.in_domain,
                    "checkpoint": event.checkpoint,
                    "checkpoint_sha256": event.checkpoint_sha,
                    "stage": event.stage,
                    "differs": event.differs,
                    "device": event.device,
                    "metrics": figures_json(event.metrics),
                }
            )
    if prepared.reference is not None:
        pictures.append(("reference", prepared.reference))
    write_png(crop_strip(pictures, box, max(1, 192 // max(box[2:]))), out / "crops.png")
    report = {
        "picture": image.name,
        "degradation": None if blur is None else str(blur),
        "size": [prepared.output_size[1], prepared.output_size[0]],
        "crop": list(box),
        "input": {"image": "input.png", "metrics": figures_json(of_input)},
        "results": results,
        "failed": failed,
    }
    text = json.dumps(report, indent=2, ensure_ascii=False)
    (out / "results.json").write_text(text + "\n", encoding="utf-8")
    if as_json:
        typer.echo(text)
    else:
        typer.echo(table(rows))
        for note in dict.fromkeys(figure.why_not for row in figures for figure in row.values() if figure.why_not):
            typer.echo(note, err=True)
        typer.echo(f"\nwrote {len(pictures)} pictures, their gradient maps, crops.png and results.json to {out}")
    if failed:
        raise typer.Exit(1)
