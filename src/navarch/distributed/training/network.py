"""What groups of ranks take to move data: the fitted times of the collective library, at the pace of training software.

A group is so many ranks, so far apart in the numbering of accelerators; from that follow its members in one scale-up
domain and the domains that it spans.
"""

from __future__ import annotations

from dataclasses import dataclass

from navarch.core.arithmetic import largest_of, product_of, smallest_of, sum_of
from navarch.distributed.collectives import estimate as collectives
from navarch.distributed.collectives import protocols
from navarch.distributed.collectives.library import Network, Tuned, fastest, time_across
from navarch.distributed.training.runtime import Runtime
from navarch.distributed.training.shape import Hardware, Number


@dataclass(frozen=True, slots=True)
class Link:
    """What one rank gets to send to the next: bandwidth per direction [byte/s] and latency [s]."""

    bandwidth: Number
    latency: Number


@dataclass(frozen=True, slots=True)
class Group:
    """Ranks, members in one scale-up domain, and domains spanned."""

    ranks: Number
    local: Number
    domains: Number


@dataclass(frozen=True, slots=True)
class Fabric:
    """The networks around an accelerator as training software uses them.

    domain: accelerators that the scale-up network joins; scaleup: rate of the library on its link [byte/s]; adapter:
    achieved bandwidth of an accelerator out of its domain, but for what the network loses [byte/s].
    """

    domain: Number
    scaleup: Number
    adapter: Number
    all_reduce: Tuned
    all_gather: Tuned
    reduce_scatter: Tuned
    all_to_all: Tuned
    network: Network

    def group(self, ranks: Number, stride: Number) -> Group:
        """Ranks that lie `stride` apart."""
        local = collectives.ranks_in_domain(ranks, stride, self.domain)
        return Group(ranks, local, protocols.nodes_of(ranks, local))

    def neighbours(self, ranks: Number) -> Group:
        """Ranks that lie side by side."""
        local = smallest_of(ranks, self.domain, unit="1", title="Ranks in one domain")
        return Group(ranks, local, protocols.nodes_of(ranks, local))

    def collective(self, kind: Tuned, message: Number, group: Group) -> Number:
        """Time of a collective of a group [s]; message: as nccl-tests count it [byte]."""
        paced = kind.paced(self.scaleup)
        adapters = protocols.adapters_of(group.local, self.adapter)
        return time_across(paced, message, group.local, group.domains, adapters, self.network, group.ranks)

    def exchange(self, near: Number, far: Number, group: Group, rate: Number | None = None) -> Number:
        """Time in which each rank of a group sends so many bytes within its domain and out of it [s].

        rate: of the exchange against the library's.
        """
        within, beyond = self.scaleup, self.adapter
        if rate is not None:
            within = product_of(within, rate, unit="byte/s", title="Rate of exchanges within a domain")
            beyond = product_of(beyond, rate, unit="byte/s", title="Rate of exchanges out of a domain")
        paced = self.all_to_all.paced(within)
        inside = protocols.within_time(group.local, fastest(paced.ring_times(near, group.local)))
        net = self.network
        sent = protocols.network_time(far, group.domains, beyond, net.efficiency, net.congestion)
        return protocols.exchange_over_tiers(
            inside, far, sent, protocols.network_latency(group.domains, net.base, net.hop)
        )

    def link(self, ranks: Number, stride: Number) -> Link:
        """What a rank gets to send to the next of a group, who lies `stride` apart."""
        ways = self.all_to_all.protocols
        inside = product_of(
            largest_of(*(way.bandwidth for way in ways)), self.scaleup, unit="byte/s", title="Bandwidth to a neighbour"
        )
        start = sum_of(ways[-1].base, ways[-1].step, title="Latency to a neighbour")
        outside = smallest_of(
            self.adapter,
            product_of(self.adapter, self.network.efficiency, unit="byte/s"),
            unit="byte/s",
            title="Bandwidth of an adapter to another",
        )
        tier = (ranks, stride, self.domain)
        return Link(
            collectives.tier_of(*tier, inside, outside, unit="byte/s"),
            collectives.tier_of(*tier, start, self.network.base, unit="s"),
        )


def fabric_of(hardware: Hardware, runtime: Runtime) -> Fabric:
    """The networks of hardware at the pace of training software."""
    library = hardware.library
    return Fabric(
        domain=hardware.scaleup_domain,
        scaleup=product_of(
            hardware.scaleup_bandwidth,
            runtime.library_rate,
            unit="byte/s",
            title="Rate of the library on the scale-up link",
        ),
        adapter=product_of(
            hardware.scaleout_bandwidth,
            runtime.network_rate,
            unit="byte/s",
            title="Rate of training software on an adapter",
        ),
        all_reduce=library.all_reduce,
        all_gather=library.all_gather,
        reduce_scatter=library.reduce_scatter,
        all_to_all=library.all_to_all,
        network=library.network,
    )
