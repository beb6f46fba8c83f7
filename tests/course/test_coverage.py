"""Coverage of the syllabus: every objective, word for word; parts and functions that exist; gaps shown as gaps."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from navarch.course.coverage import GAP, TO_COME, as_markdown, coverage_of, coverage_of_course, parts_of
from navarch.course.errors import CourseError
from navarch.course.labs.registry import CourseLab, Objective, lab_named, labs

ROOT = Path(__file__).parents[2]
SYLLABUS = ROOT.parent / "shared" / "course" / "syllabus.txt"
EXAMPLE = Path(__file__).parent / "frame" / "lab_00.py"


def test_sixteen_labs_by_week() -> None:
    assert [lab.number for lab in labs()] == [f"{n:02}" for n in range(1, 17)]
    assert [lab.week for lab in labs()] == list(range(1, 17))


def test_names_and_objectives_are_the_syllabus_word_for_word() -> None:
    if not SYLLABUS.exists():
        pytest.skip("the syllabus is not on this machine")
    told = SYLLABUS.read_text("utf-8")
    for lab in labs():
        assert f"Week {lab.week}: {lab.topic}\n" in told
        assert f"Lab Lab {lab.number}: {lab.name}\n" in told
        assert lab.part in told
        for aim in lab.objectives:
            assert aim.text in told
    assert sum(len(lab.objectives) for lab in labs()) == 48


@pytest.mark.parametrize("name", ["5", "05", "lab05", "Lab 05"])
def test_a_lab_is_found_by_its_number(name: str) -> None:
    assert lab_named(name).name.startswith("The Parallelism Puzzle")


def test_every_declared_function_exists() -> None:
    for lab in labs():
        for part in parts_of(lab.number, lab.notebook) if lab.notebook is not None else ():
            assert part.functions, part
            for function in part.functions:
                module, _, name = function.rpartition(".")
                assert callable(getattr(import_module(module), name)), function


def test_every_objective_of_a_lab_that_is_there_is_served() -> None:
    assert [row.objective.key for row in coverage_of_course() if row.gap == GAP] == []


def test_labs_to_come_are_gaps() -> None:
    course = [CourseLab("99", "To come", 99, "", "", (Objective("99.1", "Explain."),), None)]
    (row,) = coverage_of(course)
    assert row.gap == TO_COME
    assert f"*{TO_COME}*" in as_markdown([row])


def test_an_objective_without_a_part_is_a_gap() -> None:
    aims = (Objective("1.2", "Quantify."), Objective("9.9", "Nothing serves this."))
    course = [CourseLab("00", "An example", 0, "", "", aims, EXAMPLE)]
    served, missing = coverage_of(course)
    assert {part.name for part in served.parts} == {"memory", "rate"}
    assert "navarch.course.frame.example.weights" in served.functions_told
    assert missing.gap == GAP


def test_a_part_that_names_no_objective_is_told(tmp_path: Path) -> None:
    notebook = tmp_path / "lab_00.py"
    notebook.write_text("lab.predict('a', 'How much?', unit='s', uses=[])", "utf-8")
    with pytest.raises(CourseError, match="say which objective="):
        parts_of("00", notebook)


def test_the_page_of_the_docs_is_fresh() -> None:
    page = (ROOT / "docs" / "coverage.md").read_text("utf-8")
    assert page == as_markdown(coverage_of_course()), "run: navarch lab coverage --markdown > docs/coverage.md"
