"""Scaling laws of parallel work, rooflines of a cluster, and Little's law."""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

AMDAHL = "Amdahl 1967, AFIPS Spring Joint Computer Conference"
GUSTAFSON = "Gustafson 1988, Communications of the ACM 31(5)"
ROOFLINE = "Williams, Waterman and Patterson 2009 (Roofline), section 3"
DENNING = "Denning and Buzen 1978, Computing Surveys 10(3)"


@equation(
    symbol="S_A",
    unit="1",
    source=AMDAHL,
    symbols={"parallel": "p", "workers": "n"},
    valid="parallel >= 0 and parallel <= 1 and workers >= 1",
)
def amdahl_speedup(parallel, workers):
    """Speed-up of a problem of fixed size.

    parallel: share of the work that divides among workers [fraction]; workers: equal and without communication.
    """
    return 1 / (1 - parallel + parallel / workers)


@equation(symbol="S_lim", unit="1", source=AMDAHL, symbols={"parallel": "p"}, valid="parallel >= 0 and parallel < 1")
def amdahl_limit(parallel):
    """Largest speed-up of a problem of fixed size, however many workers.

    parallel: share of the work that divides among workers [fraction].
    """
    return 1 / (1 - parallel)


@equation(
    symbol="S_G",
    unit="1",
    source=GUSTAFSON,
    symbols={"parallel": "p", "workers": "n"},
    valid="parallel >= 0 and parallel <= 1 and workers >= 1",
)
def gustafson_speedup(parallel, workers):
    """Scaled speed-up of a problem that grows with the workers.

    parallel: share of the time on the workers that is parallel [fraction]; workers: equal.
    """
    return workers - (1 - parallel) * (workers - 1)


@equation(
    symbol="E_s",
    unit="fraction",
    source="definition (Kumar and Gupta 1994, section 2)",
    symbols={"before": "T_1", "after": "T_n", "growth": "n"},
    valid="after > 0 and growth >= 1",
)
def strong_scaling_efficiency(before, after, growth):
    """Strong-scaling efficiency.

    before: time with the fewer workers [s]; after: time of the same problem with more [s]; growth: of the workers.
    """
    return before / (growth * after)


@equation(
    symbol="E_w",
    unit="fraction",
    source="definition (Gustafson 1988)",
    symbols={"before": "T_1", "after": "T_n"},
    valid="after > 0",
)
def weak_scaling_efficiency(before, after):
    """Weak-scaling efficiency.

    before: time with the fewer workers [s]; after: time with more workers and equal work for each [s].
    """
    return before / after


@equation(
    symbol="E_X",
    unit="fraction",
    source="definition",
    symbols={"before": "X_1", "after": "X_n", "growth": "n"},
    valid="before > 0 and growth >= 1",
)
def throughput_scaling_efficiency(before, after, growth):
    """Scaling efficiency from rates.

    before: rate with the fewer workers [1/s]; after: rate with more [1/s]; growth: of the workers.
    """
    return after / (growth * before)


@equation(
    symbol="f",
    unit="fraction",
    source="Karp and Flatt 1990, Communications of the ACM 33(5), equation 2",
    symbols={"speedup": "S", "workers": "n"},
    valid="workers > 1 and speedup > 0",
)
def serial_share(speedup, workers):
    """Serial share that a measured speed-up implies.

    speedup: measured; workers: that gave it.
    """
    return (1 / speedup - 1 / workers) / (1 - 1 / workers)


@equation(
    symbol="C",
    unit="1",
    source="Gunther 1993; Gunther 2007 (Guerrilla Capacity Planning), equation 4.7",
    symbols={"workers": "n", "contention": "sigma", "coherency": "kappa"},
    valid="workers >= 1",
)
def universal_speedup(workers, contention, coherency):
    """Speed-up with contention and coherency.

    workers: equal; contention: share of the work that is serialised [fraction]; coherency: cost of keeping each pair
    of workers consistent [fraction]. Has a maximum where coherency is above 0.
    """
    return workers / (1 + contention * (workers - 1) + coherency * workers * (workers - 1))


@equation(
    symbol="R_att",
    unit="FLOP/s",
    source=f"{ROOFLINE}; network ceiling as in Cardwell and Song 2019, section 3",
    symbols={
        "workers": "n",
        "peak": "R",
        "memory_bandwidth": "beta_mem",
        "memory_intensity": "I_mem",
        "network_bandwidth": "beta_net",
        "network_intensity": "I_net",
    },
    valid="workers >= 1",
)
def attainable_rate(workers, peak, memory_bandwidth, memory_intensity, network_bandwidth, network_intensity):
    """Attainable rate of several workers under the roofline.

    workers: equal; peak: arithmetic of one [FLOP/s]; memory_bandwidth: of one [byte/s]; memory_intensity: work for
    each byte of memory [FLOP/byte]; network_bandwidth: of one, per direction [byte/s]; network_intensity: work for
    each byte sent [FLOP/byte]. The three overlap perfectly.
    """
    return workers * np.minimum(
        peak, np.minimum(memory_bandwidth * memory_intensity, network_bandwidth * network_intensity)
    )


@equation(symbol="T", unit="s", source=ROOFLINE, symbols={"amount": "Q", "rate": "R"}, valid="rate > 0")
def resource_time(amount, rate):
    """Time that one resource needs by itself.

    amount: of work or bytes; rate: of the resource, in the same unit a second [1/s].
    """
    return amount / rate


@equation(
    symbol="X_max",
    unit="1/s",
    source=f"{DENNING}, asymptotic bounds",
    symbols={"users": "N", "total": "D", "largest": "D_max", "think": "Z"},
    valid="users >= 1 and largest > 0",
)
def throughput_bound(users, total, largest, think):
    """Upper bound of the throughput of a closed system.

    users: in the system; total: service demand over all resources [s]; largest: demand on the busiest [s]; think:
    time between a user's requests [s].
    """
    return np.minimum(1 / largest, users / (total + think))
