"""Which numbers of a picture a metric sees: the two conventions, luma, and the border that is left out.

Convention `sr` is that of super-resolution tables: luma Y of BT.601 in its studio range 16..235, with a border of as many
pixels as the scale cut from every side. Y is kept as a real number, as BasicSR does; MATLAB's rgb2ycbcr on 8-bit
pictures rounds it, which lowers PSNR by 0.003 to 0.015 dB. Convention `rgb` is that of deblurring tables: all three
channels, no border.

NIQE and Ma were made for 8-bit pictures: they see luma rounded to whole numbers, halves upwards as MATLAB does. In `sr` that
is Y in 16..235, the protocol of the PIRM challenge; in `rgb` it is the grey of their own releases.

Everything here is float64 on the scale of 0..255.
"""

import numpy as np

CONVENTIONS = ("sr", "rgb")

STUDIO_WEIGHTS = (65.481, 128.553, 24.966)
FULL_WEIGHTS = (0.298936021293776, 0.587043074451121, 0.114020904255103)


def studio_luma(picture: np.ndarray) -> np.ndarray:
    """Y of BT.601 in 16..235: 16 + (65.481 R + 128.553 G + 24.966 B) / 255, not rounded (ITU-R BT.601; MATLAB rgb2ycbcr).

    Args:
        picture: uint8 (H, W, 3) RGB.

    Returns:
        float64 (H, W) in 16..235.
    """
    return 16 + picture.astype(np.float64) @ (np.asarray(STUDIO_WEIGHTS) / 255)


def full_luma(picture: np.ndarray) -> np.ndarray:
    """Grey of MATLAB's rgb2gray in 0..255: 0.2989 R + 0.5870 G + 0.1140 B with all their digits, not rounded.

    Args:
        picture: uint8 (H, W, 3) RGB.

    Returns:
        float64 (H, W) in 0..255.
    """
    return picture.astype(np.float64) @ np.asarray(FULL_WEIGHTS)


def rounded(luma: np.ndarray) -> np.ndarray:
    """Whole numbers, halves upwards: what an 8-bit picture of this luma holds. float64 in, float64 out."""
    return np.floor(luma + 0.5)


def eight_bit_luma(picture: np.ndarray, convention: str, border: int = 4) -> np.ndarray:
    """What NIQE and Ma see: Y in 16..235 without the border (`sr`), or the grey of the whole picture (`rgb`), rounded.

    Args:
        picture: uint8 (H, W, 3) RGB.
        convention: "sr" or "rgb".
        border: pixels cut from every side in `sr`.

    Returns:
        float64 (h, w) of whole numbers.
    """
    return rounded(studio_luma(shave(picture, border)) if convention == "sr" else full_luma(picture))


def shave(picture: np.ndarray, border: int) -> np.ndarray:
    """Cut `border` pixels from every side of (H, W) or (H, W, C)."""
    height, width = picture.shape[:2]
    return picture[border : height - border, border : width - border]
