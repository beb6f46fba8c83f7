"""`navarch check` and `navarch design`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from navarch.cli.session import AsJson, CatalogPaths, DesignFile, console, evaluated, exit_for, print_json, working

Format = Literal["html", "pdf", "md"]
FORMATS: dict[str, Format] = {"html": "html", "pdf": "pdf", "markdown": "md"}
"""Documents that can be written, with the suffix of each."""


def check(file: DesignFile, json: AsJson = False, catalog: CatalogPaths = None) -> None:
    """Evaluate a design file: verdict, constraints, headline numbers, and what was chosen."""
    evaluation = evaluated(file, catalog)
    from navarch.cli import report

    if json:
        print_json(report.as_data(evaluation))
    else:
        report.show_evaluation(evaluation, console())
    exit_for(evaluation)


def design(
    file: DesignFile,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the documents; left out, beside the file.", metavar="DIR")
    ] = None,
    formats: Annotated[
        str, typer.Option("--format", help="Which documents to write, with commas between.", metavar="LIST")
    ] = ",".join(FORMATS),
    json: AsJson = False,
    catalog: CatalogPaths = None,
) -> None:
    """Write the design document: every decision with its numbers, every number with its derivation."""
    wanted = _formats(formats)
    evaluation = evaluated(file, catalog)
    folder = out or file.parent
    folder.mkdir(parents=True, exist_ok=True)
    with working("Writing the design document"):
        from navarch.design.document import write_documents

        written: list[Path] = write_documents(evaluation, folder, file.stem, wanted)
    from navarch.cli import report

    if json:
        print_json({**report.as_data(evaluation), "documents": [str(path) for path in written]})
    else:
        _show(evaluation, written)
    exit_for(evaluation)


def _show(evaluation: Any, written: list[Path]) -> None:
    from rich.text import Text

    from navarch.cli import report

    out = console()
    out.print(Text(f"{evaluation.spec.name}: ", style="bold").append_text(report.verdict(evaluation)))
    for path in written:
        out.print(Text(f"  {path}"), soft_wrap=True)


def _formats(text: str) -> tuple[Format, ...]:
    """Return the formats that a list with commas names, in the order of FORMATS."""
    from navarch.design.errors import DesignError

    names = {name.strip().lower() for name in text.split(",") if name.strip()}
    names = {"markdown" if name == "md" else name for name in names}
    unknown = sorted(names.difference(FORMATS))
    if unknown or not names:
        raise DesignError("--format", f'"{unknown[0] if unknown else text}" is not one of {", ".join(FORMATS)}')
    return tuple(suffix for name, suffix in FORMATS.items() if name in names)
