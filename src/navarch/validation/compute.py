"""Measured kernels of accelerators against the kernel time models of fleet/compute.

The tables are others' own and are not shipped: without `--data` the report is what the fit stored in the catalog. A
user's table may be any of the kinds of kernel_tables.py, told apart by its columns. Rows are split as the fit split
them, by a hash of the shape: a row whose shape the fit may have seen counts as calibration, also where it was measured
by someone else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from navarch.catalog.errors import CatalogError
from navarch.core.quantity import factor
from navarch.fleet.compute.fitted import PREFIX, fitted
from navarch.validation.kernel_tables import (
    EQUAL,
    SKEWED,
    SYSTEMS,
    TABLES,
    KernelTable,
    kept_out,
    kernel_of,
)
from navarch.validation.report import Basis, Prediction, Skipped, Split, StoredError, row_id
from navarch.validation.rows import Row, UnpredictableError, number, text
from navarch.validation.topics import Told, Topic

if TYPE_CHECKING:
    from navarch.catalog import Catalog

Member = tuple[int, str, dict[str, Any]]
"""A row of a group: its number, its id, and its shape and latency by column."""
BY_KIND = {table.kind: table for table in TABLES}
LATENCY = "latency_ms"
TEXTS = frozenset({"distribution", "framework_version", "kernel_source"})
"""Columns that are not numbers."""
MAY_BE_ZERO = frozenset({"step", "window_size"})
SPREAD = re.compile(rf"{EQUAL}|{SKEWED}(?![123](\.0*)?$)\d+(\.\d+)?")
"""Loads of experts that have a closed form: not a power of exactly one, two or three."""


def published(_: Catalog) -> Sequence[Row]:
    """Return no rows: the tables are not shipped."""
    return ()


def stored(catalog: Catalog) -> Sequence[StoredError]:
    """Return the errors on rows kept out that the fit stored with its constants."""
    stem = f"{PREFIX}-error."
    found = []
    for identifier in catalog.ids("constant"):
        if identifier.startswith(stem):
            fact = catalog.fact("constant", identifier)
            family = ", ".join(identifier.removeprefix(stem).split("."))
            found.append(StoredError(family, fact.value, fact.high or fact.value, fact.note))
    return found


def predict(row: Row, catalog: Catalog) -> Prediction:
    """Return a row's prediction, in milliseconds."""
    told = predict_all([row], catalog)
    if told.skipped:
        raise UnpredictableError(told.skipped[0].reason)
    return told.predictions[0]


def predict_all(rows: Sequence[Row], catalog: Catalog) -> Told:
    """Return the predictions of all rows of a table, in milliseconds, and the rows that have none."""
    kinds = [table for table in TABLES if rows and set(table.columns) <= set(rows[0])]
    groups: dict[tuple[str, str, str], list[Member]] = {}
    skipped: list[Skipped] = []
    for index, row in enumerate(rows, start=1):
        try:
            table = _kind_of(row, kinds)
            system = text(row, "system")
            cells = _cells(row, table)
            precision = kernel_of(table, cells | {name: text(row, name) for name in table.precision})
            key = (table.kind, SYSTEMS.get(system, system), precision)
            groups.setdefault(key, []).append((index, row_id(row, index), cells))
        except UnpredictableError as reason:
            skipped.append(Skipped(row_id(row, index), str(reason)))
    found: dict[int, Prediction] = {}
    for (kind, accelerator, precision), members in groups.items():
        try:
            found |= _of_group(BY_KIND[kind], catalog, accelerator, precision, members)
        except CatalogError as reason:
            skipped += [Skipped(name, str(reason)) for _, name, _ in members]
    return Told([found[index] for index in sorted(found)], skipped)


def _kind_of(row: Row, kinds: Sequence[KernelTable]) -> KernelTable:
    """Return the kind of a row: one token on top of others is generated, whatever else is a prompt."""
    if not kinds:
        raise UnpredictableError("its columns are those of no kind of kernel")
    if len(kinds) == 1:
        return kinds[0]
    generated = _size(row, "step") > 0 and number(row, "isl") == 1
    return next(table for table in kinds if table.kind.endswith("generation") == generated)


def _cells(row: Row, table: KernelTable) -> dict[str, Any]:
    """Return the shape and the latency of a row as numbers, or say why the row cannot be used."""
    cells: dict[str, Any] = {LATENCY: number(row, LATENCY)}
    for name in (*table.shape, *(n for n in table.also if n in row)):
        if name in TEXTS:
            cells[name] = text(row, name)
            if name == "distribution" and not SPREAD.fullmatch(cells[name]):
                raise UnpredictableError(
                    f'distribution "{cells[name][:40]}" is neither {EQUAL} nor {SKEWED}1.2 or the like'
                )
        elif name in MAY_BE_ZERO:
            cells[name] = _size(row, name)
        else:
            cells[name] = number(row, name)
    return cells


def _size(row: Row, name: str) -> float:
    """Return a cell that may be zero; an empty one is."""
    return 0.0 if text(row, name) in ("", "0", "0.0") else number(row, name)


def _of_group(
    table: KernelTable,
    catalog: Catalog,
    accelerator: str,
    precision: str,
    members: Sequence[Member],
) -> dict[int, Prediction]:
    """Return the predictions of the rows of one accelerator and precision, by their number."""
    constants = fitted(catalog, table.kind, accelerator, precision)
    shapes = {name: np.array([cells[name] for _, _, cells in members]) for name in members[0][2]}
    times = table.time(catalog, accelerator, precision, shapes, constants) / factor("ms")[0]
    unseen = kept_out(table.kind, [[_plain(cells[n]) for n in table.shape] for _, _, cells in members])
    family = f"{table.kind}, {accelerator}, {precision}"
    found = {}
    for (index, name, cells), time, aside in zip(members, times.tolist(), unseen.tolist(), strict=True):
        basis: Basis = "assumed" if constants.stand_in else "interpolated" if aside else "fitted"
        split: Split = "calibration" if basis == "fitted" else "untouched"
        shape = " ".join(f"{key}={_plain(value)}" for key, value in cells.items() if key != LATENCY)
        note = f"{shape}; {constants.stand_in}" if constants.stand_in else shape
        found[index] = Prediction(name, "latency [ms]", cells[LATENCY], time, basis, family, split, note)
    return found


def _plain(value: Any) -> Any:
    """Return a whole number without its decimals, so that a shape hashes alike however it was written."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


TOPIC = Topic(
    "compute",
    "Kernels of accelerators: matrix products, attention, latent attention, experts",
    TABLES[0].columns,
    published,
    predict,
    others=tuple(dict.fromkeys(table.columns for table in TABLES[1:])),
    predict_all=predict_all,
    stored=stored,
)
