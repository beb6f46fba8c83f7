"""Measurements in a process of their own: progress, result, time limit, cancel, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from navarch.course.errors import CourseError
from navarch.course.frame import recorded
from navarch.course.frame.process import Measurement

COPYING = "navarch.course.frame.example:copying"
LONG = 100_000


def _gone(process: int, patience: float = 10.0) -> bool:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        if (
            Path(f"/proc/{process}/stat").exists()
            and Path(f"/proc/{process}/stat").read_text().split(")")[1].split()[0] == "Z"
        ):
            return True
        time.sleep(0.05)
    return False


def _until_it_copies(measurement: Measurement) -> None:
    end = time.monotonic() + 60
    while measurement.outcome.fraction == 0 and time.monotonic() < end:
        time.sleep(0.02)
    assert measurement.outcome.state == "running"
    assert measurement.outcome.fraction > 0
    assert "copy" in measurement.outcome.doing


def test_a_measurement_is_really_run_and_says_where() -> None:
    outcome = Measurement(COPYING, {"turns": 5}, limit=60).wait()
    assert outcome.state == "done"
    assert outcome.shown is not None
    assert outcome.machine is not None
    assert 1e8 < float(outcome.shown["rate"].value) < 1e13
    assert [row["turn"] for row in outcome.shown.rows] == [1, 2, 3, 4, 5]
    assert outcome.machine["processor"]
    assert int(outcome.machine["cores"]) >= 1


def test_a_cancelled_measurement_ends_at_once() -> None:
    measurement = Measurement(COPYING, {"turns": LONG}, limit=120)
    _until_it_copies(measurement)
    measurement.cancel()
    assert measurement.wait().state == "stopped"
    assert _gone(measurement._process.pid)


def test_a_measurement_that_takes_too_long_is_stopped() -> None:
    measurement = Measurement(COPYING, {"turns": LONG}, limit=1.5)
    outcome = measurement.wait()
    assert (outcome.state, outcome.shown) == ("late", None)
    assert "longer than" in outcome.why
    assert _gone(measurement._process.pid)


@pytest.mark.parametrize(
    ("instrument", "inputs", "why"),
    [
        (COPYING, {"turns": 0}, "there is nothing to copy"),
        (COPYING, {"turn": 1}, "missing"),
        ("navarch.course.frame.example:nothing", {}, "no instrument"),
        ("os:system", {}, "no instrument"),
    ],
)
def test_a_measurement_that_cannot_says_why(instrument: str, inputs: dict[str, int], why: str) -> None:
    outcome = Measurement(instrument, inputs, limit=60).wait()
    assert outcome.state == "cannot"
    assert why in outcome.why


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups here")
def test_a_killed_lab_leaves_no_measurement_behind() -> None:
    code = (
        "from navarch.course.frame.process import Measurement; import time\n"
        f"m = Measurement({COPYING!r}, {{'turns': {LONG}}}, 120)\n"
        "while m.outcome.fraction == 0: time.sleep(0.02)\n"
        "print(m._process.pid, flush=True); time.sleep(60)"
    )
    lab = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert lab.stdout is not None
    measuring = int(lab.stdout.readline())
    lab.send_signal(signal.SIGKILL)
    lab.wait()
    assert _gone(measuring)


def test_a_recorded_result_is_labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "recorded.json"
    assert recorded.main([COPYING, str(file), '{"turns": 3}']) == 0
    assert list(tmp_path.iterdir()) == [file]
    monkeypatch.setattr(recorded, "files", lambda _: tmp_path)
    other = recorded.recorded_result("recorded.json")
    assert len(other.date) == 10
    assert other.machine["processor"]
    assert other.shown.as_plain() == json.loads(file.read_text("utf-8"))["shown"]
    with pytest.raises(CourseError, match=r"no recorded result 'other\.json'"):
        recorded.recorded_result("other.json")


def test_what_cannot_be_recorded_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert recorded.main([COPYING, str(tmp_path / "r.json"), '{"turns": 0}']) == 2
    assert "there is nothing to copy" in capsys.readouterr().err
    assert recorded.main([]) == 2
    assert list(tmp_path.iterdir()) == []
