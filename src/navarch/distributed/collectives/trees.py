"""Trees over ranks along which a message is reduced and sent out in segments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from navarch.distributed.collectives.schedule import Array

NO_PARENT = -1


@dataclass(frozen=True, eq=False)
class Tree:
    """A tree by the parent of each rank; the root has none (-1)."""

    parent: Array

    @property
    def depth(self) -> Array:
        """Edges from each rank to the root."""
        depth = np.zeros(len(self.parent), np.int64)
        above = self.parent
        while np.any(above != NO_PARENT):
            depth += above != NO_PARENT
            above = np.where(above == NO_PARENT, NO_PARENT, self.parent[above])
        return depth

    @property
    def height(self) -> int:
        """Edges from the deepest rank to the root."""
        return int(self.depth.max(initial=0))

    def levels(self) -> Iterator[tuple[int, Array, Array]]:
        """Depth, ranks at that depth and their parents, from the root down."""
        depth = self.depth
        for level in range(1, self.height + 1):
            child = np.flatnonzero(depth == level)
            yield level, child, self.parent[child]

    def relabelled(self, name: Array) -> Tree:
        """The same tree over other names for its ranks."""
        parent = np.empty_like(self.parent)
        parent[name] = np.where(self.parent == NO_PARENT, NO_PARENT, name[self.parent])
        return Tree(parent)


def binary_tree(ranks: int, root: int) -> Tree:
    """The binary tree of least height, its levels filled from the left."""
    number = np.arange(ranks)
    return Tree(np.where(number > 0, (number - 1) // 2, NO_PARENT)).relabelled((number + root) % ranks)


def chain(ranks: int, root: int) -> Tree:
    """Each rank passes on to the next."""
    number = np.arange(ranks)
    return Tree(number - 1).relabelled((number + root) % ranks)


def double_binary_tree(ranks: int, root: int | None) -> list[Tree]:
    """Sanders, Speck and Traeff 2009: two trees in which a rank with children in one has none in the other.

    root: common to both, above the two, for a broadcast; None where each has its own (all-reduce), as in NCCL.
    """
    if root is None:
        return _pair(ranks)
    if ranks == 1:
        return [chain(1, 0)] * 2
    others = (root + 1 + np.arange(ranks - 1)) % ranks
    trees = []
    for tree in _pair(ranks - 1):
        parent = np.full(ranks, NO_PARENT)
        parent[others] = np.where(tree.parent == NO_PARENT, root, others[tree.parent])
        trees.append(Tree(parent))
    return trees


def _pair(ranks: int) -> list[Tree]:
    """NCCL's pair: the second tree is the first mirrored, or shifted by one where the ranks are odd."""
    number = np.arange(ranks)
    first = Tree(_in_order_parents(ranks))
    return [first, first.relabelled(ranks - 1 - number if ranks % 2 == 0 else (number + 1) % ranks)]


def _in_order_parents(ranks: int) -> Array:
    """Parents in the tree whose leaves are the odd ranks: above a rank is the one with its lowest set bit moved up."""
    number = np.arange(ranks)
    lowest = number & -number
    above = (number ^ lowest) | (lowest << 1)
    parent = np.where(above >= ranks, number ^ lowest, above)
    return np.where(number == 0, NO_PARENT, parent)
