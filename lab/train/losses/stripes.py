"""A loss on what a network makes of stripes: dots along straight edges are there at once, and no picture hides them."""

import torch
from torch import Tensor

UPRIGHT, LEVEL = (0, 1), (1, 0)
OBLIQUE = ((1, 1), (1, -1), (1, 2), (2, -1), (2, 1), (1, -2), (2, 3), (3, -2), (3, 2), (2, -3))
"""(down, right): how far the phase of stripes goes on from one row, and from one column, to the next."""


def direction_of(step: int) -> tuple[int, int]:
    """The direction of a step's stripes: upright and level ones, whose dots eyes see first, each a quarter of the time.

    By the step's number, so that a resumed run has the same.
    """
    return (UPRIGHT, OBLIQUE[step // 4 * 2 % 10], LEVEL, OBLIQUE[(step // 4 * 2 + 1) % 10])[step % 4]


def striped(given: Tensor, direction: tuple[int, int]) -> Tensor:
    """Stripes of a direction from the middle row or column of each picture; (N, C, H, W) in [0, 1], result alike.

    Of steep stripes the middle row of the result is the picture's, of others its middle column; each next row (column) is the
    same moved on, between pixels by linear interpolation, and what comes in from outside repeats the last pixel. The line is
    stretched to the whole range (one with less than a tenth of it, tenfold), since dots are strongest beside the strongest
    edges, which photographs seldom have.

    Args:
        direction: UPRIGHT, LEVEL or one of OBLIQUE.
    """
    down, right = direction
    height, width = given.shape[2:]
    steep = abs(right) >= abs(down)
    line = given[:, :, height // 2] if steep else given[:, :, :, width // 2]
    low, high = line.amin(dim=(1, 2), keepdim=True), line.amax(dim=(1, 2), keepdim=True)
    line = (line - low) / (high - low).clamp(min=0.1)
    rows = torch.arange(height, device=given.device)[:, None] - height // 2
    columns = torch.arange(width, device=given.device) - width // 2
    # the phase in pixels of the line: 0 in the middle of the picture, and one more a pixel along the line
    phase = (down * rows + right * columns) / (right if steep else down)
    place = (phase + (width if steep else height) // 2).clamp(0, line.shape[2] - 1)
    before = place.floor().long()
    after = (before + 1).clamp(max=line.shape[2] - 1)
    return torch.lerp(line[:, :, before], line[:, :, after], (place - before).to(line))


def unevenness(result: Tensor, direction: tuple[int, int]) -> Tensor:
    """Mean absolute step along the stripes of what a network made of `striped` pictures; (N, C, H, W), scalar result.

    A step goes as far as leads from pixel to pixel along the stripes: one pixel along upright ones, 3 up or down and 2 to the
    side along those of direction (2, 3) or (2, -3). A quarter of each side is left out on either end, since the padding
    beyond the borders is no stripe; its effect reaches farther in. A network that ends in a pixel shuffle computes each pixel
    of a block by filters of its own, and adversarial training leaves dots along straight edges, at every second or fourth
    pixel: on upright and level stripes they are all that there is along them. Oblique stripes drawn pixel by pixel have
    stairs, too, which any enlargement shows a little of, and which cost the less the softer the result: an SRGAN trained on
    them has less unevenness there than bicubic enlargement, and at a guess that is why slanted wood is soft in it. The lab's
    own, and worth its price, a second pass of the network in each step, for networks with a pixel shuffle.
    """
    (down, right), (height, width) = direction, result.shape[2:]
    rows, columns = range(height // 4, height - height // 4), range(width // 4, width - width // 4)
    # from (row, column) to (row + right, column - down) the phase stays the same
    first, last = max(rows.start, rows.start - right), min(rows.stop, rows.stop - right)
    left, end = max(columns.start, columns.start + down), min(columns.stop, columns.stop + down)
    here = result[:, :, first:last, left:end]
    there = result[:, :, first + right : last + right, left - down : end - down]
    return (there - here).abs().mean()
