"""The loss ablation: one network at one small budget, trained with NonBN-ResG-L's terms switched on one by one.

    python -m lab train losses/l2 --data PICTURES --out RUNS/losses-l2        (and l1, perceptual, texture, adversarial)
    python -m lab ablation-losses FOLDER --runs RUNS

Every picture of FOLDER is blurred and restored by each of the five; `losses_strip.py` shows them side by side, and
`losses_stored.py` reads what was kept for the page.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lab.ablation import AblationError
from lab.ablation.loss_runs import Run, Stage
from lab.ablation.stored import INPUT
from lab.benchmark import Job, Report, Scored, Skipped, run
from lab.degrade import Degradation
from lab.metrics.models import Models, current

METHOD = "nonbn-resg-l"
"""The catalogue's method whose network all five have."""
BLUR = Degradation("gaussian", 1.6)
METRICS = ("psnr", "ssim", "gradient-ratio", "lpips", "niqe")
CONVENTION = "rgb"

Progress = Callable[[Stage, Scored | Skipped, int, int], None]
"""Told the stage, what came out of a picture, which picture it was (from 1), and how many there are."""


def measure(
    folder: Path,
    runs: Sequence[Run],
    *,
    at_most: int | None = None,
    device: str = "auto",
    records: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, Any] | None:
    """Blur the pictures of a folder, restore them by every run, and measure.

    Args:
        folder: of sharp pictures.
        runs: from `lab.ablation.loss_runs.find`.
        at_most: how many pictures, spread evenly over the folder; all where None.
        device: auto, cpu or cuda.
        records: folder that keeps what was measured, so that the same call goes on where one was ended.
        progress: see `Progress`.

    Returns:
        Ready for json.dumps: "pictures" {"folder", "count"}, "convention", "conditions" {degradation: {name of a run, or
        "input": {metric: mean, or None}}}, "variants" {metric: "official", "lab" or ""}, "checkpoints" {name: SHA-256},
        "stages" {name: {"label", "losses" {term: weight}, "minutes"}}, and "training" {"steps", "data", "features"}, which all
        five share, features as far as they use any. None in all processes of a launch but the first.

    Raises:
        AblationError: a run cannot restore one of the pictures, its weights were replaced meanwhile, or another run was measured
            on other pictures.
        BenchmarkError, OSError, LabError: see `lab.benchmark.run`.
    """
    models, rows, pictures = current(), {}, set()
    weights = {one.stage.name: one.sha256 for one in runs}  # read before anything runs
    for one in runs:
        report = _report(folder, one, models, at_most, device, records, progress)
        if report is None:
            continue
        if report.job.checkpoints[METHOD] != weights[one.stage.name]:
            raise AblationError(f"the weights of {one.stage.name} were replaced while the ablation ran: start it again.")
        pictures.add(tuple(report.as_json()["pictures"]))
        (means,) = report.means.values()
        rows |= {INPUT: means[INPUT], one.stage.name: means[METHOD]}
    if report is None:
        return None
    if len(pictures) > 1:
        raise AblationError("the five runs were measured on different pictures, see above: start it again.")
    return {
        "pictures": {"folder": folder.resolve().name, "count": len(report.scored)},
        "convention": CONVENTION,
        "conditions": {str(BLUR): rows},
        "variants": {key: models.variant(key) for key in METRICS},
        "checkpoints": weights,
        "stages": {
            one.stage.name: {"label": one.stage.label, "losses": one.card["losses"], "minutes": one.card.get("minutes")}
            for one in runs
        },
        "training": {key: runs[-1].card.get(key) for key in ("steps", "data", "features")},
    }


def _report(
    folder: Path,
    one: Run,
    models: Models,
    at_most: int | None,
    device: str,
    records: Path | None,
    progress: Progress | None,
) -> Report | None:
    """One run on all pictures; see `measure`."""
    job = Job([METHOD], BLUR, METRICS, (CONVENTION,), weights={METHOD: one.path}, device=device, models=models)
    told = progress and (lambda *what: progress(one.stage, *what))
    report = run([folder], job, records, told, at_most)
    for scored in report.scored if report else ():
        for why in scored.failures.values():
            raise AblationError(f"{one.stage.name} cannot restore {scored.picture.name}: {why}")
    return report
