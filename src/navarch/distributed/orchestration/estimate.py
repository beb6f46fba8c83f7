"""Queues of jobs for accelerators, and the accelerators that scheduling leaves idle.

A server of the queue is the unit that a typical job takes: a node, or a slice of nodes.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from navarch.core.ledger import equation, printable
from navarch.core.queueing import ERLANG

_SAKASEGAWA = "Sakasegawa 1977; Whitt 1993, Approximations for the GI/G/m queue"
_FLUID = "fluid limit of independent exponential completions"
_EULER = 0.5772156649015329


@printable(latex=r"H", name="H")
def harmonic(count):
    """Harmonic number 1 + 1/2 + ... + 1/count."""
    return special.digamma(np.asarray(count, dtype=float) + 1) + _EULER


@equation(
    symbol="a", unit="1", source=ERLANG, symbols={"arrival_rate": "lambda_job", "service_time": "S"},
    valid="arrival_rate >= 0 and service_time > 0",
)  # fmt: skip
def offered_load(arrival_rate, service_time):
    """Servers busy on average.

    arrival_rate: jobs arriving [1/s]; service_time: mean time that a job holds a server [s].
    """
    return arrival_rate * service_time


@equation(
    symbol="a", unit="1", source="definition of utilisation", symbols={"target": "rho", "servers": "c"},
    valid="target >= 0 and target < 1 and servers > 0",
)  # fmt: skip
def load_at_utilisation(target, servers):
    """Servers busy on average at a planned utilisation.

    target: utilisation planned for [fraction]; servers: servers in all.
    """
    return target * servers


@equation(
    symbol="rho", unit="fraction", source=ERLANG, symbols={"load": "a", "servers": "c"},
    valid="load >= 0 and servers > 0 and load < servers",
)  # fmt: skip
def utilisation(load, servers):
    """Utilisation of the servers.

    load: servers busy on average; servers: servers in all. At 1 or above the queue grows without end.
    """
    return load / servers


@equation(
    symbol="h", unit="fraction", source="definition: idle over all", symbols={"load": "a", "servers": "c"},
    valid="load >= 0 and servers > 0",
)  # fmt: skip
def headroom(load, servers):
    """Head-room of the scheduler.

    load: servers busy on average; servers: servers in all. Negative where the work does not fit.
    """
    return 1 - load / servers


@equation(
    symbol="T_wait", unit="s", source=ERLANG,
    symbols={"probability": "P_wait", "service_time": "S", "servers": "c", "load": "a"},
    valid="load >= 0 and load < servers",
)  # fmt: skip
def mmc_wait(probability, service_time, servers, load):
    """Mean wait of a job, Poisson arrivals and exponential service.

    probability: probability that a job waits [fraction]; service_time: mean time that a job holds a server [s];
    servers: servers in all; load: servers busy on average.
    """
    return np.where(load < servers, probability * service_time / (servers - load), np.inf)


@equation(
    symbol="P_late", unit="fraction", source=ERLANG,
    symbols={"probability": "P_wait", "service_time": "S", "servers": "c", "load": "a", "limit": "t"},
    valid="load >= 0 and load < servers and limit >= 0",
)  # fmt: skip
def late_share(probability, service_time, servers, load, limit):
    """Share of jobs that wait longer than a limit.

    probability: probability that a job waits [fraction]; service_time: mean time that a job holds a server [s];
    servers: servers in all; load: servers busy on average; limit: longest wait wanted [s].
    """
    return probability * np.exp(-((servers - load) * limit / service_time))


@equation(
    symbol="T_wait", unit="s", source=_SAKASEGAWA,
    symbols={
        "rho": "rho", "servers": "c", "service_time": "S", "arrival_variation": "c_A", "service_variation": "c_S",
    },
    valid="rho > 0 and rho < 1 and servers >= 1",
)  # fmt: skip
def job_wait(rho, servers, service_time, arrival_variation, service_variation):
    """Mean wait of a job, any arrivals and service.

    rho: utilisation [fraction]; servers: servers in all; service_time: mean time that a job holds a server [s];
    arrival_variation: standard deviation of the times between arrivals over their mean;
    service_variation: standard deviation of the service time over its mean.
    Kingman's approximation for one server; good in heavy traffic, rough for very bursty arrivals.
    """
    v = (arrival_variation**2 + service_variation**2) / 2
    return np.where(rho < 1, v * rho ** (np.sqrt(2 * (servers + 1)) - 1) / (servers * (1 - rho)) * service_time, np.inf)


@equation(
    symbol="c_staff", unit="1", source="Halfin and Whitt 1981, square-root staffing",
    symbols={"load": "a", "quality": "beta"}, valid="load > 0 and quality > 0",
)  # fmt: skip
def square_root_staffing(load, quality):
    """Servers for a load with few waits.

    load: servers busy on average; quality: spare servers in units of the load's square root.
    """
    return np.ceil(load + quality * np.sqrt(load))


@equation(
    symbol="G_frag", unit="1", source="definition: share of the accelerators",
    symbols={"accelerators": "G", "allocated": "f_alloc"}, valid="allocated >= 0 and allocated <= 1",
)  # fmt: skip
def stranded_accelerators(accelerators, allocated):
    """Accelerators that no waiting job fits.

    accelerators: accelerators in all; allocated: share allocated when the cluster is full [fraction].
    """
    return accelerators * (1 - allocated)


@equation(
    symbol="C_frag", unit="USD", source="definition: amount times price times time",
    symbols={"stranded": "G_frag", "price": "c_acc", "period": "t"}, valid="stranded >= 0 and price >= 0",
)  # fmt: skip
def fragmentation_cost(stranded, price, period):
    """Cost of fragmentation.

    stranded: accelerators that no waiting job fits; price: cost of an accelerator [USD/s]; period: time counted [s].
    """
    return stranded * price * period


@equation(
    symbol="T_frag", unit="s", source="definition: nodes times time",
    symbols={"stranded": "G_frag", "per_node": "g", "period": "t"}, valid="stranded >= 0 and per_node > 0",
)  # fmt: skip
def fragmentation_node_time(stranded, per_node, period):
    """Node time lost to fragmentation.

    stranded: accelerators that no waiting job fits; per_node: accelerators in a node; period: time counted [s].
    """
    return stranded / per_node * period


@equation(
    symbol="f_round", unit="fraction", source="definition: idle over allocated",
    symbols={"gang": "w", "per_node": "g"}, valid="gang > 0 and per_node > 0",
)  # fmt: skip
def rounding_loss(gang, per_node):
    """Share of whole nodes that a job leaves idle.

    gang: accelerators that the job needs at once; per_node: accelerators in a node.
    """
    return 1 - gang / (np.ceil(gang / per_node) * per_node)


@equation(
    symbol="f_gang", unit="fraction", source="mean remainder of a whole divided by gangs of one size",
    symbols={"gang": "w", "accelerators": "G"}, valid="gang >= 1 and gang <= accelerators",
)  # fmt: skip
def gang_loss(gang, accelerators):
    """Share of the cluster idle because a gang needs all of its accelerators at once.

    gang: accelerators that the typical job needs at once; accelerators: accelerators in all.
    The free remainder is anywhere between none and one short of a gang; filling it with small jobs recovers it.
    """
    return (gang - 1) / (2 * accelerators)


@equation(
    symbol="T_drain", unit="s", source=_FLUID,
    symbols={"gang": "w", "accelerators": "G", "service_time": "S"}, valid="gang > 0 and gang < accelerators",
)  # fmt: skip
def drain_time(gang, accelerators, service_time):
    """Time until enough accelerators fall free for a gang, none given away meanwhile.

    gang: accelerators that the job needs at once; accelerators: accelerators in all, busy with small jobs;
    service_time: mean time that those jobs hold them [s].
    """
    return -service_time * np.log1p(-gang / accelerators)


@equation(
    symbol="E_drain", unit="s", source=_FLUID,
    symbols={"gang": "w", "accelerators": "G", "service_time": "S"}, valid="gang > 0 and gang < accelerators",
)  # fmt: skip
def drain_idle_time(gang, accelerators, service_time):
    """Accelerator time idle while a gang's accelerators fall free.

    gang: accelerators that the job needs at once; accelerators: accelerators in all, busy with small jobs;
    service_time: mean time that those jobs hold them [s].
    """
    return -service_time * (accelerators * np.log1p(-gang / accelerators) + gang)


@equation(
    symbol="T_start", unit="s", source="largest of independent exponential times: harmonic number times the mean",
    symbols={"members": "n", "common": "T_0", "jitter": "T_jitter"}, valid="members >= 1 and jitter >= 0",
)  # fmt: skip
def gang_start_time(members, common, jitter):
    """Time until the last member of a gang has started.

    members: nodes that must all start; common: time that each takes at least [s];
    jitter: mean time beyond that of one node, image pulls and mounts [s].
    """
    return common + jitter * harmonic(members)


@equation(
    symbol="f_start", unit="fraction", source="definition: start over start and run",
    symbols={"start": "T_start", "duration": "T_job"}, valid="start >= 0 and duration > 0",
)  # fmt: skip
def start_loss(start, duration):
    """Share of a job's accelerator time spent starting.

    start: time until the last member has started [s]; duration: time that the job then runs [s].
    """
    return start / (start + duration)


@equation(
    symbol="u_eff", unit="fraction", source="definition: product of what each loss leaves",
    symbols={"rho": "rho", "allocated": "f_alloc", "rounding": "f_round", "start": "f_start"},
    valid="rho >= 0 and rho <= 1 and allocated >= 0 and allocated <= 1",
)  # fmt: skip
def effective_utilisation(rho, allocated, rounding, start):
    """Share of accelerator time that runs jobs.

    rho: utilisation that the queue is planned for [fraction]; allocated: share allocated when full [fraction];
    rounding: share of whole nodes that jobs leave idle [fraction]; start: share spent starting [fraction].
    """
    return np.minimum(rho, allocated) * (1 - rounding) * (1 - start)


@equation(
    symbol="G_peak", unit="1", source="definition: mean times peak over mean, and a margin",
    symbols={"mean": "G_mean", "peak_ratio": "r_peak", "margin": "f_margin"},
    valid="mean >= 0 and peak_ratio >= 1 and margin >= 0",
)  # fmt: skip
def serving_reserve(mean, peak_ratio, margin):
    """Accelerators held for serving.

    mean: accelerators busy serving on average; peak_ratio: peak traffic over mean;
    margin: kept above the peak [fraction].
    """
    return mean * peak_ratio * (1 + margin)


@equation(
    symbol="G_lend", unit="1", source="definition: reserve less mean use, as far as it can be lent",
    symbols={"reserve": "G_peak", "mean": "G_mean", "lent": "f_lend"},
    valid="reserve >= mean and lent >= 0 and lent <= 1",
)  # fmt: skip
def harvest(reserve, mean, lent):
    """Accelerators that serving lends to preemptible training, on average.

    reserve: accelerators held for serving; mean: accelerators busy serving on average;
    lent: share of the idle that can be lent, reloading and safety off [fraction].
    """
    return (reserve - mean) * lent
