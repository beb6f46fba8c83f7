"""What queueing theory expects of readers and tiers, beside which `simulate` runs them.

Exact where its equations are (random arrivals; exponential service, or one channel). Accelerators that step together
send their requests together, which is not random; servers of a heavy tail have no exact theory. There it estimates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from navarch.core.arithmetic import difference, largest_of, product_of, ratio, smallest_of, sum_of
from navarch.core.queueing import number_in_system, wait_probability
from navarch.fleet.storage import estimate, queueing
from navarch.fleet.storage.model import Readers, Saving, Store, Tier

Number = Any


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


def expected(store: Store, readers: Readers, saving: Saving | None = None) -> Expected:
    """What theory expects of readers on a store.

    saving: a checkpoint that is being written all the while to its last tier, or none.
    """
    behind = _behind(store, saving)
    rate = queueing.request_rate(readers.accelerators, readers.requests, readers.step)
    lookup = _lookup(store, rate)
    parts = [part for tier in store.tiers for part in _alike(tier)]
    opening = _opening(store, rate)
    tiers = [
        _tier(tier, slow, readers, rate, behind, *((lookup, opening) if tier.lookup else (0.0, 0.0)))
        for tier, slow, _ in parts
    ]
    shares = np.array([float(share) for _, _, share in parts])
    served = [tier for tier, share in zip(tiers, shares, strict=True) if share > 0]
    times = np.array([float(tier.response) for tier in served])
    variances = np.array([float(tier.variance) for tier in served])
    mean = queueing.mean_of_tiers(shares[shares > 0], times)
    stable = bool(np.isfinite(mean))
    variance = queueing.variance_of_tiers(shares[shares > 0], times, variances, mean) if stable else 0.0
    fetch = queueing.fetch_time(readers.requests, readers.depth, mean)
    lead = queueing.lead_time(readers.prefetch, readers.step)
    demand = product_of(rate, readers.request, unit="byte/s", title="Read rate that training demands")
    loader = queueing.loader_rate(readers.workers, readers.depth, readers.request, mean)
    fixed = sum_of(_fixed(store), min(float(tier.burst) for tier in served))
    starved = _starvation(store, readers, fetch, variance, fixed, lead, loader)
    return Expected(
        tiers=tuple(tiers),
        demand=demand,
        fetch=fetch,
        lead=lead,
        loader=loader,
        starvation=starved,
        late_steps=queueing.any_starves(starved, readers.accelerators) if readers.together else starved,
        utilisation=estimate.accelerator_utilisation(_supply(store, readers, tiers, rate, behind)),
        inside=number_in_system(rate, mean),
    )


def _alike(tier: Tier) -> list[tuple[Tier, bool, Number]]:
    """The servers of a tier that are alike, whether they are slow, and the share of all requests that they get."""
    slow = tier.slow_servers
    if slow == 0:
        return [(tier, False, tier.share)]
    part = product_of(tier.share, ratio(slow, tier.servers))
    return [(tier, False, difference(tier.share, part)), (tier, True, part)]


def _supply(
    store: Store, readers: Readers, tiers: list[TierExpected], rate: Number, behind: dict[str, Number]
) -> Number:
    """Rate that the busiest part can deliver over the rate demanded, where each part is free of queues."""
    idle = [ratio(1.0, tier.utilisation) for tier in tiers if tier.utilisation > 0]
    opening = _opening(store, rate)
    idle += [ratio(1.0, opening)] if opening > 0 else []
    least = [sum_of(tier.read, tier.latency) for tier in store.tiers if tier.share]
    alone = queueing.loader_rate(readers.workers, readers.depth, readers.request, max(least))
    needed = ratio(product_of(readers.requests, readers.request), readers.step)
    full = [
        queueing.response_when_full(
            behind[tier.name], readers.accelerators, readers.workers, readers.depth, tier.read, tier.servers,
            tier.channels, tier.latency,
        )
        for tier in store.tiers
        if tier.share and tier.name in behind
    ]  # fmt: skip
    crowded = [queueing.loader_rate(readers.workers, readers.depth, readers.request, each) for each in full]
    return smallest_of(*idle, *(ratio(each, needed) for each in (alone, *crowded)))


def _behind(store: Store, saving: Saving | None) -> dict[str, Number]:
    """Wait of a request behind the chunks of a checkpoint, by tier [s]."""
    if saving is None:
        return {}
    tier = store.tiers[store.place(saving.tiers[-1])]
    wait = queueing.wait_behind_writes(saving.writers, saving.depth, tier.write, tier.servers, tier.channels)
    return {tier.name: wait}


def _opening(store: Store, rate: Number) -> Number:
    """Utilisation of the metadata servers [fraction]."""
    if store.metadata is None:
        return 0.0
    opened = queueing.server_rate(rate, sum(tier.share for tier in store.tiers if tier.lookup), store.metadata.servers)
    return queueing.busy_channels(opened, store.metadata.operation)


def _lookup(store: Store, rate: Number) -> Number:
    """Mean time at the metadata servers [s]: a queue with random arrivals and exponential operations."""
    if store.metadata is None or not store.metadata.operation:
        return 0.0
    servers, operation = store.metadata.servers, store.metadata.operation
    busy = product_of(_opening(store, rate), servers)
    wait = queueing.channel_wait(wait_probability(busy, servers), operation, servers, busy, 1.0, 1.0)
    return sum_of(wait, operation)


def _tier(
    tier: Tier, slow: bool, readers: Readers, rate: Number, behind: dict[str, Number], lookup: Number, opening: Number
) -> TierExpected:
    """One server of a tier: its requests random, or those of a step together, and as busy the metadata servers."""
    each = queueing.server_rate(rate, tier.share, tier.servers)
    service = product_of(tier.read, tier.slow_factor) if slow else tier.read
    varies = variation_of(tier)
    busy = queueing.busy_channels(each, service)
    waiting = np.maximum(wait_probability(busy, tier.channels), np.finfo(float).tiny)
    wait = queueing.channel_wait(waiting, service, tier.channels, busy, 1.0, varies)
    stable = bool(busy < tier.channels)
    spread = queueing.response_variance(
        lookup, wait if stable else 0.0, waiting, service, varies, tier.latency, tier.spread
    )
    utilisation = ratio(busy, tier.channels)
    wait = sum_of(wait, behind.get(tier.name, 0.0))
    alone = queueing.response_time(lookup, wait, service, tier.latency)
    burst = 0.0
    if readers.together and stable:
        busiest = largest_of(utilisation, opening)
        burst = queueing.burst_wait(busiest, readers.step, readers.requests, readers.depth, alone)
    return TierExpected(
        name=f"{tier.name}, slow" if slow else tier.name,
        rate=each,
        utilisation=utilisation,
        wait=sum_of(wait, burst),
        response=sum_of(alone, burst),
        burst=burst,
        variance=spread,
    )


def variation_of(tier: Tier) -> Number:
    """Standard deviation of a tier's service time over its mean."""
    if tier.service == "pareto":
        return queueing.pareto_variation(tier.shape)
    return 1.0 if tier.service == "exponential" else 0.0


def _starvation(
    store: Store, readers: Readers, fetch: Number, variance: Number, least: Number, lead: Number, loader: Number
) -> Number:
    """How likely a batch is late: by the sum of its requests, by one straggler, or by a loader that is too slow."""
    needed = ratio(product_of(readers.requests, readers.request), readers.step)
    if not np.isfinite(fetch) or loader < needed:
        return 1.0
    spread = queueing.fetch_variance(readers.requests, readers.depth, variance)
    fixed = queueing.fetch_time(readers.requests, readers.depth, least)
    usual = queueing.late_batch(fetch, spread, fixed, lead) if spread > 0 else float(fetch > lead)
    alone = [0.0]
    for tier in store.tiers:
        if tier.service == "pareto" and tier.share > 0:
            of_tier = product_of(readers.requests, tier.share)
            alone.append(queueing.late_by_straggler(of_tier, tier.read, tier.shape, fetch, lead))
    return queueing.starvation(usual, max(alone))


def _fixed(store: Store) -> Number:
    """The part of every request's time that does not vary [s]: the least of the tiers' own."""
    least = []
    for tier in store.tiers:
        if not tier.share:
            continue
        service = 0.0 if tier.service == "exponential" else tier.read
        if tier.service == "pareto":
            service = product_of(tier.read, ratio(tier.shape - 1.0, tier.shape))
        least.append(sum_of(service, product_of(tier.latency, 1.0 - tier.spread)))
    return smallest_of(*least)
