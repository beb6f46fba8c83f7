"""What a machine was measured to do: training, matrix products and memory, as plain records that files keep."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from navarch.core.quantity import QuantityError

KIND = "navarch compute measurement"
LOW, HIGH = 0.1, 0.9
NOISE = re.compile(r"\((?:R|TM|r|tm)\)|\bCPU\b|\bProcessor\b|@.*$")
"""What makers add to the name of a processor."""


class MeasureError(QuantityError):
    """A measurement that cannot be made or read as asked: names what was given and what is allowed."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Repeated observations of one quantity. low, high: 10th and 90th percentile; runs: how many."""

    median: float
    low: float
    high: float
    runs: int

    @classmethod
    def of(cls, observed: Sequence[float]) -> Spread:
        """The median and the percentiles of observations."""
        import numpy as np

        median, low, high = np.quantile(np.asarray(observed, float), [0.5, LOW, HIGH])
        return cls(float(median), float(low), float(high), len(observed))


@dataclass(frozen=True, slots=True)
class MachineSeen:
    """The machine that was measured, in words and counts; never its name or its paths.

    cores: that this process may use; threads: that the library used; memory [byte]: of the host, or None.
    """

    processor: str
    cores: int
    threads: int
    memory: float | None
    accelerator: str
    system: str
    software: str

    @property
    def title(self) -> str:
        """The machine in a few words."""
        processor = " ".join(NOISE.sub(" ", self.processor).split()) or self.processor
        return self.accelerator or f"{processor}, {self.cores} {'core' if self.cores == 1 else 'cores'}"


@dataclass(frozen=True, slots=True)
class ProductMeasured:
    """A matrix product: time of one [s], its operations [FLOP] and their rate at the median time [FLOP/s]."""

    precision: str
    rows: int
    columns: int
    depth: int
    work: float
    time: Spread
    rate: float


@dataclass(frozen=True, slots=True)
class TrainingMeasured:
    """A training step of one transformer block, forward and backward.

    precision; width, heads, sequence, batch: of the block; parameters: of its matrices; work: model FLOP of a step
    [FLOP]; time: of a step [s]; rate: at the median time [FLOP/s]; attention: whether it was in the step.
    """

    precision: str
    width: int
    heads: int
    sequence: int
    batch: int
    parameters: float
    work: float
    time: Spread
    rate: float
    attention: bool


@dataclass(frozen=True, slots=True)
class MemoryMeasured:
    """A copy larger than the caches: bytes read and written [byte], time [s], rate at the median time [byte/s]."""

    traffic: float
    time: Spread
    rate: float


@dataclass(frozen=True, slots=True)
class ComputeMeasured:
    """What a machine did. date: ISO; left_out: what was not measured, each with its reason."""

    machine: MachineSeen
    device: str
    date: str
    training: tuple[TrainingMeasured, ...]
    products: tuple[ProductMeasured, ...]
    memory: MemoryMeasured | None
    left_out: tuple[str, ...] = ()
    label: str = field(default="")

    @property
    def best_training(self) -> TrainingMeasured:
        """The training step of the precision that trains fastest; MeasureError where none was measured."""
        if not self.training:
            raise MeasureError("no training step was measured; give more time with --limit")
        return max(self.training, key=lambda each: each.rate)

    @property
    def told(self) -> str:
        """Machine and date, as a label for a recorded result."""
        return self.label or f"{self.machine.title}, {self.date}"

    def as_plain(self) -> dict[str, Any]:
        """JSON values only."""
        return {"kind": KIND, **asdict(self)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> ComputeMeasured:
        """The inverse of `as_plain`; MeasureError where it is something else."""
        if not isinstance(plain, Mapping) or plain.get("kind") != KIND:
            raise MeasureError(f"this is no {KIND}; `navarch measure compute --out FILE` writes one")
        given = {name: value for name, value in plain.items() if name != "kind"}
        try:
            memory = given.pop("memory")
            return cls(
                machine=MachineSeen(**given.pop("machine")),
                training=tuple(_timed(TrainingMeasured, each) for each in given.pop("training")),
                products=tuple(_timed(ProductMeasured, each) for each in given.pop("products")),
                memory=None if memory is None else _timed(MemoryMeasured, memory),
                left_out=tuple(given.pop("left_out")),
                **given,
            )
        except (KeyError, TypeError) as error:
            raise MeasureError(f"this {KIND} lacks or has too much: {error}") from error


def _timed(kind: type[Any], plain: Mapping[str, Any]) -> Any:
    return kind(**{**plain, "time": Spread(**plain["time"])})


def write_measured(measured: ComputeMeasured, path: Path) -> None:
    """Write a measurement as JSON: to a temporary name, then renamed."""
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(json.dumps(measured.as_plain(), indent=1, ensure_ascii=False) + "\n", "utf-8")
    beside.replace(path)


def read_measured(path: Path) -> ComputeMeasured:
    """Read a measurement; MeasureError where the file is none."""
    try:
        return ComputeMeasured.from_plain(json.loads(path.read_text("utf-8")))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise MeasureError(f"{path}: no JSON: {error}") from error
