"""The catalog, the published training runs and the report on them, made once."""

from __future__ import annotations

from typing import Any

import pytest

from navarch.catalog import Catalog, load
from navarch.validation import Report, validate
from navarch.validation.training import published


@pytest.fixture(scope="session")
def shipped() -> Catalog:
    return load()


@pytest.fixture(scope="session")
def runs(shipped: Catalog) -> dict[str, dict[str, Any]]:
    """The published rows, by id."""
    return {str(row["row_id"]): dict(row) for row in published(shipped)}


@pytest.fixture(scope="session")
def training_report(shipped: Catalog) -> Report:
    return validate("training", shipped)
