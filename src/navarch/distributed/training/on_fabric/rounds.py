"""All groups of a form at once, as the flows between adapters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from navarch.distributed.collectives.schedule import Schedule, transfers
from navarch.distributed.training.on_fabric.adapters import Adapters
from navarch.distributed.training.on_fabric.traffic import Exchange

Longs = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Hops:
    """Messages between accelerators in different domains, an array entry each: the group, both ends, and into how many
    equal parts what the group or the member sends is cut, of which this is one."""

    group: Longs
    source: Longs
    destination: Longs
    parts: Longs


def rounds_of(exchange: Exchange, domain: int) -> tuple[Hops, ...]:
    """What a form sends, all groups at once: one round, or one there and one back."""
    runs = _Runs(exchange.groups.members, domain)
    if exchange.pattern == "ring":
        return (runs.ring(),)
    if exchange.pattern == "sends":
        return runs.sends(exchange.wraps)
    return (runs.exchange(spread=exchange.pattern == "spread"),)


def lanes_of(hops: Hops, adapters: Adapters) -> Hops:
    """Hops between accelerators as hops between adapters: one with several sends an equal part over each of them."""
    lanes = np.arange(adapters.each)
    source, destination = ((adapters.first(end)[:, None] + lanes).ravel() for end in (hops.source, hops.destination))
    group, parts = (np.repeat(each, adapters.each) for each in (hops.group, hops.parts))
    return Hops(group, source, destination, parts * adapters.each)


def schedule_of(lanes: Hops, adapters: Adapters) -> Schedule:
    """A round of hops between adapters as `collectives` estimates it."""
    chunks = math.lcm(*np.unique(lanes.parts).tolist()) if len(lanes.parts) else 1
    made = transfers(lanes.source, lanes.destination, 0, chunks // lanes.parts)
    return Schedule("groups", "all at once", adapters.used, chunks, (made,) if len(made) else ())


class _Runs:
    """Groups cut into runs, the members that share a domain; runs and members are numbered through all groups."""

    def __init__(self, members: Longs, domain: int) -> None:
        self.members, self.flat = members, members.ravel()
        self.where = members // domain
        begins = np.ones(members.shape, bool)
        begins[:, 1:] = np.diff(self.where, axis=1) != 0
        self.start = np.flatnonzero(begins.ravel())
        self.size = np.diff(np.append(self.start, members.size))
        self.group = self.start // members.shape[1]
        self.many = begins.sum(axis=1)  # runs of each group
        self.first = np.cumsum(self.many) - self.many

    def ring(self) -> Hops:
        """From each run to the next, by as many ways side by side as the smallest run has members."""
        ways = np.minimum.reduceat(self.size, self.first)
        ways = np.where(self.many > 1, ways, 0)[self.group]
        run = np.repeat(np.arange(len(self.start)), ways)
        place = np.arange(len(run)) - np.repeat(np.cumsum(ways) - ways, ways)
        after = self._shifted(run, np.ones(len(run), np.int64))
        source, destination = (self.flat[self.start[each] + place] for each in (run, after))
        return Hops(self.group[run], source, destination, ways[run])

    def exchange(self, spread: bool) -> Hops:
        """From each member to every other run: to the member with its place (spread), or to all of them."""
        others = self.many[self.group] - 1
        run = np.repeat(np.arange(len(self.start)), others)
        shift = np.arange(len(run)) - np.repeat(np.cumsum(others) - others, others) + 1
        peer = self._shifted(run, shift)
        size, theirs = self.size[run], self.size[peer]
        several = size if spread else size * theirs
        pair = np.repeat(np.arange(len(run)), several)
        place = np.arange(len(pair)) - np.repeat(np.cumsum(several) - several, several)
        mine, other = (place, place % theirs[pair]) if spread else np.divmod(place, theirs[pair])
        source = self.flat[self.start[run[pair]] + mine]
        destination = self.flat[self.start[peer[pair]] + other]
        parts = others[run] if spread else self.members.shape[1] - size
        return Hops(self.group[run[pair]], source, destination, parts[pair])

    def sends(self, wraps: bool) -> tuple[Hops, Hops]:
        """From each member to the next, and to the one before."""
        last = None if wraps else -1
        source, destination = self.members[:, :last], np.roll(self.members, -1, axis=1)[:, :last]
        apart = (self.where[:, :last] != np.roll(self.where, -1, axis=1)[:, :last]).ravel()
        group = np.repeat(np.arange(len(self.members)), source.shape[1])[apart]
        a, b, whole = source.ravel()[apart], destination.ravel()[apart], np.ones(apart.sum(), np.int64)
        return Hops(group, a, b, whole), Hops(group, b, a, whole)

    def _shifted(self, run: Longs, by: Longs) -> Longs:
        """The run so many further on in its group, round and round."""
        group = self.group[run]
        return self.first[group] + (run - self.first[group] + by) % self.many[group]
