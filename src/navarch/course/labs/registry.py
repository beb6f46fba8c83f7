"""What the syllabus says of each lab, and where its notebook is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from navarch.course.errors import CourseError

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Objective:
    """A learning objective. key: `week.place`, as 5.2; text: word for word as in the syllabus."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class CourseLab:
    """A lab as the syllabus names it. notebook: None for a lab to come."""

    number: str
    name: str
    week: int
    topic: str
    part: str
    objectives: tuple[Objective, ...]
    notebook: Path | None

    @property
    def title(self) -> str:
        """Number and name."""
        return f"Lab {self.number}: {self.name}"


@cache
def labs() -> tuple[CourseLab, ...]:
    """The sixteen labs, by week."""
    told = yaml.safe_load((files(__package__) / "syllabus.yaml").read_text("utf-8"))
    return tuple(_lab(week) for week in told["weeks"])


def lab_named(name: str) -> CourseLab:
    """The lab of a number, written as 5, 05 or lab05; raises CourseError for any other name."""
    digits = name.strip().lower().removeprefix("lab").strip(" _-:")
    wanted = digits.zfill(2)
    for lab in labs():
        if lab.number == wanted:
            return lab
    raise CourseError(f"there is no lab {name!r}. Allowed: 01 to {labs()[-1].number} (`navarch lab list` names them)")


def objective(key: str) -> Objective:
    """The learning objective of a key such as 5.2; raises CourseError where there is none."""
    for lab in labs():
        for known in lab.objectives:
            if known.key == key:
                return known
    raise CourseError(f"the syllabus has no objective {key!r}: write week.place, as 5.2")


def _lab(week: dict[str, Any]) -> CourseLab:
    number = f"{week['number']:02}"
    notebook = HERE / f"lab_{number}.py"
    objectives = tuple(Objective(f"{week['number']}.{n}", text) for n, text in enumerate(week["objectives"], 1))
    return CourseLab(
        number,
        week["lab"],
        week["number"],
        week["title"],
        week["part"],
        objectives,
        notebook if notebook.exists() else None,
    )
