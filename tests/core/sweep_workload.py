"""What the tests of sweeps compute: in a module of its own, for worker processes to import it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from navarch.core.pareto import pareto_front
from navarch.core.sweep import spans, sweep

OBJECTIVES = ("time", "cost", "carbon")
CHUNKS = spans(1_000_000, 40_000)
FEW = spans(60_000, 4_000)
Table = dict[str, Any]
Shared = dict[str, Any]


def constants() -> Shared:
    """The shared argument of `designs`: a table that is much larger than a chunk, and a few numbers."""
    table = np.random.Generator(np.random.Philox(key=[1, 2])).random((4096, 8))
    return {"table": table, "powers": (0.3, 0.7, 1.1)}


def designs(shared: Shared, span: range) -> Table:
    """The front of made-up designs, each with three objectives that trade against one another."""
    index = np.arange(span.start, span.stop)
    row = shared["table"][(index * 2654435761) % 4096]
    x, y = row[:, 0] + (index % 1009) / 1009, row[:, 1] + (index % 911) / 911
    a, b, c = shared["powers"]
    wave = np.sin(index * 0.37) * 0.05 + row[:, 2:] @ np.linspace(0.1, 0.2, 6)
    values = np.stack(
        [np.exp(-a * x) + y**b + wave, np.log1p(x) * y ** (-a) + wave**2, np.sqrt(x * y) + np.cosh(c * (1 - x)) / 3],
        axis=1,
    )
    best = pareto_front(values)
    return {
        "design": index[best],
        **{name: values[best, i] for i, name in enumerate(OBJECTIVES)},
        "label": np.array([f"design {i}" for i in index[best]], dtype=np.str_),
        "total": float(values.sum()),
        "considered": len(index),
    }


def merged(answer: Table | None, result: Table) -> Table:
    """The front of what came so far and the next chunk's, and the running sums, which depend on the order of chunks."""
    if answer is None:
        return result
    names = ("design", *OBJECTIVES, "label")
    joined = {name: np.concatenate([answer[name], result[name]]) for name in names}
    best = pareto_front(np.stack([joined[name] for name in OBJECTIVES], axis=1))
    sums = {name: answer[name] + result[name] for name in ("total", "considered")}
    return {name: column[best] for name, column in joined.items()} | sums


def paused(shared: Shared, span: range) -> Table:
    """`designs`, slowly enough for somebody to interfere, leaving a file a call."""
    result = designs(shared, span)
    (Path(shared["notes"]) / f"{span.start}-{os.getpid()}-{time.monotonic_ns()}").touch()
    time.sleep(shared["pause"])
    return result


def held(shared: Shared, span: range) -> Table:
    """`paused`, and then for as long as the gate is shut, leaving a file for each process that waits at it."""
    result = paused(shared, span)
    gate = Path(shared["gate"])
    while (gate / "shut").exists():
        (gate / str(os.getpid())).touch()
        time.sleep(0.02)
    return result


def noted(shared: Shared, span: range) -> Table:
    """`designs`, out of order: the first chunks take longest."""
    time.sleep(0.02 if span.start % 3 == 0 else 0.0)
    return designs(shared, span)


def long_sum(shared: Shared, chunk: int) -> float:
    """An inner product whose bits depend on how many threads compute it."""
    return float(shared["left"] @ shared["right"]) + chunk


def square(shared: Any, chunk: int) -> int:
    """Next to no work."""
    return chunk * chunk


def refusing(shared: set[int], chunk: int) -> int:
    """Fails at some chunks."""
    time.sleep(0.05 if chunk < 5 else 0)
    if chunk in shared:
        raise ArithmeticError(f"{chunk} cannot be divided")
    return chunk


def dying(shared: Any, chunk: int) -> int:
    """Ends its own process."""
    if chunk == 3:
        os._exit(9)
    return chunk


def writing(shared: Shared, chunk: int) -> float:
    """Writes to the shared argument, which it must not."""
    shared["table"][0, 0] = chunk
    return chunk


def threads(shared: Any, chunk: int) -> tuple[int, ...]:
    """How many threads the libraries use here."""
    import numba
    from threadpoolctl import threadpool_info

    return (numba.get_num_threads(), *(pool["num_threads"] for pool in threadpool_info()))


def bulky(shared: Any, chunk: int) -> np.ndarray:
    """A result of a megabyte."""
    return np.full(2**17, float(chunk))


def raising(shared: Any, chunk: int) -> int:
    """Fails with an error that cannot be unpickled."""
    raise AwkwardError("tensor", chunk)


class AwkwardError(ValueError):
    """An error that is made of more than its message, as a user's mistake often is."""

    def __init__(self, field: str, value: int) -> None:
        super().__init__(f"{field}={value} is too many")


def bits(answer: Table) -> dict[str, Any]:
    """Everything of an answer, with nothing rounded."""
    return {
        name: (value.dtype.str, value.tobytes()) if isinstance(value, np.ndarray) else (type(value), value)
        for name, value in answer.items()
    }


def front(chunks: Any = FEW, function: Any = designs, **options: Any) -> dict[str, Any]:
    """The front that a sweep finds, as bits."""
    shared = options.pop("shared", constants())
    return bits(sweep(function, chunks, merged, None, shared=shared, **options))


def appended(answer: list[Any], result: Any) -> list[Any]:
    """A reduction that keeps everything."""
    return [*answer, result]


def added(answer: float, result: Any) -> float:
    """A reduction to a sum."""
    return answer + float(np.sum(result))
