"""What this machine really does: training steps, matrix products by size and precision, and memory.

On a CUDA device times are those of the device: products are captured in a graph, so that the host's launches are not in
them, and take their operands in turn from more buffers than the cache holds. On a host they are wall-clock times, with
PyTorch where it is installed and with NumPy where it is not. Needs NumPy alone, and PyTorch for a GPU.

    python -m navarch.fleet.compute.measure --out FILE [--device cuda] [--precision bf16] [--limit 20]
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from navarch.core.arithmetic import product_of, ratio, sum_of
from navarch.core.quantity import show
from navarch.fleet.compute import estimate
from navarch.fleet.compute.backends import Backend, Block, Call, Cuda, Numpy, Torch, UnsupportedError
from navarch.fleet.compute.measurement import (
    ComputeMeasured,
    MachineSeen,
    MeasureError,
    MemoryMeasured,
    ProductMeasured,
    Spread,
    TrainingMeasured,
    write_measured,
)
from navarch.fleet.scale import estimate as scale

Progress = Callable[[float, str], None]
Shape = tuple[int, int, int]

DIMENSIONS = 3
DEVICES = ("auto", "cpu", "cuda")
INFERENCE = ("fp8", "int8")
PRECISIONS = ("fp64", "fp32", "tf32", "bf16", "fp16", "fp8", "int8")
LIMIT, LEAST_LIMIT = 20.0, 1.0
HOST_SHAPES: tuple[Shape, ...] = tuple((n, n, n) for n in (512, 1024, 2048))
DEVICE_SHAPES: tuple[Shape, ...] = (
    *((n, n, n) for n in (1024, 2048, 4096, 8192, 16384)),
    *((rows, 8192, 8192) for rows in (64, 512)),
    (8192, 28672, 8192),
    (8192, 8192, 28672),
)
LEAST_RUNS, MOST_RUNS = 3, 50
PATIENCE = 3.0
"""A case is left out where its least runs would take so many times its share of the time."""
MOMENT = 0.2  # that any case may take [s]
WEIGHTS = {"memory": 1.0, "training": 4.0, "product": 1.0}
FAILURES = (RuntimeError, NotImplementedError, AttributeError, TypeError, ValueError, MemoryError)
"""What PyTorch raises where a device, a type or a size is not supported."""
NAME_OF_PROCESSOR = re.compile(r"^(?:model name|Hardware)\s*:\s*(.+)$", re.MULTILINE)


def measure_compute(
    device: str = "auto",
    precisions: Sequence[str] | None = None,
    shapes: Sequence[Shape] | None = None,
    limit: float = LIMIT,
    progress: Progress | None = None,
) -> ComputeMeasured:
    """Measure this machine's training steps, matrix products and memory.

    device: `cpu`, `cuda` or `auto` (CUDA where there is one); precisions: tried, those usual for the device where left
    out; shapes: (rows, columns, depth) of the products; limit: of the whole [s], loading of libraries left out;
    progress: called with the share done and what is measured next. MeasureError where it cannot be as asked.
    """
    if limit < LEAST_LIMIT:
        raise MeasureError(f"limit: {limit:g} s is not allowed; it must be at least {LEAST_LIMIT:g} s")
    backend, torch = _backend(device)
    wanted = tuple(precisions or backend.precisions)
    for name in wanted:
        if name not in PRECISIONS:
            raise MeasureError(f"precision: {name!r} is not one; there are: {', '.join(PRECISIONS)}")
    usual = DEVICE_SHAPES if backend.device == "cuda" else HOST_SHAPES
    bench = _Bench(backend, limit, progress or (lambda _share, _what: None))
    bench.run(wanted, tuple(shapes or usual))
    return ComputeMeasured(
        machine=machine_seen(torch, backend.device),
        device=backend.device,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        training=tuple(bench.training),
        products=tuple(bench.products),
        memory=bench.memory,
        left_out=tuple(bench.left_out),
    )


@dataclass
class _Bench:
    """Cases measured one after the other, each in its share of the time that is left."""

    backend: Backend
    limit: float
    progress: Progress
    training: list[TrainingMeasured] = field(default_factory=list)
    products: list[ProductMeasured] = field(default_factory=list)
    memory: MemoryMeasured | None = None
    left_out: list[str] = field(default_factory=list)
    rates: dict[str, float] = field(default_factory=dict)

    def run(self, precisions: Sequence[str], shapes: Sequence[Shape]) -> None:
        trained = [p for p in precisions if p not in INFERENCE]
        cases: list[tuple[str, str, Call]] = [("memory", "memory", self._memory)]
        cases += [("training", f"training step, {p}", lambda p=p: self._training(p)) for p in trained]  # type: ignore[misc]
        cases += [
            ("product", f"{_written(s)}, {p}", lambda p=p, s=s: self._product(p, s))  # type: ignore[misc]
            for p in precisions
            for s in shapes
        ]
        start = time.perf_counter()
        for place, (kind, what, measure) in enumerate(cases):
            spent = time.perf_counter() - start
            self.progress(min(spent / self.limit, place / len(cases)), what)
            waiting = sum(WEIGHTS[other] for other, _, _ in cases[place:])
            self.share = max(self.limit - spent, 0.0) * WEIGHTS[kind] / waiting
            try:
                measure()
            except UnsupportedError as error:
                self.left_out.append(f"{what}: {error}")
            except FAILURES as error:
                self.left_out.append(f"{what}: {_first_line(error)}")
        self.progress(1.0, "done")

    def _observed(self, calls: Sequence[Call]) -> Spread:
        once = self.backend.timed(calls)
        end = time.perf_counter() + self.share
        observed: list[float] = []
        while len(observed) < LEAST_RUNS or (time.perf_counter() < end and len(observed) < MOST_RUNS):
            observed.append(once())
        return Spread.of(observed)

    def _affordable(self, precision: str, work: float) -> None:
        """Raise UnsupportedError where the work would take far more than its share of the time."""
        if precision not in self.rates:
            side = self.backend.trial
            trial = self.backend.timed(self.backend.product(precision, side, side, side))
            best = min(trial() for _ in range(LEAST_RUNS))
            self.rates[precision] = float(ratio(estimate.matmul_work(side, side, side), best))
        least = LEAST_RUNS * work / self.rates[precision]
        if least > max(PATIENCE * self.share, MOMENT):
            raise UnsupportedError(f"would take about {show(least, 's')}; give more time with --limit")

    def _product(self, precision: str, shape: Shape) -> None:
        work = float(estimate.matmul_work(*shape))
        self._affordable(precision, work)
        time_ = self._observed(self.backend.product(precision, *shape))
        rate = float(ratio(work, time_.median, unit="FLOP/s"))
        self.rates[precision] = max(rate, self.rates[precision])
        self.products.append(ProductMeasured(precision, *shape, work, time_, rate))

    def _training(self, precision: str) -> None:
        problem = "no block fits"
        for block in self.backend.blocks:
            parameters, work = _block_work(block, self.backend.attention)
            try:
                self._affordable(precision, work)
                time_ = self._observed(self.backend.step(precision, block))
            except UnsupportedError as error:
                problem = str(error)
            except FAILURES as error:
                problem = _first_line(error)
            else:
                rate = float(ratio(work, time_.median, unit="FLOP/s"))
                sizes = (block.width, block.heads, block.sequence, block.batch)
                made = TrainingMeasured(precision, *sizes, parameters, work, time_, rate, self.backend.attention)
                self.training.append(made)
                return
        raise UnsupportedError(problem)

    def _memory(self) -> None:
        calls, size = self.backend.copy()
        time_ = self._observed(calls)
        traffic = float(sum_of(size, size, unit="byte", title="Bytes read and written"))
        self.memory = MemoryMeasured(traffic, time_, float(ratio(traffic, time_.median, unit="byte/s")))


def _block_work(block: Block, attention: bool) -> tuple[float, float]:
    """Parameters of a block's matrices, and the model FLOP of a training step."""
    parameters = sum_of(*(product_of(*shape) for shape in block.matrices), unit="parameter")
    tokens = product_of(block.batch, block.sequence, unit="token")
    work = scale.dense_training_compute(parameters, tokens)
    if attention:
        context = scale.causal_context(block.sequence)
        work = scale.training_compute(work, scale.attention_training_compute(1, block.width, context, tokens))
    return float(parameters), float(work)


def _backend(device: str) -> tuple[Backend, Any | None]:
    """What runs the work, and PyTorch where it is installed."""
    if device not in DEVICES:
        raise MeasureError(f"device: {device!r} is not one; there are: {', '.join(DEVICES)}")
    torch = _torch()
    if device != "cpu" and torch is not None and torch.cuda.is_available():
        return Cuda(torch), torch
    if device == "cuda":
        why = "PyTorch is not installed" if torch is None else "PyTorch finds no CUDA device"
        raise MeasureError(f"device: cuda is not there: {why}; cpu is")
    return (Numpy(), None) if torch is None else (Torch(torch), torch)


def _torch() -> Any | None:
    try:
        import torch
    except ImportError:
        return None
    return torch


def machine_seen(torch: Any | None, device: str) -> MachineSeen:
    import numpy as np

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    software = f"NumPy {np.__version__}" if torch is None else f"PyTorch {torch.__version__}"
    accelerator = ""
    if device == "cuda" and torch is not None:
        accelerator = str(torch.cuda.get_device_name(0))
        software = f"{software}, CUDA {torch.version.cuda}"
    return MachineSeen(
        processor=_processor(),
        cores=cores,
        threads=cores if torch is None else int(torch.get_num_threads()),
        memory=_host_memory(),
        accelerator=accelerator,
        system=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        software=software,
    )


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    found = NAME_OF_PROCESSOR.search(told.read_text("utf-8", "replace")) if told.exists() else None
    return found.group(1).strip() if found else platform.processor() or platform.machine()


def _host_memory() -> float | None:
    names = getattr(os, "sysconf_names", {})
    if not {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= set(names):
        return None
    return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]


def _written(shape: Shape) -> str:
    return "x".join(str(n) for n in shape)


def read_shape(text: str) -> Shape:
    """A shape written as ROWSxCOLUMNSxDEPTH, or one number for a square; MeasureError otherwise."""
    parts = text.lower().split("x")
    if len(parts) not in (1, DIMENSIONS) or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise MeasureError(f"shape: {text!r} is not one; write 4096, or ROWSxCOLUMNSxDEPTH such as 64x8192x8192")
    rows, columns, depth = [int(part) for part in parts * (DIMENSIONS // len(parts))]
    return rows, columns, depth


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the measurement as JSON."""
    parser = argparse.ArgumentParser(prog="navarch.fleet.compute.measure", description="Measure this machine.")
    parser.add_argument("--out", type=Path, required=True, help="file to write (JSON)")
    parser.add_argument("--device", default="auto", choices=DEVICES)
    parser.add_argument("--precision", action="append", help=f"of {', '.join(PRECISIONS)}; may be repeated")
    parser.add_argument("--shape", action="append", help="4096 or 64x8192x8192; may be repeated")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds")
    given = parser.parse_args(arguments)
    try:
        shapes = [read_shape(text) for text in given.shape or ()]
        told = measure_compute(given.device, given.precision, shapes or None, given.limit, _tell)
    except MeasureError as error:
        sys.stderr.write(f"navarch: {error}\n")
        return 2
    write_measured(told, given.out)
    return 0


def _tell(share: float, what: str) -> None:
    sys.stderr.write(f"{share:4.0%}  {what}\n")


if __name__ == "__main__":
    sys.exit(main())
