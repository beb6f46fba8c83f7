"""Published training runs that Lab 01 asks about."""

from __future__ import annotations

from functools import cache

from navarch.core.ledger import Fact
from navarch.course.desk import shelf
from navarch.course.errors import CourseError


@cache
def run_compute(run: str) -> Fact:
    """The training compute of a published run of the catalog's table; CourseError where there is none of the name."""
    table = shelf().table("training_facts")
    found = table.filter((table["model"] == run) & table["flop_total"].is_not_null()).to_dicts()
    if not found:
        raise CourseError(f"run: {run!r} is not a published run whose compute is known")
    row = found[0]
    return Fact(
        id=f"training_facts/{run}/flop_total",
        value=float(row["flop_total"]),
        unit="FLOP",
        title=f"Training compute of {run}",
        source=str(row["source"]),
        url=str(row["source_url"] or ""),
        date=str(row["year"]),
        kind="published",
        note=str(row["notes"] or ""),
    )
