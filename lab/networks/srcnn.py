"""SRCNN: Dong, Loy, He, Tang, "Image Super-Resolution Using Deep Convolutional Networks" (IEEE TPAMI
2016, with 9-3-5 and 9-5-5; first at ECCV 2014, with 9-1-5)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SRCNN(nn.Module):
    """Three convolutions that sharpen a picture already enlarged with bicubic interpolation; luma only.

    Args:
        middle: kernel size of the second layer: 1, 3 or 5 give the paper's 9-1-5, 9-3-5 and 9-5-5 networks
            (8,129 parameters for 1, 57,281 for 5).
        padding: what lies beyond the border: "replicate" as the authors' test code, "zeros" as most PyTorch ports.
        scale: the enlargement it was trained for; the layers do not depend on it, the adapter's bicubic step does.

    Initialised at PyTorch's default, as yjn870's port. The paper's N(0, 0.001^2) needs its very long training: three
    such layers in a row begin at almost 0 and stay on that plateau for hundreds of Adam's steps.

    Raises:
        ValueError: `middle` is not 1, 3 or 5.
    """

    colour = "enlarged-luma"

    def __init__(self, middle: int = 5, padding: str = "replicate", scale: int = 4) -> None:
        super().__init__()
        if middle not in (1, 3, 5):
            raise ValueError(f"SRCNN's second layer is 1, 3 or 5 wide, not {middle}.")
        self.scale = scale
        self.extract = nn.Conv2d(1, 64, 9, padding=4, padding_mode=padding)
        self.map = nn.Conv2d(64, 32, middle, padding=middle // 2, padding_mode=padding)
        self.rebuild = nn.Conv2d(32, 1, 5, padding=2, padding_mode=padding)

    def forward(self, y: Tensor) -> Tensor:
        """Map enlarged luma (N, 1, H, W), BT.601 in [16/255, 235/255], to sharp luma of the same shape; unclamped."""
        return self.rebuild(torch.relu(self.map(torch.relu(self.extract(y)))))
