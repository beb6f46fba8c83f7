"""`navarch plan training`: the best of every legal plan for a model, a fleet and a batch, and why the others lost."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from navarch.cli.session import AsJson, CatalogPaths, console, counting_bar, load_catalog, print_json, working

if TYPE_CHECKING:
    from navarch.catalog import Catalog
    from navarch.core.ledger import Fact
    from navarch.distributed.training.estimate import TrainingEstimate
    from navarch.distributed.training.forms import Forms
    from navarch.distributed.training.objectives import FleetChoice, Option, Rates
    from navarch.distributed.training.ratios import CommunicationRatio
    from navarch.distributed.training.runtime import Runtime
    from navarch.distributed.training.sensitivity import Changed
    from navarch.distributed.training.shape import Hardware, TransformerShape

MACHINES, FIXED, JUDGED, SEARCHED, SHOWN = (
    "Machines and software", "Fields of the plan that you fix", "What counts", "The search", "What is shown"
)  # fmt: skip
PRECISIONS = ("bf16", "fp16", "fp8", "fp8_block", "fp4")
FORMS = ("common", "all")
DEGREES = ("tensor", "pipeline", "data", "context", "expert", "virtual_stages", "microbatch", "zero_stage", "shard")


def _number(name: str, told: str) -> Any:
    return typer.Option(f"--{name}", help=told, rich_help_panel=FIXED, metavar="N", show_default=False)


def _word(name: str, told: str, panel: str = FIXED) -> Any:
    return typer.Option(f"--{name}", help=told, rich_help_panel=panel, metavar="WORD", show_default=False)


def _quantity(name: str, told: str, panel: str = MACHINES) -> Any:
    return typer.Option(f"--{name}", help=told, rich_help_panel=panel, metavar="QUANTITY", show_default=False)


@dataclass(frozen=True)
class Asked:
    """What is planned: the model on a node's accelerators, the sizes of the fleet, the batch, and what is fixed."""

    model: str
    node: str
    accelerator: str
    precision: str
    software: str
    fleets: tuple[int, ...]
    global_batch: int
    sequence: int
    fixed: Mapping[str, Any]
    forms: str
    objectives: tuple[str, ...]


@dataclass(frozen=True)
class Machine:
    """The model's shape, an accelerator with its networks, its software, and what it costs and draws."""

    shape: TransformerShape
    hardware: Hardware
    runtime: Runtime
    rates: Rates
    error: Fact


@dataclass(frozen=True)
class Planned:
    """What was found.

    chosen: the best option, with its estimate and 80 % interval [s]; fleets, options: of all sizes; front; seconds:
    that the search took; changes, ratios: where they were asked for.
    """

    asked: Asked
    machine: Machine
    fleets: tuple[FleetChoice, ...]
    options: tuple[Option, ...]
    chosen: Option
    made: TrainingEstimate
    interval: tuple[float, float]
    front: tuple[Option, ...]
    seconds: float
    changes: tuple[Changed, ...] = ()
    ratios: tuple[CommunicationRatio, ...] = ()

    @property
    def fleet(self) -> FleetChoice:
        """The fleet of the chosen option."""
        return next(f for f in self.fleets if f.accelerators == self.chosen.accelerators)


def training(
    model: Annotated[str, typer.Option(help="Model of the catalog, or the path of a config.json.", metavar="MODEL")],
    accelerators: Annotated[
        str,
        typer.Option(help="Accelerators of the fleet; several sizes with commas: 256,512,1024.", metavar="N[,N...]"),
    ],
    global_batch: Annotated[int, typer.Option(help="Sequences in one step.", metavar="N", min=1)],
    sequence: Annotated[int, typer.Option(help="Tokens in a sequence.", metavar="N", min=1)],
    node: Annotated[
        str, typer.Option(help="Node of the catalog.", rich_help_panel=MACHINES, metavar="ID")
    ] = "dgx-h100",
    precision: Annotated[str, _word("precision", f"Of the products: {', '.join(PRECISIONS)}.", MACHINES)] = "bf16",
    software: Annotated[
        str | None, _word("software", "Training software; the list stands in the docs.", MACHINES)
    ] = None,
    network: Annotated[
        str | None,
        _quantity("network", "Of one accelerator, per direction, or a link of the catalog."),
    ] = None,
    tensor: Annotated[int | None, _number("tensor", "Tensor-parallel degree.")] = None,
    pipeline: Annotated[int | None, _number("pipeline", "Pipeline stages.")] = None,
    data: Annotated[int | None, _number("data", "Data-parallel degree.")] = None,
    context: Annotated[int | None, _number("context", "Context-parallel degree.")] = None,
    expert: Annotated[int | None, _number("expert", "Expert-parallel degree.")] = None,
    virtual_stages: Annotated[int | None, _number("virtual-stages", "Model chunks of a stage.")] = None,
    microbatch: Annotated[int | None, _number("microbatch", "Sequences of a microbatch.")] = None,
    zero_stage: Annotated[int | None, _number("zero-stage", "ZeRO stage, 0 to 3 (3 is FSDP).")] = None,
    shard: Annotated[int | None, _number("shard", "Replicas over which ZeRO shards (HSDP).")] = None,
    sequence_parallel: Annotated[
        bool | None,
        typer.Option("--sequence-parallel/--no-sequence-parallel", help="Norms split too.", rich_help_panel=FIXED),
    ] = None,
    recomputation: Annotated[str | None, _word("recomputation", "none, selective or full.")] = None,
    attention_kernel: Annotated[str | None, _word("attention-kernel", "flash or unfused.")] = None,
    schedule: Annotated[str | None, _word("schedule", "1f1b, gpipe, zero-bubble(-2, -v) or dualpipe.")] = None,
    context_kind: Annotated[str | None, _word("context-kind", "ring or ulysses.")] = None,
    offload: Annotated[str | None, _word("offload", "none, optimiser, activations or both.")] = None,
    objective: Annotated[
        list[str] | None,
        _word("objective", "time, cost, energy, carbon, mfu or headroom; repeat it for a front of several.", JUDGED),
    ] = None,
    price: Annotated[
        str | None, _quantity("price", "Of one accelerator, such as '2 USD/h', or a price of the catalog.", JUDGED)
    ] = None,
    intensity: Annotated[
        str | None, _quantity("intensity", "Of the grid, such as '400 g CO2e/kWh', or a region of the catalog.", JUDGED)
    ] = None,
    forms: Annotated[str, _word("forms", "all, or those common to all software: common.", SEARCHED)] = "all",
    engine: Annotated[str, _word("engine", "local or ray.", SEARCHED)] = "local",
    workers: Annotated[
        int | None,
        typer.Option(help="Processes; this one alone, or all of Ray.", rich_help_panel=SEARCHED, metavar="N", min=1),
    ] = None,
    address: Annotated[str | None, _word("address", "HOST:PORT of a Ray cluster.", SEARCHED)] = None,
    losers: Annotated[
        int, typer.Option(help="Plans that lost to explain.", rich_help_panel=SHOWN, metavar="N", min=0)
    ] = 6,
    front: Annotated[bool, typer.Option("--front", help="The whole Pareto front.", rich_help_panel=SHOWN)] = False,
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="Half and twice the hardware and batch.", rich_help_panel=SHOWN)
    ] = False,
    ratios: Annotated[
        bool, typer.Option("--ratios", help="Communication against computation by form.", rich_help_panel=SHOWN)
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Draw the front and the step: .svg, .png, .html, .json.", rich_help_panel=SHOWN, metavar="FILE"
        ),
    ] = None,
    json: AsJson = False,
    catalog: CatalogPaths = None,
) -> None:
    """Find the best plan to train a model on a fleet, of every legal one, and why the others lost."""
    from navarch.cli import plan_training_report as report

    given = {
        "tensor": tensor, "pipeline": pipeline, "data": data, "context": context, "expert": expert,
        "virtual_stages": virtual_stages, "microbatch": microbatch, "zero_stage": zero_stage, "shard": shard,
        "sequence_parallel": sequence_parallel, "recomputation": recomputation, "attention_kernel": attention_kernel,
        "schedule": schedule, "context_kind": context_kind, "offload": offload,
    }  # fmt: skip
    fixed = {name: value for name, value in given.items() if value is not None}
    facts = load_catalog(catalog)
    with _understood():
        asked, machine = _asked(
            facts, model, node, accelerators, global_batch, sequence, precision, software, network, fixed, forms,
            tuple(objective or ("time",)), price, intensity,
        )  # fmt: skip
        alone = 1 if engine == "local" else None  # most searches take less time than processes to start
        where = {"engine": engine, "workers": workers or alone, "address": address}
        planned = _planned(asked, machine, losers, where, sensitivity, ratios)
    if plot is not None:
        report.draw(planned, plot)
    if json:
        print_json(report.as_data(planned))
    else:
        report.show(planned, console(), whole_front=front)


@contextmanager
def _understood() -> Iterator[None]:
    """Tell what no plan can meet as the option that asked for it."""
    from navarch.design.errors import DesignError
    from navarch.distributed.training.legality import InfeasibleError

    try:
        yield
    except InfeasibleError as error:
        option = f"--{error.field.replace('_', '-')}" if error.field.replace("_", "").isalpha() else error.field
        value = f"{error.value:,}" if isinstance(error.value, int) else error.value
        raise DesignError(option, f"{value}: {error.problem}; {error.allowed}") from error


def _asked(
    catalog: Catalog,
    model: str,
    node: str,
    accelerators: str,
    global_batch: int,
    sequence: int,
    precision: str,
    software: str | None,
    network: str | None,
    fixed: Mapping[str, Any],
    forms: str,
    objectives: tuple[str, ...],
    price: str | None,
    intensity: str | None,
) -> tuple[Asked, Machine]:
    """The question and its machine, each option read and checked."""
    from navarch.distributed.training.inputs import hardware_of, scaleout_bandwidth, shape_of
    from navarch.distributed.training.objectives import OBJECTIVES
    from navarch.distributed.training.runtime import DEFAULT_STACK, STACKS, nearest_constant, runtime_of

    stack = software or DEFAULT_STACK
    for option, value, allowed in (
        ("--precision", precision, PRECISIONS), ("--software", stack, STACKS), ("--forms", forms, FORMS),
        *(("--objective", name, OBJECTIVES) for name in objectives),
    ):  # fmt: skip
        _one_of(option, value, allowed)
    entry = catalog.get("node", node)
    accelerator = catalog.get("accelerator", entry.accelerator)
    trained = _model(catalog, model)
    bandwidth, kind = (scaleout_bandwidth(entry), "infiniband") if network is None else _network(catalog, network)
    shape = shape_of(catalog, trained)
    error = "training.model-error" if shape.experts is None else "training.model-error-experts"
    machine = Machine(
        shape,
        hardware_of(catalog, entry, precision, bandwidth, stack, network=kind),
        runtime_of(catalog, accelerator.id, precision, stack),
        _rates(catalog, entry, price, intensity, objectives),
        catalog.fact("constant", nearest_constant(catalog, error, accelerator.id, precision, stack)),
    )
    names = (trained.name or trained.id, entry.name or entry.id, accelerator.name or accelerator.id)
    kept = {"attention_kernel": "unfused", **fixed} if _is_unfused(stack) else fixed
    return Asked(
        *names, precision, stack, _sizes(accelerators), global_batch, sequence, kept, forms, objectives
    ), machine


def _network(catalog: Catalog, given: str) -> tuple[float, str]:
    """Bandwidth [byte/s] and kind of a network: a link of the catalog, or a bandwidth (then InfiniBand)."""
    from navarch.design.errors import DesignError
    from navarch.distributed.collectives.library import network_kind

    if given not in catalog.ids("fabric"):
        return _positive("--network", given, "byte/s"), "infiniband"
    link = catalog.get("fabric", given)
    if link.kind != "link" or link.bandwidth is None:
        links = [name for name in catalog.ids("fabric") if catalog.get("fabric", name).kind == "link"]
        raise DesignError("--network", f'"{given}" is a {link.kind}; allowed: a bandwidth, or {", ".join(links)}')
    return float(link.bandwidth), network_kind(given)


def _is_unfused(stack: str) -> bool:
    """Whether a software stack is of the time before flash attention."""
    from navarch.distributed.training.runtime import lineage
    from navarch.validation.runs import UNFUSED

    return any(name in UNFUSED for name in lineage(stack))


def _one_of(option: str, value: str, allowed: Iterable[str]) -> None:
    from navarch.design.errors import DesignError

    known = list(allowed)
    if value not in known:
        raise DesignError(option, f'"{value}" is not known; allowed: {", ".join(known)}')


def _positive(option: str, text: str, unit: str) -> float:
    from navarch.core.quantity import QuantityError, parse
    from navarch.design.errors import DesignError

    try:
        value = parse(text, unit)
    except QuantityError as error:
        raise DesignError(option, str(error)) from error
    if value <= 0:
        raise DesignError(option, f'"{text}" is not allowed; more than 0')
    return value


def _sizes(text: str) -> tuple[int, ...]:
    """The sizes of the fleet, smallest first."""
    from navarch.design.errors import DesignError

    sizes = set()
    for part in text.split(","):
        size = _positive("--accelerators", part.strip(), "1")
        if size != int(size):
            raise DesignError("--accelerators", f'"{part.strip()}" is not a whole number; allowed: 1, 2, 3, ...')
        sizes.add(int(size))
    return tuple(sorted(sizes))


def _model(catalog: Catalog, text: str) -> Any:
    """The model that is named: of the catalog, or of a Hugging Face config.json."""
    if not (text.endswith(".json") or "/" in text or "\\" in text):
        return catalog.get("model", text)
    from navarch.catalog.errors import CatalogError
    from navarch.catalog.huggingface import from_config
    from navarch.design.errors import DesignError

    try:
        return from_config(Path(text).expanduser())
    except CatalogError as error:
        raise DesignError("--model", str(error)) from error


def _rates(catalog: Catalog, node: Any, price: str | None, intensity: str | None, objectives: tuple[str, ...]) -> Rates:
    """What an accelerator costs, draws and emits; a rate that an objective needs must be given."""
    from navarch.design.errors import DesignError
    from navarch.distributed.training.objectives import rates_of

    rent = carbon = pue = None
    if price is not None:
        known = price in catalog.ids("price")
        rent = float(catalog.fact("price", price)) if known else _positive("--price", price, "USD/s")
    if intensity is not None and intensity in catalog.ids("region"):
        region = catalog.get("region", intensity)
        carbon = float(catalog.fact("region", intensity, "grid_intensity"))
        pue = None if region.pue is None else float(region.pue)
    elif intensity is not None:
        carbon = _positive("--intensity", intensity, "kgCO2e/J")
    rates = rates_of(catalog, node, rent, carbon, pue)
    needed = {"cost": "--price", "carbon": "--intensity"}
    for name in objectives:
        if not rates.knows(name):
            missing = f"needs {needed[name]}" if name in needed else f"the catalog knows no power of {node.id}"
            raise DesignError("--objective", f'"{name}" {missing}')
    return rates


def _planned(
    asked: Asked, machine: Machine, losers: int, where: Mapping[str, Any], sensitivity: bool, ratios: bool
) -> Planned:
    """Search, choose, and estimate the chosen plan."""
    from navarch.core.arithmetic import product_of
    from navarch.distributed.training.estimate import estimate
    from navarch.distributed.training.objectives import best_of, choose_fleets, front_of, options_of

    began = time.perf_counter()
    with counting_bar("searching") as progress:
        fleets = choose_fleets(
            machine.shape, machine.hardware, machine.runtime, asked.fleets, asked.global_batch, asked.sequence,
            asked.fixed, losers, _forms(asked.forms), **where,
            progress=lambda _size, done, every: progress(done, every),
        )  # fmt: skip
    seconds = time.perf_counter() - began
    options = options_of(fleets, float(machine.hardware.memory), machine.rates)
    chosen = best_of(options, asked.objectives[0])
    made = estimate(machine.shape, machine.hardware, chosen.candidate.plan, machine.runtime)
    ends = (machine.error.low or float(machine.error), machine.error.high or float(machine.error))
    low, high = (float(product_of(chosen.candidate.step_time, end)) for end in ends)
    front = front_of(options, front_objectives(asked, machine.rates))
    found = Planned(asked, machine, fleets, tuple(options), chosen, made, (low, high), tuple(front), seconds)
    return _with_more(found, where, sensitivity, ratios)


def _with_more(found: Planned, where: Mapping[str, Any], sensitivity: bool, ratios: bool) -> Planned:
    """The same with what was asked for beside."""
    from dataclasses import replace

    from navarch.distributed.training.ratios import ratios_of
    from navarch.distributed.training.sensitivity import sensitivity_of

    asked, machine, fleet = found.asked, found.machine, found.fleet
    if sensitivity and fleet.task is not None and fleet.choice is not None:
        with counting_bar("changing hardware and batch") as progress:
            changes = sensitivity_of(fleet.task, fleet.choice.best, **where, progress=progress)
        found = replace(found, changes=changes)
    if ratios:
        sizes = (fleet.accelerators, asked.global_batch, asked.sequence)
        with working("Each form alone"):
            within = int(float(machine.hardware.scaleup_domain))
            alone = [
                ratio
                for degree in (within, None)
                for ratio in ratios_of(machine.shape, machine.hardware, machine.runtime, *sizes, degree)
            ]
        found = replace(found, ratios=tuple(dict.fromkeys(alone)))
    return found


def _forms(name: str) -> Forms:
    from navarch.distributed.training.forms import COMMON, EVERYTHING

    return COMMON if name == "common" else EVERYTHING


def front_objectives(asked: Asked, rates: Rates) -> tuple[str, ...]:
    """The objectives of the front: those asked for; beside one, the memory left free and on several fleets the cost."""
    if len(asked.objectives) > 1:
        return tuple(dict.fromkeys(asked.objectives))
    beside = ["headroom"]
    if len(asked.fleets) > 1:
        beside += [next(name for name in ("cost", "energy", "mfu") if rates.knows(name)), "time"]
    return tuple(dict.fromkeys((asked.objectives[0], *beside)))
