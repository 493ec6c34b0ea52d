"""Folders of sharp pictures, methods and a degradation: figures of every picture and their means, as papers report them.

`run` does all of it; `score` is the stream it reads, `Report` what comes out.
"""

from lab.benchmark.job import Job
from lab.benchmark.pictures import ENDINGS, BenchmarkError, Sharp, collect, pictures_in
from lab.benchmark.report import Report
from lab.benchmark.running import run
from lab.benchmark.scoring import Scored, Skipped, mean, score

__all__ = [
    "ENDINGS", "BenchmarkError", "Job", "Report", "Scored", "Sharp", "Skipped", "collect", "mean", "pictures_in", "run", "score",
]  # fmt: skip
