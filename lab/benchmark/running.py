"""A whole benchmark: the pictures shared out among processes, scored, gathered, and written down."""

from collections.abc import Callable, Sequence
from pathlib import Path

from lab.benchmark.job import Job
from lab.benchmark.pictures import BenchmarkError, collect
from lab.benchmark.processes import Processes
from lab.benchmark.records import Records
from lab.benchmark.report import Report
from lab.benchmark.scoring import Scored, Skipped, score

Progress = Callable[[Scored | Skipped, int, int], None]
"""Told what came out of a picture, which of this process's pictures it was (from 1), and how many this process has."""


def run(
    folders: Sequence[Path],
    job: Job,
    records: Path | None = None,
    progress: Progress | None = None,
    at_most: int | None = None,
) -> Report | None:
    """Score the pictures of all folders.

    Args:
        folders: each of sharp pictures, each a set with means of its own.
        job: what to do.
        records: folder that keeps what was measured: a run that was ended goes on where it was, and one that asks for more
            measures what is missing.
        progress: see `Progress`.
        at_most: how many pictures of each folder, spread evenly over it; all where None.

    Returns:
        What came out; None in all processes but the first.

    Raises:
        BenchmarkError: no pictures, or none that can be read.
        OSError: the folder of records cannot be written to.
        LabError: see `score`.
    """
    pictures = collect(folders, at_most)
    processes = Processes(cpu=job.device == "cpu")
    kept = Records(records, processes.number)
    share, mine = processes.share(pictures), []
    try:
        for one in score(share, job, kept):
            mine.append(one)
            if progress:
                progress(one, len(mine), len(share))
    finally:
        kept.close()
    place = {picture: i for i, picture in enumerate(pictures)}
    found = sorted(processes.gather(mine), key=lambda one: place[one.picture])
    if not processes.is_main:
        return None
    report = Report(job, [one for one in found if isinstance(one, Scored)], [one for one in found if isinstance(one, Skipped)])
    if not report.scored:
        raise BenchmarkError("none of the pictures can be used.")
    return report
