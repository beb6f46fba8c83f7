"""The parts of a scale plan, each a plain composition of equations that names its quantities on the desk."""

from __future__ import annotations

from navarch.core.arithmetic import ceil_div, difference, product_of, ratio, relative_change, sum_of
from navarch.core.ledger import Value
from navarch.fleet.scale import estimate, kaplan, laws, repetition, strong_scaling
from navarch.fleet.scale import lifetime as life
from navarch.fleet.scale.budget import allocation, scale_wall, scaling_law
from navarch.fleet.scale.desk import Desk
from navarch.fleet.scale.fits import fitted
from navarch.fleet.scale.optimum import Optimum, parametric

MULTIPLES = (2.0, 4.0, 16.0)
"""By how much the fleet is multiplied to show what more accelerators give."""


def run(desk: Desk, compute: Value) -> None:
    """A given model on given tokens, judged by the law that answers."""
    law = scaling_law(desk.catalog, desk.ledger.fact, desk.question.law)
    own = allocation(desk.asked("parameters"), desk.asked("tokens"), compute, law)
    desk.put_all(
        "run",
        {
            "loss": own.loss,
            "loss_above_optimum": difference(
                own.loss, own.loss_optimal, title="Loss above that of the compute-optimal run", symbol="Delta_L"
            ),
            "tokens_per_parameter": own.tokens_per_parameter,
            "optimal_tokens": own.tokens_optimal,
            "overtraining": own.overtraining,
        },
    )


def fleet(desk: Desk, compute: Value) -> None:
    """How long the run takes on one accelerator, on one node, on the fleet; the smallest fleet for a deadline; cost."""
    desk.put("wall.time_one", estimate.time_on_one(compute, desk.peak, desk.utilisation))
    per_node = desk.ledger.fact(desk.node.accelerators) if desk.node is not None else desk.one
    if desk.node is not None:
        on_node = estimate.time_at_utilisation(
            compute, per_node, desk.peak, desk.utilisation, title="Time on one node", symbol="T_node"
        )
        desk.put("wall.time_node", on_node)
    question = desk.question
    if question.given("deadline"):
        _smallest_fleet(desk, compute, per_node)
    elif question.given("accelerators"):
        desk.put("fleet.accelerators", desk.asked("accelerators"))
    if question.given("deadline") or question.given("duration"):
        _one_node(desk, per_node, desk.asked("deadline" if question.given("deadline") else "duration"))
    time = estimate.accelerator_time(compute, desk.peak, desk.utilisation, desk.availability)
    desk.put("fleet.accelerator_time", time)
    if "fleet.accelerators" in desk.quantities:
        count = desk.quantities["fleet.accelerators"]
        desk.put("fleet.time", ratio(time, count, unit="s", title="Time of the run on the fleet", symbol="T_fleet"))
    if question.given("price"):
        cost = product_of(time, desk.price, unit="USD", title="Rent of the accelerators", symbol="c_run")
        desk.put("fleet.cost", cost)


def _smallest_fleet(desk: Desk, compute: Value, per_node: Value) -> None:
    """What the deadline needs, and a fleet of that many, bought once: how long it takes then is uncertain."""
    wall = scale_wall(compute, desk.peak, desk.utilisation, desk.availability, per_node, desk.asked("deadline"))
    desk.put_all("wall", {"accelerators_for_deadline": wall.accelerators, "nodes_for_deadline": wall.nodes})
    reason = "the smallest fleet of whole nodes that keeps the deadline at the planning values"
    whole = float(wall.accelerators_rounded)
    desk.put("fleet.accelerators", desk.ledger.choice("accelerators", whole, "1", "Accelerators of the fleet", reason))


def _one_node(desk: Desk, per_node: Value, calendar: Value) -> None:
    """The most that one node does in the time: from here on one machine is not enough."""
    productive = product_of(calendar, desk.availability, unit="s", title="Productive part of the time", symbol="T_prod")
    compute = estimate.compute_budget(
        per_node, desk.peak, desk.utilisation, productive, title="Compute of one node in the time", symbol="C_node"
    )
    size = parametric(compute, desk.catalog, desk.question.law, desk.ledger.fact).parameters
    desk.put_all("wall", {"compute_of_one_node": compute, "parameters_of_one_node": size})


def memory(desk: Desk, parameters: Value) -> None:
    """Why one accelerator cannot hold the run: model states against its memory."""
    each = sum_of(
        desk.constant("scale.weight-bytes"),
        desk.constant("training.gradient-bytes"),
        desk.constant("training.optimiser-bytes"),
        unit="byte",
        title="Bytes of model state a parameter",
        symbol="b_state",
    )
    states = product_of(parameters, each, unit="byte", title="Model states", symbol="M_state")
    holders = ceil_div(states, desk.memory, title="Accelerators that hold the model states", symbol="m")
    most = ratio(
        desk.memory, each, unit="parameter", title="Parameters whose states fill one accelerator", symbol="N_mem"
    )
    desk.put_all("memory", {"states": states, "accelerators": holders, "parameters_of_one": most})


def more_accelerators(desk: Desk, compute: Value, parameters: Value) -> None:
    """What more accelerators give at a fixed batch, and how large the batch may grow."""
    batch, sequence = desk.asked_or_planned("batch"), desk.asked_or_planned("sequence")
    work = estimate.dense_training_compute(parameters, batch, title="Work of one step", symbol="W")
    floor = desk.constant("scale.step-floor")
    count = desk.quantities.get("fleet.accelerators")
    dividing = desk.utilisation
    if count is not None:
        dividing = strong_scaling.dividing_utilisation(desk.utilisation, work, count, desk.peak, floor)
    half = strong_scaling.half_wasted_fleet(work, desk.peak, dividing, floor)
    most = strong_scaling.most_accelerators(batch, sequence, desk.quantities["memory.accelerators"])
    desk.put_all("batch", {"tokens": batch, "half_wasted_fleet": half, "most_accelerators": most})
    desk.put_all("batch", _critical(desk, compute, batch))
    if count is None:
        return
    step = strong_scaling.step_time_with_floor(work, count, desk.peak, dividing, floor)
    desk.put("batch.step_time", step)
    for multiple in MULTIPLES:
        _multiplied(desk, multiple, work, dividing, floor, step)


def _multiplied(desk: Desk, multiple: float, work: Value, dividing: Value, floor: Value, step: Value) -> None:
    """The run on so many times the fleet, at the same batch."""
    name = f"{multiple:g}"
    times = desk.ledger.choice(f"multiple.{name}", multiple, "1", f"{name} times the fleet", "to show what more give")
    more = product_of(desk.quantities["fleet.accelerators"], times, unit="1", title=f"{name} times the fleet")
    faster = strong_scaling.step_time_with_floor(work, more, desk.peak, dividing, floor)
    gain = ratio(step, faster, unit="1", title=f"Speed-up of {name} times the fleet at the same batch", symbol="S")
    time = ratio(desk.quantities["fleet.time"], gain, unit="s", title=f"Time of the run on {name} times the fleet")
    desk.put_all(f"batch.x{name}", {"accelerators": more, "time": time, "speedup": gain})


def _critical(desk: Desk, compute: Value, batch: Value) -> dict[str, Value]:
    """The critical batch at the loss that the compute reaches, and what this batch costs beside it."""
    constants = fitted(desk.catalog, "kaplan2020")
    take = desk.ledger.fact
    least = kaplan.kaplan_least_compute(compute, desk.constant("scale.batch-over-critical"))
    loss = kaplan.kaplan_compute_loss(least, take(constants["C_c_min"]), take(constants["alpha_C_min"]))
    critical = kaplan.critical_batch(loss, take(constants["B_star"]), take(constants["alpha_B"]))
    over = strong_scaling.compute_over_least(batch, critical)
    return {"critical": critical, "compute_over_least": over}


def repeated_data(desk: Desk, compute: Value) -> None:
    """The optimum when the unique tokens are too few."""
    take = desk.ledger.fact
    constants = fitted(desk.catalog, "muennighoff2023")
    law = [take(constants[name]) for name in ("A", "B", "alpha", "beta")]
    lives = take(constants["R_N_star"]), desk.constant("scale.repetition-half-life")
    unique = desk.asked("unique_tokens")
    parameters = repetition.data_constrained_parameters(compute, unique, *law, *lives)
    tokens = estimate.affordable_tokens(compute, parameters)
    usable = repetition.optimal_parameters_for(unique, *law)
    seen = repetition.effective_tokens(tokens, unique, lives[1])
    worth = repetition.effective_parameters(parameters, usable, lives[0])
    loss = laws.chinchilla_loss(
        worth, seen, take(constants["E"]), *law, title="Loss with repeated data", symbol="L_rep"
    )
    endless = laws.optimal_parameters(compute, laws.allocation_coefficient(*law), *law[2:])
    free = laws.chinchilla_loss(
        endless, estimate.affordable_tokens(compute, endless), take(constants["E"]), *law,
        title="Loss if data were endless", symbol="L_new",
    )  # fmt: skip
    desk.put_all(
        "repeated",
        {
            "parameters": parameters,
            "tokens": tokens,
            "epochs": ratio(tokens, unique, unit="1", title="Times that the data are seen", symbol="e"),
            "effective_tokens": seen,
            "loss": loss,
            "loss_above_endless": difference(
                loss, free, title="Loss that the shortage of data costs", symbol="Delta_L"
            ),
        },
    )


def lifetime(desk: Desk, optimum: Optimum) -> None:
    """The model of the same loss that costs least to train and to serve together."""
    law = scaling_law(desk.catalog, desk.ledger.fact, desk.question.law)
    served, weight = desk.asked("inference_tokens"), _serving_weight(desk)
    left = laws.reducible_loss(optimum.loss, law.irreducible)
    exponents = (law.parameter_exponent, law.token_exponent)
    share = life.lifetime_share(left, served, weight, law.token_scale, *exponents)
    by_size = product_of(share, left, unit="1", title="Loss that the parameters leave", symbol="t_N")
    by_data = difference(left, by_size, unit="1", title="Loss that the tokens leave", symbol="t_D")
    parameters = laws.size_at_term(
        by_size,
        law.parameter_scale,
        exponents[0],
        unit="parameter",
        title="Parameters of least lifetime cost",
        symbol="N",
    )
    tokens = laws.size_at_term(
        by_data, law.token_scale, exponents[1], unit="token", title="Tokens of least lifetime cost", symbol="D"
    )
    best = life.lifetime_compute(parameters, tokens, served, weight)
    usual = life.lifetime_compute(
        optimum.parameters, optimum.tokens, served, weight, title="The same for the compute-optimal model"
    )
    desk.put_all(
        "lifetime",
        {
            "parameters": parameters,
            "tokens": tokens,
            "tokens_per_parameter": ratio(tokens, parameters, unit="token/parameter", title="Tokens per parameter"),
            "training_compute": estimate.dense_training_compute(parameters, tokens),
            "compute": best,
            "compute_of_optimum": usual,
            "change": relative_change(best, usual, title="Lifetime cost against the compute-optimal model"),
        },
    )


def _serving_weight(desk: Desk) -> Value:
    """What a FLOP of serving costs over one of training: by their utilisations where that of serving is given."""
    if not desk.question.given("serving_utilisation"):
        return desk.constant("scale.serving-weight")
    serving = desk.asked("serving_utilisation")
    return ratio(
        desk.utilisation, serving, unit="1", title="Cost of a FLOP in serving over one in training", symbol="w"
    )
