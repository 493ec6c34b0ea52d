"""Draw the resolution chart of the examples: python assets/draw_chart.py

A Siemens star, text in falling sizes, line pairs, slanted edges and rings, each of which a blur or a bad enlargement spoils in
its own way. Everything is drawn eight times too large and averaged in linear light, so that edges are antialiased as a camera
with square pixels would see them. Dark is not black and light is not white: ringing then has room to show on both sides.
"""

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE = 512  # pixels of the finished chart
FINE = 8  # drawn pixels per finished pixel, each way
LIGHT, DARK = (232, 232, 232), (28, 28, 28)
GREY, RED, GREEN, BLUE, YELLOW = (160, 160, 160), (196, 44, 52), (34, 132, 80), (38, 78, 168), (226, 178, 40)

TARGET = Path(__file__).parent / "examples" / "chart.png"


def star(draw: ImageDraw.ImageDraw, centre: tuple[float, float], radius: float, spokes: int) -> None:
    """A Siemens star: at a distance r from the centre one light and one dark spoke take 2 pi r / spokes pixels."""
    box = [FINE * (centre[0] - radius), FINE * (centre[1] - radius), FINE * (centre[0] + radius), FINE * (centre[1] + radius)]
    for spoke in range(spokes):
        draw.pieslice(box, 360 * spoke / spokes, 360 * (spoke + 0.5) / spokes, fill=DARK)


def rings(picture: Image.Image, corner: tuple[int, int], side: int) -> None:
    """A zone plate: rings whose period falls from the middle to 2.5 pixels at the middle of each side."""
    half = side / 2
    axis = (np.arange(side * FINE) + 0.5) / FINE - half
    squared = axis[:, None] ** 2 + axis[None, :] ** 2
    wave = 0.5 + 0.5 * np.cos(math.pi * squared / (2.5 * half))
    wave[squared > half**2] = 1
    low, high = _to_light(DARK[0]), _to_light(LIGHT[0])
    steps = np.round(255 * _from_light(low + (high - low) * wave)).astype(np.uint8)
    picture.paste(Image.fromarray(steps), (corner[0] * FINE, corner[1] * FINE))


def line_pairs(draw: ImageDraw.ImageDraw, corner: tuple[int, int], period: int) -> None:
    """Upright lines above lying ones, both `period` pixels apart, half dark; the period is written below."""
    x, y = corner
    width, height = 56, 44
    for start in range(0, width - period + 1, period):
        _rectangle(draw, x + start, y, period / 2, height)
    for start in range(0, height - period + 1, period):
        _rectangle(draw, x, y + height + 6 + start, width - width % period, period / 2)
    draw.text((FINE * x, FINE * (y + 2 * height + 8)), f"{period} px", fill=DARK, font=_font(9))


def slanted(
    draw: ImageDraw.ImageDraw, corner: tuple[int, int], side: int, back: tuple[int, int, int], front: tuple[int, int, int]
) -> None:
    """A square with a smaller one on it turned by 5 degrees, whose edges cross the pixel grid slowly (ISO 12233)."""
    x, y = corner
    draw.rectangle([FINE * x, FINE * y, FINE * (x + side) - 1, FINE * (y + side) - 1], fill=back)
    middle, reach = (x + side / 2, y + side / 2), 0.31 * side * math.sqrt(2)
    angles = [math.radians(45 + 90 * quarter + 5) for quarter in range(4)]
    draw.polygon(
        [(FINE * (middle[0] + reach * math.cos(a)), FINE * (middle[1] + reach * math.sin(a))) for a in angles], fill=front
    )


def text_column(draw: ImageDraw.ImageDraw, x: int, y: int) -> None:
    """Lines of text, each in its own size in pixels, from headline to unreadable."""
    for size, words in (
        (34, "Clarity Lab"),
        (24, "Sharp at 24 pixels"),
        (18, "eighteen: 0123456789"),
        (14, "fourteen: edges, hair and lettering"),
        (12, "twelve: what was lost cannot return"),
        (10, "ten: a network can only guess what was here"),
        (8, "eight: the quick brown fox jumps over the lazy dog"),
        (7, "seven: the quick brown fox jumps over the lazy dog"),
        (6, "six: the quick brown fox jumps over the lazy dog, twice"),
        (5, "five: the quick brown fox jumps over the lazy dog, three times"),
    ):
        draw.text((FINE * x, FINE * y), words, fill=DARK, font=_font(size))
        y += round(1.45 * size) + 2


def draw_chart() -> np.ndarray:
    """The whole chart: uint8 (512, 512, 3) sRGB."""
    picture = Image.new("RGB", (SIDE * FINE, SIDE * FINE), LIGHT)
    draw = ImageDraw.Draw(picture)
    star(draw, (126, 128), 112, spokes=48)
    text_column(draw, 254, 12)
    for place, period in enumerate((12, 8, 6, 5, 4, 3, 2)):
        line_pairs(draw, (16 + 70 * place, 258), period)
    for place, (back, front) in enumerate(((LIGHT, DARK), (DARK, GREY), (YELLOW, BLUE), (RED, GREEN))):
        slanted(draw, (16 + 98 * place, 384), 90, back, front)
    draw.rectangle([FINE * 16, FINE * 384, FINE * 106 - 1, FINE * 474 - 1], outline=DARK, width=FINE)
    rings(picture, (408, 384), 90)
    for step in range(24):  # a wedge of greys
        level = round(DARK[0] + (LIGHT[0] - DARK[0]) * step / 23)
        draw.rectangle([FINE * (16 + 20 * step), FINE * 484, FINE * (36 + 20 * step) - 1, FINE * 500 - 1], fill=(level,) * 3)
    return _average(np.asarray(picture))


def _rectangle(draw: ImageDraw.ImageDraw, x: float, y: float, width: float, height: float) -> None:
    """A dark rectangle in finished pixels."""
    draw.rectangle(
        [round(FINE * x), round(FINE * y), round(FINE * (x + width)) - 1, round(FINE * (y + height)) - 1], fill=DARK
    )


def _font(size: int) -> ImageFont.FreeTypeFont:
    """The typeface that comes with Pillow, at a size in finished pixels."""
    return ImageFont.load_default(size * FINE)


def _to_light(value: np.ndarray | int) -> np.ndarray:
    """sRGB steps 0..255 to linear light 0..1 (IEC 61966-2-1)."""
    share = np.asarray(value) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def _from_light(light: np.ndarray) -> np.ndarray:
    """Linear light 0..1 to sRGB 0..1."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _average(fine: np.ndarray) -> np.ndarray:
    """Average FINE x FINE pixels in linear light: uint8 (SIDE FINE, SIDE FINE, 3) to uint8 (SIDE, SIDE, 3)."""
    light = _to_light(np.arange(256)).astype(np.float32)
    rows = [
        light[fine[row : row + FINE]].reshape(FINE, SIDE, FINE, 3).mean(axis=(0, 2)) for row in range(0, SIDE * FINE, FINE)
    ]
    return np.round(255 * _from_light(np.stack(rows))).astype(np.uint8)


if __name__ == "__main__":
    Image.fromarray(draw_chart()).save(TARGET, optimize=True)
    print(f"{TARGET.name}: {SIDE}x{SIDE}, {TARGET.stat().st_size} bytes")
