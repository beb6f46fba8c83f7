"""Published failures of real clusters against the equations of distributed/faults.

A row is predicted from a failure record of the catalog: the row's own system where it published a rate beside the row
(`interpolated`; `fitted` where the record is this very observation), else the record of the same accelerator generation
(`assumed`), as a planner would take it who has no record of his own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from navarch.core.arithmetic import product_of, ratio
from navarch.core.quantity import factor
from navarch.distributed.faults.estimate import expected_failures, failure_rate, job_mttf, node_failure_rate
from navarch.validation.report import Basis, Prediction, Split
from navarch.validation.rows import Row, UnpredictableError, number, text
from navarch.validation.topics import Topic

if TYPE_CHECKING:
    from navarch.catalog import Catalog

COLUMNS = ("id", "system", "accelerator", "accelerators", "period_days", "what", "cause", "value", "unit")
OF_SYSTEM = {
    "Meta production cluster": "llama3-2024",
    "Meta RSC-1": "meta-rsc-1",
    "Meta RSC-2": "meta-rsc-2",
}
OF_GENERATION = {"A100": "meta-rsc-1", "H100": "llama3-2024", "H200": "llama3-2024"}
ALL_CAUSES = ("all", "all_unexpected", "hosts_down", "machine", "accelerator", "hardware", "hardware_infra")
RECORDS_ARE_THESE = {"int003": "llama3-2024", "int028": "llama3-2024", "int029": "meta-rsc-1", "int030": "meta-rsc-2"}
Rule = Callable[[Row, Any, Any], Any]


def published(catalog: Catalog) -> Sequence[Row]:
    """Return the shipped table of interruptions."""
    rows: list[dict[str, Any]] = catalog.table("interruptions").rows(named=True)
    return rows


def predict(row: Row, catalog: Catalog) -> Prediction:
    """Return a row's prediction, in the unit in which it was measured."""
    what, unit, cause = text(row, "what"), text(row, "unit"), text(row, "cause")
    if (what, unit) not in PREDICTED:
        raise UnpredictableError(f'"{what}" in {unit or "no unit"} is not predicted by this topic')
    if cause not in ALL_CAUSES:
        raise UnpredictableError(
            f'the cause "{cause}" is a part of the failures; the records used here count all of them'
        )
    measured = number(row, "value")
    record, basis = _record(row, catalog)
    predicted = PREDICTED[what, unit](row, record, _node_rate(record))
    split: Split = "calibration" if basis == "fitted" else "untouched"
    note = f"rate of {record.id}; {text(row, 'notes')}".rstrip("; ")
    quantity = f"{what} [{unit}]"
    return Prediction(text(row, "id"), quantity, measured, float(predicted), basis, text(row, "system"), split, note)


def _mttf(row: Row, record: Any, rate: Any) -> Any:
    return ratio(job_mttf(_nodes(row, record), rate), factor("h")[0])


def _failures(row: Row, record: Any, rate: Any) -> Any:
    return expected_failures(_nodes(row, record), rate, product_of(number(row, "period_days"), factor("day")[0]))


def _failures_a_day(row: Row, record: Any, rate: Any) -> Any:
    return expected_failures(_nodes(row, record), rate, factor("day")[0])


def _nodes_in(many: str, period: str) -> Rule:
    """Return the rule for failures among so many nodes in one period."""
    return lambda _, __, rate: expected_failures(float(many), rate, factor(period)[0])


PREDICTED: dict[tuple[str, str], Rule] = {
    ("mttf_hours", "hours"): _mttf,
    ("unexpected_interruptions", "count"): _failures,
    ("restarts", "count"): _failures,
    ("failures_per_day", "per_day"): _failures_a_day,
    ("failure_rate", "per_1000_node_days"): _nodes_in("1000", "day"),
    ("failure_rate", "per_node_day"): _nodes_in("1", "day"),
    ("weekly_failure_rate", "percent_per_week"): _nodes_in("100", "week"),
}
"""What is predicted, by quantity and unit: from the row, the record, and the failure rate of a node [1/s]."""


def _record(row: Row, catalog: Catalog) -> tuple[Any, Basis]:
    """Return the failure record that a row is predicted from, and how near it is."""
    own = OF_SYSTEM.get(text(row, "system"))
    if own is not None:
        return catalog.get("failure", own), "fitted" if RECORDS_ARE_THESE.get(
            text(row, "id")
        ) == own else "interpolated"
    accelerator = text(row, "accelerator")
    for generation, name in OF_GENERATION.items():
        if accelerator.startswith(generation) and "/" not in accelerator:
            return catalog.get("failure", name), "assumed"
    raise UnpredictableError(f'there is no failure record for the accelerator "{accelerator}"')


def _node_rate(record: Any) -> Any:
    """Return the failure rate of a node [1/s] that a record gives."""
    if record.rate_per_node_day is not None:
        return float(record.rate_per_node_day)
    each = failure_rate(float(record.count), float(record.accelerators), float(record.period))
    return node_failure_rate(each, float(record.accelerators_per_node))


def _nodes(row: Row, record: Any) -> Any:
    return ratio(number(row, "accelerators"), float(record.accelerators_per_node))


TOPIC = Topic("reliability", "Failures of published clusters", COLUMNS, published, predict)
