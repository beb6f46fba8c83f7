"""Sweeps in many processes: Ctrl-C, killed programs, a Ray cluster of two nodes, and one that loses a node."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sweep_workload as work

from navarch.core import sweep_threads
from navarch.core.sweep import OFFLINE, SweepError, sweep

HERE = Path(__file__).parent


SCRIPT = """
import sys
sys.path.insert(0, {here!r})
import sweep_workload as work
from navarch.core.sweep import spans, sweep

if __name__ == "__main__":
    shared = {{**work.constants(), "notes": {notes!r}, "pause": {pause}}}
    sweep(work.paused, spans(60_000, 4_000), work.merged, None, shared=shared, folder={folder!r}, {options})
"""


class Interrupted:
    """A program that sweeps in a group of processes of its own, until enough chunks have begun."""

    def __init__(self, folder: Path, options: str, pause: float, begun: int) -> None:
        self.notes, self.kept = folder / "notes", folder / "kept"
        self.notes.mkdir()
        self.shared = {"notes": str(self.notes), "pause": pause}
        script = folder / "program.py"
        text = SCRIPT.format(here=str(HERE), notes=str(self.notes), pause=pause, folder=str(self.kept), options=options)
        script.write_text(text, "utf-8")
        temporary = {} if "ray" in options else {"TMPDIR": str(folder)}  # a path too long for the sockets of Ray
        self.program = subprocess.Popen(
            [sys.executable, str(script)],
            env={**os.environ, **temporary, "PYTHONPATH": str(HERE.parents[1] / "src")},
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        until(lambda: len(list(self.notes.iterdir())) >= begun or self.program.poll() is not None)

    def workers(self) -> set[int]:
        """The processes that have computed a chunk."""
        return {int(path.name.split("-")[1]) for path in self.notes.iterdir()}

    def finished(self) -> int:
        """Chunks that are on disk."""
        return len(list(self.kept.glob("*.parquet")))


def until(happened: Callable[[], bool], most: float = 60.0) -> None:
    """Wait for something [s]."""
    end = time.monotonic() + most
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def alive(process: int) -> bool:
    """Whether a process runs."""
    try:
        state = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.fixture
def interrupted(tmp_path: Path) -> Iterator[Callable[..., Interrupted]]:
    """Starts a program that sweeps, and ends what is left of it."""
    started: list[Interrupted] = []

    def start(options: str, pause: float = 0.25, begun: int = 5) -> Interrupted:
        started.append(Interrupted(tmp_path, options, pause, begun))
        return started[-1]

    yield start
    for running in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.program.pid, signal.SIGKILL)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
class TestInterrupts:
    def test_ctrl_c_leaves_no_process_and_loses_nothing(self, interrupted: Callable[..., Interrupted]):
        running = interrupted("workers=2")
        workers = running.workers()
        assert len(workers) == 2
        os.killpg(running.program.pid, signal.SIGINT)
        _, told = running.program.communicate(timeout=10)
        assert running.program.returncode == -signal.SIGINT
        assert told.count("Traceback") == 1 and told.rstrip().endswith("KeyboardInterrupt")
        until(lambda: not any(alive(w) for w in workers), 5)
        assert 1 <= running.finished() < len(work.FEW)
        shared = {**work.constants(), **running.shared}
        answer = work.front(work.FEW, work.paused, shared=shared, folder=running.kept, workers=2)
        assert answer == work.front(workers=1)

    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
    def test_a_killed_program_leaves_no_process(self, interrupted: Callable[..., Interrupted], how: signal.Signals):
        running = interrupted("workers=2", pause=30, begun=2)
        workers = running.workers()
        running.program.send_signal(how)
        running.program.communicate(timeout=10)
        until(lambda: not any(alive(w) for w in workers), 5)


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A Ray cluster of two nodes with one core each, on this machine."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "include_dashboard": False}
    with sweep_threads.environment(OFFLINE):
        started = Cluster(initialize_head=True, head_node_args=node)
        started.add_node(**node)
    yield started
    started.shutdown()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed (pip install 'navarch[ray]')")
class TestRay:
    def test_a_cluster_gives_the_same_bits(self, cluster: Any):
        expected = work.front(work.CHUNKS, workers=1)
        on_ray = {"engine": "ray", "address": cluster.address}
        assert work.front(work.CHUNKS, work.noted, **on_ray) == expected
        assert work.front(work.CHUNKS, work.noted, workers=1, window=3, **on_ray) == expected
        for found in sweep(work.threads, range(4), work.appended, [], shared=None, **on_ray):
            assert set(found) == {1}

    def test_a_lost_node_costs_nothing_but_time(self, cluster: Any, tmp_path: Path):
        lost = next(iter(cluster.worker_nodes))
        raylet = lost.all_processes["raylet"][0].process.pid
        notes, gate = tmp_path / "notes", tmp_path / "gate"
        notes.mkdir()
        gate.mkdir()
        shared = {**work.constants(), "notes": str(notes), "gate": str(gate), "pause": 0.1}

        def lose() -> set[int]:
            """Kill a node as a loss of power would, while one of its processes is in a chunk."""
            try:
                until(lambda: any((gate / str(process)).exists() for process in offspring(raylet)))
                of_the_lost = offspring(raylet)
                for process in filter(alive, of_the_lost):
                    os.kill(process, signal.SIGKILL)
                cluster.remove_node(lost, allow_graceful=False)
                return of_the_lost
            finally:
                (gate / "shut").unlink()

        with ThreadPoolExecutor(max_workers=1) as beside:
            losing: list[Future[set[int]]] = []

            def at_a_third(finished: int, _: int) -> None:
                """Shut the gate, so that every node is in a chunk, and lose one."""
                if finished == len(work.CHUNKS) // 3:
                    (gate / "shut").touch()
                    losing.append(beside.submit(lose))

            answer = work.front(
                work.CHUNKS, work.held, shared=shared, engine="ray", address=cluster.address, progress=at_a_third
            )
            of_the_lost = losing[0].result()
        assert answer == work.front(work.CHUNKS, workers=1)
        begun = [path.name.split("-") for path in notes.iterdir()]
        assert {int(process) for _, process, _ in begun} & of_the_lost
        assert len(work.CHUNKS) < len(begun) <= len(work.CHUNKS) + 4
        assert {start for start, _, _ in begun} == {str(chunk.start) for chunk in work.CHUNKS}

    def test_a_ray_of_its_own(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
        import ray

        answer = work.front(engine="ray", folder=tmp_path / "kept", workers=2)
        assert answer == work.front(workers=1)
        assert not ray.is_initialized()
        assert work.front(folder=tmp_path / "kept", workers=1) == answer
        with pytest.raises(
            SweepError, match=r"^chunk 3 of the sweep, 3, failed: ArithmeticError: 3 cannot be divided$"
        ):
            sweep(work.refusing, range(20), work.added, 0.0, shared={3, 7}, engine="ray", workers=2)
        assert capfd.readouterr().out == ""

    def test_a_shared_argument_larger_than_the_store(self):
        ones = np.ones(2**25)
        shared = {"left": ones, "right": ones}
        assert (
            sweep(work.long_sum, range(4), work.added, 0.0, shared=shared, engine="ray", workers=2) == 4 * len(ones) + 6
        )

    def test_what_is_not_ray_is_told(self):
        with pytest.raises(SweepError, match=r"no Ray at 127\.0\.0\.1:9: .*refused"):
            sweep(work.square, range(3), work.added, 0.0, shared=None, engine="ray", address="127.0.0.1:9")
        with pytest.raises(SweepError, match=r"address: 'head' is not one; allowed: HOST:PORT"):
            sweep(work.square, range(3), work.added, 0.0, shared=None, engine="ray", address="head")

    def test_ctrl_c_ends_ray(self, interrupted: Callable[..., Interrupted]):
        running = interrupted("engine='ray', workers=2", pause=2.0)
        started = offspring(running.program.pid)
        assert running.workers() <= started
        os.killpg(running.program.pid, signal.SIGINT)
        _, told = running.program.communicate(timeout=30)
        assert running.program.returncode == -signal.SIGINT
        assert told.rstrip().endswith("KeyboardInterrupt")
        until(lambda: not any(alive(process) for process in started), 30)
        assert running.finished() >= 1

    def test_a_killed_program_leaves_no_worker_of_ray(self, interrupted: Callable[..., Interrupted]):
        running = interrupted("engine='ray', workers=2", pause=30.0, begun=2)
        workers = running.workers()
        running.program.kill()
        running.program.communicate(timeout=30)
        until(lambda: not any(alive(worker) for worker in workers), 10)


def offspring(process: int) -> set[int]:
    """The processes that a process started, and those that they started."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text("utf-8").rpartition(")")[2].split()[1])
    found = {process}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {process}
