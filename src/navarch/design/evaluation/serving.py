"""Serving: the traffic, one replica, how many, and what a user waits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from navarch.core.arithmetic import complement, product_of, ratio, relative_change, sum_of
from navarch.core.ledger import Value, off_the_ledger
from navarch.deployment.serving import estimate as room
from navarch.deployment.serving import throughput as rates
from navarch.deployment.serving import waiting
from navarch.deployment.serving.choose import Objectives, Option, ServingChoice, choose, latency_curve
from navarch.deployment.serving.disaggregate import disaggregated
from navarch.deployment.serving.inputs import engine_of, hardware_of, precision_of, precisions_of, shape_of
from navarch.deployment.serving.replica import (
    Engine,
    Hardware,
    Plan,
    Precision,
    ServingEstimate,
    Shape,
    Traffic,
    replica,
)
from navarch.design.errors import DesignError
from navarch.design.evaluation.cluster import node_entry, node_power
from navarch.design.evaluation.desk import Desk
from navarch.design.evaluation.parameters import count_parameters
from navarch.design.evaluation.result import Alternative, Curve, Decision, decided_by
from navarch.design.evaluation.workload import model_entry

DEFAULT_NODE = "dgx-h100"
SHOWN = 5  # alternatives told
LOST = {
    "memory": "weights and cache do not fit",
    "ttft": "misses the time to first token, which is",
    "tpot": "misses the time per output token, which is",
    "ttft and tpot": "misses both latencies; time per output token is",
    "accelerators": "needs more accelerators, by",
    "latency": "is slower at as many accelerators; time per output token is",
}


@dataclass(frozen=True)
class Service:
    """The service as decided."""

    node: Any
    per_node: Value
    node_power: Value
    nodes: Value
    replicas: Value
    accelerators: Value
    requests: Value
    cloud_rate: Value
    output: Value
    estimate: ServingEstimate


@dataclass(frozen=True)
class Setting:
    """What a replica is estimated from."""

    shape: Shape
    hardware: Hardware
    engine: Engine
    traffic: Traffic
    objectives: Objectives
    precisions: tuple[Precision, ...]


def evaluate(desk: Desk) -> Service:
    """Decide the replica and put the service's quantities down."""
    path = "serving.model" if desk.given("serving.model") else "workload.model"
    model = model_entry(desk, path)
    node = node_entry(desk, "serving.node", str(desk.text("cluster.node") or DEFAULT_NODE))
    accelerator = desk.catalog.get("accelerator", node.accelerator)
    desk.labels |= {
        "serving_model": model.name or model.id,
        "serving_node": node.name or node.id,
        "serving_accelerator": accelerator.name,
    }
    requests, cloud, traffic = _traffic(desk)
    setting = _setting(desk, model, accelerator, node, traffic, path)
    found = _chosen(desk, setting)
    plan = _plan(desk, found.chosen, accelerator)
    estimate = replica(setting.shape, setting.hardware, setting.engine, traffic, plan)
    replicas = _replicas(desk, setting, estimate)
    accelerators = product_of(
        replicas, plan.tensor_parallel, unit="1", title="Accelerators that serve", symbol="n_serve"
    )
    service = _put(desk, node, accelerator, requests, cloud, traffic, estimate, replicas, accelerators)
    _decide(desk, setting, found, estimate, replicas, accelerators)
    _users(desk, setting, plan, estimate)
    _curve(desk, setting, plan, estimate)
    desk.at_most("serving.ttft", "Time to first token, p99", estimate.latency.ttft_tail)
    desk.at_most("serving.time_per_output_token", "Time per output token, p99", estimate.latency.tpot_tail)
    return service


def _traffic(desk: Desk) -> tuple[Value, Value, Traffic]:
    """Mean requests of all users, those that reach the fleet, and the traffic at its peak."""
    requests = desk.take("serving.requests", "design.requests")
    cloud = requests
    if desk.given("edge.share"):
        left = complement(desk.field("edge.share"), title="Share of the requests that reach the fleet")
        cloud = product_of(
            requests, left, unit="request/s", title="Requests that reach the fleet", symbol="lambda_fleet"
        )
    peak = product_of(
        cloud,
        desk.take("serving.peak_to_mean", "design.peak-to-mean"),
        unit="request/s",
        title="Requests at the peak",
        symbol="lambda_peak",
    )
    prompt = desk.take("serving.prompt_tokens", "design.prompt-tokens")
    if desk.given("serving.cached_prompt_share"):
        fresh = complement(desk.field("serving.cached_prompt_share"), title="Share of the prompt that is computed")
        prompt = product_of(prompt, fresh, unit="token", title="Prompt tokens computed", symbol="p")
    output = desk.take("serving.output_tokens", "design.output-tokens")
    desk.put_all(
        "serving", {"requests": requests, "peak_requests": peak, "prompt_tokens": prompt, "output_tokens": output}
    )
    variation = [desk.constant(f"serving.{n}-variation") for n in ("prompt", "output", "arrival")]
    return requests, cloud, Traffic(prompt, output, peak, *variation)


def _setting(desk: Desk, model: Any, accelerator: Any, node: Any, traffic: Traffic, path: str) -> Setting:
    try:
        total, active = count_parameters(desk, model)
        shape = shape_of(model, desk.catalog, desk.enter, parameters=total, active=active)
        hardware = hardware_of(accelerator, desk.catalog, desk.enter, node)
        precisions = _precisions(desk, accelerator)
    except ValueError as error:
        raise DesignError(path, str(error)) from error
    objectives = Objectives(
        desk.take("serving.ttft", "design.ttft"),
        desk.take("serving.time_per_output_token", "design.time-per-output-token"),
        desk.constant("serving.target-utilisation"),
    )
    return Setting(shape, hardware, engine_of(desk.catalog, desk.enter), traffic, objectives, precisions)


def _precisions(desk: Desk, accelerator: Any) -> tuple[Precision, ...]:
    name, cache = desk.text("serving.precision"), desk.text("serving.kv_precision")
    if name is not None:
        return (precision_of(name, accelerator, desk.catalog, desk.enter, cache),)
    return tuple(p for p in precisions_of(accelerator, desk.catalog, desk.enter) if p.name != "fp4")


def _chosen(desk: Desk, setting: Setting) -> ServingChoice:
    """Search over plain numbers; what the user fixed is the only candidate of its kind."""
    plain = _plain(setting)
    fixed = {}
    if desk.given("serving.tensor"):
        fixed["split"] = _checked_tensor(desk, setting)
    if desk.given("serving.batch"):
        fixed["batch"] = float(desk.field("serving.batch"))
    with off_the_ledger():
        return choose(
            plain.shape, plain.hardware, plain.engine, plain.traffic, plain.objectives, plain.precisions, **fixed
        )


def _checked_tensor(desk: Desk, setting: Setting) -> float:
    """The tensor parallelism that the user fixed, refused where the model or the node cannot have it."""
    tensor, heads = float(desk.field("serving.tensor")), float(setting.shape.heads)
    if heads % tensor:
        raise DesignError("serving.tensor", f"{tensor:g} does not divide the {heads:g} query heads of the model")
    domain = float(setting.hardware.domain)
    if tensor > domain:
        over = f"{tensor:g} exceeds the {domain:g} accelerators that one scale-up domain of the node joins"
        raise DesignError("serving.tensor", f"{over}, by {tensor - domain:g}")
    return tensor


def _plain(setting: Setting) -> Setting:
    """The setting with plain floats for its values."""
    from dataclasses import fields, is_dataclass

    def bare(x: Any) -> Any:
        if isinstance(x, Value):
            return float(x)
        if isinstance(x, tuple):
            return tuple(bare(i) for i in x)
        if is_dataclass(x) and not isinstance(x, type):
            return replace(x, **{f.name: bare(getattr(x, f.name)) for f in fields(x)})
        return x

    return bare(setting)


def _plan(desk: Desk, option: Option, accelerator: Any) -> Plan:
    """The chosen plan with remembered numbers."""
    cache = desk.text("serving.kv_precision")
    reason = "the fewest accelerators that meet the latencies"
    return Plan(
        tensor_parallel=desk.settle("serving.tensor", option.plan.tensor_parallel, "1", reason),
        batch=desk.settle("serving.batch", option.plan.batch, "1", reason),
        precision=precision_of(option.plan.precision.name, accelerator, desk.catalog, desk.enter, cache),
        expert_parallel=option.plan.expert_parallel,
    )


def _replicas(desk: Desk, setting: Setting, estimate: ServingEstimate) -> Value:
    if desk.given("serving.replicas"):
        return desk.field("serving.replicas")
    return rates.replicas_needed(setting.traffic.peak_rate, estimate.pace.rate, setting.objectives.target)


def _put(
    desk: Desk,
    node: Any,
    accelerator: Any,
    requests: Value,
    cloud: Value,
    traffic: Traffic,
    estimate: ServingEstimate,
    replicas: Value,
    accelerators: Value,
) -> Service:
    memory, pace, latency = estimate.memory, estimate.pace, estimate.latency
    desk.labels |= {"serving_precision": estimate.plan.precision.name}
    per_node = desk.need(node, "accelerators", "serving.node")
    from navarch.fleet.compute.estimate import nodes_for

    nodes = nodes_for(accelerators, per_node, title="Nodes that serve", symbol="n_serve,node")
    desk.put_all(
        "serving",
        {
            "weights": memory.weights,
            "kv_per_token": memory.kv_per_token,
            "kv_per_sequence": memory.kv_per_sequence,
            "kv_memory": memory.kv_memory,
            "concurrent_sequences": memory.sequences,
            "largest_batch": memory.largest_batch,
            "prefill_time": pace.prefill,
            "step_time": pace.step,
            "replica_rate": pace.rate,
            "replica_token_rate": pace.token_rate,
            "user_token_rate": pace.user_rate,
            "mean_time_per_output_token": pace.tpot,
            "mean_ttft": latency.ttft,
            "ttft": latency.ttft_tail,
            "time_per_output_token": latency.tpot_tail,
            "request_latency": latency.total,
            "queue_wait": latency.queue_wait,
            "replicas": replicas,
            "accelerators": accelerators,
            "nodes": nodes,
            "tensor": estimate.plan.tensor_parallel,
            "batch": estimate.plan.batch,
            "utilisation": waiting.utilisation(rates.rate_per_replica(traffic.peak_rate, replicas), pace.rate),
        },
    )
    power = node_power(desk, node, accelerator, per_node)
    return Service(node, per_node, power, nodes, replicas, accelerators, requests, cloud, traffic.output, estimate)


def _users(desk: Desk, setting: Setting, plan: Plan, estimate: ServingEstimate) -> None:
    """Memory for a stated number of requests in progress at once."""
    if not desk.given("serving.concurrent_requests"):
        return
    users = desk.field("serving.concurrent_requests")
    context = sum_of(setting.traffic.prompt, setting.traffic.output, title="Tokens of a finished sequence", symbol="c")
    per_sequence = room.kv_bytes_per_sequence(estimate.memory.kv_per_token, context)
    cache = room.kv_bytes_of_users(per_sequence, users, estimate.memory.kv_copies)
    held = room.accelerators_to_hold(
        estimate.memory.weights,
        cache,
        setting.hardware.memory,
        setting.engine.memory_utilisation,
        setting.engine.reserve,
    )
    desk.put_all("serving", {"concurrent_cache": cache, "accelerators_to_hold": held})


def _decide(
    desk: Desk, setting: Setting, found: ServingChoice, estimate: ServingEstimate, replicas: Value, accelerators: Value
) -> None:
    chosen = Alternative(
        found.chosen.label,
        {
            "replicas": replicas,
            "accelerators": accelerators,
            "first token": estimate.latency.ttft_tail,
            "per token": estimate.latency.tpot_tail,
        },
        chosen=True,
    )
    losers = [_loser(desk, setting, o, accelerators) for o in found.lost[: SHOWN - 1]]
    losers.append(_apart(setting, estimate, accelerators))
    count = desk.ledger.choice(
        "serving.considered", found.considered, "1", "Serving plans evaluated", "tensor parallel, batch, precision"
    )
    given = [desk.given(f"serving.{n}") for n in ("tensor", "precision", "batch")]
    runner = next((a for a in losers if "accelerators" in a.metrics), None)
    margin = (
        relative_change(
            runner.metrics["accelerators"], accelerators, title="Accelerators of the runner-up over the chosen"
        )
        if runner
        else None
    )
    missed = f"missed: {found.missed}" if not found.met else "accelerators at the promised latencies"
    desk.decide(
        Decision(
            "serving",
            "Serving",
            found.chosen.label,
            decided_by(given),
            considered=count,
            alternatives=(chosen, *losers),
            binding=missed,
            margin=margin,
        )
    )


def _loser(desk: Desk, setting: Setting, option: Option, accelerators: Value) -> Alternative:
    """A plan that lost, evaluated under the ledger."""
    if not option.fits:
        return Alternative(option.label, {}, LOST["memory"])
    path = f"serving.alternative.{option.label}"
    tensor = desk.ledger.choice(
        f"{path}.tensor", option.plan.tensor_parallel, "1", "Tensor parallel of an alternative", "considered"
    )
    batch = desk.ledger.choice(f"{path}.batch", option.plan.batch, "1", "Batch of an alternative", "considered")
    precision = next(p for p in setting.precisions if p.name == option.plan.precision.name)
    plan = Plan(tensor, batch, precision, option.plan.expert_parallel)
    found = replica(setting.shape, setting.hardware, setting.engine, setting.traffic, plan)
    replicas = rates.replicas_needed(setting.traffic.peak_rate, found.pace.rate, setting.objectives.target)
    needed = product_of(replicas, tensor, unit="1", title="Accelerators of an alternative", symbol="n_serve")
    metrics = {
        "replicas": replicas,
        "accelerators": needed,
        "first token": found.latency.ttft_tail,
        "per token": found.latency.tpot_tail,
    }
    by = {
        "ttft": found.latency.ttft_tail,
        "accelerators": relative_change(needed, accelerators, title="Accelerators over the chosen plan"),
    }.get(option.reason, found.latency.tpot_tail)
    return Alternative(
        option.label, metrics, LOST.get(option.reason, "loses on a tie"), False, by if option.reason in LOST else None
    )


def _apart(setting: Setting, estimate: ServingEstimate, accelerators: Value) -> Alternative:
    """Prefill and decode on accelerators of their own, by the chosen plan."""
    plan, objectives = estimate.plan, setting.objectives
    found = disaggregated(
        setting.shape,
        setting.hardware,
        setting.engine,
        setting.traffic,
        plan,
        plan,
        setting.hardware.link,
        objectives.target,
    )
    metrics = {"accelerators": found.accelerators}
    change = relative_change(
        found.accelerators, accelerators, title="Accelerators with the phases apart over the chosen"
    )
    more = (
        "needs more accelerators, by" if float(change) > 0 else "its tails are not known; accelerators would change by"
    )
    return Alternative("prefill and decode apart", metrics, more, False, change)


def _curve(desk: Desk, setting: Setting, plan: Plan, estimate: ServingEstimate) -> None:
    """Latency against throughput over the batch, by the same composition on an array."""
    plain = _plain(setting)
    bare = replace(_plain_plan(plan))
    largest = float(estimate.memory.largest_batch)
    with off_the_ledger():
        drawn = latency_curve(plain.shape, plain.hardware, plain.engine, plain.traffic, bare, largest)
    desk.curves["serving"] = Curve(
        "Latency against throughput of one replica",
        "Requests a second of one replica",
        "request/s",
        drawn.pace.rate,
        "Time per output token, p99",
        "s/token",
        drawn.latency.tpot_tail,
        estimate.pace.rate,
        None,
    )


def _plain_plan(plan: Plan) -> Plan:
    p = plan.precision
    bare = Precision(p.name, float(p.peak), float(p.efficiency), float(p.weight), float(p.cache), float(p.activation))
    return Plan(float(plan.tensor_parallel), float(plan.batch), bare, plan.expert_parallel)


def tokens_served(service: Service, period: Value) -> Value:
    """Output tokens of a period."""
    served = product_of(service.cloud_rate, period, unit="request", title="Requests served", symbol="n_req")
    return product_of(served, service.output, unit="token", title="Output tokens served", symbol="n_tok")


def accelerators_per_request_rate(service: Service) -> Value:
    """Accelerators for each request a second."""
    return ratio(
        service.accelerators, service.requests, unit="s/request", title="Accelerators for each request a second"
    )
