"""What a plan is worked out with: the question, the catalog, the ledger, and the facts that both give."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from navarch.catalog.errors import CatalogError
from navarch.core.ledger import Ledger, Value
from navarch.fleet.scale.question import UNITS, Question, ScaleError

if TYPE_CHECKING:
    from navarch.catalog import Catalog

TITLES: Mapping[str, str] = {
    "compute": "Compute budget",
    "loss": "Loss wanted, in nats a token",
    "budget": "Money budget",
    "price": "Price of an accelerator",
    "accelerators": "Accelerators",
    "duration": "Duration",
    "deadline": "Deadline",
    "parameters": "Parameters of the model, active in each token",
    "tokens": "Tokens trained on",
    "utilisation": "Share of the peak that becomes model FLOP",
    "availability": "Share of the time that is productive",
    "batch": "Tokens in one optimiser step",
    "sequence": "Tokens in a training sequence",
    "unique_tokens": "Unique tokens of the dataset",
    "inference_tokens": "Tokens read and written over the model's life",
    "serving_utilisation": "Share of the peak that serving turns into model FLOP",
}

PLANNED = {
    "utilisation": "scale.utilisation",
    "availability": "design.planned-goodput",
    "batch": "design.global-batch-tokens",
    "sequence": "design.sequence-length",
}
"""The catalog constants that stand in where a field is not given."""


class Desk:
    """Enters what is used into the ledger, and what is found into the quantities."""

    def __init__(self, question: Question, catalog: Catalog, ledger: Ledger) -> None:
        self.question = question
        self.catalog = catalog
        self.ledger = ledger
        self.quantities: dict[str, Value] = {}
        self.labels: dict[str, str] = {}
        self.notes: list[str] = []

    def asked(self, name: str) -> Value:
        """A field of the question."""
        return self.ledger.field(name, getattr(self.question, name), UNITS[name], TITLES[name])

    def asked_or_planned(self, name: str) -> Value:
        """A field of the question, or the planning value of the catalog."""
        return self.asked(name) if self.question.given(name) else self.constant(PLANNED[name])

    def constant(self, name: str) -> Value:
        """A constant of the catalog."""
        return self.ledger.fact(self.catalog.fact("constant", name))

    def put(self, name: str, value: Value) -> Value:
        """Name a quantity of the answer."""
        self.quantities[name] = self.ledger.name(name, value)
        return value

    def put_all(self, room: str, values: Mapping[str, Value]) -> None:
        """Name quantities under a common first word."""
        for name, value in values.items():
            self.put(f"{room}.{name}", value)

    @cached_property
    def accelerator(self) -> Any:
        """The accelerator's catalog entry."""
        entry = self.catalog.get("accelerator", self.question.accelerator)
        self.labels["accelerator"] = entry.name
        return entry

    @cached_property
    def peak(self) -> Value:
        """Peak rate of the accelerator at the asked precision; ScaleError names those that it has."""
        name = self.question.precision
        known = [f for f, fact in self.accelerator.facts.items() if fact.unit == "FLOP/s"]
        if name not in known:
            raise ScaleError(f"precision: {name!r} is not a rate of {self.accelerator.id}; it has: {', '.join(known)}")
        return self.ledger.fact(getattr(self.accelerator, name))

    @cached_property
    def node(self) -> Any | None:
        """The node asked for, or the first of the catalog with this accelerator; None where there is none."""
        if self.question.node is not None:
            entry = self.catalog.get("node", self.question.node)
            if entry.accelerator != self.accelerator.id:
                raise ScaleError(f"node: {entry.id} holds {entry.accelerator}, not {self.accelerator.id}")
        else:
            entries = (self.catalog.get("node", name) for name in self.catalog.ids("node"))
            entry = next((e for e in entries if e.accelerator == self.accelerator.id), None)
        if entry is not None:
            self.labels["node"] = entry.name
        return entry

    @cached_property
    def memory(self) -> Value:
        """Memory of one accelerator."""
        if self.accelerator.memory is None:
            raise CatalogError(f"the memory of accelerator {self.accelerator.id!r} is not known")
        return self.ledger.fact(self.accelerator.memory)

    @cached_property
    def utilisation(self) -> Value:
        """Share of the peak that becomes model FLOP."""
        return self.asked_or_planned("utilisation")

    @cached_property
    def availability(self) -> Value:
        """Share of the time that is productive."""
        return self.asked_or_planned("availability")

    @cached_property
    def price(self) -> Value:
        """Price of one accelerator [USD/s]: asked, or of the catalog; ScaleError where that is of something else."""
        if not isinstance(self.question.price, str):
            return self.asked("price")
        fact = self.catalog.fact("price", self.question.price)
        if fact.unit != UNITS["price"]:
            raise ScaleError(f"price: {self.question.price!r} is in {fact.unit}, not a price of accelerator time")
        return self.ledger.fact(fact)

    @cached_property
    def one(self) -> Value:
        """One accelerator, as the count of a fleet."""
        return self.ledger.choice("one", 1.0, "1", "One accelerator", "accelerator time is counted on one")
