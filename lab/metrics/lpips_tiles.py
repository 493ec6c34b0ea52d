"""Tiles for networks that look at a picture: pieces whose features, put side by side, are those of the whole picture."""

import itertools


def spans(length: int, core: int, halo: int, step: int) -> list[tuple[int, int, int, int]]:
    """Cut a side into cores: (start, end, start of what is read, end of what is read), in pixels.

    Args:
        length: of the side.
        core: the longest a core may be (about: cuts lie on multiples of `step`).
        halo: pixels beyond a core that its features look at; a multiple of `step`.
        step: the stride of the network's deepest layer, so that every tile is in phase with the whole picture.
    """
    count = -(-length // core)
    edges = [0, *(round(i * length / count / step) * step for i in range(1, count)), length]
    return [(a, b, max(0, a - halo), min(length, b + halo)) for a, b in itertools.pairwise(edges)]
