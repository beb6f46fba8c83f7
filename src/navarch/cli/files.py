"""`navarch init` and `navarch schema`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from navarch.cli.session import AsJson, print_json

STARTER = Path("design.yaml")


def init(
    file: Annotated[
        Path, typer.Argument(help="File to write; one that exists is left as it is.", metavar="FILE")
    ] = STARTER,
    json: AsJson = False,
) -> None:
    """Write a commented design file to start from."""
    from navarch.design.starter import write_starter

    written = write_starter(file)
    if json:
        print_json({"written": str(written)})
    else:
        typer.echo(f"{written} is written. Edit it, then: navarch check {written}")


def schema(
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write instead of printing.", metavar="FILE")
    ] = None,
    json: AsJson = False,
) -> None:
    """Print the JSON schema of the design file, for editors (it is JSON with and without --json)."""
    from navarch.design.schema import design_schema

    if out is None:
        print_json(design_schema())
        return
    from json import dumps

    from navarch.design.starter import write_whole

    write_whole(out, dumps(design_schema(), indent=2, ensure_ascii=False) + "\n")
    if json:
        print_json({"written": str(out)})
    else:
        typer.echo(f"{out} is written. Begin a design file with:  # yaml-language-server: $schema={out}")
