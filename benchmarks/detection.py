"""Does restoring help a detector? Its finds on blurred and restored pictures, held against those on the sharp ones.

    python benchmarks/detection.py BSD100 [--pictures N] [--weights FILE]

The detector is torchvision's (lab/detection.py); its weights are not downloaded, and the command says where to get them. Prints a
table of F1 at an overlap of 0.5 by blur, and writes assets/paper/detection.json, which the page shows. Verdicts are kept in
runs/detection: the same command goes on where it was ended, and looks anew only at what a replaced checkpoint restores.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import machines
from benchmarks.pages import command_text, sentences
from lab.ablation.stored import json_bytes, put
from lab.benchmark.files import markdown_table
from lab.benchmark.pictures import Sharp, collect
from lab.benchmark.records import Records
from lab.degrade import Degradation, parse
from lab.detection import ARCHITECTURE, OVERLAP, SCORE, Agreement, Finds, agreement, detect, load, weights_file
from lab.digests import sha256
from lab.images import read_named
from lab.restore import pick_device

BLURS = ("gaussian:sigma=1.6", "gaussian:sigma=2.4", "motion:length=15", "motion:length=25")
OUTSIDE = "*"
"""Marks a figure at a blur that a method was not trained for."""


def judge_of(network: nn.Module, sharp: np.ndarray) -> machines.Judge:
    """The judge of one picture: whoever is asked about a restored one looks at the sharp one first, once."""

    @cache
    def wanted() -> Finds:
        return detect(network, sharp)

    return lambda picture: {name: float(count) for name, count in vars(agreement(detect(network, picture), wanted())).items()}


def measure(
    network: nn.Module, pictures: Sequence[Sharp], blurs: Sequence[Degradation], trial: machines.Trial
) -> dict[str, dict[str, dict[str, Any]]]:
    """Blur -> method, or `input` -> "f1" (0..1; None where nothing is found at all) over the finds of all pictures, the counts
    "both", "extra" and "missed" it is made of, and "trained": whether the method was trained for the blur."""
    sums = {str(blur): dict.fromkeys((machines.INPUT, *trial.checkpoints), Agreement(0, 0, 0)) for blur in blurs}
    for done, picture in enumerate(pictures, 1):
        sharp = read_named(picture.path)
        judge = judge_of(network, sharp)
        for blur in blurs:
            found = machines.verdicts(trial, sharp, machines.of_picture(blur, picture.place), judge)
            for key, counts in found.items():
                sums[str(blur)][key] += Agreement(**{name: int(count) for name, count in counts.items()})
        print(f"{done} of {len(pictures)}: {picture.name}", file=sys.stderr, flush=True)
    return {
        str(blur): {
            key: {"f1": counts.f1, **vars(counts), "trained": trial.trained(key, blur)}
            for key, counts in sums[str(blur)].items()
        }
        for blur in blurs
    }


def table(about: Mapping[str, Any]) -> str:
    """F1 in Markdown, a column a blur, and what is to be known of it."""
    rows = []
    for key, name in about["methods"].items():
        found = [condition[key] for condition in about["conditions"].values()]
        marks = [OUTSIDE * (key != machines.INPUT and not one["trained"]) for one in found]
        rows.append(
            [name, *("-" if one["f1"] is None else f"{one['f1']:.3f}{mark}" for one, mark in zip(found, marks, strict=True))]
        )
    note = (
        f"F1 of what the detector finds, held against its own {about['sharp']} finds on the sharp {about['pictures']['count']} "
        f"pictures, which would have 1: same category, overlap {OVERLAP}, score {SCORE}. {OUTSIDE}: not trained for this blur."
    )
    return markdown_table(["", *about["conditions"]], rows) + "\n\n" + note


def main() -> None:
    import torchvision

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="sharp pictures of things that COCO knows: people, animals, vehicles")
    parser.add_argument("--pictures", type=int, help="how many, spread evenly over the folder; all if not given")
    parser.add_argument("--blur", nargs="+", default=BLURS, metavar="BLUR", help="as in motion:length=15")
    parser.add_argument("--methods", default="all", help="comma-separated keys of methods that keep the size")
    parser.add_argument("--weights", type=Path, help="the detector's weights, where they do not lie where torchvision looks")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--records", type=Path, default=machines.ROOT / "runs" / "detection", help="verdicts are kept here")
    about_out = "folder of detection.json; the page's where none is given"
    parser.add_argument("--out", type=Path, default=machines.PAPER, help=about_out)
    choice = parser.parse_args()
    with sentences("detection.py"):
        blurs, checkpoints = list(dict.fromkeys(map(parse, choice.blur))), machines.same_size_methods(choice.methods)
        if any(blur.kind == "x4-bicubic" for blur in blurs):
            raise machines.MachineError("x4-bicubic leaves a quarter of the size: give blurs at full size.")
        pictures = collect([choice.folder], choice.pictures)
        weights = weights_file(choice.weights)
        network, digest = load(weights, pick_device(choice.device)), sha256(weights)
        machine = f"{ARCHITECTURE} {digest[:12]}, torchvision {torchvision.__version__.partition('+')[0]}"
        records = Records(choice.records)
        judged = f"{machine}, score {SCORE}, overlap {OVERLAP}"  # counts under other settings are other counts
        trial = machines.Trial(checkpoints, judged, records, choice.device)
        conditions = measure(network, pictures, blurs, trial)
        records.close()
        counts = next(iter(conditions.values()))[machines.INPUT]
        about = {
            "command": command_text("detection.py", sys.argv[1:]),
            "pictures": {"folder": choice.folder.resolve().name, "count": len(pictures)},
            "checkpoints": checkpoints,
            "methods": trial.names,
            "detector": {"machine": machine, "score": SCORE, "overlap": OVERLAP},
            "seeds": machines.SEEDS,
            "sharp": counts["both"] + counts["missed"],
            "conditions": conditions,
        }
        print(table(about))
        (path,) = put({"detection.json": json_bytes(about)}, choice.out)
        print(f"\nwrote {path}")


if __name__ == "__main__":
    main()
