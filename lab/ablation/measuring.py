"""Measures the paper's four networks: on a blur at full size, and on pictures shrunk to a quarter and enlarged again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.ablation import AblationError
from lab.ablation.paper import FAMILY, PAPER
from lab.ablation.stored import INPUT
from lab.benchmark import Job, Report, Scored, Skipped, run
from lab.degrade import Degradation
from lab.methods import checkpoint, find
from lab.metrics.models import current

METRICS = ("psnr", "ssim", "gradient-ratio", "gradient-error", "overshoot", "lpips", "niqe")
CONVENTION = "rgb"
SHRUNK = Degradation("x4-bicubic")
ENLARGED = "bicubic"
"""The method whose result is what all four are given of a shrunk picture."""

Progress = Callable[[Degradation, Scored | Skipped, int, int], None]
"""As lab.benchmark.running.Progress, with the degradation under way in front."""


def check(blur: Degradation) -> None:
    """Complain before hours of work about what would spoil them.

    Raises:
        AblationError: the blur changes the picture's size, or one of the four has not been trained.
    """
    if blur.kind == SHRUNK.kind:
        raise AblationError(f"{blur.kind} is measured in any case: give a blur that keeps the size, as in gaussian:sigma=1.6.")
    for method in FAMILY:
        if checkpoint(method) is None:
            name = find(method).name
            raise AblationError(f"{name} has no checkpoint: train it with python -m lab train {method} --ship.")


def measure(
    folder: Path,
    blur: Degradation,
    command: str,
    *,
    at_most: int | None = None,
    device: str = "auto",
    records: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, Any] | None:
    """The means of all four over a folder of sharp pictures, in both conditions.

    Args:
        folder: of sharp pictures.
        blur: one that keeps the size.
        command: what was typed, to be named beside the figures.
        at_most: how many of the pictures, spread evenly; all where None.
        device: auto, cpu or cuda.
        records: folder that keeps what was measured, from which a run that was ended goes on; see `lab.benchmark.run`.
        progress: see `Progress`.

    Returns:
        What becomes ablation.json; None in all processes but the first.
            command, pictures {"folder", "count"}, convention, variants {metric: of its model}
            conditions: text of a degradation -> method or "input" -> metric -> mean, None where there is none; the input of
                x4-bicubic is the bicubic enlargement, which the four are given
            checkpoints: method -> SHA-256; methods: method -> its name, stage and what is unlike the paper, from its card
            paper: method -> the paper's PSNR and SSIM

    Raises:
        AblationError: see `check`; or one of the four failed on a picture; or a checkpoint was replaced while this ran.
        BenchmarkError, LabError, OSError: see `lab.benchmark.run`.
    """
    check(blur)
    models, reports = current(), []
    for degradation, methods in ((blur, FAMILY), (SHRUNK, (ENLARGED, *FAMILY))):
        job = Job(methods, degradation, METRICS, (CONVENTION,), device=device, models=models)
        reports.append(run([folder], job, records, _told(progress, degradation), at_most))
    if None in reports:
        return None
    for scored in (one for report in reports for one in report.scored):
        for method, why in scored.failures.items():
            raise AblationError(f"{method} could not be measured on {scored.picture.name}: {why}")
    methods = [{key: report.as_json()["methods"][key] for key in FAMILY} for report in reports]
    if methods[0] != methods[1]:
        raise AblationError("a checkpoint was replaced while the ablation ran: start it again.")
    if len({tuple(report.as_json()["pictures"]) for report in reports}) > 1:
        raise AblationError("the two conditions were measured on different pictures, see above: start it again.")
    return {
        "command": command,
        "pictures": {"folder": folder.resolve().name, "count": len(reports[0].scored)},
        "convention": CONVENTION,
        "conditions": {str(report.job.degradation): _rows(report) for report in reports},
        "variants": {metric: models.variant(metric) for metric in METRICS},
        "checkpoints": {key: reports[0].job.checkpoints[key] for key in FAMILY},
        "methods": methods[0],
        "paper": PAPER,
    }


def _told(progress: Progress | None, degradation: Degradation) -> Callable[[Scored | Skipped, int, int], None] | None:
    return progress and (lambda one, done, count: progress(degradation, one, done, count))


def _rows(report: Report) -> dict[str, dict[str, float | None]]:
    """The means, ready for JSON, with the input's row first and no other classical one."""
    means = report.as_json()["mean"]
    given = means.get(ENLARGED, means[INPUT])
    return {INPUT: given} | {method: means[method] for method in FAMILY}
