"""What every part of a lab is: an object that cells name, and that runs them again when it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import marimo
from marimo._runtime.state import State

if TYPE_CHECKING:
    from navarch.course.frame.lab import Lab


class Part(State[int]):
    """A part of a lab.

    It is a state of marimo: `changed` runs every cell that names it, also the one whose button was clicked.
    """

    def __init__(self, lab: Lab, name: str) -> None:
        super().__init__(0, allow_self_loops=True)
        self.lab = lab
        self.name = name

    def changed(self) -> None:
        """Run the cells that name this part again."""
        self._set_value(self() + 1)


def halt(when: bool) -> None:
    """Stop the cell, and all cells that need what it defines, without a word."""
    marimo.stop(when)
