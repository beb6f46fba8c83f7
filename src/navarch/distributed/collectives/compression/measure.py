"""Data-parallel training among processes with each method of compression: loss against bytes sent against time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from navarch.core.arithmetic import ratio, relative_change
from navarch.distributed.collectives.compression.compressors import METHODS
from navarch.distributed.collectives.launch import Site, lead
from navarch.distributed.collectives.rendezvous import Message
from navarch.distributed.collectives.schedule import CollectiveError

if TYPE_CHECKING:
    import altair
    import polars

WORKER = "navarch.distributed.collectives.compression.worker"
SETTINGS = {"top-k": 0.02, "random-k": 0.05, "powersgd": 4.0}
"""Share kept, or rank."""
STEPS, BATCH, RATE = 600, 64, 0.05
REFERENCE = "none"
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class TrainedWith:
    """A training run with one method.

    setting: share kept or rank; sent: by a rank [byte]; fewer: times fewer bytes than without compression; loss: at the
    end, on data held out [nat]; worse: relative to without; time: of the steps, with what encoding, the network and
    decoding took of it, of the slowest rank [s]; curve: rows of (step, sent, time, loss).
    """

    method: str
    setting: float
    sent: float
    fewer: float
    loss: float
    worse: float
    time: float
    encode: float
    transfer: float
    decode: float
    curve: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True)
class CompressionMeasured:
    """Training with several methods. ranks, steps; elements: of the gradient; runs: the first without compression."""

    ranks: int
    steps: int
    elements: int
    runs: tuple[TrainedWith, ...]

    def of(self, method: str) -> TrainedWith:
        """The run of a method; CollectiveError where it was not run."""
        for each in self.runs:
            if each.method == method:
                return each
        raise CollectiveError(f"method: {method!r} was not run; there are: {', '.join(r.method for r in self.runs)}")

    def as_plain(self) -> dict[str, Any]:
        """JSON values only."""
        return {"kind": "navarch compression measurement", **asdict(self)}

    def plot(self) -> altair.HConcatChart:
        """Loss against bytes sent and against time."""
        from navarch.distributed.collectives.compression.figure import curves

        return curves(self)

    def _repr_html_(self) -> str:
        return str(self.to_frame()._repr_html_())

    def to_frame(self) -> polars.DataFrame:
        """One row a point of a curve."""
        import polars

        rows = [
            {"method": run.method, "step": step, "sent": sent, "time": time, "loss": loss}
            for run in self.runs
            for step, sent, time, loss in run.curve
        ]
        return polars.DataFrame(rows)


def measure_compression(
    site: Site,
    methods: Sequence[str] = tuple(METHODS),
    *,
    steps: int = STEPS,
    batch: int = BATCH,
    rate: float = RATE,
    settings: dict[str, float] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> CompressionMeasured:
    """Train the shipped task among processes with each method, and without compression.

    site: where the ranks run; methods: by name; steps: of each run; batch: samples of a rank a step; rate: of learning
    at the start, falling to nothing; settings: share kept (`top-k`, `random-k`) or rank (`powersgd`); seed: of data and
    network; progress: called with the share done and the method. CollectiveError where it cannot be as asked.
    """
    chosen = {**SETTINGS, **(settings or {})}
    wanted = [REFERENCE, *(method for method in dict.fromkeys(methods) if method != REFERENCE)]
    _check(site, wanted, chosen, steps, batch)
    tasks: list[Message] = [
        {
            "method": method,
            "setting": chosen.get(method, 0.0),
            "steps": steps,
            "batch": batch,
            "rate": rate,
            "seed": seed,
        }
        for method in wanted
    ]
    reports: list[dict[int, Message]] = [{} for _ in tasks]

    def heard(rank: int, message: Message) -> None:
        if "task" in message:
            place = message["task"]
            reports[place][rank] = message
            if progress is not None and len(reports[place]) == site.ranks:
                progress((place + 1) / len(tasks), wanted[place])

    lead(site, 0, tasks, heard, module=WORKER)
    first = reports[0][0]
    runs = [_run(task, found, first) for task, found in zip(tasks, reports, strict=True)]
    return CompressionMeasured(site.ranks, steps, first["elements"], tuple(runs))


def _check(site: Site, methods: Sequence[str], settings: dict[str, float], steps: int, batch: int) -> None:
    for method in methods:
        if method not in METHODS:
            raise CollectiveError(f"method: {method!r} is not one; there are: {', '.join(METHODS)}")
    for name, value in (("steps", steps), ("batch", batch)):
        if value < 1:
            raise CollectiveError(f"{name}: {value} is not allowed; at least 1")
    for method in ("top-k", "random-k"):
        if not 0 < settings[method] <= 1:
            raise CollectiveError(f"{method}: {settings[method]:g} is not allowed; a share above 0 and at most 1")
    if settings["powersgd"] < 1:
        raise CollectiveError(f"powersgd: {settings['powersgd']:g} is not allowed; a rank of at least 1")
    if site.ranks < 2:
        raise CollectiveError(f"processes: {site.ranks} is not allowed; at least 2 over all hosts")


def _run(task: Message, found: dict[int, Message], reference: Message) -> TrainedWith:
    slowest = {part: max(each[part] for each in found.values()) for part in ("time", "encode", "transfer", "decode")}
    sent = float(np.mean([each["sent"] for each in found.values()]))
    reached = found[0]["curve"][-1][3]
    return TrainedWith(
        method=task["method"],
        setting=task["setting"],
        sent=sent,
        fewer=float(ratio(reference["sent"], sent)),
        loss=reached,
        worse=float(relative_change(reached, reference["curve"][-1][3])),
        curve=tuple((row[0], row[1], row[2], row[3]) for row in found[0]["curve"]),
        **slowest,
    )
