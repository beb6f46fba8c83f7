"""One rank of data-parallel training with compressed gradients.

python -m navarch.distributed.collectives.compression.worker --rendezvous 127.0.0.1:29400 --rank 0
"""

from __future__ import annotations

import sys
import time
import zlib

import numpy as np

from navarch.distributed.collectives.compression.compressors import Exchange, compressor
from navarch.distributed.collectives.compression.model import STUDENT, generated, gradient, loss, started
from navarch.distributed.collectives.rendezvous import Message
from navarch.distributed.collectives.schedule import Array, CollectiveError
from navarch.distributed.collectives.worker import Rank, main

SAMPLES, HELD_OUT = 8192, 8192
"""Samples of each rank, and those on which the loss is measured."""
MOMENTUM = np.float32(0.9)
CURVE = 20
"""Points of the curve of the loss."""


def train(rank: Rank, task: Message) -> Message:
    """Train once with a method. task: method, setting, steps, batch (of a rank), rate (of learning), seed."""
    exchange = Exchange(rank)
    parameters = started(STUDENT, task["seed"] + 1)
    shapes = [each.shape for each in parameters]
    method = compressor(task["method"], shapes, exchange, task["seed"], task["setting"])
    own, held_out = generated(SAMPLES, task["seed"], 1 + rank.number), generated(HELD_OUT, task["seed"], 0)
    order = np.random.default_rng([task["seed"], 7, rank.number])
    velocity = np.zeros(method.elements, np.float32)
    curve, spent, step, steps = [], 0.0, 0, task["steps"]
    rank.barrier()
    while True:
        if step % max(1, steps // CURVE) == 0 or step == steps:
            curve.append([step, exchange.sent, spent, loss(parameters, held_out) if rank.number == 0 else 0.0])
            rank.barrier()
        if step == steps:
            break
        start = time.perf_counter()
        batch = order.integers(0, SAMPLES, task["batch"])
        mean = method.mean(gradient(parameters, own.inputs[batch], own.labels[batch]))
        velocity = MOMENTUM * velocity + mean
        _apply(parameters, velocity * np.float32(task["rate"] * (1 + np.cos(np.pi * step / steps)) / 2))
        spent += time.perf_counter() - start
        step += 1
    _alike(rank, parameters)
    return {"method": task["method"], "curve": curve, "sent": exchange.sent, "elements": method.elements,
            "time": spent, **exchange.spent}  # fmt: skip


def _apply(parameters: list[Array], change: Array) -> None:
    first = 0
    for parameter in parameters:
        parameter -= change[first : first + parameter.size].reshape(parameter.shape)
        first += parameter.size


def _alike(rank: Rank, parameters: list[Array]) -> None:
    """All ranks must hold the same parameters to the last bit."""
    own = zlib.crc32(b"".join(each.tobytes() for each in parameters))
    rows = Exchange(rank).gathered(np.array([own], np.int64))
    if len(set(rows.ravel().tolist())) != 1:
        raise CollectiveError(f"rank {rank.number}: the ranks ended with different parameters")


if __name__ == "__main__":
    sys.exit(main(train))
