"""The collections of the catalog: what an entry of each holds, in which unit.

An attribute declared with `quantity` is read from a file as a number (unit of the file's header), a text with its unit
("80 GB") or a mapping that adds low, high, kind, source or a note; it becomes a `Fact` in SI.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from navarch.catalog.facts import Context, Measure, fact_from
from navarch.core.ledger import Fact

Kind = Literal["datasheet", "measured", "published", "estimate"]
KINDS: tuple[str, ...] = get_args(Kind)


def quantity(unit: str | None, title: str, *, signed: bool = False, required: bool = False) -> Any:
    """Declare an attribute that is a fact; `title` names it, `signed` allows values below zero."""
    default: Any = ... if required else None
    return Field(default=default, title=title, json_schema_extra={"unit": unit or "", "signed": signed})


class Entry(BaseModel):
    """What every entry has: a name, and the source, date and evidence of those of its facts that give none."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
    collection: ClassVar[str] = ""
    measures: ClassVar[dict[str, Measure]] = {}

    id: str
    name: str = ""
    source: str = ""
    url: str = ""
    date: str = ""
    evidence: Kind = "estimate"
    note: str = ""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        cls.measures = {}
        for name, info in cls.model_fields.items():
            said = info.json_schema_extra
            if isinstance(said, dict) and "unit" in said:
                unit = str(said["unit"]) or None
                cls.measures[name] = Measure(unit, info.title or name, bool(said["signed"]))

    @field_validator("*", mode="wrap")
    @classmethod
    def _read(cls, given: Any, handler: Any, info: ValidationInfo) -> Any:
        measure = cls.measures.get(info.field_name or "")
        if measure is None:
            return handler(str(given) if info.field_name in ("date", "id") and given is not None else given)
        if given is None or isinstance(given, Fact):
            return given
        return fact_from(given, measure, info.field_name or "", info.data, cast("Context", info.context))

    @property
    def facts(self) -> dict[str, Fact]:
        """The facts that are known, by attribute."""
        return {name: fact for name in self.measures if (fact := getattr(self, name)) is not None}


class Accelerator(Entry):
    """A chip or package that computes: dense peak rates, memory, power and scale-up links (per direction)."""

    collection: ClassVar[str] = "accelerator"
    vendor: str
    year: int
    fp64: Fact | None = quantity("FLOP/s", "Peak FP64 rate")
    fp32: Fact | None = quantity("FLOP/s", "Peak FP32 rate")
    tf32: Fact | None = quantity("FLOP/s", "Peak TF32 rate")
    bf16: Fact | None = quantity("FLOP/s", "Peak BF16 rate")
    fp16: Fact | None = quantity("FLOP/s", "Peak FP16 rate")
    fp8: Fact | None = quantity("FLOP/s", "Peak FP8 rate")
    fp4: Fact | None = quantity("FLOP/s", "Peak FP4 rate")
    int8: Fact | None = quantity("FLOP/s", "Peak INT8 rate")
    memory: Fact | None = quantity("byte", "Memory")
    memory_visible: Fact | None = quantity("byte", "Memory that the driver reports")
    memory_type: str = ""
    memory_bandwidth: Fact | None = quantity("byte/s", "Memory bandwidth")
    l2: Fact | None = quantity("byte", "Last-level cache")
    sm_count: Fact | None = quantity("1", "Cores (SMs, CUs or the like)")
    boost_clock: Fact | None = quantity("1/s", "Boost clock")
    tdp: Fact | None = quantity("W", "Thermal design power")
    power_min: Fact | None = quantity("W", "Lowest power mode")
    temperature_limit: Fact | None = quantity("degC", "Junction temperature limit")
    embodied: Fact | None = quantity("kgCO2e", "Embodied carbon")
    process: Fact | None = quantity("m", "Process node")
    scaleup_name: str = ""
    scaleup_bandwidth: Fact | None = quantity("byte/s", "Scale-up bandwidth, per direction")
    pcie_generation: int | None = None
    nic_note: str = ""

    @property
    def usable_memory(self) -> Fact | None:
        """Memory that a program can have: what the driver reports where it is known, else the vendor's figure."""
        return self.memory if self.memory_visible is None else self.memory_visible


class Node(Entry):
    """A server, rack or cloud shape: its accelerators, host, network cards, power and price."""

    collection: ClassVar[str] = "node"
    accelerator: str
    accelerators: Fact = quantity("1", "Accelerators in a node", required=True)
    cpu: str = ""
    cpu_cores: Fact | None = quantity("1", "CPU cores of a node")
    host_memory: Fact | None = quantity("byte", "Host memory of a node")
    local_nvme: Fact | None = quantity("byte", "Local NVMe of a node")
    nics: Fact | None = quantity("1", "Network cards of a node")
    nic_bandwidth: Fact | None = quantity("byte/s", "Bandwidth of a network card, per direction")
    scaleup_domain: Fact | None = quantity("1", "Accelerators in a scale-up domain")
    scaleup_bandwidth: Fact | None = quantity("byte/s", "Scale-up bandwidth of an accelerator, per direction")
    power: Fact | None = quantity("W", "Maximum power of a node")
    rack_units: Fact | None = quantity("1", "Rack units of a node")
    price: Fact | None = quantity("USD", "Price of a node")


class Fabric(Entry):
    """A link, switch or cable: bandwidth per direction, latency, ports, power and price."""

    collection: ClassVar[str] = "fabric"
    kind: Literal["link", "switch", "cable"]
    bandwidth: Fact | None = quantity("byte/s", "Bandwidth, per direction")
    latency: Fact | None = quantity("s", "Latency")
    ports: Fact | None = quantity("1", "Ports")
    port_bandwidth: Fact | None = quantity("byte/s", "Bandwidth of a port, per direction")
    power: Fact | None = quantity("W", "Power")
    price: Fact | None = quantity("USD", "Price")


class Storage(Entry):
    """A storage system, each figure per one `unit_of_scale` of it."""

    collection: ClassVar[str] = "storage"
    kind: str
    unit_of_scale: str
    read_bandwidth: Fact | None = quantity("byte/s", "Read bandwidth of one unit")
    write_bandwidth: Fact | None = quantity("byte/s", "Write bandwidth of one unit")
    iops: Fact | None = quantity("1/s", "Operations a second of one unit")
    latency: Fact | None = quantity("s", "Latency")
    capacity: Fact | None = quantity("byte", "Capacity of one unit")
    power: Fact | None = quantity("W", "Power of one unit")
    rent: Fact | None = quantity("USD/(byte*s)", "Rent")
    capex: Fact | None = quantity("USD/byte", "Purchase price of capacity")
    request_limits: str = ""


class Region(Entry):
    """A place where a cluster may stand: grid, electricity price, building efficiency and water."""

    collection: ClassVar[str] = "region"
    provider: str
    region: str = ""
    place: str
    country: str
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    grid_intensity: Fact | None = quantity("kgCO2e/J", "Carbon intensity of the grid")
    electricity_price: Fact | None = quantity("USD/J", "Electricity price, industrial")
    pue: Fact | None = quantity("1", "Power usage effectiveness")
    wue: Fact | None = quantity("L/J", "Water usage effectiveness")
    water_stress: str = ""


class SingleFact(Entry):
    """An entry that is one fact: value, unit, low, high and kind stand in the entry itself."""

    value: Fact = quantity(None, "Value", required=True)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: Any) -> Any:
        if not isinstance(given, dict) or isinstance(given.get("value"), Fact):
            return given
        rest = dict(given)
        value = {key: rest.pop(key) for key in ("value", "unit", "low", "high") if key in rest}
        if "title" in rest:
            rest["name"] = rest.pop("title")
        if "kind" in rest:
            rest["evidence"] = rest.pop("kind")
        return rest | {"value": value}


class Constant(SingleFact):
    """A general or uncalibrated constant that a reader can find and replace."""

    collection: ClassVar[str] = "constant"


class Law(SingleFact):
    """A fitted constant of a scaling law or of a published trend."""

    collection: ClassVar[str] = "law"
    law: str = ""
    parameter: str = ""


class Price(SingleFact):
    """A dated price."""

    collection: ClassVar[str] = "price"
    item: str = ""
    per: str = ""
    terms: Literal["list", "street", "estimate"] = "list"


class Failure(Entry):
    """A published observation of failures: how many, over which time, in how large a fleet, or a rate."""

    collection: ClassVar[str] = "failure"
    system: str
    accelerator_type: str = ""
    count: Fact | None = quantity("1", "Failures observed")
    period: Fact | None = quantity("s", "Time observed")
    accelerators: Fact | None = quantity("1", "Accelerators observed")
    accelerators_per_node: Fact | None = quantity("1", "Accelerators in a node")
    nodes: Fact | None = quantity("1", "Nodes observed")
    rate_per_node_day: Fact | None = quantity("1/s", "Failure rate of a node")
    rate: Fact | None = quantity("1/s", "Failure rate of one unit")
    mttf: Fact | None = quantity("s", "Mean time between interruptions of the job")
    restart: Fact | None = quantity("s", "Time to restart")
    detection: Fact | None = quantity("s", "Time to detect")
    checkpoint_interval: Fact | None = quantity("s", "Time between checkpoints")
    effective_time: Fact | None = quantity("fraction", "Effective training time ratio")
    probability: Fact | None = quantity("fraction", "Share of units affected")
