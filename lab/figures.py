"""Figures to take away: a strip of crops."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PAPER, INK, FRAME_COLOR = (255, 255, 255), (30, 30, 30), (120, 120, 120)
GAP = 8  # between panels, and around the strip
FRAME = 1
LABEL_SIZE = 14
LINE_HEIGHT = 18

Box = tuple[int, int, int, int]


def crop_strip(pictures: Sequence[tuple[str, np.ndarray]], box: Box, zoom: int = 4) -> np.ndarray:
    """The same spot of several pictures side by side, enlarged without smoothing, with a label under each.

    Every pixel of a crop becomes a square of `zoom` x `zoom` equal pixels, inside a frame one pixel wide. Labels longer than a
    panel go on in further lines.

    Args:
        pictures: (label, uint8 (H, W, 3) RGB), from left to right; at least one.
        box: (x, y, width, height) of the spot in pixels of the pictures; it must lie inside each.
        zoom: whole number of times to enlarge, at least 1.

    Returns:
        uint8 (h, w, 3) RGB on white.

    Raises:
        ValueError: there is no picture, the zoom is below 1, or the box does not lie inside a picture.
    """
    if not pictures:
        raise ValueError("A strip of crops needs at least one picture.")
    if zoom < 1:
        raise ValueError(f"The zoom of a strip must be at least 1; it was {zoom}.")
    crops = [_crop(picture, box) for _, picture in pictures]
    width, height = box[2] * zoom, box[3] * zoom
    font = ImageFont.load_default(LABEL_SIZE)
    labels = [_lines(label, width + 2 * FRAME, font) for label, _ in pictures]

    step = width + 2 * FRAME + GAP
    text_top = GAP + height + 2 * FRAME + GAP // 2
    size = (GAP + step * len(crops), text_top + LINE_HEIGHT * max(map(len, labels)) + GAP // 2)
    strip = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(strip)
    for place, (crop, lines) in enumerate(zip(crops, labels, strict=True)):
        left = GAP + step * place
        draw.rectangle([left, GAP, left + width + 2 * FRAME - 1, GAP + height + 2 * FRAME - 1], fill=FRAME_COLOR)
        strip.paste(Image.fromarray(crop.repeat(zoom, axis=0).repeat(zoom, axis=1)), (left + FRAME, GAP + FRAME))
        for number, line in enumerate(lines):
            middle = left + FRAME + width / 2
            draw.text((middle, text_top + LINE_HEIGHT * number), line, fill=INK, font=font, anchor="ma")
    return np.array(strip)


def _crop(picture: np.ndarray, box: Box) -> np.ndarray:
    """The part of (H, W, 3) inside (x, y, width, height), refused with a sentence where it does not lie inside."""
    x, y, width, height = box
    rows, columns = picture.shape[:2]
    if width < 1 or height < 1 or x < 0 or y < 0 or x + width > columns or y + height > rows:
        raise ValueError(f"The crop {x},{y},{width},{height} does not lie inside the picture of {columns}x{rows}.")
    return picture[y : y + height, x : x + width]


def _lines(label: str, width: int, font: ImageFont.FreeTypeFont) -> list[str]:
    """Break a label into lines at most `width` pixels wide: between words, and inside a word only where it must be."""
    lines = [""]
    for word in label.split():
        joined = f"{lines[-1]} {word}".strip()
        if font.getlength(joined) <= width:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and font.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return lines
