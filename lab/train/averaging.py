"""Averages: of a network's weights over time, and of gradients over processes."""

from collections.abc import Iterable

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of weights and buffers, which forgets its first values faster than its last."""

    def update(average: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        now = min(decay, (1 + int(count)) / (10 + int(count)))
        for old, new in zip(average, current, strict=True):
            old.copy_(torch.lerp(old, new, 1 - now) if old.is_floating_point() else new)

    return AveragedModel(network, multi_avg_fn=update, use_buffers=True)


def average_gradients(accelerator: Accelerator, parameters: Iterable[nn.Parameter]) -> None:
    """Replace every gradient by its mean over all processes, which hold equal weights and equal shares of a batch.

    Done by hand, since several networks learn in turn, some twice a step: DistributedDataParallel counts on one backward pass
    after each forward pass.
    """
    if accelerator.num_processes == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = accelerator.reduce(torch.cat([gradient.flatten() for gradient in gradients]), "mean")
    for gradient, mean in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))
