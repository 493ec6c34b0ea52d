"""Training the lab's own feature network, whose layers stand in for VGG-19's in losses.

Without labels, two things are learned from one augmented crop: which picture it was cut from, every picture being a class of
its own (exemplar classes: Dosovitskiy et al. 2014, "Discriminative Unsupervised Feature Learning with Convolutional Neural
Networks"), which needs texture and parts; and what was done to it, in kind and level (after CONTRIQUE, Madhusudana et al. 2022,
and ARNIQA, Agnolucci et al. 2024), which needs a sense of sharpness, ringing and noise.
"""

import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from safetensors.torch import save_file
from torch import Tensor, nn

from lab.degrade import blur, defocus_kernel, gaussian_kernel, jpeg, motion_paths, path_kernel, round_to_8_bits
from lab.networks.features import WIDTHS, LabFeatures
from lab.resize import downscale, resize, upscale
from lab.train.averaging import averaged
from lab.train.data import blur_each
from lab.train.errors import TrainingError
from lab.train.pictures import Pictures
from lab.train.processes import average_gradients, share_batch_norm
from lab.train.recipe import Recipe

LEVELS = 3
"""Levels into which a recipe's range of a strength is divided; each is a class."""
NOISE = (4.0, 12.0, 30.0)
JPEG = (70, 35, 12)
HALO = (0.8, 2.0)
"""Levels of noise (8-bit steps), of compression (quality) and of oversharpening (unsharp mask), each a class."""
HALO_SIGMA = 1.2
"""Of the unsharp mask, in pixels."""
ZOOMS = (0.55, 0.7, 0.85, 1.0, 1.2, 1.4, 1.6)
"""A crop is cut this many times the patch's size, and shrunk or enlarged to it."""
PATHS_A_CLASS = 200
"""Camera paths drawn once for each class of motion blur: drawing one takes longer than a training step."""


def distortions(recipe: Recipe) -> list[tuple[str, float, float]]:
    """The classes of the second head: (kind, low, high), from "clean" on; each strength range divided into LEVELS."""
    classes = [("clean", 0.0, 0.0)]
    for entry in recipe.degradations:
        if entry.low is None:
            classes.append((entry.kind, 0.0, 0.0))
        else:
            edges = np.linspace(entry.low, entry.high, LEVELS + 1)
            classes += [(entry.kind, float(low), float(high)) for low, high in itertools.pairwise(edges)]
    for name, levels in (("noise", NOISE), ("jpeg", JPEG), ("halo", HALO)):
        classes += [(name, float(level), float(level)) for level in levels]
    return classes


@dataclass(frozen=True)
class Draw:
    """What one crop of a batch is, decided before any pixel is touched."""

    picture: int
    side: int
    """Of the square cut from the picture, in pixels; it is resized to the patch."""
    top: int
    left: int
    flip: bool
    gain: np.ndarray
    """(3,) contrast times tint."""
    offset: float
    """Brightness."""
    kind: int
    """Index of its distortion's class."""
    strength: float
    seed: int
    """Draws noise, and chooses a camera path."""

    def cut(self, picture: Tensor) -> Tensor:
        """Its square (3, side, side) out of its picture (3, H, W), mirrored or not."""
        crop = picture[:, self.top : self.top + self.side, self.left : self.left + self.side]
        return crop.flip(2) if self.flip else crop


class Heads(nn.Module):
    """What reads the classes off the features while they are learned: thrown away afterwards.

    Batch norm brings all channels to one scale first; without it learning takes about twice the steps.
    """

    def __init__(self, pictures: int, kinds: int):
        super().__init__()
        self.picture = nn.Sequential(nn.BatchNorm1d(WIDTHS[-1]), nn.Linear(WIDTHS[-1], pictures))
        read = 2 * sum(WIDTHS)
        self.kind = nn.Sequential(nn.BatchNorm1d(read), nn.Linear(read, 256), nn.ReLU(), nn.Linear(256, kinds))

    def forward(self, taps: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Scores (N, pictures) from the last stage's mean, and (N, kinds) from mean and log variance of every stage."""
        maps = [F.relu(tap.float()) for tap in taps.values()]
        means = [value.mean(dim=(2, 3)) for value in maps]
        spreads = [value.var(dim=(2, 3)).add(1e-6).log() for value in maps]
        return self.picture(means[-1]), self.kind(torch.cat([*means, *spreads], dim=1))


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
        self.sides = [round(shipped.patch * zoom) for zoom in ZOOMS]
        rng = np.random.default_rng([shipped.seed, 6])
        self.paths = {
            i: motion_paths(rng.uniform(low, high, PATHS_A_CLASS), rng)
            for i, (name, low, high) in enumerate(self.classes)
            if name == "motion"
        }
        self.network = LabFeatures().to(device, memory_format=torch.channels_last)
        self.heads = Heads(len(pictures.train), len(self.classes)).to(device)
        self.parts = nn.ModuleList([self.network, self.heads])
        share_batch_norm(accelerator, self.parts)
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
        classes = [list(entry) for entry in self.classes]
        return {"restores": False, "losses": {"picture": 1.0, "kind": 1.0}, "features": None, "classes": classes}

    def _plan(self, pictures: list[Tensor], key: list[int], count: int) -> list[Draw]:
        """What `count` crops are; the same key always gives the same plan."""
        rng = np.random.default_rng([self.recipe.shipped.seed, *key])
        plan = []
        for _ in range(count):
            index = int(rng.integers(len(pictures)))
            side = int(rng.choice(self.sides))
            height, width = pictures[index].shape[-2:]
            kind = int(rng.integers(len(self.classes))) if rng.integers(4) else 0
            plan.append(
                Draw(
                    picture=index,
                    side=side,
                    top=int(rng.integers(height - side + 1)),
                    left=int(rng.integers(width - side + 1)),
                    flip=bool(rng.integers(2)),
                    gain=rng.uniform(0.75, 1.25) * rng.uniform(0.9, 1.1, 3),
                    offset=float(rng.uniform(-0.1, 0.1)),
                    kind=kind,
                    strength=float(rng.uniform(*self.classes[kind][1:])),
                    seed=int(rng.integers(2**31)),
                )
            )
        return plan

    def _clean(self, pictures: list[Tensor], plan: list[Draw]) -> Tensor:
        """Crops of random size, place, mirror image, brightness, contrast and colour: (N, 3, patch, patch) in [0, 1]."""
        patch, device = self.recipe.shipped.patch, pictures[0].device
        crops = torch.empty(len(plan), 3, patch, patch, device=device)
        for side in {draw.side for draw in plan}:  # all of one size are resized together
            places = [i for i, draw in enumerate(plan) if draw.side == side]
            cut = [plan[i].cut(pictures[plan[i].picture]) for i in places]
            crops[places] = resize(torch.stack(cut).float() / 255, (patch, patch))
        gain = torch.from_numpy(np.stack([draw.gain for draw in plan])).to(crops).view(-1, 3, 1, 1)
        offset = torch.tensor([draw.offset for draw in plan], device=device).view(-1, 1, 1, 1)
        return round_to_8_bits((crops - 0.5) * gain + 0.5 + offset)

    def _distort(self, crops: Tensor, plan: list[Draw]) -> None:
        """Do to every crop what its class says, in place, all crops of one kind together."""
        for name in {self.classes[draw.kind][0] for draw in plan} - {"clean"}:
            places = [i for i, draw in enumerate(plan) if self.classes[draw.kind][0] == name]
            draws, chosen = [plan[i] for i in places], crops[places]
            match name:
                case "x4-bicubic":
                    chosen = upscale(round_to_8_bits(downscale(chosen, 4)), 4)
                case "noise":
                    shape = chosen.shape[1:]
                    grain = [np.random.default_rng(draw.seed).standard_normal(shape) * draw.strength / 255 for draw in draws]
                    chosen = chosen + torch.from_numpy(np.stack(grain)).to(chosen)
                case "halo":
                    amount = torch.tensor([draw.strength for draw in draws], device=chosen.device).view(-1, 1, 1, 1)
                    chosen = chosen + amount * (chosen - blur(chosen, gaussian_kernel(HALO_SIGMA)))
                case "jpeg":
                    chosen = torch.cat([jpeg(chosen[i : i + 1], int(draw.strength)) for i, draw in enumerate(draws)])
                case _:
                    chosen = blur_each(chosen, [self._kernel(name, draw) for draw in draws])
            crops[places] = round_to_8_bits(chosen)

    def _kernel(self, name: str, draw: Draw) -> Tensor:
        match name:
            case "gaussian":
                return gaussian_kernel(draw.strength)
            case "defocus":
                return defocus_kernel(draw.strength)
        bank = self.paths[draw.kind]
        return path_kernel(bank[draw.seed % len(bank)])

    def _batch(self, pictures: list[Tensor], plan: list[Draw]) -> tuple[Tensor, Tensor, Tensor]:
        """Crops (N, 3, patch, patch), the index of each one's picture, and of its distortion."""
        crops = self._clean(pictures, plan)
        self._distort(crops, plan)
        which = torch.tensor([draw.picture for draw in plan], device=crops.device)
        return crops, which, torch.tensor([draw.kind for draw in plan], device=crops.device)

    def step(self, number: int, share: slice, rate: float) -> dict[str, Tensor]:
        """One step; arguments and result as Restoration's."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.shipped.learning_rate * rate
        plan = self._plan(self.pictures.train, [4, number], self.recipe.shipped.batch)[share]
        crops, which, kinds = self._batch(self.pictures.train, plan)
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
        network, heads = (self.parts if self.average is None else self.average.module).eval()
        held_out = self.pictures.validation
        crops, _, kinds = self._batch(held_out, self._plan(held_out, [5], 256))
        with self.accelerator.autocast():
            taps = network(crops)
        right = (heads(taps)[1].argmax(1) == kinds).float().mean()
        self.parts.train()
        return {"validation_kind_right": float(right)}, None

    def export(self, path: Path, card: dict) -> None:
        """Write the feature network in half precision, without its heads, and its card beside it."""
        network = (self.parts if self.average is None else self.average.module)[0]
        state = {name: value.detach().cpu().half().contiguous() for name, value in network.state_dict().items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")  # whoever reads meanwhile sees the old file or the new one, never half of it
        save_file(state, part)
        part.replace(path)
        parameters = sum(parameter.numel() for parameter in network.parameters())
        path.with_suffix(".json").write_text(
            json.dumps({**card, "network": {"name": "features", "arguments": {}}, "parameters": parameters}, indent=2) + "\n"
        )
