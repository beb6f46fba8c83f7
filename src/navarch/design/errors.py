"""What a user did wrong in a design, told in one line a mistake."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SHOWN = 20
"""How many mistakes of one file are told; the rest are counted."""


@dataclass(frozen=True)
class Problem:
    """One mistake: the dotted field, what is wrong with it, and the line of the file (when it is known)."""

    field: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        where = f"{self.field or 'design'} (line {self.line})" if self.line else self.field
        return f"{where}: {self.message}" if where else self.message


class DesignError(ValueError):
    """A design that cannot be evaluated as written: the field, what is wrong and what is allowed.

    `field` and `message` are those of the first mistake; `problems` holds every mistake that was found.
    """

    def __init__(self, field: str, message: str, *, line: int | None = None, source: str = "") -> None:
        self.problems: tuple[Problem, ...] = (Problem(field, message, line),)
        self.source = source
        super().__init__(field, message)

    @classmethod
    def of(cls, problems: Iterable[Problem], source: str = "") -> DesignError:
        """Return one error that tells all the problems (at least one)."""
        found = tuple(problems)
        error = cls(found[0].field, found[0].message, source=source)
        error.problems = found
        return error

    @property
    def field(self) -> str:
        """Dotted name of the field at fault, or "" when the file as a whole is."""
        return self.problems[0].field

    @property
    def message(self) -> str:
        """What is wrong and what is allowed, in one line, without the field's name."""
        return self.problems[0].message

    def __str__(self) -> str:
        at = f"{self.source}: " if self.source else ""
        if len(self.problems) == 1:
            return f"{at}{self.problems[0]}"
        lines = [f"{at}{len(self.problems)} problems in the design"]
        lines += [f"  {problem}" for problem in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            lines.append(f"  and {len(self.problems) - SHOWN} more")
        return "\n".join(lines)
