"""Measured matrix products beside what navarch estimates for an accelerator of the catalog."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from navarch.catalog.errors import CatalogError
from navarch.core.arithmetic import ratio
from navarch.fleet.compute.matmul import MatmulKernel, matmul_kernel, matmul_time
from navarch.fleet.compute.measurement import ComputeMeasured, MeasureError, ProductMeasured

if TYPE_CHECKING:
    from navarch.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Compared:
    """One product: measured and estimated time [s], their ratio (1: equal, above 1: slower than estimated).

    share: of the accelerator's peak that was reached [fraction]; stand_in: why the constants stand for others, or
    empty.
    """

    product: ProductMeasured
    estimated: float
    ratio: float
    share: float
    stand_in: str


def compared(measured: ComputeMeasured, catalog: Catalog, accelerator: str) -> tuple[Compared, ...]:
    """Each measured product beside the estimate, operands from memory and launches in a graph, nothing quantised.

    MeasureError where the catalog has no peak for any precision that was measured.
    """
    kernels, problems = {}, []
    for precision in dict.fromkeys(each.precision for each in measured.products):
        try:
            kernel = matmul_kernel(catalog, accelerator, precision).in_a_model()
        except CatalogError as error:
            problems.append(str(error))
        else:
            kernels[precision] = replace(kernel, quantisation=None)
    if not kernels:
        raise MeasureError(f"nothing can be compared with {accelerator}: {'; '.join(problems) or 'no product was run'}")
    known = [each for each in measured.products if each.precision in kernels]
    return tuple(_compared(each, kernels[each.precision]) for each in known)


def _compared(each: ProductMeasured, kernel: MatmulKernel) -> Compared:
    estimated = matmul_time(kernel, each.rows, each.columns, each.depth)
    slower = ratio(each.time.median, estimated, unit="1", title="Measured over estimated time")
    share = ratio(each.rate, kernel.peak, unit="fraction", title="Share of the peak that was reached")
    return Compared(each, float(estimated), float(slower), float(share), kernel.stand_in)
