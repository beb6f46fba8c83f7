"""A data loader that really reads: workers fetch batches ahead, in order, and a training takes them one by one.

The same mechanism that `simulate` runs: each worker fetches a batch by itself, and so many batches are under way.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple

Piece = tuple[str, int, int]
"""Path, offset and size of a sample."""
KINDS = ("inline", "threads", "processes")


class Taken(NamedTuple):
    """Batches that were taken. size [byte]; time, waited: in all, and for data [s]; late: that were not there."""

    size: int
    batches: int
    time: float
    waited: float
    late: int


def fetch(pieces: Sequence[Piece]) -> bytes:
    """Read the samples of a batch one after the other, and look at every byte as decoding would."""
    read = []
    for path, offset, size in pieces:
        file = os.open(path, os.O_RDONLY)
        try:
            data = os.pread(file, size, offset)
        finally:
            os.close(file)
        zlib.crc32(data)
        read.append(data)
    return b"".join(read)


def _quiet() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _ready(_: int) -> int:
    time.sleep(0.02)
    return os.getpid()


@contextmanager
def pool(kind: str, workers: int) -> Iterator[Executor | None]:
    """Workers of a kind, started; none where the training reads for itself."""
    if kind == "inline":
        yield None
        return
    made: Executor
    if kind == "threads":
        made = ThreadPoolExecutor(workers)
    else:
        made = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _quiet)
    try:
        list(made.map(_ready, range(2 * workers)))
        yield made
    finally:
        made.shutdown(cancel_futures=True)


def take(
    made: Executor | None, batches: Sequence[Sequence[Piece]], prefetch: int, limit: float, step: float = 0.0
) -> Taken:
    """Take batches in order, `prefetch` of them under way, for at most so long [s]; compute each for `step` [s]."""
    start = time.perf_counter()
    size = late = taken = 0
    waited = 0.0
    for ready in _ahead(made, batches, prefetch):
        begun = time.perf_counter()
        there, result = ready()
        size += len(result)
        waited += time.perf_counter() - begun
        late += not there
        taken += 1
        if time.perf_counter() - start > limit:
            break
        if step:
            time.sleep(step)
    return Taken(size, taken, time.perf_counter() - start, waited, late)


def _ahead(
    made: Executor | None, batches: Sequence[Sequence[Piece]], prefetch: int
) -> Iterator[Callable[[], tuple[bool, bytes]]]:
    """Each batch as something to wait for: whether it was there already, and its bytes."""
    if made is None:
        for pieces in batches:
            yield lambda pieces=pieces: (False, fetch(pieces))  # type: ignore[misc]
        return
    under_way: deque[Future[bytes]] = deque()
    coming = iter(batches)

    def taken() -> tuple[bool, bytes]:
        first = under_way.popleft()
        there, result = first.done(), first.result()
        under_way.extend(made.submit(fetch, pieces) for pieces in islice(coming, 1))
        return there, result

    try:
        under_way.extend(made.submit(fetch, pieces) for pieces in islice(coming, prefetch))
        while under_way:
            yield taken
    finally:
        for each in under_way:
            each.cancel()
