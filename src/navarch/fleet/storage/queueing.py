"""Queues in closed form: how long a request waits, how long a batch takes, and how likely an accelerator starves.

Exact for random (Poisson) arrivals and exponential service with any number of channels, and for one channel with any
service; elsewhere the approximation that each equation names.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from navarch.core.ledger import equation, printable
from navarch.core.queueing import LITTLE

COUNT = "count"
ALLEN = "Allen 1990, Probability, Statistics and Queueing Theory, section 5.4: the approximation of Allen and Cunneen"
JUMP = "Embrechts, Kluppelberg and Mikosch 1997, section 1.3: the largest of heavy-tailed summands"


@printable(latex=r"Q", name="UpperGamma")
def upper_gamma(shape, value):
    """Probability that a gamma-distributed number of that shape and scale 1 is larger than a value."""
    return special.gammaincc(np.maximum(shape, np.finfo(float).tiny), np.maximum(value, 0))


# Demand


@equation(
    symbol="lambda", unit="1/s", source=COUNT,
    symbols={"accelerators": "n", "requests": "k", "step": "t_step"}, valid="step > 0",
)  # fmt: skip
def request_rate(accelerators, requests, step):
    """Requests of all accelerators.

    accelerators: reading; requests: of one batch; step: time of a step [s].
    """
    return accelerators * requests / step


@equation(
    symbol="k", unit="1", source=COUNT, symbols={"batch": "b", "sample": "m_sample", "request": "m_request"},
    valid="request > 0",
)  # fmt: skip
def requests_of_batch(batch, sample, request):
    """Requests that fetch a batch.

    batch: samples; sample: size of one [byte]; request: size of one request [byte]. A file of its own for each sample
    takes one request a sample.
    """
    return np.maximum(np.ceil(batch * sample / request), 1)


@equation(
    symbol="lambda_s", unit="1/s", source=COUNT, symbols={"rate": "lambda", "share": "h", "servers": "S"},
    valid="servers > 0",
)  # fmt: skip
def server_rate(rate, share, servers):
    """Requests that one server gets.

    rate: of all requests [1/s]; share: that this tier serves [fraction]; servers: of the tier, chosen at random.
    """
    return rate * share / servers


# One server


@equation(
    symbol="s", unit="s", source="a unit does no more than its operations, nor its bytes",
    symbols={"request": "m_request", "bandwidth": "B_unit", "operations": "r_op", "channels": "c"},
    valid="bandwidth > 0 and operations > 0",
)  # fmt: skip
def channel_time(request, bandwidth, operations, channels):
    """Time that a request holds a channel.

    request: size [byte]; bandwidth: of the server, all channels together [byte/s]; operations: that it does [1/s];
    channels: served at once. The larger of its share of the bytes and its share of the operations.
    """
    return channels * np.maximum(request / bandwidth, 1 / operations)


@equation(
    symbol="c", unit="1", source="drives that make up a unit", symbols={"bandwidth": "B_unit", "channel": "B_channel"},
    valid="channel > 0",
)  # fmt: skip
def channels_of(bandwidth, channel):
    """Requests that a unit serves at once.

    bandwidth: of the unit [byte/s]; channel: of one request on it [byte/s].
    """
    return np.maximum(np.round(bandwidth / channel), 1)


@equation(symbol="a", unit="1", source=LITTLE, symbols={"rate": "lambda_s", "service": "s"})
def busy_channels(rate, service):
    """Channels busy on average.

    rate: of requests that the server gets [1/s]; service: mean time that one holds a channel [s].
    """
    return rate * service


@equation(
    symbol="c_s", unit="1", source="moments of the Pareto distribution", symbols={"shape": "alpha"}, valid="shape > 2"
)
def pareto_variation(shape):
    """Standard deviation of a heavy-tailed service time over its mean.

    shape: of the Pareto distribution.
    """
    return 1 / np.sqrt(shape * (shape - 2))


@equation(
    symbol="s_least", unit="s", source="least value of the Pareto distribution with that mean",
    symbols={"mean": "s", "shape": "alpha"}, valid="shape > 1",
)  # fmt: skip
def pareto_least(mean, shape):
    """Least service time where times have a heavy tail.

    mean: of the times [s]; shape: of the Pareto distribution.
    """
    return mean * (shape - 1) / shape


@equation(
    symbol="W", unit="s", source=ALLEN,
    symbols={"waiting": "P_wait", "service": "s", "channels": "c", "busy": "a", "arrivals": "c_a", "services": "c_s"},
    valid="busy < channels",
)  # fmt: skip
def channel_wait(waiting, service, channels, busy, arrivals, services):
    """Mean wait for a channel.

    waiting: share of the requests that wait [fraction]; service: mean time that one holds a channel [s]; channels: of
    the server; busy: of them on average; arrivals: standard deviation of the time between requests over its mean;
    services: of the service time over its mean. Exact for random arrivals with exponential service, and for one channel
    with any; infinite where overloaded.
    """
    free = np.maximum(channels - busy, 0)
    return np.where(
        busy < channels, waiting * service * (arrivals**2 + services**2) / 2 / np.where(free > 0, free, 1), np.inf
    )


@equation(
    symbol="W_burst", unit="s", source="all requests of a step at once: work of the server over the rounds of a batch",
    symbols={"utilisation": "rho", "step": "t_step", "requests": "k", "depth": "d", "alone": "R_0"},
)  # fmt: skip
def burst_wait(utilisation, step, requests, depth, alone):
    """Further mean wait of a request where all accelerators send theirs together.

    utilisation: of the server [fraction]; step: time of a step [s]; requests: of a batch; depth: that a worker has in
    flight; alone: time of a request that comes at random [s]. The server works through the requests of a step in
    utilisation x step, and each worker's rounds share that time; zero where a worker is slower than that by itself.
    """
    return np.maximum(utilisation * step / np.maximum(requests / depth, 1) - alone, 0)


# One batch


@equation(
    symbol="R", unit="s", source="sum of the parts",
    symbols={"lookup": "t_meta", "wait": "W", "service": "s", "latency": "t_first"},
)  # fmt: skip
def response_time(lookup, wait, service, latency):
    """Mean time of a request.

    lookup: at the metadata servers, wait and operation [s]; wait: for a channel [s]; service: on it [s]; latency: of
    the way there and back [s].
    """
    return lookup + wait + service + latency


@equation(
    symbol="v_R", unit="s^2", source="exponential wait of those who wait; variances of independent parts add",
    symbols={
        "lookup": "t_meta", "wait": "W", "waiting": "P_wait", "service": "s", "services": "c_s", "latency": "t_first",
        "spread": "c_l",
    },
    valid="waiting > 0",
)  # fmt: skip
def response_variance(lookup, wait, waiting, service, services, latency, spread):
    """Variance of the time of a request.

    lookup: at the metadata servers, taken as exponential [s]; wait: mean for a channel [s]; waiting: share that wait
    [fraction]; service: mean on the channel [s]; services: its standard deviation over its mean; latency: mean [s];
    spread: its standard deviation over its mean. Exact for one channel with random arrivals and exponential service.
    """
    return lookup**2 + wait**2 * (2 / waiting - 1) + (service * services) ** 2 + (latency * spread) ** 2


@equation(
    symbol="v_t", unit="s^2", source="law of total variance",
    symbols={"share": "h", "variance": "v_t", "time": "R_t", "mean": "R"},
)  # fmt: skip
def spread_of_tier(share, variance, time, mean):
    """What a tier brings to the variance over all tiers.

    share: of the requests that it serves [fraction]; variance: of its times [s^2]; time: its mean [s]; mean: over all
    tiers [s].
    """
    return share * (variance + (time - mean) ** 2)


@equation(
    symbol="F", unit="s", source="a worker has so many requests in flight, one after the other",
    symbols={"requests": "k", "depth": "d", "response": "R"},
)  # fmt: skip
def fetch_time(requests, depth, response):
    """Mean time in which a worker fetches a batch.

    requests: of the batch; depth: that it has in flight; response: mean time of one [s].
    """
    return np.maximum(requests / depth, 1) * response


@equation(
    symbol="v_F", unit="s^2", source="variances of independent parts add",
    symbols={"requests": "k", "depth": "d", "variance": "v_R"},
)  # fmt: skip
def fetch_variance(requests, depth, variance):
    """Variance of the time in which a worker fetches a batch.

    requests: of the batch; depth: that it has in flight; variance: of the time of one [s^2].
    """
    return np.maximum(requests / depth, 1) * variance


@equation(
    symbol="B_loader", unit="byte/s", source=LITTLE,
    symbols={"workers": "w", "depth": "d", "request": "m_request", "response": "R"}, valid="response > 0",
)  # fmt: skip
def loader_rate(workers, depth, request, response):
    """Largest rate at which one accelerator's loader reads.

    workers: of the loader; depth: requests in flight of each; request: size [byte]; response: mean time of one [s].
    """
    return workers * depth * request / response


@equation(symbol="t_lead", unit="s", source=COUNT, symbols={"prefetch": "p", "step": "t_step"})
def lead_time(prefetch, step):
    """Time from the start of a fetch until its batch is needed.

    prefetch: batches that the loader is ahead; step: time of a step [s]. Holds while a worker is free for each fetch.
    """
    return prefetch * step


# Starvation


@equation(
    symbol="P_late", unit="fraction", source="gamma distribution with the same mean and variance",
    symbols={"mean": "F", "variance": "v_F", "fixed": "t_fixed", "lead": "t_lead"}, valid="mean > fixed",
)  # fmt: skip
def late_batch(mean, variance, fixed, lead):
    """Probability that a batch comes late.

    mean: of the time to fetch it [s]; variance: of that time [s^2]; fixed: part of the mean that never varies [s];
    lead: time that there is [s]. Exact for one request of an M/M/1 queue.
    """
    varied = mean - fixed
    return upper_gamma(varied**2 / variance, (lead - fixed) * varied / variance)


@equation(
    symbol="P_jump", unit="fraction", source=JUMP,
    symbols={"requests": "k", "service": "s", "shape": "alpha", "rest": "F", "lead": "t_lead"}, valid="shape > 1",
)  # fmt: skip
def late_by_straggler(requests, service, shape, rest, lead):
    """Probability that one straggler alone makes a batch late.

    requests: of the batch; service: mean service time [s]; shape: of its Pareto distribution; rest: time of the batch
    without it [s]; lead: time that there is [s].
    """
    slack = np.maximum(lead - rest, service)
    return np.minimum(requests * ((shape - 1) / shape * service / slack) ** shape, 1)


@equation(
    symbol="P_starve", unit="fraction", source="either happens", symbols={"usual": "P_late", "straggler": "P_jump"}
)
def starvation(usual, straggler):
    """Probability that an accelerator starves in a step.

    usual: that the sum of its requests is late [fraction]; straggler: that one request is [fraction].
    """
    return 1 - (1 - usual) * (1 - straggler)


@equation(
    symbol="P_step", unit="fraction", source="independent accelerators; Dean and Barroso 2013, The Tail at Scale",
    symbols={"starved": "P_starve", "accelerators": "n"},
)  # fmt: skip
def any_starves(starved, accelerators):
    """Probability that a step of all accelerators together waits for data.

    starved: probability that one starves [fraction]; accelerators: that step together.
    """
    return 1 - (1 - starved) ** accelerators


# Caches


@equation(
    symbol="h_cache", unit="fraction", source="Mohan et al. 2021 (CoorDL), section 4.1: a cache that never evicts",
    url="https://arxiv.org/abs/2007.06775", symbols={"cache": "M_cache", "dataset": "M_data"}, valid="dataset > 0",
)  # fmt: skip
def kept_share(cache, dataset):
    """Share of the reads that a cache serves which keeps what it has.

    cache: size [byte]; dataset: size of all that is read in an epoch [byte].
    """
    return np.minimum(cache / dataset, 1)


@equation(
    symbol="h_LRU", unit="fraction",
    source="distinct items between two reads: 1 - x (1 - y) of an item at place x of an epoch and y of the next",
    symbols={"kept": "h_cache"}, valid="kept >= 0 and kept <= 1",
)  # fmt: skip
def lru_share(kept):
    """Share of the reads that a cache serves which evicts what was longest unused.

    kept: size of the cache over that of the data set [fraction]. Every epoch reads all of it in a new random order.
    """
    missed = 1 - kept
    return kept + missed * np.log(np.where(missed > 0, missed, 1))


@equation(
    symbol="h_run", unit="fraction", source="the first epoch finds nothing", symbols={"share": "h", "epochs": "E"},
    valid="epochs >= 1",
)  # fmt: skip
def share_of_run(share, epochs):
    """Share of the reads of a whole run that a cache serves.

    share: of a later epoch [fraction]; epochs: of the run.
    """
    return share * (epochs - 1) / epochs


# Checkpoints beside the reading


@equation(
    symbol="W_write", unit="s", source="chunks in flight, one after the other",
    symbols={"writers": "n_w", "depth": "d_w", "service": "s_w", "servers": "S", "channels": "c"},
)  # fmt: skip
def wait_behind_writes(writers, depth, service, servers, channels):
    """Further wait of a request while a checkpoint is written to the same servers.

    writers: of the checkpoint; depth: chunks in flight of each; service: time that a chunk holds a channel [s];
    servers: of the tier; channels: of each.
    """
    return writers * depth * service / (servers * channels)


@equation(
    symbol="R_full", unit="s", source="all workers' requests and all writers' chunks queue for the same channels",
    symbols={
        "behind": "W_write", "accelerators": "n", "workers": "w", "depth": "d", "service": "s", "servers": "S",
        "channels": "c", "latency": "t_first",
    },
)  # fmt: skip
def response_when_full(behind, accelerators, workers, depth, service, servers, channels, latency):
    """Time of a request where every worker has as many in flight as it can.

    behind: wait behind a checkpoint's chunks [s]; accelerators: reading; workers: of each loader; depth: requests in
    flight of a worker; service: time that a request holds a channel [s]; servers: of the tier; channels: of each;
    latency: of the way there and back [s].
    """
    return behind + accelerators * workers * depth * service / (servers * channels) + latency
