"""What losses on features look at: VGG-19, or what stands in for it.

    features = vgg19_features(("pool2", "pool5")).to(device)
    with torch.no_grad():
        target = features(sharp)
    loss = resg_perceptual_loss(features(result), target)

Where torchvision's ImageNet weights are on disk (or may be downloaded), they are used. Otherwise the lab's own feature
network is, if it was trained; otherwise a VGG-19 with random weights. `.source` says which, for the card.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from lab.digests import sha256
from lab.methods import CHECKPOINTS
from lab.networks.features import ImageNetNormalise, LabFeatures
from lab.train import vgg19_file
from lab.train.vgg19_file import FeaturesError

BLOCKS = (2, 2, 4, 4, 4)
"""Convolutions in each of VGG-19's blocks (Simonyan and Zisserman 2015, configuration E); a pooling layer ends each block."""
WIDTHS = (64, 128, 256, 512, 512)
"""Channels in each block."""
SEED = 0
"""Of the random weights."""
LEAST_SCALE = 1e-6
"""Keeps a layer that is 0 throughout from being divided by 0."""


def layer_names() -> list[str]:
    """VGG-19's layers in order; each one's place in the list is its index in torchvision's `features`.

    convB_I is the I-th convolution of block B, before the activation; reluB_I is after it; poolB ends block B.
    """
    names = []
    for block, convolutions in enumerate(BLOCKS, start=1):
        for i in range(1, convolutions + 1):
            names += [f"conv{block}_{i}", f"relu{block}_{i}"]
        names.append(f"pool{block}")
    return names


class Features(nn.Module):
    """Named layers of a frozen network: RGB [0, 1] in, one map a layer out. Gradients reach the picture alone.

    Args:
        layers: names out of `layer_names`, each once.

    Raises:
        FeaturesError: there are no layers, or there is no such layer.
    """

    source: str
    """Whose weights these are, as one phrase for the card."""

    def __init__(self, layers: Sequence[str]) -> None:
        super().__init__()
        self.layers = tuple(layers)
        if not self.layers or len(set(self.layers)) < len(self.layers):
            raise FeaturesError("features need at least one layer, and each layer once.")
        unknown = [layer for layer in self.layers if layer not in layer_names()]
        if unknown:
            raise FeaturesError(f"VGG-19 has no layer '{unknown[0]}': it has {', '.join(layer_names())}.")
        self.scales = dict.fromkeys(self.layers, 1.0)

    def smallest(self) -> int:
        """The shortest side in pixels that a picture may have, for the deepest layer to have a pixel."""
        raise NotImplementedError

    def maps(self, x: Tensor) -> dict[str, Tensor]:
        """The layers' values as the network has them."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Features of RGB [0, 1] (N, 3, H, W), normalised inside: a map (N, C, H', W') a layer, in the order asked for.

        Raises:
            FeaturesError: the picture is too small for the deepest layer.
        """
        side = self.smallest()
        if min(x.shape[-2:]) < side:
            size = f"{x.shape[-1]} x {x.shape[-2]}"
            raise FeaturesError(
                f"features {', '.join(self.layers)} need crops of at least {side} x {side} pixels; these have {size}."
            )
        maps = self.maps(x)
        return {layer: maps[layer] / self.scales[layer] for layer in self.layers}

    @torch.no_grad()
    def calibrate(self, pictures: Tensor) -> None:
        """From now on divide every layer by its mean magnitude over these pictures, RGB [0, 1] (N, 3, H, W).

        The sources differ in scale, layer by layer; calibrated, a loss's weight means about the same with all of them.
        With ImageNet's weights leave this out to have the scale that the papers' weights are meant for. The same
        pictures give the same scale, so every process and every resumed run must calibrate on the same ones (the
        validation crops, say).
        """
        maps = self.maps(pictures)
        self.scales = {layer: max(float(value.float().abs().mean()), LEAST_SCALE) for layer, value in maps.items()}


class VGG19(Features):
    """VGG-19's convolutions (Simonyan and Zisserman 2015) as torchvision lays them out, up to the deepest layer asked for.

    Without `state` its weights are random: a network's structure alone makes a usable perceptual loss (Liu et al. 2021,
    "Generic Perceptual Loss for Modeling Structured Output Dependencies"). They are drawn from He's normal
    distribution, which keeps the scale from layer to layer; biases are 0. The draw is seeded and leaves PyTorch's own
    random state alone.

    Args:
        layers: see `layer_names`.
        source: what `.source` says.
        state: torchvision's state dict, in which keys beyond those needed (the classifier's) are passed over.
    """

    def __init__(self, layers: Sequence[str], source: str, state: dict[str, Tensor] | None = None) -> None:
        super().__init__(layers)
        self.source = source
        self.normalise = ImageNetNormalise()
        with torch.device("meta"):  # no values yet: those of PyTorch's own draw would go to waste
            self.features = nn.Sequential(*_vgg19_layers()[: self._deepest() + 1])
        if state is None:
            self._draw()
        else:
            own = {key: state[f"features.{key}"] for key in self.features.state_dict()}
            self.features.load_state_dict(own, assign=True)
        self.requires_grad_(False)

    def _deepest(self) -> int:
        return max(layer_names().index(layer) for layer in self.layers)

    def _draw(self) -> None:
        """Fill the convolutions with the random weights of SEED."""
        self.features.to_empty(device="cpu")
        generator = torch.Generator().manual_seed(SEED)
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, generator=generator)
                nn.init.zeros_(layer.bias)

    def smallest(self) -> int:
        return 2 ** sum(isinstance(layer, nn.MaxPool2d) for layer in self.features)

    def maps(self, x: Tensor) -> dict[str, Tensor]:
        found = {}
        x = self.normalise(x)
        for name, layer in zip(layer_names(), self.features, strict=False):
            x = layer(x)
            if name in self.layers:
                found[name] = x
        return found


class LabLayers(Features):
    """The lab's own feature network, asked for layers by VGG-19's names.

    Its stage k answers for VGG-19's block k, and its last stage for block 5 as well, which it does not have: convB_I is the stage
    before its last activation, reluB_I after it, poolB after average pooling besides.
    """

    def __init__(self, layers: Sequence[str], source: str, network: LabFeatures) -> None:
        super().__init__(layers)
        self.source = source
        self.network = network
        self.requires_grad_(False)

    @staticmethod
    def _stage(layer: str) -> int:
        return min(int(layer[4]), len(LabFeatures.TAPS))

    def smallest(self) -> int:
        return max(2 ** (self._stage(layer) - (not layer.startswith("pool"))) for layer in self.layers)

    def maps(self, x: Tensor) -> dict[str, Tensor]:
        taps = self.network(x, stages=max(self._stage(layer) for layer in self.layers))
        found = {}
        for layer in self.layers:
            value = taps[LabFeatures.TAPS[self._stage(layer) - 1]]
            match layer[:4]:
                case "conv":
                    found[layer] = value
                case "relu":
                    found[layer] = F.relu(value)
                case "pool":
                    found[layer] = F.avg_pool2d(F.relu(value), 2)
        return found


def imagenet_features(layers: Sequence[str], path: Path) -> Features:
    """VGG-19 with torchvision's ImageNet weights from a file that `vgg19_file` found to be whole."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    return VGG19(layers, f"VGG-19 with torchvision's ImageNet weights ({path.name})", state)


def lab_features(layers: Sequence[str], path: Path) -> Features:
    """The lab's own feature network from its safetensors file: LabFeatures' state dict, in half precision.

    Raises:
        FeaturesError: the file is damaged or holds something else.
    """
    with torch.random.fork_rng(devices=[]):  # its initial draw must not change what training draws next
        network = LabFeatures()
    try:
        network.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError) as error:
        what_to_do = "delete it, or train it anew with its recipe"
        raise FeaturesError(f"{path.name} does not hold the lab's feature network: {what_to_do}.") from error
    return LabLayers(layers, f"the lab's own features ({path.name}, SHA-256 {sha256(path)[:12]})", network)


def random_features(layers: Sequence[str]) -> Features:
    """VGG-19 with random weights, the same every time."""
    return VGG19(layers, f"VGG-19 with random weights, seed {SEED} (after Liu et al. 2021)")


def vgg19_features(layers: Sequence[str], download: bool = False) -> Features:
    """The named layers of VGG-19 from the best weights that can be had, on the CPU.

    In this order: torchvision's ImageNet weights where they lie on disk; the same downloaded, if `download` says so;
    checkpoints/features.safetensors, the lab's own; random weights. Nothing is downloaded unasked, and nothing waits
    for a network that does not answer.

    DeblurGAN's code gives its VGG-19 pictures in [-1, 1] without ImageNet's normalisation, a contrast smaller by 2.2.

    Args:
        layers: see `layer_names`; conv5_4 is ESRGAN's and SPSR's, relu5_4 SRGAN's, conv3_3 DeblurGAN's, pool2 and pool5
            are NonBN-ResG-L's.
        download: fetch torchvision's file (575 MB) where it is not there.

    Raises:
        FeaturesError: there is no such layer, a weights file is damaged, or the download failed.
    """
    path = vgg19_file.download() if download else vgg19_file.on_disk()
    if path is not None:
        return imagenet_features(layers, path)
    own = CHECKPOINTS / "features.safetensors"
    return lab_features(layers, own) if own.is_file() else random_features(layers)


def _vgg19_layers() -> list[nn.Module]:
    """VGG-19's layers in the order of `layer_names`."""
    layers: list[nn.Module] = []
    inside = 3
    for convolutions, outside in zip(BLOCKS, WIDTHS, strict=True):
        for _ in range(convolutions):
            layers += [nn.Conv2d(inside, outside, 3, padding=1), nn.ReLU()]
            inside = outside
        layers.append(nn.MaxPool2d(2))
    return layers
