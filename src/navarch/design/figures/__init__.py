"""The figures of a design document: functions from plain data to `Figure`.

Numerals beside marks are values of the ledger; only the scales of axes are not.
"""

from __future__ import annotations

from navarch.design.figures.bars import (
    Span,
    carbon_breakdown,
    cost_breakdown,
    latency_by_region,
    memory_bar,
    memory_stages,
    waterfall,
)
from navarch.design.figures.curves import curve_figure, goodput_curve, latency_throughput, region_scatter, sparkline
from navarch.design.figures.gantt import gantt
from navarch.design.figures.pareto import drawn_plans, pareto
from navarch.design.figures.topology import side_by_side, topology
from navarch.design.figures.tornado import Swing, swings, tornado

__all__ = [
    "Span", "Swing", "carbon_breakdown", "cost_breakdown", "curve_figure", "drawn_plans", "gantt", "goodput_curve",
    "latency_by_region", "latency_throughput", "memory_bar", "memory_stages", "pareto", "region_scatter",
    "side_by_side", "sparkline", "swings", "topology", "tornado", "waterfall",
]  # fmt: skip
