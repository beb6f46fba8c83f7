"""What data, tensor and pipeline parallelism did on a machine, as plain records beside what was predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from navarch.core.arithmetic import product_of, sum_of
from navarch.fleet.compute.measurement import MeasureError, Spread

FormName = Literal["data", "tensor", "pipeline"]
FORM_NAMES: tuple[FormName, ...] = ("data", "tensor", "pipeline")
TITLES: Mapping[FormName, str] = {
    "data": "Data parallel", "tensor": "Tensor parallel", "pipeline": "Pipeline parallel",
}  # fmt: skip
UP = 4
"""Widths in the inner width of the feed-forward part."""
__all__ = ["FORM_NAMES", "TITLES", "FormMeasured", "FormName", "Network", "ParallelMeasured", "Problem"]


@dataclass(frozen=True, slots=True)
class Problem:
    """A small transformer that every form trains.

    width; heads; layers; sequence [token]; batch: sequences of a step; microbatches: of the pipeline.
    """

    width: int = 128
    heads: int = 8
    layers: int = 4
    sequence: int = 64
    batch: int = 16
    microbatches: int = 4

    @property
    def matrices(self) -> dict[str, tuple[int, int]]:
        """Inputs and outputs of the matrices of a layer."""
        inner = UP * self.width
        square = dict.fromkeys(("query", "key", "value", "out"), (self.width, self.width))
        return {**square, "up": (self.width, inner), "down": (inner, self.width)}

    @property
    def parameters(self) -> float:
        """Of all layers [parameter]."""
        of_layer = sum_of(*(product_of(*shape) for shape in self.matrices.values()), unit="parameter")
        return float(product_of(self.layers, of_layer))

    def check(self, ranks: int) -> None:
        """Raise MeasureError where the problem cannot be divided over so many processes."""
        least = 2
        if ranks < least:
            raise MeasureError(f"ranks: {ranks} is not allowed; parallel are {least} processes and more")
        for name in ("heads", "layers", "batch"):
            if getattr(self, name) % ranks:
                raise MeasureError(f"{name}: {getattr(self, name)} is not allowed; a multiple of {ranks} processes")
        for name, whole in (("width", "heads"), ("batch", "microbatches")):
            if getattr(self, name) % getattr(self, whole):
                raise MeasureError(f"{name}: {getattr(self, name)} is not allowed; a multiple of the {whole}")


@dataclass(frozen=True, slots=True)
class Network:
    """What lies between the processes: latency of a step of a ring [s], bandwidth of a process, per direction [byte/s],
    and the same of one message [s], [byte/s]."""

    latency: float
    bandwidth: float
    message_latency: float
    message_bandwidth: float


@dataclass(frozen=True, slots=True)
class FormMeasured:
    """One form of parallelism, really run.

    step: time of a step, that of the slowest process [s]; computation: of a step, each process beside the others and
    without communication [s]; communication, bubble: predicted [s]; predicted: of a step [s]; sent: bytes that the
    slowest process handed to the network in a step, as the operating system counted them, or (counted False) as the
    collectives have it [byte]; sent_predicted [byte]; difference: largest, of its gradients from those of one process,
    over their largest, in 64 bits.
    """

    form: FormName
    step: Spread
    computation: float
    communication: float
    bubble: float
    predicted: float
    sent: float
    sent_predicted: float
    counted: bool
    difference: float

    @property
    def title(self) -> str:
        return TITLES[self.form]


@dataclass(frozen=True, slots=True)
class ParallelMeasured:
    """Forms of parallelism, really run over processes of one machine.

    device: what computed, in words; ranks: processes; parameters: of the model [parameter]; single: a step of one
    process alone [s]; date: ISO.
    """

    device: str
    date: str
    ranks: int
    problem: Problem
    parameters: float
    single: Spread
    network: Network
    forms: tuple[FormMeasured, ...]

    def as_plain(self) -> dict[str, Any]:
        """JSON values only."""
        return asdict(self)
