"""The batches drawn from training pictures.

What a step sees depends on the recipe's seed and the step's number alone, never on what ran before: a run that was killed and
resumed sees the same batches, and several processes share out one batch between them.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lab.degrade import blur, defocus_kernel, gaussian_kernel, motion_paths, path_kernel, round_to_8_bits
from lab.resize import downscale, upscale
from lab.train.pictures import DataError, Pictures
from lab.train.recipe import Mixture, Recipe

MARGIN = 16
"""Pixels round a crop that are degraded with it and cut off, so that no crop shows a border the picture does not have."""
PATHS_IN_BANK = 512
"""Camera paths drawn once, with lengths spread over the recipe's range: drawing one takes longer than a training step. Each crop
turns its path by an angle of its own, so that a network sees more of them than the bank holds."""


def refuse_pairs(recipe: Recipe) -> None:
    """Raise DataError where a recipe's network takes no pairs: one that enlarges needs small pictures, not blurred ones."""
    if recipe.quarter_size:
        raise DataError(
            f"{recipe.network} enlarges four times, which pairs of one size cannot teach: give sharp pictures with --data."
        )


def blur_each(x: Tensor, kernels: list[Tensor]) -> Tensor:
    """Blur each of (N, C, H, W) with a kernel of its own, (k, k) with k odd and of any size; see lab.degrade.blur."""
    size = max(kernel.shape[0] for kernel in kernels)
    same_size = [F.pad(kernel, ((size - kernel.shape[0]) // 2,) * 4) for kernel in kernels]
    return blur(x, torch.stack(same_size).to(x.device))


@dataclass(frozen=True)
class Draw:
    """What one crop of one batch is: decided on the CPU, in a few microseconds, before any pixel is touched."""

    picture: int
    top: int
    left: int
    turn: int
    """Quarter turns, 0..3."""
    flip: bool
    mixture: Mixture
    strength: float
    """Of Gaussian blur and defocus, in pixels."""
    path: int
    """Which camera path of the bank, for motion blur."""
    angle: float = 0.0
    """By how much it is turned, in radians."""


class Batches:
    """Draws pairs of degraded and sharp crops.

    Where the pictures bring their own blurred partners, these are the degraded crops, and the recipe's degradations are not
    applied.

    Args:
        recipe: crop size, batch size, mixture of degradations, seed.
        pictures: on the device where batches are made.

    Raises:
        DataError: pairs for a network that enlarges.
    """

    def __init__(self, recipe: Recipe, pictures: Pictures):
        if pictures.blurred_train is not None:
            refuse_pairs(recipe)
        self.recipe = recipe
        self.pictures = pictures
        self.device = pictures.train[0].device
        shares = np.array([entry.share for entry in recipe.degradations])
        self.shares = shares / shares.sum()
        self.paths = None
        for entry in recipe.degradations:
            if entry.kind == "motion":
                rng = np.random.default_rng([recipe.shipped.seed, 1])
                self.paths = motion_paths(rng.uniform(entry.low, entry.high, PATHS_IN_BANK), rng)

    def draw(self, step: int) -> list[Draw]:
        """The plan of one step's whole batch; the same step always gives the same plan."""
        rng = np.random.default_rng([self.recipe.shipped.seed, 2, step])
        side = self.recipe.shipped.patch + 2 * MARGIN
        angles = np.random.default_rng([self.recipe.shipped.seed, 3, step]).uniform(0, 2 * np.pi, self.recipe.shipped.batch)
        plan = []
        for angle in angles:
            index = int(rng.integers(len(self.pictures.train)))
            height, width = self.pictures.train[index].shape[-2:]
            entry = self.recipe.degradations[int(rng.choice(len(self.shares), p=self.shares))]
            strength = float(rng.uniform(entry.low, entry.high)) if entry.low is not None else 0.0
            top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
            turn, flip, path = int(rng.integers(4)), bool(rng.integers(2)), int(rng.integers(PATHS_IN_BANK))
            plan.append(Draw(index, top, left, turn, flip, entry, strength, path, float(angle)))
        return plan

    def make(self, plan: list[Draw]) -> tuple[Tensor, Tensor]:
        """Turn a plan, or a process's share of it, into tensors.

        Returns:
            The network's input, (N, 3, patch / 4, patch / 4) for networks that enlarge, else (N, 3, patch, patch), and the sharp
            crops (N, 3, patch, patch); float32 in [0, 1].
        """
        sharp = self._crops(self.pictures.train, plan)
        blurred = self.pictures.blurred_train
        given = self._degrade(sharp, plan) if blurred is None else self._crops(blurred, plan)
        margin = MARGIN * given.shape[-1] // sharp.shape[-1]
        return _cut(given, margin), _cut(sharp, MARGIN)

    def validation(self, side: int = 192) -> tuple[Tensor, Tensor]:
        """The middle crops of the held-out pictures, as `make`.

        Without blurred partners they take the mixture's kinds in turn, at the middle of its range; motion by the bank's first.
        """
        held_out, blurred = self.pictures.validation, self.pictures.blurred_validation
        side = min([side, *(min(picture.shape[-2:]) // 4 * 4 for picture in held_out)])
        sharp = torch.stack([_middle(picture, side) for picture in held_out]).float() / 255
        if blurred is not None:
            return torch.stack([_middle(picture, side) for picture in blurred]).float() / 255, sharp
        plan = []
        for i in range(len(held_out)):
            entry = self.recipe.degradations[i % len(self.recipe.degradations)]
            strength = (entry.low + entry.high) / 2 if entry.low is not None else 0.0
            plan.append(Draw(i, 0, 0, 0, False, entry, strength, i))
        return self._degrade(sharp, plan), sharp

    def _crops(self, pictures: list[Tensor], plan: list[Draw]) -> Tensor:
        """Crops with their margin, turned and flipped, (N, 3, side, side) float32 in [0, 1]."""
        side = self.recipe.shipped.patch + 2 * MARGIN
        crops = []
        for draw in plan:
            crop = pictures[draw.picture][:, draw.top : draw.top + side, draw.left : draw.left + side]
            crop = torch.rot90(crop, draw.turn, (1, 2))
            crops.append(crop.flip(2) if draw.flip else crop)
        return torch.stack(crops).float() / 255

    def _kernel(self, draw: Draw) -> Tensor:
        match draw.mixture.kind:
            case "gaussian":
                return gaussian_kernel(draw.strength)
            case "defocus":
                return defocus_kernel(draw.strength)
        return path_kernel(self.paths[draw.path] * np.exp(1j * draw.angle))

    def _degrade(self, sharp: Tensor, plan: list[Draw]) -> Tensor:
        shrink = [i for i, draw in enumerate(plan) if draw.mixture.kind == "x4-bicubic"]
        if self.recipe.quarter_size:
            return round_to_8_bits(downscale(sharp, 4))
        given = sharp.clone()
        if shrink:
            given[shrink] = upscale(round_to_8_bits(downscale(sharp[shrink], 4)), 4)
        others = [i for i in range(len(plan)) if i not in set(shrink)]
        if others:
            given[others] = blur_each(sharp[others], [self._kernel(plan[i]) for i in others])
        return round_to_8_bits(given)


def _cut(x: Tensor, margin: int) -> Tensor:
    return x[..., margin : x.shape[-2] - margin, margin : x.shape[-1] - margin].contiguous()


def _middle(picture: Tensor, side: int) -> Tensor:
    top, left = ((length - side) // 2 for length in picture.shape[-2:])
    return picture[:, top : top + side, left : left + side]
