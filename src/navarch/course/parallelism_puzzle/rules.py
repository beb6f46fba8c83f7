"""A rule: an ordered table of conditions on the pair and strategies. The first row whose conditions all hold is used.

A rule is data, read from YAML and checked; nothing in it is run.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator
from pydantic_core import PydanticCustomError

from navarch.course.parallelism_puzzle.facts import ASKED, facts_of
from navarch.course.parallelism_puzzle.pairs import Pair
from navarch.course.parallelism_puzzle.strategy import Strategy
from navarch.design.amount import Amount, Unit

MOST_ROWS = 50
COUNTED = ("1", "parameter", "token", "FLOP/byte")
STRICT = ConfigDict(frozen=True, extra="forbid")


class Range(BaseModel):
    """From at_least (it included) to below (it not included); either may be left out."""

    model_config = STRICT
    at_least: Any = None
    below: Any = None

    @model_validator(mode="after")
    def _is_a_range(self) -> Range:
        if self.at_least is None and self.below is None:
            raise PydanticCustomError("range", "needs at_least, below or both")
        if self.at_least is not None and self.below is not None and self.at_least.value >= self.below.value:
            raise PydanticCustomError("range", "is empty: at_least is not less than below")
        return self

    def holds(self, value: float) -> bool:
        """Whether a value lies in the range."""
        low, high = self.at_least, self.below
        return (low is None or value >= low.value) and (high is None or value < high.value)

    def __str__(self) -> str:
        bounds = ((self.at_least, "at least"), (self.below, "below"))
        return " and ".join(f"{word} {bound}" for bound, word in bounds if bound is not None)


def _range_of(unit: str) -> type[Range]:
    """The range of quantities of a unit."""
    amount = Annotated[Amount, Unit(unit, minimum=0, bare=unit in COUNTED)] | None
    name = "Range of " + unit
    return create_model(name, __base__=Range, at_least=(amount, None), below=(amount, None))


_RANGES = {unit: _range_of(unit) for unit in {asked.unit for asked in ASKED.values()}}


class Conditions(BaseModel):
    """Conditions on a pair, by the name of what is asked; all of them must hold."""

    model_config = STRICT

    def holding(self, pair: Pair) -> bool:
        """Whether all conditions hold for a pair."""
        facts = facts_of(pair)
        return all(wanted.holds(facts[name]) for name, wanted in self.asked())

    def asked(self) -> list[tuple[str, Range]]:
        """The conditions that are set."""
        return [(name, wanted) for name, wanted in self if wanted is not None]

    def __str__(self) -> str:
        told = [f"{name.replace('_', ' ')} {wanted}" for name, wanted in self.asked()]
        return ", ".join(told) or "otherwise"


When: type[Conditions] = create_model(
    "When",
    __base__=Conditions,
    **{name: (_RANGES[asked.unit] | None, None) for name, asked in ASKED.items()},  # type: ignore[call-overload]
)


class Row(BaseModel):
    """One row of a rule: where the conditions hold, the strategy to use."""

    model_config = STRICT
    when: When = Field(default_factory=When)
    use: Strategy


class Rule(BaseModel):
    """An ordered table of conditions and strategies."""

    model_config = STRICT
    rows: Annotated[tuple[Row, ...], Field(min_length=1, max_length=MOST_ROWS)]

    def row_for(self, pair: Pair) -> int | None:
        """The place of the first row whose conditions hold for a pair; None where none does."""
        return next((place for place, row in enumerate(self.rows) if row.when.holding(pair)), None)

    def strategy_for(self, pair: Pair) -> Strategy | None:
        """The strategy that the rule chooses for a pair; None where no row holds."""
        place = self.row_for(pair)
        return None if place is None else self.rows[place].use
