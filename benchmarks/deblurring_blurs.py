"""The blurs of benchmarks/deblurring.py, as deblurring.yaml names them."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from lab.benchmark import BenchmarkError
from lab.degrade import KINDS, Degradation


@dataclass(frozen=True)
class Blur:
    """One kind of blur, and how strong it is made."""

    kind: str
    degradations: tuple[Degradation, ...]
    """From weak to strong."""
    seed_by_picture: bool


def read_blurs(path: Path) -> list[Blur]:
    """The blurs that a file such as deblurring.yaml names.

    Raises:
        BenchmarkError: it is laid out in another way; lab.degrade.DegradationError: an unknown kind, or a strength out of range.
        OSError: it cannot be read.
    """
    wanted = (
        f"{path.name} must say `blurs: {{KIND: {{strengths: [a, b], seed_by_picture: true or false}}}}`, as deblurring.yaml does"
    )
    try:
        blurs = yaml.safe_load(path.read_text(encoding="utf-8"))["blurs"]
        entries = [(kind, entry["strengths"], entry.get("seed_by_picture", False)) for kind, entry in blurs.items()]
        unknown = [str(word) for entry in blurs.values() for word in entry.keys() - {"strengths", "seed_by_picture"}]
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        raise BenchmarkError(f"{wanted}.") from None
    if unknown:
        raise BenchmarkError(f"{wanted}: it knows no {', '.join(unknown)}.")
    result = []
    for kind, strengths, seeded in entries:
        numbers = isinstance(strengths, list) and strengths and all(type(one) in (int, float) for one in strengths)
        if not numbers or not isinstance(seeded, bool):
            raise BenchmarkError(f"{wanted}: what it says of {kind} is not so.")
        if kind in KINDS and KINDS[kind].parameter is None:
            raise BenchmarkError(f"{path.name} names {kind}, which changes the size: only blurs can be measured here.")
        result.append(Blur(kind, tuple(Degradation(kind, one) for one in sorted(set(strengths))), seeded))
    if not result:
        raise BenchmarkError(f"{wanted}.")
    return result
