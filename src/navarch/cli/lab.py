"""`navarch lab`: the labs of the course."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from navarch.cli.session import AsJson, console, print_json

if TYPE_CHECKING:
    from navarch.course.labs.registry import CourseLab

Number = Annotated[str, typer.Argument(help="Number of the lab, as 05.", metavar="NUMBER")]
StudentId = Annotated[
    str | None, typer.Option("--student", help="Student id; the login name unless given.", metavar="ID")
]
CourseSeed = Annotated[
    str | None, typer.Option("--course", help="Seed of the course, which the instructor sets.", metavar="SEED")
]


class Labs(TyperGroup):
    """A group in which the number of a lab is a command too: `navarch lab 05` is `navarch lab open 05`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["open", *args]
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the commands in the order in which one meets them."""
        return list(self.commands)


app = typer.Typer(
    cls=Labs, no_args_is_help=True, help="The labs of the course: predict, run, decide. `navarch lab 05` opens one."
)


@app.command("list")
def list_labs(json: AsJson = False) -> None:
    """List the sixteen labs by week; those to come are shown as to come."""
    from navarch.course.labs.registry import labs

    if json:
        print_json([_plain(lab) for lab in labs()])
        return
    from rich.table import Table

    table = Table("Week", "Lab", "Topic", "", box=None, pad_edge=False)
    for lab in labs():
        there = f"navarch lab {lab.number}" if lab.notebook is not None else "to come"
        table.add_row(str(lab.week), f"{lab.number} {lab.name}", lab.topic, there)
    console().print(table)


@app.command("open")
def open_lab(
    number: Number,
    student: StudentId = None,
    course: CourseSeed = None,
    headless: Annotated[bool, typer.Option("--headless", help="Serve only; open no browser.")] = False,
    port: Annotated[int | None, typer.Option("--port", help="Port on this machine; any free one unless given.")] = None,
    record: Annotated[
        Path | None, typer.Option("--record", help="File of the student's record.", metavar="FILE")
    ] = None,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Run it as a script from top to bottom, with scripted answers.")
    ] = False,
) -> None:
    """Open a lab in the browser (short: `navarch lab 05`)."""
    from navarch.course.errors import CourseError
    from navarch.course.frame.session import session
    from navarch.course.labs.registry import lab_named
    from navarch.course.record import Record

    lab = lab_named(number)
    if lab.notebook is None:
        raise CourseError(f"{lab.title} is to come. `navarch lab list` shows those that are there")
    if rehearse:
        _rehearse(lab, student, course, record)
        return
    try:
        from navarch.course.frame.server import free_port, serve
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    asked = session(student, course, record)
    at = free_port(port)
    asked.record.parent.mkdir(parents=True, exist_ok=True)
    opened = Record.open(asked.record, asked.student)
    typer.echo(f"{lab.title}, student {asked.student.name}, course {asked.student.course}\nRecord: {asked.record}")
    if opened.moved_aside:
        typer.echo(opened.moved_aside)
    try:
        serve(lab.notebook, asked, at, lambda address: _ready(address, headless))
    except ModuleNotFoundError as error:
        raise _missing(error) from error


@app.command("coverage")
def coverage(
    json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print it as a page of the docs.")] = False,
) -> None:
    """Print which part of which lab serves each learning objective, and by which functions of the library."""
    from navarch.course.coverage import as_markdown, coverage_of_course

    rows = coverage_of_course()
    if json:
        print_json([row.as_plain() for row in rows])
        return
    if markdown:
        typer.echo(as_markdown(rows), nl=False)
        return
    from rich.table import Table

    table = Table("", "Learning objective", "Lab part", "Library function", box=None, pad_edge=False, show_lines=False)
    for row in rows:
        table.add_row(row.objective.key, row.objective.text, row.parts_told, row.functions_told)
    console().print(table)


def _ready(address: str, headless: bool) -> None:
    typer.echo(f"Open {address} (Ctrl-C ends the lab; what you committed stays)")
    if not headless:
        import webbrowser

        webbrowser.open(address)


def _rehearse(lab: CourseLab, student: str | None, course: str | None, record: Path | None) -> None:
    from navarch.course.frame.rehearsing import rehearse

    assert lab.notebook is not None  # noqa: S101
    done = rehearse(lab.number, lab.notebook, student, course, record)
    for entry in done.entries:
        typer.echo(f"{entry.number:>4}  {entry.kind:<12} {entry.part:<24} {entry.receipt}")
    typer.echo(f"{lab.title}: rehearsed in {done.seconds:.1f} s, {len(done.entries)} entries in {done.record}")


def _missing(error: ModuleNotFoundError) -> Exception:
    from navarch.course.errors import CourseError

    return CourseError(f"the labs need {error.name or error}: pip install 'navarch[labs]'")


def _plain(lab: CourseLab) -> dict[str, Any]:
    return {
        "number": lab.number,
        "name": lab.name,
        "week": lab.week,
        "topic": lab.topic,
        "part": lab.part,
        "available": lab.notebook is not None,
        "objectives": {aim.key: aim.text for aim in lab.objectives},
    }
