"""Small networks and ways to write flows by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from navarch.catalog import Catalog, load
from navarch.fleet.fabric import clos_graph
from navarch.fleet.fabric.graph import Network, Wires
from navarch.fleet.fabric.routing import Paths

WIRES = Wires(50e9, 5e-7, 5e-7, 5e-7)


def paths_of(rows: Sequence[Sequence[int]]) -> Paths:
    """Paths from the links of each flow."""
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    links = np.array([link for row in rows for link in row], np.int32)
    return Paths(offsets, links, np.ones(len(rows), bool))


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load()


@pytest.fixture(scope="session")
def leaves() -> Network:
    """16 leaves of 16 hosts, 16 spines."""
    return clos_graph.leaf_spine(16, 16, 16, 16, WIRES)
