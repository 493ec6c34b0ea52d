"""The command line: python -m lab methods | compare | benchmark | weights check | train | pack | queue."""

import json
import math
import sys
from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from lab.degrade import Degradation, parse
from lab.errors import LabError
from lab.methods import METHODS, SEVEN, card, checkpoint, screen_name

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="Clarity Lab: sharpening and super-resolution methods side by side.",
)
weights_app = typer.Typer(no_args_is_help=True, help="Weights files: what they are.")
app.add_typer(weights_app, name="weights")


DEFAULT_METHODS = ",".join(SEVEN)


class Device(StrEnum):
    """Where networks run."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Convention(StrEnum):
    """How pictures are measured."""

    sr = "sr"
    rgb = "rgb"


class Output(StrEnum):
    """The size of results for a picture that came blurred."""

    same = "same"
    x4 = "x4"


MethodsOption = Annotated[str, typer.Option(help="Comma-separated keys, or all.")]
MetricsOption = Annotated[str, typer.Option(help="Comma-separated: psnr, ssim, gmsd.")]
WeightsOption = Annotated[list[str] | None, typer.Option(help="METHOD=FILE, to use other weights than the shipped ones.")]
ConventionOption = Annotated[Convention, typer.Option(help="sr: luma, border 4. rgb: all channels, no border.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON in place of text.")]


class UsageError(LabError):
    """Words on the command line that make no sense together; its text is the sentence to show."""


def sentences(command: Callable) -> Callable:
    """Turn the lab's own errors into one sentence on standard error and exit code 2."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except LabError as error:
            typer.echo(f"lab: {error}", err=True)
        except OSError as error:
            if error.filename is None:
                raise
            typer.echo(f"lab: cannot use '{error.filename}': {error.strerror}.", err=True)
        raise typer.Exit(2)

    return run


def chosen_methods(text: str) -> list[str]:
    """Keys in display order from `a,b` or `all`."""
    from lab.methods import find

    if text == "all":
        return list(METHODS)
    keys = [find(key.strip()).key for key in text.split(",") if key.strip()]
    if not keys:
        raise UsageError("no methods are named: give --methods a,b or --methods all.")
    return [key for key in METHODS if key in keys]


def chosen_metrics(text: str) -> list[str]:
    """Metric keys from `a,b`."""
    from lab.metrics import METRICS

    keys = [key.strip() for key in text.split(",") if key.strip()]
    for key in keys:
        if key not in METRICS:
            raise UsageError(f"unknown metric '{key}': choose from {', '.join(METRICS)}.")
    return keys


def own_weights(entries: list[str] | None, keys: list[str]) -> dict[str, Path]:
    """METHOD=FILE entries as a mapping; each method must be among `keys`, those that run."""
    result = {}
    for entry in entries or []:
        key, _, file = entry.partition("=")
        if not file:
            raise UsageError(f"'{entry}' is not METHOD=FILE, as in esrgan=RRDB_ESRGAN_x4.pth.")
        if key not in keys:
            raise UsageError(f"--weights names {key}, which is not among --methods: add it there.")
        result[key] = Path(file)
    return result


def chosen_crop(text: str | None, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """x, y, w, h in output pixels from `x,y,w,h`; a quarter of the sides in the middle where none is given."""
    height, width = size
    if text is None:
        w, h = max(width // 4, 16), max(height // 4, 16)
        return (width - w) // 2, (height - h) // 2, w, h
    try:
        x, y, w, h = (int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--crop '{text}' is not x,y,w,h in whole pixels, as in 120,80,64,64.") from None
    if w < 1 or h < 1 or x < 0 or y < 0 or x + w > width or y + h > height:
        raise UsageError(f"--crop {text} does not lie in the {width}x{height} result.")
    return x, y, w, h


def figures_json(figures: dict) -> dict[str, dict]:
    """Figures as JSON values: an infinite PSNR becomes null with a note, since JSON knows no infinity."""
    result = {}
    for key, figure in figures.items():
        entry: dict[str, Any] = {"value": figure.value, "convention": figure.convention}
        if figure.variant:
            entry["variant"] = figure.variant
        if figure.value is not None and not math.isfinite(figure.value):
            entry |= {"value": None, "note": "infinite: the pictures are identical"}
        if figure.why_not:
            entry["note"] = figure.why_not
        result[key] = entry
    return result


def table(rows: list[list[str]]) -> str:
    """Rows of text in aligned columns, the first row underlined."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def number(key: str, value: float | None) -> str:
    """A figure of merit with its metric's number of decimals; a dash where there is none, inf for identical pictures."""
    from lab.metrics import METRICS

    return "-" if value is None else f"{value:.{METRICS[key].decimals}f}"


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
    image: Annotated[Path, typer.Argument(help="PNG, JPEG, WebP, TIFF or BMP.", show_default=False)],
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
    metrics: MetricsOption = "psnr,ssim,gmsd",
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

    keys, wanted = chosen_methods(methods), chosen_metrics(metrics)
    own = own_weights(weights, keys)
    blur: Degradation | None = None if degradation == "none" else parse(degradation)
    if blur is not None and output is Output.x4:
        raise UsageError("--output x4 goes with --degradation none: a blurred sharp picture comes back at its own size.")
    prepared = prepare(read_picture(image), blur, output.value)
    box = chosen_crop(crop, prepared.output_size)
    out.mkdir(parents=True, exist_ok=True)
    scale = full_scale(prepared.reference if prepared.reference is not None else prepared.shown)
    pictures, results, failed = [("input", prepared.shown)], [], []
    of_input = input_figures(prepared, wanted, convention.value)
    rows = [["method", *wanted, "seconds", "in domain", "given"]]
    rows.append(["input", *(number(key, of_input[key].value) for key in wanted), "-", "-", "-"])

    def keep(name: str, picture: Any) -> None:
        write_png(picture, out / f"{name}.png")
        write_png(gradient_picture(picture, scale), out / f"{name}.gradient.png")

    write_png(prepared.given, out / "given.png")
    keep("input", prepared.shown)
    if prepared.reference is not None:
        keep("reference", prepared.reference)
    for event in compare(prepared, keys, wanted, convention.value, own, device.value):
        if isinstance(event, Failed):
            failed.append(asdict(event))
            typer.echo(f"{event.method}: {event.reason}", err=True)
        elif isinstance(event, Finished):
            keep(event.method, event.picture)
            pictures.append((event.name, event.picture))
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
        typer.echo(f"\nwrote {len(pictures)} pictures, their gradient maps, crops.png and results.json to {out}")
    if failed:
        raise typer.Exit(1)


@app.command("benchmark")
@sentences
def benchmark_command(
    folder: Annotated[Path, typer.Argument(help="Folder of sharp pictures.", show_default=False)],
    degradation: Annotated[str, typer.Option(help="As for compare.")] = "x4-bicubic",
    methods: MethodsOption = "all",
    metrics: MetricsOption = "psnr,ssim",
    convention: ConventionOption = Convention.sr,
    weights: WeightsOption = None,
    device: Device = Device.auto,
    as_json: JsonOption = False,
) -> None:
    """Mean figures of methods over a folder of sharp pictures."""
    from lab.benchmark import mean, pictures_in, score

    keys, wanted, blur = chosen_methods(methods), chosen_metrics(metrics), parse(degradation)
    own = own_weights(weights, keys)
    count, scored = len(pictures_in(folder)), []
    for one in score(folder, keys, blur, wanted, convention.value, own, device.value):
        scored.append(one)
        for method, reason in one.failures.items():
            typer.echo(f"{one.picture}, {method}: {reason}", err=True)
        typer.echo(f"{len(scored)} of {count}: {one.picture}", err=True)
    means = mean(scored)
    if as_json:
        pictures = {one.picture: one.values for one in scored}
        report = {"degradation": str(blur), "convention": convention.value, "mean": means, "pictures": pictures}
        # a perfect score on one picture is infinite, which JSON cannot hold
        finite = json.loads(json.dumps(report), parse_constant=lambda _: None)
        typer.echo(json.dumps(finite, indent=2, ensure_ascii=False))
        return
    base = means["bicubic" if blur.kind == "x4-bicubic" and "bicubic" in means else "input"]
    rows = [["method", *wanted, "psnr gained"]]
    for name, values in means.items():
        known = None not in (values.get("psnr"), base.get("psnr"))
        gain = f"{values['psnr'] - base['psnr']:+.2f}" if known else "-"
        rows.append([name, *(number(key, values[key]) for key in wanted), gain])
    typer.echo(f"{folder.name}, {count} pictures, {blur}, convention {convention.value}\n")
    typer.echo(table(rows))


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
    out: Annotated[Path | None, typer.Option(help="The run's folder; runs/RECIPE where none is given.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's number.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="Train this long instead.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder.")] = False,
    ship: Annotated[bool, typer.Option("--ship", help="Copy the result to checkpoints/, where the methods find it.")] = False,
    device: Device = Device.auto,
) -> None:
    """Train a network by a recipe."""
    import logging

    from lab.train.pictures import Source
    from lab.train.recipe import read
    from lab.train.stop import stopped_by_ctrl_c
    from lab.train.trainer import ship as ship_weights
    from lab.train.trainer import train

    if steps is not None and minutes is not None:
        raise UsageError("give --steps or --minutes, not both.")
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    chosen = read(recipe)
    folder = out or Path("runs") / chosen.name
    source = Source(data or (None if pairs else Path("data/train")), pairs, split)
    with stopped_by_ctrl_c() as stop:
        path = train(chosen, source, folder, steps=steps, minutes=minutes, resume=resume, cpu=device is Device.cpu, stop=stop)
    typer.echo(str(ship_weights(path) if ship else path))


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
