"""Keeping grids of single pixels out of what a network makes."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

KERNEL = (1 / 64, -6 / 64, 15 / 64, 44 / 64, 15 / 64, -6 / 64, 1 / 64)
"""Gain 1 - sin(w/2)^6 at the frequency w: 1 for what is smooth, 7/8 at half the Nyquist frequency, 0 at the Nyquist frequency."""


def without_grid(x: Tensor) -> Tensor:
    """Take out of each channel of (N, C, H, W) what alternates from pixel to pixel.

    Enlarging layers compute neighbouring pixels by different filters, and wherever these do not agree there is a
    checkerboard; what of it has a period of 2 pixels a fixed low-pass kernel after them takes out for certain, while longer
    periods pass and are left to the lattice loss (Sugawara, Shiota and Kiya 2018,
    "Super-Resolution Using Convolutional Neural Networks without Any Checkerboard Artifacts"). Their kernel is a box of
    2x2; this one does not shift the picture and spares more of its detail. The borders are continued by their own pixels.
    """
    channels = x.shape[1]
    kernel = x.new_tensor(KERNEL).expand(channels, 1, 1, -1)
    x = F.conv2d(F.pad(x, (3, 3, 3, 3), mode="replicate"), kernel, groups=channels)
    return F.conv2d(x, kernel.transpose(2, 3), groups=channels)
