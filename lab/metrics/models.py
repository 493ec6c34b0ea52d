"""Which model NIQE, Ma and LPIPS run on: the official file where it was fetched, else the lab's own from checkpoints/.

Nothing is downloaded here. Figures of one table must come from one choice of models, since an official file may arrive at any
moment: take `current()` once, and hand it to every measurement.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lab import official
from lab.errors import LabError

CHECKPOINTS = Path(__file__).parent.parent.parent / "checkpoints"
OFFICIAL, LAB = "official", "lab"
LPIPS_LAB = ("features.safetensors", "lpips.safetensors")
FETCHED_AS = {"niqe": "niqe", "ma": "ma", "lpips": "alexnet"}
"""Metrics that run on a model, and the key of its official file."""
MADE_BY = {
    "niqe": "metrics fit-niqe FOLDER",
    "ma": "metrics train-ma FOLDER --benchmark FOLDER",
    "lpips": "metrics fit-lpips FOLDER",
}
"""The command that makes the lab's own model."""
_NAMES = {"niqe": "NIQE", "ma": "Ma", "lpips": "LPIPS"}


class NoModelError(LabError):
    """A metric has no model to run on; its text is the sentence to show."""


@dataclass(frozen=True)
class Source:
    """Where a model is read from."""

    paths: tuple[Path, ...]
    """One file; two for LPIPS-lab: its feature network and its layer weights."""
    variant: str
    """OFFICIAL or LAB."""

    @property
    def stamp(self) -> tuple:
        """What changes when a file does."""
        return (self.variant, *((path, path.stat().st_size, path.stat().st_mtime_ns) for path in self.paths))


@dataclass(frozen=True)
class Models:
    """One choice of models: for each metric the one in use, and the lab's own; None where there is none."""

    niqe: Source | None
    ma: Source | None
    lpips: Source | None
    niqe_lab: Source | None
    ma_lab: Source | None
    lpips_lab: Source | None

    @property
    def pi(self) -> tuple[Source | None, Source | None]:
        """NIQE's and Ma's models for PI: both official, or both the lab's own, never one of each."""
        parts = (self.niqe, self.ma)
        return parts if all(part and part.variant == OFFICIAL for part in parts) else (self.niqe_lab, self.ma_lab)

    @property
    def mixed(self) -> str:
        """Why there is no PI though NIQE and Ma both have a model, as a sentence; empty where that is not so."""
        if all(self.pi) or not (self.niqe and self.ma):
            return ""
        lacking = "ma" if self.niqe.variant == OFFICIAL else "niqe"
        have = "the official NIQE and Ma-lab" if lacking == "ma" else "NIQE-lab and the official Ma"
        fetch = f"run python -m lab weights fetch {FETCHED_AS[lacking]}"
        return f"PI needs NIQE and Ma both official or both the lab's own; here are {have}: {fetch}."

    def variant(self, key: str) -> str:
        """OFFICIAL or LAB for a metric that runs on a model; empty for the others, and where there is no model."""
        if key == "pi":
            return self.pi[0].variant if all(self.pi) else ""
        source = getattr(self, key) if key in FETCHED_AS else None
        return source.variant if source else ""

    @cached_property
    def digest(self) -> str:
        """Different whenever any model's file is, so that no result kept under it outlives its models."""
        own = [_stamp(source) for source in (self.niqe_lab, self.ma_lab)]  # of PI-lab; no figure is of lpips_lab beside lpips
        used = [
            # where a SHA-256 is documented the file was checked against it: any copy of it is the same model
            OFFICIAL if source and source.variant == OFFICIAL and official.OFFICIAL[file].sha256 else _stamp(source)
            for source, file in zip((self.niqe, self.ma, self.lpips), FETCHED_AS.values(), strict=True)
        ]
        return hashlib.sha256(repr((used, own, flip_installed())).encode()).hexdigest()[:16]


def _stamp(source: Source | None) -> tuple:
    return source.stamp if source else ()


def _shipped(*names: str) -> Source | None:
    """The lab's own model, if all its files are there."""
    paths = tuple(CHECKPOINTS / name for name in names)
    return Source(paths, LAB) if all(path.is_file() for path in paths) else None


def _fetched(path: Path | None) -> Source | None:
    """An official model, if its file was fetched."""
    return Source((path,), OFFICIAL) if path else None


def current() -> Models:
    """The models there are at this moment; quick enough to ask before every comparison."""
    from lab.metrics.lpips import official_file

    niqe, ma = _shipped("niqe.safetensors"), _shipped("ma.safetensors")
    lpips, lpips_lab = _fetched(official_file()) if find_spec("lpips") else None, _shipped(*LPIPS_LAB)
    return Models(
        niqe=_fetched(official.found("niqe")) or niqe,
        ma=_fetched(official.found("ma")) or ma,
        lpips=lpips or lpips_lab,
        niqe_lab=niqe,
        ma_lab=ma,
        lpips_lab=lpips_lab,
    )


def with_niqe_parameters(models: Models, file: Path) -> Models:
    """The same models, NIQE's parameters taken from a file in the authors' layout or in the lab's.

    Only the authors' own file, known by its hash, makes figures that go by the official names.

    Raises:
        LabError: it is not there, or cannot be read.
    """
    from lab.metrics.niqe import NiqeError

    if not file.is_file():
        raise NiqeError(f"there is no file {file}: name one with NIQE's parameters.")
    source = Source((file,), LAB if official.fault("niqe", file) else OFFICIAL)
    niqe_model(source)
    return replace(models, niqe=source, niqe_lab=source if source.variant == LAB else models.niqe_lab)


def own(models: Models, *metrics: str) -> Models:
    """The same choice with the lab's own models of these metrics, whatever was fetched: what checks of the lab's models run on.

    Raises:
        NoModelError: the lab has no model of one of them.
    """
    sources = {metric: getattr(models, f"{metric}_lab") for metric in metrics}
    for metric, source in sources.items():
        if source is None:
            raise NoModelError(f"There is no {_NAMES[metric]}-lab here to check: run python -m lab {MADE_BY[metric]}.")
    return replace(models, **sources)


def flip_installed() -> bool:
    """Whether the optional package that measures FLIP is there."""
    return find_spec("flip_evaluator") is not None


def _needed(metric: str, source: Source | None) -> Source:
    if source is None:
        fetch, make = f"weights fetch {FETCHED_AS[metric]}", MADE_BY[metric]
        raise NoModelError(f"{_NAMES[metric]} has no model here: run python -m lab {fetch}, or python -m lab {make}.")
    return source


def niqe_model(source: Source | None) -> Any:
    """NIQE's model, a lab.metrics.niqe.NiqeModel; kept in memory until the file changes.

    Raises:
        LabError: there is none, or it cannot be read.
    """
    return _read_niqe(_needed("niqe", source), source.stamp)


def ma_model(source: Source | None) -> Any:
    """Ma's model, a lab.metrics.ma.MaModel; kept in memory until the file changes.

    Raises:
        LabError: there is none, or it cannot be read.
    """
    return _read_ma(_needed("ma", source), source.stamp)


def lpips_model(source: Source | None) -> Any:
    """LPIPS's model, with `distance` and `distance_map`; kept in memory until a file changes.

    Raises:
        LabError: there is none, or it cannot be read.
    """
    return _read_lpips(_needed("lpips", source), source.stamp)


@lru_cache(maxsize=4)
def _read_niqe(source: Source, stamp: tuple) -> Any:
    from lab.metrics import niqe

    (path,) = source.paths
    # one's own parameters may come in either layout: a safetensors file begins with eight bytes of length and a brace
    with path.open("rb") as file:
        safetensors = path.suffix.lower() == ".safetensors" or file.read(9)[8:] == b"{"
    return (niqe.read_lab if safetensors else niqe.read_official)(path)


@lru_cache(maxsize=2)
def _read_ma(source: Source, stamp: tuple) -> Any:
    from lab.metrics import ma

    return (ma.read_official if source.variant == OFFICIAL else ma.read_lab)(*source.paths)


@lru_cache(maxsize=2)
def _read_lpips(source: Source, stamp: tuple) -> Any:
    from lab.metrics.lpips import official as official_lpips
    from lab.metrics.lpips_lab import lab as lab_lpips

    return (official_lpips if source.variant == OFFICIAL else lab_lpips)(*source.paths)
