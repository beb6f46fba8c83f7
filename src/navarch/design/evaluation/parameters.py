"""Parameters of a model, counted from its architecture under the ledger."""

from __future__ import annotations

from typing import Any

from navarch.core.ledger import Value
from navarch.design.evaluation.desk import Desk
from navarch.fleet.scale.parameters import parameter_count


def count_parameters(desk: Desk, model: Any) -> tuple[Value, Value]:
    """All parameters of a model, and those that a token of text meets; its facts enter the desk's ledger."""
    with desk.ledger:
        count = parameter_count(model)
    return count.total, count.active
