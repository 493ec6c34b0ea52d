"""Reading and renaming the keys of a state dict; what every layout needs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from lab.errors import LabError

State = dict[str, Tensor]


class WeightsError(LabError):
    """A weights file that cannot be used. Its text is the sentence for the visitor."""


@dataclass(frozen=True)
class Found:
    """A recognised state dict, translated to the lab's own network."""

    layout: str
    """Whose arrangement of keys it is, in words."""
    name: str
    """The network, as `lab.networks.build` takes it."""
    arguments: dict[str, Any]
    """Its arguments, inferred from the shapes."""
    state: State
    """The tensors under the lab's own keys."""
    note: str = ""
    """What the file could not tell, or what was decided about it."""
    aliases: frozenset[str] = field(default_factory=frozenset)
    """Keys of the file that repeat a tensor stored under another key."""


def sample(state: State, count: int = 3) -> str:
    """The first keys with their shapes, for sentences: "conv1.weight (64, 1, 9, 9), ..."."""
    shown = ", ".join(f"{key} {tuple(state[key].shape)}" for key in list(state)[:count])
    return f"{shown}, ..." if len(state) > count else shown


def numbered(state: State, pattern: str) -> list[int]:
    """The numbers, ascending, that the one group of `pattern` matches in whole keys."""
    return sorted({int(match[1]) for key in state if (match := re.fullmatch(pattern, key))})


def renamed(state: State, rules: Sequence[tuple[str, str]], layout: str) -> State:
    """Give every key its new name by the first (pattern, replacement) that matches it whole.

    Raises:
        WeightsError: a key matches no rule, or two keys come out alike.
    """
    result: State = {}
    for key, tensor in state.items():
        for pattern, replacement in rules:
            match = re.fullmatch(pattern, key)
            if match:
                name = match.expand(replacement)
                if name in result:
                    raise WeightsError(f"This looks like {layout}, but {key} and another key hold the same layer.")
                result[name] = tensor
                break
        else:
            raise WeightsError(
                f"This looks like {layout}, but its key {key} {tuple(tensor.shape)} does not belong there."
            )
    return result


def without(state: State, *endings: str) -> State:
    """The state dict without the keys that end in one of `endings`."""
    return {key: tensor for key, tensor in state.items() if not key.endswith(endings)}


def after_trunk(state: State) -> list[int]:
    """The numbers of the convolutions `model.N` after the trunk `model.1`: the enlargement steps, then two more.

    Raises:
        WeightsError: there are fewer than those two.
    """
    numbers = [number for number in numbered(state, r"model\.(\d+)\.weight") if number > 1]
    if len(numbers) < 2:
        raise WeightsError("It looks cut short: after the trunk model.1 at least two convolutions should follow.")
    return numbers


def rgb(state: State, first: str, last: str, channels: Sequence[int] = (3,)) -> bool:
    """Whether the weights `first` take one of `channels` channels and `last` gives three."""
    return (
        first in state
        and last in state
        and state[first].ndim == 4
        and state[first].shape[1] in channels
        and state[last].shape[0] == 3
    )
