"""A tensor-parallel group that grows: where moving beats computing, and what one tier further out costs."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from navarch.core.arithmetic import ceil_div, ratio, relative_change
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger
from navarch.course.desk import reading, shelf, titled
from navarch.course.errors import CourseError
from navarch.course.instrument import Answer, Reading, instrument
from navarch.course.interconnect_wall.variant import Group, menu
from navarch.distributed.collectives.estimate import group_bandwidth, group_latency, ring_all_reduce_time

if TYPE_CHECKING:
    from navarch.distributed.training.ratios import CommunicationRatio
    from navarch.distributed.training.runtime import Runtime
    from navarch.distributed.training.shape import Hardware, TransformerShape

PRECISION, STACK = "bf16", "megatron-core"
MODEL_OF_TRAINING = "distributed.training.ratios"
NEVER = "no degree that the model allows"


def groups() -> list[Group]:
    """The groups that may be asked about."""
    return [Group(**told) for told in menu()["tensor"]]


def models() -> dict[str, str]:
    """The models that may be asked about, with their names."""
    return {group.model: shelf().get("model", group.model).name for group in groups()}


def nodes() -> dict[str, str]:
    """The servers that may be asked about, with their names."""
    return {group.node: shelf().get("node", group.node).name for group in groups()}


def domains() -> list[int]:
    """Accelerators of a server, as the slider has them."""
    return list(menu()["domains"])


def domain_of(node: str) -> int:
    """Accelerators of a server that its scale-up network joins."""
    return int(float(trained_on(groups()[0].model, node)[1].scaleup_domain))


@lru_cache(maxsize=64)
def trained_on(model: str, node: str) -> tuple[TransformerShape, Hardware, Runtime]:
    """What the training model needs to know of a model and a node."""
    from navarch.distributed.training.inputs import hardware_of, scaleout_bandwidth, shape_of
    from navarch.distributed.training.runtime import runtime_of

    catalog = shelf()
    entry = catalog.get("node", node)
    with off_the_ledger():
        hardware = hardware_of(catalog, entry, PRECISION, scaleout_bandwidth(entry), STACK)
        runtime = runtime_of(catalog, entry.accelerator, PRECISION, STACK)
        return shape_of(catalog, catalog.get("model", model)), hardware, runtime


@lru_cache(maxsize=1024)
def _alone(model: str, node: str, sequence: int, domain: int, degree: int) -> tuple[CommunicationRatio, float]:
    """A tensor-parallel group by itself, of so many accelerators, and its utilisation [fraction]."""
    from navarch.distributed.training.estimate import estimate
    from navarch.distributed.training.ratios import FORMS, plan_alone, ratio_of

    shape, hardware, runtime = trained_on(model, node)
    placed = replace(hardware, scaleup_domain=float(domain))
    form = next(each for each in FORMS if each.key == "tensor")
    batch = int(menu()["batch"])
    with off_the_ledger():
        found = ratio_of(form, degree, shape, placed, runtime, batch, sequence)
        made = estimate(shape, placed, plan_alone(form, degree, batch, sequence), runtime)
    return found, float(made.mfu)


@lru_cache(maxsize=256)
def degrees(model: str, node: str, sequence: int) -> tuple[int, ...]:
    """Powers of two that a model's heads divide by, up to the lab's largest group."""
    from navarch.distributed.training.ratios import FORMS, degrees_of

    shape, hardware, _ = trained_on(model, node)
    form = next(each for each in FORMS if each.key == "tensor")
    return tuple(degrees_of(form, shape, hardware, int(menu()["degrees"]), int(menu()["batch"]), sequence))


@instrument
def tensor_parallel(model: str, node: str, sequence: int, domain: int) -> Answer:
    """A model's tensor-parallel group of 2, 4, 8 and more accelerators on servers of so many (`domain`).

    sequence: length [token]. Tells the least group whose communication takes longer than its computation.
    """
    _check(model, node)
    found = {degree: _alone(model, node, sequence, domain, degree) for degree in degrees(model, node, sequence)}
    beaten = [degree for degree, (each, _) in found.items() if each.communication > each.computation]
    with Ledger() as ledger:
        own = _readings(ledger, found[beaten[0]][0], "at that degree") if beaten else {}
    rows = [_row(each, mfu) for each, mfu in found.values()]
    first: Reading | tuple[str, str, str] = (
        Reading("Degree at which moving beats computing", float(beaten[0]), "1", derivation=_searched(rows, beaten[0]))
        if beaten
        else ("Degree at which moving beats computing", NEVER, "text")
    )
    return Answer({"degree": first, **own}, rows)


def _check(model: str, node: str) -> None:
    for name, given, known in (("model", model, models()), ("node", node, nodes())):
        if given not in known:
            raise CourseError(f"{name}: {given!r} is not one of {', '.join(known)}")


def _searched(rows: list[dict[str, Any]], first: int) -> str:
    told = [f"{row['degree']}: {row['ratio']:.3g}" for row in rows]
    return f"{first} is the least degree whose communication takes longer than its computation\n" + "\n".join(told)


def _readings(ledger: Ledger, found: CommunicationRatio, where: str) -> dict[str, Reading]:
    parts = {
        "communication": ledger.observation(
            f"Communication of a step {where}", found.communication, "s", None, None, MODEL_OF_TRAINING, "tensor"
        ),
        "computation": ledger.observation(
            f"Computation of a step {where}", found.computation, "s", None, None, MODEL_OF_TRAINING, "tensor"
        ),
    }
    against = ratio(*parts.values(), unit="1", title=f"Communication against computation {where}", symbol="r")
    return {key: reading(value.entry) for key, value in {**parts, "ratio": against}.items()}


def _row(found: CommunicationRatio, mfu: float) -> dict[str, Any]:
    return {
        "degree": found.degree, "computation": found.computation, "communication": found.communication,
        "ratio": found.ratio, "mfu": mfu, "crosses": "between servers" if found.crosses else "within a server",
    }  # fmt: skip


@instrument
def one_tier_out(model: str, node: str, sequence: int) -> Answer:
    """The same group, of a server's accelerators: within one server, over two, and one accelerator to a server."""
    _check(model, node)
    whole = domain_of(node)
    places = {domain: _alone(model, node, sequence, domain, whole) for domain in (whole, whole // 2, 1)}
    with Ledger() as ledger:
        kept = {
            domain: ledger.observation(
                f"Utilisation of {whole} accelerators, {domain} to a server", mfu, "fraction", None, None,
                MODEL_OF_TRAINING, f"tensor parallel {whole}",
            )
            for domain, (_, mfu) in places.items()
        }  # fmt: skip
        left = ratio(kept[1], kept[whole], unit="fraction", title="Left of the utilisation one tier further out")
        half = ratio(kept[whole // 2], kept[whole], unit="fraction", title="Left of it over two servers")
        values = {"within": kept[whole], "over_two": kept[whole // 2], "across": kept[1], "left": left, "half": half}
        readings = {key: reading(value.entry) for key, value in values.items()}
    titles = {
        "within": "Utilisation within one server", "over_two": "Over two servers",
        "across": "One accelerator to a server",
    }  # fmt: skip
    rows = [
        {"place": _placed(whole, domain), "domain": domain, "mfu": mfu, "ratio": found.ratio}
        for domain, (found, mfu) in places.items()
    ]
    return Answer(titled(readings, titles), rows)


def _placed(whole: int, domain: int) -> str:
    if domain == whole:
        return f"all {whole} in one server"
    return f"{domain} in each of {whole // domain} servers" if domain > 1 else "one to a server"


@instrument
def all_reduce(model: str, node: str, sequence: int, domain: int) -> Answer:
    """One all-reduce of the group, estimated and simulated flow by flow: rings over all cards, and one ring alone.

    sequence: tokens of a microbatch [token]; domain: accelerators of a server.
    """
    from navarch.distributed.training.communication import layer_message

    _check(model, node)
    shape, hardware, _ = trained_on(model, node)
    catalog = shelf()
    element = float(catalog.fact("constant", f"precision.{PRECISION}.bytes"))
    with off_the_ledger():
        message = float(layer_message(float(sequence), float(shape.hidden), element))
        rows = [
            _reduced(hardware, message, ranks, domain, node)
            for ranks in degrees(model, node, sequence)
            if ranks <= domain or ranks % domain == 0
        ]
    last = rows[-1]
    readings = {
        "message": ("Message", message, "byte"),
        "estimate": ("Estimate, largest group", last["estimate"], "s"),
        "simulated": ("Simulated, rings over all cards", last["simulated"], "s"),
        "one_ring": ("Simulated, one ring alone", last["one_ring"], "s"),
        "off": ("Simulation against estimate", last["off"], "fraction"),
    }
    return Answer(readings, rows)


def _reduced(hardware: Hardware, message: float, ranks: int, domain: int, node: str) -> dict[str, Any]:
    """An all-reduce of so many ranks at the bandwidths of the data sheets."""
    latency = float(shelf().fact("constant", "fabric.link-latency"))
    within = float(shelf().fact("fabric", "nvlink4", "latency"))
    speeds = (float(ranks), 1.0, float(domain), float(hardware.scaleup_bandwidth), float(hardware.scaleout_bandwidth))
    bandwidth = group_bandwidth(*speeds)
    step = group_latency(float(ranks), 1.0, float(domain), within, latency)
    estimated = float(ring_all_reduce_time(message, float(ranks), bandwidth, step))
    spans = 1 < domain < ranks
    rings = _simulated(hardware, message, ranks, domain, "hierarchical" if spans else "ring", within, latency)
    alone = _simulated(hardware, message, ranks, domain, "ring", within, latency) if spans else rings
    return {
        "degree": ranks, "servers": int(ceil_div(ranks, domain)), "estimate": estimated, "simulated": rings,
        "one_ring": alone, "off": float(relative_change(rings, estimated)),
    }  # fmt: skip


@lru_cache(maxsize=512)
def _flows(
    ranks: int, domain: int, algorithm: str, message: float, speeds: tuple[float, float], latencies: tuple[float, float]
) -> float:
    from navarch.distributed.collectives import algorithms
    from navarch.distributed.collectives.simulate import Setting, simulate
    from navarch.fleet.fabric.clos_graph import one_switch, rail_optimised
    from navarch.fleet.fabric.estimate import near_link_latency
    from navarch.fleet.fabric.graph import Wires
    from navarch.fleet.fabric.scaleup_graph import with_scale_up

    near, far = (float(near_link_latency(each, 0.0, 0.0)) for each in latencies)
    wires, rails = Wires(bandwidth=speeds[1], near=far), min(domain, ranks)
    servers = ranks // rails
    if rails == 1:
        network = one_switch(ranks, wires)
    else:
        cards = rail_optimised(servers, rails, servers, 1, servers, wires=wires)
        network = with_scale_up(cards, rails, 1, speeds[0], near)
    shape = (ranks // domain, domain) if algorithm == "hierarchical" else ()
    schedule = algorithms.all_reduce(algorithm, ranks, shape=shape)
    return float(simulate(schedule, message, Setting(network, policy="spray")).time)


def _simulated(
    hardware: Hardware, message: float, ranks: int, domain: int, algorithm: str, within: float, between: float
) -> float:
    speeds = (float(hardware.scaleup_bandwidth), float(hardware.scaleout_bandwidth))
    return _flows(ranks, domain, algorithm, message, speeds, (within, between))
