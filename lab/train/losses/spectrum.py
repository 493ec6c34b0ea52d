"""A loss on amplitude spectra: how much of every frequency there is, wherever it lies."""

import torch
import torch.nn.functional as F
from torch import Tensor

from lab.gradients import LUMA

SIDE = 32
"""Side in pixels of the windows whose spectra are compared."""


def spectrum_loss(result: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of the amplitude spectra of the lumas' windows of 32x32 pixels; scalar result.

    Both RGB (N, 3, H, W) in [0, 1]. Each window half overlaps the next and is weighed by a Hann window, each amplitude by its
    frequency (1 at half the sampling rate), so that edges of all sizes count alike. Of small pictures a window is the largest
    square that fits. To a loss on the strength of gradients a weave of one frequency is as good as the texture it stands for;
    in a spectrum it is one peak that is too high among amplitudes that are too low. After Fuoli, Van Gool and Timofte (2021,
    "Fourier Space Losses for Efficient Perceptual Image Super-Resolution"), who compare the spectra of whole pictures.
    """
    return F.l1_loss(_amplitudes(result), _amplitudes(target))


def _amplitudes(x: Tensor) -> Tensor:
    """(windows, side, side // 2 + 1) amplitudes times frequency; white noise of variance 1 has about 0.9 at half the rate."""
    luma = (x * x.new_tensor(LUMA).view(3, 1, 1)).sum(dim=1)
    side = min(SIDE, *luma.shape[1:])
    windows = luma.unfold(1, side, side // 2).unfold(2, side, side // 2).flatten(0, 2)
    hann = torch.hann_window(side, dtype=x.dtype, device=x.device)
    taper = hann[:, None] * hann
    rows, columns = torch.fft.fftfreq(side, device=x.device), torch.fft.rfftfreq(side, device=x.device)
    frequency = 2 * torch.hypot(rows[:, None], columns[None])
    centred = windows - windows.mean(dim=(1, 2), keepdim=True)
    found = torch.fft.rfft2(centred * (taper / taper.norm()))
    # the slope of a root at 0 has no bound: 1e-8 keeps the gradient of a flat window finite
    return frequency * torch.sqrt(found.real.square() + found.imag.square() + 1e-8)
