"""Methods of gradient compression, each as an exchange among ranks that leaves all with the same mean gradient."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from navarch.distributed.collectives.schedule import Array, CollectiveError
from navarch.distributed.collectives.worker import Asked, Rank

BLOCK = 1024
"""Elements that share a scale."""
E4M3_LARGEST = 448.0
TO_E4M3 = np.float32(2.0**-120)
"""Shifts the exponent of float32 to that of E4M3, whose bits are then the upper ones."""
DROPPED, HALF_STEP = np.uint32(20), np.uint32(0x7FFFF)
SMALLEST = np.float32(1e-30)
"""Of a scale, so that a block of zeros has one."""


@dataclass(eq=False)
class Exchange:
    """Collectives over TCP, with what they sent [byte] and the time of each part [s]."""

    rank: Rank
    sent: int = 0
    spent: dict[str, float] = field(default_factory=lambda: {"encode": 0.0, "transfer": 0.0, "decode": 0.0})

    @contextmanager
    def clock(self, part: str) -> Iterator[None]:
        """Count the time of a part."""
        start = time.perf_counter()
        yield
        self.spent[part] += time.perf_counter() - start

    def _run(self, collective: str, algorithm: str, buffer: Array, elements: int) -> Array:
        program = self.rank.program(Asked(collective, algorithm, elements, buffer.dtype.name, {}))
        held = program.buffer()
        held[: len(buffer)] = buffer
        with self.clock("transfer"):
            self.rank.run(program, held)
        self.sent += sum(o.end - o.begin for operations in program.sends.values() for o in operations)
        return held

    def mean(self, values: Array) -> Array:
        """The mean over the ranks, by a ring."""
        return self._run("all_reduce", "ring", values, len(values)) / np.float32(self.rank.ranks)

    def gathered(self, own: Array) -> Array:
        """What every rank brought, one a row; all bring as much."""
        ranks = self.rank.ranks
        buffer = np.zeros(ranks * len(own), own.dtype)
        buffer[self.rank.number * len(own) : (self.rank.number + 1) * len(own)] = own
        return self._run("all_gather", "ring", buffer, len(buffer)).reshape(ranks, len(own))

    def transposed(self, rows: Array) -> Array:
        """Row r of this rank to rank r; the rows that came, one a rank."""
        ranks, number = self.rank.ranks, self.rank.number
        held = self._run("all_to_all", "pairwise", rows.ravel(), rows.size)
        came = held[rows.size :].reshape(ranks, -1)
        came[number] = rows[number]
        return came


class Compressor(ABC):
    """A method. elements: of the gradient; exchange: with the other ranks; rest: what it has not sent yet."""

    def __init__(self, shapes: Sequence[tuple[int, ...]], exchange: Exchange, seed: int, setting: float) -> None:
        self.shapes, self.exchange, self.seed, self.setting = list(shapes), exchange, seed, setting
        self.elements = sum(math.prod(shape) for shape in shapes)
        self.rest = np.zeros(self.elements, np.float32)
        self.step = 0

    def mean(self, gradient: Array) -> Array:
        """The mean gradient that all ranks apply."""
        self.step += 1
        return self._mean(gradient)

    @abstractmethod
    def _mean(self, gradient: Array) -> Array: ...


class Plain(Compressor):
    """No compression: an all-reduce of float32."""

    def _mean(self, gradient: Array) -> Array:
        return self.exchange.mean(gradient)


class TopK(Compressor):
    """Lin et al. 2018; Stich et al. 2018: the largest elements; what is left is added to the next gradient."""

    def _mean(self, gradient: Array) -> Array:
        kept = math.ceil(self.elements * self.setting)
        with self.exchange.clock("encode"):
            self.rest += gradient
            place = np.argpartition(np.abs(self.rest), -kept)[-kept:].astype(np.int32)
            value = self.rest[place]
            self.rest[place] = 0
            message = np.concatenate([place.view(np.uint8), value.view(np.uint8)])
        rows = self.exchange.gathered(message)
        with self.exchange.clock("decode"):
            total = np.zeros(self.elements, np.float32)
            for row in rows:
                places, values = row[: 4 * kept].copy().view(np.int32), row[4 * kept :].copy().view(np.float32)
                total[places] += values
            total /= np.float32(len(rows))
        return total


class RandomK(Compressor):
    """Stich et al. 2018: places that all ranks draw alike, so that an all-reduce adds them; with feedback."""

    def _mean(self, gradient: Array) -> Array:
        kept = math.ceil(self.elements * self.setting)
        with self.exchange.clock("encode"):
            self.rest += gradient
            stream = np.random.default_rng([self.seed, self.step])
            place = stream.choice(self.elements, kept, replace=False)
            value = self.rest[place]
            self.rest[place] = 0
        mean = self.exchange.mean(value)
        with self.exchange.clock("decode"):
            total = np.zeros(self.elements, np.float32)
            total[place] = mean
        return total


class _Quantised(Compressor):
    """Each rank adds up its part of the gradient from all in few bits, and sends the mean to all in few bits."""

    def _mean(self, gradient: Array) -> Array:
        ranks = self.exchange.rank.ranks
        width = math.ceil(self.elements / ranks / BLOCK) * BLOCK
        with self.exchange.clock("encode"):
            padded = np.zeros(ranks * width, np.float32)
            padded[: self.elements] = gradient
            rows = self._encoded(padded, ranks)
        came = self.exchange.transposed(rows)
        with self.exchange.clock("decode"):
            mean = np.asarray(np.mean([self._decoded(row, width) for row in came], axis=0, dtype=np.float32))
        with self.exchange.clock("encode"):
            own = self._encoded(mean, 1)[0]
        parts = self.exchange.gathered(own)
        with self.exchange.clock("decode"):
            return np.concatenate([self._decoded(part, width) for part in parts])[: self.elements]

    def _encoded(self, values: Array, rows: int) -> Array:
        """Bytes, in rows: the scales of its blocks and then the codes of each."""
        blocks = values.reshape(-1, BLOCK)
        largest = np.maximum(np.abs(blocks).max(axis=1, keepdims=True), SMALLEST)
        scale = (largest / np.float32(self.largest)).astype(np.float32)
        codes = self._coded(blocks / scale)
        return np.concatenate([scale.reshape(rows, -1).view(np.uint8), codes.reshape(rows, -1)], axis=1)

    def _decoded(self, row: Array, width: int) -> Array:
        scales = width // BLOCK * 4
        scale = row[:scales].copy().view(np.float32)[:, None]
        return (self._values(row[scales:]).reshape(-1, BLOCK) * scale).ravel()

    largest: float

    @abstractmethod
    def _coded(self, scaled: Array) -> Array: ...

    @abstractmethod
    def _values(self, codes: Array) -> Array: ...


class Int8(_Quantised):
    """Alistarh et al. 2017 with 8 bits: rounded at random, so that the mean is right."""

    largest = 127.0

    def _coded(self, scaled: Array) -> Array:
        stream = np.random.default_rng([self.seed, self.exchange.rank.number, self.step])
        return np.floor(scaled + stream.random(scaled.shape, np.float32)).clip(-127, 127).astype(np.int8).view(np.uint8)

    def _values(self, codes: Array) -> Array:
        return codes.view(np.int8).astype(np.float32)


def _e4m3() -> Array:
    """The values of the codes 0 to 126 of E4M3 (Micikevicius et al. 2022), ascending."""
    code = np.arange(127)
    exponent, mantissa = code >> 3, code & 7
    normal = 2.0 ** (exponent - 7) * (1 + mantissa / 8)
    return np.where(exponent == 0, mantissa / 8 * 2.0**-6, normal).astype(np.float32)


class Fp8(_Quantised):
    """Eight-bit floating point with four bits of exponent, rounded to the nearest; a scale for each block."""

    largest = E4M3_LARGEST
    positive = _e4m3()
    table = np.concatenate([positive, [0.0], -positive, [0.0]]).astype(np.float32)

    def _coded(self, scaled: Array) -> Array:
        bits = (np.abs(scaled) * TO_E4M3).view(np.uint32)
        code = (bits + HALF_STEP + ((bits >> DROPPED) & np.uint32(1))) >> DROPPED
        return code.astype(np.uint8) | (np.signbit(scaled).astype(np.uint8) << np.uint8(7))

    def _values(self, codes: Array) -> Array:
        return self.table[codes]


class Sign(Compressor):
    """Karimireddy et al. 2019: one bit an element and a scale for each tensor, with error feedback."""

    def _mean(self, gradient: Array) -> Array:
        sizes = [math.prod(shape) for shape in self.shapes]
        edges = np.cumsum([0, *sizes])[:-1]
        with self.exchange.clock("encode"):
            self.rest += gradient
            scale = (np.add.reduceat(np.abs(self.rest), edges) / np.array(sizes)).astype(np.float32)
            message = np.concatenate([scale.view(np.uint8), np.packbits(self.rest >= 0)])
        rows = self.exchange.gathered(message)
        with self.exchange.clock("decode"):
            total = np.zeros(self.elements, np.float32)
            for number, row in enumerate(rows):
                own = self._decoded(row, sizes)
                total += own
                if number == self.exchange.rank.number:
                    self.rest -= own
            total /= np.float32(len(rows))
        return total

    def _decoded(self, row: Array, sizes: list[int]) -> Array:
        scale = row[: 4 * len(sizes)].copy().view(np.float32)
        signs = np.unpackbits(row[4 * len(sizes) :], count=self.elements).astype(np.float32) * 2 - 1
        return signs * np.repeat(scale, sizes)


class PowerSGD(Compressor):
    """Vogels et al. 2019, algorithm 1 and 2: one step of power iteration, warm-started, with error feedback."""

    def __init__(self, shapes: Sequence[tuple[int, ...]], exchange: Exchange, seed: int, setting: float) -> None:
        super().__init__(shapes, exchange, seed, setting)
        stream = np.random.default_rng(seed)
        self.factors = {
            place: stream.standard_normal((shape[1], min(int(setting), *shape)), np.float32)
            for place, shape in enumerate(shapes)
            if len(shape) == 2
        }

    def _mean(self, gradient: Array) -> Array:
        with self.exchange.clock("encode"):
            self.rest += gradient
            tensors = self._tensors(self.rest)
            left = [tensors[place] @ right for place, right in self.factors.items()]
        left = self._mean_of(left)
        with self.exchange.clock("encode"):
            left = [np.linalg.qr(each)[0] for each in left]
            right = [tensors[place].T @ each for place, each in zip(self.factors, left, strict=True)]
            vectors = [tensor for place, tensor in enumerate(tensors) if place not in self.factors]
        found = self._mean_of([*right, *vectors])
        with self.exchange.clock("decode"):
            self.factors = dict(zip(self.factors, found, strict=False))
            whole = iter(found[len(self.factors) :])
            product = dict(zip(self.factors, left, strict=True))
            mean = [
                product[place] @ self.factors[place].T if place in product else next(whole)
                for place in range(len(self.shapes))
            ]
            total = np.concatenate([each.ravel() for each in mean]).astype(np.float32)
            self.rest -= total
            for place, tensor in enumerate(self._tensors(self.rest)):
                if place not in product:
                    tensor[:] = 0
        return total

    def _tensors(self, flat: Array) -> list[Array]:
        cuts = np.cumsum([math.prod(shape) for shape in self.shapes])[:-1]
        return [part.reshape(shape) for part, shape in zip(np.split(flat, cuts), self.shapes, strict=True)]

    def _mean_of(self, several: list[Array]) -> list[Array]:
        flat = self.exchange.mean(np.concatenate([each.ravel() for each in several]).astype(np.float32))
        cuts = np.cumsum([each.size for each in several])[:-1]
        return [part.reshape(each.shape) for part, each in zip(np.split(flat, cuts), several, strict=True)]


METHODS: dict[str, type[Compressor]] = {
    "none": Plain,
    "top-k": TopK,
    "random-k": RandomK,
    "int8": Int8,
    "fp8": Fp8,
    "sign": Sign,
    "powersgd": PowerSGD,
}


def compressor(
    method: str, shapes: Sequence[tuple[int, ...]], exchange: Exchange, seed: int, setting: float
) -> Compressor:
    """A method by name. setting: share kept by top-k and random-k, rank of PowerSGD; the others have none."""
    if method not in METHODS:
        raise CollectiveError(f"method: {method!r} is not one; there are: {', '.join(METHODS)}")
    return METHODS[method](shapes, exchange, seed, setting)
