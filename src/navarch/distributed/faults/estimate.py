"""Failures of many machines, and how often to write a checkpoint.

Unless an equation says otherwise, failures are exponential and independent, and may also strike while a checkpoint is
written or the job restarts. The first is optimistic where batches fail together and where new machines fail young.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from navarch.core.ledger import equation, printable

_YOUNG_URL = "https://doi.org/10.1145/361147.361115"
_DALY = "Daly 2006, Future Generation Computer Systems 22(3)"
_DALY_URL = "https://doi.org/10.1016/j.future.2004.11.016"
_KOKOLIS_URL = "https://arxiv.org/abs/2410.21680"
_NEAR_BRANCH = 1e-3


@printable(latex=r"W_0", name="W0")
def lambert_w(x):
    """Principal branch of the Lambert function, finite also beside its branch point -1/e."""
    x = np.asarray(x, dtype=float)
    p = np.sqrt(np.maximum(2 * (1 + np.e * x), 0))
    series = -1 + p - p**2 / 3 + 11 * p**3 / 72
    near = p < _NEAR_BRANCH
    return np.where(near, series, special.lambertw(np.where(near, 0.0, x)).real)


@printable(latex=r"Q_{\mathrm{Poisson}}", name="PoissonQuantile")
def poisson_quantile(probability, mean):
    """Least whole number that a Poisson variable of that mean does not exceed with that probability."""
    guess = np.ceil(special.pdtrik(probability, mean))
    below = np.maximum(guess - 1, 0)
    return np.where(special.pdtr(below, mean) >= probability, below, guess)


@printable(latex=r"\Gamma", name="Gamma")
def gamma(x):
    """Gamma function."""
    return special.gamma(x)


@equation(
    symbol="lambda_unit", unit="1/s", source="maximum-likelihood rate of a Poisson process: count over exposure",
    symbols={"failures": "k", "units": "n", "period": "t"}, valid="failures >= 0 and units > 0 and period > 0",
)  # fmt: skip
def failure_rate(failures, units, period):
    """Failure rate of one unit, from an observed count.

    failures: failures observed; units: units in service; period: time observed [s].
    """
    return failures / (units * period)


@equation(
    symbol="lambda_node", unit="1/s", source="series system of exponential parts: rates add",
    symbols={"unit_rate": "lambda_unit", "units_per_node": "g"}, valid="unit_rate >= 0 and units_per_node > 0",
)  # fmt: skip
def node_failure_rate(unit_rate, units_per_node):
    """Failure rate of a node.

    unit_rate: failure rate of one unit, its share of host and network included [1/s]; units_per_node: units in a node.
    """
    return unit_rate * units_per_node


@equation(
    symbol="lambda_node", unit="1/s", source="definition of a rate",
    symbols={"share": "f", "period": "t"}, valid="share >= 0 and share < 1 and period > 0",
)  # fmt: skip
def failure_rate_from_share(share, period):
    """Failure rate of a node, from the share that fails in a period.

    share: share of the nodes that fails in the period [fraction];
    period: the period [s]. Valid for a small share, where
    share/period and -ln(1 - share)/period agree.
    """
    return share / period


@equation(
    symbol="M_node", unit="s", source="mean of an exponential life",
    symbols={"node_rate": "lambda_node"}, valid="node_rate > 0",
)  # fmt: skip
def node_mttf(node_rate):
    """Mean time to failure of a node.

    node_rate: failure rate of a node [1/s].
    """
    return 1 / node_rate


@equation(
    symbol="M", unit="s", source="series system of exponential nodes; Kokolis et al. 2025, section III",
    symbols={"nodes": "n", "node_rate": "lambda_node"}, valid="nodes > 0 and node_rate > 0",
)  # fmt: skip
def job_mttf(nodes, node_rate):
    """Mean time to failure of a job on all the nodes.

    nodes: nodes that the job needs; node_rate: failure rate of a node [1/s].
    """
    return 1 / (nodes * node_rate)


@equation(
    symbol="N_fail", unit="1", source="mean of a Poisson process",
    symbols={"nodes": "n", "node_rate": "lambda_node", "period": "t"}, valid="nodes >= 0 and node_rate >= 0",
)  # fmt: skip
def expected_failures(nodes, node_rate, period):
    """Expected failures in a period.

    nodes: nodes in service; node_rate: failure rate of a node [1/s]; period: time counted [s].
    """
    return nodes * node_rate * period


@equation(
    symbol="N_int", unit="1", source="mean of a Poisson process",
    symbols={"run_time": "T_run", "mttf": "M"}, valid="run_time >= 0 and mttf > 0",
)  # fmt: skip
def expected_interruptions(run_time, mttf):
    """Expected unplanned interruptions of the run.

    run_time: wall-clock time of the run, lost time included [s]; mttf: mean time to failure of the job [s].
    """
    return run_time / mttf


@equation(
    symbol="P_quiet", unit="fraction", source="Poisson process: probability of no event",
    symbols={"period": "t", "mttf": "M"}, valid="period >= 0 and mttf > 0",
)  # fmt: skip
def probability_of_no_failure(period, mttf):
    """Probability of a period without a failure.

    period: time considered [s]; mttf: mean time to failure of the job [s].
    """
    return np.exp(-(period / mttf))


@equation(
    symbol="tau_Young", unit="s", source="Young 1974, Communications of the ACM 17(9)", url=_YOUNG_URL,
    symbols={"checkpoint_time": "C", "mttf": "M"}, valid="checkpoint_time >= 0 and 10 * checkpoint_time <= mttf",
)  # fmt: skip
def young_interval(checkpoint_time, mttf):
    """Checkpoint interval by Young.

    checkpoint_time: time that a checkpoint stops the job [s]; mttf: mean time to failure of the job [s].
    First order: valid where the checkpoint is much shorter than the time between failures.
    """
    return np.sqrt(2 * checkpoint_time * mttf)


@equation(
    symbol="tau_Daly_1", unit="s", source=f"{_DALY}, first-order interval", url=_DALY_URL,
    symbols={"checkpoint_time": "C", "mttf": "M"}, valid="checkpoint_time >= 0 and 2 * checkpoint_time < mttf",
)  # fmt: skip
def daly_interval_first_order(checkpoint_time, mttf):
    """Checkpoint interval by Daly, first order.

    checkpoint_time: time that a checkpoint stops the job [s]; mttf: mean time to failure of the job [s].
    """
    return np.sqrt(2 * checkpoint_time * mttf) - checkpoint_time


@equation(
    symbol="tau_Daly_h", unit="s", source=f"{_DALY}, higher-order interval", url=_DALY_URL,
    symbols={"checkpoint_time": "C", "mttf": "M"}, valid="checkpoint_time >= 0 and mttf > 0",
)  # fmt: skip
def daly_interval_higher_order(checkpoint_time, mttf):
    """Checkpoint interval by Daly, higher order.

    checkpoint_time: time that a checkpoint stops the job [s]; mttf: mean time to failure of the job [s].
    """
    r = checkpoint_time / (2 * mttf)
    return np.where(
        checkpoint_time < 2 * mttf,
        np.sqrt(2 * checkpoint_time * mttf) * (1 + np.sqrt(r) / 3 + r / 9) - checkpoint_time,
        mttf,
    )


@equation(
    symbol="tau_best", unit="s", source=f"exact minimum of the complete model of {_DALY}", url=_DALY_URL,
    symbols={"checkpoint_time": "C", "mttf": "M"}, valid="checkpoint_time > 0 and mttf > 0",
)  # fmt: skip
def daly_interval(checkpoint_time, mttf):
    """Checkpoint interval of the shortest expected run.

    checkpoint_time: time that a checkpoint stops the job [s]; mttf: mean time to failure of the job [s].
    Useful work between two checkpoints; the restart time does not move the optimum.
    """
    return mttf * (1 + lambert_w(-np.exp(-(1 + checkpoint_time / mttf))))


@equation(
    symbol="T_run", unit="s", source=f"{_DALY}, complete model", url=_DALY_URL,
    symbols={"work": "T_work", "interval": "tau", "checkpoint_time": "C", "restart_time": "R", "mttf": "M"},
    valid="work >= 0 and interval > 0 and checkpoint_time >= 0 and restart_time >= 0 and mttf > 0",
)  # fmt: skip
def completion_time(work, interval, checkpoint_time, restart_time, mttf):
    """Expected time to complete the run, failures included.

    work: useful time of the run [s]; interval: useful work between checkpoints [s];
    checkpoint_time: time that a checkpoint stops the job [s]; restart_time: time from failure to running again [s];
    mttf: mean time to failure of the job [s]. Exact where each segment ends in a checkpoint and a failure may strike at
    any time, restarts included.
    """
    return mttf * np.exp(restart_time / mttf) * np.expm1((interval + checkpoint_time) / mttf) * work / interval


@equation(
    symbol="G", unit="fraction", source=f"{_DALY}, complete model: useful over expected time", url=_DALY_URL,
    symbols={"interval": "tau", "checkpoint_time": "C", "restart_time": "R", "mttf": "M"},
    valid="interval > 0 and checkpoint_time >= 0 and restart_time >= 0 and mttf > 0",
)  # fmt: skip
def goodput(interval, checkpoint_time, restart_time, mttf):
    """Share of the run's time that is useful work.

    interval: useful work between checkpoints [s]; checkpoint_time: time that a checkpoint stops the job [s];
    restart_time: time from failure to running again [s]; mttf: mean time to failure of the job [s].
    """
    return interval * np.exp(-(restart_time / mttf)) / (mttf * np.expm1((interval + checkpoint_time) / mttf))


@equation(
    symbol="f_ckpt", unit="fraction", source=f"{_DALY}, complete model, by part", url=_DALY_URL,
    symbols={"interval": "tau", "checkpoint_time": "C", "restart_time": "R", "mttf": "M"},
    valid="interval > 0 and checkpoint_time >= 0 and restart_time >= 0 and mttf > 0",
)  # fmt: skip
def checkpoint_share(interval, checkpoint_time, restart_time, mttf):
    """Share of the run's time spent writing checkpoints that are kept.

    interval: useful work between checkpoints [s]; checkpoint_time: time that a checkpoint stops the job [s];
    restart_time: time from failure to running again [s]; mttf: mean time to failure of the job [s].
    """
    return checkpoint_time * np.exp(-(restart_time / mttf)) / (mttf * np.expm1((interval + checkpoint_time) / mttf))


@equation(
    symbol="f_redo", unit="fraction", source=f"{_DALY}, complete model, by part", url=_DALY_URL,
    symbols={"interval": "tau", "checkpoint_time": "C", "restart_time": "R", "mttf": "M"},
    valid="interval > 0 and checkpoint_time >= 0 and restart_time >= 0 and mttf > 0",
)  # fmt: skip
def rework_share(interval, checkpoint_time, restart_time, mttf):
    """Share of the run's time spent on work that a failure undid.

    interval: useful work between checkpoints [s]; checkpoint_time: time that a checkpoint stops the job [s];
    restart_time: time from failure to running again [s]; mttf: mean time to failure of the job [s].
    """
    x = (interval + checkpoint_time) / mttf
    return np.exp(-(restart_time / mttf)) * (1 - x / np.expm1(x))


@equation(
    symbol="f_restart", unit="fraction", source=f"{_DALY}, complete model, by part", url=_DALY_URL,
    symbols={"restart_time": "R", "mttf": "M"}, valid="restart_time >= 0 and mttf > 0",
)  # fmt: skip
def restart_share(restart_time, mttf):
    """Share of the run's time spent restarting.

    restart_time: time from failure to running again [s]; mttf: mean time to failure of the job [s].
    """
    return 1 - np.exp(-(restart_time / mttf))


@equation(
    symbol="T_lost", unit="s", source="mean of an exponential time cut off at the end of the segment",
    symbols={"segment": "L", "mttf": "M"}, valid="segment > 0 and mttf > 0",
)  # fmt: skip
def lost_work_per_failure(segment, mttf):
    """Work lost at a failure, on average.

    segment: work and checkpoint from one checkpoint to the next [s]; mttf: mean time to failure of the job [s].
    Below half a segment, since a failure strikes early rather than late.
    """
    return mttf - segment / np.expm1(segment / mttf)


@equation(
    symbol="ETTR", unit="fraction", source="Kokolis et al. 2025, arXiv 2410.21680, expected ETTR", url=_KOKOLIS_URL,
    symbols={
        "nodes": "n", "node_rate": "lambda_node", "restart_time": "u_0", "interval": "tau", "checkpoint_time": "C",
    },
    valid="interval > 0 and nodes * node_rate * (2 * restart_time + interval) < 1",
)  # fmt: skip
def effective_training_time_ratio(nodes, node_rate, restart_time, interval, checkpoint_time):
    """Effective training time ratio, first order.

    nodes: nodes that the job needs; node_rate: failure rate of a node [1/s];
    restart_time: time from failure to running again [s];
    interval: useful work between checkpoints [s]; checkpoint_time: time that a checkpoint stops the job [s].
    Conservative; valid where restart and half an interval are short beside the time between failures.
    """
    return (1 - nodes * node_rate * (restart_time + interval / 2)) / (1 + checkpoint_time / interval)


@equation(
    symbol="n_down", unit="1", source="M/G/infinity queue: Poisson whatever the law of repair times",
    symbols={"nodes": "n", "node_rate": "lambda_node", "repair_time": "T_repair"}, valid="repair_time >= 0",
)  # fmt: skip
def nodes_down(nodes, node_rate, repair_time):
    """Nodes under repair, on average.

    nodes: nodes in service; node_rate: failure rate of a node [1/s];
    repair_time: mean time from failure back to service [s].
    """
    return nodes * node_rate * repair_time


@equation(
    symbol="s_spare", unit="1", source="M/G/infinity queue: quantile of the Poisson number under repair",
    symbols={"down": "n_down", "confidence": "p"}, valid="confidence > 0 and confidence < 1 and down >= 0",
)  # fmt: skip
def hot_spares(down, confidence):
    """Spare nodes that cover those under repair.

    down: nodes under repair, on average; confidence: share of the time that the spares suffice [fraction].
    Independent failures: nodes that fail together need more.
    """
    return poisson_quantile(confidence, down)


@equation(
    symbol="A", unit="fraction", source="alternating renewal process: up time over up and down time",
    symbols={"mttf": "M", "repair_time": "T_repair"}, valid="mttf > 0 and repair_time >= 0",
)  # fmt: skip
def availability(mttf, repair_time):
    """Availability of a repairable unit.

    mttf: mean time to failure [s]; repair_time: mean time from failure back to service [s].
    """
    return mttf / (mttf + repair_time)


@equation(
    symbol="s", unit="s", source="Weibull distribution: mean = s Gamma(1 + 1/k)",
    symbols={"mean": "M_node", "shape": "k"}, valid="mean > 0 and shape > 0",
)  # fmt: skip
def weibull_scale(mean, shape):
    """Weibull scale of a life, from its mean.

    mean: mean life of a node [s]; shape: Weibull shape, below 1 where the young fail most.
    """
    return mean / gamma(1 + 1 / shape)


@equation(
    symbol="M_first", unit="s", source="minimum of independent Weibull lives is Weibull with scale s n^(-1/k)",
    symbols={"nodes": "n", "scale": "s", "shape": "k"}, valid="nodes >= 1 and scale > 0 and shape > 0",
)  # fmt: skip
def weibull_first_failure(nodes, scale, shape):
    """Mean time to the first failure of new nodes.

    nodes: nodes, all new; scale: scale of a node's Weibull life [s];
    shape: Weibull shape, below 1 where the young fail most.
    After several lives the failures tend to a Poisson process of rate nodes/mean whatever the shape.
    """
    return scale * nodes ** -(1 / shape) * gamma(1 + 1 / shape)
