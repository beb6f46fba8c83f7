"""What a training step may be judged by: time, cost, energy, carbon, utilisation, memory left free.

A plan is searched for on each size of fleet by itself. On one fleet every objective but the memory left free follows
the step time, so that the front of time and memory holds the best plans for any of them; over several sizes they part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from navarch.core.arithmetic import margin_below
from navarch.core.ledger import Fact, equation
from navarch.core.pareto import pareto_front
from navarch.core.sweep import EngineName
from navarch.distributed.training.forms import COMMON, Forms
from navarch.distributed.training.legality import InfeasibleError
from navarch.distributed.training.runtime import Runtime
from navarch.distributed.training.search import Task, search, task_of
from navarch.distributed.training.shape import Hardware, Number, TransformerShape
from navarch.distributed.training.strategy import Candidate, Choice, choice_of

if TYPE_CHECKING:
    from navarch.catalog import Catalog

ObjectiveName = Literal["time", "cost", "energy", "carbon", "mfu", "headroom"]
OBJECTIVES: tuple[ObjectiveName, ...] = get_args(ObjectiveName)
GREATER_IS_BETTER = ("mfu", "headroom")
TITLES = {
    "time": "Step time",
    "cost": "Cost of a step",
    "energy": "Energy of a step",
    "carbon": "Carbon of a step",
    "mfu": "Model FLOPs utilisation",
    "headroom": "Memory left free",
}
UNITS = {"time": "s", "cost": "USD", "energy": "J", "carbon": "kgCO2e", "mfu": "fraction", "headroom": "fraction"}
NEEDS = {"cost": ("price",), "energy": ("power",), "carbon": ("power", "pue", "intensity")}
"""The rates without which an objective is not known."""

SYMBOLS = {
    "accelerators": "n", "step_time": "T_step", "price": "c_acc", "node_power": "P_node", "per_node": "n_node",
    "power": "P_acc", "utilisation": "u", "energy": "E_step", "pue": "PUE", "intensity": "I_grid",
}  # fmt: skip


@equation(
    symbol="C_step", unit="USD", source="definition: accelerator time times its price",
    symbols={name: SYMBOLS[name] for name in ("accelerators", "step_time", "price")},
)  # fmt: skip
def step_cost(accelerators, step_time, price):
    """Cost of a training step.

    accelerators: held; step_time: of one step [s]; price: of an accelerator [USD/s].
    """
    return accelerators * step_time * price


@equation(
    symbol="P_acc", unit="W", source="definition: the power of a node, its host included, shared by its accelerators",
    symbols={name: SYMBOLS[name] for name in ("node_power", "per_node", "utilisation")},
)  # fmt: skip
def power_share(node_power, per_node, utilisation):
    """Mean power of a node for each accelerator.

    node_power: rated power of a node [W]; per_node: accelerators in it; utilisation: mean draw over rated [fraction].
    """
    return node_power / per_node * utilisation


@equation(
    symbol="E_step", unit="J", source="Patterson et al. 2021, arXiv 2104.10350, section 2.5",
    symbols={name: SYMBOLS[name] for name in ("accelerators", "step_time", "power")},
)  # fmt: skip
def step_energy(accelerators, step_time, power):
    """Energy of the equipment in a training step.

    accelerators: that run; step_time: of one step [s]; power: mean power for each accelerator [W].
    """
    return accelerators * step_time * power


@equation(
    symbol="m_step", unit="kgCO2e", source="Patterson et al. 2021, arXiv 2104.10350, section 2.5",
    symbols={name: SYMBOLS[name] for name in ("energy", "pue", "intensity")},
)  # fmt: skip
def step_carbon(energy, pue, intensity):
    """Operational carbon of a training step.

    energy: of the equipment [J]; pue: power usage effectiveness of the site; intensity: of its grid [kgCO2e/J].
    """
    return energy * pue * intensity


@dataclass(frozen=True, slots=True)
class Rates:
    """What an accelerator costs, draws and emits; None where it is not known.

    price [USD/s]; power: mean, its share of the node [W]; pue; intensity: of the grid [kgCO2e/J].
    """

    price: Number | None = None
    power: Number | None = None
    pue: Number | None = None
    intensity: Number | None = None

    def knows(self, objective: str) -> bool:
        """Whether an objective can be told with these rates."""
        return all(getattr(self, name) is not None for name in NEEDS.get(objective, ()))


@dataclass(frozen=True, slots=True)
class Objectives:
    """What a plan is judged by; None where a rate is not known.

    time [s], cost [USD], energy: of the equipment [J], carbon [kgCO2e]: of a step; mfu, headroom: memory left free at
    the peak [fraction].
    """

    time: Number
    cost: Number | None
    energy: Number | None
    carbon: Number | None
    mfu: Number
    headroom: Number

    def known(self) -> tuple[ObjectiveName, ...]:
        """The objectives that are known, in their order."""
        return tuple(name for name in OBJECTIVES if getattr(self, name) is not None)

    def to_minimise(self, name: str) -> float:
        """An objective as a number that is better the smaller it is."""
        value = float(getattr(self, name))
        return -value if name in GREATER_IS_BETTER else value


@dataclass(frozen=True, slots=True)
class FleetChoice:
    """What the search found on a fleet of one size: its task and choice, or the reason why there is none."""

    accelerators: int
    task: Task | None
    choice: Choice | None
    infeasible: InfeasibleError | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """A plan on a fleet, and what it is judged by."""

    accelerators: int
    candidate: Candidate
    objectives: Objectives


def choose_fleets(
    shape: TransformerShape,
    hardware: Hardware,
    runtime: Runtime,
    fleets: Sequence[int],
    global_batch: int,
    sequence_length: int,
    fixed: Mapping[str, Any] | None = None,
    losers: int = 6,
    forms: Forms = COMMON,
    engine: EngineName = "local",
    workers: int | None = 1,
    address: str | None = None,
    progress: Callable[[int, int, int], None] | None = None,
) -> tuple[FleetChoice, ...]:
    """The fastest plan that fits on fleets of several sizes.

    fleets: accelerators of each; progress: called with a fleet's size, its chunks done and its chunks in all; the rest
    as of `choose`. A fleet without a plan says why; raises InfeasibleError, that of the largest, where none has one.
    """
    made = []
    for size in fleets:
        task = None
        told = None if progress is None else lambda done, every, size=size: progress(size, done, every)
        try:
            task = task_of(shape, hardware, runtime, size, global_batch, sequence_length, fixed, forms)
            made.append(FleetChoice(size, task, choice_of(task, search(task, engine, workers, address, told), losers)))
        except InfeasibleError as error:
            made.append(FleetChoice(size, task, None, error))
    if not any(fleet.choice for fleet in made):
        raise max(made, key=lambda fleet: fleet.accelerators).infeasible or ValueError("no fleet is given")
    return tuple(made)


def rates_of(
    catalog: Catalog,
    node: Any,
    price: Number | None = None,
    intensity: Number | None = None,
    pue: Number | None = None,
    take: Callable[[Fact], Any] = float,
) -> Rates:
    """The rates of an accelerator of a node of the catalog.

    price [USD/s], intensity [kgCO2e/J], pue: as the user has them (pue: the catalog's where left out); take: how a fact
    becomes a number.
    """
    power = None
    if node.power is not None:
        utilisation = take(catalog.fact("constant", "sustainability.power-utilisation"))
        power = power_share(take(node.power), take(node.accelerators), utilisation)
    usual = take(catalog.fact("constant", "sustainability.pue")) if pue is None else pue
    return Rates(price, power, usual, intensity)


def objectives_of(accelerators: Number, step_time: Number, mfu: Number, headroom: Number, rates: Rates) -> Objectives:
    """What a plan is judged by.

    accelerators: used; step_time [s]; mfu, headroom [fraction]; rates: of the accelerators.
    """
    cost = energy = carbon = None
    if rates.knows("cost"):
        cost = step_cost(accelerators, step_time, rates.price)
    if rates.knows("energy"):
        energy = step_energy(accelerators, step_time, rates.power)
    if rates.knows("carbon"):
        carbon = step_carbon(energy, rates.pue, rates.intensity)
    return Objectives(step_time, cost, energy, carbon, mfu, headroom)


def options_of(fleets: Sequence[FleetChoice], memory: float, rates: Rates) -> list[Option]:
    """Every plan that can be best by any objectives: of each fleet, those on its front of time and memory.

    memory: of one accelerator [byte].
    """
    made = []
    for fleet in fleets:
        for candidate in fleet.choice.front if fleet.choice is not None else ():
            headroom = float(margin_below(memory, candidate.memory))
            judged = objectives_of(fleet.accelerators, candidate.step_time, candidate.mfu, headroom, rates)
            made.append(Option(fleet.accelerators, candidate, judged))
    return made


def front_of(options: Sequence[Option], names: Sequence[str]) -> list[Option]:
    """The options that no other beats in all of some objectives, best in the first of them first."""
    table = [[option.objectives.to_minimise(name) for name in names] for option in options]
    kept = [options[row] for row in pareto_front(table)] if options else []
    return sorted(kept, key=lambda option: [option.objectives.to_minimise(name) for name in names])


def best_of(options: Sequence[Option], name: str) -> Option:
    """The best option by one objective; of equals the fastest, then the one with most memory left free."""
    ties = (name, "time", "headroom")
    return min(options, key=lambda option: tuple(option.objectives.to_minimise(tie) for tie in ties))
