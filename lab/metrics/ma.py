"""Ma's score: how good a restored picture looks, from the picture alone (Ma, Yang, Yang, Yang, CVIU 2017; code "NRQM").

About 0..10, higher is better. Models come from the authors' file, or from the lab's own (see lab.fitting.ma); scores of the two
are different figures and never share a table.
"""

import numpy as np

from lab.metrics.ma_features import MaFeatures, ma_features
from lab.metrics.ma_files import read_lab, read_official
from lab.metrics.ma_model import Forest, MaError, MaModel

__all__ = ["Forest", "MaError", "MaFeatures", "MaModel", "ma", "ma_features", "read_lab", "read_official", "score", "why_not"]

LEAST_SIDE = 64


def why_not(height: int, width: int) -> str:
    """Why a picture of this size (its border already cut) has no Ma score, in one sentence; empty where it has one."""
    if min(height, width) >= LEAST_SIDE:
        return ""
    return f"Ma needs at least {LEAST_SIDE}x{LEAST_SIDE} pixels; here are {width}x{height}."


def score(features: MaFeatures, model: MaModel) -> float:
    """The three forests' answers joined: b0 + b1 s1 + b2 s2 + b3 s3."""
    families = features.dct, features.pyramid, features.pca
    answers = [forest.predict(family) for forest, family in zip(model.forests, families, strict=True)]
    return float(model.linear[0] + model.linear[1:] @ np.array(answers))


def ma(luma: np.ndarray, model: MaModel) -> float:
    """The Ma score of one picture.

    Args:
        luma: (H, W), whole numbers 0..255 of any type: already rounded, the border already cut. PIRM's protocol gives Y of
            BT.601 in 16..235 without 4 pixels a side.
        model: from `read_official` or `read_lab`.

    Raises:
        MaError: the picture is too small, or all of one grey, so that it has no frequencies to look at.
    """
    why = why_not(*luma.shape)
    if why:
        raise MaError(why)
    if luma.min() == luma.max():
        raise MaError("Ma cannot be computed on a picture of one flat colour.")
    return score(ma_features(luma), model)
