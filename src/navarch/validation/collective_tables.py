"""Tables of measured collectives: whose columns they have, what a row says, and which rows no fit may see."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from navarch.core.quantity import parse
from navarch.distributed.collectives.estimate import all_reduce_bus_bandwidth, scatter_bus_bandwidth
from navarch.distributed.collectives.library import ALL_REDUCE, Network, network, time_across, tuned
from navarch.validation.kernel_tables import SYSTEMS
from navarch.validation.rows import Row, UnpredictableError, number, text

if TYPE_CHECKING:
    from navarch.catalog import Catalog

SINGLE_NODE = ("nccl.parquet", "custom_allreduce.parquet")
NCCL_COLUMNS = ("system", "collective", "dtype", "gpus", "message_elements", "latency_ms")
CUSTOM_COLUMNS = ("system", "backend", "allreduce_dtype", "num_gpus", "message_size", "latency_ms")
PUBLISHED_COLUMNS = (
    "id", "collective", "gpu", "gpus", "nodes", "inter_link_per_node", "message_bytes", "time_us", "busbw_GBps",
)  # fmt: skip
EXCHANGES = {
    "deepep_normal.parquet": ("normal", {"dispatch": "dispatch_transmit_us", "combine": "combine_transmit_us"}),
    "deepep_low_latency.parquet": ("low-latency", {"dispatch": "dispatch_avg_t_us", "combine": "combine_avg_t_us"}),
}
"""Tables of expert exchange: the mode of the kernels, and the column of each operation."""
EXCHANGE_SHAPE = ("system", "node_num", "hidden_size", "num_token", "num_topk", "num_experts")
WIRE_BYTES = {"dispatch": 1, "combine": 2}
"""Of one element on the wire: FP8 out, BF16 back."""
RANKS_OF_A_NODE = 8
COLLECTIVES = {
    "all_reduce": ALL_REDUCE, "all_gather": "all-gather", "reduce_scatter": "reduce-scatter", "alltoall": "all-to-all",
}  # fmt: skip
ELEMENT_BYTES = {
    "half": 2, "float16": 2, "bfloat16": 2, "float": 4, "float32": 4, "int8": 1, "uint8": 1, "fp8": 1, "int32": 4,
}  # fmt: skip
INTEGERS = ("int8", "uint8", "int32")
LIBRARIES = {"vllm_graph": "vllm-graph", "vllm_eager": "vllm-eager"}
ACCELERATORS = {
    "A100": "a100-sxm-80gb", "A100-80GB-SXM": "a100-sxm-80gb", "A100-SXM": "a100-sxm-80gb",
    "A100 Selene": "a100-sxm-80gb", "H100-80GB-SXM": "h100-sxm", "H100-SXM": "h100-sxm", "H100-PCIe": "h100-pcie",
    "H200": "h200-sxm", "H20": "h20", "B200": "b200-sxm", "GH200": "gh200-96gb", "V100": "v100-sxm2-32gb",
    "V100 (DGX-1)": "v100-sxm2-32gb", "RTX 5090": "rtx-5090", "MI355X": "mi355x", "GB10": "gb10-dgx-spark",
}  # fmt: skip
"""Accelerators as the table of published collectives names them."""
KINDS = {"IB": "infiniband", "RoCE": "roce", "Slingshot": "slingshot", "TCPX": "tcp"}
LINK = re.compile(r"(?:(?P<kind>[A-Za-z]+) )?(?:(?P<cards>\d+)x)?(?P<rate>\d+) Gb/s")
GOOD = "normal"
KEPT_OUT = 4
"""One measurement within a node in so many is kept out of the fit."""
HALF = 2


@dataclass(frozen=True, slots=True)
class Measured:
    """One collective within a node.

    message [byte]; ranks: accelerators; time [s]; floating: whether its numbers are; key: what decides its split.
    """

    library: str
    collective: str
    accelerator: str
    message: float
    ranks: float
    time: float
    floating: bool
    key: str


@dataclass(frozen=True, slots=True)
class Exchanged:
    """One operation of an expert exchange.

    tokens: of a rank [token]; token_bytes: on the wire [byte]; choices: experts of a token; nodes: of eight ranks; time
    [s]; key: what decides its split.
    """

    mode: str
    operation: str
    accelerator: str
    tokens: float
    token_bytes: float
    choices: float
    nodes: int
    time: float
    key: str

    @property
    def ranks(self) -> int:
        return RANKS_OF_A_NODE * self.nodes


@dataclass(frozen=True, slots=True)
class Across:
    """One published collective, within a node or over several.

    message [byte]; local: accelerators in each node; nodes; kind, adapters: of the network, per node and direction
    [byte/s]; time: measured, or that of the bus bandwidth printed [s]; calibrates: whether the fit sees it; assumed:
    what the row leaves out and was taken as usual, or empty.
    """

    id: str
    collective: str
    accelerator: str
    message: float
    local: float
    nodes: float
    kind: str
    adapters: float
    time: float
    calibrates: bool
    assumed: str
    floating: bool = True

    def predicted(self, catalog: Catalog, over: Network | None = None) -> float:
        """Time that the library takes [s]."""
        known = tuned(catalog, self.collective, self.accelerator)
        if self.nodes == 1:
            return float(known.time(self.message, self.local, self.floating))
        over = over or network(catalog, self.kind)
        return float(time_across(known, self.message, self.local, self.nodes, self.adapters, over))


def measured_of(row: Row) -> Measured:
    """One row of a table of collectives within a node."""
    system = text(row, "system")
    accelerator = SYSTEMS.get(system, system)
    custom = "backend" in row
    kind = text(row, "allreduce_dtype" if custom else "dtype")
    if kind not in ELEMENT_BYTES:
        raise UnpredictableError(f'dtype "{kind[:40]}" is none of {", ".join(ELEMENT_BYTES)}')
    elements = number(row, "message_size" if custom else "message_elements")
    ranks = number(row, "num_gpus" if custom else "gpus")
    name = "all_reduce" if custom else text(row, "collective")
    if name not in COLLECTIVES:
        raise UnpredictableError(f'collective "{name[:40]}" is none of {", ".join(COLLECTIVES)}')
    which = text(row, "backend") if custom else "nccl"
    if ranks <= 1:
        raise UnpredictableError("a collective of one accelerator moves nothing")
    return Measured(
        LIBRARIES.get(which, which),
        COLLECTIVES[name],
        accelerator,
        elements * ELEMENT_BYTES[kind],
        ranks,
        parse(f"{number(row, 'latency_ms')!r} ms", "s"),
        kind not in INTEGERS,
        "|".join(map(str, (which, name, int(elements), int(ranks)))),
    )


def exchanged_of(row: Row) -> list[Exchanged]:
    """The operations of one row of a table of expert exchange."""
    mode, columns = next(known for known in EXCHANGES.values() if set(known[1].values()) <= set(row))
    system = text(row, "system")
    nodes, hidden, tokens, choices, experts = (number(row, name) for name in EXCHANGE_SHAPE[1:])
    found = []
    for operation, column in columns.items():
        time = parse(f"{number(row, column)!r} us", "s")
        sizes = (int(nodes), int(hidden), int(tokens), int(choices), int(experts))
        key = "|".join(map(str, ("deepep", mode, operation, *sizes)))
        width = hidden * WIRE_BYTES[operation]
        accelerator = SYSTEMS.get(system, system)
        found.append(Exchanged(mode, operation, accelerator, tokens, width, choices, int(nodes), time, key))
    return found


def is_kept_out(row: Measured | Exchanged) -> bool:
    """Whether no fit may see it: one in four, by the hash of collective, message and ranks."""
    return zlib.crc32(row.key.encode()) % KEPT_OUT == 0


def across_of(row: Row, catalog: Catalog) -> Across:
    """One row of a table of published collectives, or why it cannot be used."""
    quality = text(row, "quality") or GOOD
    if quality != GOOD:
        raise UnpredictableError(f"the table calls it {quality}")
    name, gpu = text(row, "collective"), text(row, "gpu")
    if name not in COLLECTIVES:
        raise UnpredictableError(f'collective "{name[:40]}" is none of {", ".join(COLLECTIVES)}')
    accelerator = ACCELERATORS.get(gpu, gpu)
    if accelerator not in catalog.ids("accelerator"):
        raise UnpredictableError(f'the catalog has no accelerator "{gpu[:40]}"')
    gpus, nodes, message = number(row, "gpus"), number(row, "nodes"), number(row, "message_bytes")
    kind, adapters, assumed = ("", 0.0, "") if nodes == 1 else _network_of(row, catalog, accelerator)
    return Across(
        text(row, "id"), COLLECTIVES[name], accelerator, message, gpus / nodes, nodes, kind, adapters,
        _time_of(row, COLLECTIVES[name], message, gpus), _calibrates(text(row, "id")), assumed,
        text(row, "floating") != str(False),
    )  # fmt: skip


def _calibrates(name: str) -> bool:
    """Whether a fit sees a published row: every other one, by the hash of its id."""
    return zlib.crc32(name.encode()) % HALF == 0


def _time_of(row: Row, collective: str, message: float, gpus: float) -> float:
    """The time printed, or the one that the printed bus bandwidth stands for."""
    if text(row, "time_us"):
        return parse(f"{number(row, 'time_us')!r} us", "s")
    bus = parse(f"{number(row, 'busbw_GBps')!r} GB/s", "byte/s")
    of_unit = all_reduce_bus_bandwidth if collective == ALL_REDUCE else scatter_bus_bandwidth
    return float(of_unit(message, bus, gpus))


def _network_of(row: Row, catalog: Catalog, accelerator: str) -> tuple[str, float, str]:
    """Kind and bandwidth of the adapters of a node; where the row has none, those of the accelerator's usual node."""
    written = text(row, "inter_link_per_node")
    found = LINK.fullmatch(written.removesuffix(" NDR"))
    if found:
        kind = KINDS.get(found["kind"] or "IB")
        if kind is None:
            raise UnpredictableError(f'"{written[:40]}" is no network that was fitted: {", ".join(KINDS)}')
        return kind, parse(f"{found['rate']} Gb/s", "byte/s") * int(found["cards"] or 1), ""
    usual = _usual_node(catalog, accelerator)
    if usual is None:
        raise UnpredictableError("its network is not told, and the catalog has no node of this accelerator")
    return "infiniband", usual.nic_bandwidth.value * usual.nics.value, f"network of {usual.name} assumed"


def _usual_node(catalog: Catalog, accelerator: str) -> Any:
    """The first node of the catalog with this accelerator and adapters."""
    nodes = (catalog.get("node", name) for name in catalog.ids("node"))
    return next((n for n in nodes if n.accelerator == accelerator and n.nics and n.nic_bandwidth), None)


def across_rows(catalog: Catalog) -> list[Across]:
    """The published rows over several nodes that can be used."""
    found = []
    rows: list[dict[str, Any]] = catalog.table("collectives").rows(named=True)
    for row in rows:
        try:
            made = across_of(row, catalog)
        except UnpredictableError:
            continue
        if made.nodes > 1:
            found.append(made)
    return found
