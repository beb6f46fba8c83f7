"""Measure on a GPU what encoding and decoding a gradient costs, in passes over it, method by method.

Usage: python scripts/measure_coding.py [OUT.json]    (PyTorch with CUDA; a minute)

A pass is one reading or writing of the gradient at the memory bandwidth that the data sheet states. The methods are
those of `compression/compressors.py`, written as a user of PyTorch would, without kernels of their own; what every rank
gathers is decoded for RANKS ranks. The passes of the catalog (constants/compression.yaml) come from here.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

SIDE, LAYERS, RANKS, KEPT, RANK, BLOCK = 4096, 8, 8, 0.01, 4, 1024
WARM, REPEATS = 3, 15
BANDWIDTHS = {"NVIDIA H100 80GB HBM3": 3.35e12, "NVIDIA H200": 4.8e12}
"""Of the memory, as the data sheets say [byte/s]."""
Steps = dict[str, Callable[[], Any]]


def median_of(function: Callable[[], Any]) -> float:
    """Median time of a call [s]."""
    times = []
    for number in range(WARM + REPEATS):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        function()
        end.record()
        torch.cuda.synchronize()
        if number >= WARM:
            times.append(start.elapsed_time(end) / 1e3)
    return statistics.median(times)


class Gradient:
    """A gradient and what was left of the last one."""

    def __init__(self) -> None:
        self.elements = SIDE * SIDE * LAYERS
        self.new = torch.randn(self.elements, device="cuda")
        self.rest = torch.randn_like(self.new)
        self.kept = int(self.elements * KEPT)

    def top_k(self) -> Steps:
        def encode() -> tuple[torch.Tensor, torch.Tensor]:
            self.rest += self.new
            place = torch.topk(self.rest.abs(), self.kept, sorted=False).indices
            value = self.rest[place]
            self.rest[place] = 0
            return place.int(), value

        place, value = encode()
        total = torch.empty_like(self.new)

        def decode() -> None:
            total.zero_()
            for _ in range(RANKS):
                total.index_add_(0, place, value)
            total.div_(RANKS)

        return {"encode": encode, "decode": decode}

    def random_k(self) -> Steps:
        place = torch.randint(self.elements, (self.kept,), device="cuda")
        total = torch.empty_like(self.new)

        def encode() -> torch.Tensor:
            self.rest += self.new
            torch.randint(self.elements, (self.kept,), device="cuda", out=place)
            value = self.rest[place]
            self.rest[place] = 0
            return value

        value = encode()

        def decode() -> None:
            total.zero_()
            total[place] = value

        return {"encode": encode, "decode": decode}

    def sign(self) -> Steps:
        weights = torch.tensor([128, 64, 32, 16, 8, 4, 2, 1], dtype=torch.uint8, device="cuda")
        shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device="cuda")

        def encode() -> tuple[torch.Tensor, torch.Tensor]:
            self.rest += self.new
            scale = self.rest.abs().view(LAYERS, -1).mean(dim=1)
            bits = (self.rest >= 0).view(-1, 8)
            return scale, (bits * weights).sum(dim=1, dtype=torch.uint8)

        scale, packed = encode()
        total = torch.empty_like(self.new)

        def decode() -> None:
            total.zero_()
            for number in range(RANKS):
                signs = ((packed[:, None] >> shifts) & 1).view(LAYERS, -1)
                own = ((signs * 2.0 - 1) * scale[:, None]).view(-1)
                total.add_(own)
                if number == 0:
                    self.rest.sub_(own)
            total.div_(RANKS)

        return {"encode": encode, "decode": decode}

    def _quantised(self, coded: Callable[[torch.Tensor], torch.Tensor], largest: float) -> Steps:
        """Encoded whole, decoded whole (one part from each rank), and the mean of the own part encoded and decoded."""
        part = self.elements // RANKS

        def encoded(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            blocks = values.view(-1, BLOCK)
            scale = blocks.abs().amax(dim=1, keepdim=True).clamp_(min=1e-30) / largest
            return coded(blocks / scale), scale

        def decoded(codes: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
            return (codes.float() * scale).view(-1)

        whole = encoded(self.new)

        def encode() -> None:
            encoded(self.new)
            encoded(self.rest[:part])

        def decode() -> None:
            decoded(*whole).view(RANKS, part).mean(dim=0)
            decoded(*whole)

        return {"encode": encode, "decode": decode}

    def int8(self) -> Steps:
        return self._quantised(lambda x: (x + torch.rand_like(x)).floor_().clamp_(-127, 127).to(torch.int8), 127.0)

    def fp8(self) -> Steps:
        return self._quantised(lambda x: x.to(torch.float8_e4m3fn), 448.0)

    def powersgd(self) -> Steps:
        tensors = self.rest.view(LAYERS, SIDE, SIDE)
        right = torch.randn(LAYERS, SIDE, RANK, device="cuda")
        state: dict[str, torch.Tensor] = {}

        def encode() -> None:
            self.rest += self.new
            left = torch.linalg.qr(tensors @ right)[0]
            state["left"], state["right"] = left, tensors.transpose(1, 2) @ left

        encode()

        def decode() -> None:
            self.rest -= (state["left"] @ state["right"].transpose(1, 2)).view(-1)

        return {"encode": encode, "decode": decode}


def main() -> None:
    """Measure every method and print its passes; write them where a file is named."""
    name = torch.cuda.get_device_name()
    gradient, found = Gradient(), {}
    one_pass = 4 * gradient.elements / BANDWIDTHS[name]
    for method in ("top_k", "random_k", "sign", "int8", "fp8", "powersgd"):
        times = {part: median_of(step) for part, step in getattr(gradient, method)().items()}
        passes = {part: time / one_pass for part, time in times.items()}
        found[method] = {**times, "passes": sum(passes.values())}
        told = ", ".join(f"{part} {times[part] * 1e3:.3f} ms ({count:.1f})" for part, count in passes.items())
        print(f"{method:10} {sum(passes.values()):6.1f} passes: {told}", flush=True)
    about = {"device": name, "torch": torch.__version__, "elements": gradient.elements, "ranks": RANKS, "kept": KEPT}
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps({**about, "methods": found}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
