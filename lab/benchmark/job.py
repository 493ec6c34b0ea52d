"""What a benchmark is asked to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from lab import methods as catalogue
from lab.benchmark.columns import Column, columns
from lab.benchmark.pictures import Sharp
from lab.cards import read_card
from lab.degrade import Degradation, shaken
from lab.digests import sha256
from lab.metrics.models import Models, current


@dataclass(frozen=True)
class Job:
    """What is done to every picture, and what is measured of it."""

    methods: Sequence[str]
    """Keys of the catalogue."""
    degradation: Degradation
    metrics: Sequence[str] = ("psnr", "ssim")
    """Keys of lab.metrics.EVERY_METRIC; NIQE, Ma, PI and LPIPS take longer than a small network does."""
    conventions: Sequence[str] = ("sr", "rgb")
    """`sr` (luma, border 4), `rgb` (all channels, no border); columns of the first have the plain names."""
    second: Sequence[str] | None = None
    """Which of the metrics are measured in the second convention too; all where None."""
    weights: Mapping[str, Path] = field(default_factory=dict)
    """Weights files in place of the shipped ones, by method."""
    device: str = "auto"
    models: Models = field(default_factory=current)
    """What NIQE, Ma and LPIPS run on, for all pictures."""
    seed_by_picture: bool = False
    """Whether each picture is degraded with a seed of its own (see `degradation_of`), as no two photographs are shaken alike:
    a mean is then one over camera paths, too."""

    def degradation_of(self, picture: Sharp) -> Degradation:
        """What is done to a picture: the degradation; with `seed_by_picture`, its seed plus the picture's place in its folder.

        The place is one in the whole folder, so a picture is degraded alike whichever others are measured.
        """
        if not self.seed_by_picture:
            return self.degradation
        return shaken(self.degradation, picture.place)

    @property
    def degradation_text(self) -> str:
        """The degradation's text form, and whether each picture has a seed of its own."""
        return str(self.degradation) + (", a seed of its own for each picture" if self.seed_by_picture else "")

    @cached_property
    def columns(self) -> list[Column]:
        """What is measured."""
        return columns(self.metrics, self.conventions, self.second)

    @cached_property
    def checkpoints(self) -> dict[str, str]:
        """Method -> SHA-256 of its weights file, read once; empty where it has none.

        Raises:
            UnknownMethodError: a key that is not in the catalogue.
            OSError: a weights file that cannot be read.
        """
        return {key: sha256(path) if path else "" for key, path in self._paths.items()}

    @cached_property
    def cards(self) -> dict[str, dict[str, Any]]:
        """Method -> its weights' card, read once; empty where it has none.

        Raises:
            UnknownMethodError: a key that is not in the catalogue.
            CardError: a card that cannot be read.
        """
        return {key: (read_card(path) if path else None) or {} for key, path in self._paths.items()}

    @cached_property
    def _paths(self) -> dict[str, Path | None]:
        """Method -> its weights file."""
        return {key: self.weights.get(key) or catalogue.checkpoint(key) for key in self.methods}
