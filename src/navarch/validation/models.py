"""Published parameter counts against those that navarch counts from the architecture. Nothing here is fitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from navarch.fleet.scale.parameters import active_as_published, parameter_count
from navarch.validation.report import Prediction
from navarch.validation.rows import Row, UnpredictableError, number, text
from navarch.validation.topics import Topic

if TYPE_CHECKING:
    from navarch.catalog import Catalog

COLUMNS = ("id", "model", "quantity", "value")
COUNTED = ("params_total", "params_active")


def published(catalog: Catalog) -> Sequence[Row]:
    """Return one row for each published total and active parameter count of the catalog."""
    rows: list[dict[str, Any]] = []
    for name in catalog.ids("model"):
        model = catalog.get("model", name)
        for quantity in COUNTED:
            fact = getattr(model, quantity)
            if fact is not None:
                rows.append({"id": f"{name}.{quantity}", "model": name, "quantity": quantity, "value": float(fact)})
    return rows


def predict(row: Row, catalog: Catalog) -> Prediction:
    """Return the count of a row's model, total or active."""
    name, quantity = text(row, "model"), text(row, "quantity")
    if name not in catalog.ids("model"):
        raise UnpredictableError(f'the catalog has no model "{name}"')
    if quantity not in COUNTED:
        raise UnpredictableError(f'the quantity "{quantity}" is not one of {", ".join(COUNTED)}')
    model = catalog.get("model", name)
    count = parameter_count(model)
    counted = float(active_as_published(model, count) if quantity == "params_active" else count.total)
    return Prediction(
        text(row, "id"), f"{quantity} [parameter]", number(row, "value"), counted, "assumed", model.family or name,
        "untouched", model.params_note,
    )  # fmt: skip


TOPIC = Topic("models", "Parameter counts of published models", COLUMNS, published, predict)
