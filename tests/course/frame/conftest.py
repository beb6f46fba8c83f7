"""What the tests of the frame share: the example's notebook, a session, a lab without a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from navarch.course.frame.lab import Lab
from navarch.course.frame.rehearsal import Rehearsal
from navarch.course.frame.session import Session
from navarch.course.variant import Student

NOTEBOOK = Path(__file__).parent / "lab_00.py"


@pytest.fixture(scope="session")
def notebook() -> Path:
    return NOTEBOOK


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(Student("ada", "test"), tmp_path / "ada.navlog")


@pytest.fixture
def lab(session: Session) -> Lab:
    return Lab.open("00", session)


@pytest.fixture
def rehearsed(session: Session) -> Lab:
    opened = Lab.open("00", session)
    opened.rehearsal = Rehearsal()
    return opened
