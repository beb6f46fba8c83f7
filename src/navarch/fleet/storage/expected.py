"""What queueing theory expects of readers and tiers, beside which `simulate` runs them.

Exact where its equations are (random arrivals; exponential service, or one channel). Accelerators that step together
send their requests together, which is not random; servers of a heavy tail have no exact theory. There it estimates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from navarch.core.arithmetic import complement, difference, largest_of, product_of, ratio, smallest_of, sum_of
from navarch.core.queueing import number_in_system, wait_probability
from navarch.fleet.storage import estimate, queueing
from navarch.fleet.storage.model import Readers, Saving, Store, Tier

Number = Any
Stated = Callable[[float, str], Number]
"""How a number of the queues' own, such as the variation of random arrivals, enters: (number, what it is)."""
TINY = float(np.finfo(float).tiny)


def plain(number: float, _what: str) -> Number:
    """Off a ledger a number of the queues' own is that number."""
    return number


@dataclass(frozen=True, slots=True)
class TierExpected:
    """Of one tier: rate of requests at each server [1/s], utilisation, wait and response [s],
    variance [s^2], the part of the wait that others' requests of the same moment cause [s]."""

    name: str
    rate: Number
    utilisation: Number
    wait: Number
    response: Number
    variance: Number
    burst: Number


@dataclass(frozen=True, slots=True)
class Expected:
    """Of all of it.

    demand: of the accelerators, rate [byte/s]; fetch: mean time of a batch [s]; lead: time that there is for it [s];
    loader: largest rate of one accelerator's loader [byte/s]; starvation: of an accelerator in a step, 1 where queues
    grow without end; late_steps: share of the steps that wait for data; utilisation: of the accelerators, by rates
    alone; inside: requests under way.
    """

    tiers: tuple[TierExpected, ...]
    demand: Number
    fetch: Number
    lead: Number
    loader: Number
    starvation: Number
    late_steps: Number
    utilisation: Number
    inside: Number

    @property
    def busiest(self) -> TierExpected:
        """The tier whose servers are busiest."""
        return max(self.tiers, key=lambda tier: float(tier.utilisation))


def expected(store: Store, readers: Readers, saving: Saving | None = None, stated: Stated = plain) -> Expected:
    """What theory expects of readers on a store.

    saving: a checkpoint that is being written all the while to its last tier, or none; stated: enters the numbers of
    the queues' own in a ledger, where one is open.
    """
    rate = queueing.request_rate(readers.accelerators, readers.requests, readers.step)
    queues = _Queues(store, readers, rate, _behind(store, saving), stated)
    parts = [part for tier in store.tiers for part in _alike(tier, stated)]
    tiers = [queues.tier(tier, slow) for tier, slow, _ in parts]
    served = [(told, share) for told, (_, _, share) in zip(tiers, parts, strict=True) if share > 0]
    mean = sum_of(
        *(product_of(told.response, share, unit="s", title="Time of a tier by its share") for told, share in served),
        title="Mean time of a request",
    )
    fetch = queueing.fetch_time(readers.requests, readers.depth, mean)
    lead = queueing.lead_time(readers.prefetch, readers.step)
    demand = product_of(rate, readers.request, unit="byte/s", title="Read rate that training demands")
    loader = queueing.loader_rate(readers.workers, readers.depth, readers.request, mean)
    fixed = sum_of(_fixed(store, stated), smallest_of(*(told.burst for told, _ in served)))
    if np.isfinite(mean):
        spreads = [queueing.spread_of_tier(share, told.variance, told.response, mean) for told, share in served]
        variance = sum_of(*spreads, title="Variance of the time of a request")
    else:
        variance = stated(0.0, "Variance where queues grow without end")
    starved = _starvation(store, readers, fetch, variance, fixed, lead, loader, stated)
    return Expected(
        tiers=tuple(tiers),
        demand=demand,
        fetch=fetch,
        lead=lead,
        loader=loader,
        starvation=starved,
        late_steps=queueing.any_starves(starved, readers.accelerators) if readers.together else starved,
        utilisation=estimate.accelerator_utilisation(queues.supply(tiers)),
        inside=number_in_system(rate, mean),
    )


def _alike(tier: Tier, stated: Stated) -> list[tuple[Tier, bool, Number]]:
    """The servers of a tier that are alike, whether they are slow, and the share of all requests that they get."""
    if tier.slow_servers == 0:
        return [(tier, False, tier.share)]
    slow = stated(float(tier.slow_servers), f"Slow servers of the tier {tier.name}")
    part = product_of(tier.share, ratio(slow, tier.servers), unit="fraction", title="Share of the slow servers")
    return [(tier, False, difference(tier.share, part)), (tier, True, part)]


def _behind(store: Store, saving: Saving | None) -> dict[str, Number]:
    """Wait of a request behind the chunks of a checkpoint, by tier [s]."""
    if saving is None:
        return {}
    tier = store.tiers[store.place(saving.tiers[-1])]
    wait = queueing.wait_behind_writes(saving.writers, saving.depth, tier.write, tier.servers, tier.channels)
    return {tier.name: wait}


@dataclass(frozen=True)
class _Queues:
    """The servers of a store as queues. rate: of all requests [1/s]; behind: wait behind a checkpoint, by tier [s]."""

    store: Store
    readers: Readers
    rate: Number
    behind: dict[str, Number]
    stated: Stated

    @property
    def opening(self) -> Number:
        """Utilisation of the metadata servers [fraction]; None where there are none."""
        if self.store.metadata is None:
            return None
        share = sum_of(*(tier.share for tier in self.store.tiers if tier.lookup))
        opened = queueing.server_rate(self.rate, share, self.store.metadata.servers)
        return queueing.busy_channels(opened, self.store.metadata.operation)

    @property
    def lookup(self) -> Number:
        """Mean time at the metadata servers [s]: a queue with random arrivals and exponential operations."""
        if self.store.metadata is None or not self.store.metadata.operation:
            return self.stated(0.0, "Time at metadata servers, where none is asked")
        servers, operation = self.store.metadata.servers, self.store.metadata.operation
        busy = product_of(self.opening, servers)
        random = self.stated(1.0, "Variation of random arrivals, and of exponential operations")
        wait = queueing.channel_wait(wait_probability(busy, servers), operation, servers, busy, random, random)
        return sum_of(wait, operation)

    def tier(self, tier: Tier, slow: bool) -> TierExpected:
        """One server of a tier: its requests random, or those of a step together, and as busy the metadata servers."""
        readers, stated = self.readers, self.stated
        lookup = self.lookup if tier.lookup else stated(0.0, "Time at metadata servers, where none is asked")
        each = queueing.server_rate(self.rate, tier.share, tier.servers)
        service = product_of(tier.read, tier.slow_factor, unit="s", title="Slow read") if slow else tier.read
        varies = variation_of(tier, stated)
        busy = queueing.busy_channels(each, service)
        waiting = largest_of(
            wait_probability(busy, tier.channels), stated(TINY, "Least share of the requests that wait")
        )  # fmt: skip
        random = stated(1.0, "Variation of random arrivals")
        wait = queueing.channel_wait(waiting, service, tier.channels, busy, random, varies)
        stable = bool(busy < tier.channels)
        usual = wait if stable else stated(0.0, "Wait where queues grow without end")
        spread = queueing.response_variance(lookup, usual, waiting, service, varies, tier.latency, tier.spread)
        utilisation = ratio(busy, tier.channels, unit="fraction", title="Utilisation of a storage server")
        if tier.name in self.behind:
            wait = sum_of(wait, self.behind[tier.name], title="Wait, behind the chunks of a checkpoint too")
        alone = queueing.response_time(lookup, wait, service, tier.latency)
        burst = stated(0.0, "Wait for others of the same step, where there is none")
        if readers.together and stable:
            opening = self.opening if tier.lookup else None
            busiest = utilisation if opening is None else largest_of(utilisation, opening)
            burst = queueing.burst_wait(busiest, readers.step, readers.requests, readers.depth, alone)
        return TierExpected(
            name=f"{tier.name}, slow" if slow else tier.name,
            rate=each,
            utilisation=utilisation,
            wait=sum_of(wait, burst),
            response=sum_of(alone, burst, title="Mean time of a request at a tier"),
            burst=burst,
            variance=spread,
        )

    def supply(self, tiers: list[TierExpected]) -> Number:
        """Rate that the busiest part can deliver over the rate demanded, where each part is free of queues."""
        store, readers = self.store, self.readers
        whole = self.stated(1.0, "A server's whole time")
        idle = [
            ratio(whole, tier.utilisation, unit="1", title="Read rate that a tier bears over that demanded")
            for tier in tiers
            if tier.utilisation > 0
        ]
        opening = self.opening
        idle += [ratio(whole, opening)] if opening is not None and opening > 0 else []
        least = [sum_of(tier.read, tier.latency) for tier in store.tiers if tier.share]
        alone = queueing.loader_rate(readers.workers, readers.depth, readers.request, max(least))
        needed = self.needed
        full = [
            queueing.response_when_full(
                self.behind[tier.name], readers.accelerators, readers.workers, readers.depth, tier.read, tier.servers,
                tier.channels, tier.latency,
            )
            for tier in store.tiers
            if tier.share and tier.name in self.behind
        ]  # fmt: skip
        crowded = [queueing.loader_rate(readers.workers, readers.depth, readers.request, each) for each in full]
        loaders = [estimate.supply_ratio(each, needed) for each in (alone, *crowded)]
        return smallest_of(*idle, *loaders, title="Read rate delivered over read rate demanded", symbol="s_read")

    @property
    def needed(self) -> Number:
        """Rate that one accelerator needs [byte/s]."""
        return needed_by_one(self.readers)


def needed_by_one(readers: Readers) -> Number:
    """Read rate that one accelerator needs [byte/s]."""
    batch = product_of(readers.requests, readers.request, unit="byte", title="Bytes of a batch")
    return ratio(batch, readers.step, unit="byte/s", title="Read rate that one loader must reach")


def variation_of(tier: Tier, stated: Stated = plain) -> Number:
    """Standard deviation of a tier's service time over its mean."""
    if tier.service == "pareto":
        return queueing.pareto_variation(tier.shape)
    if tier.service == "exponential":
        return stated(1.0, "Variation of exponential service")
    return stated(0.0, "Variation of service that is always as long")


def _starvation(
    store: Store, readers: Readers, fetch: Number, variance: Number, least: Number, lead: Number, loader: Number,
    stated: Stated,
) -> Number:  # fmt: skip
    """How likely a batch is late: by the sum of its requests, by one straggler, or by a loader that is too slow."""
    if not np.isfinite(fetch) or loader < needed_by_one(readers):
        return stated(1.0, "Certainty: a queue grows without end, or the loader is too slow")
    spread = queueing.fetch_variance(readers.requests, readers.depth, variance)
    fixed = queueing.fetch_time(readers.requests, readers.depth, least)
    if spread > 0:
        usual = queueing.late_batch(fetch, spread, fixed, lead)
    else:
        usual = stated(float(fetch > lead), "Whether a batch that is always as long is late")
    alone = []
    for tier in store.tiers:
        if tier.service == "pareto" and tier.share > 0:
            of_tier = product_of(readers.requests, tier.share, unit="1", title="Requests of a batch at the tier")
            alone.append(queueing.late_by_straggler(of_tier, tier.read, tier.shape, fetch, lead))
    return queueing.starvation(usual, max(alone) if alone else stated(0.0, "Stragglers, where no tail is heavy"))


def _fixed(store: Store, stated: Stated) -> Number:
    """The part of every request's time that does not vary [s]: the least of the tiers' own."""
    least = []
    for tier in store.tiers:
        if not tier.share:
            continue
        latency = product_of(tier.latency, complement(tier.spread), unit="s", title="Latency that never varies")
        if tier.service == "exponential":
            least.append(latency)
            continue
        service = queueing.pareto_least(tier.read, tier.shape) if tier.service == "pareto" else tier.read
        least.append(sum_of(service, latency, title="Time of a request that never varies"))
    return smallest_of(*least)
