"""Growing the three forests of Ma-lab with scikit-learn, and joining them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lab.metrics.ma import MaError
from lab.metrics.ma_model import FAMILIES, Forest, Tree, plant

LEAVES = 5  # least samples at a leaf, as in the authors' training script
FOLDS = 5


@dataclass(frozen=True)
class Grown:
    """Forests, joined, with answers to samples they were not grown on."""

    forests: tuple[Forest, Forest, Forest]
    linear: np.ndarray
    """float64 (4,): the weights that join them."""
    held_out: np.ndarray
    """float64 (n,): the joined answer to each sample from forests that saw no version of its picture."""


def _families(features: np.ndarray) -> Iterator[np.ndarray]:
    start = 0
    for size in FAMILIES.values():
        yield features[:, start : start + size]
        start += size


def at_other_sizes(features: np.ndarray, seed: int) -> np.ndarray:
    """The features as if each picture had another size, by chance half to sixteen times as many pixels: (n, 138) to the same.

    The singular values grow with the square root of the number of blocks, and the other families hardly with the size. Forests
    that have seen one size alone take a large picture for a detailed one; after this they judge the values by one another.
    """
    result = features.copy()
    first = FAMILIES["dct"] + FAMILIES["pyramid"]
    result[:, first:] *= 2 ** np.random.default_rng(seed).uniform(-0.5, 2, (len(features), 1))
    return result


def _regressor(trees: int, seed: int) -> Any:
    try:
        from sklearn.ensemble import RandomForestRegressor
    except ImportError as error:
        raise MaError("growing Ma's forests needs the package scikit-learn: pip install scikit-learn.") from error
    return RandomForestRegressor(n_estimators=trees, min_samples_leaf=LEAVES, max_features=1 / 3, random_state=seed)


def _trees(regressor: Any) -> Iterator[Tree]:
    for estimator in regressor.estimators_:
        tree = estimator.tree_
        yield Tree(tree.children_left, tree.children_right, tree.feature, tree.threshold, tree.value[:, 0, 0])


def grow(features: np.ndarray, scores: np.ndarray, picture: np.ndarray, trees: int, seed: int) -> Grown:
    """Grow one forest a family of features, a third of which is looked at for each split, and join them.

    The weights that join them are fitted, by least squares and none of the forests' below 0, to answers of forests that saw no
    version of the same picture: in-sample answers would flatter the family that knows a picture again.

    Args:
        features: (n, 138), the families in the order of FAMILIES.
        scores: (n,), what to learn.
        picture: (n,), which picture each is a version of.
        trees: in each forest.
        seed: draws samples and features.

    Raises:
        MaError: scikit-learn is missing, or there are fewer than two pictures.
    """
    from scipy.optimize import lsq_linear

    pictures = np.unique(picture)
    if len(pictures) < 2:
        raise MaError("Ma-lab cannot be learned from one picture: give a folder with more.")
    fold = np.searchsorted(pictures, picture) % min(FOLDS, len(pictures))
    answers = np.ones((len(scores), 1 + len(FAMILIES)))
    forests = []
    for column, family in enumerate(_families(features), start=1):
        for one in range(fold.max() + 1):
            regressor = _regressor(trees, seed).fit(family[fold != one], scores[fold != one])
            answers[fold == one, column] = regressor.predict(family[fold == one])
        forests.append(plant(_trees(_regressor(trees, seed).fit(family, scores)), np.float32))
    lowest = [-np.inf] + [0] * len(FAMILIES)
    linear = lsq_linear(answers, scores, bounds=(lowest, np.inf)).x
    return Grown(tuple(forests), linear, answers @ linear)
