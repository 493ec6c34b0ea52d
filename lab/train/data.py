"""Training pictures, held in memory, and the batches drawn from them.

What a step sees depends on the recipe's seed and the step's number alone, never on what ran before: a run that was killed and
resumed sees the same batches, and several processes share out one batch between them.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lab.degrade import blur, defocus_kernel, gaussian_kernel, motion_paths, path_kernel, round_to_8_bits
from lab.errors import LabError
from lab.images import PictureError, read_picture
from lab.resize import downscale, upscale
from lab.train.recipe import Mixture, Recipe

MARGIN = 16
"""Pixels round a crop that are degraded with it and cut off, so that no crop shows a border the picture does not have."""
ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}
PATHS_IN_BANK = 512
"""Camera paths drawn once, with lengths spread over the recipe's range: drawing one takes longer than a training step."""
VALIDATION = 8
"""Held-out pictures whose middle crop is restored again and again while training goes on."""


class DataError(LabError):
    """Pictures that cannot be trained on; its text is the sentence to show."""


def find_pictures(folder: Path) -> list[Path]:
    """All picture files in a folder and the folders in it, sorted by path.

    Raises:
        DataError: no such folder, or no pictures in it.
    """
    if not folder.is_dir():
        raise DataError(f"there is no folder '{folder}': give one with pictures, with --data DIR.")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    if not found:
        raise DataError(f"there are no pictures in '{folder}': PNG, JPEG, WebP, BMP and TIFF files are read.")
    return found


def load_pictures(folder: Path, smallest: int, device: torch.device) -> tuple[list[Tensor], list[Tensor]]:
    """Decode a folder into memory.

    Args:
        folder: searched with all folders in it.
        smallest: pictures with a shorter side are skipped, as are damaged ones; both are named in the log.
        device: where the pictures are kept.

    Returns:
        Training and validation pictures, each uint8 (3, H, W). Every path keeps its place from run to run; validation pictures
        are spread evenly over the sorted paths.

    Raises:
        DataError: no folder, or fewer than 16 usable pictures.
    """
    log = logging.getLogger(__name__)
    pictures = []
    for path in find_pictures(folder):
        try:
            picture = read_picture(path)
        except PictureError as error:
            log.warning("skipped %s: %s", path.name, error)
            continue
        if min(picture.shape[:2]) < smallest:
            log.warning("skipped %s: its shorter side is below the %d pixels a crop needs.", path.name, smallest)
            continue
        pictures.append(torch.from_numpy(picture.copy()).permute(2, 0, 1).contiguous().to(device))
    if len(pictures) < 2 * VALIDATION:
        raise DataError(f"only {len(pictures)} usable pictures in '{folder}': training needs at least {2 * VALIDATION}.")
    held_out = {round((i + 0.5) * len(pictures) / VALIDATION) for i in range(VALIDATION)}
    train = [picture for i, picture in enumerate(pictures) if i not in held_out]
    return train, [pictures[i] for i in sorted(held_out)]


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


class Batches:
    """Draws pairs of degraded and sharp crops.

    Args:
        recipe: crop size, batch size, mixture of degradations, seed.
        pictures: uint8 (3, H, W) each, on the device where batches are made.
    """

    def __init__(self, recipe: Recipe, pictures: list[Tensor]):
        self.recipe = recipe
        self.pictures = pictures
        self.device = pictures[0].device
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
        plan = []
        for _ in range(self.recipe.shipped.batch):
            index = int(rng.integers(len(self.pictures)))
            height, width = self.pictures[index].shape[-2:]
            entry = self.recipe.degradations[int(rng.choice(len(self.shares), p=self.shares))]
            strength = float(rng.uniform(entry.low, entry.high)) if entry.low is not None else 0.0
            top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
            turn, flip, path = int(rng.integers(4)), bool(rng.integers(2)), int(rng.integers(PATHS_IN_BANK))
            plan.append(Draw(index, top, left, turn, flip, entry, strength, path))
        return plan

    def make(self, plan: list[Draw]) -> tuple[Tensor, Tensor]:
        """Turn a plan, or a process's share of it, into tensors.

        Returns:
            The network's input, (N, 3, patch / 4, patch / 4) for networks that enlarge, else (N, 3, patch, patch), and the sharp
            crops (N, 3, patch, patch); float32 in [0, 1].
        """
        side = self.recipe.shipped.patch + 2 * MARGIN
        crops = []
        for draw in plan:
            crop = self.pictures[draw.picture][:, draw.top : draw.top + side, draw.left : draw.left + side]
            crop = torch.rot90(crop, draw.turn, (1, 2))
            crops.append(crop.flip(2) if draw.flip else crop)
        sharp = torch.stack(crops).float() / 255
        given = self._degrade(sharp, plan)
        margin = MARGIN * given.shape[-1] // side
        return _cut(given, margin), _cut(sharp, MARGIN)

    def validation(self, pictures: list[Tensor], side: int = 192) -> tuple[Tensor, Tensor]:
        """The middle crops of held-out pictures, each with the mixture's kinds in turn at middle strength; as `make`."""
        side = min([side, *(min(picture.shape[-2:]) // 4 * 4 for picture in pictures)])
        plan, crops = [], []
        for i, picture in enumerate(pictures):
            entry = self.recipe.degradations[i % len(self.recipe.degradations)]
            strength = (entry.low + entry.high) / 2 if entry.low is not None else 0.0
            top, left = ((length - side) // 2 for length in picture.shape[-2:])
            plan.append(Draw(i, top, left, 0, False, entry, strength, i))
            crops.append(picture[:, top : top + side, left : left + side])
        sharp = torch.stack(crops).float() / 255
        return self._degrade(sharp, plan), sharp

    def _kernel(self, draw: Draw) -> Tensor:
        match draw.mixture.kind:
            case "gaussian":
                return gaussian_kernel(draw.strength)
            case "defocus":
                return defocus_kernel(draw.strength)
        return path_kernel(self.paths[draw.path])

    def _degrade(self, sharp: Tensor, plan: list[Draw]) -> Tensor:
        shrink = [i for i, draw in enumerate(plan) if draw.mixture.kind == "x4-bicubic"]
        if self.recipe.quarter_size:
            return round_to_8_bits(downscale(sharp, 4))
        given = sharp.clone()
        if shrink:
            given[shrink] = upscale(round_to_8_bits(downscale(sharp[shrink], 4)), 4)
        others = [i for i in range(len(plan)) if i not in set(shrink)]
        if others:
            kernels = [self._kernel(plan[i]) for i in others]
            size = max(kernel.shape[0] for kernel in kernels)
            same_size = [F.pad(kernel, ((size - kernel.shape[0]) // 2,) * 4) for kernel in kernels]
            given[others] = blur(sharp[others], torch.stack(same_size).to(self.device))
        return round_to_8_bits(given)


def _cut(x: Tensor, margin: int) -> Tensor:
    return x[..., margin : x.shape[-2] - margin, margin : x.shape[-1] - margin].contiguous()
