"""Geometric self-ensemble: a network's mean opinion of a picture's eight turned and mirrored versions."""

from collections.abc import Callable

import torch
from torch import Tensor


def self_ensemble(network: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Mean of what a network makes of the four turns of a picture and of its mirror image, each turned back again.

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
    for mirrored in (False, True):
        for quarters in range(4):
            turned = torch.rot90(x.flip(3) if mirrored else x, quarters, (2, 3)).contiguous()
            back = torch.rot90(network(turned), -quarters, (2, 3))
            back = back.flip(3) if mirrored else back
            total = back if total is None else total + back
    return total / 8
