"""Start the ranks of this host, see them through, and leave none behind."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from navarch.distributed.collectives.rendezvous import JoinError, Message, RanksFailedError, Rendezvous
from navarch.distributed.collectives.schedule import CollectiveError

PATIENCE = 5.0
"""Seconds given to a rank to end by itself."""
OBITUARY = 1.0
"""Seconds given to the system to say how a process ended, which closes its connections before that."""
WORKER = "navarch.distributed.collectives.worker"
LOCAL = "127.0.0.1"

Heard = Callable[[int, Message], None]


@dataclass(frozen=True)
class Site:
    """Where ranks run. processes: on each host; hosts: how many; host: this one's number, 0 serves the rendezvous."""

    processes: int
    hosts: int = 1
    host: int = 0
    rendezvous: tuple[str, int] = (LOCAL, 0)
    timeout: float = 60.0

    @property
    def ranks(self) -> int:
        """Ranks of all hosts."""
        return self.processes * self.hosts


@dataclass(eq=False)
class Crew:
    """The processes of this host."""

    timeout: float
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    logs: dict[int, Path] = field(default_factory=dict)

    def dead(self) -> str | None:
        """What became of a rank that ended badly, if any did."""
        for rank, process in self.processes.items():
            if process.poll() not in (None, 0):
                return f"rank {rank} {_ended(process.returncode)}{self._last_words(rank)}"
        return None

    def fate(self, rank: int | None) -> str | None:
        """What became of a rank that fell silent, or of another that ended badly, if any did."""
        process = self.processes.get(rank) if rank is not None else None
        end = time.monotonic() + OBITUARY
        while process is not None and process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        return self.dead()

    def _last_words(self, rank: int) -> str:
        lines = self.logs[rank].read_text("utf-8", errors="replace").strip().splitlines()
        return f": {lines[-1]}" if lines else ""

    def wait(self) -> None:
        """Wait for all to end; CollectiveError where one ended badly."""
        while any(process.poll() is None for process in self.processes.values()):
            if self.dead():
                break
            time.sleep(0.05)
        word = self.dead()
        if word:
            raise CollectiveError(word)


def _ended(status: int) -> str:
    return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"


@contextmanager
def crew(ranks: Sequence[int], address: tuple[str, int], timeout: float, module: str = WORKER) -> Iterator[Crew]:
    """Start ranks on this host; when left, all of them have ended."""
    source = str(Path(__file__).parents[3])
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([source, *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    started = Crew(timeout)
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="navarch-ranks-")))
        stack.callback(_end, started)
        for rank in ranks:
            started.logs[rank] = folder / f"{rank}.log"
            command = [sys.executable, "-m", module, "--rendezvous", f"{host}:{address[1]}", "--rank", str(rank)]
            with started.logs[rank].open("wb") as log:
                started.processes[rank] = subprocess.Popen(
                    [*command, "--timeout", str(timeout)],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                )  # fmt: skip
        yield started


def _end(started: Crew) -> None:
    end = time.monotonic() + PATIENCE
    for process in started.processes.values():
        try:
            process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def lead(
    site: Site,
    reducers: int,
    tasks: Sequence[Message],
    heard: Heard,
    started: Callable[[dict[int, int]], None] | None = None,
    module: str = WORKER,
) -> None:
    """Serve the rendezvous, run this host's ranks (and the switches), and pass on what all ranks report.

    tasks: the same for all ranks, in order; heard: called with rank and report; started: called with the process of
    each rank once all are there. RanksFailedError where one fails or dies; none is left behind.
    """
    nodes = site.ranks + reducers
    server = Rendezvous(site.rendezvous, nodes, site.timeout)
    own = [*range(site.processes), *range(site.ranks, nodes)]
    try:
        with crew(own, (site.rendezvous[0], server.address[1]), site.timeout, module) as ranks:
            try:
                about = server.gather(ranks.dead)
                addresses = {rank: [each["address"][0], each["address"][1]] for rank, each in about.items()}
                server.tell({**plan_of(site, tasks), "addresses": addresses})
                if started is not None:
                    started({rank: each["pid"] for rank, each in about.items()})
                server.collect(heard)
            except RanksFailedError as error:
                word = ranks.fate(error.lost)
                more = f" ({word})" if word and str(error) not in word else ""
                raise RanksFailedError(f"{error}{more}", error.told, error.lost) from error
            finally:
                server.close()
    finally:
        server.close()


def plan_of(site: Site, tasks: Sequence[Message]) -> Message:
    """What every rank is told once all are there, besides where to find the others."""
    counts = {"ranks": site.ranks, "processes": site.processes}
    return {**counts, "secret": secrets.token_hex(32), "timeout": site.timeout, "tasks": list(tasks)}


def follow(site: Site) -> None:
    """Run this host's ranks for a rendezvous on another host."""
    first = site.host * site.processes
    with crew(range(first, first + site.processes), site.rendezvous, site.timeout) as ranks:
        ranks.wait()


__all__ = ["Crew", "JoinError", "Site", "crew", "follow", "lead", "plan_of"]
