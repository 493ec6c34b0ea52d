"""Cut the example pictures out of scikit-image's bundled data: python assets/make_examples.py

Only pictures inside the scikit-image wheel are used (nothing is downloaded), and pixels are only cropped, never resampled, so
that every example is as sharp as its source. Credits are in assets/CREDITS.md.
"""

from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

TARGET = Path(__file__).parent / "examples"

# Name: (rows, columns) of the source to keep.
CROPS = {
    "astronaut": (slice(0, 512), slice(0, 512)),
    "chelsea": (slice(0, 300), slice(0, 451)),
    "coffee": (slice(4, 394), slice(74, 584)),
    "rocket": (slice(27, 427), slice(0, 470)),
    "page": (slice(0, 191), slice(0, 384)),
    "gravel": (slice(56, 456), slice(56, 456)),
}


def example(name: str) -> np.ndarray:
    """One example: uint8 (H, W, 3) RGB, or (H, W) where the source is grey."""
    return np.ascontiguousarray(getattr(skimage.data, name)()[CROPS[name]])


if __name__ == "__main__":
    for name in CROPS:
        picture = example(name)
        path = TARGET / f"{name}.png"
        Image.fromarray(picture).save(path, optimize=True)
        print(f"{path.name}: {picture.shape[1]}x{picture.shape[0]}, {path.stat().st_size} bytes")
