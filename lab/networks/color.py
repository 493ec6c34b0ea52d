"""RGB and BT.601 luma and chroma, for the networks that work on luma alone."""

from __future__ import annotations

import torch
from torch import Tensor

# ITU-R BT.601 in studio range on [0, 1] pictures, as MATLAB's rgb2ycbcr: Y in [16/255, 235/255].
TO_YCBCR = ((65.481, 128.553, 24.966), (-37.797, -74.203, 112.0), (112.0, -93.786, -18.214))
OFFSET = (16.0, 128.0, 128.0)


def mixed(matrix: Tensor, picture: Tensor) -> Tensor:
    """Apply a (3, 3) matrix to the channels of (N, 3, H, W). Not a matrix product: autocast would round those."""
    return (matrix.view(1, 3, 3, 1, 1) * picture.unsqueeze(1)).sum(2)


def rgb_to_ycbcr(rgb: Tensor) -> Tensor:
    """RGB [0, 1] (N, 3, H, W) to Y, Cb, Cr (N, 3, H, W): Y in [16/255, 235/255], Cb and Cr in [16/255, 240/255]."""
    return mixed(rgb.new_tensor(TO_YCBCR) / 255, rgb) + rgb.new_tensor(OFFSET).view(1, 3, 1, 1) / 255


def ycbcr_to_rgb(ycbcr: Tensor) -> Tensor:
    """The exact inverse of `rgb_to_ycbcr`; unclamped."""
    inverse = torch.linalg.inv(torch.tensor(TO_YCBCR, dtype=torch.float64) / 255).to(ycbcr)
    return mixed(inverse, ycbcr - ycbcr.new_tensor(OFFSET).view(1, 3, 1, 1) / 255)
