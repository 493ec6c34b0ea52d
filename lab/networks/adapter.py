"""One face for all networks: RGB in [0, 1] in, RGB in [0, 1] out, any size."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lab.networks.color import rgb_to_ycbcr, ycbcr_to_rgb
from lab.networks.self_ensemble import self_ensemble
from lab.resize import resize


def reflected(length: int, target: int, device: torch.device) -> Tensor:
    """Indices that extend `length` pixels to `target` by reflection without repeating the border, however far."""
    index = torch.arange(target, device=device)
    if length == 1:
        return torch.zeros_like(index)
    period = 2 * (length - 1)
    index = index % period
    return torch.where(index < length, index, period - index)


def pad(x: Tensor, multiple: int, smallest: int) -> Tensor:
    """Extend (N, C, H, W) to the right and below to multiples of `multiple`, at least `smallest`, by reflection."""
    height, width = (-(-max(side, smallest) // multiple) * multiple for side in x.shape[-2:])
    if (height, width) == tuple(x.shape[-2:]):
        return x
    x = x.index_select(2, reflected(x.shape[2], height, x.device))
    return x.index_select(3, reflected(x.shape[3], width, x.device))


class RGBNetwork(nn.Module):
    """A network behind the lab's one interface.

    Attributes:
        network: the plain network. It says what it needs: `scale`; `value_range` when that is not (0, 1);
            `colour` "luma" or "enlarged-luma" when it does not take RGB; `multiple` and `smallest` for its sides; `self_ensemble`
            when in eval mode the mean of eight passes is wanted (lab.networks.self_ensemble); of RGB networks alone.
        name, arguments: what `lab.networks.build` takes to make it again; arguments are JSON values.
        scale: how much larger the result is: 1 for same-size networks.
    """

    def __init__(self, network: nn.Module, name: str, arguments: dict[str, Any]) -> None:
        super().__init__()
        self.network = network
        self.name = name
        self.arguments = arguments
        self.scale: int = network.scale
        self.colour: str = getattr(network, "colour", "rgb")
        self.value_range: tuple[float, float] = getattr(network, "value_range", (0.0, 1.0))
        self.multiple: int = getattr(network, "multiple", 1)
        self.smallest: int = getattr(network, "smallest", 1)
        self.self_ensemble: bool = getattr(network, "self_ensemble", False)

    def forward(self, x: Tensor) -> Tensor:
        """Restore RGB [0, 1] (N, 3, h, w): RGB (N, 3, h * scale, w * scale), any h and w from 1 on.

        In eval mode the result is clamped to [0, 1]. In training mode it is not, so that gradients pass.
        """
        height, width = x.shape[-2:]
        out = self._luma(x) if self.colour != "rgb" else self._rgb(pad(x, self.multiple, self.smallest))
        out = out[..., : height * self.scale, : width * self.scale]
        return out if self.training else out.clamp(0, 1)

    def _rgb(self, x: Tensor) -> Tensor:
        low, high = self.value_range
        if (low, high) != (0.0, 1.0):
            x = x * (high - low) + low
        out = self_ensemble(self.network, x) if self.self_ensemble and not self.training else self.network(x)
        return out if (low, high) == (0.0, 1.0) else (out - low) / (high - low)

    def _luma(self, x: Tensor) -> Tensor:
        enlarged = rgb_to_ycbcr(resize(x, (x.shape[2] * self.scale, x.shape[3] * self.scale)))
        given = enlarged[:, :1] if self.colour == "enlarged-luma" else rgb_to_ycbcr(x)[:, :1]
        luma = self.network(given)
        if not self.training:
            luma = luma.clamp(0, 1)
        return ycbcr_to_rgb(torch.cat([luma, enlarged[:, 1:]], dim=1))
