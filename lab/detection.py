"""Does it help a machine? An object detector, and how far its finds on one picture are those on another.

DeblurGAN's authors (Kupyn et al., CVPR 2018) judged deblurring by what it does for a detector. The one here is torchvision's
Faster R-CNN (Ren et al., NeurIPS 2015) on MobileNetV3 (Howard et al., ICCV 2019), trained on COCO; the shorter side of 320 pixels
that it brings pictures to is about a BSD picture's own. Nothing is downloaded: its weights are used where they lie on the disk.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lab.digests import sha256
from lab.errors import LabError
from lab.images import to_tensor

ARCHITECTURE = "fasterrcnn_mobilenet_v3_large_320_fpn"
"""As torchvision names it."""
DIGEST = "907ea3f9"
"""How the SHA-256 of its official weights begins."""
NAME = f"{ARCHITECTURE}-{DIGEST}.pth"
URL = f"https://download.pytorch.org/models/{NAME}"
SIZE = "78 MB"
SCORE = 0.5
"""What a find must have at least to count."""
OVERLAP = 0.5
"""Intersection over union from which on two boxes are of the same thing."""


class DetectionError(LabError):
    """A detector that cannot be had; the text is the sentence to show."""


@dataclass(frozen=True)
class Finds:
    """What a detector finds on a picture, surest first."""

    boxes: Tensor
    """(n, 4): left, top, right, bottom in pixels."""
    labels: Tensor
    """(n,) numbers of COCO's categories."""


@dataclass(frozen=True)
class Agreement:
    """Finds held against those that should be there."""

    both: int
    """Found, and there."""
    extra: int
    """Found, and not there."""
    missed: int
    """There, and not found."""

    def __add__(self, other: "Agreement") -> "Agreement":
        return Agreement(self.both + other.both, self.extra + other.extra, self.missed + other.missed)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall, 0..1; None where there is nothing at all."""
        every = 2 * self.both + self.extra + self.missed
        return 2 * self.both / every if every else None


def place() -> Path:
    """Where the weights' file belongs on this machine, whether or not it is there: torchvision's own folder."""
    return Path(torch.hub.get_dir()) / "checkpoints" / NAME


def weights_file(own: Path | None = None) -> Path:
    """The file of the detector's weights.

    Args:
        own: one that lies elsewhere, official or of the same layout; None for the official one in its place.

    Raises:
        DetectionError: there is none, or it is not whole; with where to get it and where to put it.
    """
    path = own or place()
    if not path.is_file():
        what = f"there is no file '{own}'" if own else "the detector's weights are not on this machine"
        raise DetectionError(f"{what}: get {URL} ({SIZE}, torchvision's terms) and put it at {place()}, or name it by --weights.")
    if own is None and not (digest := sha256(path)).startswith(DIGEST):
        raise DetectionError(f"{path} is damaged (its SHA-256 begins with {digest[:8]} and not {DIGEST}): get {URL} anew.")
    return path


def load(path: Path, device: torch.device) -> nn.Module:
    """The detector with a file's weights, in eval mode on a device.

    Raises:
        DetectionError: the file does not hold weights of this detector.
    """
    from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn

    network = fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None)
    wrong = DetectionError(f"{path.name} does not hold the weights of this detector: get {URL}.")
    try:
        found = network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), strict=False)
    except Exception as error:  # a damaged file makes torch.load raise almost anything
        raise wrong from error
    # The official file is of frozen batch norm, which counts no batches and in eval mode is batch norm.
    if found.unexpected_keys or not all(key.endswith("num_batches_tracked") for key in found.missing_keys):
        raise wrong
    return network.eval().requires_grad_(False).to(device)


def detect(network: nn.Module, picture: np.ndarray) -> Finds:
    """What a detector finds on a picture, uint8 (H, W, 3) RGB, with a score of at least SCORE."""
    device = next(network.parameters()).device
    with torch.inference_mode():
        (found,) = network([to_tensor(picture)[0].to(device)])
    sure = found["scores"] >= SCORE
    return Finds(found["boxes"][sure].cpu(), found["labels"][sure].cpu())


def agreement(found: Finds, wanted: Finds) -> Agreement:
    """How far finds are those that are wanted.

    As in COCO's protocol: each find, surest first, takes the wanted box of its category that it overlaps most, by OVERLAP at
    least, among those that no surer one has taken.
    """
    from torchvision.ops import box_iou

    overlaps = box_iou(found.boxes, wanted.boxes)
    overlaps[found.labels[:, None] != wanted.labels[None, :]] = 0
    both = 0
    for i in range(len(found.boxes) if len(wanted.boxes) else 0):
        best = int(overlaps[i].argmax())
        if overlaps[i, best] >= OVERLAP:
            overlaps[:, best] = 0
            both += 1
    return Agreement(both, len(found.boxes) - both, len(wanted.boxes) - both)
