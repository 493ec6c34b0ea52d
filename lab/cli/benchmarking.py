"""python -m lab benchmark."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.options import (
    Device,
    JsonOption,
    MethodsOption,
    MetricsOption,
    WeightsOption,
    chosen_methods,
    chosen_metrics,
    own_weights,
)
from lab.cli.printing import number, table
from lab.cli.program import app, sentences
from lab.degrade import parse


class Conventions(StrEnum):
    """How results are measured."""

    both = "both"
    sr = "sr"
    rgb = "rgb"


@app.command("benchmark")
@sentences
def benchmark_command(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders of sharp pictures.", show_default=False)],
    degradation: Annotated[str, typer.Option(help="As for compare.")] = "x4-bicubic",
    methods: MethodsOption = "all",
    metrics: MetricsOption = "psnr,ssim",
    convention: Annotated[
        Conventions, typer.Option(help="sr: luma, border 4. rgb: all channels, no border. both: rgb beside sr.")
    ] = Conventions.both,
    weights: WeightsOption = None,
    device: Device = Device.auto,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for benchmark.json, .csv, .tex and .md; the same command goes on where a run was ended."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Figures of methods over folders of sharp pictures; several processes: accelerate launch -m lab benchmark DIR..."""
    from lab.benchmark import Job, Scored, Skipped, run
    from lab.benchmark.files import to_json, write

    keys = chosen_methods(methods)
    conventions = ("sr", "rgb") if convention is Conventions.both else (convention.value,)
    job = Job(
        keys, parse(degradation), chosen_metrics(metrics), conventions, weights=own_weights(weights, keys), device=device.value
    )
    told = set()

    def progress(one: Scored | Skipped, done: int, count: int) -> None:
        name = f"{one.picture.set}/{one.picture.name}"
        if isinstance(one, Skipped):
            typer.echo(f"{done} of {count}: {name} is skipped: {one.reason}", err=True)
            return
        typer.echo(f"{done} of {count}: {name}", err=True)
        reasons = {f"{name}, {method}: {why}": (method, why) for method, why in one.failures.items()}
        reasons |= {f"{name}, {key}: {why}": (key, why) for key, why in one.why_not.items()}
        for text, reason in reasons.items():
            if reason not in told:  # what is true of every picture is said of the first
                typer.echo(text, err=True)
            told.add(reason)

    report = run(folders, job, out, progress)
    if report is None:
        return
    written = [] if out is None else write(report, out)
    if as_json:
        typer.echo(to_json(report), nl=False)
    else:
        typer.echo("\n\n".join(_set_text(report, name) for name in report.sets))
        for key, why in report.boundless.items():
            typer.echo(f"\n{key} has no mean: {why}")
        if written:
            typer.echo(f"\nwrote {', '.join(path.name for path in written)} to {out}")
    if any(one.failures for one in report.scored):
        raise typer.Exit(1)


def _set_text(report, name: str) -> str:
    """The means of one set as a table, with what PSNR gained over bicubic, or over the input."""
    job, means = report.job, report.means[name]
    base = means["bicubic" if job.degradation.kind == "x4-bicubic" and "bicubic" in means else "input"]
    gains = "psnr" in job.metrics
    rows = [["method", *(column.key_with_variant(job.models) for column in job.columns), *(["psnr gained"] * gains)]]
    for method, values in means.items():
        known = None not in (values.get("psnr"), base.get("psnr"))
        gain = f"{values['psnr'] - base['psnr']:+.2f}" if known else "-"
        cells = [number(column.metric, values[column.key]) for column in job.columns]
        rows.append([method, *cells, *([gain] * gains)])
    left_out = sum(one.picture.set == name for one in report.skipped)
    count = len(report.sets[name])
    head = f"{name}, {count} picture{'s' * (count != 1)}, {job.degradation}, convention {' and '.join(job.conventions)}"
    return head + (f"; {left_out} skipped" if left_out else "") + "\n\n" + table(rows)
