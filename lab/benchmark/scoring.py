"""Every method on every picture: one inference each, measured in every convention that is asked for."""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from lab.benchmark.columns import Column
from lab.benchmark.job import Job
from lab.benchmark.pictures import BenchmarkError, Sharp
from lab.benchmark.records import Key, Records, Row
from lab.compare import SCALE, Failed, Finished, Prepared, compare, figures, prepare
from lab.degrade import Degradation
from lab.digests import sha256
from lab.errors import LabError
from lab.images import PictureError, read_picture
from lab.metrics.models import Models
from lab.restore import pick_device

Result = TypeVar("Result")

INPUT = "input"
"""The row of the degraded picture itself."""


@dataclass(frozen=True)
class Scored:
    """The figures of one picture."""

    picture: Sharp
    values: dict[str, dict[str, float | None]]
    """Method (or `input`) -> key of a column -> value; None where it cannot be computed."""
    failures: dict[str, str] = field(default_factory=dict)
    """Method -> why it has no figures."""
    why_not: dict[str, str] = field(default_factory=dict)
    """Key of a column -> why a method's figure has no value."""


@dataclass(frozen=True)
class Skipped:
    """A picture that cannot be used."""

    picture: Sharp
    reason: str


def score(pictures: Sequence[Sharp], job: Job, records: Records | None = None) -> Iterator[Scored | Skipped]:
    """Score every method on every picture, one picture at a time.

    As the super-resolution papers do, a picture is first cropped to multiples of 4 (at its right and bottom).

    Args:
        pictures: from `collect`.
        job: what to do.
        records: what was measured before is taken from here, and what is measured is added.

    Yields:
        The figures of one picture, with the row `input` for the degraded picture itself (None for x4-bicubic); or why the
        picture cannot be used.

    Raises:
        UnknownMethodError, RestoreError, OSError: before anything runs; see `compare` and `Job.checkpoints`.
        BenchmarkError: a weights file was replaced while the benchmark ran, so that its figures would be of two; or the records
            cannot be written to.
    """
    records = records or Records()
    _ = job.checkpoints, job.cards, pick_device(job.device)  # complaints come before anything runs
    for one in pictures:
        try:
            yield _scored(one, job, records)
        except BenchmarkError:
            raise
        except LabError as error:
            yield Skipped(one, str(error))


def _scored(one: Sharp, job: Job, records: Records) -> Scored:
    """The figures of one picture, those that are known and those that are not."""
    picture, degradation = _read(sha256, one.path), job.degradation_of(one)
    keys = {
        method: Key(picture, method, job.checkpoints.get(method, ""), str(degradation), job.models.digest)
        for method in (INPUT, *job.methods)
    }
    missing = {method: _missing(job, records.find(key)) for method, key in keys.items()}
    failures = {}
    if any(missing.values()):
        prepared = _guarded("prepare it", one, _prepared, one.path, degradation)
        if missing[INPUT]:
            row = _guarded("measure it once it is degraded", one, _input_row, prepared, missing[INPUT], job.models)
            records.add(keys[INPUT], row)
        for event in compare(prepared, [key for key in job.methods if missing[key]], (), weights=job.weights, device=job.device):
            if isinstance(event, Failed):
                failures[event.method] = event.reason
            elif isinstance(event, Finished):
                _refuse_another_checkpoint(event, job)
                given = (event.picture, prepared.reference, missing[event.method], job.models)
                try:
                    row = _guarded("measure its result", one, _measured, *given)
                except LabError as error:
                    failures[event.method] = str(error)
                else:
                    records.add(keys[event.method], row)
    rows = {method: records.find(key) for method, key in keys.items() if method not in failures}
    values = {method: {column.key: row.values[_name(column)] for column in job.columns} for method, row in rows.items()}
    reasons = [(column.key, row.why_not.get(_name(column))) for row in rows.values() for column in job.columns]
    return Scored(one, values, failures, {key: why for key, why in reasons if why})


def _name(column: Column, convention: str | None = None) -> str:
    """How a row calls the figure of a column."""
    return f"{column.metric}:{convention or column.conventions[0]}"


def _missing(job: Job, row: Row) -> list[Column]:
    return [column for column in job.columns if _name(column) not in row.values]


def _read(read: Callable[[Path], Result], path: Path) -> Result:
    """What is read of a picture's file; raises PictureError where it cannot be."""
    try:
        return read(path)
    except OSError as error:
        raise PictureError(f"it cannot be read: {error.strerror}.") from error


def _guarded(purpose: str, one: Sharp, work: Callable[..., Result], *arguments: Any) -> Result:
    """What some work on a picture gives; raises a LabError whatever goes wrong, as one picture must not end a run of hours."""
    try:
        return work(*arguments)
    except LabError:
        raise
    except MemoryError:
        raise PictureError(f"there was not enough memory to {purpose}.") from None
    except Exception as error:
        logging.getLogger(__name__).exception("the attempt to %s failed with %s", purpose, one.name)
        raise PictureError(f"the attempt to {purpose} failed in a way nobody foresaw.") from error


def _prepared(path: Path, degradation: Degradation) -> Prepared:
    picture = _read(read_picture, path)
    return prepare(picture[: picture.shape[0] // SCALE * SCALE, : picture.shape[1] // SCALE * SCALE], degradation)


def _input_row(prepared: Prepared, wanted: Sequence[Column], models: Models) -> Row:
    """The figures of the degraded picture; none where it is smaller than the original."""
    if prepared.factor != 1:
        return Row({_name(column, convention): None for column in wanted for convention in column.conventions})
    return _measured(prepared.given, prepared.reference, wanted, models)


def _measured(picture: np.ndarray, reference: np.ndarray | None, wanted: Sequence[Column], models: Models) -> Row:
    """The figures of a result, uint8 (H, W, 3), in some columns; what is the same in both conventions is measured once."""
    row = Row()
    for convention in dict.fromkeys(column.conventions[0] for column in wanted):
        here = [column for column in wanted if column.conventions[0] == convention]
        found = figures(picture, reference, [column.metric for column in here], convention, models)
        for column in here:
            for name in (_name(column, one) for one in column.conventions):
                row.values[name] = found[column.metric].value
                if found[column.metric].why_not:
                    row.why_not[name] = found[column.metric].why_not
    return row


def _refuse_another_checkpoint(event: Finished, job: Job) -> None:
    """A checkpoint that was replaced during the run may not share a mean with the one before."""
    if event.checkpoint_sha and not job.checkpoints[event.method].startswith(event.checkpoint_sha):
        raise BenchmarkError(f"{event.checkpoint} was replaced while the benchmark ran: start it again.")


def mean(scored: Sequence[Scored]) -> dict[str, dict[str, float | None]]:
    """Method -> key of a column -> mean over all pictures; None where any picture has no finite value."""
    methods = {name: None for one in scored for name in one.values}
    result = {}
    for name in methods:
        rows = [one.values.get(name, {}) for one in scored]
        keys = {key: None for row in rows for key in row}
        result[name] = {}
        for key in keys:
            column = [row.get(key) for row in rows]
            whole = all(value is not None and math.isfinite(value) for value in column)
            result[name][key] = sum(column) / len(column) if whole else None
    return result
