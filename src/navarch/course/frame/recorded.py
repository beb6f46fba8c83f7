"""Recorded measurements: results of another machine, labelled, for machines that cannot run them.

`python -m navarch.course.frame.recorded package.module:function FILE.json '{"seconds": 5}'` runs one here and
records it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from navarch.course.errors import CourseError
from navarch.course.frame.machine import Machine
from navarch.course.frame.process import Measurement
from navarch.course.instrument import Shown

PATIENCE = 600.0
USAGE = "usage: python -m navarch.course.frame.recorded package.module:function FILE.json '{\"input\": 1}'"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A result of another machine."""

    shown: Shown
    machine: Machine

    @property
    def date(self) -> str:
        """The day on which it was measured."""
        return self.machine["date"]


def recorded_result(name: str) -> Recorded:
    """The recorded result in a file of `navarch/course` (such as `scale_wall/recorded.json`)."""
    file = files("navarch.course") / name
    if not file.is_file():
        raise CourseError(f"there is no recorded result {name!r} in navarch/course")
    plain = json.loads(file.read_text("utf-8"))
    return Recorded(Shown.from_plain(plain["shown"]), plain["machine"])


def record(instrument: str, inputs: Mapping[str, Any], file: Path) -> None:
    """Run a measurement on this machine and write its result, with machine and date."""
    outcome = Measurement(instrument, inputs, PATIENCE).wait()
    if outcome.shown is None or outcome.machine is None:
        raise CourseError(f"{instrument}: {outcome.why}")
    content = {"machine": dict(outcome.machine), "shown": outcome.shown.as_plain()}
    unfinished = file.with_suffix(".part")
    unfinished.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    unfinished.replace(file)


def main(arguments: Sequence[str]) -> int:
    """Record a result from the command line."""
    if len(arguments) not in (2, 3):
        sys.stderr.write(USAGE + "\n")
        return 2
    try:
        record(arguments[0], json.loads(arguments[2]) if len(arguments) > 2 else {}, Path(arguments[1]))
    except (CourseError, json.JSONDecodeError) as error:
        sys.stderr.write(f"navarch: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
