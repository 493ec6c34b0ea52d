"""Whether the entries of a recipe are of the kinds they should be, so that a slip in a YAML file is said in its own words."""

import math
import re
from dataclasses import fields
from typing import Any, get_type_hints

from lab.errors import LabError


class RecipeError(LabError):
    """A recipe that cannot be followed; its text is the sentence to show."""


WORDS = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a finite number",
    float | None: "a finite number",
    str | None: "text",
    dict[str, Any]: "a mapping, as in {width: 64}",
    tuple[str, ...]: "a list of names, as in [conv5_4]",
    tuple[float, float]: "a list of two numbers, as in [0.9, 0.99]",
}


def check_kinds(where: str, entries: Any) -> None:
    """Raise RecipeError where a value of a dataclass is not of the kind that its field says, as far as WORDS has it."""
    kinds = get_type_hints(type(entries))
    for entry in fields(entries):
        value, kind = getattr(entries, entry.name), kinds[entry.name]
        if kind in WORDS and not _fits(value, kind):
            raise RecipeError(f"{where}: {entry.name} is {value!r}, but must be {WORDS[kind]}{_hint(value)}.")


def check_name(where: str, name: str) -> None:
    """Raise RecipeError for a name that cannot be a file's."""
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise RecipeError(f"{where} '{name}' may have letters, digits, '-', '_' and '.' alone.")


def check_betas(where: str, betas: tuple[float, float]) -> None:
    """Raise RecipeError for decays that Adam cannot have."""
    if not all(0 <= beta < 1 for beta in betas):
        raise RecipeError(f"{where}: betas must be from 0 to below 1.")


def entry(where: str, kind: type, given: Any) -> Any:
    """A dataclass from a mapping of the YAML file.

    Raises:
        RecipeError: it is no mapping, has an entry the dataclass does not know, or lacks one; and what the dataclass raises.
    """
    known = {field.name for field in fields(kind)} - {"hash", "values"}
    if not isinstance(given, dict):
        raise RecipeError(f"{where} is {given!r}, but must be a mapping of names to values.")
    if unknown := sorted(str(name) for name in given.keys() - known):
        raise RecipeError(f"{where} has no entry '{unknown[0]}': it takes {', '.join(sorted(known))}.")
    try:
        return kind(**given)
    except TypeError as error:  # an argument is missing
        raise RecipeError(f"{where} is not complete: {str(error).partition('__init__() ')[2] or error}.") from None


def several(where: str, kind: type, given: Any) -> tuple:
    """Dataclasses from a list of mappings of the YAML file; raises as `entry`."""
    if not isinstance(given, list | tuple):
        raise RecipeError(f"{where} must be a list of mappings, not {given!r}.")
    return tuple(entry(f"an entry of {where}", kind, one) for one in given)


def _fits(value: Any, kind: Any) -> bool:
    if value is None:
        return kind in (float | None, str | None)
    if kind == tuple[str, ...]:
        return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
    if kind == tuple[float, float]:
        return isinstance(value, list | tuple) and len(value) == 2 and all(_fits(one, float) for one in value)
    if kind == dict[str, Any]:
        return isinstance(value, dict)
    if kind in (str, str | None):
        return isinstance(value, str)
    if kind is bool:
        return isinstance(value, bool)
    if isinstance(value, bool):  # which Python counts among the whole numbers
        return False
    return isinstance(value, int) or (kind is not int and isinstance(value, float) and math.isfinite(value))


def _hint(value: Any) -> str:
    """YAML reads a number with an exponent as text unless it has a point and the exponent a sign."""
    found = re.fullmatch(r"(-?\d+)(\.\d*)?[eE]([+-]?\d+)", value) if isinstance(value, str) else None
    return f" (write {found[1]}{found[2] or '.0'}e{int(found[3]):+d})" if found else ""
