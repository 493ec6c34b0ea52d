"""How many pixels of a result lie beyond what the original holds around them: halos, ringing, and lines drawn beside edges.

The lab's own figure. That a sharpened pixel should not leave the range of its surroundings is an old rule of sharpening filters,
here turned into a count, with the original's surroundings in place of the blurred picture's.
"""

import numpy as np
import torch
import torch.nn.functional as F

SIDE = 7
"""Side in pixels of the surroundings."""
VISIBLE = 8
"""8-bit steps beyond their range that count."""


def overshoot(result: np.ndarray, reference: np.ndarray) -> float:
    """Share of pixels that lie above or below all of the reference around them, in any channel.

    Around a pixel are the SIDE x SIDE pixels of its own channel, as far as they lie in the picture.

    Args:
        result, reference: (H, W) or (H, W, C) of one shape on the scale of 0..255.

    Returns:
        Per cent of all pixels that lie beyond by more than VISIBLE; 0 for identical pictures.
    """
    channels = (np.atleast_3d(one).astype(np.float64).transpose(2, 0, 1) for one in (result, reference))
    seen, sharp = (torch.from_numpy(one)[None] for one in channels)
    highest = F.max_pool2d(sharp, SIDE, stride=1, padding=SIDE // 2)
    lowest = -F.max_pool2d(-sharp, SIDE, stride=1, padding=SIDE // 2)
    beyond = torch.maximum(seen - highest, lowest - seen) > VISIBLE
    return 100 * float(beyond.any(dim=1).double().mean())
