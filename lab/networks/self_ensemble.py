"""Geometric self-ensemble: the mean of a network's results for a picture rotated and flipped in eight ways."""

from collections.abc import Callable

import torch
from torch import Tensor


def self_ensemble(network: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Mean of a network's results for the four rotations of a picture and of its mirror image, each rotated and flipped back.

    What the network gets wrong in a different way each time is averaged out, for eight times the work and no training. Timofte,
    Rothe and Van Gool (2016, "Seven ways to improve example-based single image super resolution", enhanced prediction); its
    name is of Lim et al. (2017, EDSR). It is for pixel errors: a mean of eight textures is softer than each.

    Args:
        network: (N, C, h, w) to (N, D, s * h, s * w), for any h and w it may be given: half the passes swap them.
        x: (N, C, h, w).

    Returns:
        (N, D, s * h, s * w).
    """
    total: Tensor | None = None
    for flipped in (False, True):
        for quarters in range(4):
            rotated = torch.rot90(x.flip(3) if flipped else x, quarters, (2, 3)).contiguous()
            back = torch.rot90(network(rotated), -quarters, (2, 3))
            back = back.flip(3) if flipped else back
            total = back if total is None else total + back
    return total / 8
