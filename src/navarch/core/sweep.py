"""Sweeps: a function mapped over many chunks of work, on this machine or on a Ray cluster, with the same bits.

The answer depends on the function, the shared argument and the list of chunks alone: not on the engine, the number of
workers or the order in which chunks finish. Results are reduced in the order of the chunks, as they come.
"""

from __future__ import annotations

import os
import pickle
import site
import socket
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack, redirect_stdout, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from navarch.core.sweep_error import SweepError, failed_chunk, sendable
from navarch.core.sweep_fingerprint import fingerprint
from navarch.core.sweep_pool import Engine, Failure, InProcess, Pool, Work, unpicklable
from navarch.core.sweep_store import Store
from navarch.core.sweep_threads import WORKER_ENVIRONMENT, environment, one_thread

__all__ = ["EngineName", "SweepError", "cores", "spans", "sweep"]

EngineName = Literal["local", "ray"]

WINDOW_PER_WORKER = 4
"""How many chunks a worker may be ahead of the reduction, where nobody says."""

OBJECT_STORE = 200 * 2**20
"""Shared memory of a Ray that is started here [byte]. The shared argument lies there, or on disk where it is larger."""

ANSWER_TIME = 10.0
"""How long a cluster may take to answer [s]."""

NOBODY = "http://127.0.0.1:9"
OFFLINE = {"RAY_USAGE_STATS_ENABLED": "0", "http_proxy": NOBODY, "https_proxy": NOBODY}
"""What keeps a Ray that is started here off the network: it asks which cloud it is in even where it reports nothing."""

S = TypeVar("S")
C = TypeVar("C")
R = TypeVar("R")
A = TypeVar("A")


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def spans(total: int, size: int) -> list[range]:
    """Cut the numbers from 0 to `total` into contiguous ranges of `size`; the last may be shorter."""
    return [range(start, min(start + size, total)) for start in range(0, total, size)]


def sweep(
    function: Callable[[S, C], R],
    chunks: Sequence[C],
    reduce: Callable[[A, R], A],
    initial: A,
    *,
    shared: S,
    engine: EngineName = "local",
    workers: int | None = None,
    address: str | None = None,
    window: int | None = None,
    folder: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    retries: int = 3,
) -> A:
    """Call `function(shared, chunk)` for every chunk and fold the results, in the order of the chunks, in this process.

    function: pure, importable by name, or a partial of such a function; it sees the arrays of `shared` read-only.
    reduce: `(answer so far, result) -> answer`, starting with `initial`.
    engine: `local`, processes of this machine (`workers`, by default one a core; 1 is this process), or `ray`.
    address: of a Ray cluster; None starts a Ray on this machine, unless this process is connected to one. With an
    address, `workers` limits the chunks computed at a time.
    window: chunks computed, or waiting for their turn, beyond the oldest that is not reduced yet: what bounds memory.
    folder: where finished chunks are kept as Parquet files and where an interrupted sweep of the same function, shared
    argument and chunks goes on. Results are then mappings of names to columns, or to plain numbers or texts.
    progress: called in this process with the chunks finished and the chunks in all.
    retries: how often Ray computes a chunk again that was lost with its process or node.

    Raises SweepError, naming the first chunk that fails and why; what was finished stays in the folder.
    """
    workers = _checked(function, engine, workers, address, window)
    with ExitStack() as stack:
        stack.enter_context(one_thread())
        store = None
        if folder is not None:
            store = Store(Path(folder), fingerprint(function, shared, chunks), len(chunks))
            stack.callback(store.close)
        running: Engine
        if engine == "ray":
            stack.enter_context(redirect_stdout(sys.stderr))  # where Ray tells of lost workers, though not an answer
            running = _Ray(function, shared, workers, address, retries)
        elif (count := min(workers or cores(), len(chunks))) <= 1:
            running = InProcess(function, shared)
        else:
            running = Pool(function, shared, count, WINDOW_PER_WORKER * count)
        fold = _Fold(running, chunks, store, window or running.slots, progress)
        return fold.run(reduce, initial)


def _checked(function: Any, engine: str, workers: int | None, address: str | None, window: int | None) -> int | None:
    """Refuse arguments that cannot be meant."""
    if engine not in get_args(EngineName):
        raise SweepError(f"engine: {engine!r} is not one; allowed: {', '.join(get_args(EngineName))}")
    if address is not None and engine != "ray":
        raise SweepError(f"address: {address!r} is of a Ray cluster, which the engine {engine!r} does not use")
    for name, value in (("workers", workers), ("window", window)):
        if value is not None and value < 1:
            raise SweepError(f"{name}: {value} is too few; allowed: 1 or more")
    try:
        pickle.dumps(function)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise SweepError(
            f"the function of a sweep must be importable by name, not a lambda or a function within a function: {error}"
        ) from error
    return workers


class _Fold:
    """One sweep under way: gives chunks out, takes results in, and reduces those whose turn has come."""

    def __init__(
        self,
        engine: Engine,
        chunks: Sequence[Any],
        store: Store | None,
        window: int,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.engine, self.chunks, self.store, self.window, self.progress = engine, chunks, store, window, progress
        self.outcomes: dict[int, Any] = {}
        self.arrived: deque[tuple[int, Any]] = deque()
        self.given = self.computing = self.finished = 0
        self.stopped = False

    def run(self, reduce: Callable[[Any, Any], Any], answer: Any) -> Any:
        """The answer, from the first chunk to the last."""
        abandon = True
        try:
            for turn in range(len(self.chunks)):
                self._give_out(turn)
                while turn not in self.outcomes:
                    self._take_in()
                    self._give_out(turn)
                outcome = self.outcomes.pop(turn)
                if isinstance(outcome, Failure):
                    raise failed_chunk(turn, self.chunks[turn], outcome.cause) from outcome.cause
                answer = reduce(answer, outcome)
            abandon = False
        except KeyboardInterrupt:
            self._save_what_came()
            raise
        finally:
            self.engine.close(abandon)
        return answer

    def _give_out(self, turn: int) -> None:
        """Fill the window; once a chunk has failed, compute only what comes before it."""
        while (
            self.given < min(len(self.chunks), turn + self.window)
            and self.computing < self.engine.slots
            and not self.stopped
        ):
            index, self.given = self.given, self.given + 1
            kept = self.store.read(index) if self.store else None
            if kept is None:
                self.computing += 1
                self.engine.submit(index, self.chunks[index])
            else:
                self._finish(index, kept)

    def _take_in(self) -> None:
        """Keep what has come."""
        self.arrived.extend(self.engine.finished())
        while self.arrived:
            index, outcome = self.arrived[0]
            kept = outcome if self.store is None or isinstance(outcome, Failure) else self.store.write(index, outcome)
            self.arrived.popleft()
            self.computing -= 1
            if isinstance(outcome, Failure):
                self.stopped = True
                self.outcomes[index] = outcome
            else:
                self._finish(index, kept)

    def _save_what_came(self) -> None:
        """Put on disk what was finished when the sweep was interrupted."""
        if self.store is None:
            return
        with suppress(SweepError):
            self.arrived.extend(self.engine.finished(block=False))
        for index, outcome in self.arrived:
            if not isinstance(outcome, Failure):
                self.store.write(index, outcome)

    def _finish(self, index: int, result: Any) -> None:
        self.outcomes[index] = result
        self.finished += 1
        if self.progress:
            self.progress(self.finished, len(self.chunks))


class _Ray:
    """A Ray cluster, or a Ray of this machine's own, that the sweep starts and ends."""

    def __init__(self, work: Work, shared: Any, workers: int | None, address: str | None, retries: int) -> None:
        self._ray = _import_ray()
        self._ours = not self._ray.is_initialized()
        if self._ours:
            _start(self._ray, workers, address)
        limit = None if self._ours and address is None else workers
        self.slots = limit or WINDOW_PER_WORKER * max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        self._running: dict[Any, int] = {}
        surroundings = {"env_vars": {**WORKER_ENVIRONMENT, "PYTHONPATH": _search_path()}}
        self._task = self._ray.remote(num_cpus=1, max_retries=retries, runtime_env=surroundings)(_compute_on_ray)
        try:
            self._payload = self._ray.put((work, shared))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            self.close(abandon=True)
            raise unpicklable(error) from error

    def submit(self, index: int, chunk: Any) -> None:
        """Take a chunk in."""
        self._running[self._task.remote([self._payload], chunk)] = index

    def finished(self, block: bool = True) -> list[tuple[int, Any]]:
        """The chunks that came since the last call."""
        if not self._running:
            return []
        done, _ = self._ray.wait(list(self._running), num_returns=1, timeout=None if block else 0)
        return [(self._running.pop(task), self._outcome(task)) for task in done]

    def _outcome(self, task: Any) -> Any:
        try:
            return self._ray.cloudpickle.loads(self._ray.get(task))
        except self._ray.exceptions.RayTaskError as error:
            return Failure(error.cause)
        except self._ray.exceptions.RayError as error:
            return Failure(error)

    def close(self, abandon: bool) -> None:
        """Call back what still runs; end the Ray, or leave the cluster, that the sweep came to."""
        for task in self._running:
            self._ray.cancel(task, force=True)
        if self._ours:
            self._ray.shutdown()


def _import_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise SweepError("the engine 'ray' needs Ray, which is not installed: pip install 'navarch[ray]'") from error
    return ray


def _start(ray: Any, workers: int | None, address: str | None) -> None:
    """Connect to a cluster, or start a Ray on this machine that tells nobody."""
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if address is not None:
            _knock(address)
            ray.init(address=address, **quiet)
            return
        with environment(OFFLINE):
            ray.init(
                address="local",
                num_cpus=workers or cores(),
                include_dashboard=False,
                object_store_memory=OBJECT_STORE,
                **quiet,
            )
    except SweepError:
        raise
    except (RuntimeError, ValueError, OSError) as error:
        where = "on this machine" if address is None else f"at {address}"
        raise SweepError(f"no Ray {where}: {error}") from error


def _knock(address: str) -> None:
    """See that something answers at an address, where Ray would try for many minutes."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "/" in host:
        raise SweepError(f"address: {address!r} is not one; allowed: HOST:PORT of the head of a Ray cluster, or auto")
    socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_TIME).close()


def _search_path() -> str:
    """Where this process finds modules that are not installed, for workers to find them too."""
    installed = {str(Path(p).resolve()) for p in (sys.prefix, sys.base_prefix, *site.getsitepackages())}
    found = [str(Path(p or ".").resolve()) for p in sys.path]
    return os.pathsep.join(p for p in dict.fromkeys(found) if not any(p.startswith(i) for i in installed))


def _compute_on_ray(payload: list[Any], chunk: Any) -> bytes:
    """In a worker of Ray: the result of a chunk, pickled, so that it does not stay in the object store."""
    import ray

    work, shared = _read_once(payload[0])
    try:
        return ray.cloudpickle.dumps(work(shared, chunk))
    except Exception as error:
        raise sendable(error) from error


@lru_cache(maxsize=1)
def _read_once(payload: Any) -> tuple[Work, Any]:
    """What all chunks share, fetched once a worker; not resolved by Ray for every chunk, since it comes in a list."""
    import ray

    return ray.get(payload)
