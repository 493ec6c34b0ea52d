"""The page's address: `?picture=astronaut&blur=gaussian:sigma=2&methods=bicubic,srgan` leads back to a comparison."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from lab.degrade import Degradation, DegradationError, parse
from lab.methods import METHODS, SEVEN
from lab.ui.pictures import FIRST, PICTURES

DEFAULT_BLUR = "x4-bicubic"
BLURRED = {"blurred": "same", "blurred-x4": "x4"}
"""Words in place of a degradation, for a picture that is blurred already, and the output size they stand for."""


@dataclass(frozen=True)
class Address:
    """What an address says, with the defaults filled in."""

    picture: str
    degradation: Degradation | None
    output: str
    methods: tuple[str, ...]
    complaints: list[str] = field(default_factory=list)
    """One sentence for everything that could not be understood and was left at its default."""


def read(query: Mapping[str, str]) -> Address:
    """Read a query string that anybody may have written; what is not understood becomes a complaint, never an error."""
    complaints = []
    picture = query.get("picture") or FIRST
    if picture not in PICTURES:
        complaints.append(f"There is no example called '{picture[:40]}': showing {PICTURES[FIRST].title} instead.")
        picture = FIRST

    blur = query.get("blur") or DEFAULT_BLUR
    degradation, output = None, BLURRED.get(blur, "same")
    if blur not in BLURRED:
        try:
            degradation = parse(blur)
        except DegradationError as error:
            complaints.append(f"The blur in the address was ignored: {str(error)[:200]}")
            degradation = parse(DEFAULT_BLUR)

    asked = [key for key in (query.get("methods") or "").split(",") if key]
    if unknown := [key for key in asked if key not in METHODS]:
        complaints.append(f"The address names methods the lab does not have: {', '.join(unknown)[:80]}.")
    known = tuple(key for key in METHODS if key in asked)
    return Address(picture, degradation, output, known or SEVEN, complaints)


def write(picture: str | None, degradation: Degradation | None, output: str, methods: tuple[str, ...]) -> str:
    """The query string of a comparison; a visitor's own picture (None) has no place in an address and is left out."""
    blur = str(degradation) if degradation else "blurred-x4" if output == "x4" else "blurred"
    parts = {"picture": picture, "blur": blur, "methods": ",".join(methods)}
    return "?" + urlencode({key: value for key, value in parts.items() if value}, safe=":=,", quote_via=quote)
