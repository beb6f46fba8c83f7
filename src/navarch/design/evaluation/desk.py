"""The desk on which a design is evaluated: the design file, the catalog and the ledger, and how numbers enter it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from navarch.catalog.errors import CatalogError
from navarch.core.arithmetic import margin_above, margin_below, margin_of_error_budget
from navarch.core.ledger import Fact, Ledger, Value
from navarch.design.amount import Amount
from navarch.design.errors import DesignError
from navarch.design.evaluation.result import Constraint, Decision
from navarch.design.spec import note

if TYPE_CHECKING:
    from navarch.catalog import Catalog
    from navarch.design.spec import Design


class Desk:
    """Where the sections meet: each reads fields and facts here and puts its quantities and decisions down.

    A number enters in one of three ways: a field that the user gave, a catalog fact, or a choice with its reason.
    """

    def __init__(self, spec: Design, catalog: Catalog, ledger: Ledger):
        self.spec = spec
        self.catalog = catalog
        self.ledger = ledger
        self.quantities: dict[str, Value] = {}
        self.decisions: dict[str, Decision] = {}
        self.constraints: list[Constraint] = []
        self.curves: dict[str, Any] = {}
        self.labels: dict[str, str] = {}
        self.warnings: list[str] = []

    def given(self, path: str) -> bool:
        """Whether the design file gives this field."""
        return self.spec.given(path)

    def text(self, path: str) -> Any:
        """A field that is not a number (an identifier, an option), or None."""
        return self.spec.field(path)

    def field(self, path: str) -> Value:
        """A numeric field of the design file, remembered under its path."""
        found = self.spec.field(path)
        if found is None:
            raise DesignError(path, "is needed here and the design file does not give it")
        if isinstance(found, Amount):
            return self.ledger.field(path, found.value, found.unit, note(path).title, found.low, found.high)
        return self.ledger.field(path, float(found), "1", note(path).title)

    def fact(self, collection: str, identifier: str, attribute: str = "value") -> Value:
        """A catalog fact.

        Raises DesignError where the catalog has the entry but does not know the value.
        """
        return self.enter(self.catalog.fact(collection, identifier, attribute))

    def known(self, entry: Any, attribute: str) -> Value | None:
        """A fact of a catalog entry, or None where it is unknown."""
        found = getattr(entry, attribute)
        return None if found is None else self.enter(found)

    def need(self, entry: Any, attribute: str, path: str) -> Value:
        """A fact of a catalog entry that the evaluation cannot do without."""
        found = self.known(entry, attribute)
        if found is None:
            raise DesignError(path, f"{entry.id} cannot be used here: the catalog does not know its {attribute}")
        return found

    def look(self, collection: str, identifier: str, path: str) -> Any:
        """The catalog entry that a field names.

        Raises DesignError naming the field where the catalog has none of that name, or cannot read it.
        """
        try:
            return self.catalog.get(collection, identifier)
        except CatalogError as error:
            raise DesignError(path, str(error)) from error

    def enter(self, fact: Fact) -> Value:
        return self.ledger.fact(fact)

    def constant(self, identifier: str) -> Value:
        """A general constant of the catalog."""
        return self.fact("constant", identifier)

    def take(self, path: str, constant: str) -> Value:
        """The user's field, or else the catalog constant that stands for it."""
        return self.field(path) if self.given(path) else self.constant(constant)

    def take_fact(self, path: str, entry: Any, attribute: str) -> Value:
        """The user's field, or else the fact of a catalog entry."""
        return self.field(path) if self.given(path) else self.need(entry, attribute, path)

    def choose(self, path: str, value: float, unit: str, reason: str) -> Value:
        """A number that navarch chose, the design file leaving it out."""
        return self.ledger.choice(path, value, unit, note(path).title, reason)

    def settle(self, path: str, value: float, unit: str, reason: str) -> Value:
        """The user's field where given, else the choice."""
        return self.field(path) if self.given(path) else self.choose(path, value, unit, reason)

    def put(self, name: str, value: Value) -> Value:
        """Put a result down under its dotted quantity name."""
        self.quantities[name] = self.ledger.name(name, value)
        return value

    def put_all(self, prefix: str, values: Mapping[str, Value]) -> None:
        for name, value in values.items():
            self.put(f"{prefix}.{name}", value)

    def get(self, name: str) -> Value | None:
        """A quantity that an earlier section put down, or None."""
        return self.quantities.get(name)

    def decide(self, decision: Decision) -> None:
        self.decisions[decision.key] = decision

    def at_most(self, field: str, title: str, designed: Value) -> None:
        """A constraint: the field is an upper limit, where it is given."""
        if self.given(field):
            asked = self.field(field)
            margin = margin_below(asked, designed, title=f"Margin of {title.lower()}")
            self.constraints.append(Constraint(field, title, asked, designed, margin, field))

    def at_least(self, field: str, title: str, designed: Value, *, of_error_budget: bool = False) -> None:
        """A constraint: the field is a lower limit, where it is given; the margin may be of the error budget."""
        if self.given(field):
            asked = self.field(field)
            measure = margin_of_error_budget if of_error_budget else margin_above
            margin = measure(asked, designed, title=f"Margin of {title.lower()}")
            self.constraints.append(Constraint(field, title, asked, designed, margin, field))
