"""This machine's storage, really measured: in order, shuffled, small files, and data loaders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from navarch.core.arithmetic import ratio, smallest_of, sum_of
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger
from navarch.core.quantity import parse
from navarch.course.desk import reading
from navarch.course.frame.progress import CannotMeasureError, tell
from navarch.course.instrument import Answer, Reading, Shown, instrument
from navarch.course.storage_hierarchy.variant import menu

LIMIT = 60.0
"""After which it is stopped [s]."""
RECORDED = "storage_hierarchy/recorded.json"
"""The recorded result, in navarch/course."""
IN_ORDER, SHUFFLED, FILES, LOOKUP = (
    "sequential read", "shuffled read", "small files, shuffled read", "small files, lookup",
)  # fmt: skip
KEYS = {"write": "sequential write", "in_order": IN_ORDER, "shuffled": SHUFFLED, "files": FILES}
KIND = "threads"
LAYOUTS = ("records", "files")
STEPS = 200


def inputs() -> dict[str, Any]:
    """Inputs of the measurement, as the menu has them."""
    told = menu()["measured"]
    return {
        "size": parse(told["size"], "byte"), "files": int(told["files"]), "sample": parse(told["sample"], "byte"),
        "workers": int(told["workers"]), "prefetch": list(told["prefetch"]), "seconds": parse(told["limit"], "s"),
    }  # fmt: skip


@instrument(replays=False)
def storage_here(
    size: float, files: int, sample: float, workers: int, prefetch: list[int], seconds: float
) -> Answer:  # fmt: skip
    """A large file [byte] and many small ones, written and read here; then loaders of batches, by prefetch depth.

    sample: size of a small file, and of a shuffled read [byte]; workers: of a loader; prefetch: batches ahead; seconds:
    for all of it.
    """
    from navarch.fleet.storage import disk
    from navarch.fleet.storage.measure import measure_storage
    from navarch.fleet.storage.model import StorageError

    try:
        made = measure_storage(None, size, files, sample, workers, prefetch, seconds, tell)
        seen = {key: made.named(name) for key, name in {**KEYS, "lookup": LOOKUP}.items()}
    except (StorageError, OSError) as error:
        raise CannotMeasureError(str(error)) from error
    where = f"{made.file_system}; {made.cache}"
    readings: dict[str, Any] = {}
    for key, name in KEYS.items():
        told = f"{seen[key].operations:,} of {seen[key].operation:,.0f} bytes\n{where}"
        readings[key] = Reading(name.capitalize(), seen[key].rate, "byte/s", derivation=told)
    readings["lookup"] = Reading("Opening a small file", seen["lookup"].each.median, "s", derivation=where)
    readings["cores"] = ("Cores", made.machine.cores, "1")
    short = {disk.DIRECT: "bypassed", disk.DROPPED: "dropped before"}.get(made.cache, "in the way")
    readings["cache"] = Reading("Page cache", short, "text", derivation=made.cache)
    if made.left_out:
        readings["left_out"] = ("Left out", "; ".join(made.left_out), "text")
    rows: list[dict[str, Any]] = [
        {"what": each.name, "operation": each.operation, "rate": each.rate, "time": each.each.median,
         "worst": each.worst, "frequency": each.frequency}
        for each in made.access
    ]  # fmt: skip
    rows += [
        {"layout": each.layout, "kind": each.kind, "workers": each.workers, "prefetch": each.prefetch,
         "batch": each.batch, "images": each.samples, "pace": each.pace, "late": each.starvation,
         "still": each.stalled}
        for each in made.loaders
    ]  # fmt: skip
    return Answer(readings, rows)


@instrument
def files_beside(
    in_order: float, shuffled: float, files: float, lookup: float, sample: float, recorded: bool
) -> Answer:
    """Small files on the machine that was measured, beside what opening and reading them by hand would take.

    in_order, shuffled, files: rates [byte/s]; lookup: time to open one [s]; sample: size of one [byte].
    """
    where = "recorded on another machine" if recorded else "measured on this machine"
    with Ledger() as ledger:
        size = ledger.field("sample", sample, "byte", "A small file")
        rates = {
            key: ledger.observation(title, value, "byte/s", None, None, where, "")
            for key, title, value in (
                ("in_order", "A large file in order", in_order), ("shuffled", "A large file, shuffled", shuffled),
                ("files", "Small files, shuffled", files),
            )
        }  # fmt: skip
        opening = ledger.observation("Opening a small file", lookup, "s", None, None, where, "")
        at_once = ratio(size, rates["shuffled"], unit="s", title="Reading as much of a large file")
        told = ratio(size, sum_of(opening, at_once, unit="s", title="Opening and reading"), unit="byte/s",
                     title="Small files, by opening and reading")  # fmt: skip
        slower = ratio(rates["in_order"], rates["files"], unit="1", title="Small files, times slower than in order")
        readings = {"slower": reading(slower.entry), "estimate": reading(told.entry)}
        rows = [{"what": value.entry.title, "how": "measured", "rate": float(value)} for value in rates.values()]
        rows.append({"what": rates["files"].entry.title, "how": "estimate", "rate": float(told)})
    return Answer(readings, rows)


def files_inputs(shown: Shown, recorded: bool) -> dict[str, Any]:
    """What `files_beside` compares, from what was measured."""
    rates = {key: shown[key].value for key in ("in_order", "shuffled", "files", "lookup")}
    return {**rates, "sample": shown.inputs["sample"], "recorded": recorded}


@instrument
def loaders_beside(
    layout: str, alone: float, pace: float, batch: int, cores: int, workers: int, prefetch: list[int],
    images: list[float], late: list[float | None], recorded: bool,
) -> Answer:  # fmt: skip
    """Loaders of threads that were measured, beside the closed form and the simulation, by batches ahead.

    alone: images a second of a training that reads for itself [1/s]; pace: of one that takes its batches at four fifths
    of the fastest [1/s]; images: a second of each loader at full speed; late: share of the batches that came late.
    """
    from navarch.fleet.storage import queueing

    del recorded
    rows: list[dict[str, Any]] = []
    with off_the_ledger():
        response = float(ratio(float(batch), alone))
        for place, depth in enumerate(prefetch):
            busy = smallest_of(float(depth), float(workers), float(cores))
            told = float(queueing.loader_rate(busy, 1, batch, response))
            rows += [
                {"prefetch": depth, "how": "closed form", "images": told, "late": None},
                {"prefetch": depth, "how": "simulated", "images": None,
                 "late": _simulated(response, float(ratio(float(batch), pace)), cores, workers, depth)},
                {"prefetch": depth, "how": "measured", "images": images[place], "late": late[place]},
            ]  # fmt: skip
        faster = float(ratio(images[-1], alone))
    title = f"{layout.capitalize()}: {prefetch[-1]} batches ahead, times as fast as none"
    return Answer({"faster": (title, faster, "1"), "pace": ("A training takes", pace, "1/s")}, rows)


def _simulated(response: float, step: float, cores: int, workers: int, prefetch: int) -> float:
    """Share of the batches that come late of one loader, whose batches each hold a core for their time [s]."""
    from navarch.fleet.storage.model import Readers, Store, Tier
    from navarch.fleet.storage.simulate import simulate

    tier = Tier("this machine", 1, cores, response, response, service="exponential")
    readers = Readers(1, step, 1, 1.0, workers=workers, prefetch=prefetch)
    return simulate(Store((tier,)), readers, STEPS).starvation


def loader_inputs(shown: Shown, recorded: bool) -> list[dict[str, Any]]:
    """What `loaders_beside` compares, from what was measured: of records and of files, where there was time."""
    return [found for layout in LAYOUTS for found in _loader_inputs(shown, layout, recorded)]


def _loader_inputs(shown: Shown, layout: str, recorded: bool) -> list[dict[str, Any]]:
    own = [row for row in shown.rows if row.get("layout") == layout]
    threads = [row for row in own if row["kind"] == KIND]
    alone = next((row["images"] for row in own if row["kind"] == "inline"), None)
    pace = next((row["pace"] for row in threads if row["pace"] is not None), None)
    if alone is None or pace is None:
        return []
    first = threads[0]
    return [{
        "layout": layout, "alone": alone, "pace": pace, "batch": first["batch"], "cores": int(shown["cores"].value),
        "workers": first["workers"], "prefetch": [row["prefetch"] for row in threads],
        "images": [row["images"] for row in threads], "late": [row["late"] for row in threads], "recorded": recorded,
    }]  # fmt: skip


def titled(told: Mapping[str, Any]) -> str:
    """What a figure of a loader is called."""
    what = {"records": "Batches from a large file.", "files": "Batches of small files."}
    return what[str(told["layout"])]


def part(told: Mapping[str, Any]) -> str:
    """The name under which a figure of a loader is kept."""
    return f"loaders of {told['layout']}"
