"""The command line: python -m lab methods | compare | benchmark | ablation | ablation-losses | gallery | score | weights |
metrics | train | tape | pack | queue."""

from lab.cli import comparing, benchmarking, ablation, loss_ablation, gallery, scoring, weights, fitting, training  # noqa: F401, I001  each adds its commands, in the order of --help
from lab.cli.program import app

__all__ = ["app"]
