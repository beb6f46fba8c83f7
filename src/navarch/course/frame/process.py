"""A measurement that runs in a process of its own: how far it is, what came out, stopping it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from navarch.course.frame.machine import Machine
from navarch.course.instrument import Shown

State = Literal["running", "done", "stopped", "late", "cannot"]
LAST_LINES = 3
PATIENCE = 0.02


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a measurement is. fraction: done; doing: what it does; why: it has none; shown, machine: the result."""

    state: State
    fraction: float = 0.0
    doing: str = ""
    why: str = ""
    shown: Shown | None = None
    machine: Machine | None = None


class Measurement:
    """A running measurement.

    instrument: `package.module:function`; inputs: plain; limit: it is stopped after [s].
    """

    def __init__(self, instrument: str, inputs: Mapping[str, Any], limit: float) -> None:
        self.limit = limit
        self.started = time.monotonic()
        self._outcome = Outcome("running")
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "navarch.course.frame.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.write(json.dumps({"instrument": instrument, "inputs": dict(inputs)}) + "\n")
        self._process.stdin.flush()
        self._errors: list[str] = []
        for target in (self._read_errors, self._read_answers, self._watch):
            threading.Thread(target=target, daemon=True).start()

    @property
    def outcome(self) -> Outcome:
        """Where it is now."""
        with self._lock:
            return self._outcome

    @property
    def elapsed(self) -> float:
        """Since it was started [s]."""
        return time.monotonic() - self.started

    def cancel(self) -> None:
        """Stop it, with every process that it started; what it has so far is thrown away."""
        self._settle(Outcome("stopped", why="it was cancelled"))
        self._kill()

    def wait(self) -> Outcome:
        """Wait for the result."""
        self._ended.wait()
        return self.outcome

    def _settle(self, outcome: Outcome) -> None:
        with self._lock:
            if self._outcome.state == "running":
                self._outcome = outcome
        self._ended.set()

    def _kill(self) -> None:
        if self._process.poll() is not None:
            return
        try:
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        except ProcessLookupError:
            return
        self._process.wait()

    def _watch(self) -> None:
        if not self._ended.wait(self.limit):
            self._settle(Outcome("late", why=f"it took longer than {self.limit:.0f} s"))
            self._kill()

    def _read_errors(self) -> None:
        assert self._process.stderr is not None  # noqa: S101
        self._errors.extend(self._process.stderr)

    def _read_answers(self) -> None:
        assert self._process.stdout is not None  # noqa: S101
        for line in self._process.stdout:
            self._take(json.loads(line))
        self._process.wait()
        self._settle(Outcome("cannot", why=self._last_words()))

    def _take(self, message: Mapping[str, Any]) -> None:
        if "shown" in message:
            shown = Shown.from_plain(message["shown"])
            self._settle(Outcome("done", 1.0, shown=shown, machine=message["machine"]))
        elif "cannot" in message:
            self._settle(Outcome("cannot", why=message["cannot"]))
        else:
            with self._lock:
                if self._outcome.state == "running":
                    self._outcome = Outcome("running", min(1.0, max(0.0, message["fraction"])), message["doing"])

    def _last_words(self) -> str:
        time.sleep(PATIENCE)
        said = " ".join(line.strip() for line in self._errors[-1:] if line.strip())
        return f"it ended with code {self._process.returncode}" + (f": {said}" if said else "")
