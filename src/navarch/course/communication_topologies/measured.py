"""A ring that really runs: eight processes on two leaves, in order, in random order and in the worst."""

from __future__ import annotations

from typing import Any

from navarch.core.arithmetic import ratio
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger, Value
from navarch.core.quantity import parse
from navarch.course.communication_topologies.variant import menu
from navarch.course.desk import reading
from navarch.course.frame.progress import CannotMeasureError, tell
from navarch.course.instrument import Answer, Reading, instrument

LIMIT = 60.0
"""After which it is stopped [s]."""
RECORDED = "communication_topologies/recorded.json"
"""The recorded result, in navarch/course."""
REPEATS = 2
SHAPED = "links in network namespaces, each and the uplink shaped by the kernel"
PASSED = "the uplink is a process that passes on so much each way; the links of the hosts are as fast as the machine"
TOLD = {"estimate": "closed form", "simulated": "simulated", "measured": "measured"}
ORDERS = ("in order", "at random", "every step across")


def inputs(draw: int) -> dict[str, Any]:
    """Inputs of the measurement: as the menu has them, with the random order of a draw."""
    told = menu()["measured"]
    return {
        "ranks": int(told["ranks"]), "rate": parse(told["rate"], "byte/s"), "message": parse(told["message"], "byte"),
        "draw": draw, "repeats": REPEATS,
    }  # fmt: skip


@instrument(replays=False)
def rings(ranks: int, rate: float, message: float, draw: int, repeats: int) -> Answer:
    """A ring all-reduce between processes on two leaves with one uplink of the rate of a link, in three orders.

    rate: of the uplink, each way [byte/s]; message [byte]; draw: of the random order; repeats: runs of each order.
    """
    from navarch.course.communication_topologies.ranks import crossings, leaf_of, measure_rings
    from navarch.distributed.collectives.schedule import CollectiveError
    from navarch.fleet.compute.measurement import Spread

    try:
        made = measure_rings(ranks, rate, message, draw, repeats, tell)
    except (CollectiveError, OSError) as error:
        raise CannotMeasureError(str(error)) from error
    if not all(each.correct for each in made.orders):
        raise CannotMeasureError("a ring gave a wrong sum")
    how = SHAPED if made.shaped else PASSED
    readings: dict[str, Any] = {}
    rows = []
    for each in made.orders:
        spread = Spread.of(list(each.times))
        across = crossings(each.order, leaf_of(ranks))
        told = f"measured, {spread.runs} runs; {across} of {ranks} steps cross to the other leaf\n{how}"
        readings[each.name] = Reading(f"Ring {each.name}", spread.median, "s", spread.low, spread.high, told)
        rows.append({"order": each.name, "across": across, "time": spread.median, "low": spread.low,
                     "high": spread.high, "ring": " ".join(map(str, each.order))})  # fmt: skip
    with off_the_ledger():
        for key, name in (("longer", "at random"), ("worst", "every step across")):
            times = float(ratio(readings[name].value, readings["in order"].value))
            readings[key] = (f"Ring {name}, times as long as in order", times, "1")
    told = "\n".join(part for part in (how, made.why) if part)
    short = "shaped by the kernel" if made.shaped else "passed on by a process"
    readings["links"] = Reading("Uplink", short, "text", derivation=told)
    readings["message"] = ("Message", made.message, "byte")
    return Answer(readings, rows)


@instrument
def rings_beside(
    ranks: int, rate: float, message: float, draw: int, times: list[float], lows: list[float], highs: list[float],
    recorded: bool,
) -> Answer:  # fmt: skip
    """The measured rings beside the closed form and the simulation of their flows.

    times, lows, highs: measured, of each order [s]; recorded: whether elsewhere.
    """
    from navarch.course.communication_topologies.ranks import crossings, leaf_of, orders_of
    from navarch.distributed.collectives.estimate import ring_all_reduce_time
    from navarch.fleet.fabric import faults

    rows = []
    where = "recorded on another machine" if recorded else "measured on this machine"
    with Ledger() as ledger:
        link = ledger.field("rate", rate, "byte/s", "Rate of the uplink, each way")
        size = ledger.field("message", message, "byte", "Message")
        count = ledger.field("ranks", ranks, "1", "Ranks")
        one = ledger.field("uplinks", 1, "1", "Uplinks")
        latency = ledger.field("latency", 0.0, "s", "Latency of a step, left out")
        seen: dict[str, dict[str, Value]] = {}
        for place, (name, order) in enumerate(orders_of(ranks, draw).items()):
            across = crossings(order, leaf_of(ranks))
            flows = ledger.field(f"across.{name}", across, "1", f"Steps that share the uplink each way, {name}")
            share = faults.uplink_share(link, flows, one, link)
            told = ring_all_reduce_time(size, count, share, latency)
            run = _simulated(order, rate, message)
            source = "distributed.collectives.simulate.simulate_by_need"
            flowing = ledger.observation(f"Ring {name}, simulated", run, "s", None, None, source, "")
            measured = ledger.observation(f"Ring {name}, measured", times[place], "s", None, None, where, "")
            seen[name] = {"estimate": told, "simulated": flowing, "measured": measured}
            rows += [
                {"order": name, "how": how, "time": float(value), "across": across} for how, value in seen[name].items()
            ]
            rows[-1] |= {"low": lows[place], "high": highs[place]}
        readings = {
            f"{key}_{how}": reading(
                ratio(
                    seen[name][how],
                    seen["in order"][how],
                    unit="1",
                    title=f"Ring {name}: times as in order, {TOLD[how]}",
                ).entry
            )
            for key, name in (("longer", "at random"), ("worst", "every step across"))
            for how in ("estimate", "simulated", "measured")
        }
    return Answer(readings, rows)


def beside_inputs(shown: Any, recorded: bool) -> dict[str, Any]:
    """What `rings_beside` compares, from what was measured."""
    asked = shown.inputs
    return {
        "ranks": asked["ranks"], "rate": asked["rate"], "draw": asked["draw"], "message": shown["message"].value,
        "times": [shown[name].value for name in ORDERS], "lows": [shown[name].low for name in ORDERS],
        "highs": [shown[name].high for name in ORDERS], "recorded": recorded,
    }  # fmt: skip


def _simulated(order: list[int], rate: float, message: float) -> float:
    """The flows of the ring on two leaves and one spine, each rank going on as soon as it can [s]."""
    import numpy as np

    from navarch.distributed.collectives.algorithms import schedule_of
    from navarch.distributed.collectives.simulate import Setting, simulate_by_need
    from navarch.fleet.fabric import clos_graph
    from navarch.fleet.fabric.graph import Wires

    ranks = len(order)
    network = clos_graph.leaf_spine(2, ranks // 2, 1, 1, Wires(rate))
    setting = Setting(network, "first", hosts=np.asarray(order))
    with off_the_ledger():
        return simulate_by_need(schedule_of("all_reduce", "ring", ranks), message, setting).time
