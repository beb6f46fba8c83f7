"""A collective as data: who sends which part of the message to whom, round by round.

One schedule serves the estimate (`schedule.cost`), the simulation of its flows on a topology, and the real run over
sockets. Identical rounds are written once with the number of their repetitions, so that a ring of 16,384 ranks is two
rounds; rounds that cannot be written so (all-to-all) are made when asked for.

The rules of a round: every send reads what its sender held when the round began; what arrives is applied in the order
of the arrays. Rounds follow one another for each rank by what it needs, not by a barrier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, overload

import numpy as np

from navarch.core.quantity import QuantityError

Array = np.ndarray[Any, np.dtype[Any]]
Port = Literal["rank", "link"]


class CollectiveError(QuantityError):
    """A collective that cannot be made or run as asked: names what was given and what is allowed."""


@dataclass(frozen=True, eq=False)
class Round:
    """Transfers of one round, one an entry of each array; `repeats` such rounds follow one another.

    source, destination: ranks, and from `Schedule.ranks` on switches that reduce; begin, into: first slot sent from and
    into; count: slots sent, each 1/`Schedule.chunks` of the message; reduces: whether what arrives is added to what is
    there (else it replaces it); repeats: identical rounds; shift: slots by which begin and into move at each
    repetition, within aligned windows of `window` slots.
    """

    source: Array
    destination: Array
    begin: Array
    into: Array
    count: Array
    reduces: Array
    repeats: int
    shift: Array
    window: Array

    def __len__(self) -> int:
        return len(self.source)

    def slots(self, repeat: int) -> tuple[Array, Array]:
        """First slot sent from and into in one of the repetitions."""
        return tuple(_moved(at, repeat * self.shift, self.window) for at in (self.begin, self.into))  # type: ignore[return-value]

    def at(self, repeat: int) -> Round:
        """One of the repetitions alone."""
        begin, into = self.slots(repeat)
        return Round(
            self.source, self.destination, begin, into, self.count, self.reduces, 1, self.shift, self.window
        )  # fmt: skip


def _moved(begin: Array, by: Array, window: Array) -> Array:
    anchor = begin // window * window
    return anchor + (begin - anchor + by) % window


@dataclass(frozen=True)
class Cost:
    """What a schedule needs in the alpha-beta-gamma model, as multiples of the message.

    rounds: that follow one another; sent: of the busiest port, summed over the rounds; reduced: by the busiest rank,
    summed over the rounds.
    """

    rounds: int
    sent: float
    reduced: float


@dataclass(frozen=True, eq=False)
class Schedule:
    """A collective among `ranks` ranks (and `reducers` switches, numbered from `ranks` on).

    chunks: equal parts of the message, one a slot; slots: of each rank's buffer, more than chunks where parts are
    received beside those that are sent; rounds: in order; owned: for a reduce-scatter or an all-gather, the slots of
    each rank (ranks x parts); sends_at, received_at: for an all-to-all, the slot of the part for each rank, and the
    slots of the parts from each rank, by receiver; root: of a broadcast; shape: of the torus or (groups, ranks of a
    group), row by row, if it has one.
    """

    collective: str
    algorithm: str
    ranks: int
    chunks: int
    rounds: Sequence[Round]
    slots: int = 0
    reducers: int = 0
    owned: Array | None = None
    sends_at: Array | None = None
    received_at: Callable[[int], Array] | None = None
    root: int = 0
    shape: tuple[int, ...] = ()

    @property
    def nodes(self) -> int:
        """Ranks and switches that take part."""
        return self.ranks + self.reducers

    @property
    def buffer(self) -> int:
        """Slots of each rank's buffer."""
        return max(self.slots, self.chunks)

    @property
    def steps(self) -> int:
        """Rounds that follow one another."""
        return sum(each.repeats for each in self.rounds)

    def inputs(self, rank: int) -> Array:
        """The slots that hold what a rank brings, in the order of its message."""
        if self.collective == "broadcast" and rank != self.root:
            return np.empty(0, np.int64)
        if self.collective == "all_gather" and self.owned is not None:
            return self.owned[rank]
        if self.collective == "all_to_all" and self.sends_at is not None:
            return self.sends_at
        return np.arange(self.chunks)

    def outputs(self, rank: int) -> Array:
        """The slots that hold a rank's result in the end, in the order of the result."""
        if self.collective == "reduce_scatter" and self.owned is not None:
            return self.owned[rank]
        if self.received_at is not None:
            return self.received_at(rank)
        return np.arange(self.chunks)

    def each(self) -> Iterator[Round]:
        """Every round by itself, repetitions written out."""
        for several in self.rounds:
            for repeat in range(several.repeats):
                yield several.at(repeat)

    @cached_property
    def cost(self) -> Cost:
        """What it needs where a rank sends and receives through one port, both at once."""
        return self.cost_per("rank")

    @cached_property
    def cost_of_links(self) -> Cost:
        """What it needs where each pair of ranks has a link of its own."""
        return self.cost_per("link")

    def cost_per(self, port: Port) -> Cost:
        """What it needs, given what shares a port. Switches have a port a rank, so only ranks are ports."""
        rounds, sent, reduced = 0, 0, 0
        for each in self.rounds:
            rounds += each.repeats
            sent += each.repeats * self._busiest(each, port)
            reduced += each.repeats * self._reduced(each)
        return Cost(rounds, sent / self.chunks, reduced / self.chunks)

    def _busiest(self, each: Round, port: Port) -> int:
        if port == "link":
            pair = each.source.astype(np.int64) * self.nodes + each.destination
            return int(_totals(np.unique(pair, return_inverse=True)[1], each.count).max(initial=0))
        ends = (_totals(end, each.count, self.nodes)[: self.ranks] for end in (each.source, each.destination))
        return int(max(end.max(initial=0) for end in ends))

    def _reduced(self, each: Round) -> int:
        return int(_totals(each.destination, each.count * each.reduces, self.nodes)[: self.ranks].max(initial=0))


def _totals(place: Array, count: Array, least: int = 0) -> Array:
    return np.bincount(place, weights=count, minlength=least)


@dataclass(frozen=True)
class MadeRounds(Sequence[Round]):
    """Rounds that are made when asked for, because there are too many to hold."""

    number: int
    make: Callable[[int], Round]

    def __len__(self) -> int:
        return self.number

    @overload
    def __getitem__(self, index: int) -> Round: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Round]: ...
    def __getitem__(self, index: int | slice) -> Round | Sequence[Round]:
        if isinstance(index, slice):
            return [self.make(i) for i in range(*index.indices(self.number))]
        if not -self.number <= index < self.number:
            raise IndexError(index)
        return self.make(index % self.number)


@dataclass(frozen=True, eq=False)
class Span:
    """Transfers that repeat from a step on; spans that overlap in time share rounds (`timeline`)."""

    start: int
    each: Round

    @property
    def end(self) -> int:
        return self.start + self.each.repeats


def transfers(
    source: Any,
    destination: Any,
    begin: Any,
    count: Any = 1,
    *,
    into: Any = None,
    reduces: Any = False,
    repeats: int = 1,
    shift: Any = 0,
    window: Any = 1,
) -> Round:
    """A round from arrays or numbers, of one length in the end. into: where it is received, as `begin` if left out."""
    given = np.broadcast_arrays(
        *(np.asarray(x) for x in (source, destination, begin, begin if into is None else into, count, shift, window)),
        np.asarray(reduces, bool),
    )
    sent_by, sent_to, first, place, slots, by, within = (np.array(x, np.int64).ravel() for x in given[:7])
    return Round(sent_by, sent_to, first, place, slots, np.array(given[7]).ravel(), repeats, by, within)


def timeline(spans: Iterable[Span]) -> tuple[Round, ...]:
    """The rounds of spans that run side by side: cut wherever a span begins or ends, in the order of the spans."""
    kept = [span for span in spans if len(span.each) and span.each.repeats > 0]
    cuts = sorted({edge for span in kept for edge in (span.start, span.end)})
    rounds = []
    for start, end in pairwise(cuts):
        active = [span for span in kept if span.start <= start < span.end]
        if active:
            rounds.append(_joined([_later(span, start) for span in active], end - start))
    return tuple(rounds)


def _later(span: Span, start: int) -> Round:
    return span.each.at(start - span.start)


def _joined(several: list[Round], repeats: int) -> Round:
    def joined(name: str) -> Array:
        return np.concatenate([getattr(each, name) for each in several])

    return Round(
        joined("source"), joined("destination"), joined("begin"), joined("into"), joined("count"), joined("reduces"),
        repeats, joined("shift"), joined("window"),
    )  # fmt: skip
