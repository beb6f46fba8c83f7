"""What the tests of kernels share: the catalog, and shapes entered in a ledger."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from navarch.catalog import Catalog, load
from navarch.core.ledger import Ledger


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load()


@pytest.fixture
def entered() -> Callable[..., list[float]]:
    """Enter plain numbers in a ledger as fields of a design file."""

    def enter(ledger: Ledger, **numbers: float) -> list[float]:
        return [ledger.field(name, value, "1", name) for name, value in numbers.items()]

    return enter
