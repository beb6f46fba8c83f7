"""One device, one request, and the same request in the cloud. The same calls serve arrays and ledger values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from navarch.core.arithmetic import smallest_of
from navarch.core.ledger import Fact
from navarch.deployment.edge import estimate as room
from navarch.deployment.serving.estimate import mean_context

if TYPE_CHECKING:
    from navarch.catalog import Catalog

Number = Any
Take = Callable[[Fact], Number]

CLASSES = ("phone", "single-board", "embedded", "embedded-large", "edge-server")
"""Cooling classes, from the least to the most power; their constants are `edge.<class>.*`."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device: peak [FLOP/s], memory [byte], bandwidth [byte/s], rated power [W], limit [degC], cooling [K/W, J/K]."""

    peak: Number
    memory: Number
    bandwidth: Number
    power: Number
    limit: Number
    resistance: Number
    capacity: Number


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model on the device: parameters, those a token meets, bytes of a weight, cache of a token [byte/token]."""

    parameters: Number
    active: Number
    element: Number
    kv_per_token: Number


@dataclass(frozen=True, slots=True)
class Conditions:
    """Constants and surroundings: ambient [degC], attained shares, clock exponent, static share, usable memory."""

    ambient: Number
    memory_efficiency: Number
    compute_efficiency: Number
    exponent: Number
    static: Number
    usable: Number


@dataclass(frozen=True, slots=True)
class Link:
    """Between device and cloud: round trip [s], uplink [byte/s], energy [J/byte], bytes of text and framing."""

    round_trip: Number
    uplink: Number
    energy: Number
    fixed: Number
    per_token: Number
    streamed: Number
    idle: Number


@dataclass(frozen=True, slots=True)
class DeviceEstimate:
    """What a device sustains: power [W], temperature [degC], rates [token/s], latency [s], energy [J]."""

    memory_needed: Number
    memory_usable: Number
    sustained_power: Number
    power: Number
    temperature: Number
    time_to_throttle: Number
    clock_share: Number
    prefill_rate: Number
    memory_rate: Number
    rate: Number
    energy_per_token: Number
    latency: Number
    energy: Number


@dataclass(frozen=True, slots=True)
class CloudEstimate:
    """The same request in the cloud: bytes, latency [s], energy [J]."""

    sent: Number
    latency: Number
    energy: Number


def device_of(
    accelerator: Any, precision: str, catalog: Catalog, take: Take = float, cooling: str | None = None
) -> Device:
    """A catalog accelerator as a device; `cooling` names its class (by default the nearest in rated power; a phone's
    where no power is rated, as makers of phones rate none)."""
    rated = accelerator.tdp
    cooling = cooling or (CLASSES[0] if rated is None else cooling_class(float(rated), catalog))

    def of_class(name: str) -> Fact:
        return catalog.fact("constant", f"edge.{cooling}.{name}")

    peak = getattr(accelerator, precision, None)
    if peak is None:
        raise ValueError(f"{accelerator.id}: the catalog gives no {precision} rate")
    limit = accelerator.temperature_limit
    return Device(
        peak=take(peak),
        memory=take(accelerator.memory),
        bandwidth=take(accelerator.memory_bandwidth),
        power=take(of_class("power") if rated is None else rated),
        limit=take(of_class("temperature-limit") if limit is None else limit),
        resistance=take(of_class("thermal-resistance")),
        capacity=take(of_class("thermal-capacity")),
    )


def cooling_class(power: float, catalog: Catalog) -> str:
    """The class whose usual power is nearest to a rated power [W], by ratio."""
    usual = {name: float(catalog.fact("constant", f"edge.{name}.power")) for name in CLASSES}
    return min(usual, key=lambda name: abs(math.log(usual[name] / power)))


def conditions_of(catalog: Catalog, take: Take = float, ambient: Number | None = None) -> Conditions:
    """The constants of the room from the catalog, with the site's ambient temperature where given."""

    def constant(name: str) -> Number:
        return take(catalog.fact("constant", f"edge.{name}"))

    return Conditions(
        ambient=constant("ambient") if ambient is None else ambient,
        memory_efficiency=constant("memory-efficiency"),
        compute_efficiency=constant("compute-efficiency"),
        exponent=constant("clock-exponent"),
        static=constant("static-share"),
        usable=constant("usable-memory"),
    )


def link_of(catalog: Catalog, take: Take = float, network: str = "mobile", round_trip: Number | None = None) -> Link:
    """The link from the catalog; network is "mobile" or "fixed"."""

    def constant(name: str) -> Number:
        return take(catalog.fact("constant", f"edge.{name}"))

    return Link(
        round_trip=constant("round-trip") if round_trip is None else round_trip,
        uplink=constant(f"uplink.{network}"),
        energy=constant(f"network-energy.{network}"),
        fixed=constant("request-bytes"),
        per_token=constant("text-bytes"),
        streamed=constant("stream-bytes"),
        idle=constant("idle-power"),
    )


def on_device(
    device: Device, model: LocalModel, conditions: Conditions, prompt: Number, output: Number
) -> DeviceEstimate:
    """What the device does with one request, in the steady state of its temperature.

    Heat lowers the clock of arithmetic; memory is taken to keep its rate. Power is the rated one unless heat caps it.
    """
    with np.errstate(divide="ignore"):
        sustained = room.sustained_power(device.limit, conditions.ambient, device.resistance)
        power = smallest_of(device.power, sustained, unit="W", title="Power of the device in steady state", symbol="P")
        share = room.clock_share(power, device.power, conditions.static, conditions.exponent)
        constant = room.time_constant(device.resistance, device.capacity)
        context = mean_context(prompt, output)
        read = room.bytes_per_token(model.active, model.element, model.kv_per_token, context)
        by_memory = room.memory_bound_rate(device.bandwidth, conditions.memory_efficiency, read)
        by_arithmetic = room.compute_bound_rate(device.peak, conditions.compute_efficiency, share, model.active)
        rate = room.sustained_token_rate(by_memory, by_arithmetic)
        latency = room.device_latency(prompt, output, by_arithmetic, rate)
        return DeviceEstimate(
            memory_needed=room.memory_needed(model.parameters, model.element, model.kv_per_token, context),
            memory_usable=room.usable_memory(device.memory, conditions.usable),
            sustained_power=sustained,
            power=power,
            temperature=room.junction_temperature(conditions.ambient, power, device.resistance),
            time_to_throttle=room.time_to_throttle(
                device.limit, conditions.ambient, device.power, device.resistance, constant
            ),
            clock_share=share,
            prefill_rate=by_arithmetic,
            memory_rate=by_memory,
            rate=rate,
            energy_per_token=room.energy_per_token(power, rate),
            latency=latency,
            energy=room.device_energy(power, latency),
        )


def in_cloud(
    link: Link, ttft: Number, tpot: Number, energy_per_token: Number, pue: Number, prompt: Number, output: Number
) -> CloudEstimate:
    """The same request in the cloud: ttft [s], tpot [s/token], energy of an output token [J/token]."""
    sent = room.request_bytes(link.fixed, link.per_token, prompt, output, link.streamed)
    upload = room.upload_time(room.prompt_bytes(prompt, link.per_token), link.uplink)
    latency = room.cloud_latency(link.round_trip, upload, ttft, output, tpot)
    energy = room.cloud_energy(energy_per_token, output, pue, sent, link.energy, link.idle, latency)
    return CloudEstimate(sent, latency, energy)


def split(
    device_pass: Number,
    cloud_pass: Number,
    layer: Number,
    layers: Number,
    prompt: Number,
    hidden: Number,
    element: Number,
    link: Link,
) -> Number:
    """Time of a prompt's forward pass when the device runs the first `layer` layers and the cloud the rest [s]."""
    return room.split_latency(
        device_pass,
        cloud_pass,
        layer,
        layers,
        room.activation_bytes(prompt, hidden, element),
        room.prompt_bytes(prompt, link.per_token),
        link.uplink,
        link.round_trip,
    )
