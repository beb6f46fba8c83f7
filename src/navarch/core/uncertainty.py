"""Uncertainty: the ledger replayed on arrays of samples, by the same functions that computed the design.

A leaf with a low and a high is sampled so that they bound its 80 % interval (10th and 90th percentile) around its
value as median; everything that rests on it is then calculated again. Facts that were fitted together are sampled
together, from their joint covariance. Choices stay as they are: the interval tells what the design may turn out to
cost or take, not what else might have been designed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from navarch.core.ledger import Entry, Fact, Joint, Ledger

Samples = NDArray[np.float64]
_Z90 = 1.2815515655446004  # the standard normal's 90th percentile
_BINS = 25


@dataclass(frozen=True)
class Uncertainty:
    """The samples of every entry that varies, and what can be read from them."""

    count: int
    seed: int
    samples: dict[int, Samples] = field(repr=False)
    leaves: tuple[Entry, ...] = field(repr=False)
    _bins: dict[int, NDArray[np.intp]] = field(default_factory=dict, repr=False)

    def interval(self, entry: Entry, share: float = 0.8) -> tuple[float, float]:
        """The central interval that holds `share` of the samples; the value twice where nothing varies.

        Samples for which the quantity is undefined are left out; not a number where they are too many for that.
        """
        drawn = self.samples.get(entry.number)
        if drawn is None:
            return entry.value, entry.value
        defined = drawn[~np.isnan(drawn)]
        if len(defined) < share * len(drawn):
            return float("nan"), float("nan")
        low, high = np.quantile(defined, [(1 - share) / 2, (1 + share) / 2], method="inverted_cdf")
        return float(low), float(high)

    def probability(self, entry: Entry, below: float) -> float:
        """The share of samples at or below a limit."""
        drawn = self.samples.get(entry.number)
        return float(entry.value <= below) if drawn is None else float(np.mean(drawn <= below))

    def share_at_least(self, entry: Entry, limit: float) -> float:
        """The share of samples at or above a limit."""
        drawn = self.samples.get(entry.number)
        return float(entry.value >= limit) if drawn is None else float(np.mean(drawn >= limit))

    def contributions(self, entry: Entry, most: int = 3) -> list[tuple[Entry, float]]:
        """The uncertain leaves that move an entry most, each with the share of (rank) variance it explains alone.

        First-order indices by conditional means over equal-count bins (Sobol 1993; the binned estimator of
        Plischke 2010), on ranks so that a heavy tail does not decide. Of leaves that vary together only the one that
        explains most is named, for the others explain the same variance again.
        """
        drawn = self.samples.get(entry.number)
        if drawn is None:
            return []
        ranks = _ranks(drawn)
        reached = {e.number for e in entry.ancestors()}
        shares = [(leaf, self._first_order(leaf, ranks)) for leaf in self.leaves if leaf.number in reached]
        shares = sorted((s for s in shares if s[1] > 0), key=lambda s: -s[1])
        groups = [_group(leaf) for leaf, _ in shares]
        return [share for place, share in enumerate(shares) if groups[place] not in groups[:place]][:most]

    def _first_order(self, leaf: Entry, ranks: Samples) -> float:
        order = self._bins.get(leaf.number)
        if order is None:
            order = self._bins[leaf.number] = np.argsort(self.samples[leaf.number], kind="stable")
        usable = len(ranks) // _BINS * _BINS
        means = ranks[order][:usable].reshape(_BINS, -1).mean(axis=1)
        total = float(ranks.var())
        noise = (_BINS - 1) / len(ranks)
        return max(0.0, (float(means.var()) / total - noise) / (1 - noise)) if total > 0 else 0.0


def propagate(
    ledger: Ledger,
    samples: int = 10_000,
    seed: int = 1,
    targets: Iterable[Entry] | None = None,
    known: Uncertainty | None = None,
) -> Uncertainty:
    """Replay a ledger on seeded samples of its uncertain leaves.

    samples: how many; seed: of the counter-based streams, one a leaf, so that a leaf's samples do not depend on which
    others there are; targets: entries wanted (all, where None); known: a replay of the same ledger when it had fewer
    entries, or of fewer targets, which is gone on with. Only what rests on an uncertain leaf is recalculated.
    """
    wanted = _wanted(ledger, targets)
    going_on = known is not None and (known.count, known.seed) == (samples, seed)
    drawn: dict[int, Samples] = dict(known.samples) if known is not None and going_on else {}
    leaves: list[Entry] = list(known.leaves) if known is not None and going_on else []
    with np.errstate(all="ignore"):
        for entry in ledger.entries:
            if entry.number not in wanted or entry.number in drawn:
                continue
            if entry.is_leaf:
                if entry.is_uncertain:
                    drawn[entry.number] = sample(entry, samples, seed)
                    leaves.append(entry)
            elif any(i.entry.number in drawn for i in entry.inputs) and entry.equation is not None:
                inputs = [drawn.get(i.entry.number, i.entry.value) for i in entry.inputs]
                drawn[entry.number] = np.broadcast_to(np.asarray(entry.equation.function(*inputs), float), (samples,))
    order = known._bins if known is not None and going_on else {}
    return Uncertainty(samples, seed, drawn, tuple(leaves), order)


def sample(leaf: Entry, count: int, seed: int) -> Samples:
    """Samples of one uncertain leaf: two-piece log-normal (normal where a bound is not positive).

    The value is the median; low and high are the 10th and 90th percentiles; a fraction never leaves 0 to 1, and a
    factor whose low is 1 or more never falls under 1. A leaf that was fitted together with others takes its samples
    from their joint distribution instead.
    """
    if leaf.fact is not None and leaf.fact.joint is not None:
        return _joint_sample(leaf.fact, leaf.fact.joint, count, seed)
    identity = leaf.fact.id if leaf.fact else leaf.path or f"{leaf.title}#{leaf.number}"
    z = _stream(identity, seed).standard_normal(count) / _Z90
    low = leaf.value if leaf.low is None else leaf.low
    high = leaf.value if leaf.high is None else leaf.high
    if low > 0:
        drawn = leaf.value * np.where(z < 0, leaf.value / low, high / leaf.value) ** z
    else:
        drawn = leaf.value + np.where(z < 0, leaf.value - low, high - leaf.value) * z
    if leaf.unit == "fraction":
        return np.clip(drawn, 0.0, 1.0)
    return np.maximum(drawn, 1.0) if leaf.unit == "1" and low >= 1 else drawn


def _joint_sample(fact: Fact, joint: Joint, count: int, seed: int) -> Samples:
    """Samples of one member of a joint estimate; all members see the same draws, whichever of them are asked for."""
    spread, directions = np.linalg.eigh(np.asarray(joint.covariance))
    root = (directions * np.sqrt(np.maximum(spread, 0.0))) @ directions.T
    normal = _stream(joint.name, seed).standard_normal((len(joint.members), count))
    member = joint.members.index(fact.id)
    deviation = root[member] @ normal
    return fact.value * np.exp(deviation) if joint.logarithmic[member] else fact.value + deviation


def _stream(identity: str, seed: int) -> np.random.Generator:
    """The random stream of a name: it depends on the name and the seed alone."""
    key = int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest(), "little")
    return np.random.Generator(np.random.Philox(key=[seed & (2**64 - 1), key]))


def _group(leaf: Entry) -> str:
    """What a leaf varies with: the joint estimate that it is part of, else itself alone."""
    return leaf.fact.joint.name if leaf.fact is not None and leaf.fact.joint is not None else f"#{leaf.number}"


def _wanted(ledger: Ledger, targets: Iterable[Entry] | None) -> set[int]:
    """The numbers of the entries to be replayed."""
    if targets is None:
        return {e.number for e in ledger.entries}
    found: set[int] = set()
    waiting = list(targets)
    while waiting:
        entry = waiting.pop()
        if entry.number not in found:
            found.add(entry.number)
            waiting.extend(i.entry for i in entry.inputs)
    return found


def _ranks(x: Samples) -> Samples:
    """Ranks from 0, ties in order of appearance."""
    ranks = np.empty(len(x))
    ranks[np.argsort(x, kind="stable")] = np.arange(len(x))
    return ranks
