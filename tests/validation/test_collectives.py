"""Measured collectives against the fitted libraries: their ways, and the bars on rows kept out of the fit."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.catalog import load
from navarch.design.errors import DesignError
from navarch.distributed.collectives import protocols
from navarch.distributed.collectives.expert_exchange import MODES, OPERATIONS, exchange
from navarch.distributed.collectives.library import COLLECTIVES, network, time_across, tuned
from navarch.validation.collective_tables import across_of, is_kept_out, measured_of
from navarch.validation.collectives import predict
from navarch.validation.rows import UnpredictableError
from navarch.validation.topics import validate

SILICON = Path(__file__).parents[3] / "shared/data/silicon"
LARGE = 16e6
WITHIN = st.sampled_from(["a100-sxm-80gb", "h100-sxm", "b200-sxm", "gb200"])
BYTES = st.floats(256, 1e10)


@pytest.fixture(scope="module")
def catalog():
    return load()


@pytest.fixture(scope="module")
def nccl(catalog):
    table = SILICON / "nccl.parquet"
    if not table.exists():
        pytest.skip("the measured collectives are not beside the checkout")
    return validate("collectives", catalog, table)


def test_rows_kept_out_of_the_fit_are_met(nccl) -> None:
    aside = [row for row in nccl.predictions if row.split == "untouched"]
    assert not nccl.skipped
    assert len(aside) > 400
    assert median(row.ape for row in aside) < 0.15
    large = [row for row in aside if float(row.id.split("|")[2]) >= LARGE]  # in elements, of a byte or more
    assert median(row.ape for row in large) < 0.08


def test_published_rows_over_several_nodes_are_met(catalog) -> None:
    report = validate("collectives", catalog)
    assert len(report.predictions) + len(report.skipped) == 100
    several = [r for r in report.predictions if r.split == "untouched" and r.family.endswith("several nodes")]
    assert len(several) > 20
    assert median(row.ape for row in several) < 0.20


@given(WITHIN, st.sampled_from(COLLECTIVES), BYTES, st.sampled_from([2, 4, 8]), st.floats(1, 4))
def test_more_bytes_never_take_less(catalog, accelerator, collective, message, ranks, factor) -> None:
    known = tuned(catalog, collective, accelerator)
    assert known.time(message * factor, ranks) >= known.time(message, ranks)
    times = np.asarray(known.time(np.array([message, message * factor]), np.array([ranks, ranks])))
    assert times[0] == pytest.approx(float(known.time(message, ranks)))


@given(BYTES, st.sampled_from([2.0, 4.0, 16.0]), st.floats(1, 4))
def test_more_adapters_are_never_slower(catalog, message, nodes, factor) -> None:
    known, over = tuned(catalog, "all-reduce", "h100-sxm"), network(catalog, "infiniband")
    slow, quick = (time_across(known, message, 8.0, nodes, rate, over) for rate in (50e9, 50e9 * factor))
    assert quick <= slow


def test_switches_reduce_numbers_that_they_can(catalog) -> None:
    known = tuned(catalog, "all-reduce", "h100-sxm")
    assert known.time(1e9, 8.0) < known.time(1e9, 8.0, floating=False)
    assert known.time(1e9, 2.0) == known.time(1e9, 2.0, floating=False)
    assert tuned(catalog, "all-reduce", "a100-sxm-80gb").reducer is None


def test_a_stand_in_says_so_and_scales_with_its_link(catalog) -> None:
    own, other = tuned(catalog, "all-gather", "a100-sxm-80gb"), tuned(catalog, "all-gather", "v100-sxm2-32gb")
    assert "measured on" in other.stand_in
    assert own.stand_in == ""
    assert other.protocols[2].bandwidth < own.protocols[2].bandwidth


def test_traffic_is_what_nccl_tests_count() -> None:
    assert protocols.all_reduce_traffic(8e9, 8) == 14e9
    assert protocols.exchange_traffic(8e9, 8) == 7e9


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"dtype": "quad"}, "dtype"),
        ({"collective": "gossip"}, "collective"),
        ({"gpus": 1}, "moves nothing"),
        ({"message_elements": -3}, "message_elements"),
        ({"system": "abacus"}, "abacus"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(catalog, change, told) -> None:
    row = {"system": "h100_sxm", "collective": "all_reduce", "dtype": "half", "gpus": 8, "message_elements": 1024,
           "latency_ms": 0.02}  # fmt: skip
    assert predict(row, catalog).measured == pytest.approx(20)
    assert measured_of(row).message == 2048
    assert is_kept_out(measured_of(row)) is is_kept_out(measured_of(row))
    with pytest.raises(UnpredictableError, match=told):
        predict(row | change, catalog)


def test_a_bus_bandwidth_stands_for_a_time(catalog) -> None:
    row = {"id": "X", "collective": "all_reduce", "gpu": "H200", "gpus": 16, "nodes": 2, "message_bytes": 16e9,
           "inter_link_per_node": "IB 8x400 Gb/s", "time_us": "", "busbw_GBps": 300}  # fmt: skip
    made = across_of(row, catalog)
    assert made.time == pytest.approx(2 * 15 / 16 * 16e9 / 300e9)
    assert (made.kind, made.adapters, made.local) == ("infiniband", 400e9, 8)


PRINTED = """\
# nThread 1 nGpus 8 minBytes 1024 maxBytes 1073741824 step: 1024(factor) warmup iters: 5 iters: 20 graph: 0
#
# Using devices
{devices}
#
#                                                              out-of-place                       in-place
#       size         count      type   redop    root     time   algbw   busbw #wrong     time   algbw   busbw #wrong
#        (B)    (elements)                               (us)  (GB/s)  (GB/s)            (us)  (GB/s)  (GB/s)
        1024           256     float     sum      -1    17.10    0.06    0.10      0    17.05    0.06    0.11      0
     1048576        262144     float     sum      -1    27.37   38.31   67.04      0    27.30   38.41   67.22      0
  1073741824     268435456     float     sum      -1   4029.4  266.48  466.33      0   4030.1  266.43  466.25    N/A
# Out of bounds values : 0 OK
# Avg bus bandwidth    : 177.8
"""


def printed(gpu: str, hosts: int = 1) -> str:
    ranks = range(8 * hosts)
    told = [f"#  Rank {r:2} Group  0 Pid {900 + r} on    node{r // 8} device {r % 8:2} [0x1b] {gpu}" for r in ranks]
    return PRINTED.format(devices="\n".join(told))


def test_what_nccl_tests_printed_is_read(catalog, tmp_path) -> None:
    file = tmp_path / "all_reduce.txt"
    file.write_text(printed("NVIDIA H100 80GB HBM3"))
    report = validate("collectives", catalog, file)
    assert [row.measured for row in report.predictions] == [17.10, 27.37, 4029.4]
    assert {row.family for row in report.predictions} == {"all-reduce, h100-sxm, one node"}
    assert all(row.ape < 0.25 for row in report.predictions)
    file.write_text(printed("NVIDIA H100 80GB HBM3", hosts=2).replace("nThread", "reduce_scatter_perf nThread"))
    assert {row.family for row in validate("collectives", catalog, file).predictions} == {
        "reduce-scatter, h100-sxm, several nodes"
    }


def test_a_printout_of_unknown_accelerators_is_refused(catalog, tmp_path) -> None:
    file = tmp_path / "run.log"
    file.write_text(printed("Acme Abacus"))
    with pytest.raises(DesignError, match="Acme Abacus"):
        validate("collectives", catalog, file)
    file.write_text("nothing of the kind\n")
    with pytest.raises(DesignError, match="lacks the columns"):
        validate("collectives", catalog, file)


@pytest.mark.parametrize("file", ["deepep_normal.parquet", "deepep_low_latency.parquet", "custom_allreduce.parquet"])
def test_other_libraries_are_met(catalog, file) -> None:
    if not (SILICON / file).exists():
        pytest.skip("the measured collectives are not beside the checkout")
    report = validate("collectives", catalog, SILICON / file)
    assert not report.skipped
    assert median(row.ape for row in report.predictions if row.split == "untouched") < 0.15


@given(st.sampled_from(MODES), st.sampled_from(OPERATIONS), st.floats(1, 1e5), st.floats(1, 3), st.integers(1, 10))
def test_more_tokens_never_take_less(catalog, mode, operation, tokens, factor, choices) -> None:
    known = exchange(catalog, mode, operation, "h100-sxm", 4)
    assert known.stand_in == ""
    assert known.time(tokens * factor, 7168.0, choices, 32) >= known.time(tokens, 7168.0, choices, 32)
    assert known.time(tokens, 7168.0, choices + 1, 32) >= known.time(tokens, 7168.0, choices, 32)
    assert exchange(catalog, mode, operation, "h100-sxm", 3).stand_in == "measured on 2 nodes of h100-sxm"
