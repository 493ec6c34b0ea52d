"""The average of a network's weights over time."""

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of weights and buffers, which forgets its first values faster than its last."""

    def update(average: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        now = min(decay, (1 + int(count)) / (10 + int(count)))
        for old, new in zip(average, current, strict=True):
            old.copy_(torch.lerp(old, new, 1 - now) if old.is_floating_point() else new)

    return AveragedModel(network, multi_avg_fn=update, use_buffers=True)
