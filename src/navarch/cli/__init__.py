"""The command line. Commands import what they need when they run, so that `navarch --help` is instant."""

from __future__ import annotations


def main() -> None:
    """Run the command line: exit code 0 constraints met, 1 one missed, 2 bad input, 130 interrupted."""
    from navarch.cli.app import app

    app(prog_name="navarch")
