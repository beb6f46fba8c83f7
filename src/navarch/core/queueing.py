"""Queues in closed form that every floor of the house meets: Erlang's, Pollaczek and Khinchine's, and Little's law."""

from __future__ import annotations

import numpy as np
from scipy import special

from navarch.core.ledger import equation, printable

ERLANG = "Erlang 1917; Gross and Harris, Fundamentals of Queueing Theory, section 2.3"
POLLACZEK = "Pollaczek 1930 and Khinchine 1932; Kleinrock 1975, volume 1, equation 5.113"
LITTLE = "Little 1961, Operations Research 9(3)"


@printable(latex=r"C_{\mathrm{Erlang}}", name="ErlangC")
def erlang_c(load, servers):
    """Probability of waiting in the M/M/c queue, for any real number of servers; 1 where it is overloaded."""
    load, servers = np.asarray(load, dtype=float), np.asarray(servers, dtype=float)
    stable = np.minimum(load, servers)
    log_none = servers * np.log(np.maximum(stable, np.finfo(float).tiny)) - stable - special.gammaln(servers + 1)
    blocked = np.exp(log_none) / special.gammaincc(servers + 1, stable)
    waits = blocked / np.maximum(1 - stable / servers * (1 - blocked), np.finfo(float).tiny)
    return np.where(load < servers, waits, 1.0)


@equation(
    symbol="P_wait", unit="fraction", source=ERLANG, symbols={"load": "a", "servers": "c"},
    valid="load >= 0 and load < servers",
)  # fmt: skip
def wait_probability(load, servers):
    """Probability of waiting for a server.

    load: servers busy on average; servers: in all. Random (Poisson) arrivals and exponential service; 1 where they are
    overloaded.
    """
    return erlang_c(load, servers)


@equation(
    symbol="W", unit="s", source=POLLACZEK, symbols={"busy": "rho", "service": "S", "variation": "c_S"},
    valid="busy >= 0 and busy < 1",
)  # fmt: skip
def single_server_wait(busy, service, variation):
    """Mean wait for one server.

    busy: share of time that it is busy [fraction]; service: mean time of one service [s]; variation: standard deviation
    of that time over its mean. Random (Poisson) arrivals, one after the other; infinite where it is overloaded.
    """
    return busy * service * (1 + variation**2) / (2 * np.maximum(1 - busy, 0))


@equation(symbol="N", unit="1", source=LITTLE, symbols={"rate": "lambda", "time": "T"})
def number_in_system(rate, time):
    """Mean number in a system (Little's law).

    rate: of arrivals [1/s]; time: mean in the system [s]. Valid for any stable system.
    """
    return rate * time


@equation(symbol="T", unit="s", source=LITTLE, symbols={"number": "N", "rate": "lambda"}, valid="rate > 0")
def time_in_system(number, rate):
    """Mean time in a system (Little's law).

    number: mean in the system; rate: of arrivals [1/s].
    """
    return number / rate
