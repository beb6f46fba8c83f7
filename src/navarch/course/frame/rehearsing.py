"""Running a lab as a script, with scripted answers, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from navarch.course.errors import CourseError
from navarch.course.frame.session import Session, session
from navarch.course.record import Entry, Record

REHEARSER = "rehearsal"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a rehearsal left in the record. seconds: it took [s]."""

    entries: list[Entry]
    record: Path
    seconds: float


def rehearse(
    number: str, notebook: Path, student: str | None = None, course: str | None = None, record: Path | None = None
) -> Rehearsed:
    """Run the notebook from top to bottom; raises CourseError where it ends with an error.

    Unless a record is named it is written into a new folder, so that nobody's own record is touched.
    """
    file = record or Path(mkdtemp(prefix="navarch-rehearsal-")) / f"lab_{number}.navlog"
    usual = session(student or REHEARSER, course, file)
    asked = Session(usual.student, file, rehearsing=True)
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(notebook)],
        env={**os.environ, **asked.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CourseError(f"the rehearsal of lab {number} ended with an error:\n{done.stderr.strip()}")
    entries = Record.open(file, asked.student).entries(number)
    return Rehearsed(entries, file, time.monotonic() - started)
