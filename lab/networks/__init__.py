"""The networks: one architecture a file, PyTorch layers only, and `build`, which makes any of them by name."""

from __future__ import annotations

from typing import Any

from torch import nn

from lab.networks.adapter import RGBNetwork
from lab.networks.deblurgan import DeblurGAN
from lab.networks.espcn import ESPCN
from lab.networks.resg import ResG
from lab.networks.rrdb import RRDBNet
from lab.networks.spsr import SPSR
from lab.networks.srcnn import SRCNN
from lab.networks.srresnet import SRResNet
from lab.networks.srresnet_variants import InstanceNormSRResNet, MSRResNet, MSRResNet0
from lab.networks.unet import SRNet

__all__ = ["RGBNetwork", "build"]


def plain(name: str, **arguments: Any) -> nn.Module:
    """The network itself, in its own range and colour space. See `build`."""
    match name:
        case "srcnn":
            return SRCNN(**arguments)
        case "espcn":
            return ESPCN(**arguments)
        case "srresnet":
            return SRResNet(**arguments)
        case "srresnet-instance-norm":
            return InstanceNormSRResNet(**arguments)
        case "msrresnet":
            return MSRResNet(**arguments)
        case "msrresnet0":
            return MSRResNet0(**arguments)
        case "rrdb":
            return RRDBNet(**arguments)
        case "spsr":
            return SPSR(**arguments)
        case "deblurgan":
            return DeblurGAN(**arguments)
        case "resg":
            return ResG(**arguments)
        case "srnet":
            return SRNet(**arguments)
    raise ValueError(f"There is no network {name!r}.")


def build(name: str, **arguments: Any) -> RGBNetwork:
    """Make a network with fresh weights, behind the interface all share: RGB [0, 1] in, RGB [0, 1] out.

    Args:
        name: srcnn, espcn, srresnet, rrdb, spsr, deblurgan, resg or srnet; for published weights also msrresnet,
            msrresnet0 and srresnet-instance-norm.
        arguments: what the network's class takes; JSON values, kept as `.arguments`.

    Raises:
        ValueError: there is no such network, or it has no such arguments.
    """
    try:
        return RGBNetwork(plain(name, **arguments), name, arguments)
    except TypeError as error:
        raise ValueError(f"The network {name!r} cannot be built from {arguments}: {error}.") from error
