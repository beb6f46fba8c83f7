"""The lab is killed at any moment: nothing that was committed is lost, and the lab goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from navarch.course.record import Record
from navarch.course.record.verify import verify
from navarch.course.variant import Student

KILLS = 50
ADA = Student("ada", "test")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_nothing_committed_is_lost_in_fifty_kills(tmp_path: Path) -> None:
    record = tmp_path / "ada.navlog"
    moments = random.Random(5)
    script = Path(__file__).parent / "committing.py"
    acknowledged: dict[int, str] = {}
    longest = 0
    with subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as students:
        assert students.stdin is not None
        assert students.stdout is not None
        for _ in range(KILLS):
            students.stdin.write(f"{record}\n")
            students.stdin.flush()
            told = _told_until(students.stdout, "student", acknowledged)
            for _ in range(moments.randrange(6)):
                _told_until(students.stdout, "", acknowledged)
            time.sleep(moments.uniform(0.0, 0.1))
            os.kill(int(told.split()[1]), signal.SIGKILL)
            _told_until(students.stdout, "ended", acknowledged)
            opened = Record.open(record, ADA)
            assert opened.moved_aside == ""
            stands = {entry.number: entry.digest for entry in opened.entries()}
            assert acknowledged.items() <= stands.items()
            assert len(stands) >= longest
            longest = len(stands)
        students.stdin.close()
    assert verify(record, replay=False).ok
    assert len(acknowledged) >= KILLS
    assert len(Record.open(record, ADA).entries(kind="prediction")) > 10


def _told_until(stream: Any, word: str, acknowledged: dict[int, str]) -> str:
    """Read on to a line that begins with a word (any, where it is empty), and note what was acknowledged."""
    for line in stream:
        number, _, digest = line.strip().partition(" ")
        if number.isdigit() and len(digest) == 64:
            acknowledged[int(number)] = digest
        if line.startswith(word):
            return str(line)
    raise AssertionError(f"the students ended before they said {word!r}")


@pytest.mark.slow
@pytest.mark.browser
def test_a_killed_server_goes_on_where_it_was(driving: Any, chromium: Any, notebook: Path, tmp_path: Path) -> None:
    record = tmp_path / "ada.navlog"
    with driving.served(notebook, record) as serving:
        driver = driving.driver_of(chromium, serving.address)
        driver.open()
        driver.predict("How much memory", "16 GB")
        serving.kill()
        driver.page.context.close()
    with driving.served(notebook, record) as serving:
        driver = driving.driver_of(chromium, serving.address)
        driver.open()
        driver.settle()
        assert "16 GB" in driver.part("How much memory").inner_text()
        driver.keep()
        driver.type_prediction("Which buys less", "Few large ones", "75 %")
        serving.kill()
        driver.page.context.close()
    with driving.served(notebook, record) as serving:
        driver = driving.driver_of(chromium, serving.address)
        driver.open()
        driver.settle()
        kinds = [entry.kind for entry in Record.open(record, ADA).entries()]
        assert kinds[:3] == ["prediction", "reveal", "evidence"]
        if "prediction" not in kinds[3:]:
            driver.predict("Which buys less", "Few large ones")
        driver.measure("How fast does")
        assert driver.errors == []
        driver.page.context.close()
    assert verify(record).ok
