"""Stored files of the paper's tab, small and of made-up figures, as the commands leave them."""

import json
from collections.abc import Mapping
from pathlib import Path

from conftest import textured_picture

from lab.ablation.paper import FAMILY, PAPER
from lab.detection import Agreement
from lab.digests import sha256
from lab.gallery.scenes import webp_bytes

METRICS = ("psnr", "ssim", "gradient-ratio", "gradient-error", "overshoot", "lpips", "niqe")
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 360" width="640" height="360">'
    '<path d="M40 320 L600 40" stroke="#4f46e5" stroke-width="4"/></svg>'
)


def row(psnr: float, ssim: float, ratio: float) -> dict[str, float | None]:
    """Means of one network; its NIQE was not measured."""
    return dict(zip(METRICS, (psnr, ssim, ratio, 7.0, 0.5, 0.2, None), strict=True))


IN_ORDER = {
    "input": row(24.0, 0.7, 0.5),
    "stackedg": row(25.0, 0.8, 0.6),
    "resg": row(26.0, 0.85, 0.7),
    "nonbn-resg": row(28.0, 0.9, 0.8),
    "nonbn-resg-l": row(27.9, 0.95, 1.1),
}
"""Figures in the paper's order."""
OTHER_ORDER = IN_ORDER | {"resg": row(24.5, 0.85, 0.7)}


def write_ablation(folder: Path, checkpoints: Path, rows: Mapping[str, Mapping] = OTHER_ORDER) -> None:
    """What `python -m lab ablation --ship` leaves; `rows` are those under the Gaussian blur."""
    content = {
        "command": "python -m lab ablation PICTURES --ship",
        "pictures": {"folder": "PICTURES", "count": 7},
        "convention": "rgb",
        "conditions": {"gaussian:sigma=1.6": rows, "x4-bicubic": IN_ORDER},
        "variants": {key: "lab" if key in ("lpips", "niqe") else "" for key in METRICS},
        "checkpoints": {key: sha256(checkpoints / f"{key}.safetensors") for key in FAMILY},
        "paper": PAPER,
    }
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    (folder / "ablation.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "figures" / "closeups.webp").write_bytes(webp_bytes(textured_picture(500, 780)))


def write_losses(folder: Path) -> None:
    """What `python -m lab ablation-losses --ship` leaves, of two stages."""
    metrics = ("psnr", "gradient-ratio")
    names = {"losses-l2": "L2", "losses-l1": "L1"}
    rows = {name: dict(zip(metrics, (20.0 + i, 0.5), strict=True)) for i, name in enumerate(["input", *names])}
    content = {
        "command": "python -m lab ablation-losses PICTURES --runs RUNS --ship",
        "pictures": {"folder": "PICTURES", "count": 3},
        "convention": "rgb",
        "conditions": {"gaussian:sigma=1.6": rows},
        "variants": dict.fromkeys(metrics, ""),
        "checkpoints": dict.fromkeys(names, "0" * 64),
        "stages": {name: {"label": label, "losses": {}, "minutes": 1} for name, label in names.items()},
        "training": {"steps": 600, "data": "", "features": ""},
    }
    folder.mkdir(exist_ok=True)
    (folder / "losses.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "losses.webp").write_bytes(webp_bytes(textured_picture(200, 780)))


def write_curves(folder: Path, name: str, *pictures: str) -> None:
    """What a benchmark that draws curves leaves: NAME.json, and the curves."""
    facts = {
        "command": f"python benchmarks/{name}.py BSD100",
        "pictures": {"folder": "BSD100", "count": 100},
        "checkpoints": {"resg": "0" * 64, "bicubic": "0"},
        "blurs": {Path(picture).stem: {} for picture in pictures},
    }
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(facts), encoding="utf-8")
    for picture in pictures:
        (folder / picture).parent.mkdir(exist_ok=True)
        (folder / picture).write_text(SVG)


def write_detection(folder: Path, counts: Mapping[str, tuple[int, int, int]], trained: list[str]) -> None:
    """What benchmarks/detection.py leaves, for one blur; `counts` are those of finds on both, extra and missed ones."""
    rows = {key: Agreement(*found) for key, found in counts.items()}
    content = {
        "command": "python benchmarks/detection.py STREET",
        "pictures": {"folder": "STREET", "count": 2},
        "checkpoints": dict.fromkeys([key for key in counts if key != "input"], "0" * 64),
        "methods": {key: "blurred" if key == "input" else f"Small {key}" for key in counts},
        "detector": {"machine": "a stand-in", "score": 0.5, "overlap": 0.5},
        "sharp": rows["input"].both + rows["input"].missed,
        "conditions": {
            "gaussian:sigma=1.6": {
                key: {"f1": found.f1, **vars(found), "trained": key in trained} for key, found in rows.items()
            }
        },
    }
    folder.mkdir(exist_ok=True)
    (folder / "detection.json").write_text(json.dumps(content), encoding="utf-8")
