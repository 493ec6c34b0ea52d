"""Where to look first: the spot of a picture with the most fine detail, not too far from the middle."""

import numpy as np

from lab.gradients import gradient_picture

WINDOW = 64


def interesting_spot(picture: np.ndarray) -> list[int]:
    """The centre of the WINDOW x WINDOW square that holds the most edges, the middle counting more than the rim.

    Args:
        picture: uint8 (H, W, 3), at least 32 x 32.

    Returns:
        [x, y] in pixels.
    """
    edges = gradient_picture(picture, 1.0)[..., 0].astype(np.float64)
    height, width = edges.shape
    high, wide = min(WINDOW, height), min(WINDOW, width)
    sums = np.pad(edges, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    inside = sums[high:, wide:] - sums[:-high, wide:] - sums[high:, :-wide] + sums[:-high, :-wide]
    y = np.linspace(-1, 1, inside.shape[0]) if inside.shape[0] > 1 else np.zeros(1)
    x = np.linspace(-1, 1, inside.shape[1]) if inside.shape[1] > 1 else np.zeros(1)
    middle = np.exp(-(y[:, None] ** 2 + x[None, :] ** 2) / 0.5)
    row, column = np.unravel_index(np.argmax(inside * middle), inside.shape)
    return [int(column) + wide // 2, int(row) + high // 2]
