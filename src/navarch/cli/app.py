"""The application: its commands, its options, and what happens when the user made a mistake."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from navarch.cli import catalog, debate, diff, document, explain, files, lab, log, measure, plan, simulate, validate

BAD_INPUT = 2
CLOSED_PIPE = 141
"""What a shell reports of a program that nobody reads from any more: 128 and the number of SIGPIPE."""


class Navarch(TyperGroup):
    """A group of commands that tells a user's mistake in one message and exits with code 2, without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(CLOSED_PIPE) from None
        except OSError as error:
            named = f"{error.filename}: " if error.filename else ""
            raise _told(f"{named}{error.strerror or error}") from error
        except ValueError as error:
            if not _of_user(error):
                raise
            raise _told(str(error)) from error

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the commands in the order in which one meets them."""
        return list(self.commands)


def _of_user(error: ValueError) -> bool:
    """Whether the message of an error is meant for the user; the modules are imported only once there is an error."""
    from navarch.catalog.errors import CatalogError
    from navarch.core.quantity import QuantityError
    from navarch.core.sweep_error import SweepError
    from navarch.course.errors import CourseError
    from navarch.design.errors import DesignError
    from navarch.distributed.training.legality import InfeasibleError
    from navarch.distributed.training.schedules import ScheduleError
    from navarch.fleet.fabric.graph import GraphError
    from navarch.fleet.fabric.sizing import SizingError

    mistakes = (
        DesignError, CatalogError, QuantityError, InfeasibleError, ScheduleError, SweepError, CourseError, GraphError,
        SizingError,
    )  # fmt: skip
    return isinstance(error, mistakes)


def _told(message: str) -> typer.Exit:
    typer.echo(f"navarch: {message}", err=True)
    return typer.Exit(BAD_INPUT)


app = typer.Typer(
    cls=Navarch,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Design AI fleets: one design file in, a justified design document out.",
    epilog="Exit codes: 0 every constraint is met, 1 a constraint is missed, 2 bad input.",
)


def _version(asked: bool) -> None:
    if asked:
        from navarch import __version__

        typer.echo(f"navarch {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Options of the program as a whole."""


app.command("design")(document.design)
app.command("check")(document.check)
app.command("explain")(explain.explain)
app.command("init")(files.init)
app.command("diff")(diff.diff)
app.command("schema")(files.schema)
app.add_typer(catalog.app, name="catalog")
app.add_typer(plan.app, name="plan")
app.add_typer(simulate.app, name="simulate")
app.add_typer(measure.app, name="measure")
app.command("validate")(validate.validate)
app.add_typer(lab.app, name="lab")
app.command("debate")(debate.debate)
app.add_typer(log.app, name="log")
