"""Ma's third family of features: in how many ways the patches of a picture vary, and how much (Ma et al., CVIU 2017)."""

import numpy as np

BLOCK = 5


def pca_features(level: np.ndarray) -> np.ndarray:
    """The 25 singular values of the matrix whose columns are the picture's distinct 5x5 blocks, largest first.

    They are not divided by the number of blocks, as in the authors' code, so they grow with the picture. They come from the
    triangle of a QR factorisation: as exact as from the blocks themselves, where squaring them first would lose the small ones.

    Args:
        level: float64 (H, W) on the scale of 0..1; continued by zeros to multiples of 5.

    Returns:
        float64 (25,); zeros at the end where there are fewer blocks than 25.
    """
    height, width = level.shape
    padded = np.pad(level, ((0, -height % BLOCK), (0, -width % BLOCK)))
    rows, columns = padded.shape[0] // BLOCK, padded.shape[1] // BLOCK
    blocks = padded.reshape(rows, BLOCK, columns, BLOCK).transpose(0, 2, 1, 3).reshape(rows * columns, BLOCK * BLOCK)
    values = np.linalg.svd(np.linalg.qr(blocks, mode="r"), compute_uv=False)
    return np.pad(values, (0, BLOCK * BLOCK - len(values)))
