"""Gradient magnitude similarity deviation (Xue, Zhang, Mou, Bovik, "Gradient magnitude similarity deviation: a highly
efficient perceptual image quality index", IEEE TIP 2014)."""

import numpy as np

T = 170.0  # keeps the ratio steady where gradients are small; belongs to the scale 0..255


def gmsd(result: np.ndarray, reference: np.ndarray) -> float:
    """GMSD (eq. 1-6): how unevenly the edges have suffered; 0 for identical pictures, lower is better.

    Both lumas are averaged over 2x2 pixels and halved; m is the magnitude of the Prewitt gradient (kernels 1/3, zeros
    outside, as the authors' conv2 'same'); the map is (2 m_r m_d + T) / (m_r^2 + m_d^2 + T) with T = 170; the value is its
    standard deviation (N - 1, as the authors' std2).

    Args:
        result, reference: luma (H, W) of one shape on the scale of 0..255 (full range), each side at least 6.
    """
    m_d, m_r = _prewitt_magnitude(_halve(result)), _prewitt_magnitude(_halve(reference))
    similarity = (2 * m_r * m_d + T) / (m_r * m_r + m_d * m_d + T)
    return float(similarity.std(ddof=1))


def _halve(luma: np.ndarray) -> np.ndarray:
    """Means of 2x2 pixels, (H, W) -> (ceil(H / 2), ceil(W / 2)); an odd last row or column is averaged with zeros."""
    height, width = luma.shape
    even = np.pad(luma, ((0, height % 2), (0, width % 2))).astype(np.float64)
    return (even[0::2, 0::2] + even[0::2, 1::2] + even[1::2, 0::2] + even[1::2, 1::2]) / 4


def _prewitt_magnitude(luma: np.ndarray) -> np.ndarray:
    """Magnitude of the Prewitt gradient of (H, W), zeros outside: (H, W)."""
    padded = np.pad(luma, 1)
    columns = padded[:-2] + padded[1:-1] + padded[2:]
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    return np.hypot(columns[:, 2:] - columns[:, :-2], rows[2:] - rows[:-2]) / 3
