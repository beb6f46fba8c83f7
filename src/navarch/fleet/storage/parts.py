"""From a workload and systems of the catalog to the readers, tiers and checkpoints that are estimated and simulated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from navarch.core.arithmetic import complement, product_of, ratio, sum_of
from navarch.core.ledger import Fact, Value
from navarch.fleet.storage import estimate, queueing
from navarch.fleet.storage.expected import Stated, plain
from navarch.fleet.storage.model import Metadata, Mode, Readers, Saving, StorageError, Store, Tier, at_least, one_of
from navarch.fleet.storage.system import StorageUnit, storage_unit

if TYPE_CHECKING:
    from navarch.catalog import Catalog

Layout = Literal["files", "records"]
LAYOUTS: tuple[Layout, ...] = ("files", "records")
SHARED, LOCAL = "shared", "local"
LEAST_SOLD = re.compile(r"(\d+)-\w+ minimum")
Number = Any


@dataclass(frozen=True, slots=True)
class Workload:
    """What training reads.

    accelerators: in nodes of `per_node`; rate: samples a second of one accelerator [1/s]; batch: samples of its step;
    sample: size of one [byte]; samples: of the data set; epochs: of the run; layout: each sample a file of its own, or
    many in records that are read `request` bytes at a time; workers, depth, prefetch: of each accelerator's loader;
    together: accelerators wait for each other in each step; fleet: nodes of the whole training, where more of them
    write checkpoints than read. Numbers, or remembered values under a ledger.
    """

    accelerators: Number
    rate: Number
    batch: Number
    sample: Number
    samples: Number
    epochs: Number = 10.0
    layout: Layout = "records"
    request: Number = 1e6
    workers: Number = 8
    depth: Number = 4
    prefetch: Number = 16
    per_node: int = 8
    together: bool = True
    fleet: Number = 0

    def __post_init__(self) -> None:
        one_of("layout", self.layout, LAYOUTS)
        for name in ("rate", "sample", "samples", "request"):
            if getattr(self, name) <= 0:
                raise StorageError(f"{name}: {getattr(self, name):g} is not allowed; more than 0")
        at_least("batch", self.batch, 1)
        at_least("epochs", self.epochs, 1)

    @property
    def step(self) -> Number:
        """Time of a step [s]."""
        return ratio(self.batch, self.rate, unit="s", title="Time of a step", symbol="t_step")

    @property
    def request_size(self) -> Number:
        """Size of a request [byte]: of a sample, where each is a file."""
        return self.sample if self.layout == "files" else self.request

    @property
    def readers(self) -> Readers:
        """As the queues take it."""
        requests = queueing.requests_of_batch(self.batch, self.sample, self.request_size)
        return Readers(
            self.accelerators, self.step, _count(requests), self.request_size, self.workers, self.depth, self.prefetch,
            self.per_node, together=self.together, fleet=self.fleet,
        )  # fmt: skip

    @property
    def demand(self) -> Number:
        """Read rate demanded on average [byte/s]."""
        return estimate.loader_demand(self.accelerators, self.batch, self.sample, self.step)

    @property
    def dataset(self) -> Number:
        """Size of the data set [byte]."""
        return product_of(self.samples, self.sample, unit="byte", title="Size of the data set", symbol="M_data")

    @property
    def epoch(self) -> Number:
        """Time of an epoch [s]."""
        every = product_of(self.accelerators, self.rate, unit="1/s", title="Samples a second, all together")
        return estimate.epoch_time(self.samples, every)

    @property
    def total(self) -> Number:
        """Bytes that the run reads [byte]."""
        return estimate.bytes_of_run(self.samples, self.sample, self.epochs)


@dataclass(frozen=True, slots=True)
class Choice:
    """The storage of a design. system: of the catalog; units: of it; drive: of each node's cache, of the catalog;
    drives: of a node; evicts: the cache evicts what was longest unused; metadata: metadata servers of a file system.
    """

    system: str
    units: Number
    drive: str = "nvme-gen4"
    drives: Number = 0
    evicts: bool = False
    metadata: int = 4


@dataclass(frozen=True)
class Parts:
    """The catalog's facts that the queues need, as numbers.

    take: `float`, or `ledger.fact` under a ledger; stated: how numbers of the queues' own enter; measured: units of
    systems whose figures the user has, in place of the catalog's.
    """

    catalog: Catalog
    take: Callable[[Fact], Number] = float
    known: dict[str, Number] = field(default_factory=dict)
    stated: Stated = plain
    measured: Mapping[str, StorageUnit] = field(default_factory=dict)

    def constant(self, name: str) -> Number:
        """A constant of the storage room."""
        if name not in self.known:
            self.known[name] = self.take(self.catalog.fact("constant", f"storage.{name}"))
        return self.known[name]

    def unit(self, name: str) -> StorageUnit:
        """A system of the catalog that can be sized; StorageError where it cannot."""
        if name in self.measured:
            return self.measured[name]
        try:
            return storage_unit(self.catalog, name, self.take)
        except ValueError as error:
            raise StorageError(f"system: {error}") from error

    def fewest(self, name: str) -> int:
        """Fewest units of a system that its maker sells."""
        told = LEAST_SOLD.search(self.catalog.get("storage", name).unit_of_scale)
        return int(told.group(1)) if told else 1

    def operations(self, name: str) -> Number:
        """Operations that one unit does [1/s]."""
        entry = self.catalog.get("storage", name)
        if entry.iops is not None:
            return self.take(entry.iops)
        return estimate.operations_from_bandwidth(self.take(entry.read_bandwidth), self.constant("operations-per-byte"))

    def latency(self, name: str) -> Number:
        """Latency of a request [s]."""
        entry = self.catalog.get("storage", name)
        return self.take(entry.latency) if entry.latency is not None else self.constant("latency")

    def tier(self, name: str, title: str, servers: Number, request: Number, share: Number, lookup: bool = True) -> Tier:
        """Units of a system as servers. request: size [byte]; lookup: files are opened at metadata servers, which
        the drives of the nodes have none of."""
        if self.catalog.get("storage", name).kind.startswith("object store"):
            return self._objects(name, title, servers, request, share)
        unit = self.unit(name)
        channels = _count(queueing.channels_of(unit.read, self.constant("channel-bandwidth")))
        chunk, operations = self.constant("checkpoint-chunk"), self.operations(name)
        return Tier(
            title, servers, channels,
            read=queueing.channel_time(request, unit.read, operations, channels),
            write=queueing.channel_time(chunk, unit.write, operations, channels),
            latency=self.latency(name), share=share, own_writes=not lookup, lookup=lookup, **self._varied(),
        )  # fmt: skip

    def _objects(self, name: str, title: str, prefixes: Number, request: Number, share: Number) -> Tier:
        """Prefixes of an object store: each does so many requests; each connection has so much bandwidth."""
        entry = self.catalog.get("storage", name)
        lacking = [a for a in ("iops", "read_bandwidth", "latency") if getattr(entry, a) is None]
        if lacking:
            raise StorageError(f"system: {name!r} cannot be simulated: its {' and '.join(lacking)} is not published")
        one = self.stated(1.0, "One request")
        each, connection = ratio(one, self.take(entry.iops)), self.take(entry.read_bandwidth)
        latency = estimate.object_latency(self.take(entry.latency), request, connection)
        return Tier(title, prefixes, one, each, each, latency, share=share, **self._varied())

    def _varied(self) -> dict[str, Any]:
        return {
            "spread": self.constant("latency-spread"),
            "service": "pareto",
            "shape": self.constant("tail-shape"),
            "slow": self.constant("slow-share"),
            "slow_factor": self.constant("slow-factor"),
        }

    def cached(self, workload: Workload, choice: Choice) -> Number:
        """Share of a later epoch's reads that the nodes' drives serve."""
        if not choice.drives:
            return self.stated(0.0, "Share of the reads that caches serve, where there are none")
        drive = self.unit(choice.drive)
        nodes, fill = workload.readers.nodes, self.constant("fill")
        cache = product_of(nodes, choice.drives, drive.capacity, fill, unit="byte", title="Caches of all nodes")
        kept = queueing.kept_share(cache, workload.dataset)
        return queueing.lru_share(kept) if choice.evicts else kept

    def store(self, workload: Workload, choice: Choice, cold: bool = False) -> Store:
        """The tiers of a design. cold: of the first epoch, whose reads no cache serves.

        A cached sample lies on the drives of one node; others fetch it from there, so that the drives of all nodes are
        one pool (as in Hoard and CoorDL).
        """
        request, nodes = workload.request_size, workload.readers.nodes
        share = (
            self.stated(0.0, "Share of the first reads that a cache serves") if cold else self.cached(workload, choice)
        )
        tiers = [self.tier(choice.system, SHARED, choice.units, request, complement(share))]
        if choice.drives:
            drives = _count(product_of(nodes, choice.drives, unit="1", title="Drives of all nodes"))
            tiers.append(self.tier(choice.drive, LOCAL, drives, request, share, False))
        entry = self.catalog.get("storage", choice.system)
        opens = workload.layout == "files" and not entry.kind.startswith("object store")
        if not opens:
            return Store(tuple(tiers))
        operation = ratio(self.stated(1.0, "One operation"), self.constant("metadata-rate"), unit="s")
        return Store(tuple(tiers), Metadata(choice.metadata, operation))

    def saving(
        self, workload: Workload, size: Number, every: int, mode: Mode, local: bool = False, depth: Number = 4
    ) -> Saving:
        """Checkpoints of so many bytes every so many steps. local: the design has drives in the nodes."""
        if mode == "multi-tier" and not local:
            raise StorageError("mode: a multi-tier checkpoint needs drives in the nodes; none are asked for")
        nodes = workload.readers.nodes
        chunks = estimate.chunks_of_writer(size, nodes, self.constant("checkpoint-chunk"))
        copy = estimate.host_copy_time(size, workload.accelerators, self.constant("host-bandwidth"))
        return Saving(every, mode, nodes, _count(chunks), copy, SHARED, LOCAL if mode == "multi-tier" else "", depth)


def _count(number: Number) -> Number:
    """A count as a whole number; a remembered value stays what it is."""
    return number if isinstance(number, Value) else int(number)


@dataclass(frozen=True, slots=True)
class ModeExpected:
    """A way of writing checkpoints. stall: of training at each [s]; safe: time until it is on shared storage [s]; near:
    until it is on the nodes' own drives [s], or None; share: of the time that training stands still.
    """

    mode: Mode
    stall: Number
    safe: Number
    near: Number | None
    share: Number


def checkpoint_modes(
    size: Number,
    accelerators: Number,
    nodes: Number,
    write_bandwidth: Number,
    host_bandwidth: Number,
    local_bandwidth: Number | None,
    interval: Number,
) -> tuple[ModeExpected, ...]:
    """Stall and safety of each way of writing a checkpoint of that size [byte].

    write_bandwidth: of the shared storage, all together [byte/s]; host_bandwidth: of one accelerator to its host;
    local_bandwidth: of one node's drives for writing, or None [byte/s]; interval: of training between checkpoints [s].
    """
    written = estimate.checkpoint_write_time(size, write_bandwidth)
    copy = estimate.host_copy_time(size, accelerators, host_bandwidth)
    found = [ModeExpected("synchronous", written, written, None, estimate.stall_share(written, interval))]
    stall = estimate.background_stall(copy, written, interval)
    safe = sum_of(copy, written)
    found.append(ModeExpected("asynchronous", stall, safe, None, estimate.stall_share(stall, interval)))
    if local_bandwidth is not None:
        near = estimate.local_write_time(size, nodes, local_bandwidth)
        both = sum_of(near, written)
        stall = estimate.background_stall(copy, both, interval)
        found.append(
            ModeExpected(
                "multi-tier", stall, sum_of(copy, both), sum_of(copy, near),
                estimate.stall_share(stall, interval),
            )
        )  # fmt: skip
    return tuple(found)
