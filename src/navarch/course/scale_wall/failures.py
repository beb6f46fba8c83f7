"""A fleet for a season: how often it is interrupted, by published rates, and failure by failure."""

from __future__ import annotations

from typing import Any

from navarch.core.arithmetic import ratio, relative_change
from navarch.core.ledger import Ledger, Value
from navarch.core.quantity import parse, show
from navarch.course.desk import reading, shelf, titled, with_intervals
from navarch.course.errors import CourseError
from navarch.course.instrument import Answer, Shown, instrument
from navarch.course.scale_wall.variant import menu, quantities
from navarch.distributed.faults import estimate

RECORDS = ("llama3-2024", "meta-rsc-1", "meta-rsc-2", "imbue-2024", "opt-175b", "crusoe-h200", "lablup-b200")
"""Published records of failures that tell a rate."""
INTERVALS = ("5 min", "10 min", "20 min", "30 min", "60 min", "120 min")
RUNS = 200
RUN_SHOWN = 0
BESIDE = (
    ("Interruptions", "interruptions", "estimate"),
    ("Time that is useful work", "useful", "useful_estimate"),
    ("Time on work that a failure undid", "repeated", "repeated_estimate"),
    ("Time spent restarting", "restarting", "restarting_estimate"),
    ("Time spent writing checkpoints", "checkpointing", "checkpointing_estimate"),
)
"""What is simulated and estimated: title, and the readings of both."""


def fleets() -> list[int]:
    """Sizes of the slider: small fleets, those of the variants, and the provocation's."""
    drawn = [*menu()["failures"]["accelerators"], menu()["provocation"]["accelerators"]]
    return sorted({8, 64, 512, 2048, 8192, 16384, 131072, *drawn})


def periods() -> list[float]:
    """Durations of the slider [s]."""
    drawn = [*quantities(menu()["failures"]["period"], "s"), parse(menu()["provocation"]["period"], "s")]
    return sorted({*quantities(["1 day", "7 days", "30 days"], "s"), *drawn})


def intervals() -> list[float]:
    """Checkpoint intervals of the slider [s]."""
    return quantities(INTERVALS, "s")


def usual_interval() -> float:
    """Where the slider of the checkpoint interval begins [s]."""
    return intervals()[len(intervals()) // 2]


def records() -> dict[str, str]:
    """The records that may be asked about, with their names."""
    return {name: shelf().get("failure", name).name for name in RECORDS}


def node_size(record: str) -> Any:
    """Accelerators of a node in a record; where it does not say, those of the record that the lab rests on."""
    own = shelf().get("failure", record).accelerators_per_node
    return own if own is not None else shelf().get("failure", str(menu()["record"])).accelerators_per_node


def node_rate(ledger: Ledger, record: str) -> Value:
    """Failure rate of a node by a published record [1/s]."""
    if record not in RECORDS:
        raise CourseError(f"record: {record!r} is not one of {', '.join(RECORDS)}")
    entry = shelf().get("failure", record)
    if entry.rate_per_node_day is not None:
        return ledger.fact(entry.rate_per_node_day)
    observed = [ledger.fact(fact) for fact in (entry.count, entry.accelerators, entry.period)]
    return estimate.node_failure_rate(estimate.failure_rate(*observed), ledger.fact(node_size(record)))


def _nodes(ledger: Ledger, accelerators: int, record: str) -> Value:
    count = ledger.field("accelerators", accelerators, "1", "Accelerators of the fleet")
    return ratio(count, ledger.fact(node_size(record)), unit="1", title="Nodes of the fleet", symbol="n")


@instrument
def reliability(record: str) -> Answer:
    """How long one accelerator, with its share of host and network, runs between failures."""
    with Ledger() as ledger:
        rate = node_rate(ledger, record)
        each = ratio(
            rate, ledger.fact(node_size(record)), unit="1/s", title="Failure rate of one accelerator", symbol="lambda"
        )
        life = estimate.node_mttf(each, title="Mean time between failures of one accelerator", symbol="M_1")
        readings, _ = with_intervals(ledger, {"life": life})
    return Answer(readings)


@instrument
def interruptions(accelerators: int, period: float, record: str) -> Answer:
    """Interruptions of a fleet in a period [s] by a published record, and what they mean for a day and an hour."""
    catalog = shelf()
    with Ledger() as ledger:
        rate, nodes = node_rate(ledger, record), _nodes(ledger, accelerators, record)
        length = ledger.field("period", period, "s", "Time that the fleet runs")
        day, hour = (ledger.fact(catalog.fact("constant", f"faults.{name}")) for name in ("day", "hour"))
        mttf = estimate.job_mttf(nodes, rate)
        values = {
            "interruptions": estimate.expected_failures(nodes, rate, length, title="Interruptions of the fleet"),
            "between": mttf,
            "daily": estimate.expected_failures(nodes, rate, day, title="Interruptions a day"),
            "quiet_day": estimate.probability_of_no_failure(day, mttf, title="Chance of a day without one"),
            "quiet_hour": estimate.probability_of_no_failure(hour, mttf, title="Chance of an hour without one"),
        }
        readings, _ = with_intervals(ledger, values)
    readings = titled(readings, {"between": "Time between two of them"})
    rows = [_by_size(size, period, record) for size in fleets()]
    return Answer(readings, rows)


def _by_size(accelerators: int, period: float, record: str) -> dict[str, Any]:
    with Ledger() as ledger:
        rate, nodes = node_rate(ledger, record), _nodes(ledger, accelerators, record)
        length = ledger.field("period", period, "s", "Time that the fleet runs")
        expected = estimate.expected_failures(nodes, rate, length)
        _, drawn = with_intervals(ledger, {}, [expected])
        between = float(estimate.job_mttf(nodes, rate))
    low, high = drawn.interval(expected.entry)
    return {
        "accelerators": accelerators, "interruptions": float(expected), "low": low, "high": high, "between": between,
    }  # fmt: skip


@instrument
def by_record(accelerators: int, period: float) -> Answer:
    """Interruptions of a fleet in a period [s] by every published record: what others' machines say of this one."""
    rows = []
    for name, title in records().items():
        shown = _by_size(accelerators, period, name)
        entry = shelf().get("failure", name)
        rows.append({"record": entry.system, "told": title, **shown, "lab": name == menu()["record"]})
    return Answer({}, sorted(rows, key=lambda row: row["interruptions"]))


@instrument
def run_failures(accelerators: int, period: float, record: str, interval: float, seed: int) -> Answer:
    """The fleet run failure by failure many times: interruptions, lost time, the longest quiet stretch.

    period [s]; interval: useful work between checkpoints [s]; seed: of the random streams.
    """
    import numpy as np

    from navarch.distributed.faults.simulate import run_fleet

    catalog = shelf()
    with Ledger() as ledger:
        rate, nodes = node_rate(ledger, record), _nodes(ledger, accelerators, record)
        length = ledger.field("period", period, "s", "Time that the fleet runs")
        restart = ledger.fact(catalog.fact("constant", "faults.restart-time"))
        checkpoint = ledger.fact(catalog.fact("constant", "faults.asynchronous-stall"))
        day = ledger.fact(catalog.fact("constant", "faults.day"))
        runs = run_fleet(
            nodes=round(float(nodes)), node_rate=float(rate), period=period, restart_time=float(restart),
            interval=interval, checkpoint_time=float(checkpoint), replications=RUNS, seed=seed,
        )  # fmt: skip
        expected = estimate.expected_failures(nodes, rate, length)
        mttf = estimate.job_mttf(nodes, rate)
        costs = (ledger.field("interval", interval, "s", "Checkpoint interval"), checkpoint, restart, mttf)
        closed = {
            "useful": estimate.goodput(*costs), "repeated": estimate.rework_share(*costs),
            "restarting": estimate.restart_share(restart, mttf), "checkpointing": estimate.checkpoint_share(*costs),
        }  # fmt: skip
        seen = _seen(ledger, "Interruptions, simulated", runs.interruptions, "1")
        readings = {
            "interruptions": reading(seen.entry),
            "estimate": reading(expected.entry),
            "difference": reading(
                relative_change(seen, expected, title="Simulation against estimate", symbol="delta").entry
            ),
            "quiet": reading(_seen(ledger, "Longest time without a failure", runs.longest_quiet, "s").entry),
        }
        for key, value in closed.items():
            title = f"{value.entry.title}, simulated"
            readings[key] = reading(_seen(ledger, title, getattr(runs, key), "fraction").entry)
            readings[f"{key}_estimate"] = reading(value.entry)
    edges = np.arange(0.0, period + float(day), float(day))
    daily, _ = np.histogram(runs.failures[RUN_SHOWN], edges)
    rows = [{"day": place + 1, "failures": int(count)} for place, count in enumerate(daily)]
    return Answer(readings, rows[: max(1, round(period / float(day)))])


def _seen(ledger: Ledger, title: str, sample: Any, unit: str) -> Value:
    """The mean of simulated runs, with the 10th and 90th percentile of the runs, as an observation."""
    import numpy as np

    low, high = (float(end) for end in np.quantile(sample, [0.1, 0.9]))
    return ledger.observation(
        title, float(np.mean(sample)), unit, low, high, "distributed.faults.simulate", f"mean of {RUNS} runs"
    )


@instrument
def provocation() -> Answer:
    """The interruptions of the fleet of the provocation."""
    told = menu()["provocation"]
    shown = interruptions(
        accelerators=int(told["accelerators"]), period=parse(told["period"], "s"), record=str(menu()["record"])
    )
    return Answer(dict(shown.readings), shown.rows)


def compared(shown: Shown) -> list[dict[str, str]]:
    """What was simulated beside its estimate, as text."""
    rows = []
    for title, key, estimate_key in BESIDE:
        seen, known = shown[key], shown[estimate_key]
        ends = (seen.low, seen.high)
        between = "" if None in ends else " to ".join(show(float(end), seen.unit) for end in ends if end is not None)
        rows.append({"what": title, "estimate": known.shown, "simulated": seen.shown, "most_runs": between})
    return rows
