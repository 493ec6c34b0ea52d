"""What stands behind a Ma score: three regression forests, one a family of features, and the weights that join them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from lab.errors import LabError

FAMILIES = {"dct": 18, "pyramid": 45, "pca": 75}
"""The families of lab.metrics.ma_features in the order of the forests, and how many numbers each has."""


class MaError(LabError):
    """A picture that cannot be scored, or a model file that cannot be used; its text is the sentence to show."""


class Tree(NamedTuple):
    """One regression tree as others keep it; all arrays (nodes,), node 0 is the root."""

    left: np.ndarray
    """Where to go when the feature is at most the threshold; 0 or less at a leaf."""
    right: np.ndarray
    feature: np.ndarray
    """Which feature is asked for, from 0."""
    threshold: np.ndarray
    value: np.ndarray
    """What a leaf answers."""


@dataclass(frozen=True)
class Forest:
    """Many regression trees in one row of nodes, tree after tree, each breadth first, so that two children are neighbours."""

    sizes: np.ndarray
    """int32 (trees,): how many nodes each has."""
    left: np.ndarray
    """uint16 (nodes,): where the left child is, counted from the tree's root; the right one follows it. 0 at a leaf."""
    feature: np.ndarray
    """uint8 (nodes,): which feature is asked for."""
    number: np.ndarray
    """float (nodes,): the threshold at an inner node, at most which it goes left; the answer at a leaf."""

    @cached_property
    def roots(self) -> np.ndarray:
        """int64 (trees,)."""
        return np.cumsum(self.sizes, dtype=np.int64) - self.sizes

    @cached_property
    def _children(self) -> np.ndarray:
        """int64 (nodes,): where the left child is in the whole row; 0 at a leaf."""
        return np.where(self.left > 0, self.left + np.repeat(self.roots, self.sizes), 0)

    def predict(self, features: np.ndarray) -> float:
        """The mean of all trees' answers for one picture's features (D,); all trees go down one step at a time together."""
        node = self.roots
        while True:
            left = self._children[node]
            inner = left > 0
            if not inner.any():
                return float(self.number[node].mean(dtype=np.float64))
            node = np.where(inner, left + (features[self.feature[node]] > self.number[node]), node)

    def check(self, features: int) -> None:
        """Make sure that every walk ends at a leaf and asks for one of so many features.

        Raises:
            MaError: it would not; half a sentence, for who reads the file to begin.
        """
        arrays = self.sizes, self.left, self.feature, self.number
        if any(array.ndim != 1 for array in arrays) or len(self.sizes) == 0 or self.sizes.min() < 1:
            raise MaError("it holds a forest without trees.")
        if not self.sizes.sum() == len(self.left) == len(self.feature) == len(self.number):
            raise MaError("it holds a forest whose parts differ in length.")
        place = np.arange(len(self.left)) - np.repeat(self.roots, self.sizes)
        inner = self.left > 0
        inside = (self.left > place) & (self.left + 1 < np.repeat(self.sizes, self.sizes))
        if not inside[inner].all() or not (self.feature[inner] < features).all():
            raise MaError("it holds a tree that leads nowhere.")
        if not np.isfinite(self.number).all():
            raise MaError("it holds values that are not numbers.")


@dataclass(frozen=True)
class MaModel:
    """score = linear[0] + linear[1] * forest 1 + linear[2] * forest 2 + linear[3] * forest 3."""

    forests: tuple[Forest, Forest, Forest]
    """In the order of FAMILIES."""
    linear: np.ndarray
    """float64 (4,)."""
    variant: str
    """"official" or "lab"."""
    source: str
    """The name of the file it came from and the first 12 hex digits of that file's SHA-256."""


def plant(trees: Iterable[Tree], dtype: type) -> Forest:
    """Lay trees out as a forest; nodes that no walk reaches are left behind.

    Args:
        trees: as others keep them.
        dtype: np.float32 or np.float64, what thresholds and answers are kept in.

    Raises:
        MaError: a child that is not there or is reached twice, or a tree of more than 65535 nodes; half a sentence.
    """
    sizes, lefts, features, numbers = [], [], [], []
    for tree in trees:
        left, order = _breadth_first(tree)
        sizes.append(len(order))
        lefts.append(left)
        features.append(np.where(left > 0, tree.feature[order], 0))
        numbers.append(np.where(left > 0, tree.threshold[order], tree.value[order]))
    if not sizes:
        raise MaError("it holds a forest without trees.")
    asked = np.concatenate(features)
    if asked.min() < 0 or asked.max() > 255:
        raise MaError("it holds a tree that asks for a feature there is none of.")
    return Forest(
        sizes=np.array(sizes, np.int32),
        left=np.concatenate(lefts).astype(np.uint16),
        feature=asked.astype(np.uint8),
        number=np.concatenate(numbers).astype(dtype),
    )


def _breadth_first(tree: Tree) -> tuple[np.ndarray, np.ndarray]:
    """The left children of one tree in its new order, counted from its root, and the old number of each node in that order."""
    row, lefts, rows, seen = np.zeros(1, np.int64), [], [], 1
    while len(row):
        inner = tree.left[row] > 0
        children = np.stack([tree.left[row[inner]], tree.right[row[inner]]], axis=1).ravel().astype(np.int64)
        left = np.zeros(len(row), np.int64)
        left[inner] = seen + 2 * np.arange(int(inner.sum()))
        seen += len(children)
        if seen > min(len(tree.left), 65535) or (len(children) and not 0 < children.min() <= children.max() < len(tree.left)):
            raise MaError("it holds a tree that leads nowhere.")
        lefts.append(left)
        rows.append(row)
        row = children
    return np.concatenate(lefts), np.concatenate(rows)
