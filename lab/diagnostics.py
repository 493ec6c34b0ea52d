"""Pictures that show what is wrong with a result."""

import numpy as np

MID_GREY = 128


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
