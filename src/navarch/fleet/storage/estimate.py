"""Bytes of data and checkpoints, the rates they must move at, and the storage that moves them."""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

COUNT = "count"
MLPERF = "MLPerf Storage rules (mlcommons/storage), accelerator utilisation"
MLPERF_URL = "https://github.com/mlcommons/storage/blob/main/Submission_guidelines.md"
ZERO = "Rajbhandari et al. 2020 (ZeRO), section 3.1"
ZERO_URL = "https://arxiv.org/abs/1910.02054"
MEGASCALE = "Jiang et al. 2024 (MegaScale), section 4.4: copy to host memory, then write in the background"
MEGASCALE_URL = "https://arxiv.org/abs/2402.15627"


# Data


@equation(symbol="M_data", unit="byte", source=COUNT, symbols={"tokens": "D", "bytes_per_token": "b_token"})
def dataset_bytes(tokens, bytes_per_token):
    """Size of the tokenised dataset.

    tokens: of the dataset [token]; bytes_per_token: as stored [byte/token].
    """
    return tokens * bytes_per_token


@equation(symbol="B_read", unit="byte/s", source=COUNT, symbols={"token_rate": "r_token", "bytes_per_token": "b_token"})
def token_read_rate(token_rate, bytes_per_token):
    """Read rate that training on tokens demands.

    token_rate: of the whole run [token/s]; bytes_per_token: as stored [byte/token].
    """
    return token_rate * bytes_per_token


@equation(
    symbol="B_read",
    unit="byte/s",
    source=MLPERF,
    url=MLPERF_URL,
    symbols={"accelerators": "n", "batch": "b", "sample": "m_sample", "compute_time": "t_batch"},
)
def loader_demand(accelerators, batch, sample, compute_time):
    """Read rate that training on samples demands.

    accelerators: reading; batch: samples of one accelerator's step; sample: size of one sample [byte];
    compute_time: of one step [s].
    """
    return accelerators * batch * sample / compute_time


@equation(
    symbol="s_read", unit="1", source=MLPERF, url=MLPERF_URL, symbols={"delivered": "B_storage", "demanded": "B_read"}
)
def supply_ratio(delivered, demanded):
    """Read rate delivered over read rate demanded.

    delivered: by the storage [byte/s]; demanded: by training [byte/s]. Under 1 the accelerators starve.
    """
    return delivered / demanded


@equation(symbol="AU", unit="fraction", source=MLPERF, url=MLPERF_URL, symbols={"supply": "s_read"})
def accelerator_utilisation(supply):
    """Share of the time that accelerators compute and do not wait for data.

    supply: read rate delivered over demanded. Reading ahead hides storage completely while it keeps up.
    """
    return np.minimum(1, supply)


@equation(
    symbol="q_requests",
    unit="1",
    source="Little 1961: in flight = rate x time",
    symbols={"rate": "B_read", "latency": "t_first", "request": "m_request"},
)
def requests_in_flight(rate, latency, request):
    """Requests that must be in flight to sustain a read rate.

    rate: to be sustained [byte/s]; latency: of a request until its first byte [s]; request: size of one request
    [byte].
    """
    return np.ceil(rate * latency / request)


# Checkpoints


@equation(
    symbol="M_ckpt",
    unit="byte",
    source=ZERO,
    url=ZERO_URL,
    symbols={"parameters": "N", "bytes_per_parameter": "b_state"},
)
def checkpoint_bytes(parameters, bytes_per_parameter):
    """Size of a checkpoint.

    parameters: of the model, all experts counted [parameter]; bytes_per_parameter: weights and optimiser state that
    are saved [byte/parameter].
    """
    return parameters * bytes_per_parameter


@equation(symbol="t_write", unit="s", source=COUNT, symbols={"checkpoint": "M_ckpt", "bandwidth": "B_write"})
def checkpoint_write_time(checkpoint, bandwidth):
    """Time to write a checkpoint to storage.

    checkpoint: size [byte]; bandwidth: of the storage for writing, all writers together [byte/s].
    """
    return checkpoint / bandwidth


@equation(
    symbol="t_copy",
    unit="s",
    source=MEGASCALE,
    url=MEGASCALE_URL,
    symbols={"checkpoint": "M_ckpt", "accelerators": "n", "bandwidth": "B_host"},
)
def host_copy_time(checkpoint, accelerators, bandwidth):
    """Time to copy a checkpoint into the memory of the hosts.

    checkpoint: size [byte]; accelerators: that hold equal shares of it; bandwidth: of one accelerator to its host,
    per direction [byte/s]. This is the stall of an asynchronous checkpoint.
    """
    return checkpoint / (accelerators * bandwidth)


@equation(
    symbol="t_local",
    unit="s",
    source="Moody et al. 2010 (SCR): write to every node's own drives",
    url="https://doi.org/10.1109/SC.2010.18",
    symbols={"checkpoint": "M_ckpt", "nodes": "n_nodes", "bandwidth": "B_local"},
)
def local_write_time(checkpoint, nodes, bandwidth):
    """Time to write a checkpoint to the local drives of the nodes.

    checkpoint: size [byte]; nodes: that hold equal shares of it; bandwidth: of one node's drives for writing
    [byte/s].
    """
    return checkpoint / (nodes * bandwidth)


@equation(
    symbol="t_replica",
    unit="s",
    source="Wang et al. 2023 (GEMINI), section 5: a copy in a peer's memory",
    url="https://doi.org/10.1145/3600006.3613145",
    symbols={"checkpoint": "M_ckpt", "accelerators": "n", "copies": "c", "bandwidth": "B_out"},
)
def peer_copy_time(checkpoint, accelerators, copies, bandwidth):
    """Time to copy a checkpoint into the memory of peers.

    checkpoint: size [byte]; accelerators: that hold equal shares of it; copies: on other nodes; bandwidth: of one
    accelerator to the network, per direction [byte/s].
    """
    return copies * checkpoint / (accelerators * bandwidth)


@equation(
    symbol="f_stall",
    unit="fraction",
    source=COUNT,
    symbols={"stall": "t_stall", "interval": "tau"},
    valid="interval > 0",
)
def stall_share(stall, interval):
    """Share of the time that training stands still for checkpoints.

    stall: of one checkpoint [s]; interval: of training between checkpoints [s].
    """
    return stall / (stall + interval)


@equation(symbol="B_write,need", unit="byte/s", source=COUNT, symbols={"checkpoint": "M_ckpt", "allowed": "t_allowed"})
def checkpoint_bandwidth(checkpoint, allowed):
    """Write rate that a checkpoint demands.

    checkpoint: size [byte]; allowed: time in which it must be on storage [s].
    """
    return checkpoint / allowed


@equation(
    symbol="t_restore",
    unit="s",
    source=COUNT,
    symbols={"checkpoint": "M_ckpt", "readers": "c", "bandwidth": "B_read"},
    valid="readers >= 1",
)
def restore_time(checkpoint, readers, bandwidth):
    """Time to read a checkpoint back.

    checkpoint: size [byte]; readers: replicas that each read all of it, 1 where one reads and passes it on;
    bandwidth: of the storage for reading, all readers together [byte/s].
    """
    return readers * checkpoint / bandwidth


@equation(symbol="M_kept", unit="byte", source=COUNT, symbols={"checkpoint": "M_ckpt", "kept": "n_kept"})
def retained_bytes(checkpoint, kept):
    """Size of the checkpoints kept.

    checkpoint: size of one [byte]; kept: at once.
    """
    return checkpoint * kept


# Storage


@equation(
    symbol="M_need",
    unit="byte",
    source=COUNT,
    symbols={"dataset": "M_data", "copies": "c_data", "checkpoints": "M_kept", "fill": "f_fill"},
    valid="fill > 0 and fill <= 1",
)
def capacity_needed(dataset, copies, checkpoints, fill):
    """Capacity that the data and the checkpoints need.

    dataset: size [byte]; copies: of the dataset, raw and intermediate forms counted; checkpoints: size of those kept
    [byte]; fill: share of the capacity that may be used [fraction].
    """
    return (dataset * copies + checkpoints) / fill


@equation(
    symbol="n_store",
    unit="1",
    source=COUNT,
    symbols={
        "capacity": "M_need",
        "unit_capacity": "M_unit",
        "read": "B_read",
        "unit_read": "B_unit,read",
        "write": "B_write",
        "unit_write": "B_unit,write",
    },
)
def storage_units(capacity, unit_capacity, read, unit_read, write, unit_write):
    """Storage units that meet capacity, read rate and write rate.

    capacity: needed [byte]; unit_capacity: of one unit [byte]; read: rate needed [byte/s]; unit_read: of one unit
    [byte/s]; write: rate needed [byte/s]; unit_write: of one unit [byte/s].
    """
    return np.ceil(np.maximum(capacity / unit_capacity, np.maximum(read / unit_read, write / unit_write)))


@equation(symbol="n_store", unit="1", source=COUNT, symbols={"needed": "x", "of_one": "x_unit"})
def units_for(needed, of_one):
    """Storage units that meet one need.

    needed: capacity or rate; of_one: the same of one unit.
    """
    return np.ceil(needed / of_one)


@equation(symbol="B_storage", unit="byte/s", source=COUNT, symbols={"units": "n_store", "of_one": "B_unit"})
def aggregate_bandwidth(units, of_one):
    """Rate of all storage units together.

    units: of storage; of_one: rate of one unit [byte/s]. No loss to contention between units.
    """
    return units * of_one


@equation(symbol="M_store", unit="byte", source=COUNT, symbols={"units": "n_store", "of_one": "M_unit"})
def aggregate_capacity(units, of_one):
    """Capacity of all storage units together.

    units: of storage; of_one: capacity of one unit [byte].
    """
    return units * of_one


@equation(
    symbol="B_unit,write",
    unit="byte/s",
    source="write rate over read rate (catalog)",
    symbols={"read": "B_unit,read", "share": "k_write"},
)
def write_from_read(read, share):
    """Write rate of a storage unit whose maker gives none.

    read: rate of one unit [byte/s]; share: write rate over read rate.
    """
    return read * share


@equation(
    symbol="B_read,h",
    unit="byte/s",
    source=COUNT,
    symbols={"demand": "B_read", "headroom": "k_head"},
    valid="headroom >= 1",
)
def with_headroom(demand, headroom):
    """Read rate with headroom.

    demand: of training [byte/s]; headroom: rate provided over rate demanded.
    """
    return demand * headroom


@equation(symbol="P_store", unit="W", source=COUNT, symbols={"units": "n_store", "of_one": "P_unit"})
def storage_power(units, of_one):
    """Power of the storage.

    units: of storage; of_one: power of one unit [W].
    """
    return units * of_one


@equation(symbol="P_store", unit="W", source=COUNT, symbols={"capacity": "M_store", "of_byte": "p_byte"})
def storage_power_by_capacity(capacity, of_byte):
    """Power of storage whose maker gives none.

    capacity: of the storage [byte]; of_byte: power for each byte stored [W/byte].
    """
    return capacity * of_byte


@equation(symbol="c_store", unit="USD", source=COUNT, symbols={"capacity": "M_store", "price": "c_byte"})
def storage_cost(capacity, price):
    """Purchase cost of the storage.

    capacity: bought [byte]; price: of capacity [USD/byte].
    """
    return capacity * price


@equation(symbol="c_rent", unit="USD", source=COUNT, symbols={"capacity": "M_store", "rent": "c_byte", "duration": "T"})
def storage_rent(capacity, rent, duration):
    """Cost of rented storage.

    capacity: rented [byte]; rent: of capacity [USD/(byte*s)]; duration: rented for [s].
    """
    return capacity * rent * duration


# What a run delivered


@equation(
    symbol="B_read,run", unit="byte/s", source=COUNT,
    symbols={"accelerators": "n", "steps": "J", "requests": "k", "request": "m_request", "duration": "T"},
    valid="duration > 0",
)  # fmt: skip
def delivered_rate(accelerators, steps, requests, request, duration):
    """Read rate delivered in a run.

    accelerators: reading; steps: of each; requests: of a batch; request: size of one [byte]; duration: of these steps
    [s].
    """
    return accelerators * steps * requests * request / duration


@equation(symbol="sigma", unit="s", source="definition", symbols={"squared": "m_2", "mean": "m_1"})
def deviation(squared, mean):
    """Standard deviation of observed times.

    squared: mean of their squares [s^2]; mean: of the times [s].
    """
    return np.sqrt(np.maximum(squared - mean**2, 0))


@equation(symbol="t_epoch", unit="s", source=COUNT, symbols={"samples": "D", "rate": "r_sample"}, valid="rate > 0")
def epoch_time(samples, rate):
    """Time of an epoch.

    samples: of the data set; rate: of all accelerators together, samples a second [1/s].
    """
    return samples / rate


@equation(symbol="M_read", unit="byte", source=COUNT, symbols={"samples": "D", "sample": "m_sample", "epochs": "E"})
def bytes_of_run(samples, sample, epochs):
    """Bytes that a run reads.

    samples: of the data set; sample: size of one [byte]; epochs: of the run.
    """
    return samples * sample * epochs


@equation(
    symbol="t_stall", unit="s", source=f"{MEGASCALE}; the next copy waits for the memory",
    url=MEGASCALE_URL, symbols={"copy": "t_copy", "write": "t_write", "interval": "tau"},
)  # fmt: skip
def background_stall(copy, write, interval):
    """Stall of a checkpoint that is written in the background.

    copy: to the memory of the hosts [s]; write: from there to where it is safe, all tiers one after the other [s];
    interval: of training between checkpoints [s]. Where the write takes longer than that, the next checkpoint waits.
    """
    return copy + np.maximum(write - interval, 0)


@equation(
    symbol="n_chunk", unit="1", source=COUNT, symbols={"checkpoint": "M_ckpt", "writers": "n_w", "chunk": "m_chunk"},
    valid="writers > 0 and chunk > 0",
)  # fmt: skip
def chunks_of_writer(checkpoint, writers, chunk):
    """Chunks that a writer's share of a checkpoint is written in.

    checkpoint: size [byte]; writers: that hold equal shares; chunk: size of a write [byte].
    """
    return np.ceil(checkpoint / (writers * chunk))


@equation(
    symbol="r_op", unit="1/s", source="operations over bandwidth of systems that publish both (catalog)",
    symbols={"read": "B_unit,read", "of_byte": "k_op"},
)  # fmt: skip
def operations_from_bandwidth(read, of_byte):
    """Operations of a storage unit whose maker gives none.

    read: rate of one unit [byte/s]; of_byte: operations for each byte that it can read [1/byte].
    """
    return read * of_byte


@equation(
    symbol="t_first", unit="s", source=COUNT, symbols={"first": "t_0", "request": "m_request", "connection": "B_conn"},
    valid="connection > 0",
)  # fmt: skip
def object_latency(first, request, connection):
    """Time of an object's way on one connection.

    first: until its first byte [s]; request: size [byte]; connection: rate of one connection [byte/s].
    """
    return first + request / connection


@equation(
    symbol="B_node", unit="byte/s", source="the narrower of its network and its drives",
    symbols={"interfaces": "n_nic", "interface": "B_nic", "drives": "n_drive", "drive": "B_drive"},
)  # fmt: skip
def server_bandwidth(interfaces, interface, drives, drive):
    """Read rate of a storage server.

    interfaces: to the network; interface: rate of one, per direction [byte/s]; drives: in the server; drive: rate of
    one [byte/s]. No loss to protocols.
    """
    return np.minimum(interfaces * interface, drives * drive)
