"""What the commands share: options, reading and evaluating a design, and where output goes."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from navarch.catalog import Catalog
    from navarch.core.ledger import Value
    from navarch.design.evaluation import Evaluation

PIPED_WIDTH = 140
MISSED = 1

DesignFile = Annotated[Path, typer.Argument(help="Design file (YAML).", metavar="FILE", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
CatalogPaths = Annotated[
    list[Path] | None,
    typer.Option("--catalog", help="Own catalog entries: a YAML file or folder. May be repeated.", metavar="PATH"),
]


def console() -> Console:
    """Return the console for results; wide enough for the tables where the output is not a terminal."""
    from rich.console import Console

    class Results(Console):
        """A console that leaves a closed pipe to the application."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Results(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show a spinner on the terminal (never in a pipe) while something is worked out."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


def load_catalog(paths: list[Path] | None) -> Catalog:
    """Return the catalog, with the user's own entries on top of the shipped ones."""
    from navarch.catalog import load

    return load(tuple(paths or ()))


def evaluated(file: Path, paths: list[Path] | None) -> Evaluation:
    """Read a design file and evaluate it."""
    from navarch.design.errors import DesignError
    from navarch.design.reader import read_design

    design = read_design(file)
    with working(f"Evaluating {file.name}"):
        from navarch.design.evaluation import evaluate

        try:
            return evaluate(design, load_catalog(paths))
        except DesignError as error:
            raise design.located(error) from error


def print_json(content: Any) -> None:
    """Print JSON; what is not a finite number is null."""
    typer.echo(json.dumps(_finite(content), indent=2, ensure_ascii=False))


def shown(value: Value) -> str:
    """Return a value with its unit, as a person would write it."""
    from navarch.core.quantity import show

    return show(float(value), value.entry.unit)


def exit_for(evaluation: Evaluation) -> None:
    """Exit with code 1 where a constraint is missed."""
    if not evaluation.met:
        raise typer.Exit(MISSED)


def _finite(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {str(key): _finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(value) for value in content]
    if isinstance(content, float):
        return float(content) if math.isfinite(content) else None
    return content


@contextmanager
def progress_bar(first: str) -> Iterator[Callable[[float, str], None]]:
    """A progress bar on the terminal; nothing in a pipe. first: what is done before anything is told."""
    if not sys.stderr.isatty():
        yield lambda _share, _what: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(first, total=1.0)
        yield lambda share, what: shown.update(task, completed=share, description=what)


@contextmanager
def counting_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar of things done out of so many."""
    with progress_bar(title) as progress:
        yield lambda done, every: progress(done / max(every, 1), f"{title}: {done:,} of {every:,}")
