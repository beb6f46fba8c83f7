"""`navarch log`: show, export and verify the decision log of a student."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from navarch.cli.session import AsJson, console, print_json, working

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from navarch.course.record import Log
    from navarch.course.record.page import LabPage, Page, Run
    from navarch.course.record.verify import Verification

FAILED = 1
FORMATS = ("md", "pdf", "json")
app = typer.Typer(no_args_is_help=True, help="The decision log: what was predicted, seen, kept and decided.")

LogFile = Annotated[
    Path | None,
    typer.Argument(help="A record or its JSON export; left out, your own record.", metavar="FILE", show_default=False),
]
OfLab = Annotated[str | None, typer.Option("--lab", help="Only this lab.", metavar="NUMBER")]


@app.command()
def show(file: LogFile = None, lab: OfLab = None, json: AsJson = False) -> None:
    """Print the log: predictions beside results, evidence, decisions, receipts."""
    page = _page(_read(file)[1], lab)
    if json:
        print_json(asdict(page) | {"verdict": page.verdict})
    else:
        _show(page)


@app.command()
def export(
    file: LogFile = None,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", "-f", help="md, pdf or json; may be repeated (all three).", metavar="FORMAT"),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.", metavar="FOLDER")] = Path(),
    lab: OfLab = None,
    json: AsJson = False,
) -> None:
    """Write the log as Markdown, PDF and JSON. The JSON is the whole record, which `verify` takes as well."""
    from navarch.course.record.export import export_log

    path, log = _read(file)
    with working("Writing the log"):
        written = export_log(log, out, path.stem, formats or FORMATS, _number(lab))
    if json:
        print_json({"written": [str(each) for each in written]})
    else:
        typer.echo("\n".join(f"{each} is written." for each in written))


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A record or its JSON export.", metavar="FILE", show_default=False)],
    receipts: Annotated[
        list[str] | None,
        typer.Option(
            "--receipts",
            help="Receipts that were handed in: codes, or a file with one a line, perhaps with its time of arrival. "
            "May be repeated.",
            metavar="FILE|CODES",
        ),
    ] = None,
    student: Annotated[str | None, typer.Option("--student", help="Whose log it must be.", metavar="NAME")] = None,
    course: Annotated[str | None, typer.Option("--course", help="Of which course it must be.", metavar="NAME")] = None,
    json: AsJson = False,
) -> None:
    """Verify a log: its chain, its evidence (computed again), its receipts, the numbers in its decisions.

    Exits with 1 where something does not hold.
    """
    from navarch.course.record.handed_in import read_handed_in
    from navarch.course.record.verify import verify as verified

    handed_in = read_handed_in(receipts or ())
    with working("Computing the evidence again"):
        found = verified(file, handed_in, whose=(student, course))
    if json:
        print_json(found.as_data())
    else:
        _tell(found, bool(handed_in))
    if not found.ok:
        raise typer.Exit(FAILED)


def _read(file: Path | None) -> tuple[Path, Log]:
    from navarch.course.record import read_log

    if file is None:
        file = _own()
    return file, read_log(file)


def _own() -> Path:
    """The record that the environment names, or else the usual one of whoever is logged in."""
    from navarch.course.errors import CourseError

    try:
        from navarch.course.frame.session import session_told
    except ModuleNotFoundError as error:
        raise CourseError(
            f"name the record: finding your own needs {error.name} (pip install 'navarch[labs]')"
        ) from error
    return session_told().record


def _number(lab: str | None) -> str | None:
    from navarch.course.labs import lab_named

    return lab_named(lab).number if lab is not None else None


def _page(log: Log, lab: str | None) -> Page:
    from navarch.course.record.page import page_of

    return page_of(log, _number(lab))


def _show(page: Page) -> None:
    from rich.text import Text

    out = console()
    out.print(Text(f"Decision log of {page.student}", style="bold").append(f"   course {page.course}", style="dim"))
    out.print(Text(page.verdict, style="bold red" if page.flaws else "green"))
    if page.note:
        out.print(Text(page.note, style="yellow"))
    for lab in page.labs:
        out.print(Text(f"\nLab {lab.lab}  {lab.name}", style="bold"))
        _show_lab(lab)
    if page.receipts:
        rows = [(str(r.number), r.what, r.time, r.receipt) for r in page.receipts]
        out.print()
        out.print(_table(("Entry", "Commitment", "Time", "Receipt"), rows, right=(0,)))


def _show_lab(lab: LabPage) -> None:
    from rich.text import Text

    out = console()
    for decision in lab.decisions[:1]:
        out.print(Text("Decision. ", style="bold").append_text(_marked(decision.recommendation)))
        out.print(Text("Why. ", style="bold").append_text(_marked(decision.reasoning)).append(f" ({decision.term})"))
        rejected = _marked(decision.rejected).append(": ").append_text(_marked(decision.rejected_by))
        out.print(Text("Rejected. ", style="bold").append_text(rejected))
        out.print(Text("Revisit when ", style="bold").append_text(_marked(decision.trigger)))
        told = (
            f"Entry {decision.number}; how sure: {decision.confidence}; numbers in the evidence: {decision.supported}"
        )
        out.print(Text(f"{told} of {decision.numbers}\n", style="dim"))
    if lab.predictions:
        predictions = [(p.part, p.question, p.predicted, p.sure, p.result, p.off) for p in lab.predictions]
        out.print(_table(("Part", "Asked", "Predicted", "How sure", "Result", "Off"), predictions, right=(2, 3, 4)))
    if lab.evidence:
        evidence = [
            (str(e.number), e.part, e.what, "; ".join(f"{t} {v}" for t, v, _ in e.readings), e.origin)
            for e in lab.evidence
        ]
        out.print()
        out.print(_table(("Entry", "Part", "Evidence", "Result", "From"), evidence, right=(0,)))
    if lab.submissions:
        handed_in = [(str(s.number), s.part, "; ".join(f"{k} {v}" for k, v in s.items)) for s in lab.submissions]
        out.print()
        out.print(_table(("Entry", "Part", "Handed in"), handed_in, right=(0,)))


def _marked(runs: tuple[Run, ...]) -> Text:
    from rich.text import Text

    styles = {"": "", "supported": "green", "predicted": "magenta", "not in the evidence": "yellow"}
    made = Text()
    for run in runs:
        made.append(run.text, style=styles[run.mark])
        if run.mark and not run.where:
            made.append(" (not in the evidence)", style="yellow")
    return made


def _tell(found: Verification, asked: bool) -> None:
    from rich.text import Text

    out = console()
    if found.log is not None:
        header = found.log.header
        out.print(Text(f"Log of {header.student}", style="bold").append(f"   course {header.course}", style="dim"))
    for style, line in found.sentences():
        out.print(Text(line, style={"good": "green", "bad": "bold red", "mark": "yellow", "": ""}[style]))
    if found.log is not None and not asked:
        out.print(Text("Without receipts nobody can tell whether a whole chain was written anew.", style="dim"))


def _table(heads: tuple[str, ...], rows: Iterable[Sequence[str]], right: tuple[int, ...]) -> Table:
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for place, head in enumerate(heads):
        made.add_column(head, justify="right" if place in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*map(Text, row))
    return made
