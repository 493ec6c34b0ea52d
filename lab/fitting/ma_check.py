"""Does PI-lab order results as published tables of PI do? Fetched official models take no part."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from lab.benchmark import BenchmarkError, Job, Skipped, collect, mean, score
from lab.degrade import Degradation
from lab.fitting.ma_anchor import PUBLISHED_PI
from lab.fitting.verdict import Verdict
from lab.metrics.models import Models, current, ma_model, niqe_model, own

SETS = ("Set14", "BSD100")
SMOOTH = ("bicubic", "srresnet")
"""Methods whose PI falls in this order, as published."""
TEXTURED = ("srgan", "esrgan", "spsr")
"""Methods whose PI is below all of SMOOTH."""
TOLERANCE = 0.5
"""How far bicubic's PI-lab may be from the published PI."""


def measured(
    benchmark: Path,
    methods: Sequence[str] = SMOOTH + TEXTURED,
    models: Models | None = None,
    device: str = "auto",
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, dict[str, dict[str, float | None]]]:
    """Set -> method -> {"niqe", "ma", "pi"} -> mean, in PIRM's protocol, x4 bicubic.

    Args:
        benchmark: the folder with the folders of SETS.
        methods: keys of the catalogue.
        models: what the three run on; the lab's own where None.
        device: auto, cpu or cuda.
        progress: told how many pictures are done, of how many.

    Raises:
        NoModelError: NIQE-lab or Ma-lab is missing, before any network runs.
        BenchmarkError: a set is missing or empty, or a picture cannot be read.
    """
    models = models or own(current(), "niqe", "ma")
    niqe_model(models.niqe)  # complaints come before the networks run
    ma_model(models.ma)
    sets = {name: collect([Path(benchmark) / name]) for name in SETS}
    count, done, table = sum(len(pictures) for pictures in sets.values()), 0, {}
    job = Job(methods, Degradation("x4-bicubic"), ("niqe", "ma", "pi"), ("sr",), device=device, models=models)
    for name, pictures in sets.items():
        scored = []
        for one in score(pictures, job):
            if isinstance(one, Skipped):
                raise BenchmarkError(f"{one.picture.name}: {one.reason}")
            scored.append(one)
            done += 1
            progress(done, count)
        table[name] = {method: values for method, values in mean(scored).items() if method in methods}
    return table


def verdicts(table: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> Iterator[Verdict]:
    """What should hold of each set of `measured`: bicubic > SRResNet > each of the others, and bicubic near its published PI.

    A mean that could not be computed, or a method that could not be run, makes what it belongs to fail.
    """
    for name, rows in table.items():
        pi = {method: rows[method]["pi"] if method in rows else None for method in SMOOTH + TEXTURED}
        order = [*itertools.pairwise(SMOOTH), *((SMOOTH[-1], method) for method in TEXTURED)]
        for above, below in order:
            absent = " and ".join(method for method in (above, below) if pi[method] is None)
            why = f" (no value of {absent})" if absent else ""
            yield Verdict(f"{name}: {above} above {below}{why}", not absent and pi[above] > pi[below])
        published = PUBLISHED_PI[name]
        near = pi["bicubic"] is not None and abs(pi["bicubic"] - published) <= TOLERANCE
        yield Verdict(f"{name}: bicubic within {TOLERANCE:g} of the published {published:.2f}", near)
