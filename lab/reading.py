"""Does it help a machine? QR codes on pictures, and a decoder that reads them.

DeblurGAN's authors judged deblurring by what it does for an object detector. Reading asks the same with nothing to download, and
its answer leaves no room for taste: a code gives its text, or it does not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lab.errors import LabError

SIDE = 176
"""Pixels of a scene's side."""
MODULES = (3.0, 4.0, 5.0)
"""Sides of a code's modules in pixels, in turns: the smaller, the sooner a blur takes them."""
TILT = 12.0
"""Degrees that a code is turned at most, either way."""
DARK, LIGHT = (20, 60), (190, 240)
"""8-bit steps that a code's ink and paper lie between: no print is black on white."""
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
LENGTH = 14
"""Letters of a text: with medium error correction they fit into version 1, of 21 x 21 modules."""
QUIET = 4
"""Modules of paper around a code (ISO/IEC 18004)."""
_QUIET_OF_OPENCV = 2
_FINE = 4  # samples a pixel, each way, when a code is drawn


class ReadingError(LabError):
    """Codes that cannot be made; the text is the sentence to show."""


@dataclass(frozen=True)
class Scene:
    """A picture with a code on it."""

    picture: np.ndarray
    """uint8 (SIDE, SIDE, 3) RGB."""
    text: str
    """What the code says."""
    module: float
    """Side of its modules in pixels."""


def code(text: str) -> np.ndarray:
    """The QR code of a text as OpenCV encodes it, with medium error correction (15 % of it may be lost).

    Returns:
        uint8 (n, n), 0 for ink and 255 for paper, one sample a module, with the quiet zone around it.
    """
    import cv2

    settings = cv2.QRCodeEncoder_Params()
    settings.correction_level = cv2.QRCodeEncoder_CORRECT_LEVEL_M
    modules = cv2.QRCodeEncoder_create(settings).encode(text)
    return np.pad(modules, QUIET - _QUIET_OF_OPENCV, constant_values=255)


def check_background(picture: np.ndarray) -> None:
    """Raise ReadingError where a picture, uint8 (H, W, 3) RGB, is too small to put a code on."""
    height, width = picture.shape[:2]
    if min(height, width) < SIDE:
        raise ReadingError(f"a background must be at least {SIDE}x{SIDE}, not {width}x{height}: leave this picture out.")


def scene(background: np.ndarray, seed: int, module: float) -> Scene:
    """A seeded code on a seeded part of a picture: its text, tilt, place, ink and paper are drawn.

    Args:
        background: uint8 (H, W, 3) RGB, each side at least SIDE.
        seed: draws everything; the same one always gives the same scene.
        module: side of the code's modules in pixels.

    Raises:
        ReadingError: the background is too small, or the modules are so large that the code does not fit.
    """
    check_background(background)
    height, width = background.shape[:2]
    rng = np.random.default_rng(seed)
    text = "".join(rng.choice(list(LETTERS), LENGTH))
    modules = code(text)
    angle = math.radians(rng.uniform(-TILT, TILT))
    reach = len(modules) * module / 2 * (math.cos(angle) + abs(math.sin(angle)))
    if reach > SIDE / 2:
        raise ReadingError(f"modules of {module:g} pixels make a code that does not fit into {SIDE}x{SIDE}.")
    middle = rng.uniform(reach, SIDE - reach, 2)
    paper, inside = _turned(modules, module, angle, middle)
    ink_level, paper_level = rng.uniform(*DARK), rng.uniform(*LIGHT)
    top, left = (int(rng.integers(0, side - SIDE + 1)) for side in (height, width))
    behind = background[top : top + SIDE, left : left + SIDE]
    mixed = behind * (1 - inside) + ink_level * (inside - paper) + paper_level * paper
    return Scene(np.floor(mixed.clip(0, 255) + 0.5).astype(np.uint8), text, module)


def scenes(backgrounds: Sequence[np.ndarray], count: int) -> list[Scene]:
    """The first `count` scenes: number i has seed i; backgrounds take turns, and each meets every size of modules in turn.

    Raises:
        ReadingError: fewer than one scene, no background, or one that is too small.
    """
    if not backgrounds:
        raise ReadingError("there is no picture to put codes on.")
    if count < 1:
        raise ReadingError(f"at least one code is needed, not {count}.")
    rounds = len(backgrounds)
    return [scene(backgrounds[i % rounds], i, MODULES[(i % rounds + i // rounds) % len(MODULES)]) for i in range(count)]


def read(picture: np.ndarray) -> str:
    """The text of the code on a picture, uint8 (H, W, 3) RGB, by OpenCV's detector; empty where it reads none."""
    import cv2

    try:
        return cv2.QRCodeDetector().detectAndDecode(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))[0]
    except (cv2.error, UnicodeDecodeError):  # corners that make no code, or bytes that make no text
        return ""


def _turned(modules: np.ndarray, module: float, angle: float, middle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much of each pixel is the code's paper, and how much is the code: two (SIDE, SIDE, 1) in [0, 1].

    Drawn with _FINE x _FINE samples a pixel and averaged, as a sensor does.
    """
    import cv2

    scale, centre = module * _FINE, (len(modules) - 1) / 2
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    x, y = middle * _FINE - 0.5
    matrix = np.array([[cosine, -sine, x - (cosine - sine) * centre], [sine, cosine, y - (sine + cosine) * centre]])

    def drawn(samples: np.ndarray) -> np.ndarray:
        fine = cv2.warpAffine(samples, matrix, (SIDE * _FINE, SIDE * _FINE), flags=cv2.INTER_NEAREST)
        return cv2.resize(fine, (SIDE, SIDE), interpolation=cv2.INTER_AREA)[..., None].astype(np.float64) / 255

    return drawn(modules), drawn(np.full_like(modules, 255))
