"""A loss on amplitude spectra: how much of every frequency there is, wherever it lies."""

import torch
import torch.nn.functional as F
from torch import Tensor

from lab.gradients import LUMA

SIDE = 32
"""Side in pixels of the windows whose spectra are compared."""


def spectrum_loss(result: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of the amplitude spectra of the lumas' windows of 32x32 pixels; scalar result.

    Both RGB (N, 3, H, W) in [0, 1], of 32 bits. Each window half overlaps the next and is weighed by a Hann window, so that the
    outer 16 pixels of a picture count less, and what is left over at the right and below does not; each amplitude is weighed by
    its frequency (1 at half the sampling rate), so that edges of all sizes count alike. Of small pictures a window is the
    largest square that fits. To a loss on the strength of gradients a weave of one frequency is as good as the texture it
    stands for; in a spectrum it is one peak that is too high among amplitudes that are too low. After Fuoli, Van Gool and
    Timofte (2021, "Fourier Space Losses for Efficient Perceptual Image Super-Resolution"), who compare whole pictures' spectra.
    """
    return F.l1_loss(_amplitudes(result), _amplitudes(target))


def _amplitudes(x: Tensor) -> Tensor:
    """(windows, side, side) amplitudes times frequency."""
    luma = (x * x.new_tensor(LUMA).view(3, 1, 1)).sum(dim=1)
    side = min(SIDE, *luma.shape[1:])
    windows = luma.unfold(1, side, side // 2).unfold(2, side, side // 2).flatten(0, 2)
    hann = torch.hann_window(side, dtype=x.dtype, device=x.device)
    taper = hann[:, None] * hann
    frequencies = torch.fft.fftfreq(side, device=x.device)
    frequency = 2 * torch.hypot(frequencies[:, None], frequencies)
    centred = windows - windows.mean(dim=(1, 2), keepdim=True)
    # every frequency twice, as k and -k: half a spectrum would hold some once and others twice
    found = torch.fft.fft2(centred * (taper / taper.norm()))
    # the slope of a root at 0 has no bound: 1e-8 keeps the gradient of a flat window finite
    return frequency * torch.sqrt(found.real.square() + found.imag.square() + 1e-8)
