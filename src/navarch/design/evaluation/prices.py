"""Prices of nodes and rents of accelerators: the catalog's own where it has one, else what the market printed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from navarch.catalog import Catalog
from navarch.core.ledger import Fact, Value
from navarch.design.errors import DesignError
from navarch.design.evaluation.desk import Desk

EIGHT = 8  # accelerators of the servers whose prices the market prints


def node_price(desk: Desk, node: Any) -> Value:
    """Price of one node: the design file's, the maker's, or that of servers with the same accelerators.

    Raises DesignError where none is known.
    """
    if desk.given("cost.node_price"):
        return desk.field("cost.node_price")
    if node.price is not None:
        return desk.enter(node.price)
    known = [desk.catalog.get("node", i) for i in desk.catalog.ids("node")]
    same = [
        n.price
        for n in known
        if n.price and n.accelerator == node.accelerator and float(n.accelerators) == float(node.accelerators)
    ]
    if not same and float(node.accelerators) == EIGHT:
        same = _printed(desk.catalog, node.accelerator, "USD", ("hgx", "dgx"))
    if not same:
        raise DesignError(
            "cost.node_price", f"the catalog knows no price of {node.id}; give one, such as `node_price: 400000 USD`"
        )
    return desk.enter(_middle(same, f"price.market.{node.id}", f"Price of a node, as of {node.name}"))


def accelerator_rent(desk: Desk, accelerator: Any) -> Value:
    """Rent of one accelerator: the design file's, or the middle of the printed prices on demand.

    Raises DesignError where none is known.
    """
    if desk.given("cost.accelerator_rent"):
        return desk.field("cost.accelerator_rent")
    rent = known_rent(desk, accelerator)
    if rent is None:
        raise DesignError(
            "cost.accelerator_rent",
            f"the catalog knows no rent of {accelerator.id}; give one, such as `accelerator_rent: 3 USD/h`",
        )
    return rent


def known_rent(desk: Desk, accelerator: Any) -> Value | None:
    """The middle of the printed on-demand prices of an accelerator, or None."""
    printed = _printed(desk.catalog, accelerator.id, "USD/s", ())
    if not printed:
        return None
    return desk.enter(
        _middle(printed, f"price.market.rent.{accelerator.id}", f"Rent of one {accelerator.name} on demand")
    )


def _printed(catalog: Catalog, accelerator: str, unit: str, makes: tuple[str, ...]) -> list[Fact]:
    """Printed prices of an accelerator's family in a unit, on demand where they are rents."""
    family = accelerator.split("-")[0]
    found = []
    for identifier in catalog.ids("price"):
        words = identifier.split("-")
        fact = catalog.fact("price", identifier)
        rented = "od" in words and "2025" not in words
        if family in words and fact.unit == unit and (words[0] in makes if makes else rented):
            found.append(fact)
    return found


def _middle(prices: list[Fact], identifier: str, title: str) -> Fact:
    """The middle one of several prices, with the least and the greatest as its interval."""
    ordered = sorted(prices, key=float)
    middle = ordered[len(ordered) // 2]
    low = min(float(ordered[0]), middle.low if middle.low is not None else float(ordered[0]))
    high = max(float(ordered[-1]), middle.high if middle.high is not None else float(ordered[-1]))
    note = f"middle of {len(ordered)} printed prices; the interval is from the least to the greatest. {middle.note}"
    return replace(middle, id=identifier, title=title, low=low, high=high, note=note)
