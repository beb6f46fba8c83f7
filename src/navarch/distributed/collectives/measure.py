"""Collectives really run: processes that carry a schedule out over TCP, beside those of torch.distributed."""

from __future__ import annotations

import datetime
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from navarch.core.arithmetic import ratio
from navarch.distributed.collectives.algorithms import SEGMENTS, schedule_of
from navarch.distributed.collectives.elements import element_type
from navarch.distributed.collectives.launch import Site, lead
from navarch.distributed.collectives.measurement import Checked, CollectivesMeasured, fitted, size_measured
from navarch.distributed.collectives.rendezvous import Message
from navarch.distributed.collectives.replay import padded
from navarch.distributed.collectives.schedule import Array, CollectiveError, Schedule
from navarch.distributed.collectives.transport import LostError

if TYPE_CHECKING:
    from navarch.distributed.collectives.worker import Rank

Peer = Callable[[Array, str], float]
Progress = Callable[[float, str], None]
Started = Callable[[dict[int, int]], None]

PEERS = ("gloo", "nccl", "none")
LEAST, STEP = 1e6, 4
"""Smallest size measured [byte] where the largest is larger, and the factor between sizes."""
MOST_REPEATS = 40
PASSES = 5
"""Times that all sizes are gone through, so that what else the machine does falls on all of them alike."""
ODD = (1, 7, 1009, 262_147)
"""Elements of the checks: fewer than there are ranks, and counts that no number of ranks divides."""
REDUCED = 16e6
"""Bytes on which the rate of adding is measured."""
SHARE_OF_MEMORY = 0.8


def measure_collectives(
    site: Site,
    size: float,
    collective: str = "all_reduce",
    algorithm: str = "ring",
    *,
    dtype: str = "float32",
    shape: Sequence[int] = (),
    segments: int = SEGMENTS,
    peer: str = "gloo",
    repeats: int = 5,
    seed: int = 0,
    sizes: Sequence[float] | None = None,
    progress: Progress | None = None,
    started: Started | None = None,
) -> CollectivesMeasured:
    """Run a collective among processes over TCP, check its sums, time it by size, and fit alpha and beta to the times.

    site: where the ranks run; size: largest message [byte]; collective, algorithm, shape, segments: as `schedule_of`;
    dtype: of the elements; peer: `gloo` or `nccl` of torch.distributed beside it in the same run (all-reduce), or
    `none`; repeats: runs at the largest size, more at smaller ones; seed: of the checked elements; sizes: messages
    instead of the usual ones [byte]; progress: called with the share done and what was done; started: called with the
    process of each rank. CollectiveError where it cannot be as asked, RanksFailedError where a rank fails or dies.
    """
    kind = element_type(dtype)
    schedule = schedule_of(collective, algorithm, site.ranks, shape=shape, segments=segments)
    _check(site, schedule, size, peer, repeats, kind.stored.itemsize)
    messages = sorted(set(sizes)) if sizes is not None else usual_sizes(size)
    options = {"shape": list(shape), "segments": segments}
    beside = "" if peer == "none" or collective != "all_reduce" else peer

    def asked(elements: int) -> Message:
        return {"collective": collective, "algorithm": algorithm, "elements": elements, "dtype": dtype,
                "options": options}  # fmt: skip

    checks = [padded(schedule, each) for each in ODD]
    counts = [padded(schedule, max(1, round(each / kind.stored.itemsize))) for each in messages]
    tasks: list[Message] = [{"kind": "check", "asked": asked(each), "seed": seed} for each in checks]
    added = max(1, int(REDUCED / kind.stored.itemsize))
    tasks.append({"kind": "reduction", "asked": asked(added), "repeats": repeats})
    passes = min(repeats, PASSES)
    tasks += [
        {"kind": "time", "asked": asked(each), "warm": int(number == 0), "peer": beside,
         "repeats": math.ceil(_repeats(repeats, size, message) / passes)}
        for number in range(passes)
        for each, message in zip(counts, messages, strict=True)
    ]  # fmt: skip
    heard = _Heard(site.ranks, tasks, progress)
    lead(site, schedule.reducers, tasks, heard, started)
    return _measured(site, schedule, dtype, kind.stored.itemsize, beside, heard)


def usual_sizes(size: float) -> list[float]:
    """Sizes from 1 MB by factors of four to the largest, which is the last; three below it where it is smaller."""
    least = min(LEAST, size / STEP**3)
    steps = int(math.log(size / least, STEP) + 1e-9)
    return [size / STEP**step for step in reversed(range(steps + 1))]


def _repeats(repeats: int, size: float, message: float) -> int:
    return min(max(MOST_REPEATS, repeats), math.ceil(repeats * math.sqrt(size / message)))


def _check(site: Site, schedule: Schedule, size: float, peer: str, repeats: int, itemsize: int) -> None:
    if not site.ranks >= 2:
        raise CollectiveError(f"processes: {site.ranks} is not allowed; at least 2 over all hosts")
    if size < itemsize:
        raise CollectiveError(f"size: {size:g} bytes is not allowed; at least one element of {itemsize} bytes")
    if peer not in PEERS:
        raise CollectiveError(f"peer: {peer!r} is not one; there are: {', '.join(PEERS)}")
    if repeats < 1:
        raise CollectiveError(f"repeats: {repeats} is not allowed; at least 1")
    needed = size * schedule.buffer / schedule.chunks * (site.processes + schedule.reducers)
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * SHARE_OF_MEMORY
    if needed > there:
        raise CollectiveError(
            f"size: {site.processes} processes would hold {needed / 1e9:.1f} GB; {there / 1e9:.1f} GB are allowed here"
        )


class _Heard:
    """What the ranks reported, by task."""

    def __init__(self, ranks: int, tasks: Sequence[Message], progress: Progress | None) -> None:
        self.ranks, self.tasks, self.progress = ranks, tasks, progress
        self.reports: list[dict[int, Message]] = [{} for _ in tasks]

    def __call__(self, rank: int, message: Message) -> None:
        place = message.get("task")
        if place is None or rank >= self.ranks:
            return
        self.reports[place][rank] = message
        if self.progress is not None and len(self.reports[place]) == self.ranks:
            asked = self.tasks[place]["asked"]
            self.progress((place + 1) / len(self.tasks), f"{self.tasks[place]['kind']}: {asked['elements']:,} elements")

    def slowest(self, places: Sequence[int], name: str) -> Array:
        """Time of each run of some tasks: of its slowest rank [s]."""
        runs = [[self.reports[place][rank][name] for rank in range(self.ranks)] for place in places]
        return np.concatenate([np.array(each).max(axis=0) for each in runs])

    def of_kind(self, kind: str) -> list[int]:
        """The tasks of a kind."""
        return [place for place, task in enumerate(self.tasks) if task["kind"] == kind]


def _measured(
    site: Site, schedule: Schedule, dtype: str, itemsize: int, peer: str, heard: _Heard
) -> CollectivesMeasured:
    checks = []
    for place in heard.of_kind("check") + heard.of_kind("time"):
        reports = heard.reports[place].values()
        error = max(report.get("error", 0.0) for report in reports)
        equal = all(report["equal"] for report in reports)
        checks.append(Checked(heard.tasks[place]["asked"]["elements"], equal, error))
    (place,) = heard.of_kind("reduction")
    added = heard.tasks[place]["asked"]["elements"] * itemsize
    rate = float(ratio(added, float(np.median(heard.slowest([place], "times"))), unit="byte/s"))
    by_size: dict[float, list[int]] = {}
    for place in heard.of_kind("time"):
        by_size.setdefault(float(heard.tasks[place]["asked"]["elements"] * itemsize), []).append(place)
    messages = list(by_size)
    ours = [heard.slowest(places, "times") for places in by_size.values()]
    constants = fitted(schedule.cost, messages, [float(np.median(each)) for each in ours], rate)
    return CollectivesMeasured(
        collective=schedule.collective,
        algorithm=schedule.algorithm,
        ranks=site.ranks,
        hosts=site.hosts,
        dtype=dtype,
        cost=schedule.cost,
        fitted=constants,
        checks=tuple(checks),
        sizes=tuple(
            size_measured(schedule, message, each, heard.slowest(places, "peer") if peer else None, constants)
            for each, (message, places) in zip(ours, by_size.items(), strict=True)
        ),
        peer=peer,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )  # fmt: skip


def torch_peer(backend: str, rank: Rank) -> Peer:
    """torch.distributed's all-reduce among the same ranks, on arrays in place; gives the time that it took here [s].

    backend: `gloo`, or `nccl` where each rank has a GPU of its own.
    """
    try:
        import torch
        from torch import distributed
    except ImportError as error:
        raise CollectiveError(
            "peer: PyTorch is not installed; `pip install navarch[measure]`, or --peer none"
        ) from error
    torch.set_num_threads(1)
    limit = datetime.timedelta(seconds=rank.timeout)
    host = rank.guest.local
    store = None
    if rank.number == 0:
        store = distributed.TCPStore(host, 0, rank.ranks, is_master=True, wait_for_workers=False, timeout=limit)
    port = rank.told_by_first(store.port if store else 0)
    if store is None:
        first = rank.links[0, 0].getpeername()[0]
        store = distributed.TCPStore(first, port, rank.ranks, is_master=False, timeout=limit)
    if backend == "nccl":
        return _nccl(torch, distributed, store, rank)
    gloo: Any = distributed.ProcessGroupGloo
    options = gloo._Options()
    options._devices = [gloo.create_device(hostname=host)]
    options._timeout = limit
    group = gloo(store, rank.number, rank.ranks, options)

    def all_reduce(array: Array, dtype: str) -> float:
        tensor = torch.from_numpy(array)
        tensor = tensor.view(torch.bfloat16) if dtype == "bfloat16" else tensor
        start = time.perf_counter()
        with _lost_in(rank, "gloo"):
            group.allreduce([tensor]).wait()
        return time.perf_counter() - start

    return all_reduce


@contextmanager
def _lost_in(rank: Rank, library: str) -> Iterator[None]:
    """What torch.distributed says where another rank is gone, as a LostError."""
    try:
        yield
    except RuntimeError as error:
        reason = next(iter(str(error).strip().splitlines()), "no reason given")
        raise LostError(-1, f"rank {rank.number} lost another one in {library}'s all-reduce: {reason}") from error


def _nccl(torch: Any, distributed: Any, store: Any, rank: Rank) -> Peer:
    """NCCL's all-reduce, each rank on a GPU of its own; the copies to and from the GPU are not in the time."""
    there = torch.cuda.device_count()
    if there < rank.processes:
        told = f"there {'is' if there == 1 else 'are'} {there or 'none'} here for {rank.processes}"
        raise CollectiveError(f"peer: nccl needs a GPU for each rank, and {told}; --peer gloo, or fewer processes")
    torch.cuda.set_device(rank.number % rank.processes)
    options = distributed.ProcessGroupNCCL.Options()
    options._timeout = datetime.timedelta(seconds=rank.timeout)
    group = distributed.ProcessGroupNCCL(store, rank.number, rank.ranks, options)

    def all_reduce(array: Array, dtype: str) -> float:
        tensor = torch.from_numpy(array)
        tensor = tensor.view(torch.bfloat16) if dtype == "bfloat16" else tensor
        on_device = tensor.cuda()
        torch.cuda.synchronize()
        start = time.perf_counter()
        with _lost_in(rank, "NCCL"):
            group.allreduce([on_device]).wait()
            torch.cuda.synchronize()
        taken = time.perf_counter() - start
        tensor.copy_(on_device)
        return taken

    return all_reduce
