"""Edge: what a device sustains inside its thermal envelope, beside the same request in the cloud."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from navarch.core.arithmetic import difference, product_of, ratio, relative_change, smallest_of
from navarch.core.ledger import Value
from navarch.deployment.edge.device import (
    CloudEstimate,
    DeviceEstimate,
    LocalModel,
    conditions_of,
    device_of,
    in_cloud,
    link_of,
    on_device,
)
from navarch.deployment.serving.estimate import kv_bytes_per_token
from navarch.design.errors import DesignError
from navarch.design.evaluation.desk import Desk
from navarch.design.evaluation.parameters import count_parameters
from navarch.design.evaluation.result import Alternative, Decision
from navarch.design.evaluation.serving import Service
from navarch.design.evaluation.workload import model_entry

DEFAULT_DEVICE = "jetson-agx-orin-64gb"
DEFAULT_MODEL = "llama3.2-3b"
RATES = {"int4": "int8", "int8": "int8", "fp4": "fp16", "fp8": "fp16", "bf16": "fp16", "fp16": "fp16"}
"""Precision of the weights -> rate of the device that its products run at."""


def evaluate(desk: Desk, service: Service, pue: Value) -> None:
    """Put device rate, latency and energy down, and decide where small requests are answered."""
    accelerator = desk.look("accelerator", str(desk.text("edge.device") or DEFAULT_DEVICE), "edge.device")
    path = "edge.model"
    model = model_entry(desk, path) if desk.given(path) else desk.catalog.get("model", DEFAULT_MODEL)
    precision = str(desk.text("edge.precision") or "int4")
    desk.labels |= {"device": accelerator.name, "edge_model": model.name or model.id, "edge_precision": precision}
    prompt, output = desk.quantities["serving.prompt_tokens"], desk.quantities["serving.output_tokens"]
    try:
        device = device_of(accelerator, RATES[precision], desk.catalog, desk.enter)
        ambient = desk.field("edge.ambient") if desk.given("edge.ambient") else None
        conditions = conditions_of(desk.catalog, desk.enter, ambient)
        local = on_device(device, _local(desk, model, precision, path), conditions, prompt, output)
    except ValueError as error:
        raise DesignError("edge.device", str(error)) from error
    trip = desk.field("edge.network_latency") if desk.given("edge.network_latency") else None
    link = link_of(desk.catalog, desk.enter, round_trip=trip)
    pace, latency = service.estimate.pace, service.estimate.latency
    cloud = in_cloud(
        link, latency.ttft, pace.tpot, desk.quantities["serving.energy_per_token"], _one(desk, pue), prompt, output
    )
    _put(desk, local, cloud)
    _decide(desk, accelerator, local, cloud)
    desk.at_most("edge.latency_limit", "Answer on the device", local.latency)


def _one(desk: Desk, pue: Value) -> Value:
    """The energy of a served token counts the facility already, so that no overhead is added again."""
    return ratio(pue, pue, unit="1", title="Overhead already counted in the energy of a token", symbol="PUE")


def _local(desk: Desk, model: Any, precision: str, path: str) -> LocalModel:
    total, active = count_parameters(desk, model)
    element = desk.constant("edge.group-int4.bytes" if precision == "int4" else f"precision.{precision}.bytes")
    cache = kv_bytes_per_token(
        desk.need(model, "layers", path),
        desk.need(model, "kv_heads", path),
        desk.need(model, "head_dim", path),
        desk.constant("precision.fp16.bytes"),
    )
    return LocalModel(total, active, element, cache)


def _put(desk: Desk, local: DeviceEstimate, cloud: CloudEstimate) -> None:
    desk.put_all(
        "edge",
        {
            "memory_needed": local.memory_needed,
            "memory_usable": local.memory_usable,
            "sustained_power": local.sustained_power,
            "power": local.power,
            "temperature": local.temperature,
            "time_to_throttle": local.time_to_throttle,
            "rate": local.rate,
            "energy_per_token": local.energy_per_token,
            "latency": local.latency,
            "energy": local.energy,
            "cloud_latency": cloud.latency,
            "cloud_energy": cloud.energy,
            "memory_margin": difference(
                local.memory_usable, local.memory_needed, title="Memory left free on the device"
            ),
            "saved_energy": difference(cloud.energy, local.energy, title="Energy that a request on the device saves"),
        },
    )
    if desk.given("edge.share"):
        kept = product_of(
            desk.quantities["serving.requests"],
            desk.field("edge.share"),
            unit="request/s",
            title="Requests answered on devices",
            symbol="lambda_edge",
        )
        desk.put("edge.requests", kept)
        if desk.given("edge.requests_per_device"):
            each = desk.field("edge.requests_per_device")
            desk.put("edge.devices", ratio(kept, each, unit="1", title="Devices that answer", symbol="n_device"))


def _decide(desk: Desk, accelerator: Any, local: DeviceEstimate, cloud: CloudEstimate) -> None:
    slower = relative_change(local.latency, cloud.latency, title="Latency on the device over the cloud's")
    on = Alternative(
        f"{desk.labels['edge_model']} on {accelerator.name}",
        {"latency": local.latency, "energy": local.energy},
        chosen=True,
    )
    why = (
        "latency would be lower; the device keeps the data and needs no network; by"
        if float(slower) > 0
        else "latency would be higher, by"
    )
    by = relative_change(cloud.latency, local.latency, title="Latency of the cloud over the device's")
    off = Alternative(
        f"{desk.labels['serving_model']} in the cloud",
        {"latency": cloud.latency, "energy": cloud.energy},
        why,
        False,
        by,
    )
    bound = (
        "memory bandwidth"
        if float(local.memory_rate) <= float(local.prefill_rate)
        else "arithmetic inside the thermal envelope"
    )
    if float(local.sustained_power) < float(smallest_of(local.power, local.sustained_power)) or float(
        local.power
    ) >= float(local.sustained_power):
        bound = "heat"
    desk.decide(
        Decision(
            "edge",
            "Edge",
            on.label,
            "user" if desk.given("edge.device") else "navarch",
            alternatives=(on, replace(off)),
            binding=bound,
            margin=by,
        )
    )
