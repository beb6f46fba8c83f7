"""Waiting: mean queue times and their tails under random arrivals."""

from __future__ import annotations

import numpy as np
from scipy import special

from navarch.core.ledger import equation, printable

SAKASEGAWA = "Sakasegawa 1977, Annals of the Institute of Statistical Mathematics 29"


@printable(latex=r"\Phi^{-1}", name="NormalQuantile")
def normal_quantile(level):
    """Quantile of the standard normal distribution at a level between 0 and 1."""
    return special.ndtri(level)


@equation(symbol="rho", unit="fraction", source="definition", symbols={"rate": "lambda", "capacity": "X_max"})
def utilisation(rate, capacity):
    """Utilisation of a replica.

    rate: of requests [request/s]; capacity: largest rate that it completes [request/s].
    """
    return rate / capacity


@equation(symbol="rho_p", unit="fraction", source="utilisation law", symbols={"rate": "lambda", "service": "T_p"})
def busy_share(rate, service):
    """Share of time that prefill occupies the engine.

    rate: of requests [request/s]; service: time of one prompt [s].
    """
    return rate * service


@equation(
    symbol="P_wait",
    unit="fraction",
    source=SAKASEGAWA,
    symbols={"load": "rho", "servers": "m"},
    valid="load >= 0 and load <= 1 and servers >= 1",
)
def wait_probability(load, servers):
    """Probability that a request finds every slot taken.

    load: utilisation [fraction]; servers: slots. Exact for one server with random arrivals and service.
    """
    return np.minimum(load, 1) ** (np.sqrt(2 * (servers + 1)) - 1)


@equation(
    symbol="W_slot",
    unit="s",
    source=f"{SAKASEGAWA}; Kingman 1961 for one server",
    symbols={
        "probability": "P_wait",
        "arrivals": "c_a",
        "services": "c_s",
        "load": "rho",
        "servers": "m",
        "service": "T_res",
    },
    valid="load < 1 and servers >= 1",
)
def slot_wait(probability, arrivals, services, load, servers, service):
    """Mean wait for a free slot of the batch.

    probability: that every slot is taken [fraction]; arrivals: coefficient of variation of the time between
    requests; services: of the time that a slot is held; load: utilisation [fraction]; servers: slots; service: mean
    time that a slot is held [s]. Valid for load < 1; infinite beyond.
    """
    return probability * (arrivals**2 + services**2) / 2 * service / (servers * np.maximum(1 - load, 0))


@equation(
    symbol="W_q",
    unit="s",
    source="Kingman 1962, exponential tail in heavy traffic; exact for one server with random arrivals and service",
    symbols={"mean": "W", "probability": "P_wait", "level": "q"},
    valid="level > 0 and level < 1",
)
def tail_wait(mean, probability, level):
    """Wait that a share of requests does not exceed.

    mean: wait of all requests [s]; probability: that a request waits at all [fraction]; level: share of requests
    [fraction]. Those who wait are taken to wait exponentially; zero where fewer than 1 - level wait.
    """
    waiting = np.maximum(probability, 1 - level)
    return mean / waiting * np.log(waiting / (1 - level))


@equation(
    symbol="s_q",
    unit="token",
    source="quantile of a lognormal distribution (Aitchison and Brown 1957, section 2.3)",
    symbols={"mean": "s", "variation": "c_s", "level": "q"},
    valid="level > 0 and level < 1",
)
def length_quantile(mean, variation, level):
    """Length that a share of requests does not exceed.

    mean: of the length [token]; variation: coefficient of variation; level: share of requests [fraction]. Lengths
    are taken as lognormal.
    """
    spread = np.log(1 + variation**2)
    return mean * np.exp(normal_quantile(level) * np.sqrt(spread) - spread / 2)


@equation(
    symbol="b_q",
    unit="1",
    source="Poisson number in the system (M/G/infinity), normal approximation",
    symbols={"mean": "b", "largest": "b_max", "level": "q"},
    valid="level > 0 and level < 1",
)
def batch_quantile(mean, largest, level):
    """Batch that is exceeded in a share of the time.

    mean: batch; largest: that the engine runs; level: share of the time within [fraction].
    """
    return np.minimum(mean + normal_quantile(level) * np.sqrt(mean), largest)


@equation(
    symbol="T_first",
    unit="s",
    source="sum of the parts (Agrawal et al. 2024, Sarathi-Serve, section 2)",
    symbols={"slot": "W_slot", "queue": "W_p", "prefill": "T_p", "step": "T_s", "overhead": "tau_req"},
)
def time_to_first_token(slot, queue, prefill, step, overhead):
    """Time to the first token.

    slot: wait for a slot of the batch [s]; queue: wait for the prefill of others [s]; prefill: of the prompt [s];
    step: decode step [s]; overhead: tokenising, launch and transport of a request [s]. Half a step is under way when
    a request arrives; the next one carries its prompt. Valid for random arrivals; users who start at once, or whose
    requests end together, wait longer.
    """
    return slot + queue + prefill + 3 / 2 * step + overhead


@equation(
    symbol="T_first_q",
    unit="s",
    source="sum of the parts (Agrawal et al. 2024, Sarathi-Serve, section 2)",
    symbols={"slot": "W_slot", "queue": "W_p", "prefill": "T_p", "step": "T_s", "overhead": "tau_req"},
)
def time_to_first_token_tail(slot, queue, prefill, step, overhead):
    """Time to the first token that few requests exceed.

    slot: wait for a slot, at the level asked [s]; queue: wait for the prefill of others, at that level [s]; prefill:
    of a prompt as long as that level [s]; step: decode step at that level [s]; overhead: tokenising, launch and
    transport of a request [s]. A whole step is under way; quantiles are added, which is an upper estimate.
    """
    return slot + queue + prefill + 2 * step + overhead
