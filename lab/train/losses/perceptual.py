"""Losses on features: what `lab.train.features` returns for a result and for its target, one (N, C, H, W) map a layer."""

import torch
import torch.nn.functional as F
from torch import Tensor

RESG_LAYERS = ("pool2", "pool5")
"""VGG-19's layers in NonBN-ResG-L's perceptual loss: low-level and high-level detail."""


def content_loss(result: dict[str, Tensor], target: dict[str, Tensor], distance: str) -> Tensor:
    """Distance of two pictures' features: the mean over a layer's values, added over the layers; scalar result.

    Which layers and which distance make the method:

    - SRGAN (Ledig et al. 2017, eq. 5): mse on relu5_4, "VGG54". The paper divides by width and height alone, and its
      features by 12.75; public code takes the mean over the channels too, as here.
    - ESRGAN (Wang et al. 2018, section 3.3) and SPSR: l1 on conv5_4, before its activation.
    - DeblurGAN (Kupyn et al. 2018): mse on conv3_3 (before the activation in its code), weight 100.

    Args:
        result, target: the same layers of both.
        distance: "mse" or "l1".
    """
    difference = {"mse": F.mse_loss, "l1": F.l1_loss}[distance]
    return sum(difference(result[layer].float(), target[layer].float()) for layer in target)


def resg_perceptual_loss(result: dict[str, Tensor], target: dict[str, Tensor]) -> Tensor:
    """NonBN-ResG-L's perceptual loss (Fan and Wang 2021, eq. 4): squared L2 distance after the 2nd and 5th pooling layer.

    Each layer's sum of squares is divided by its number of values (as Johnson et al. 2016, eq. 2, do), so that the
    large map of pool2 does not drown pool5. The paper prints neither that nor the loss's weight.

    Args:
        result, target: must hold RESG_LAYERS; other layers, for the texture loss, are left alone.
    """
    return sum(F.mse_loss(result[layer].float(), target[layer].float()) for layer in RESG_LAYERS)


def texture_loss(result: dict[str, Tensor], target: dict[str, Tensor], block: int) -> Tensor:
    """NonBN-ResG-L's texture loss (Fan and Wang 2021, eq. 5): squared distance of Gram matrices, block by block.

    One picture holds many textures, so each block of the feature map has its own Gram matrix F F^T: which features
    occur together there, wherever in the block. A Gram matrix is divided by the number of pixels in the block, and the
    squared distance is the mean over the matrix's entries, the blocks and the batch, added over the layers. (That is
    the squared Frobenius distance of Gram matrices divided by channels times pixels, as in Johnson et al. 2016, eq. 3
    and 4.) The paper prints no normalisation.

    Args:
        result, target: the same layers of both.
        block: side of a block in pixels of the feature map. A map smaller than a block is one block; incomplete blocks
            at the right and bottom border are left out. Sajjadi et al. (2017) found blocks of 16 x 16 pixels of the
            picture good, which are 4 x 4 after pool2.

    Raises:
        ValueError: block is below 1.
    """
    if block < 1:
        raise ValueError(f"A block of the texture loss must have at least 1 pixel a side, not {block}.")
    pairs = [(_block_grams(result[layer], block), _block_grams(target[layer], block)) for layer in target]
    return sum(F.mse_loss(*pair) for pair in pairs)


def _block_grams(x: Tensor, block: int) -> Tensor:
    """Gram matrices (all blocks, C, C) of feature maps (N, C, H, W), each divided by its number of pixels."""
    pictures, channels, height, width = x.shape
    high, wide = min(block, height), min(block, width)
    rows, columns = height // high, width // wide
    whole = x[..., : rows * high, : columns * wide].float()
    blocks = whole.reshape(pictures, channels, rows, high, columns, wide).permute(0, 2, 4, 1, 3, 5)
    flat = blocks.reshape(-1, channels, high * wide)
    with torch.autocast(x.device.type, enabled=False):  # sums of many squares: bf16 would keep two digits of them
        return flat @ flat.transpose(1, 2) / (high * wide)
