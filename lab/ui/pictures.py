"""The pictures of the page: the examples by key, the first one being what the page opens with, and how large one may be."""

from collections.abc import Iterator
from contextlib import contextmanager

from lab import images
from lab.examples import EXAMPLES
from lab.images import TooManyPixelsError

PICTURES = {example.key: example for example in EXAMPLES}
FIRST = EXAMPLES[0].key

MAX_PIXELS = 12_000_000
"""In and out. All visitors share one machine and one store: a method takes seconds a megapixel, during which everybody else
waits, and the files of one pane of this size take up to 100 MB. It is also what most cameras in phones make."""


@contextmanager
def limit_explained() -> Iterator[None]:
    """Add to a refusal by MAX_PIXELS where larger pictures are taken."""
    try:
        yield
    except TooManyPixelsError as error:
        limit = f"{images.MAX_PIXELS / 1e6:g}"
        raise TooManyPixelsError(f"{error} The command line takes up to {limit} megapixels: python -m lab compare.") from None
