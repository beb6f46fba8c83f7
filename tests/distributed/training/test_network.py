"""A step's communication is that of the collective library's room, at the pace of training software."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navarch.distributed.collectives.library import network, time_across, tuned
from navarch.distributed.training.inputs import hardware_of, scaleout_bandwidth
from navarch.distributed.training.network import fabric_of
from navarch.distributed.training.ratios import unit_network, unit_software
from navarch.distributed.training.runtime import runtime_of

ACCELERATORS = {"dgx-h100": "h100-sxm", "dgx-a100-640": "a100-sxm-80gb", "dgx-b200": "b200-sxm"}
KINDS = ("all-reduce", "all-gather", "reduce-scatter")


def _alone(catalog, node):
    """A node's fabric where training software is as fast as the library by itself."""
    entry = catalog.get("node", node)
    hardware = hardware_of(catalog, entry, "bf16", scaleout_bandwidth(entry))
    runtime = replace(runtime_of(catalog, entry.accelerator, "bf16"), library_rate=1.0, network_rate=1.0)
    return fabric_of(hardware, runtime), float(scaleout_bandwidth(entry))


@pytest.mark.parametrize("node", ACCELERATORS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("message", [1e4, 1e6, 64e6, 4e9])
def test_collectives_take_what_the_library_takes(catalog, node, kind, message) -> None:
    fabric, adapter = _alone(catalog, node)
    known = tuned(catalog, kind, ACCELERATORS[node])
    mine = getattr(fabric, kind.replace("-", "_"))
    within = fabric.collective(mine, message, fabric.neighbours(8.0))
    assert float(within) == pytest.approx(float(known.time(message, 8.0)), rel=1e-12)
    over = network(catalog, "infiniband")
    for ranks, stride, local in ((64.0, 1.0, 8.0), (32.0, 2.0, 4.0), (16.0, 8.0, 1.0)):
        found = fabric.collective(mine, message, fabric.group(ranks, stride))
        expected = time_across(known, message, local, ranks / local, local * adapter, over)
        assert float(found) == pytest.approx(float(expected), rel=1e-12)


def test_one_rank_takes_no_time(catalog) -> None:
    fabric, _ = _alone(catalog, "dgx-h100")
    alone = fabric.neighbours(1.0)
    for kind in (fabric.all_reduce, fabric.all_gather, fabric.reduce_scatter):
        assert float(fabric.collective(kind, 1e9, alone)) == 0
    assert float(fabric.exchange(0.0, 0.0, alone)) == 0


def test_an_exchange_over_domains_is_bound_by_the_adapter(catalog) -> None:
    fabric, adapter = _alone(catalog, "dgx-h100")
    net = network(catalog, "infiniband")
    group = fabric.neighbours(64.0)
    found = fabric.exchange(0.0, 56e6, group) - fabric.exchange(0.0, 0.0, group)
    carried = 56e6 / (adapter * net.efficiency) * (8 / 2) ** net.congestion
    assert float(found) == pytest.approx(carried + net.base + 2 * net.hop, rel=1e-9)


def test_bandwidth_does_not_grow_beyond_the_ranks_that_were_measured(catalog) -> None:
    known = tuned(catalog, "all-gather", "gb200")
    assert known.most <= 8
    most = 8e9 / float(known.time(8e9, known.most)) * (known.most - 1) / known.most
    many = 8e9 / float(known.time(8e9, 72.0)) * 71 / 72
    link = float(catalog.fact("accelerator", "gb200", "scaleup_bandwidth"))
    assert many <= most * (1 + 1e-9) < link


@given(
    ranks=st.sampled_from([1.0, 2.0, 3.0, 6.0, 8.0, 16.0, 72.0, 1024.0]),
    stride=st.sampled_from([1.0, 2.0, 3.0, 8.0, 64.0]),
    message=st.floats(1.0, 1e11),
    more=st.floats(1.0, 10.0),
)
@settings(max_examples=200, deadline=None)
def test_faster_links_and_smaller_messages_are_never_slower(catalog, ranks, stride, message, more) -> None:
    fabric, _ = _alone(catalog, "dgx-h100")
    quicker = [replace(fabric, scaleup=fabric.scaleup * more), replace(fabric, adapter=fabric.adapter * more)]
    for kind in (fabric.all_reduce, fabric.all_gather, fabric.reduce_scatter):
        time = float(fabric.collective(kind, message, fabric.group(ranks, stride)))
        assert all(f.collective(kind, message, f.group(ranks, stride)) <= time for f in quicker)
        assert fabric.collective(kind, message / more, fabric.group(ranks, stride)) <= time
    array = fabric.collective(fabric.all_reduce, message, fabric.group(np.array([ranks, 1.0]), stride))
    assert array[1] == 0 and array[0] == fabric.collective(fabric.all_reduce, message, fabric.group(ranks, stride))


def test_on_a_network_of_one_byte_a_second_time_is_bytes(catalog) -> None:
    entry = catalog.get("node", "dgx-h100")
    hardware = unit_network(hardware_of(catalog, entry, "bf16", scaleout_bandwidth(entry)))
    runtime = unit_software(runtime_of(catalog, entry.accelerator, "bf16"))
    fabric = fabric_of(hardware, runtime)
    for ranks in (1.0, 2.0, 8.0, 12.0, 64.0):
        group = fabric.group(ranks, 1.0)
        assert float(fabric.collective(fabric.all_reduce, 1e6, group)) == pytest.approx(2e6 * (ranks - 1) / ranks)
        assert float(fabric.collective(fabric.all_gather, 1e6, group)) == pytest.approx(1e6 * (ranks - 1) / ranks)
