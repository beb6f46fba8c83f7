"""What the tests of storage share: the catalog's parts."""

from __future__ import annotations

import pytest

from navarch.catalog import Catalog, load
from navarch.fleet.storage.parts import Parts


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load()


@pytest.fixture(scope="session")
def parts(catalog: Catalog) -> Parts:
    return Parts(catalog)
