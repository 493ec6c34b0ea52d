"""Networks the lab has no layers for, through spandrel."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lab.layouts.keys import State, WeightsError, sample


class ForeignNetwork(nn.Module):
    """A network that spandrel recognised: RGB [0, 1] in, RGB [0, 1] out, for inference only."""

    def __init__(self, descriptor: Any) -> None:
        super().__init__()
        self.model = descriptor.model
        self.descriptor = descriptor
        self.scale = descriptor.scale
        self.multiple = descriptor.size_requirements.multiple_of
        self.smallest = max(descriptor.size_requirements.minimum, 1)

    def forward(self, x: Tensor) -> Tensor:
        # spandrel promises its interface for one picture at a time
        return torch.cat([self.descriptor(picture) for picture in x.split(1)])


def recognise(state: State) -> ForeignNetwork:
    """Build what spandrel makes of a state dict.

    Raises:
        WeightsError: spandrel does not know it either, cannot load it, or it is not an RGB restorer.
    """
    try:
        import spandrel
    except ImportError as error:
        raise WeightsError(
            f"None of the layouts the lab knows fits this file, and spandrel, which knows more, is not installed. "
            f"It holds {len(state)} tensors: {sample(state)}."
        ) from error
    try:
        descriptor = spandrel.ModelLoader(device="cpu").load_from_state_dict(dict(state))
    except spandrel.UnsupportedModelError as error:
        raise WeightsError(
            f"Neither the lab nor spandrel knows a network with these weights. "
            f"The file holds {len(state)} tensors: {sample(state)}."
        ) from error
    except Exception as error:  # each of spandrel's architectures fails in its own way on wrong shapes
        raise WeightsError(
            f"spandrel takes this file for a network it knows but cannot load it ({type(error).__name__}). "
            f"The file holds {len(state)} tensors: {sample(state)}."
        ) from error
    name = descriptor.architecture.name
    if not isinstance(descriptor, spandrel.ImageModelDescriptor):
        raise WeightsError(f"This is {name}, which needs more than a picture as its input; the lab cannot run it.")
    if (descriptor.input_channels, descriptor.output_channels) != (3, 3):
        raise WeightsError(
            f"This is {name} for {descriptor.input_channels} channels in and {descriptor.output_channels} out; "
            f"the lab runs RGB networks, 3 and 3."
        )
    return ForeignNetwork(descriptor)
