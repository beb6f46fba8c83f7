"""The collectives as schedules: rings, trees, halving and doubling, hierarchies, tori, and switches that reduce."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from navarch.distributed.collectives.schedule import (
    Array,
    CollectiveError,
    MadeRounds,
    Round,
    Schedule,
    Span,
    timeline,
    transfers,
)
from navarch.distributed.collectives.trees import Tree, binary_tree, chain, double_binary_tree

SEGMENTS = 16
"""Pieces into which a pipelined tree cuts the message unless told otherwise."""
FIRST, LAST = "reduce_scatter", "all_gather"


def all_reduce(
    algorithm: str, ranks: int, *, shape: Sequence[int] = (), segments: int = SEGMENTS, root: int = 0
) -> Schedule:
    """Schedule of an all-reduce. shape: (groups, ranks of a group) of `hierarchical`, or the sides of `torus`."""
    return schedule_of("all_reduce", algorithm, ranks, shape=shape, segments=segments, root=root)


def schedule_of(
    collective: str, algorithm: str, ranks: int, *, shape: Sequence[int] = (), segments: int = SEGMENTS, root: int = 0
) -> Schedule:
    """Schedule of a collective by name; CollectiveError names what is allowed.

    collective: one of `COLLECTIVES`; algorithm: one of its; ranks: participants; shape: (groups, ranks of a group) of
    `hierarchical`, or the sides of `torus`, their product the ranks; segments: of pipelined trees and switches; root:
    of a broadcast.
    """
    algorithms = COLLECTIVES.get(collective)
    if algorithms is None:
        raise CollectiveError(f"collective: {collective!r} is not one; there are: {', '.join(COLLECTIVES)}")
    make = algorithms.get(algorithm)
    if make is None:
        raise CollectiveError(
            f"algorithm: {algorithm!r} is not one of {collective}; there are: {', '.join(algorithms)}"
        )
    if ranks < 1:
        raise CollectiveError(f"ranks: {ranks} is not allowed; at least 1")
    if segments < 1:
        raise CollectiveError(f"segments: {segments} is not allowed; at least 1")
    if not 0 <= root < ranks:
        raise CollectiveError(f"root: {root} is not allowed; 0 to {ranks - 1}")
    sides = tuple(int(side) for side in shape)
    if sides and (math.prod(sides) != ranks or min(sides) < 1):
        written = " x ".join(map(str, sides))
        raise CollectiveError(f"shape: {written} is not allowed; the product of its sides must be the {ranks} ranks")
    if not sides and algorithm in ("hierarchical", "torus"):
        raise CollectiveError(f"shape: {algorithm} needs one, such as {'2,4' if algorithm != 'torus' else '4,4'}")
    if algorithm == "hierarchical" and len(sides) != 2:
        raise CollectiveError(f"shape: {len(sides)} sides are not allowed; groups and ranks of a group, such as 2,4")
    return make(_Asked(collective, algorithm, ranks, sides, segments, root))


class _Asked:
    """What was asked for."""

    def __init__(
        self, collective: str, algorithm: str, ranks: int, shape: tuple[int, ...], segments: int, root: int
    ) -> None:
        self.collective, self.algorithm, self.ranks = collective, algorithm, ranks
        self.shape, self.segments, self.root = shape, segments, root

    def made(self, chunks: int, rounds: Sequence[Round], **more: Any) -> Schedule:
        return Schedule(
            self.collective, self.algorithm, self.ranks, chunks, rounds, root=self.root, shape=self.shape, **more
        )


def _ring_phase(
    place: Array, shape: tuple[int, ...], axis: int, step: int, owner: Array, size: int, first: int, phase: str
) -> Round:
    """One axis of a torus of rings: each rank passes blocks of `size` slots to its neighbour, n - 1 times.

    place: coordinates (axes x ranks); step: +1 or -1, the direction; owner: first slot of the window in which the
    blocks of a rank's ring lie; first: 1 where a rank's own block comes to it last (reduce-scatter), 0 where it starts
    with it.
    """
    side = shape[axis]
    to = place.copy()
    to[axis] = (place[axis] + step) % side
    destination = np.ravel_multi_index(tuple(to), shape)
    block = (place[axis] - step * first) % side
    return transfers(
        np.arange(place.shape[1]), destination, owner + block * size, size,
        reduces=phase == FIRST, repeats=side - 1, shift=-step * size, window=side * size,
    )  # fmt: skip


def _ring_part(
    shape: tuple[int, ...], order: Sequence[int], step: int, base: int, phases: Sequence[str]
) -> tuple[list[Span], Array]:
    """Spans of one part of the message that is reduced along each axis in turn and gathered back; and who owns which.

    The slots of the part are numbered by the coordinates in `order`, the first axis the most significant.
    """
    ranks = math.prod(shape)
    place = np.stack(np.unravel_index(np.arange(ranks), shape)) if shape else np.zeros((0, 1), np.int64)
    owner, size = np.full(ranks, base), ranks
    stages = []
    for axis in order:
        size //= shape[axis]
        stages.append((axis, owner, size))
        owner = owner + place[axis] * size
    spans: list[Span] = []
    start = 0
    for phase in phases:
        for axis, window, block in stages if phase == FIRST else reversed(stages):
            first = 1 if phase == FIRST else 0
            spans.append(Span(start, _ring_phase(place, shape, axis, step, window, block, first, phase)))
            start += shape[axis] - 1
    return spans, owner


def _rings(asked: _Asked, shape: tuple[int, ...], parts: Sequence[tuple[Sequence[int], int]]) -> Schedule:
    """Parts of the message side by side, each along its own order of axes and in its own direction."""
    phases = (FIRST, LAST) if asked.collective == "all_reduce" else (asked.collective,)
    spans, owned = [], []
    for number, (order, step) in enumerate(parts):
        found, owner = _ring_part(shape, order, step, number * asked.ranks, phases)
        spans += found
        owned.append(owner)
    return asked.made(len(parts) * asked.ranks, timeline(spans), owned=np.stack(owned, axis=1))


def _ring(asked: _Asked) -> Schedule:
    """Patarasuk and Yuan 2009: n - 1 steps of 1/n to reduce, n - 1 to gather."""
    return _rings(asked, (asked.ranks,), [((0,), 1)])


def _bidirectional_ring(asked: _Asked) -> Schedule:
    """Half of the message each way round."""
    return _rings(asked, (asked.ranks,), [((0,), 1), ((0,), -1)])


def _hierarchical_rings(asked: _Asked) -> Schedule:
    """Within each group, then across groups (each rank its own shard), then within again."""
    return _rings(asked, asked.shape, [((1, 0), 1)])


def _torus(asked: _Asked) -> Schedule:
    """Two directions for each axis first in turn: every link of the torus is busy in every step."""
    axes = [axis for axis, side in enumerate(asked.shape) if side > 1] or [0]
    orders = [tuple(axes[first:] + axes[:first]) for first in range(len(axes))]
    return _rings(asked, asked.shape, [(order, step) for order in orders for step in (1, -1)])


def _trees(asked: _Asked, trees: Sequence[Tree]) -> Schedule:
    """Each tree takes its share of the message in segments: up to its root, and down as soon as the root has them."""
    deepest = max(tree.height for tree in trees)
    reduces = asked.collective == "all_reduce"
    spans = []
    for number, tree in enumerate(trees):
        for depth, child, parent in tree.levels():
            ends = {"begin": number * asked.segments, "repeats": asked.segments, "shift": 1, "window": asked.segments}
            if reduces:
                spans.append(Span(deepest - depth, transfers(child, parent, reduces=True, **ends)))
            spans.append(Span(deepest * reduces + depth - 1, transfers(parent, child, **ends)))
    return asked.made(len(trees) * asked.segments, timeline(spans))


def _binary_tree(asked: _Asked) -> Schedule:
    return _trees(asked, [binary_tree(asked.ranks, asked.root)])


def _double_binary_tree(asked: _Asked) -> Schedule:
    common = asked.root if asked.collective == "broadcast" else None
    return _trees(asked, double_binary_tree(asked.ranks, common))


def _chain(asked: _Asked) -> Schedule:
    return _trees(asked, [chain(asked.ranks, asked.root)])


def _halving_doubling(asked: _Asked) -> Schedule:
    """Rabenseifner 2004: ranks beyond a power of two fold into a neighbour first and are given the result last."""
    core = 1 << (asked.ranks.bit_length() - 1)
    beyond = asked.ranks - core
    number = np.arange(core)
    rank = np.where(number < beyond, 2 * number + 1, number + beyond)  # of the ranks that stay
    folded = 2 * np.arange(beyond)
    rounds = [transfers(folded, folded + 1, 0, core, reduces=True)] if beyond else []
    halves = []
    for bit in reversed(range(core.bit_length() - 1)):
        size = 1 << bit
        kept = number // (2 * size) * (2 * size)
        theirs = kept + np.where(number & size, 0, size)
        ours = kept + np.where(number & size, size, 0)
        halves.append((rank, rank[number ^ size], theirs, ours, size))
    rounds += [transfers(source, to, theirs, size, reduces=True) for source, to, theirs, _, size in halves]
    rounds += [transfers(source, to, ours, size) for source, to, _, ours, size in reversed(halves)]
    if beyond:
        rounds.append(transfers(folded + 1, folded, 0, core))
    return asked.made(core, tuple(rounds))


def _bruck(asked: _Asked) -> Schedule:
    """Bruck et al. 1997: in step k each rank passes on the 2^k parts that it has; the reverse of it reduces."""
    ranks, own = asked.ranks, np.arange(asked.ranks)
    rounds = []
    for bit in range((ranks - 1).bit_length()):
        hop = 1 << bit
        count = np.full(ranks, min(hop, ranks - hop))
        head = np.minimum(count, ranks - own)
        to = (own - hop) % ranks
        wraps = count > head
        pieces = (
            np.concatenate([own, own[wraps]]), np.concatenate([to, to[wraps]]),
            np.concatenate([own, np.zeros(wraps.sum(), np.int64)]), np.concatenate([head, (count - head)[wraps]]),
        )  # fmt: skip
        rounds.append(pieces)
    if asked.collective == "all_gather":
        made = tuple(transfers(source, to, begin, count) for source, to, begin, count in rounds)
    else:
        made = tuple(transfers(to, source, begin, count, reduces=True) for source, to, begin, count in reversed(rounds))
    return asked.made(ranks, made, owned=own[:, None])


def _in_network(asked: _Asked) -> Schedule:
    """Graham et al. 2016 (SHARP): every rank sends to the switch, which sends the sum to all, in segments."""
    ranks = np.arange(asked.ranks)
    ends = {"begin": 0, "repeats": asked.segments, "shift": 1, "window": asked.segments}
    if asked.ranks == 1:
        return asked.made(asked.segments, ())
    up = Span(0, transfers(ranks, asked.ranks, reduces=ranks > 0, **ends))
    down = Span(1, transfers(asked.ranks, ranks, **ends))
    return asked.made(asked.segments, timeline([up, down]), reducers=1)


def _pairwise(asked: _Asked) -> Schedule:
    """Thakur et al. 2005: in step s each rank sends to the rank s further on, and receives from the one s before."""
    ranks, own = asked.ranks, np.arange(asked.ranks)

    def make(step: int) -> Round:
        to = (own + step + 1) % ranks
        return transfers(own, to, to, into=ranks + own)

    def received_at(rank: int) -> Array:
        return np.where(own == rank, rank, ranks + own)

    return asked.made(ranks, MadeRounds(ranks - 1, make), slots=2 * ranks, sends_at=own, received_at=received_at)


def _hierarchical_exchange(asked: _Asked) -> Schedule:
    """First within the group, to the rank that has the destination's place; then between the ranks of that place.

    Slots: parts sent, by place and then by group; the same gathered from the group, by sender and then by group;
    parts received, by rank.
    """
    groups, local = asked.shape
    ranks, own = asked.ranks, np.arange(asked.ranks)
    group, place = own // local, own % local
    gathered, received = ranks, 2 * ranks
    senders = np.arange(local)[:, None]

    def within(step: int) -> Round:
        to = (place + step + 1) % local
        return transfers(own, group * local + to, to * groups, groups, into=gathered + place * groups)

    def across(step: int) -> Round:
        to = (group + step) % groups
        held = np.where(senders == place, 0, gathered)
        return transfers(own, to * local + place, held + senders * groups + to, into=received + group * local + senders)

    def make(step: int) -> Round:
        return within(step) if step < local - 1 else across(step - local + 2)

    sends_at = place * groups + group

    def received_at(rank: int) -> Array:
        near = np.where(own == rank, sends_at[rank], gathered + place * groups + group)
        return np.where(group == group[rank], near, received + own)

    number = local + groups - 2
    return asked.made(ranks, MadeRounds(number, make), slots=3 * ranks, sends_at=sends_at, received_at=received_at)


_RINGS: dict[str, Callable[[_Asked], Schedule]] = {
    "ring": _ring,
    "bidirectional_ring": _bidirectional_ring,
    "hierarchical": _hierarchical_rings,
    "torus": _torus,
}
COLLECTIVES: dict[str, dict[str, Callable[[_Asked], Schedule]]] = {
    "all_reduce": {
        **_RINGS,
        "binary_tree": _binary_tree,
        "double_binary_tree": _double_binary_tree,
        "halving_doubling": _halving_doubling,
        "in_network": _in_network,
    },
    "reduce_scatter": {**_RINGS, "bruck": _bruck},
    "all_gather": {**_RINGS, "bruck": _bruck},
    "all_to_all": {"pairwise": _pairwise, "hierarchical": _hierarchical_exchange},
    "broadcast": {"chain": _chain, "binary_tree": _binary_tree, "double_binary_tree": _double_binary_tree},
}


def names() -> Iterator[tuple[str, str]]:
    """Every collective with each of its algorithms."""
    for collective, algorithms in COLLECTIVES.items():
        for algorithm in algorithms:
            yield collective, algorithm
