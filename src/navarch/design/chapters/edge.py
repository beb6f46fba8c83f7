"""Edge: what a device sustains inside its thermal envelope, beside the same request in the cloud."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from navarch.core.arithmetic import difference, product_of, ratio
from navarch.core.ledger import Value
from navarch.design.chapters.phrases import name, sentence
from navarch.design.chapters.reading import constraint, kept, origin, sureness, triggers
from navarch.design.document.blocks import decision_block, heading, paragraph, section, table
from navarch.design.document.model import DecisionBlock, Section, Table
from navarch.design.document.prose import Label, Prose, Sayable, say

if TYPE_CHECKING:
    from navarch.design.evaluation.result import Evaluation

SURE = [
    ("Answer on the device", "edge.latency"),
    ("Answer in the cloud", "edge.cloud_latency"),
    ("Energy on the device", "edge.energy"),
    ("Output rate", "edge.rate"),
]


def chapter(evaluation: Evaluation) -> Section | None:
    """The edge of the design; None where everything is answered in the cloud."""
    if "edge.rate" not in evaluation.quantities:
        return None
    q = evaluation.quantities
    with evaluation.ledger:
        return section(
            "edge",
            "Edge",
            _decision(evaluation),
            heading("Inside the thermal envelope"),
            paragraph(_heat(evaluation)),
            paragraph(_share(evaluation)) if "edge.requests" in q else None,
            *sureness(evaluation, SURE),
            summary=say("{model} on {device}", model=name(evaluation, "edge_model"), device=name(evaluation, "device")),
        )


def _decision(evaluation: Evaluation) -> DecisionBlock:
    decided = evaluation.decisions["edge"]
    return decision_block(
        decided,
        decision=say(
            "{model} with {precision} weights on {device}.",
            model=name(evaluation, "edge_model"),
            precision=name(evaluation, "edge_precision"),
            device=name(evaluation, "device"),
        ),
        why=sentence(_comparison(evaluation), _models(evaluation), _limit(evaluation)),
        alternatives=_where(evaluation),
        sensitivity=_sensitivity(evaluation),
        revisit=_revisit(evaluation),
    )


def _less(x: Value, y: Value, what: str) -> tuple[Value, str]:
    """By how much x is under y, or over it, and which."""
    if x <= y:
        return difference(y, x, title=f"{what} saved on the device"), "less"
    return difference(x, y, title=f"{what} added on the device"), "more"


def _comparison(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    time, slower = _less(q["edge.latency"], q["edge.cloud_latency"], "Time")
    energy, more = _less(q["edge.energy"], q["edge.cloud_energy"], "Energy")
    return say(
        f"An answer takes {{time}} {slower} on the device than in the cloud, and {{energy}} {more}.",
        time=time,
        energy=energy,
    )


def _models(evaluation: Evaluation) -> Prose | None:
    """Whether the two sides of the comparison answer with the same model."""
    small, large = evaluation.labels["edge_model"], evaluation.labels["serving_model"]
    if small == large:
        return None
    return say(
        "The two do not answer alike: the cloud runs {large}, the device {small}, and nothing here measures the "
        "difference in quality.",
        large=Label(large, "catalog"),
        small=Label(small, "catalog"),
    )


def _limit(evaluation: Evaluation) -> Prose | None:
    limit = constraint(evaluation, "edge.latency_limit")
    if limit is None:
        return None
    return say("The limit of {asked} for an answer is {kept}.", asked=limit.asked, kept=kept(limit))


def _where(evaluation: Evaluation) -> Table:
    q = evaluation.quantities
    latency, energy = q["edge.latency"], q["edge.energy"]
    cloud = [q["edge.cloud_latency"], q["edge.cloud_energy"]]
    slower, thirstier = cloud[0] > latency, cloud[1] > energy
    lost = {
        (True, True): "slower and takes more energy",
        (True, False): "slower",
        (False, True): "takes more energy",
        (False, False): "needs the network for every answer",
    }[(slower, thirstier)]
    rows: list[list[Sayable | None]] = [
        ["device", name(evaluation, "edge_model"), latency, energy, Label("chosen", strong=True)],
        ["cloud", name(evaluation, "serving_model"), *cloud, lost],
    ]
    return table(["Where", "Model", "Time of an answer", "Energy of an answer", "Why it lost"], rows, chosen=[0])


def _heat(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    power, carried = q["edge.power"], q["edge.sustained_power"]
    ambient = origin(carried, "ambient")
    limit = origin(carried, "limit")
    told: list[Prose | None] = []
    if power < carried:
        told.append(
            say(
                "The device draws {power} at full clock and its cooling carries {carried} away at {ambient}: heat does "
                "not limit it, and the chip settles at {temperature} of the {limit} allowed.",
                power=power,
                carried=carried,
                ambient=ambient,
                temperature=q["edge.temperature"],
                limit=limit,
            )
        )
    else:
        told.append(
            say(
                "Heat limits the device: at {ambient} its cooling carries away no more than {carried}, which holds the "
                "chip at its limit of {limit}.",
                carried=carried,
                ambient=ambient,
                limit=limit,
            )
        )
        throttle = q["edge.time_to_throttle"]
        if math.isfinite(throttle):
            told.append(say("At full clock it gets there after {throttle}.", throttle=throttle))
    told.append(_rate(evaluation))
    told.append(_memory(evaluation))
    return sentence(*told)


def _rate(evaluation: Evaluation) -> Prose:
    rate = evaluation.quantities["edge.rate"]
    memory, arithmetic = origin(rate, "memory"), origin(rate, "arithmetic")
    by = "memory bandwidth" if memory <= arithmetic else "arithmetic"
    return say(f"It sustains {{rate}} of output, bounded by {by}.", rate=rate)


def _memory(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    needed, usable = q["edge.memory_needed"], q["edge.memory_usable"]
    fits = "which fits" if needed <= usable else "**which does not fit**"
    return say(f"Model and cache need {{needed}} of {{usable}} of memory, {fits}.", needed=needed, usable=usable)


def _share(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    told = say("Devices answer {requests} of {all}", requests=q["edge.requests"], all=q["serving.requests"])
    if "edge.devices" in q:
        return told + say("; that takes {devices} devices.", devices=q["edge.devices"])
    return told + "."


def _sensitivity(evaluation: Evaluation) -> Prose:
    """What each further token of an answer takes."""
    q = evaluation.quantities
    return say(
        "Each further token of an answer takes {pace} and {energy} in the cloud; the device writes {rate} at {local}.",
        pace=origin(q["edge.cloud_latency"], "per_token"),
        energy=q["serving.energy_per_token"],
        rate=q["edge.rate"],
        local=q["edge.energy_per_token"],
    )


def _revisit(evaluation: Evaluation) -> Prose:
    return triggers(_pace(evaluation), _ambient(evaluation))


def _pace(evaluation: Evaluation) -> Prose:
    """The time per output token at which the cloud answers as fast as the device."""
    q = evaluation.quantities
    cloud, local = q["edge.cloud_latency"], q["edge.latency"]
    output, pace = origin(cloud, "output"), origin(cloud, "per_token")
    lead = ratio(
        difference(cloud, local, title="Time of an answer in the cloud over that on the device"),
        output,
        unit="s/token",
        title="Difference of an answer's time, a token",
    )
    even = difference(
        pace, lead, title="Time per output token at which the cloud is as fast as the device", symbol="T_even"
    )
    if even <= 0:
        return say("the network or the prompt takes less: as it is, no speed of decoding makes the cloud the faster.")
    if local <= cloud:
        return say(
            "the cloud decodes a token in less than {even} (now {pace}): it then answers sooner.", even=even, pace=pace
        )
    return say(
        "the cloud takes more than {even} a token (now {pace}): the device then answers sooner.", even=even, pace=pace
    )


def _ambient(evaluation: Evaluation) -> Prose:
    """The temperature of the air at which heat begins to limit the device."""
    carried = evaluation.quantities["edge.sustained_power"]
    power = origin(evaluation.quantities["edge.power"], "parts")
    rise = product_of(
        power, origin(carried, "resistance"), unit="K", title="Rise of the chip over the air at full clock"
    )
    air = difference(origin(carried, "limit"), rise, title="Temperature of the air at which heat limits the device")
    if air > origin(carried, "ambient"):
        return say("the air is warmer than {air}: heat then limits it.", air=air)
    return say("the air is cooler than {air}: heat then no longer limits it.", air=air)
