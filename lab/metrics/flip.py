"""FLIP (Andersson, Nilsson, Akenine-Möller, Oskarsson, Åström, Fairchild, "FLIP: a difference evaluator for alternating
images", HPG 2020), through its authors' package flip-evaluator, which is optional."""

import numpy as np

from lab.errors import LabError


class FlipError(LabError):
    """FLIP that cannot be computed; its text is the sentence to show."""


def why_not() -> str:
    """Why there is no FLIP here, as one sentence; empty where there is."""
    try:
        import flip_evaluator  # noqa: F401
    except ImportError:
        return "FLIP needs the package flip-evaluator: pip install flip-evaluator."
    return ""


def flip_map(result: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """How visible the difference is at every pixel, to someone flipping between the two at 67 pixels a degree.

    LDR-FLIP: sRGB filtered by the eye's contrast sensitivity, differences in colour and in edges and points combined.

    Args:
        result, reference: uint8 (H, W, 3) of one shape.

    Returns:
        float32 (H, W) in [0, 1], 0 where nothing can be seen.

    Raises:
        FlipError: the package is missing.
    """
    if missing := why_not():
        raise FlipError(missing)
    import flip_evaluator

    first, second = (np.ascontiguousarray(picture, dtype=np.float32) / 255 for picture in (reference, result))
    found, _, _ = flip_evaluator.evaluate(first, second, "LDR", applyMagma=False, computeMeanError=False)
    return np.asarray(found, dtype=np.float32).reshape(reference.shape[:2])


def flip(result: np.ndarray, reference: np.ndarray) -> float:
    """Mean of `flip_map`: 0 for identical pictures, at most 1, lower is better; arguments and errors as there."""
    return float(flip_map(result, reference).mean(dtype=np.float64))
