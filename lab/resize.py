"""Bicubic resizing as MATLAB's imresize does it: the one bicubic of the whole lab.

The published x4 figures all start from MATLAB's bicubic. PyTorch's antialiased interpolation uses the same kernel but another
rule at the border, OpenCV another kernel and no antialiasing; mixing them costs tenths of a decibel.
"""

from functools import lru_cache

import torch
from torch import Tensor


def _cubic(x: Tensor) -> Tensor:
    """Keys' cubic kernel with a = -0.5 (Keys 1981, eq. 15); x in samples, zero outside |x| < 2."""
    ax = x.abs()
    near = 1.5 * ax**3 - 2.5 * ax**2 + 1
    far = -0.5 * ax**3 + 2.5 * ax**2 - 4 * ax + 2
    return torch.where(ax <= 1, near, torch.where(ax < 2, far, torch.zeros_like(ax)))


@lru_cache(maxsize=256)
def _taps(length: int, target: int) -> tuple[Tensor, Tensor]:
    """Which samples each resized sample is made of, and their weights: two (target, taps) tensors, int64 and float64.

    Shrinking widens the kernel by the factor (antialiasing); taps beyond the border are mirrored with the edge sample repeated.
    """
    scale = target / length
    stretch = min(scale, 1.0)
    reach = 4 / stretch
    centre = (torch.arange(target, dtype=torch.float64) + 0.5) / scale - 0.5
    first = torch.floor(centre - reach / 2) + 1
    taps = first[:, None] + torch.arange(int(reach) + 2, dtype=torch.float64)[None, :]
    weight = stretch * _cubic(stretch * (centre[:, None] - taps))
    weight = weight / weight.sum(dim=1, keepdim=True)
    index = taps.long() % (2 * length)
    return torch.where(index < length, index, 2 * length - 1 - index), weight


def _resize_last_axis(x: Tensor, target: int) -> Tensor:
    """Resize the last axis, one tap at a time: memory and work grow with the picture, not with its side squared."""
    index, weight = _taps(x.shape[-1], target)
    index, weight = index.to(x.device), weight.to(x)
    total = x.index_select(-1, index[:, 0]) * weight[:, 0]
    for tap in range(1, index.shape[1]):
        total = total + x.index_select(-1, index[:, tap]) * weight[:, tap]
    return total


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize pictures to an exact size with antialiased bicubic interpolation (a = -0.5, MATLAB's imresize).

    Args:
        x: (N, C, H, W), any range; float of any precision. Not clipped: overshoot beyond the input's range is kept.
        size: (h, w) of the result, both at least 1.

    Returns:
        (N, C, h, w) in the dtype of `x`. Differentiable.

    Raises:
        ValueError: when the target has no pixels.
    """
    height, width = size
    if height < 1 or width < 1:
        raise ValueError(f"cannot resize to {width}x{height}: both sides must be at least one pixel")
    kind = torch.promote_types(x.dtype, torch.float32)  # half precision is too coarse for the weights' sums
    rows = _resize_last_axis(x.to(kind).transpose(-1, -2), height)
    return _resize_last_axis(rows.transpose(-1, -2), width).to(x.dtype)


def downscale(x: Tensor, factor: int) -> Tensor:
    """Shrink (N, C, H, W) by a whole factor; the size is rounded up, as imresize does: (N, C, ceil(H/f), ceil(W/f))."""
    height, width = x.shape[-2:]
    return resize(x, (-(-height // factor), -(-width // factor)))


def upscale(x: Tensor, factor: int) -> Tensor:
    """Enlarge (N, C, H, W) by a whole factor to (N, C, H*f, W*f)."""
    return resize(x, (x.shape[-2] * factor, x.shape[-1] * factor))
