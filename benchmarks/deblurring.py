"""How much every method that keeps the size gains on motion, Gaussian and defocus blur: writes benchmarks/DEBLURRING.md.

    python benchmarks/deblurring.py BSD100                   (a folder of sharp pictures)
    python benchmarks/deblurring.py BSD100 --pictures 20     (some of them, spread evenly)
    accelerate launch benchmarks/deblurring.py BSD100        (shared out among GPUs)

Beside the page it writes assets/paper/deblurring.json, which holds every figure on the page, and assets/paper/curves/KIND.svg:
gain against strength. What was measured is kept in runs/deblurring: the same command goes on where it was ended. The blurs are in
deblurring.yaml.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.deblurring_blurs import Blur, read_blurs
from benchmarks.deblurring_curves import draw
from benchmarks.deblurring_page import page, tables
from benchmarks.pages import command_text, sentences, tell
from lab.ablation.stored import json_bytes, put
from lab.benchmark import BenchmarkError, Job, Report, pictures_in, run
from lab.cli.options import chosen_methods
from lab.methods import METHODS, checkpoint, in_domain

HERE = Path(__file__).parent
METRICS = ("psnr", "ssim")
CONVENTIONS = ("rgb", "sr")


def chosen(text: str | None) -> list[str]:
    """Keys from `a,b` or `all`; the methods that keep the size and have been trained where None. In display order.

    Raises:
        BenchmarkError: a method has not been trained, or none has; lab.methods.UnknownMethodError: a key that there is not.
    """
    if text:
        for key in (keys := chosen_methods(text)):
            if METHODS[key].kind == "learned" and checkpoint(key) is None:
                raise BenchmarkError(
                    f"{METHODS[key].name} has no checkpoint here: train one with `python -m lab train {key} --ship`, "
                    "or leave it out of --methods."
                )
        return keys
    keys = [key for key, method in METHODS.items() if method.takes == "same" and checkpoint(key)]
    if not keys:
        raise BenchmarkError(
            "no method that keeps the size has a checkpoint here: train one with `python -m lab train NAME --ship`."
        )
    return keys


def measure(
    folder: Path,
    blurs: Sequence[Blur],
    methods: Sequence[str],
    command: str,
    device: str = "auto",
    records: Path | None = None,
    at_most: int | None = None,
) -> dict[str, Any] | None:
    """All figures, ready for JSON; every number of the page and the curves is taken from here.

    Args:
        folder: of sharp pictures.
        blurs: from `read_blurs`.
        methods: keys of the catalogue; those that enlarge get the blurred picture shrunk to a quarter.
        command: what is said to have made them.
        device: auto, cpu or cuda.
        records: folder that keeps what was measured.
        at_most: how many pictures, spread evenly over the folder; all where None.

    Returns:
        "command"; "pictures" {"folder", "count", "of", "skipped"}; "conventions"; "columns" (see `Report.as_json`); "checkpoints"
        method -> SHA-256; "methods" method -> its description, with "trained_for"; "blurs" kind -> {"seed_by_picture",
        "strengths": [{"degradation", "strength", "in_domain" (method -> whether its training covered it), "mean" (method or
        `input` -> column -> value), "failed"}]}. None in all processes but the first.

    Raises:
        BenchmarkError: a method failed on every picture.
        LabError: see `lab.benchmark.run`.
    """
    jobs = [
        [
            Job(methods, one, METRICS, CONVENTIONS, device=device, seed_by_picture=blur.seed_by_picture)
            for one in blur.degradations
        ]
        for blur in blurs
    ]
    for job in (job for row in jobs for job in row):
        _ = job.checkpoints, job.cards  # read before anything runs: what weights replaced midway make or say is not mixed in
    reports = [[run([folder], job, records, partial(tell, about=str(job.degradation)), at_most) for job in row] for row in jobs]
    if reports[0][0] is None:
        return None
    for report in (one for row in reports for one in row):
        for key in methods:
            reasons = [scored.failures.get(key) for scored in report.scored]
            if all(reasons):
                raise BenchmarkError(f"{report.name(key)} has no figure at all: {reasons[0]}")
    if len({tuple(report.as_json()["pictures"]) for row in reports for report in row}) > 1:
        raise BenchmarkError("the blurs were measured on different pictures, see above: start it again.")
    first = reports[0][0].as_json()
    trained_for = {key: one.get("trained_for", []) for key, one in jobs[0][0].cards.items()}
    return {
        "command": command,
        "pictures": {
            "folder": folder.resolve().name,
            "count": len(first["pictures"]),
            "of": len(pictures_in(folder)),
            "skipped": first["skipped"],
        },
        "conventions": list(CONVENTIONS),
        "columns": first["columns"],
        "checkpoints": {key: sha for key, sha in reports[0][0].job.checkpoints.items() if sha},
        "methods": {key: about | {"trained_for": trained_for[key]} for key, about in first["methods"].items()},
        "blurs": {
            blur.kind: {
                "seed_by_picture": blur.seed_by_picture,
                "strengths": [_strength(report, trained_for) for report in row],
            }
            for blur, row in zip(blurs, reports, strict=True)
        },
    }


def _strength(report: Report, trained_for: Mapping[str, list[dict]]) -> dict[str, Any]:
    """The figures of one strength of one blur."""
    degradation, found = report.job.degradation, report.as_json()
    return {
        "degradation": str(degradation),
        "strength": degradation.strength,
        "in_domain": {key: in_domain(degradation, entries) for key, entries in trained_for.items()},
        "mean": found["mean"],
        "failed": found["failed"],
    }


def write(data: dict[str, Any], out: Path, assets: Path) -> list[Path]:
    """Write the page, the JSON file and a curve for each blur; their paths.

    Raises:
        OSError: they cannot be written.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    (assets / "curves").mkdir(parents=True, exist_ok=True)
    curves = {kind: draw(data, kind, assets / "curves" / f"{kind}.svg") for kind in data["blurs"]}
    put({"deblurring.json": json_bytes(data)}, assets)
    links = {kind: Path(os.path.relpath(path, out.parent)).as_posix() for kind, path in curves.items()}
    out.write_text(page(data, links), encoding="utf-8")
    return [out, assets / "deblurring.json", *curves.values()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="sharp pictures, such as BSD100")
    parser.add_argument("--pictures", type=int, metavar="N", help="so many of them, spread evenly; all where it is not given")
    parser.add_argument("--methods", help="comma-separated keys, or all; those that keep the size where it is not given")
    parser.add_argument("--blurs", type=Path, default=HERE / "deblurring.yaml", metavar="FILE", help="kinds and strengths")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument(
        "--records", type=Path, default=HERE.parent / "runs" / "deblurring", help="what was measured is kept here"
    )
    parser.add_argument("--out", type=Path, default=HERE / "DEBLURRING.md", help="the page; the lab's own where none is given")
    parser.add_argument("--assets", type=Path, default=HERE.parent / "assets" / "paper", help="for deblurring.json and curves/")
    choice = parser.parse_args()
    with sentences("deblurring.py"):
        methods = chosen(choice.methods)
        command = command_text("deblurring.py", sys.argv[1:])
        data = measure(choice.folder, read_blurs(choice.blurs), methods, command, choice.device, choice.records, choice.pictures)
        if data is None:  # one of several processes, and not the first
            return
        print("\n\n".join(f"{kind}\n\n{tables(data, kind)}" for kind in data["blurs"]))
        print("\nwrote " + ", ".join(path.name for path in write(data, choice.out, choice.assets)))


if __name__ == "__main__":
    main()
