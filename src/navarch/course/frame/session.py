"""Who does a lab and where it is recorded: told by `navarch lab` through the environment."""

from __future__ import annotations

import getpass
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from navarch.course.errors import CourseError
from navarch.course.variant import Student

STUDENT, COURSE, RECORD, REHEARSE = "NAVARCH_STUDENT", "NAVARCH_COURSE", "NAVARCH_RECORD", "NAVARCH_REHEARSE"
PRACTICE = "practice"
MOST = 100
PLAIN = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Session:
    """rehearsing: whether the parts answer themselves."""

    student: Student
    record: Path
    rehearsing: bool = False

    def environment(self) -> dict[str, str]:
        """As variables of the environment."""
        told = {STUDENT: self.student.name, COURSE: self.student.course, RECORD: str(self.record)}
        return told | ({REHEARSE: "1"} if self.rehearsing else {})


def session(student: str | None = None, course: str | None = None, record: Path | None = None) -> Session:
    """The session that is asked for; what is left out is the login name, the practice course, the usual file."""
    who = Student(_checked("student", student or _login()), _checked("course", course or PRACTICE))
    return Session(who, record or usual_record(who))


def session_told(environment: Mapping[str, str] = os.environ) -> Session:
    """The session that the environment tells of."""
    record = environment.get(RECORD)
    told = session(environment.get(STUDENT), environment.get(COURSE), Path(record) if record else None)
    return Session(told.student, told.record, environment.get(REHEARSE) == "1")


def usual_record(student: Student) -> Path:
    """Where a student's record is kept unless another file is named."""
    return data_folder() / _file_name(student.course) / f"{_file_name(student.name)}.navlog"


def data_folder() -> Path:
    """The folder of this user's course data."""
    if sys.platform == "win32":
        home = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        home = Path.home() / "Library" / "Application Support"
    else:
        home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return home / "navarch"


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "student"


def _checked(what: str, name: str) -> str:
    name = name.strip()
    if not name or len(name) > MOST or not name.isprintable():
        raise CourseError(f"{what} {name!r}: allowed is a name of 1 to {MOST} printable characters")
    return name


def _file_name(name: str) -> str:
    return name if PLAIN.fullmatch(name) and not name.startswith(".") else name.encode().hex()
