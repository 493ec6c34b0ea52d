"""Weight initialisations that several networks share."""

from __future__ import annotations

from torch import nn

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def kaiming(module: nn.Module, scale: float = 1.0) -> None:
    """Draw every convolution and linear layer inside `module` from He's normal distribution (fan-in), times `scale`.

    Biases become 0. `scale` 0.1 is the small start that ESRGAN (section 3.2 of its supplement) uses so that deep
    residual networks without normalisation begin close to the identity.
    """
    for layer in module.modules():
        if isinstance(layer, CONVOLUTIONS):
            nn.init.kaiming_normal_(layer.weight, mode="fan_in")
            layer.weight.data *= scale
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def gaussian(module: nn.Module, std: float) -> None:
    """Draw every convolution and linear layer inside `module` from N(0, std^2); biases become 0."""
    for layer in module.modules():
        if isinstance(layer, CONVOLUTIONS):
            nn.init.normal_(layer.weight, 0.0, std)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
