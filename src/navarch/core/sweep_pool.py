"""The local engine of sweeps: this process, or a pool of one process a core."""

from __future__ import annotations

import mmap
import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from navarch.core.equation import off_the_ledger
from navarch.core.sweep_error import SweepError, failed_chunk, sendable
from navarch.core.sweep_threads import WORKER_ENVIRONMENT, environment

ALIGNMENT = 64
"""Where arrays of the shared argument begin in the file that workers map: a multiple of this [byte]."""

Work = Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """The outcome of a chunk that failed."""

    cause: BaseException


class Engine(Protocol):
    """Computes chunks, and gives their outcomes in whatever order they come.

    slots: most chunks that it should be given at a time.
    """

    slots: int

    def submit(self, index: int, chunk: Any) -> None:
        """Take a chunk in."""

    def finished(self, block: bool = True) -> list[tuple[int, Any]]:
        """Indices and outcomes of chunks that came since the last call; where `block`, of one at least."""

    def close(self, abandon: bool) -> None:
        """Leave nothing running; where `abandon`, at once."""


class InProcess:
    """This process, chunk after chunk."""

    slots = 1

    def __init__(self, work: Work, shared: Any) -> None:
        self._work = work
        self._shared = read_only(shared)
        self._waiting: deque[tuple[int, Any]] = deque()

    def submit(self, index: int, chunk: Any) -> None:
        """Take a chunk in."""
        self._waiting.append((index, chunk))

    def finished(self, block: bool = True) -> list[tuple[int, Any]]:
        """Compute the next chunk."""
        if not block:
            return []
        index, chunk = self._waiting.popleft()
        try:
            with off_the_ledger():
                return [(index, self._work(self._shared, chunk))]
        except Exception as error:
            raise failed_chunk(index, chunk, error) from error

    def close(self, abandon: bool) -> None:
        """Nothing runs between two chunks."""


class Pool:
    """A pool of spawned processes that end when this one does, however it ends."""

    def __init__(self, work: Work, shared: Any, workers: int, slots: int) -> None:
        self.slots = slots
        self._folder = TemporaryDirectory(prefix="navarch-sweep-", ignore_cleanup_errors=True)
        self._payload = str(Path(self._folder.name) / "payload")
        try:
            write_payload(Path(self._payload), (work, shared))
        except SweepError:
            self._folder.cleanup()
            raise
        theirs, self._lifeline = multiprocessing.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(
            workers, mp_context=_OneThreadContext(), initializer=_begin, initargs=(theirs,)
        )
        self._running: dict[Future[Any], int] = {}

    def submit(self, index: int, chunk: Any) -> None:
        """Take a chunk in."""
        try:
            self._running[self._executor.submit(_compute, self._payload, chunk)] = index
        except BrokenProcessPool as error:
            raise self._broken() from error

    def finished(self, block: bool = True) -> list[tuple[int, Any]]:
        """The chunks that came since the last call."""
        done, _ = wait(self._running, timeout=None if block else 0, return_when=FIRST_COMPLETED)
        causes = {future: future.exception() for future in done}
        broken = next((cause for cause in causes.values() if isinstance(cause, BrokenProcessPool)), None)
        if broken is not None:
            raise self._broken() from broken
        return [
            (self._running.pop(future), future.result() if cause is None else Failure(cause))
            for future, cause in causes.items()
        ]

    def close(self, abandon: bool) -> None:
        """End the processes: at once through their lifeline where `abandon`, else when they are idle."""
        if not abandon:
            self._executor.shutdown()
        self._lifeline.send_bytes(b"end")
        self._lifeline.close()
        self._executor.shutdown(cancel_futures=True)
        self._folder.cleanup()

    def _broken(self) -> SweepError:
        chunks = sorted(self._running.values())
        among = f"chunk {chunks[0]}" if len(chunks) == 1 else f"one of chunks {chunks[0]} to {chunks[-1]}"
        return SweepError(
            f"a worker process of the sweep ended suddenly at {among}: it was killed, or ran out of memory (smaller "
            "chunks or fewer workers need less), or the program that sweeps lacks `if __name__ == '__main__':`"
        )


class _OneThreadProcess(SpawnProcess):
    """A worker that starts with one thread, and deaf to Ctrl-C: this process tells it when to end."""

    def start(self) -> None:
        with environment(WORKER_ENVIRONMENT), _interrupts_held():
            super().start()


class _OneThreadContext(SpawnContext):
    Process = _OneThreadProcess


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back for a moment: a process started meanwhile inherits that, and this one gets it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(lifeline: Connection) -> None:
    """Make this process a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _end_with(lifeline: Connection) -> None:
    """End this process, whatever it is computing, once the lifeline says so or its other end is gone."""
    with suppress(OSError, EOFError):
        lifeline.poll(None)
    os._exit(1)


def _compute(payload: str, chunk: Any) -> Any:
    """In a worker: the result of a chunk."""
    work, shared = _read_once(payload)
    try:
        return work(shared, chunk)
    except Exception as error:
        raise sendable(error) from error


@lru_cache(maxsize=1)
def _read_once(payload: str) -> tuple[Work, Any]:
    try:
        return read_payload(Path(payload))
    except (AttributeError, ImportError) as error:
        raise SweepError(
            f"a worker process cannot import what the sweep needs ({error}): define functions and classes in a module"
        ) from error


def unpicklable(error: Exception) -> SweepError:
    """The error of an argument that no process can be sent."""
    return SweepError(f"the shared argument of a sweep must be picklable, to be sent to other processes: {error}")


def _pickled(value: Any) -> tuple[bytes, list[pickle.PickleBuffer]]:
    """A value as a stream, and its arrays apart from it."""
    buffers: list[pickle.PickleBuffer] = []
    try:
        return pickle.dumps(value, protocol=5, buffer_callback=buffers.append), buffers
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise unpicklable(error) from error


def read_only(value: Any) -> Any:
    """A copy whose arrays are views that cannot be written to: what a worker gets, in this process."""
    stream, buffers = _pickled(value)
    return pickle.loads(stream, buffers=[b.raw().toreadonly() for b in buffers])  # noqa: S301 (made a line above)


def write_payload(path: Path, value: Any) -> None:
    """Pickle a value with its arrays beside the stream, so that many processes can map them and none copies."""
    stream, buffers = _pickled(value)
    layout: list[tuple[int, int]] = []
    with path.open("wb") as file:
        for buffer in buffers:
            file.seek(-(-file.tell() // ALIGNMENT) * ALIGNMENT)
            with buffer.raw() as raw:
                layout.append((file.tell(), raw.nbytes))
                file.write(raw)
        head = file.tell()
        file.write(pickle.dumps((layout, stream)))
        file.write(head.to_bytes(8, "little"))


def read_payload(path: Path) -> Any:
    """The value of a payload; its arrays are views of the file, and cannot be written to."""
    with path.open("rb") as file:
        whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    head = int.from_bytes(whole[-8:], "little")
    layout, stream = pickle.loads(whole[head:-8])  # noqa: S301 (written by the process that started this one)
    return pickle.loads(stream, buffers=[whole[at : at + size] for at, size in layout])  # noqa: S301
