"""Several processes on one training (`accelerate launch`): each takes its share of every batch; together they do what one does.

What looks at a batch sees the whole of it: the mean of gradients, batch norm's statistics, and critics' losses, which compare
mean scores. Where there is one process, all of this does nothing.
"""

from collections.abc import Iterable

import torch
import torch.distributed as dist
from accelerate import Accelerator, PartialState
from torch import Tensor, nn

from lab.train.errors import TrainingError


def is_main() -> bool:
    """Whether this is the process that reports and ships, of those that have trained together."""
    return PartialState().is_main_process


def check_shares(batch: int, accelerator: Accelerator) -> None:
    """Raise TrainingError where a batch cannot be divided into equal shares."""
    if batch % accelerator.num_processes:
        raise TrainingError(
            f"the recipe's batch of {batch} cannot be shared out evenly among {accelerator.num_processes} processes: "
            "start as many as divide it."
        )


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


def average_figures(accelerator: Accelerator, figures: dict[str, float]) -> dict[str, float]:
    """The mean of every figure over all processes, which have the same figures."""
    if accelerator.num_processes == 1 or not figures:
        return figures
    values = torch.tensor(list(figures.values()), dtype=torch.float64, device=accelerator.device)
    return dict(zip(figures, accelerator.reduce(values, "mean").tolist(), strict=True))


class _Sum(torch.autograd.Function):
    """The sum of a tensor over all processes. Every process has a loss of its own on it, so gradients are summed, too."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return _Sum.forward(ctx, gradient)


def whole_batch(accelerator: Accelerator, share: Tensor) -> Tensor:
    """The values (N, ...) of the whole batch from every process's share, in the batch's order; gradients reach all shares."""
    count = accelerator.num_processes
    if count == 1:
        return share
    whole = share.new_zeros(count * share.shape[0], *share.shape[1:])
    whole[accelerator.process_index :: count] = share
    return _Sum.apply(whole)


class SharedBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm with the statistics of the whole batch, of which every process holds an equal share.

    PyTorch's own SyncBatchNorm does the same, but on GPUs alone.
    """

    def _check_input_dim(self, x: Tensor) -> None:
        """(N, C) and (N, C, H, W) will do."""

    def forward(self, x: Tensor) -> Tensor:
        """As nn.BatchNorm2d's, of (N, C, ...)."""
        if not self.training:
            return super().forward(x)
        values = x.float()
        others = [i for i in range(x.ndim) if i != 1]
        shape = [1, -1, *[1] * (x.ndim - 2)]
        count = dist.get_world_size()
        mean = _Sum.apply(values.mean(others)) / count
        centred = values - mean.view(shape)
        variance = _Sum.apply(centred.square().mean(others)) / count
        with torch.no_grad():
            size = count * x.numel() // x.shape[1]
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * size / (size - 1), self.momentum)
            self.num_batches_tracked += 1
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale.view(shape) + self.bias.view(shape)).to(x.dtype)


def share_batch_norm(accelerator: Accelerator, network: nn.Module) -> None:
    """Put a SharedBatchNorm with the same weights in place of every batch norm, where there are several processes."""
    if accelerator.num_processes == 1:
        return
    for name, part in network.named_children():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            shared = SharedBatchNorm(part.num_features, part.eps, part.momentum)
            shared.load_state_dict(part.state_dict())
            setattr(network, name, shared.to(part.weight.device))
        else:
            share_batch_norm(accelerator, part)
