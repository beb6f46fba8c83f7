"""Where work is really run and timed: NumPy or PyTorch on the host, PyTorch on a CUDA device.

A backend makes calls (a product, a training step, a copy) and times them. PyTorch is handed in by `measure.py`, the
only module that imports it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

Call = Callable[[], Any]
Round = Callable[[], float]

UP = 4  # widths in the inner width of the feed-forward part
COPIES_OF_CACHE = 4  # caches that operands used in turn fill
MOST_COPIES, MOST_CALLS = 64, 400
ROUND = 3e-3  # time that one reading of the device's clock is worth [s]
WARM_UP = 0.3  # [s]
FREE_SHARE = 0.2  # of the free memory, that operands may take
HOST_COPY, DEVICE_COPY = 2**28, 2**31  # [byte]


class UnsupportedError(Exception):
    """The machine or its software cannot do this; the message says why."""


@dataclass(frozen=True, slots=True)
class Block:
    """A transformer block in training: width, heads, tokens of a sequence, sequences of a batch."""

    width: int
    heads: int
    sequence: int
    batch: int

    @property
    def matrices(self) -> tuple[tuple[int, int], ...]:
        """Outputs and inputs of its matrices: query, key and value, output, up, down."""
        w = self.width
        return (3 * w, w), (w, w), (UP * w, w), (w, UP * w)


class Backend(Protocol):
    """What a measurement needs of a machine."""

    device: str
    precisions: tuple[str, ...]
    blocks: tuple[Block, ...]
    attention: bool
    trial: int  # side of the product that shows how fast a precision is

    def product(self, precision: str, rows: int, columns: int, depth: int) -> list[Call]:
        """Calls of one matrix product, each on operands of its own, used in turn."""

    def step(self, precision: str, block: Block) -> list[Call]:
        """A forward and a backward pass of a block."""

    def copy(self) -> tuple[list[Call], int]:
        """A copy larger than the caches, and the bytes of one side."""

    def timed(self, calls: Sequence[Call]) -> Round:
        """What runs all calls, warmed up, and gives the time of one [s]."""


class Numpy(Backend):
    """Products on the host, without attention and with what NumPy has."""

    device = "cpu"
    precisions: tuple[str, ...] = ("fp32", "fp64")
    blocks: tuple[Block, ...] = (Block(1024, 16, 512, 2), Block(512, 8, 256, 1))
    attention = False
    trial = 512

    def __init__(self) -> None:
        self.random = np.random.default_rng(0)
        self.kinds = {"fp32": np.float32, "fp64": np.float64}

    def _matrix(self, precision: str, rows: int, columns: int) -> Any:
        if precision not in self.kinds:
            raise UnsupportedError("NumPy has fp32 and fp64; PyTorch is not installed")
        return self.random.standard_normal((rows, columns), np.float32).astype(self.kinds[precision])

    def product(self, precision: str, rows: int, columns: int, depth: int) -> list[Call]:
        a, w = self._matrix(precision, rows, depth), self._matrix(precision, columns, depth)
        out = np.empty((rows, columns), a.dtype)
        return [lambda: np.matmul(a, w.T, out=out)]

    def step(self, precision: str, block: Block) -> list[Call]:
        tokens = block.batch * block.sequence
        inputs = {n: self._matrix(precision, tokens, n) for n in {n for pair in block.matrices for n in pair}}
        weights = [self._matrix(precision, *shape) for shape in block.matrices]

        def step() -> None:
            for w in weights:
                inputs[w.shape[1]] @ w.T
            for w in reversed(weights):
                inputs[w.shape[0]] @ w
                inputs[w.shape[0]].T @ inputs[w.shape[1]]

        return [step]

    def copy(self) -> tuple[list[Call], int]:
        source, target = np.ones(HOST_COPY, np.uint8), np.zeros(HOST_COPY, np.uint8)
        return [lambda: np.copyto(target, source)], HOST_COPY

    def timed(self, calls: Sequence[Call]) -> Round:
        for call in calls:
            call()

        def once() -> float:
            start = time.perf_counter()
            for call in calls:
                call()
            return (time.perf_counter() - start) / len(calls)

        return once


class Torch(Numpy):
    """The host with PyTorch."""

    precisions = ("fp32", "bf16")
    attention = True

    def __init__(self, torch: Any) -> None:
        super().__init__()
        self.torch = torch
        self.types = {
            "fp64": torch.float64, "fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16,
            "fp16": torch.float16,
        }  # fmt: skip
        torch.manual_seed(0)

    def _copies(self, _bytes: int) -> int:
        return 1

    def _tensor(self, precision: str, *shape: int) -> Any:
        torch = self.torch
        if precision == "fp8":
            return torch.randn(*shape, dtype=torch.bfloat16, device=self.device).to(torch.float8_e4m3fn)
        if precision == "int8":
            return torch.randint(-9, 10, shape, dtype=torch.int8, device=self.device)
        return torch.randn(*shape, dtype=self.types[precision], device=self.device)

    def product(self, precision: str, rows: int, columns: int, depth: int) -> list[Call]:
        torch = self.torch
        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
        first = self._tensor(precision, rows, depth), self._tensor(precision, columns, depth)
        moved = sum(each.numel() * each.element_size() for each in first)
        pairs = [first]
        for _ in range(self._copies(moved) - 1):
            pairs.append((self._tensor(precision, rows, depth), self._tensor(precision, columns, depth)))
        if precision == "int8":
            return [partial(torch._int_mm, a, w.t()) for a, w in pairs]
        if precision == "fp8":
            one = torch.ones((), device=self.device)
            options = {"scale_a": one, "scale_b": one, "out_dtype": torch.bfloat16, "use_fast_accum": True}
            return [partial(torch._scaled_mm, a, w.t(), **options) for a, w in pairs]
        out = torch.empty(rows, columns, dtype=self.types[precision], device=self.device)
        return [partial(torch.mm, a, w.t(), out=out) for a, w in pairs]

    def step(self, precision: str, block: Block) -> list[Call]:
        torch, functional = self.torch, self.torch.nn.functional
        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
        kind = self.types[precision]
        shape = (block.batch, block.sequence, block.width)
        x = torch.randn(*shape, dtype=kind, device=self.device, requires_grad=True)
        gradient = torch.randn(*shape, dtype=kind, device=self.device)
        weights = []
        for outputs, inputs in block.matrices:
            made = torch.randn(outputs, inputs, dtype=kind, device=self.device) / math.sqrt(inputs)
            weights.append(made.requires_grad_())
        qkv, out, up, down = weights
        heads = (block.batch, block.sequence, 3, block.heads, block.width // block.heads)

        def step() -> None:
            h = functional.layer_norm(x, shape[-1:])
            q, k, v = functional.linear(h, qkv).view(heads).permute(2, 0, 3, 1, 4)  # (batch, heads, sequence, size)
            mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            h = x + functional.linear(mixed.transpose(1, 2).reshape(shape), out)
            inner = functional.gelu(functional.linear(functional.layer_norm(h, shape[-1:]), up))
            torch.autograd.grad(h + functional.linear(inner, down), (x, *weights), gradient)

        return [step]

    def copy(self) -> tuple[list[Call], int]:
        size = self._copy_size()
        source = self.torch.ones(size, dtype=self.torch.uint8, device=self.device)
        target = self.torch.zeros_like(source)
        return [lambda: target.copy_(source)], size

    def _copy_size(self) -> int:
        return HOST_COPY


class Cuda(Torch):
    """A CUDA device with PyTorch: times by the device's own events, launches left out where a graph can be captured."""

    device = "cuda"
    precisions = ("bf16", "fp8")
    blocks = (Block(8192, 64, 4096, 2), Block(4096, 32, 2048, 2), Block(2048, 16, 1024, 2))
    trial = 4096

    def __init__(self, torch: Any) -> None:
        super().__init__(torch)
        self.cache = int(getattr(torch.cuda.get_device_properties(0), "L2_cache_size", 0)) or 2**26
        self._warm()

    def _warm(self) -> None:
        """Bring the clocks up."""
        a = self.torch.randn(4096, 4096, dtype=self.torch.float16, device=self.device)
        end = time.perf_counter() + WARM_UP
        while time.perf_counter() < end:
            for _ in range(20):
                a @ a
            self.torch.cuda.synchronize()

    def _copies(self, moved: int) -> int:
        self.torch.cuda.empty_cache()
        free, _ = self.torch.cuda.mem_get_info()
        room = max(1, int(free * FREE_SHARE) // moved)
        return max(1, min(math.ceil(COPIES_OF_CACHE * self.cache / moved) + 1, MOST_COPIES, room))

    def _copy_size(self) -> int:
        free, _ = self.torch.cuda.mem_get_info()
        return min(DEVICE_COPY, int(free * FREE_SHARE))

    def timed(self, calls: Sequence[Call]) -> Round:
        cuda = self.torch.cuda
        for call in calls:
            call()
        eager = self._between(lambda: [call() for call in calls])
        rounds = max(1, min(math.ceil(ROUND / max(eager(), 1e-9)), MOST_CALLS // len(calls)))
        every = [call for _ in range(rounds) for call in calls]
        run = self._captured(every) if rounds > 1 or len(calls) > 1 else every[0]
        run()
        cuda.synchronize()
        once = self._between(run)
        return lambda: once() / len(every)

    def _between(self, run: Call) -> Round:
        """The time of a call by the device's events [s]."""
        cuda = self.torch.cuda

        def once() -> float:
            start, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
            start.record()
            run()
            end.record()
            end.synchronize()
            return float(start.elapsed_time(end)) / 1e3  # events count milliseconds

        return once

    def _captured(self, calls: Sequence[Call]) -> Call:
        """All calls as one graph; one after the other where they cannot be captured."""
        cuda = self.torch.cuda
        graph, side = cuda.CUDAGraph(), cuda.Stream()
        try:
            side.wait_stream(cuda.current_stream())
            with cuda.stream(side):
                calls[0]()
            cuda.current_stream().wait_stream(side)
            with cuda.graph(graph):
                for call in calls:
                    call()
        except RuntimeError:
            cuda.synchronize()
            return lambda: [call() for call in calls]
        return graph.replay
