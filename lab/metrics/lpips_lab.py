"""LPIPS-lab: LPIPS's formula on the lab's own feature network, for machines without AlexNet's weights.

Another variant with another scale: its figures never stand beside official ones. Its layer weights are fitted by
`python -m lab metrics fit-lpips`, so that known orderings hold.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from lab.digests import sha256
from lab.metrics.lpips import Lpips, LpipsError, Trunk
from lab.networks.features import WIDTHS, LabFeatures

FEATURES_KEY = "features_sha256"
"""In the metadata of the weights file: which feature network the weights are for."""


def lab(features: Path, weights: Path) -> Lpips:
    """LPIPS-lab from its two files.

    Args:
        features: LabFeatures' state dict, as training writes it.
        weights: one vector (C,) a stage, not negative, as `lab.fitting.lpips` writes them.

    Raises:
        LpipsError: a file is damaged, or the weights were fitted on another feature network.
    """
    network, digest = read_features(features), sha256(features)
    try:
        with safe_open(weights, "pt") as stream:
            names, fitted_on = stream.keys(), (stream.metadata() or {}).get(FEATURES_KEY)
            vectors = {name: stream.get_tensor(name).float() for name in names}
    except (OSError, SafetensorError) as error:
        raise LpipsError(f"{weights.name} cannot be read: fit it anew with python -m lab metrics fit-lpips DIR.") from error
    if fitted_on != digest:
        anew = "fit it anew with python -m lab metrics fit-lpips DIR"
        raise LpipsError(f"{weights.name} was fitted on other features than {features.name}: {anew}.")
    expected = {tap: (width,) for tap, width in zip(LabFeatures.TAPS, WIDTHS, strict=True)}
    if {name: tuple(value.shape) for name, value in vectors.items()} != expected or any((v < 0).any() for v in vectors.values()):
        raise LpipsError(f"{weights.name} does not hold LPIPS-lab's layer weights: fit it anew.")
    source = f"{features.name} (SHA-256 {digest[:12]}), {weights.name} (SHA-256 {sha256(weights)[:12]})"
    return Lpips(trunk(network, tuple(vectors[tap] for tap in LabFeatures.TAPS)), "lab", source)


def read_features(path: Path) -> LabFeatures:
    """The feature network of a file, in float32, frozen.

    Raises:
        LpipsError: it cannot be read, or holds something else.
    """
    with torch.random.fork_rng(devices=[]):  # its initial draw is replaced at once
        network = LabFeatures()
    try:
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        what_to_do = "train it anew with python -m lab train features --ship"
        raise LpipsError(f"{path.name} does not hold the lab's feature network: {what_to_do}.") from error
    return network.to(memory_format=torch.channels_last).requires_grad_(False)


def trunk(network: LabFeatures, weights: tuple[Tensor, ...]) -> Trunk:
    """The network as LPIPS sees it: its four stages after their activation, and one vector (C,) of weights a stage."""
    return Trunk(
        features=lambda x: [F.relu(tap) for tap in network(x.contiguous(memory_format=torch.channels_last)).values()],
        weights=weights,
        strides=(1, 2, 4, 8),
        halo=32,  # a feature of the last stage looks 30 pixels back and 37 on from its place
        core=512,
        least_side=8,
    )
