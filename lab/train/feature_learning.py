"""Training the lab's own feature network, whose layers stand in for VGG-19's in losses.

Without labels, two things are learned from one augmented crop: which picture it was cut from, every picture being a class of
its own (exemplar classes: Dosovitskiy et al. 2014, "Discriminative Unsupervised Feature Learning with Convolutional Neural
Networks"), which needs texture and parts; and what was done to it, in kind and level (after CONTRIQUE, Madhusudana et al. 2022,
and ARNIQA, Agnolucci et al. 2024), which needs a sense of sharpness, ringing and noise.
"""

import itertools
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from safetensors.torch import save_file
from torch import Tensor, nn

from lab.degrade import Degradation, degrade
from lab.networks.features import WIDTHS, LabFeatures
from lab.resize import resize, upscale
from lab.train.averaging import average_gradients, averaged
from lab.train.errors import TrainingError
from lab.train.pictures import Pictures
from lab.train.recipe import Recipe

LEVELS = 3
"""Levels into which a recipe's range of a strength is divided; each is a class."""
NOISE = (4.0, 12.0, 30.0)
JPEG = (70, 35, 12)
"""Levels of noise (8-bit steps) and of compression (quality), each a class."""
HARD, SOFT = 0.55, 1.6
"""A crop is cut this many times larger than the patch, and shrunk or enlarged to it."""


def distortions(recipe: Recipe) -> list[tuple[str, float, float]]:
    """The classes of the second head: (kind, low, high), from "clean" on; each strength range divided into LEVELS."""
    classes = [("clean", 0.0, 0.0)]
    for entry in recipe.degradations:
        if entry.low is None:
            classes.append((entry.kind, 0.0, 0.0))
        else:
            edges = np.linspace(entry.low, entry.high, LEVELS + 1)
            classes += [(entry.kind, float(low), float(high)) for low, high in itertools.pairwise(edges)]
    return [*classes, *(("noise", level, level) for level in NOISE), *(("jpeg", float(q), float(q)) for q in JPEG)]


class Heads(nn.Module):
    """What reads the classes off the features while they are learned: thrown away afterwards."""

    def __init__(self, pictures: int, kinds: int):
        super().__init__()
        self.picture = nn.Linear(WIDTHS[-1], pictures)
        self.kind = nn.Sequential(nn.Linear(2 * sum(WIDTHS), 256), nn.ReLU(), nn.Linear(256, kinds))

    def forward(self, taps: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Scores (N, pictures) from the last stage's mean, and (N, kinds) from the mean and deviation of every stage."""
        maps = [F.relu(tap.float()) for tap in taps.values()]
        means = [value.mean(dim=(2, 3)) for value in maps]
        deviations = [value.var(dim=(2, 3)).add(1e-6).sqrt() for value in maps]
        return self.picture(means[-1]), self.kind(torch.cat([*means, *deviations], dim=1))


class FeatureLearning:
    """The feature network, its heads and its batches. The same face as Restoration.

    Raises:
        TrainingError: the recipe starts from other weights, or pairs were given.
    """

    smallest_margin = 48

    def __init__(self, recipe: Recipe, pictures: Pictures, accelerator: Accelerator, start: Path | None, download: bool = False):
        if start is not None or pictures.blurred_train is not None:
            raise TrainingError("the feature network starts from nothing and learns from sharp pictures: give --data.")
        self.recipe, self.accelerator, self.pictures = recipe, accelerator, pictures
        self.classes = distortions(recipe)
        shipped, device = recipe.shipped, accelerator.device
        self.network = LabFeatures().to(device, memory_format=torch.channels_last)
        self.heads = Heads(len(pictures.train), len(self.classes)).to(device)
        self.parts = nn.ModuleList([self.network, self.heads])
        self.average = averaged(self.parts, shipped.ema) if shipped.ema else None
        self.optimiser = torch.optim.AdamW(
            self.parts.parameters(), lr=shipped.learning_rate, betas=shipped.betas, weight_decay=1e-3
        )

    def saved(self) -> list:
        """Everything with a state that a resumed run needs."""
        return [self.parts, self.optimiser, *([self.average] if self.average is not None else [])]

    def figures(self) -> list[str]:
        """Names of all figures that `step` and `validate` give."""
        return ["loss", "picture", "kind", "picture_right", "kind_right", "validation_kind_right"]

    def about(self) -> dict:
        """What the card says of the classes."""
        return {"losses": {"picture": 1.0, "kind": 1.0}, "features": None, "classes": [list(entry) for entry in self.classes]}

    def _crop(self, picture: Tensor, rng: np.random.Generator) -> Tensor:
        """A crop of random size, place, mirror image, brightness, contrast and colour, (1, 3, patch, patch) in [0, 1]."""
        patch = self.recipe.shipped.patch
        height, width = picture.shape[-2:]
        side = int(np.clip(patch * np.exp(rng.uniform(np.log(HARD), np.log(SOFT))), 16, min(height, width)))
        top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
        crop = picture[None, :, top : top + side, left : left + side].float() / 255
        crop = resize(crop, (patch, patch))
        if rng.integers(2):
            crop = crop.flip(3)
        gain, offset = rng.uniform(0.75, 1.25), rng.uniform(-0.1, 0.1)
        tint = torch.from_numpy(rng.uniform(0.9, 1.1, 3)).to(crop).view(1, 3, 1, 1)
        return ((crop - 0.5) * gain * tint + 0.5 + offset).clamp(0, 1)

    def _distort(self, crop: Tensor, kind: int, rng: np.random.Generator) -> Tensor:
        name, low, high = self.classes[kind]
        seed = int(rng.integers(2**31))
        match name:
            case "clean":
                return crop
            case "x4-bicubic":
                return upscale(degrade(crop, Degradation(name)), 4)[..., : crop.shape[-2], : crop.shape[-1]].clamp(0, 1)
            case "noise":
                return degrade(crop, Degradation("gaussian", 0.2, noise=low, seed=seed))
            case "jpeg":
                return degrade(crop, Degradation("gaussian", 0.2, jpeg=int(low)))
        return degrade(crop, Degradation(name, float(rng.uniform(low, high)), seed=seed))

    def _batch(self, pictures: list[Tensor], key: list[int], count: int, share: slice) -> tuple[Tensor, Tensor, Tensor]:
        """Crops (N, 3, patch, patch), the index of each one's picture, and of its distortion; the same key, the same batch."""
        crops, which, kinds = [], [], []
        for i in range(count)[share]:
            rng = np.random.default_rng([self.recipe.shipped.seed, *key, i])
            which.append(int(rng.integers(len(pictures))))
            kinds.append(int(rng.integers(len(self.classes))) if rng.integers(4) else 0)
            crops.append(self._distort(self._crop(pictures[which[-1]], rng), kinds[-1], rng))
        device = crops[0].device
        return torch.cat(crops), torch.tensor(which, device=device), torch.tensor(kinds, device=device)

    def step(self, number: int, share: slice, rate: float) -> dict[str, Tensor]:
        """One step; arguments and result as Restoration's."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.shipped.learning_rate * rate
        crops, which, kinds = self._batch(self.pictures.train, [4, number], self.recipe.shipped.batch, share)
        with self.accelerator.autocast():
            taps = self.network(crops.contiguous(memory_format=torch.channels_last))
        by_picture, by_kind = self.heads(taps)
        picture, kind = F.cross_entropy(by_picture, which), F.cross_entropy(by_kind, kinds)
        self.optimiser.zero_grad(set_to_none=True)
        (picture + kind).backward()
        average_gradients(self.accelerator, self.parts.parameters())
        self.optimiser.step()
        if self.average is not None:
            self.average.update_parameters(self.parts)
        return {
            "loss": (picture + kind).detach(),
            "picture": picture.detach(),
            "kind": kind.detach(),
            "picture_right": (by_picture.argmax(1) == which).float().mean(),
            "kind_right": (by_kind.argmax(1) == kinds).float().mean(),
        }

    def watch(self, means: dict[str, float], steps: int) -> None:
        """Nothing to watch: there is no critic."""

    @torch.no_grad()
    def validate(self, number: int) -> tuple[dict[str, float], None]:
        """The share of held-out crops whose distortion is named right; there is no picture for the tape."""
        network, heads = self.parts if self.average is None else self.average.module
        crops, _, kinds = self._batch(self.pictures.validation, [5], 256, slice(None))
        with self.accelerator.autocast():
            taps = network(crops)
        right = (heads(taps)[1].argmax(1) == kinds).float().mean()
        return {"validation_kind_right": float(right)}, None

    def export(self, path: Path, card: dict) -> None:
        """Write the feature network in half precision, without its heads, and its card beside it."""
        network = (self.parts if self.average is None else self.average.module)[0]
        state = {name: value.detach().cpu().half().contiguous() for name, value in network.state_dict().items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(state, path)
        parameters = sum(parameter.numel() for parameter in network.parameters())
        path.with_suffix(".json").write_text(
            json.dumps({**card, "network": {"name": "features", "arguments": {}}, "parameters": parameters}, indent=2) + "\n"
        )
