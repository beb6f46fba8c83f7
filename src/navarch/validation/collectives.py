"""Measured collectives against the fitted times of the libraries that ran them.

Without `--data` the published rows of the catalog table `collectives`; the tables of measurements within a node are
others' own and are not shipped. A user's table may have the columns of any of them, or be what nccl-tests printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from navarch.catalog.errors import CatalogError
from navarch.core.quantity import factor, show
from navarch.distributed.collectives.expert_exchange import exchange
from navarch.distributed.collectives.library import tuned
from navarch.validation.collective_tables import (
    CUSTOM_COLUMNS,
    EXCHANGE_SHAPE,
    EXCHANGES,
    NCCL_COLUMNS,
    PUBLISHED_COLUMNS,
    Across,
    Exchanged,
    Measured,
    across_of,
    exchanged_of,
    is_kept_out,
    measured_of,
)
from navarch.validation.nccl_tests import read_nccl_tests
from navarch.validation.report import Basis, Prediction, Skipped, row_id
from navarch.validation.rows import Row, UnpredictableError, text
from navarch.validation.topics import Told, Topic

if TYPE_CHECKING:
    from navarch.catalog import Catalog

MICROSECOND = factor("us")[0]
QUANTITY = "time [us]"


def published(catalog: Catalog) -> Sequence[Row]:
    """Return the shipped table of published collectives."""
    rows: list[dict[str, Any]] = catalog.table("collectives").rows(named=True)
    return rows


def predict(row: Row, catalog: Catalog) -> Prediction:
    """Return a row's prediction, in microseconds; of a row with two operations the first."""
    return _predictions(row, catalog)[0]


def predict_all(rows: Sequence[Row], catalog: Catalog) -> Told:
    """Return the predictions of all rows, and the rows that have none."""
    predictions: list[Prediction] = []
    skipped: list[Skipped] = []
    for index, row in enumerate(rows, start=1):
        try:
            predictions += _predictions(row, catalog)
        except UnpredictableError as reason:
            skipped.append(Skipped(row_id(row, index), str(reason)))
    return Told(predictions, skipped)


def _predictions(row: Row, catalog: Catalog) -> list[Prediction]:
    try:
        if set(PUBLISHED_COLUMNS) <= set(row):
            return [_across(across_of(row, catalog), catalog)]
        if set(EXCHANGE_SHAPE) <= set(row):
            return [_exchanged(each, catalog) for each in exchanged_of(row)]
        return [_within(row, measured_of(row), catalog)]
    except CatalogError as reason:
        raise UnpredictableError(str(reason)) from reason


def _exchanged(row: Exchanged, catalog: Catalog) -> Prediction:
    known = exchange(catalog, row.mode, row.operation, row.accelerator, row.nodes)
    basis: Basis = "assumed" if known.stand_in else "interpolated" if is_kept_out(row) else "fitted"
    predicted = float(known.time(row.tokens, row.token_bytes, row.choices, row.ranks))
    shape = f"{row.nodes} x 8 accelerators, {row.tokens:,.0f} tokens, {row.choices:g} experts each"
    return Prediction(
        row.key,
        QUANTITY,
        row.time / MICROSECOND,
        predicted / MICROSECOND,
        basis,
        f"expert {row.operation}, {row.mode}, {row.accelerator}",
        "calibration" if basis == "fitted" else "untouched",
        f"{shape}; {known.stand_in}" if known.stand_in else shape,
    )


def _within(row: Row, measured: Measured, catalog: Catalog) -> Prediction:
    known = tuned(catalog, measured.collective, measured.accelerator, library=measured.library)
    aside = is_kept_out(measured)
    basis: Basis = "assumed" if known.stand_in else "interpolated" if aside else "fitted"
    shape = f"{measured.ranks:g} accelerators, {show(measured.message, 'byte')}"
    return Prediction(
        text(row, "id") or measured.key,
        QUANTITY,
        measured.time / MICROSECOND,
        float(known.time(measured.message, measured.ranks, measured.floating)) / MICROSECOND,
        basis,
        f"{measured.library}, {measured.collective}, {measured.accelerator}",
        "calibration" if basis == "fitted" else "untouched",
        f"{shape}; {known.stand_in}" if known.stand_in else shape,
    )


def _across(row: Across, catalog: Catalog) -> Prediction:
    known = tuned(catalog, row.collective, row.accelerator)
    several = row.nodes > 1
    calibrates = several and row.calibrates
    basis: Basis = "assumed" if known.stand_in or row.assumed else "fitted" if calibrates else "interpolated"
    told = (f"{row.nodes:g} x {row.local:g} accelerators, {show(row.message, 'byte')}", known.stand_in, row.assumed)
    return Prediction(
        row.id,
        QUANTITY,
        row.time / MICROSECOND,
        row.predicted(catalog) / MICROSECOND,
        basis,
        f"{row.collective}, {row.accelerator}, {'several nodes' if several else 'one node'}",
        "calibration" if calibrates else "untouched",
        "; ".join(part for part in told if part),
    )


TOPIC = Topic(
    "collectives",
    "Collectives of libraries: all-reduce, all-gather, reduce-scatter, all-to-all, within a node and between nodes",
    PUBLISHED_COLUMNS,
    published,
    predict,
    others=(NCCL_COLUMNS, CUSTOM_COLUMNS, *((*EXCHANGE_SHAPE, *columns.values()) for _, columns in EXCHANGES.values())),
    predict_all=predict_all,
    reads=read_nccl_tests,
)
