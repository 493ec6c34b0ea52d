"""LPIPS-lab's layer weights: fitted so that pictures are ordered as is known, not to anyone's opinion scores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lab.benchmark import ENDINGS
from lab.digests import sha256
from lab.errors import LabError
from lab.fitting.orderings import RANGES, TWINS, ladder, twins
from lab.fitting.writing import checked_output, write_model
from lab.images import read_named, to_picture, to_tensor
from lab.methods import CHECKPOINTS
from lab.metrics.channels import full_luma
from lab.metrics.gmsd import gmsd
from lab.metrics.lpips import EPSILON
from lab.metrics.lpips_lab import FEATURES_KEY, read_features, trunk
from lab.metrics.ms_ssim import ms_ssim
from lab.metrics.ssim import ssim
from lab.networks.features import WIDTHS, LabFeatures

CROP = 192
"""Side of the crop taken from the middle of every picture."""
STEPS_OF_LADDER = 5
TWINS_EACH = 2
PICTURES = 120
SEED = 0
CERTAIN = 0.1
"""How far apart two pictures' mean ranks (0..1) must be for the consensus to say which one is worse."""
STEEPNESS = 16.0
"""Of the sigmoid that stands for right or wrong: 1 % more distance already counts as 54 % right."""
RIDGE = 0.003
"""Price of uneven channels: nothing where all have the same share of the distance, (channels - 1) times this where one has all.
Ten times less orders held-out pairs no better; ten times more costs one in a hundred of the consensus."""
ITERATIONS = 400
BICUBIC = 0.5
"""What the mean of x4 bicubic results is brought to, so that figures are of a familiar size: published LPIPS says 0.44 on Set14
and 0.52 on BSD100 (SPSR: Ma et al. 2020, table 1)."""


class FittingError(LabError):
    """A fit that cannot be made; its text is the sentence to show."""


@dataclass(frozen=True)
class Knowledge:
    """The channels' distances of many changed pictures, and pairs of them of which one is worse."""

    distances: Tensor
    """(pictures, channels) float32: for every channel the mean squared difference of unit-length features."""
    pairs: dict[str, Tensor]
    """Where the knowledge is from -> (n, 2) rows of `distances`: (better, worse)."""
    bicubic: Tensor
    """Rows of x4 bicubic results."""


def pictures_below(folder: Path, count: int) -> list[Path]:
    """Up to `count` picture files of a folder and all folders in it, evenly chosen.

    Raises:
        FittingError: no such folder, or no pictures in it.
    """
    if not folder.is_dir():
        raise FittingError(f"there is no folder '{folder}'.")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    if not found:
        raise FittingError(f"there are no pictures in '{folder}': PNG, JPEG, WebP, BMP, TIFF and GIF files are read.")
    return [found[i * len(found) // min(count, len(found))] for i in range(min(count, len(found)))]


@torch.inference_mode()
def channel_distances(network: LabFeatures, changed: Sequence[Tensor], sharp: Tensor) -> Tensor:
    """Mean squared differences of unit-length features, channel by channel: (len(changed), 416).

    Args:
        network: from `read_features`.
        changed: pictures (1, 3, H, W) in [0, 1], of the sharp one's size.
        sharp: (1, 3, H, W) in [0, 1].
    """
    features = trunk(network, ()).features
    reference = [_unit(value) for value in features(sharp)]
    rows = []
    for picture in changed:
        layers = zip(features(picture), reference, strict=True)
        rows.append(torch.cat([(_unit(value) - one).square().mean(dim=(0, 2, 3)) for value, one in layers]))
    return torch.stack(rows)


def _unit(features: Tensor) -> Tensor:
    return features / (features.square().sum(1, keepdim=True).sqrt() + EPSILON)


def consensus(changed: Sequence[Tensor], sharp: Tensor) -> np.ndarray:
    """How bad each picture is in the eyes of SSIM, MS-SSIM and GMSD: the mean of its ranks, 0..1; NaN where they disagree.

    They disagree where one metric's rank is farther than 0.2 from the mean: such pictures teach nothing.
    """
    reference = full_luma(to_picture(sharp))
    lumas = [full_luma(to_picture(picture)) for picture in changed]
    values = np.array([[1 - ssim(one, reference), 1 - ms_ssim(one, reference), gmsd(one, reference)] for one in lumas])
    ranks = values.argsort(axis=0).argsort(axis=0) / max(len(lumas) - 1, 1)
    mean = ranks.mean(axis=1)
    return np.where(np.abs(ranks - mean[:, None]).max(axis=1) <= 0.2, mean, np.nan)


def gather(paths: Sequence[Path], network: LabFeatures, progress: Callable[[int, int], None] | None = None) -> Knowledge:
    """Change every picture in all the ways of `orderings`, and note what is known of the changes.

    Args:
        paths: of sharp pictures, sides of CROP pixels at least (smaller ones are left out).
        network: from `read_features`.
        progress: told how many pictures are done, of how many.

    Raises:
        FittingError: no picture is large enough.
        PictureError: a file that cannot be read, named.
    """
    distances: list[Tensor] = []
    pairs: dict[str, list[tuple[int, int]]] = {name: [] for name in ("ladders", "consensus", *TWINS)}
    bicubic, count = [], 0
    for done, path in enumerate(paths):
        if progress is not None:
            progress(done, len(paths))
        picture = read_named(path)
        top, left = ((side - CROP) // 2 for side in picture.shape[:2])
        if min(top, left) < 0:
            continue
        sharp, seed = to_tensor(picture[top : top + CROP, left : left + CROP]), SEED + done
        changed: list[Tensor] = []
        for distortion in RANGES:
            first = count + len(changed)
            pairs["ladders"] += [(first + i, first + j) for j in range(STEPS_OF_LADDER) for i in range(j)]
            changed += ladder(sharp, distortion, STEPS_OF_LADDER, seed)
        bicubic.append(count + 3)  # the fourth step of the first ladder is near x4
        said = consensus(changed, sharp)
        certain = [(i, j) for i in range(len(said)) for j in range(len(said)) if said[j] - said[i] > CERTAIN]
        other = [(i, j) for i, j in certain if i // STEPS_OF_LADDER != j // STEPS_OF_LADDER]
        pairs["consensus"] += [(count + i, count + j) for i, j in other]
        for kind in TWINS:
            for draw in range(TWINS_EACH):
                pairs[kind].append((count + len(changed), count + len(changed) + 1))
                changed += twins(sharp, kind, seed * TWINS_EACH + draw)
        distances.append(channel_distances(network, changed, sharp))
        count += len(changed)
    if progress is not None:
        progress(len(paths), len(paths))
    if not distances:
        raise FittingError(f"no picture is {CROP}x{CROP} or larger: give a folder of larger ones.")
    tables = {name: torch.tensor(entries).reshape(-1, 2) for name, entries in pairs.items() if entries}
    return Knowledge(torch.cat(distances), tables, torch.tensor(bicubic))


def channel_scale(known: Knowledge) -> Tensor:
    """The mean distance of every channel, (channels,); where a channel is dead, that of all channels."""
    scale = known.distances.mean(0)
    return torch.where(scale > 1e-4 * scale.mean(), scale, scale.mean())


def fit_weights(known: Knowledge) -> Tensor:
    """Positive weights (channels,) under which the worse picture of every pair is the farther one, as far as can be.

    Minimises, by Adam, the share of pairs ordered wrong, with a sigmoid of the difference of the logarithms of the two distances
    in the place of a yes or no: unlike a logistic loss it lets go of pairs the features cannot order, which would otherwise rule
    the rest. Each kind of knowledge counts alike. A ridge keeps a few channels from taking everything. Deterministic.
    """
    scale = channel_scale(known)
    table = (known.distances / scale).double()
    channels = table.shape[1]
    logits = torch.zeros(channels, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([logits], lr=0.05)
    for _ in range(ITERATIONS):
        optimiser.zero_grad()
        parts = logits.softmax(0)  # each channel's share of the mean distance
        distances = (table @ parts).log()
        kinds = [(STEEPNESS * (distances[rows[:, 0]] - distances[rows[:, 1]])).sigmoid().mean() for rows in known.pairs.values()]
        loss = torch.stack(kinds).mean() + RIDGE * (channels * parts.square().sum() - 1)
        loss.backward()
        optimiser.step()
    weights = logits.detach().softmax(0).float() / scale
    return weights * (BICUBIC / float((known.distances[known.bicubic] @ weights).mean()))


def shares(known: Knowledge, weights: Tensor) -> dict[str, float]:
    """Kind of knowledge -> the share of its pairs that the weights order right."""
    values = known.distances @ weights
    return {name: float((values[rows[:, 1]] > values[rows[:, 0]]).float().mean()) for name, rows in known.pairs.items()}


def fit_lpips(
    folder: Path,
    out: Path,
    features: Path = CHECKPOINTS / "features.safetensors",
    pictures: int = PICTURES,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Fit LPIPS-lab's layer weights on a folder of sharp pictures; about two seconds a picture on one thread.

    Args:
        folder: of sharp pictures, searched with all folders in it.
        out: the safetensors file to write, one vector (C,) a stage; its card goes beside it.
        features: the lab's feature network, which the weights are for.
        pictures: how many are used, evenly chosen.
        progress: told how many pictures are done, of how many.

    Returns:
        The card.

    Raises:
        FittingError: no folder, no pictures, or none large enough.
        PictureError: a file that cannot be read, named.
        LpipsError: the feature network cannot be read.
        OutputError: `out` is no .safetensors.
    """
    from safetensors.torch import save

    folder, out = Path(folder), checked_output(out)
    network = read_features(features)
    known = gather(pictures_below(folder, pictures), network, progress)
    weights = fit_weights(known)
    vectors = {tap: part.contiguous() for tap, part in zip(LabFeatures.TAPS, weights.split(WIDTHS), strict=True)}
    digest = sha256(features)
    name = folder.resolve().name
    option = "" if pictures == PICTURES else f" --pictures {pictures}"
    card = {
        "name": "LPIPS-lab",
        "about": "LPIPS's formula on the lab's own features; its values do not compare with published ones.",
        "data": f"{len(known.bicubic)} pictures of {name}, the middle {CROP}x{CROP} of each",
        "pictures": len(known.bicubic),
        "pairs": {kind: len(rows) for kind, rows in known.pairs.items()},
        "right": {kind: round(share, 4) for kind, share in shares(known, weights).items()},
        "right_before": {kind: round(share, 4) for kind, share in shares(known, 1 / channel_scale(known)).items()},
        "features_sha256": digest,
        "seed": SEED,
        "command": f"python -m lab metrics fit-lpips {name}{option}",
    }
    write_model(out, save(vectors, {FEATURES_KEY: digest}), card)
    return card
