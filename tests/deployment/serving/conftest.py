"""A Llama 3.1 70B on H100, the case that most serving tests start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from navarch.catalog import load
from navarch.deployment.serving import Traffic, engine_of, hardware_of, precision_of, shape_of


@dataclass(frozen=True)
class Case:
    """Inputs of a replica."""

    shape: Any
    hardware: Any
    engine: Any
    traffic: Any
    precision: Any


@pytest.fixture(scope="session")
def llama() -> Case:
    catalog = load()
    accelerator = catalog.get("accelerator", "h100-sxm")
    return Case(
        shape=shape_of(catalog.get("model", "llama3.1-70b"), catalog),
        hardware=hardware_of(accelerator, catalog, node=catalog.get("node", "dgx-h100")),
        engine=engine_of(catalog),
        traffic=Traffic(1155.0, 211.0, 200.0, 0.96, 0.77, 1.09),
        precision=precision_of("fp8", accelerator, catalog),
    )
