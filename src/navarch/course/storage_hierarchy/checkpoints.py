"""Checkpoints of a large language model: how long one takes to write, what it stalls, and what sizes the storage."""

from __future__ import annotations

from typing import Any

from navarch.core.arithmetic import ceil_div, largest_of, ratio
from navarch.core.ledger import Ledger, Value
from navarch.course.desk import reading, shelf, titled, with_intervals
from navarch.course.errors import CourseError
from navarch.course.instrument import Answer, instrument
from navarch.course.storage_hierarchy.cluster import named, parts
from navarch.course.storage_hierarchy.demand import tokens_rate
from navarch.course.storage_hierarchy.variant import menu, quantities
from navarch.fleet.storage import estimate

MODELS = ("llama3.1-8b", "llama3.1-70b", "llama3.1-405b", "deepseek-v3")
FLEETS = (1024, 2048, 4096, 8192, 12288, 16384)
MODES = {"synchronous": "training waits for the write", "asynchronous": "training waits for the copy to the hosts",
         "multi-tier": "copy, then the nodes' own drives, then shared"}  # fmt: skip
LOST = {mode: f"Of the time lost, {mode}" for mode in MODES}


def models() -> dict[str, str]:
    """Models that may be saved, with their names."""
    return {name: str(shelf().get("model", name).name) for name in MODELS}


def systems() -> dict[str, str]:
    """Systems that may hold the tokens, with their names."""
    return {name: named(name) for name in menu()["checkpoint"]["systems"]}


def fleets() -> list[float]:
    """Accelerators of the slider."""
    return [float(count) for count in FLEETS]


def intervals() -> list[float]:
    """Training between two checkpoints, of the slider [s]."""
    return sorted({*quantities(menu()["checkpoint"]["interval"], "s"), 60.0, 300.0, 3600.0})


def tokens() -> list[float]:
    """Tokens of the data set, of the slider."""
    return sorted({*(float(count) for count in menu()["checkpoint"]["tokens"]), 5e12, 50e12})


def sized_for_samples(ledger: Ledger, system: str, held: Value, read: Value) -> Value:
    """Units of a system that hold the tokens and read them, remembered."""
    if system not in systems():
        raise CourseError(f"system: {system!r} is not one of {', '.join(systems())}")
    entry = shelf().get("storage", system)
    fill = ledger.fact(shelf().fact("constant", "storage.fill"))
    once = ledger.field("copies", 1, "1", "Copies of the tokens")
    nothing = ledger.field("nothing", 0.0, "byte", "Checkpoints kept, for the samples alone")
    capacity = estimate.units_for(
        estimate.capacity_needed(held, once, nothing, fill), ledger.fact(entry.capacity),
        title="Units that hold the tokens",
    )  # fmt: skip
    reading_ = estimate.units_for(read, ledger.fact(entry.read_bandwidth), title="Units that read them")
    return largest_of(capacity, reading_, unit="1", title="Units that the samples ask for", symbol="n_samples")


@instrument
def write_a_checkpoint(model: str, accelerators: float, tokens: float, system: str, interval: float) -> Answer:
    """A checkpoint of a model, written to the storage that holds its tokens and feeds them.

    accelerators: that train it; tokens: of the data set; system: of the storage; interval: of training between two [s].
    """
    with Ledger() as ledger:
        found = _sized(ledger, model, accelerators, tokens, system)
        readings, _ = with_intervals(ledger, found)
        modes, rows = _modes(ledger, found["size"], found["write"], accelerators, interval)
        readings |= {key: reading(value.entry) for key, value in modes.items()}
    return Answer(titled(readings, LOST), rows)


def _sized(ledger: Ledger, model: str, accelerators: float, tokens: float, system: str) -> dict[str, Value]:
    """A checkpoint, and the storage that the samples and that checkpoints in time ask for, remembered."""
    catalog = shelf()
    parameters = ledger.fact(catalog.get("model", model).params_total)
    saved = ledger.fact(catalog.fact("constant", "storage.checkpoint-bytes-per-parameter"))
    size = estimate.checkpoint_bytes(parameters, saved)
    held = estimate.dataset_bytes(
        ledger.field("tokens", tokens, "token", "Tokens of the data set"),
        ledger.fact(catalog.fact("constant", "design.bytes-per-token")),
    )
    read = tokens_rate(ledger, accelerators, model)
    units = sized_for_samples(ledger, system, held, read)
    of_one = _written_by_one(ledger, system)
    write = estimate.aggregate_bandwidth(units, of_one, title="The storage writes")
    asked = estimate.checkpoint_bandwidth(size, ledger.fact(catalog.fact("constant", "storage.checkpoint-allowed")))
    needed = estimate.units_for(asked, of_one, title="Units that checkpoints in time ask for")
    return {
        "time": estimate.checkpoint_write_time(size, write, title="Time until it is written"),
        "size": size, "units": units, "write": write, "read": read, "asked": asked, "needed": needed,
        "times": ratio(asked, read, unit="1", title="Writing in time, times the rate of reading"),
        "sized": ratio(needed, units, unit="1", title="Times the units of the samples"),
    }  # fmt: skip


def _written_by_one(ledger: Ledger, system: str) -> Value:
    from navarch.fleet.storage.system import storage_unit

    return storage_unit(parts().catalog, system, ledger.fact).write


def _modes(
    ledger: Ledger, size: Value, write: Value, accelerators: float, interval: float
) -> tuple[dict[str, Value], list[dict[str, Any]]]:
    """Stall and safety of each way of writing, and the share of the time that training stands still."""
    from navarch.fleet.storage.parts import checkpoint_modes

    catalog = shelf()
    count = ledger.field("writers", accelerators, "1", "Accelerators that hold equal parts")
    per_node = ledger.field("per_node", menu()["per_node"], "1", "Accelerators of a node")
    host, local = (
        ledger.fact(catalog.fact("constant", name)) for name in ("storage.host-bandwidth", "storage.local-bandwidth")
    )
    every = ledger.field("interval", interval, "s", "Training between two checkpoints")
    modes = checkpoint_modes(size, count, ceil_div(count, per_node), write, host, local, every)
    rows = [
        {"mode": each.mode, "what": MODES[each.mode], "stall": float(each.stall), "share": float(each.share),
         "near": None if each.near is None else float(each.near), "safe": float(each.safe)}
        for each in modes
    ]  # fmt: skip
    return {each.mode: each.share for each in modes}, rows


@instrument
def what_sizes_it(accelerators: float, tokens: float, system: str) -> Answer:
    """Units that the samples and that checkpoints in time ask for, by model."""
    rows = []
    for model, name in models().items():
        with Ledger() as ledger:
            found = _sized(ledger, model, accelerators, tokens, system)
        told = {key: float(found[key]) for key in ("units", "needed", "read", "asked")}
        rows += [
            {"model": name, "what": "samples", "units": told["units"], "rate": told["read"]},
            {"model": name, "what": "checkpoints", "units": told["needed"], "rate": told["asked"]},
        ]
    return Answer({}, rows)


def allowed() -> float:
    """Time in which a checkpoint must be written [s]."""
    return float(shelf().fact("constant", "storage.checkpoint-allowed"))
