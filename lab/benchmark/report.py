"""What came out of a benchmark, and its rows for every kind of file."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lab import methods as catalogue
from lab.benchmark.columns import Column
from lab.benchmark.job import Job
from lab.benchmark.scoring import INPUT, Scored, Skipped, mean
from lab.metrics import EVERY_METRIC

Values = dict[str, dict[str, float | None]]
"""Method (or `input`) -> key of a column -> value."""


@dataclass(frozen=True)
class Report:
    """The figures of all pictures."""

    job: Job
    scored: list[Scored]
    skipped: list[Skipped]

    @cached_property
    def sets(self) -> dict[str, list[Scored]]:
        """Name of a folder -> its pictures, in order."""
        result: dict[str, list[Scored]] = {}
        for one in self.scored:
            result.setdefault(one.picture.set, []).append(one)
        return result

    @cached_property
    def means(self) -> dict[str, Values]:
        """Name of a folder -> the means over its pictures."""
        return {name: mean(pictures) for name, pictures in self.sets.items()}

    @cached_property
    def boundless(self) -> dict[str, str]:
        """Key of a column -> why it has no mean although every figure has a value."""
        return {
            key: f"it is infinite for {self.picture_name(one)}, where a result equals the original"
            for one in reversed(self.scored)
            for values in one.values.values()
            for key, value in values.items()
            if value == math.inf
        }

    @cached_property
    def reasons(self) -> dict[str, str]:
        """Key of a column -> why some figure in it has no value, or some mean."""
        return self.boundless | {key: why for one in reversed(self.scored) for key, why in one.why_not.items()}

    def name(self, method: str) -> str:
        """A method as on screen, which says what was scaled down; `input` for the degraded picture."""
        if method == INPUT:
            return INPUT
        return catalogue.screen_name(method, self.job.cards[method]) + (", own weights" if method in self.job.weights else "")

    def picture_name(self, one: Scored | Skipped) -> str:
        """The name of a file, its folder's in front where there are several."""
        several = len({other.picture.set for other in (*self.scored, *self.skipped)}) > 1
        return f"{one.picture.set}/{one.picture.name}" if several else one.picture.name

    def rows(self) -> Iterator[tuple[str, str, str, dict[str, float | None]]]:
        """(set, picture, method, values): of each set first the means, as picture "mean", then every picture."""
        for name, pictures in self.sets.items():
            for method, values in self.means[name].items():
                yield name, "mean", method, values
            for one in pictures:
                for method, values in one.values.items():
                    yield name, one.picture.name, method, values

    def as_json(self) -> dict[str, Any]:
        """Everything, ready for json.dumps: `mean` and `pictures` over all sets, `sets` with the means of each;
        `degradations` says what was done to each picture, its seed included.

        A value is null where it cannot be computed, or is infinite (the PSNR of identical pictures), which JSON cannot say.
        """
        job = self.job
        return {
            "degradation": str(job.degradation),
            "seed_by_picture": job.seed_by_picture,
            "convention": job.conventions[0],
            "conventions": list(job.conventions),
            "variants": {key: job.models.variant(key) for key in job.metrics},
            "columns": {column.key: _about(column, self) for column in job.columns},
            "methods": {key: self._method(key) for key in job.methods},
            "mean": _finite(mean(self.scored)),
            "sets": {
                name: {"pictures": len(pictures), "mean": _finite(self.means[name])} for name, pictures in self.sets.items()
            },
            "pictures": {self.picture_name(one): _finite(one.values) for one in self.scored},
            "degradations": {self.picture_name(one): str(job.degradation_of(one.picture)) for one in self.scored},
            "failed": {self.picture_name(one): one.failures for one in self.scored if one.failures},
            "skipped": {self.picture_name(one): one.reason for one in self.skipped},
        }

    def _method(self, key: str) -> dict[str, str | None]:
        """What ran under a key, in words and hashes."""
        own, card = self.job.weights.get(key), self.job.cards[key]
        path = own or catalogue.checkpoint(key)
        return {
            "name": self.name(key),
            "checkpoint": path.name if path else None,
            "checkpoint_sha256": self.job.checkpoints[key] or None,
            "stage": card.get("stage", ""),
            "differs": card.get("differs", ""),
        }


def _about(column: Column, report: Report) -> dict[str, str]:
    metric = EVERY_METRIC[column.metric]
    about = {
        "name": column.head(report.job.models),
        "metric": column.metric,
        "convention": column.convention,
        "variant": report.job.models.variant(column.metric),
        "better": metric.better,
        "unit": metric.unit,
    }
    return about | ({"note": report.reasons[column.key]} if column.key in report.reasons else {})


def _finite(values: Values) -> Values:
    return {
        method: {key: value if value is not None and math.isfinite(value) else None for key, value in row.items()}
        for method, row in values.items()
    }
