"""What this machine's storage really does: writing, reading in order and shuffled, many small files, and data loaders.

Bounded in size and time; the page cache is kept out where the system can. Uses the standard library and NumPy.
"""

from __future__ import annotations

import datetime
import mmap
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from navarch.core.arithmetic import ceil_div, product_of, ratio, share_of
from navarch.core.events import stream
from navarch.fleet.compute.measure import machine_seen
from navarch.fleet.compute.measurement import Spread
from navarch.fleet.storage import disk, loader
from navarch.fleet.storage.measurement import AccessMeasured, LoaderMeasured, StorageMeasured
from navarch.fleet.storage.model import StorageError, at_least, between

Progress = Callable[[float, str], None]
LIMIT, LEAST_LIMIT, MOST_LIMIT = 30.0, 2.0, 3600.0
SIZE, LEAST_SIZE, MOST_SIZE = 256e6, 8e6, 100e9
FILES, MOST_FILES = 1024, 1_000_000
SAMPLE = 28 * disk.PAGE  # of an image, about 115 kB
CHUNK = 1 << 22
BATCH = 32
PREFETCH = (1, 2, 8)
PACE = 0.8  # of the fastest loader: a training that is fed on average
WORST = 0.99
SPARE = 1.2
RANDOM_BYTES = 1 << 22
FEWEST_BATCHES = 2


def measure_storage(
    folder: Path | None = None,
    size: float = SIZE,
    files: int = FILES,
    sample: float = SAMPLE,
    workers: int = 0,
    prefetch: Sequence[int] = PREFETCH,
    limit: float = LIMIT,
    progress: Progress | None = None,
) -> StorageMeasured:
    """Measure the storage that a folder is on.

    folder: where a temporary folder is made and removed again, the system's own where left out; size: of the large file
    [byte]; files: small ones; sample: size of each, and of a shuffled read [byte]; workers: of the loaders, twice the
    cores where 0; prefetch: batches ahead, tried; limit: of the whole [s]; progress: called with the share done and
    what is measured next. StorageError where it cannot be as asked.
    """
    between("limit", limit, LEAST_LIMIT, MOST_LIMIT)
    between("size", size, LEAST_SIZE, MOST_SIZE)
    between("files", files, BATCH, MOST_FILES)
    between("sample", sample, disk.PAGE, size)
    at_least("workers", workers, 0)
    for each in prefetch:
        at_least("prefetch", each, 1)
    if folder is not None and not folder.is_dir():
        raise StorageError(f"folder: there is no folder {str(folder)!r}")
    machine = machine_seen(None, "cpu")
    with disk.scratch(folder) as place:
        bench = _Bench(
            place, int(ceil_div(size, CHUNK)), files, int(ceil_div(sample, disk.PAGE)) * disk.PAGE,
            workers or 2 * machine.cores, tuple(prefetch), limit, progress or (lambda _share, _what: None),
        )  # fmt: skip
        bench.run()
        return StorageMeasured(
            machine=machine,
            date=datetime.datetime.now(datetime.UTC).date().isoformat(),
            file_system=disk.file_system(place),
            cache=bench.way,
            access=tuple(bench.access),
            loaders=tuple(bench.loaders),
            left_out=tuple(bench.left_out),
        )


@dataclass
class _Bench:
    """Cases measured one after the other, each in its share of the time."""

    place: Path
    chunks: int
    files: int
    sample: int
    workers: int
    prefetch: tuple[int, ...]
    limit: float
    progress: Progress
    way: str = disk.CACHED
    access: list[AccessMeasured] = field(default_factory=list)
    loaders: list[LoaderMeasured] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def run(self) -> None:
        needed = product_of(SPARE, self.chunks * CHUNK + self.files * self.sample)
        if disk.room(self.place) < needed:
            raise StorageError(
                f"size: {needed / 1e6:,.0f} MB are needed and {disk.room(self.place) / 1e6:,.0f} are free"
            )
        self.way = disk.avoidance(self.place)
        cases: list[tuple[str, Callable[[float], None]]] = [
            ("sequential write", self._write),
            ("sequential read", self._read),
            ("shuffled read", self._shuffled),
            ("small files, write", self._create),
            ("small files, lookup", self._lookup),
            ("small files, shuffled read", self._small),
            *((f"loader, {layout}, {kind}", self._loaders_of(layout, kind))
              for layout in ("files", "records") for kind in loader.KINDS),
        ]  # fmt: skip
        start = time.perf_counter()
        for number, (name, case) in enumerate(cases):
            left = self.limit - (time.perf_counter() - start)
            if left <= 0:
                self.left_out.append(f"{name}: the time was used up")
                continue
            self.progress(float(share_of(number, len(cases))), name)
            case(float(ratio(left, len(cases) - number)))

    @property
    def large(self) -> Path:
        return self.place / "large"

    @property
    def small(self) -> list[Path]:
        return [self.place / f"{number // 1000:04}" / f"{number:07}" for number in range(self.files)]

    def _write(self, limit: float) -> None:
        flags = disk.flags_for(self.way, os.O_WRONLY | os.O_CREAT)
        with disk.opened(self.large, flags) as file, _buffer(CHUNK) as data:
            times = _timed(lambda n: os.pwrite(file, data, n * CHUNK), range(self.chunks), limit)
            start = time.perf_counter()
            os.fsync(file)
            self._note("sequential write", CHUNK, times, time.perf_counter() - start)
        self.chunks = len(times)

    def _read(self, limit: float) -> None:
        disk.forget([self.large])
        flags = disk.flags_for(self.way, os.O_RDONLY)
        with disk.opened(self.large, flags) as file, _buffer(CHUNK) as data:
            times = _timed(lambda n: os.preadv(file, [data], n * CHUNK), range(self.chunks), limit)
        self._note("sequential read", CHUNK, times)

    def _shuffled(self, limit: float) -> None:
        disk.forget([self.large])
        flags = disk.flags_for(self.way, os.O_RDONLY)
        order = stream(0, 0).permutation(self.chunks * CHUNK // self.sample)
        with disk.opened(self.large, flags) as file, _buffer(self.sample) as data:
            times = _timed(lambda n: os.preadv(file, [data], int(n) * self.sample), order, limit)
        self._note("shuffled read", self.sample, times)

    def _create(self, limit: float) -> None:
        paths = self.small
        for parent in {path.parent for path in paths}:
            parent.mkdir()
        with _buffer(self.sample) as data:

            def write(number: int) -> None:
                with disk.opened(paths[number], os.O_WRONLY | os.O_CREAT) as file:
                    os.write(file, data)

            times = _timed(write, range(self.files), limit)
        self.files = max(len(times) // BATCH * BATCH, min(len(times), BATCH))
        start = time.perf_counter()
        os.sync()
        self._note("small files, write", self.sample, times, time.perf_counter() - start)

    def _lookup(self, limit: float) -> None:
        paths = [str(path) for path in self.small]
        times = _timed(lambda n: os.close(os.open(paths[n], os.O_RDONLY)), stream(0, 1).permutation(self.files), limit)
        self._note("small files, lookup", 0, times)

    def _small(self, limit: float) -> None:
        paths = self.small
        disk.forget(paths)
        flags = disk.flags_for(self.way, os.O_RDONLY)
        with _buffer(self.sample) as data:

            def read(number: int) -> None:
                with disk.opened(paths[number], flags) as file:
                    os.preadv(file, [data], 0)

            times = _timed(read, stream(0, 2).permutation(self.files), limit)
        self._note("small files, shuffled read", self.sample, times)

    def _note(self, name: str, size: int, times: list[float], after: float = 0.0) -> None:
        """Keep what operations took. after: until all of them are on the disk [s]."""
        spent, many = sum(times) + after, len(times)
        self.access.append(
            AccessMeasured(
                name, float(size), many, spent, Spread.of(times), float(np.quantile(times, WORST)),
                float(ratio(product_of(size, many), spent)), float(ratio(many, spent)),
            )
        )  # fmt: skip

    def _loaders_of(self, layout: str, kind: str) -> Callable[[float], None]:
        return lambda limit: self._loaders(layout, kind, limit)

    def _loaders(self, layout: str, kind: str, limit: float) -> None:
        """A loader at full speed with each prefetch depth, and one that feeds a training at a fixed pace."""
        workers = 0 if kind == "inline" else self.workers
        depths = (1,) if kind == "inline" else self.prefetch
        each = float(ratio(limit, 2 * len(depths)))
        with loader.pool(kind, workers) as made:
            fast = [(depth, loader.take(made, self._batches(layout), depth, each)) for depth in depths]
            best = max(ratio(float(taken.batches), taken.time) for _, taken in fast)
            step = float(ratio(1.0, product_of(best, PACE)))
            for depth, taken in fast:
                paced = loader.take(made, self._batches(layout), depth, each, step)
                self.loaders.append(_loader(layout, kind, workers, depth, taken, paced, step))

    def _batches(self, layout: str) -> list[list[loader.Piece]]:
        """Samples in a shuffled order, batch by batch; what the page cache has of them is dropped."""
        if layout == "files":
            disk.forget(self.small)
            pieces = [(str(path), 0, self.sample) for path in self.small]
        else:
            disk.forget([self.large])
            many = self.chunks * CHUNK // self.sample
            pieces = [(str(self.large), number * self.sample, self.sample) for number in range(many)]
        shuffled = [pieces[place] for place in stream(0, 3).permutation(len(pieces))]
        return [shuffled[first : first + BATCH] for first in range(0, len(shuffled), BATCH)]


def _loader(
    layout: str, kind: str, workers: int, depth: int, fast: loader.Taken, paced: loader.Taken, step: float
) -> LoaderMeasured:
    batches = ratio(float(fast.batches), fast.time)
    counted = paced.batches >= FEWEST_BATCHES
    return LoaderMeasured(
        layout, kind, workers, depth, BATCH, float(ratio(fast.size, fast.time)), float(product_of(BATCH, batches)),
        float(ratio(BATCH, step)) if counted else None,
        float(share_of(paced.late, paced.batches)) if counted else None,
        float(share_of(paced.waited, paced.time)) if counted else None,
    )  # fmt: skip


def _timed(call: Callable[[int], object], order: Iterable[int], limit: float) -> list[float]:
    """The time of each call, until all are done or the time is used up [s]."""
    times: list[float] = []
    start = last = time.perf_counter()
    for number in order:
        call(number)
        now = time.perf_counter()
        times.append(now - last)
        last = now
        if now - start > limit:
            break
    return times


@contextmanager
def _buffer(size: int) -> Iterator[mmap.mmap]:
    """Memory on a page boundary, filled with what cannot be compressed."""
    with mmap.mmap(-1, size) as memory:
        random = stream(0, 4).bytes(min(size, RANDOM_BYTES))
        for first in range(0, size, len(random)):
            memory[first : min(first + len(random), size)] = random[: size - first]
        yield memory
