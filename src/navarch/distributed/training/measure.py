"""Data, tensor and pipeline parallelism really run: a small transformer over processes that talk through gloo.

Gradients are compared with those of one process, bytes are counted by the operating system where it does, and each
step is predicted from what was measured of its parts: computation, latency and bandwidth. On a CUDA device the
computation runs there, and the processes talk through the host. Needs PyTorch.

    python -m navarch.distributed.training.measure --out FILE [--ranks 2] [--device cpu] [--limit 20]
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np

from navarch.core.arithmetic import difference, ratio, sum_of
from navarch.core.sweep_threads import WORKER_ENVIRONMENT
from navarch.distributed.collectives import estimate as collectives
from navarch.distributed.training import communication as com
from navarch.distributed.training import step as steps
from navarch.distributed.training.ingredients import ring_step_latency
from navarch.distributed.training.measurement import FormMeasured, FormName, Network, ParallelMeasured, Problem
from navarch.distributed.training.ranks import Group, run_forms
from navarch.fleet.compute.measurement import MeasureError, Spread

Progress = Callable[[float, str], None]

RANKS = 2
LIMIT, LEAST_LIMIT = 20.0, 2.0
DEVICES = ("auto", "cpu", "cuda")
ORPHANED = 3
PASSES = 2  # forward and backward, there and back
ALL_REDUCES_OF_A_PASS = 2  # of a layer: after attention and after the feed-forward part
BYTES_OF_32_BITS = 4
UNIT_NETWORK = (1.0, 0.0)
"""A byte a second without latency: what is sent takes a second for each byte."""


def measure_parallel(
    ranks: int = RANKS,
    problem: Problem | None = None,
    device: str = "auto",
    limit: float = LIMIT,
    progress: Progress | None = None,
) -> ParallelMeasured:
    """Run data, tensor and pipeline parallelism over processes of this machine.

    ranks: processes; problem: the transformer that they train; device: `cpu`, `cuda` or `auto` (CUDA where there is
    one); limit: of the measurement [s], the start of the processes left out; progress: called with the share done and
    what is measured next. MeasureError where it cannot be as asked.
    """
    asked = problem or Problem()
    asked.check(ranks)
    if limit < LEAST_LIMIT:
        raise MeasureError(f"limit: {limit:g} s is not allowed; it must be at least {LEAST_LIMIT:g} s")
    if device not in DEVICES:
        raise MeasureError(f"device: {device!r} is not one; there are: {', '.join(DEVICES)}")
    made = _run(ranks, asked, device, limit, progress or (lambda _share, _what: None))
    return predicted_beside(made, ranks, asked)


def predicted_beside(made: Mapping[str, Any], ranks: int, problem: Problem) -> ParallelMeasured:
    """What was measured, each form beside its prediction.

    made: as `ranks.run_forms` leaves it, with the device; ranks: processes; problem: that they trained.
    """
    network = _network(made, ranks)
    return ParallelMeasured(
        device=made["device"],
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        ranks=ranks,
        problem=problem,
        parameters=float(made["forms"]["data"]["parameters"]),
        single=Spread.of(made["single"]),
        network=network,
        forms=tuple(_form(form, seen, ranks, problem, network) for form, seen in made["forms"].items()),
    )


def _network(made: Mapping[str, Any], ranks: int) -> Network:
    """Latency and bandwidth of Hockney's law, from the times of a small and of a large message."""
    grown = difference(made["bytes"][1], made["bytes"][0], unit="byte")
    (reduce_small, both_small), (reduce_large, both_large) = (
        [float(np.median(times)) for times in made[size]] for size in ("small", "large")
    )
    there_small, there_large = (ratio(both, PASSES) for both in (both_small, both_large))
    return Network(
        float(ring_step_latency(reduce_small, ranks)),
        float(collectives.all_reduce_bus_bandwidth(grown, difference(reduce_large, reduce_small), ranks)),
        float(there_small),
        float(collectives.algorithm_bandwidth(grown, difference(there_large, there_small))),
    )


def _form(form: FormName, seen: Mapping[str, Any], ranks: int, problem: Problem, network: Network) -> FormMeasured:
    """A form beside its prediction."""
    computation = Spread.of(seen["computation"]).median
    tokens = problem.batch * problem.sequence
    bubble = 0.0
    if form == "pipeline":
        one = steps.per_microbatch(computation, problem.microbatches)
        message = com.boundary_message(tokens // problem.microbatches, problem.width, 1, BYTES_OF_32_BITS)
        send = collectives.point_to_point_time(message, network.message_bandwidth, network.message_latency)
        sends = steps.over_microbatches(com.pipeline_time(send, 0.0, ranks, 1), problem.microbatches)
        middle = min(ranks - 1, PASSES) * problem.microbatches
        sent = steps.over_microbatches(message, middle)
        bubble = float(steps.bubble_time(one, ranks, 1))
        parts = [computation, bubble, sends]
        communication = sends
    else:
        message, times = _reduced(form, seen, problem)
        reduce = collectives.ring_all_reduce_time(message, ranks, network.bandwidth, network.latency)
        communication = steps.over_microbatches(reduce, times)
        sent = steps.over_microbatches(collectives.ring_all_reduce_time(message, ranks, *UNIT_NETWORK), times)
        parts = [computation, communication]
    return FormMeasured(
        form=form,
        step=Spread.of(seen["step"]),
        computation=computation,
        communication=float(communication),
        bubble=bubble,
        predicted=float(sum_of(*parts)),
        sent=float(seen["sent"]),
        sent_predicted=float(sent),
        counted=bool(seen["counted"]),
        difference=float(seen["difference"]),
    )


def _reduced(form: FormName, seen: Mapping[str, Any], problem: Problem) -> tuple[float, int]:
    """The message of a form's all-reduces [byte], and how many of them a step has."""
    if form == "data":
        return seen["parameters"] * BYTES_OF_32_BITS, 1
    tokens = problem.batch * problem.sequence
    message = float(com.layer_message(tokens, problem.width, BYTES_OF_32_BITS))
    # the input of the first layer needs no gradient
    return message, int(difference(PASSES * ALL_REDUCES_OF_A_PASS * problem.layers, 1))


def _run(ranks: int, problem: Problem, device: str, limit: float, progress: Progress) -> dict[str, Any]:
    """Start the processes, listen to the first of them, and read what it leaves."""
    progress(0.0, "starting the processes")
    environment = {**os.environ, **WORKER_ENVIRONMENT}
    with tempfile.TemporaryDirectory() as folder:
        task = {"folder": folder, "ranks": ranks, "problem": asdict(problem), "device": device, "limit": limit}
        started = [_start(environment) for _ in range(ranks)]
        try:
            for rank, process in enumerate(started):
                _write_line(process.stdin, {**task, "rank": rank})
            made = _listen(started[0], progress)
        finally:
            for process in started:
                _end(process)
    if "cannot" in made:
        raise MeasureError(made["cannot"])
    return made


def _start(environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "navarch.distributed.training.measure", "--rank"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8", env=dict(environment),
    )  # fmt: skip


def _end(process: subprocess.Popen[str]) -> None:
    """End a process, whatever it is doing."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _write_line(to: IO[str] | None, message: Mapping[str, Any]) -> None:
    if to is not None:
        to.write(json.dumps(message) + "\n")
        to.flush()


def _listen(process: subprocess.Popen[str], progress: Progress) -> dict[str, Any]:
    """What a process tells, to the last line, which is its result."""
    last: dict[str, Any] = {}
    for line in process.stdout or ():
        last = json.loads(line)
        if "share" in last:
            progress(last["share"], last["what"])
    if not last or "share" in last:
        return {"cannot": f"a process ended before it was done (code {process.wait()})"}
    return last


def rank_main() -> int:
    """One of the processes: it reads its task, runs its part, and ends when whoever started it does."""
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        import torch
    except ImportError:
        _write_line(answers, {"cannot": "PyTorch is not installed; `pip install navarch[measure]` brings it"})
        return 1
    device = _device(torch, task["device"], task["rank"])
    if not device:
        _write_line(answers, {"cannot": "device: cuda is not there; cpu is"})
        return 1
    torch.set_num_threads(1)
    rendezvous = (Path(task["folder"]) / "rendezvous").as_uri()
    torch.distributed.init_process_group("gloo", init_method=rendezvous, rank=task["rank"], world_size=task["ranks"])
    group = Group(torch, device, task["rank"], task["ranks"])
    first = task["rank"] == 0
    tell = (lambda share, what: _write_line(answers, {"share": share, "what": what})) if first else _silent
    made = run_forms(group, Problem(**task["problem"]), task["limit"], tell)
    name = "CPU" if device == "cpu" else str(torch.cuda.get_device_name(0))
    group.barrier()
    _write_line(answers, {**made, "device": name})
    return 0


def _silent(_share: float, _what: str) -> None:
    """Only the first process tells how far it is."""


def _device(torch: Any, asked: str, rank: int) -> str:
    """The device of a process; "" where the one that was asked for is not there."""
    there = bool(torch.cuda.is_available())
    if asked == "cpu" or (asked == "auto" and not there):
        return "cpu"
    return f"cuda:{rank % torch.cuda.device_count()}" if there else ""


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(ORPHANED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the measurement as JSON."""
    parser = argparse.ArgumentParser(prog="navarch.distributed.training.measure", description=measure_parallel.__doc__)
    parser.add_argument("--rank", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help="file to write (JSON)")
    parser.add_argument("--ranks", type=int, default=RANKS)
    parser.add_argument("--device", default="auto", choices=DEVICES)
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds")
    given = parser.parse_args(arguments)
    if given.rank:
        return rank_main()
    try:
        made = measure_parallel(given.ranks, device=given.device, limit=given.limit, progress=_tell)
    except MeasureError as error:
        sys.stderr.write(f"navarch: {error}\n")
        return 2
    text = json.dumps(made.as_plain(), indent=1, ensure_ascii=False) + "\n"
    if given.out is None:
        sys.stdout.write(text)
        return 0
    begun = given.out.with_name(f".{given.out.name}.part")
    begun.write_text(text, "utf-8")
    begun.replace(given.out)
    return 0


def _tell(share: float, what: str) -> None:
    sys.stderr.write(f"{share:4.0%}  {what}\n")


if __name__ == "__main__":
    sys.exit(main())
