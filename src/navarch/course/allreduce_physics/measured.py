"""This machine's own processes, really run: a ring over sockets, and training with compressed gradients."""

from __future__ import annotations

from typing import Any

from navarch.core.arithmetic import ratio
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger
from navarch.course.allreduce_physics.ranks import few
from navarch.course.desk import reading, titled
from navarch.course.frame.progress import CannotMeasureError, tell
from navarch.course.instrument import Answer, Reading, Shown, instrument
from navarch.distributed.collectives.estimate import ring_all_reduce_time

PROCESSES, SIZE = 4, 16e6
"""Of the ring: processes, and its largest message [byte]."""
STEPS, METHODS = 40, ["top-k", "powersgd"]
"""Of each training, and the methods of compression besides none."""
LIMIT = 60.0
"""After which each measurement is stopped [s]."""
RECORDED_RING, RECORDED_TRAINING = "allreduce_physics/recorded_ring.json", "allreduce_physics/recorded_training.json"
"""The recorded results, in navarch/course."""


@instrument(replays=False)
def ring_on_this_machine(processes: int, size: float) -> Answer:
    """A ring all-reduce among processes of this machine over TCP, by size up to the largest [byte], fitted."""
    from navarch.distributed.collectives.launch import Site
    from navarch.distributed.collectives.measure import measure_collectives
    from navarch.distributed.collectives.schedule import CollectiveError

    try:
        made = measure_collectives(Site(processes), size, peer="none", progress=tell)
    except (CollectiveError, OSError) as error:
        raise CannotMeasureError(str(error)) from error
    fit = made.fitted
    told = f"fitted to {len(made.sizes)} sizes, {processes} processes, {made.date}"
    readings: dict[str, Any] = {
        "alpha": Reading("Latency of a round (alpha), fitted", fit.latency, "s", derivation=told),
        "bandwidth": Reading("Bandwidth of a rank (1/beta), fitted", fit.bandwidth, "byte/s", derivation=told),
        "adding": ("Rate of adding (1/gamma)", fit.reduction, "byte/s"),
        "correct": ("Sums, bit for bit", "as they must be" if made.correct else "WRONG", "text"),
        "bus": ("Bus bandwidth of the largest message", made.sizes[-1].bus_bandwidth, "byte/s"),
    }
    rows = [
        {"message": each.message, "measured": each.time.median, "low": each.time.low, "high": each.time.high,
         "estimate": each.estimated, "simulated": each.simulated, "bus": each.bus_bandwidth}
        for each in made.sizes
    ]  # fmt: skip
    return Answer(readings, rows)


@instrument
def from_the_fit(alpha: float, bandwidth: float, message: float, many: int, recorded: bool) -> Answer:
    """A ring of processes with a fitted latency [s] and bandwidth [byte/s] each: among the few, and among many.

    message: the large one [byte]; recorded: whether the fit is from another machine.
    """
    source = "recorded on another machine" if recorded else "fitted on this machine"
    with Ledger() as ledger:
        wait = ledger.observation("Latency of a round (alpha)", alpha, "s", None, None, source, "")
        rate = ledger.observation("Bandwidth of a rank (1/beta)", bandwidth, "byte/s", None, None, source, "")
        size = ledger.field("message", message, "byte", "Message")
        counts = [ledger.field(f"ranks.{n}", n, "1", "Processes") for n in (few(), many)]
        ends = [ring_all_reduce_time(size, count, rate, wait) for count in counts]
        found = {"few": ends[0], "many": ends[1], "longer": ratio(ends[1], ends[0], unit="1", title="Times as long")}
        readings = {key: reading(value.entry) for key, value in found.items()}
    return Answer(titled(readings, {"few": f"A ring of {few()} processes", "many": f"A ring of {many:,} processes"}))


@instrument(replays=False)
def training_compressed(processes: int, steps: int, methods: list[str]) -> Answer:
    """A small network trained by processes of this machine with each method: bytes, times and loss."""
    from navarch.distributed.collectives.compression.measure import measure_compression
    from navarch.distributed.collectives.launch import Site
    from navarch.distributed.collectives.schedule import CollectiveError

    try:
        made = measure_compression(Site(processes), methods, steps=steps, progress=tell)
    except (CollectiveError, OSError) as error:
        raise CannotMeasureError(str(error)) from error
    plain = made.of("none")
    rows = []
    for run in made.runs:
        with off_the_ledger():
            faster = float(ratio(plain.time, run.time))
        rows.append({
            "method": run.method, "fewer": run.fewer, "faster": faster, "sent": run.sent, "time": run.time,
            "encode": run.encode, "transfer": run.transfer, "decode": run.decode, "loss": run.loss, "worse": run.worse,
        })  # fmt: skip
    kept = next(row for row in rows if row["method"] == methods[0])
    readings: dict[str, Any] = {
        "fewer": (f"Fewer bytes, {methods[0]}", kept["fewer"], "1"),
        "faster": (f"Times as fast, {methods[0]}", kept["faster"], "1"),
        "worse": (f"Loss, {methods[0]}, against none", kept["worse"], "fraction"),
        "plain": ("Steps without compression", plain.time, "s"),
    }
    return Answer(readings, rows)


def fit_inputs(shown: Shown, recorded: bool) -> dict[str, Any]:
    """What `from_the_fit` starts from, out of what was measured."""
    return {"alpha": shown["alpha"].value, "bandwidth": shown["bandwidth"].value, "recorded": recorded}
