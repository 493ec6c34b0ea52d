"""lab.networks.discriminators, layer by layer as the papers draw them, on the networks' own weights."""

import pytest
import torch
import torch.nn.functional as F

from lab.networks.discriminators import VGG128, PatchGAN, ResGDiscriminator, SRGANDiscriminator


class Reader:
    """Hands out a network's weights in the order in which they were made, and says at the end whether all were used."""

    def __init__(self, network):
        self.left = [value.detach() for value in network.state_dict().values() if value.dtype == torch.float32]

    def take(self):
        return self.left.pop(0)


def leaky(x):
    return torch.where(x > 0, x, 0.2 * x)


def normalised(x, weights):
    """Batch norm by the statistics of the batch."""
    scale, shift, _, _ = (weights.take() for _ in range(4))
    mean = x.mean(dim=(0, 2, 3), keepdim=True)
    variance = ((x - mean) ** 2).mean(dim=(0, 2, 3), keepdim=True)
    return (x - mean) / (variance + 1e-5) ** 0.5 * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)


def dense(x, weights):
    matrix, bias = weights.take(), weights.take()
    return x @ matrix.T + bias


def srgan(x, weights):
    """Ledig et al. (2017), figure 4: k3n64s1, then k3 with n64s2 n128s1 n128s2 n256s1 n256s2 n512s1 n512s2, each BN, leaky."""
    x = leaky(F.conv2d(x, weights.take(), weights.take(), stride=1, padding=1))
    for stride in (2, 1, 2, 1, 2, 1, 2):
        x = leaky(normalised(F.conv2d(x, weights.take(), None, stride, padding=1), weights))
    return dense(leaky(dense(x.flatten(1), weights)), weights)


def vgg128(x, weights):
    """ESRGAN's code: five times a 3x3 and a 4x4 stride 2, BN and LeakyReLU after each, but no BN after the very first."""
    x = leaky(F.conv2d(x, weights.take(), weights.take(), padding=1))
    x = leaky(normalised(F.conv2d(x, weights.take(), None, stride=2, padding=1), weights))
    for _ in range(4):
        x = leaky(normalised(F.conv2d(x, weights.take(), None, padding=1), weights))
        x = leaky(normalised(F.conv2d(x, weights.take(), None, stride=2, padding=1), weights))
    return dense(leaky(dense(x.flatten(1), weights)), weights)


def patchgan(x, weights):
    """DeblurGAN's code: 4x4 with padding 2, strides 2 2 2 1 1; instance norm in the middle three."""
    x = leaky(F.conv2d(x, weights.take(), weights.take(), stride=2, padding=2))
    for stride in (2, 2, 1):
        x = F.conv2d(x, weights.take(), weights.take(), stride, padding=2)
        mean = x.mean(dim=(2, 3), keepdim=True)
        x = leaky((x - mean) / (((x - mean) ** 2).mean(dim=(2, 3), keepdim=True) + 1e-5) ** 0.5)
    return F.conv2d(x, weights.take(), weights.take(), padding=2)


def resg(x, weights):
    """Fan and Wang (2021): eight times convolution, activation, normalisation, in this order; two dense layers."""
    for stride in (1, 2, 1, 2, 1, 2, 1, 2):
        x = normalised(leaky(F.conv2d(x, weights.take(), weights.take(), stride, padding=1)), weights)
    return dense(leaky(dense(x.flatten(1), weights)), weights)


@pytest.mark.parametrize(
    ("network", "written_out", "side"),
    [
        (SRGANDiscriminator(width=4, dense=6, size=32), srgan, 32),
        (VGG128(width=4, dense=6, size=64), vgg128, 64),
        (PatchGAN(width=4), patchgan, 33),
        (ResGDiscriminator(width=4, dense=6, size=32), resg, 32),
    ],
)
def test_a_discriminator_computes_what_its_paper_draws(network, written_out, side):
    torch.manual_seed(0)
    for value in network.parameters():
        torch.nn.init.normal_(value, std=0.3)
    pictures, weights = torch.rand(3, 3, side, side), Reader(network)
    expected = written_out(pictures, weights)
    assert not weights.left
    torch.testing.assert_close(network.train()(pictures), expected, atol=1e-3, rtol=1e-3)
    assert expected.std() > 0.01
