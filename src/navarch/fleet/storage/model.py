"""What is asked, in nouns: tiers of servers, metadata servers, readers with their loaders, checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from navarch.core.quantity import QuantityError

Service = Literal["fixed", "exponential", "pareto"]
Mode = Literal["synchronous", "asynchronous", "multi-tier"]
SERVICES: tuple[Service, ...] = ("fixed", "exponential", "pareto")
MODES: tuple[Mode, ...] = ("synchronous", "asynchronous", "multi-tier")
LEAST_SHAPE = 2.0  # of a heavy tail whose variance is finite
MOST_REQUESTS = 400_000_000
SUM = 1e-9


class StorageError(QuantityError):
    """Storage, readers or checkpoints that cannot be: names the field, its value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Servers that are alike.

    servers: each with `channels`; read, write: mean time that a request, or a chunk of a checkpoint, holds a channel
    [s]; latency: on top, which holds none [s]; spread: its standard deviation over its mean, at most 1; service: how
    the time on a channel varies; shape: of a heavy tail; share: of the read requests; own_reads, own_writes: a node
    uses its own part of the servers; lookup: a request asks the metadata servers first; choices: copies, of which the
    least busy serves; slow, slow_factor: share of servers that are slow, and by how much.
    """

    name: str
    servers: int
    channels: int
    read: float
    write: float
    latency: float = 0.0
    spread: float = 0.0
    service: Service = "fixed"
    shape: float = 2.5
    share: float = 1.0
    own_reads: bool = False
    own_writes: bool = False
    lookup: bool = False
    choices: int = 1
    slow: float = 0.0
    slow_factor: float = 1.0

    def __post_init__(self) -> None:
        named = f"tier {self.name}"
        at_least(f"{named}: servers", self.servers, 1)
        at_least(f"{named}: channels", self.channels, 1)
        at_least(f"{named}: choices", self.choices, 1)
        for name in ("read", "write", "latency"):
            at_least(f"{named}: {name}", getattr(self, name), 0)
        for name in ("spread", "share", "slow"):
            between(f"{named}: {name}", getattr(self, name), 0, 1)
        at_least(f"{named}: slow_factor", self.slow_factor, 1)
        one_of(f"{named}: service", self.service, SERVICES)
        if self.service == "pareto" and self.shape <= LEAST_SHAPE:
            raise StorageError(f"{named}: shape: {self.shape:g} is not allowed; more than {LEAST_SHAPE:g}")

    @property
    def slow_servers(self) -> int:
        """Servers that are slow, to the nearest whole one."""
        return round(self.servers * self.slow)


@dataclass(frozen=True, slots=True)
class Metadata:
    """Servers that look files up. servers: operations at once; operation: mean time of one, exponential [s]."""

    servers: int
    operation: float

    def __post_init__(self) -> None:
        at_least("metadata servers", self.servers, 1)
        at_least("metadata operation", self.operation, 0)


@dataclass(frozen=True, slots=True)
class Readers:
    """Accelerators and their loaders.

    accelerators: in nodes of `per_node`; step: compute time of a step [s]; variation: its standard deviation over its
    mean, at most 1; requests: that fetch the batch of one accelerator; request: size of one [byte]; workers: of one
    accelerator's loader, each fetching a batch by itself; depth: requests in flight of a worker; prefetch: batches that
    the loader may be ahead; together: all begin a step when the data of all are there, as a gradient all-reduce makes
    them; fleet: nodes of the whole training, where more of them write checkpoints than read.
    """

    accelerators: int
    step: float
    requests: int
    request: float
    workers: int = 4
    depth: int = 1
    prefetch: int = 8
    per_node: int = 8
    variation: float = 0.0
    together: bool = True
    fleet: int = 0

    def __post_init__(self) -> None:
        for name in ("accelerators", "requests", "workers", "depth", "prefetch", "per_node"):
            at_least(name, getattr(self, name), 1)
        for name in ("step", "request"):
            if getattr(self, name) <= 0:
                raise StorageError(f"{name}: {getattr(self, name):g} is not allowed; more than 0")
        between("variation", self.variation, 0, 1)

    @property
    def nodes(self) -> int:
        """Nodes that hold the accelerators, or of the whole training where that is said."""
        return self.fleet or -(-self.accelerators // self.per_node)


@dataclass(frozen=True, slots=True)
class Saving:
    """Checkpoints of all accelerators together.

    every: steps; mode: synchronous: training waits until all is written; asynchronous: it waits for the copy to the
    hosts' memory, and the rest goes on in the background; multi-tier: the same, to local drives first and from there
    to shared storage; writers: that hold equal shares; chunk: size of a write [byte]; chunks: of a writer; depth: in
    flight of a writer; copy: to the hosts' memory [s]; shared, local: names of the tiers written to.
    """

    every: int
    mode: Mode
    writers: int
    chunks: int
    copy: float
    shared: str
    local: str = ""
    depth: int = 4

    def __post_init__(self) -> None:
        for name in ("every", "writers", "chunks", "depth"):
            at_least(name, getattr(self, name), 1)
        at_least("copy", self.copy, 0)
        one_of("mode", self.mode, MODES)
        if self.mode == "multi-tier" and not self.local:
            raise StorageError("local: a multi-tier checkpoint needs a local tier; none is named")

    @property
    def tiers(self) -> tuple[str, ...]:
        """The tiers written to, one after the other."""
        return (self.local, self.shared) if self.mode == "multi-tier" else (self.shared,)


@dataclass(frozen=True, slots=True)
class Store:
    """Tiers that share the requests, and the metadata servers, if any."""

    tiers: tuple[Tier, ...]
    metadata: Metadata | None = None

    def __post_init__(self) -> None:
        total = sum(tier.share for tier in self.tiers)
        if abs(total - 1) > SUM:
            raise StorageError(f"share: the shares of the tiers add up to {total:g}; they must add up to 1")

    def place(self, name: str) -> int:
        """The place of a tier by its name."""
        names = [tier.name for tier in self.tiers]
        if name not in names:
            raise StorageError(f"tier: there is none named {name!r}; there are: {', '.join(names)}")
        return names.index(name)


def at_least(field: str, value: float, least: float) -> None:
    """Refuse a value that is under what is allowed."""
    if not value >= least:
        raise StorageError(f"{field}: {value:,g} is not allowed; at least {least:g}")


def between(field: str, value: float, least: float, most: float) -> None:
    """Refuse a value that is outside of what is allowed."""
    if not least <= value <= most:
        raise StorageError(f"{field}: {value:,g} is not allowed; {least:g} to {most:g}")


def one_of(field: str, value: str, allowed: Sequence[str]) -> None:
    """Refuse a word that is not one of those allowed."""
    if value not in allowed:
        raise StorageError(f"{field}: {value!r} is not one of {', '.join(allowed)}")
