"""`navarch simulate step`: the training step of a design on its real fabric, and what faults of the fabric cost it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from navarch.cli.session import (
    AsJson,
    CatalogPaths,
    DesignFile,
    console,
    evaluated,
    load_catalog,
    print_json,
    working,
)
from navarch.cli.simulate_network import Faults, Seed

if TYPE_CHECKING:
    from navarch.cli.simulate_step_report import StepFound
    from navarch.design.evaluation import Evaluation
    from navarch.fleet.fabric.graph import Network

OWN_ROUTING = {"torus": "dimension-order", "dragonfly": "ugal"}
"""Of families whose own routing a design's general one stands for."""


def step(
    file: DesignFile,
    fault: Faults = None,
    topology: Annotated[
        str | None,
        typer.Option(
            "--topology", help="One of those that the design is compared on.", metavar="NAME",
            show_default="the design's",
        ),
    ] = None,
    routing: Annotated[
        str | None,
        typer.Option(
            "--routing", help="Policy: modulo, ecmp, adaptive, spray, dimension-order, valiant, ugal.",
            metavar="POLICY", show_default="the design's",
        ),
    ] = None,
    shuffled: Annotated[
        bool, typer.Option("--shuffled", help="Nodes of the job in random order, as a scheduler scatters them.")
    ] = False,
    seeds: Annotated[
        int, typer.Option("--seeds", help="Drawn of routings that draw lots (ecmp, valiant, ugal).", min=1)
    ] = 3,
    seed: Seed = 0,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", help="Draw groups and steps: .png, .svg, .html or .json.", metavar="FILE", show_default=False
        ),
    ] = None,
    json: AsJson = False,
    catalog: CatalogPaths = None,
) -> None:  # fmt: skip
    """Run a design's training step on its fabric, all parallel groups at once, and with each fault: what it costs."""
    from navarch.cli import simulate_step_report as report

    evaluation = evaluated(file, catalog)
    with working("Simulating the step"):
        found = _found(evaluation, fault or [], topology, routing, shuffled, seeds, seed, catalog)
    if plot is not None:
        report.draw(found, plot)
    if json:
        print_json(report.as_data(found))
    else:
        report.show_step(found, console())


def _found(
    evaluation: Evaluation, texts: list[str], topology: str | None, routing: str | None, shuffled: bool, seeds: int,
    seed: int, catalog: list[Path] | None,
) -> StepFound:  # fmt: skip
    from navarch.cli.simulate_step_report import StepFound
    from navarch.distributed.training.on_fabric import costs
    from navarch.fleet.fabric.faults import read_fault

    shape, hardware, plan, runtime = _training(evaluation)
    name, network = _network(evaluation, topology)
    policy = routing or OWN_ROUTING.get(network.kind, evaluation.labels["routing"])
    facts = load_catalog(catalog) if texts else None
    faults: list[Any] = [read_fault(text, network, facts) for text in texts if facts is not None]
    made = costs(shape, hardware, plan, runtime, network, faults, policy, seed, seeds, shuffled)
    return StepFound(evaluation.spec.name, name, network, policy, shuffled, evaluation.labels["plan"], made)


def _training(evaluation: Evaluation) -> tuple[Any, Any, Any, Any]:
    """Model, hardware, plan and software of the step."""
    from navarch.design.errors import DesignError

    if "training" not in evaluation.curves:
        raise DesignError("workload", "this design trains nothing, so that there is no step to simulate")
    shape, hardware, plan, runtime = evaluation.curves["training"]
    return shape, hardware, plan, runtime


def _network(evaluation: Evaluation, topology: str | None) -> tuple[str, Network]:
    """The network that is named, or the design's."""
    from navarch.design.errors import DesignError

    built = evaluation.curves["fabric"]
    name = topology or evaluation.decisions["cluster.topology"].chosen
    if name not in built:
        raise DesignError("--topology", f'"{name}" is not one of {", ".join(built)}')
    return name, built[name].network
