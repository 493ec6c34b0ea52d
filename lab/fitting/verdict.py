"""What the checks of the lab's own models come to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """One thing that should hold, and whether it does."""

    text: str
    holds: bool
