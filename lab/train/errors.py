"""Errors of training that are meant for people."""

import math

from lab.errors import LabError


class TrainingError(LabError):
    """A run that cannot start or go on; its text is the sentence to show."""


class Stopped(TrainingError):
    """A run that was asked to stop, with its state saved; its text says how to go on."""


def check_finite(value: float, step: int) -> None:
    """Raise TrainingError where a loss or a result has left the finite numbers."""
    if not math.isfinite(value):
        raise TrainingError(f"training diverged by step {step}: lower the recipe's learning rate and start anew.")
