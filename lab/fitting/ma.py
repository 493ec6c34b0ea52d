"""Ma-lab: Ma's features, read by forests that the lab grew on scores no person gave."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lab.benchmark import pictures_in
from lab.fitting.ma_anchor import PUBLISHED_PI, TOP, anchors, stretch, stretched
from lab.fitting.ma_consensus import WEIGHTS, consensus
from lab.fitting.ma_forests import Grown, at_other_sizes, grow
from lab.fitting.ma_samples import Samples, collect
from lab.fitting.ma_versions import methods_here
from lab.fitting.writing import checked_output, write_model
from lab.metrics.ma import MaError, MaModel, ma
from lab.metrics.ma_files import to_arrays
from lab.metrics.models import current
from lab.metrics.niqe import read_official

MAX_BYTES = 8_000_000  # of the model that is shipped
PICTURES, TREES = 120, 150


def train_ma(
    folder: Path,
    out: Path,
    benchmark: Path,
    niqe_parameters: Path,
    work: Path,
    pictures: int = PICTURES,
    trees: int = TREES,
    seed: int = 0,
    device: str = "auto",
    progress: Callable[[str, int, int], None] = lambda what, done, of: None,
) -> dict[str, Any]:
    """Make Ma-lab: versions of sharp pictures, scored by a consensus of metrics that see the original; three forests; a scale.

    The consensus is in lab.fitting.ma_consensus, the versions in lab.fitting.ma_versions. LPIPS runs on what the lab has
    (lab.metrics.models): without it the consensus hardly rewards texture. What was measured of each picture is kept in `work`;
    the same call goes on where one was broken off.

    Args:
        folder: of sharp pictures (those in the folders inside are not looked at), sides at least 176.
        out: the safetensors file to write; its card goes beside it.
        benchmark: the folder with Set5, Set14 and BSD100, on whose bicubic enlargements the scale is set.
        niqe_parameters: the authors' NIQE parameters, which published values of PI rest on.
        work: a folder for what was measured.
        pictures: how many are used at most, at even distances through the folder.
        trees: in each forest.
        seed: draws parts, strengths, methods, and the forests' samples.
        device: auto, cpu or cuda, for the networks.
        progress: told what is done ("pictures" or "scale"), how much of it, and of how much.

    Returns:
        The card.

    Raises:
        MaError: scikit-learn is missing, too few pictures, or a model larger than is shipped.
        BenchmarkError: a folder that is missing, or without pictures.
        PictureError: a file that cannot be read, named.
        NiqeError: the NIQE parameters cannot be read.
        OutputError: `out` is no .safetensors.
    """
    from safetensors.numpy import save

    folder, out, benchmark = Path(folder), checked_output(out), Path(benchmark)
    official, models, paths = read_official(niqe_parameters), current(), pictures_in(folder)
    chosen = [paths[int((i + 0.5) * len(paths) / pictures)] for i in range(pictures)] if pictures < len(paths) else paths
    samples = collect(chosen, Path(work), seed, models, device, lambda done, of: progress("pictures", done, of))
    figures = {key: values for key, values in samples.figures.items() if np.isfinite(values).all()}
    scores = consensus(figures, samples.picture)
    grown = grow(at_other_sizes(samples.features, seed), scores, samples.picture, trees, seed)

    raw = MaModel(grown.forests, grown.linear, "lab", "")
    found = anchors(benchmark, official, lambda luma: ma(luma, raw), lambda done, of: progress("scale", done, of))
    factor = stretch(found)
    linear = stretched(grown.linear, factor)
    data = save(to_arrays(grown.forests, linear))
    if len(data) > MAX_BYTES:
        raise MaError(f"the forests take {len(data) / 1e6:.1f} MB, more than {MAX_BYTES / 1e6:.0f} MB: grow fewer trees.")
    card = {
        "name": "Ma-lab",
        "about": "Ma's features, read by forests grown on synthetic scores; its values do not compare with the authors'.",
        "data": f"{len(samples.names)} versions of {len(chosen)} pictures of {folder.resolve().name}",
        "pictures": len(chosen),
        "methods": [key for keys in methods_here() for key in keys],
        "scores": {
            "how": "ten times the weighted mean of the metrics' percentiles, among all versions and among those of one picture",
            "weights": {key: WEIGHTS[key] for key in figures},
            "without": [key for key in WEIGHTS if key not in figures],
            "lpips": models.variant("lpips"),
        },
        "forests": {"trees": trees, "joined_by": [round(float(value), 4) for value in grown.linear]},
        "scale": {
            "how": f"score -> {TOP:g} - factor * ({TOP:g} - score); bicubic x4 then has the published mean, 10 - (2 PI - NIQE)",
            "factor": round(factor, 4),
            "sets": {
                name: {
                    "published_pi": PUBLISHED_PI[name],
                    "niqe": round(anchor.niqe, 3),
                    "published_ma": round(anchor.published_ma, 3),
                    "ma_lab": round(TOP - factor * (TOP - anchor.scored), 3),
                }
                for name, anchor in found.items()
            },
        },
        "held_out": _held_out(samples, scores, grown),
        "seed": seed,
        "command": _command(folder, benchmark, pictures, trees, seed),
    }
    write_model(out, data, card)
    return card


def _command(folder: Path, benchmark: Path, pictures: int, trees: int, seed: int) -> str:
    """What to type to make the same model; folders by their names alone."""
    options = (("pictures", pictures, PICTURES), ("trees", trees, TREES), ("seed", seed, 0))
    words = [f"--{name} {value}" for name, value, usual in options if value != usual]
    return " ".join([f"python -m lab metrics train-ma {folder.resolve().name} --benchmark {benchmark.resolve().name}", *words])


def _held_out(samples: Samples, scores: np.ndarray, grown: Grown) -> dict[str, Any]:
    """How well pictures are judged that the forests did not see."""
    from scipy.stats import spearmanr

    kinds = {name: samples.names == name for name in ("original", "bicubic", "srresnet", "srgan", "esrgan", "spsr")}
    return {
        "spearman": round(float(spearmanr(scores, grown.held_out).statistic), 4),
        "means": {
            name: {"scores": round(float(scores[own].mean()), 2), "answers": round(float(grown.held_out[own].mean()), 2)}
            for name, own in kinds.items()
            if own.any()
        },
    }
