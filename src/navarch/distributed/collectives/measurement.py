"""What was measured of a collective: its times beside the estimate from fitted constants and beside a peer's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from navarch.core.arithmetic import difference, ratio, relative_change
from navarch.distributed.collectives import estimate
from navarch.distributed.collectives.schedule import Array, Cost, Schedule
from navarch.fleet.compute.measurement import Spread

if TYPE_CHECKING:
    import altair
    import polars


@dataclass(frozen=True, slots=True)
class Checked:
    """One run on drawn elements.

    equal: bit for bit what the schedule's order of sums gives; error: against NumPy's own sum, relative to the largest
    (rounding; zero for integers).
    """

    elements: int
    equal: bool
    error: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """Constants fitted to the runs.

    latency: of a round (alpha) [s]; bandwidth: of a rank (1 / beta) [byte/s]; reduction: rate at which a rank adds
    (1 / gamma), measured by itself [byte/s].
    """

    latency: float
    bandwidth: float
    reduction: float

    def time(self, message: float, cost: Cost) -> float:
        """Estimated time of a schedule [s]."""
        constants = (self.latency, self.bandwidth, self.reduction)
        return float(estimate.schedule_time(message, cost.rounds, cost.sent, cost.reduced, *constants))


@dataclass(frozen=True, slots=True)
class SizeMeasured:
    """A collective at one size.

    message [byte]; time: of the slowest rank [s]; estimated [s] and its error; simulated: as flows through one switch,
    with the fitted constants [s]; algorithm and bus bandwidth at the median [byte/s]; peer: the same by the peer [s];
    beside: median over the runs of our time over the peer's in the same run.
    """

    message: float
    time: Spread
    estimated: float
    error: float
    simulated: float
    algorithm_bandwidth: float
    bus_bandwidth: float
    peer: Spread | None
    beside: float | None


@dataclass(frozen=True)
class CollectivesMeasured:
    """A measured collective: of how many ranks on how many hosts, its checks and sizes; peer: its name, or empty."""

    collective: str
    algorithm: str
    ranks: int
    hosts: int
    dtype: str
    cost: Cost
    fitted: Fitted
    checks: tuple[Checked, ...]
    sizes: tuple[SizeMeasured, ...]
    peer: str
    date: str

    @property
    def correct(self) -> bool:
        """Whether every check and every timed run gave the right sums."""
        return all(each.equal for each in self.checks)

    def as_plain(self) -> dict[str, Any]:
        """JSON values only."""
        return {"kind": "navarch collectives measurement", **asdict(self)}

    def plot(self) -> altair.LayerChart:
        """Time by size: estimate, measured and peer."""
        from navarch.distributed.collectives.figure import figure

        return figure(self)

    def _repr_html_(self) -> str:
        return str(self.to_frame()._repr_html_())

    def to_frame(self) -> polars.DataFrame:
        """One row a size."""
        import polars

        rows = [
            {
                "message": each.message, "measured": each.time.median, "low": each.time.low, "high": each.time.high,
                "estimated": each.estimated, "error": each.error, "simulated": each.simulated,
                "bus_bandwidth": each.bus_bandwidth,
                "peer": each.peer.median if each.peer else None, "beside": each.beside,
            }
            for each in self.sizes
        ]  # fmt: skip
        return polars.DataFrame(rows)


def fitted(cost: Cost, messages: Sequence[float], times: Sequence[float], reduction: float) -> Fitted:
    """Latency and bandwidth of the least squared relative error over the runs, neither negative.

    cost: of the schedule; messages [byte]; times [s]; reduction: rate of adding, measured by itself [byte/s].
    """
    from scipy.optimize import nnls

    message, time = np.asarray(messages, float), np.asarray(times, float)
    adding = cost.reduced * message / reduction
    rest = difference(time, adding)
    columns = np.stack([np.full(len(message), float(cost.rounds)), cost.sent * message], axis=1)
    (latency, per_byte), _ = nnls(columns / time[:, None], rest / time)
    return Fitted(float(latency), float(ratio(1.0, per_byte)) if per_byte > 0 else float("inf"), reduction)


def simulated(schedule: Schedule, message: float, constants: Fitted) -> float:
    """Time of a schedule as flows of ranks through one switch, each going on as soon as it can [s]."""
    from navarch.distributed.collectives.simulate import Setting, simulate, simulate_by_need
    from navarch.fleet.fabric.graph import Draft, Wires, first_half

    draft = Draft("star", "one switch", Wires(constants.bandwidth, 0.0), {"hosts": schedule.ranks})
    hosts, switch = draft.nodes("host", schedule.ranks), draft.nodes("leaf", 1)
    draft.join(hosts, switch, "host to leaf", 0.0)
    setting = Setting(draft.finish(first_half(schedule.ranks)), step=constants.latency, reduction=constants.reduction)
    run = simulate if schedule.reducers else simulate_by_need
    return run(schedule, message, setting).time


def size_measured(
    schedule: Schedule, message: float, ours: Array, theirs: Array | None, constants: Fitted
) -> SizeMeasured:
    """One row. ours, theirs: time of each run, of its slowest rank [s]."""
    time = Spread.of(ours.tolist())
    estimated = constants.time(message, schedule.cost)
    return SizeMeasured(
        message=message,
        time=time,
        estimated=estimated,
        error=float(relative_change(estimated, time.median)),
        simulated=simulated(schedule, message, constants) if constants.bandwidth < math.inf else math.nan,
        algorithm_bandwidth=float(estimate.algorithm_bandwidth(message, time.median)),
        bus_bandwidth=_bus_bandwidth(schedule, message, time.median),
        peer=None if theirs is None else Spread.of(theirs.tolist()),
        beside=None if theirs is None else float(np.median(ratio(ours, theirs))),
    )


def _bus_bandwidth(schedule: Schedule, message: float, time: float) -> float:
    if schedule.collective == "all_reduce":
        return float(estimate.all_reduce_bus_bandwidth(message, time, schedule.ranks))
    if schedule.collective == "broadcast":
        return float(estimate.algorithm_bandwidth(message, time))
    return float(estimate.scatter_bus_bandwidth(message, time, schedule.ranks))
