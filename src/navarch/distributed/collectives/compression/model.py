"""A small network trained on generated data, in NumPy: the shipped task on which compression is measured.

A teacher of the same kind labels random inputs by chance, in proportion to its softmax, so that no student can reach a
loss of zero and the one that can be reached is the same for every method.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from navarch.distributed.collectives.schedule import Array

INPUTS, CLASSES = 64, 10
TEACHER = (INPUTS, 32, CLASSES)
STUDENT = (INPUTS, 256, 256, CLASSES)
SHARPNESS = 3.0
"""Factor of the teacher's logits: how sure its labels are."""


@dataclass(frozen=True, eq=False)
class Data:
    """Inputs (samples x inputs) and labels."""

    inputs: Array
    labels: Array


def generated(samples: int, seed: int, part: int) -> Data:
    """Samples of the task of a seed; each part draws its own."""
    teacher = started(TEACHER, seed)
    stream = np.random.default_rng([seed, part])
    inputs = stream.standard_normal((samples, INPUTS), np.float32)
    logits, _ = forward(teacher, inputs)
    spread = (logits - logits.mean(axis=1, keepdims=True)) / logits.std()
    chance = softmax(SHARPNESS * spread)
    drawn = (chance.cumsum(axis=1) < stream.random((samples, 1))).sum(axis=1)
    return Data(inputs, drawn.clip(0, CLASSES - 1))


def started(widths: tuple[int, ...], seed: int) -> list[Array]:
    """Weights (He et al. 2015) and biases, in turn."""
    stream = np.random.default_rng(seed)
    parameters: list[Array] = []
    for fan_in, fan_out in pairwise(widths):
        parameters.append(stream.standard_normal((fan_in, fan_out), np.float32) * np.float32(np.sqrt(2 / fan_in)))
        parameters.append(np.zeros(fan_out, np.float32))
    return parameters


def forward(parameters: list[Array], inputs: Array) -> tuple[Array, list[Array]]:
    """Logits, and the input of each layer."""
    held, layers = inputs, []
    for place in range(0, len(parameters), 2):
        layers.append(held)
        held = held @ parameters[place] + parameters[place + 1]
        if place + 2 < len(parameters):
            held = np.maximum(held, 0)
    return held, layers


def softmax(logits: Array) -> Array:
    """Probabilities of the classes."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def loss(parameters: list[Array], data: Data) -> float:
    """Mean cross entropy [nat]."""
    chance = softmax(forward(parameters, data.inputs)[0])
    return float(-np.log(np.maximum(chance[np.arange(len(data.labels)), data.labels], 1e-12)).mean())


def gradient(parameters: list[Array], inputs: Array, labels: Array) -> Array:
    """Gradient of the mean loss over a batch, flat, in the order of the parameters."""
    logits, layers = forward(parameters, inputs)
    error = softmax(logits)
    error[np.arange(len(labels)), labels] -= 1
    error /= np.float32(len(labels))
    found: list[Array] = []
    for place in range(len(parameters) - 2, -1, -2):
        layer = layers[place // 2]
        found = [(layer.T @ error).ravel(), error.sum(axis=0), *found]
        if place:
            error = (error @ parameters[place].T) * (layer > 0)
    return np.concatenate(found)
