"""Pictures that show what is wrong with a result."""

import numpy as np

MID_GREY = 128
HALFWAY = 0.5  # of LPIPS: a distance that is large for a whole picture


def difference_picture(result: np.ndarray, reference: np.ndarray, gain: float = 4) -> np.ndarray:
    """The signed difference from the reference, amplified, around mid-grey.

    Mid-grey is "no difference"; lighter is too light and darker too dark, channel by channel, so that a result that is too
    red shows red and one that is short of red shows cyan. Ringing thus appears as light and dark lines, a lost edge as a pair
    of them, and a colour cast as a tint: an absolute difference would show all three alike.

    Args:
        result, reference: uint8 (H, W, 3) RGB of one size.
        gain: how many steps one step of difference becomes; 4 shows differences of up to 32 steps before it clips.

    Returns:
        uint8 (H, W, 3): 128 + gain (result - reference), rounded and clipped.

    Raises:
        ValueError: the two pictures differ in size.
    """
    if result.shape != reference.shape:
        sizes = " and ".join(f"{picture.shape[1]}x{picture.shape[0]}" for picture in (result, reference))
        raise ValueError(f"A difference needs two pictures of one size; these are {sizes}.")
    difference = result.astype(np.float32) - reference
    return np.clip(np.floor(MID_GREY + gain * difference + 0.5), 0, 255).astype(np.uint8)


def distance_picture(distances: np.ndarray) -> np.ndarray:
    """A map of distances (lab.metrics.lpips) as heat: black where there is none, through red and yellow to white.

    Heat is 1 - exp(-d / HALFWAY), one scale for all pictures: it never clips, and shows differences where distances are small.

    Args:
        distances: float (H, W), not negative.

    Returns:
        uint8 (H, W, 3).
    """
    from matplotlib import colormaps

    heat = 1 - np.exp(-np.maximum(distances, 0) / HALFWAY)
    return colormaps["inferno"](heat, bytes=True)[..., :3]
