"""What each process of a parallel training run does: the same small transformer divided by data, tensors or stages.

PyTorch is handed in by `measure.py`, the only module that imports it. Every process builds the whole model from one
seed, so that it can compare its gradients with those of one process.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from navarch.distributed.training.measurement import FormName, Problem

SEED = 0
SMALL, LARGE = 1, 2**19  # elements of the messages that show latency and bandwidth
ROUNDS = 20
LEAST, MOST = 3, 60
WARM_UP = 2
COUNTERS = Path("/proc/self/io")

Step = Callable[[], Any]
Reduction = Callable[[Any], Any]
SPLITS = {"query": 1, "key": 1, "value": 1, "out": 0, "up": 1, "down": 0}
"""The matrices of a layer, and the dimension that tensor parallelism divides."""


def sent_so_far() -> int | None:
    """Bytes that this process has written to files and sockets, where the operating system counts them."""
    if not COUNTERS.exists():
        return None
    return next(int(line.split(":")[1]) for line in COUNTERS.read_text().splitlines() if line.startswith("wchar"))


class Group:
    """The processes, and what they say to each other. Tensors of a device without a network go through the host."""

    def __init__(self, torch: Any, device: str, rank: int, ranks: int) -> None:
        self.torch, self.distributed = torch, torch.distributed
        self.device, self.rank, self.ranks = device, rank, ranks
        self.silent = False
        self.carried = 0  # bytes, as the collectives have it
        self.waiting: list[Any] = []

    def all_reduce(self, tensor: Any) -> Any:
        """The sum over all processes, in place."""
        if self.silent:
            return tensor
        self.carried += 2 * (self.ranks - 1) * tensor.numel() * tensor.element_size() // self.ranks
        host = tensor.cpu() if self.device != "cpu" else tensor
        self.distributed.all_reduce(host)
        return tensor.copy_(host) if host is not tensor else tensor

    def send(self, tensor: Any, to: int) -> None:
        """Send without waiting for it to arrive."""
        if not self.silent:
            self.carried += tensor.numel() * tensor.element_size()
            host = tensor.detach().cpu().contiguous()
            self.waiting.append((self.distributed.isend(host, to), host))

    def receive(self, like: Any, source: int) -> Any:
        """What a process sent, in the shape of `like`."""
        host = self.torch.zeros(like.shape, dtype=like.dtype)
        if not self.silent:
            self.distributed.recv(host, source)
        return host.to(self.device)

    def sent(self) -> None:
        """Wait until all that was sent has arrived."""
        for work, _ in self.waiting:
            work.wait()
        self.waiting.clear()

    def barrier(self) -> None:
        """Wait for all processes."""
        if self.device != "cpu":
            self.torch.cuda.synchronize()
        self.distributed.barrier()

    def most(self, value: float) -> float:
        """The largest of a number over the processes."""
        told = self.torch.tensor([value], dtype=self.torch.float64)
        self.distributed.all_reduce(told, self.distributed.ReduceOp.MAX)
        return float(told[0])

    def timed(self, step: Step) -> float:
        """Time of a step, from a common start to its end here [s]."""
        self.barrier()
        start = time.perf_counter()
        step()
        if self.device != "cpu":
            self.torch.cuda.synchronize()
        return time.perf_counter() - start


class Model:
    """A transformer without biases: layers of attention and of two matrices with a GELU between them.

    share: of the heads and of the inner width, as (place, parts), that this process has; layers: that it has.
    """

    def __init__(self, group: Group, problem: Problem, kind: Any, share: tuple[int, int], layers: range) -> None:
        torch = group.torch
        self.group, self.problem, self.torch, self.kind, self.parts = group, problem, torch, kind, share[1]
        random = torch.Generator().manual_seed(SEED)
        self.layers: list[dict[str, Any]] = []
        for place in range(problem.layers):
            whole = {
                name: torch.randn(shape, generator=random, dtype=torch.float64) / math.sqrt(shape[0])
                for name, shape in problem.matrices.items()
            }
            if place in layers:
                self.layers.append({name: self._part(whole[name], SPLITS[name], share) for name in whole})
        tokens = (problem.batch, problem.sequence, problem.width)
        self.inputs, self.targets = (
            torch.randn(tokens, generator=random, dtype=torch.float64).to(kind).to(group.device) for _ in range(2)
        )
        reduce, keep = _tensor_functions(torch, group)
        self.gather: Reduction = reduce if self.parts > 1 else _same
        self.spread: Reduction = keep if self.parts > 1 else _same

    def _part(self, whole: Any, dimension: int, share: tuple[int, int]) -> Any:
        place, parts = share
        part = whole.chunk(parts, dimension)[place].to(self.kind).to(self.group.device).contiguous()
        return part.requires_grad_()

    @property
    def parameters(self) -> list[Any]:
        return [layer[name] for layer in self.layers for name in SPLITS]

    def forward(self, x: Any) -> Any:
        """Hidden states after the layers that this process has.  x: (sequences, tokens, width)"""
        functional = self.torch.nn.functional
        width = (self.problem.width,)
        for layer in self.layers:
            y = self.spread(functional.layer_norm(x, width))
            query, key, value = (self._by_head(y @ layer[name]) for name in ("query", "key", "value"))
            mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
            x = x + self.gather(mixed.transpose(1, 2).flatten(2) @ layer["out"])
            y = self.spread(functional.layer_norm(x, width))
            x = x + self.gather(functional.gelu(y @ layer["up"]) @ layer["down"])
        return x

    def _by_head(self, y: Any) -> Any:
        """(sequences, tokens, heads here x width of a head) -> (sequences, heads here, tokens, width of a head)"""
        return y.unflatten(2, (self.problem.heads // self.parts, -1)).transpose(1, 2)

    def loss(self, y: Any, targets: Any) -> Any:
        """The share of these sequences in the mean square error of the whole batch."""
        return ((y - targets) ** 2).sum() / self.targets.numel()

    def clear(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None


def _same(tensor: Any) -> Any:
    return tensor


def _tensor_functions(torch: Any, group: Group) -> tuple[Any, Any]:
    """Megatron's two functions: sum forward and nothing backward; nothing forward and sum backward."""

    class Gather(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, part: Any) -> Any:
            return group.all_reduce(part.clone())

        @staticmethod
        def backward(context: Any, gradient: Any) -> Any:
            return gradient

    class Spread(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, whole: Any) -> Any:
            return whole.view_as(whole)

        @staticmethod
        def backward(context: Any, gradient: Any) -> Any:
            return group.all_reduce(gradient.contiguous().clone())

    return Gather.apply, Spread.apply


def whole_step(group: Group, problem: Problem, kind: Any) -> tuple[Model, Step]:
    """One process alone: the whole model, the whole batch."""
    model = Model(group, problem, kind, (0, 1), range(problem.layers))

    def step() -> None:
        model.clear()
        model.loss(model.forward(model.inputs), model.targets).backward()

    return model, step


def data_step(group: Group, problem: Problem, kind: Any) -> tuple[Model, Step]:
    """The whole model, a part of the batch; gradients are summed over the processes."""
    model = Model(group, problem, kind, (0, 1), range(problem.layers))
    inputs, targets = (whole.chunk(group.ranks)[group.rank] for whole in (model.inputs, model.targets))

    def step() -> None:
        model.clear()
        model.loss(model.forward(inputs), targets).backward()
        flat = group.torch.cat([parameter.grad.flatten() for parameter in model.parameters])
        group.all_reduce(flat)
        start = 0
        for parameter in model.parameters:
            size = parameter.numel()
            parameter.grad = flat[start : start + size].view_as(parameter)
            start += size

    return model, step


def tensor_step(group: Group, problem: Problem, kind: Any) -> tuple[Model, Step]:
    """A part of the heads and of the inner width, the whole batch; activations are summed twice a layer and pass."""
    model = Model(group, problem, kind, (group.rank, group.ranks), range(problem.layers))

    def step() -> None:
        model.clear()
        model.loss(model.forward(model.inputs), model.targets).backward()

    return model, step


def pipeline_step(group: Group, problem: Problem, kind: Any) -> tuple[Model, Step]:
    """A part of the layers, one microbatch after the other: all forwards, then all backwards (GPipe)."""
    each = problem.layers // group.ranks
    model = Model(group, problem, kind, (0, 1), range(group.rank * each, (group.rank + 1) * each))
    first, last = group.rank == 0, group.rank == group.ranks - 1
    inputs, targets = (whole.chunk(problem.microbatches) for whole in (model.inputs, model.targets))

    def step() -> None:
        model.clear()
        held = []
        for given, wanted in zip(inputs, targets, strict=True):
            x = given if first else group.receive(given, group.rank - 1).requires_grad_()
            y = model.forward(x)
            if last:
                y = model.loss(y, wanted)
            else:
                group.send(y, group.rank + 1)
            held.append((x, y))
        for x, y in held:
            y.backward(None if last else group.receive(y, group.rank + 1))
            if not first:
                group.send(x.grad, group.rank - 1)
        group.sent()

    return model, step


STEPS: dict[FormName, Callable[[Group, Problem, Any], tuple[Model, Step]]] = {
    "data": data_step, "tensor": tensor_step, "pipeline": pipeline_step,
}  # fmt: skip


def difference(group: Group, problem: Problem, form: FormName) -> float:
    """How far the gradients of a form are from those of one process, in 64 bits: largest over the processes."""
    kind = group.torch.float64
    whole, alone = whole_step(group, problem, kind)
    alone()
    model, step = STEPS[form](group, problem, kind)
    step()
    each = problem.layers // group.ranks
    first = group.rank * each if form == "pipeline" else 0
    share = (group.rank, group.ranks) if form == "tensor" else (0, 1)
    worst = 0.0
    for place, layer in enumerate(model.layers):
        for name, dimension in SPLITS.items():
            wanted = whole.layers[first + place][name].grad
            part = wanted.chunk(share[1], dimension)[share[0]]
            worst = max(worst, float((layer[name].grad - part).abs().max() / wanted.abs().max()))
    return group.most(worst)


def observed(group: Group, step: Step, seconds: float) -> tuple[list[float], list[float]]:
    """Times of a step, that of the slowest process each, for about so many seconds [s]: as it is, and in turn with it
    without communication, so that both meet the machine in the same mood."""
    for _ in range(WARM_UP):
        once = group.most(group.timed(step))
    repeats = max(LEAST, min(MOST, int(seconds / (2 * once))))
    times: list[float] = []
    silent: list[float] = []
    for _ in range(repeats):
        times.append(group.most(group.timed(step)))
        group.silent = True
        silent.append(group.most(group.timed(step)))
        group.silent = False
    return times, silent


def sent_by(group: Group, step: Step) -> tuple[float, bool]:
    """Bytes that the process that sends most hands to the network in a step, and whether the system counted them."""
    group.barrier()
    before, carried = sent_so_far(), group.carried
    step()
    after = sent_so_far()
    group.barrier()
    counted = before is not None and after is not None
    return group.most(float(after - before if counted else group.carried - carried)), counted  # type: ignore[operator]


def exchanged(group: Group, elements: int) -> tuple[list[float], list[float]]:
    """Times of all-reduces, and of messages there and back, of so many elements [s]."""
    torch = group.torch
    one = torch.ones(elements)
    reduces = [group.most(group.timed(lambda: group.all_reduce(one))) for _ in range(ROUNDS)]

    def there_and_back() -> None:
        if group.rank == 0:
            group.send(one, 1)
            group.receive(one, 1)
        elif group.rank == 1:
            group.send(group.receive(one, 0), 0)
        group.sent()

    return reduces, [group.most(group.timed(there_and_back)) for _ in range(ROUNDS)]


def run_forms(group: Group, problem: Problem, seconds: float, tell: Callable[[float, str], None]) -> dict[str, Any]:
    """All that is measured, plain: times and bytes, of which every process knows the same."""
    torch = group.torch
    made: dict[str, Any] = {"forms": {}}
    share = seconds / (len(STEPS) + 1)
    tell(0.05, "messages between the processes")
    made["small"], made["large"] = exchanged(group, SMALL), exchanged(group, LARGE)
    made["bytes"] = [SMALL * torch.ones(1).element_size(), LARGE * torch.ones(1).element_size()]
    tell(0.15, "a step of one process alone")
    made["single"] = _alone(group, problem, share)
    for place, form in enumerate(STEPS):
        tell(0.25 + 0.7 * place / len(STEPS), f"{form} parallel steps")
        made["forms"][form] = _form(group, problem, form, share)
    return made


def _alone(group: Group, problem: Problem, share: float) -> list[float]:
    """Steps of the first process while the others wait."""
    _, step = whole_step(group, problem, group.torch.float32)
    return observed(group, step if group.rank == 0 else lambda: None, share)[0]


def _form(group: Group, problem: Problem, form: FormName, share: float) -> dict[str, Any]:
    """A form: its steps, the same without communication, its bytes, and its gradients."""
    model, step = STEPS[form](group, problem, group.torch.float32)
    times, computation = observed(group, step, share)
    sent, counted = sent_by(group, step)
    elements = sum(parameter.numel() for parameter in model.parameters)
    return {
        "step": times, "computation": computation, "sent": sent, "counted": counted, "parameters": elements,
        "difference": difference(group, problem, form),
    }  # fmt: skip
