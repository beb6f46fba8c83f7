"""Images as files of their own, or in large records: on drives in the nodes, a file system, an object store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from navarch.core.arithmetic import ceil_div, largest_of, product_of, ratio
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger, Value
from navarch.course.desk import reading
from navarch.course.instrument import Answer, instrument
from navarch.course.storage_hierarchy.cluster import parts, read_size
from navarch.course.storage_hierarchy.variant import menu, quantities

if TYPE_CHECKING:
    from navarch.fleet.storage.model import Store
    from navarch.fleet.storage.parts import Workload

Layout = Literal["files", "records"]

DRIVES, SHARED, OBJECTS = "drives", "shared", "objects"
PLACES = {DRIVES: "drives in the nodes", SHARED: "parallel file system", OBJECTS: "object store"}
LAYOUTS: tuple[Layout, ...] = ("files", "records")
FLEETS = (32, 64, 88, 104)
PREFETCHES = (2, 4, 8, 16, 32)
ENDS, POINTS = (10e3, 10e6), 10
"""Sizes of files that the curve has [byte]."""


@dataclass(frozen=True, slots=True)
class Pod:
    """Accelerators that eat images. rate [1/s] and sample [byte]: of each; servers: of metadata; prefetch: batches
    that each loader is ahead, a worker on each."""

    accelerators: int
    rate: float
    sample: float
    servers: int
    prefetch: int


def accelerators() -> list[float]:
    """Accelerators of the slider."""
    return [float(count) for count in FLEETS]


def servers() -> list[float]:
    """Metadata servers of the slider."""
    return [float(count) for count in menu()["files"]["servers"]]


def prefetches() -> list[float]:
    """Batches ahead, of the slider."""
    return [float(depth) for depth in PREFETCHES]


def samples() -> list[float]:
    """Sizes of an image, of the slider [byte]."""
    return quantities(menu()["files"]["samples"], "byte")


def workload_of(pod: Pod, layout: Layout) -> Workload:
    """What the pod reads: files, or records of the same images."""
    from navarch.fleet.storage.parts import Workload

    told = menu()["files"]
    asked = Workload(
        pod.accelerators, pod.rate, int(told["batch"]), pod.sample, float(menu()["samples"]), layout=layout,
        request=read_size(float(told["batch"]), pod.sample), workers=pod.prefetch, depth=int(told["depth"]),
        prefetch=pod.prefetch, per_node=int(menu()["per_node"]),
    )  # fmt: skip
    return replace(asked, depth=min(asked.depth, asked.readers.requests))


def store_of(pod: Pod, layout: Layout, place: str) -> Store:
    """The storage at a place."""
    from navarch.fleet.storage.model import Store
    from navarch.fleet.storage.parts import Choice

    told, workload = menu()["files"], workload_of(pod, layout)
    if place == OBJECTS:
        return parts().store(workload, Choice(str(told["objects"]), int(told["prefixes"])))
    if place == SHARED:
        return parts().store(workload, Choice(str(told["system"]), 1, metadata=pod.servers))
    drives = int(product_of(workload.readers.nodes, int(told["drives"])))
    tier = parts().tier(str(told["drive"]), PLACES[DRIVES], drives, workload.request_size, 1.0, lookup=False)
    return Store((tier,))


def steps_of(pod: Pod) -> int:
    """Steps of a run: the batches that were there at its start, and whole rounds of those that are fetched at once."""
    rounds = ceil_div(int(menu()["files"]["steps"]), pod.prefetch)
    return pod.prefetch + int(product_of(rounds, pod.prefetch))


@lru_cache(maxsize=512)
def paced(pod: Pod, layout: Layout, place: str) -> tuple[float, float]:
    """Share of their rate at which the accelerators are fed, in theory and simulated."""
    from navarch.fleet.storage.expected import expected
    from navarch.fleet.storage.simulate import simulate

    with off_the_ledger():
        readers, store = workload_of(pod, layout).readers, store_of(pod, layout, place)
        run = simulate(store, readers, steps_of(pod), pod.prefetch)
        return float(expected(store, readers).utilisation), run.utilisation


@instrument
def an_epoch(accelerators: float, rate: float, sample: float, servers: float, prefetch: float) -> Answer:
    """An epoch of files and of records at each place, as a multiple of the one that waits for nothing.

    rate [1/s] and sample [byte]: of each of the accelerators; servers: of the file system's metadata; prefetch: batches
    that each loader is ahead.
    """
    pod = Pod(int(accelerators), rate, sample, int(servers), int(prefetch))
    rows: list[dict[str, Any]] = []
    with Ledger() as ledger:
        longer = _longer(ledger, pod)
        readings: dict[str, Any] = {"longer": reading(longer.entry)}
        for place, title in PLACES.items():
            for layout in LAYOUTS:
                told, run = paced(pod, layout, place)
                seen = ledger.observation(
                    f"Share of the time that accelerators compute, {layout}, {title}", run, "fraction", None, None,
                    "fleet.storage.simulate", f"{servers:.0f} metadata servers",
                )  # fmt: skip
                epoch = ratio(1.0, seen, unit="1", title=f"Times as long: {layout}, {title}")
                if layout == "files":
                    readings[place] = reading(epoch.entry)
                with off_the_ledger():
                    theory = float(ratio(1.0, told))
                rows.append({"place": title, "layout": layout, "theory": theory, "simulated": float(epoch)})
    return Answer(readings, rows)


def _longer(ledger: Ledger, pod: Pod) -> Value:
    """Times as long as an epoch of files takes for the opening alone, remembered."""
    from navarch.fleet.storage import queueing

    catalog = parts().catalog
    count = ledger.field("accelerators", pod.accelerators, "1", "Accelerators")
    batch = ledger.field("batch", menu()["files"]["batch"], "1", "Files of a step")
    rate = ledger.field("rate", pod.rate, "1/s", "Files a second of each")
    step = ratio(batch, rate, unit="s", title="Time of a step", symbol="t_step")
    opened = queueing.request_rate(count, batch, step, title="Files that are opened")
    share = ledger.field("share", 1.0, "fraction", "Share of the reads that opens a file")
    many = ledger.field("servers", pod.servers, "1", "Metadata servers")
    operation = ratio(
        1.0, ledger.fact(catalog.fact("constant", "storage.metadata-rate")), unit="s", title="Time of an opening"
    )
    busy = queueing.busy_channels(
        queueing.server_rate(opened, share, many), operation, title="Metadata servers are asked, times what they can"
    )
    one = ledger.field("one", 1.0, "1", "An epoch that waits for nothing")
    return largest_of(busy, one, unit="1", title="Times as long an epoch of files takes")


@instrument
def by_size(accelerators: float, rate: float, servers: float, prefetch: float) -> Answer:
    """Bytes a second that reach the accelerators by the size of a file, at each place, in theory."""
    from navarch.fleet.storage.expected import expected

    rows = []
    for sample in np.geomspace(*ENDS, POINTS):
        pod = Pod(int(accelerators), rate, float(sample), int(servers), int(prefetch))
        for place, title in PLACES.items():
            with off_the_ledger():
                workload = workload_of(pod, "files")
                told = expected(store_of(pod, "files", place), workload.readers)
                got = float(product_of(told.utilisation, workload.demand))
            rows.append({"sample": float(sample), "place": title, "rate": got, "eaten": float(workload.demand)})
    return Answer({}, rows)
