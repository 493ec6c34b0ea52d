"""Structural similarity (Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural
similarity", IEEE TIP 2004).

The plain form of the paper, at full size. The automatic halving of large pictures in Wang's later script and in some
libraries gives far higher numbers and is another variant.
"""

import numpy as np

WINDOW, SIGMA = 11, 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(result: np.ndarray, reference: np.ndarray) -> float:
    """SSIM with an 11x11 Gaussian window of sigma 1.5, K = (0.01, 0.03), L = 255 (eq. 13-16); higher is better.

    Means, variances and the covariance are weighted by the window and biased (no N - 1), and the mean is over the windows
    that lie wholly inside the picture, 5 pixels in from every side.

    Args:
        result, reference: arrays of one shape, (H, W) or (H, W, C), on the scale of 0..255, float64 or uint8, each side
            at least 11.

    Returns:
        The mean over pixels (and channels), at most 1.
    """
    luminance, contrast_structure = similarities(result.astype(np.float64), reference.astype(np.float64))
    return float((luminance * contrast_structure).mean())


def similarities(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """SSIM's two factors around every pixel whose window lies inside: luminance, and contrast and structure as one (eq. 6, 13).

    Args:
        x, y: float64 of one shape, (H, W) or (H, W, C), on the scale of 0..255, each side at least 11.

    Returns:
        Both (H - 10, W - 10) or (H - 10, W - 10, C), at most 1.
    """
    mean_x, mean_y = _window_means(x), _window_means(y)
    products = mean_x * mean_y
    squares = mean_x * mean_x + mean_y * mean_y
    covariance = _window_means(x * y) - products
    variances = _window_means(x * x + y * y) - squares  # the two variances are only ever needed as a sum
    return (2 * products + C1) / (squares + C1), (2 * covariance + C2) / (variances + C2)


def _window_means(values: np.ndarray) -> np.ndarray:
    """Gaussian-weighted mean around every pixel whose 11x11 window lies inside: (H, W, ...) -> (H - 10, W - 10, ...)."""
    import cv2

    margin = WINDOW // 2
    window = np.exp(-(np.arange(-margin, margin + 1) ** 2) / (2 * SIGMA**2))
    window /= window.sum()
    return cv2.sepFilter2D(values, cv2.CV_64F, window, window)[margin:-margin, margin:-margin]
