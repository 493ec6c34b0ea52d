"""A loss on what a network makes of stripes: dots along straight edges are there at once, and no picture hides them."""

from torch import Tensor


def striped(given: Tensor, upright: bool) -> Tensor:
    """Stripes from the middle row (`upright`) or column of each picture; (N, C, H, W) in [0, 1], result alike.

    Each is stretched to the whole range (one with less than a tenth of it, tenfold), since dots are strongest beside the
    strongest edges, which photographs seldom have.
    """
    line = given[:, :, given.shape[2] // 2, None, :] if upright else given[:, :, :, given.shape[3] // 2, None]
    low, high = line.amin(dim=(1, 2, 3), keepdim=True), line.amax(dim=(1, 2, 3), keepdim=True)
    return ((line - low) / (high - low).clamp(min=0.1)).expand_as(given)


def unevenness(result: Tensor, upright: bool) -> Tensor:
    """Mean absolute step along the stripes of what a network made of `striped` pictures; (N, C, H, W), scalar result.

    A quarter of each side is left out on either end, since the padding beyond the borders is no stripe. Its effect reaches
    farther in, which leaves about 2e-4 to any network; otherwise one that treats every pixel alike gives 0. One that ends in
    a pixel shuffle computes each pixel of a block by filters of its own, and adversarial training leaves dots along straight
    edges, at every second or fourth pixel: on stripes they are all that there is along them. The lab's own, and worth its
    price, a second pass of the network in each step, for networks with a pixel shuffle alone.
    """
    rows, columns = result.shape[2] // 4, result.shape[3] // 4
    inner = result[..., rows : result.shape[2] - rows, columns : result.shape[3] - columns]
    return inner.diff(dim=-2 if upright else -1).abs().mean()
