"""Storage: what sizes it, what it delivers, and a checkpoint on every tier that could hold it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from navarch.core.arithmetic import difference, largest_of, margin_below, product_of, ratio, relative_change
from navarch.design.chapters.phrases import counted, name, sentence
from navarch.design.chapters.reading import constraint, kept, origin, sureness, triggers
from navarch.design.document.blocks import decision_block, heading, paragraph, section, table
from navarch.design.document.model import DecisionBlock, Section, Table
from navarch.design.document.prose import Prose, Sayable, join, say

if TYPE_CHECKING:
    from navarch.design.evaluation.result import Evaluation

SURE = [
    ("Size of a checkpoint", "checkpoint.size"),
    ("Capacity needed", "storage.capacity_needed"),
    ("Write to storage", "checkpoint.stall_synchronous"),
]


def chapter(evaluation: Evaluation) -> Section | None:
    """The storage of the design; None where nothing is trained, for a service keeps its weights on local drives."""
    if "storage.units" not in evaluation.quantities:
        return None
    q = evaluation.quantities
    with evaluation.ledger:
        return section(
            "storage",
            "Storage",
            _decision(evaluation),
            heading("A checkpoint on every tier"),
            paragraph(_checkpoint(evaluation)),
            _tiers(evaluation),
            *sureness(evaluation, SURE),
            summary=say("{units} × {system}", units=q["storage.units"], system=name(evaluation, "storage")),
        )


def _decision(evaluation: Evaluation) -> DecisionBlock:
    q = evaluation.quantities
    decided = evaluation.decisions["storage"]
    block = decision_block(
        decided,
        decision=say(
            "{units} of {system}, counted by the {unit}: {capacity} in all.",
            units=counted(q["storage.units"], "unit", "units"),
            system=name(evaluation, "storage"),
            unit=name(evaluation, "storage_unit"),
            capacity=q["storage.capacity"],
        ),
        why=sentence(_sized_by(evaluation), _feeding(evaluation)),
        numbers=_needs(evaluation),
        sensitivity=_sensitivity(evaluation),
        revisit=_revisit(evaluation),
    )
    return block if decided.runner_up is not None else replace(block, alternatives=None)


def _sized_by(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    needs = [q["storage.units_for_capacity"], q["storage.units_for_read"], q["storage.units_for_write"]]
    most = largest_of(*needs, title="Storage units that meet every need")
    binding = evaluation.decisions["storage"].binding
    needed = say(f"The need for {binding} sizes it: {{count}}.", count=counted(most, "unit", "units"))
    if q["storage.units"] > most:
        return needed + say(" The design has {units}.", units=q["storage.units"])
    if q["storage.units"] < most:
        return needed + say(" The design has only {units}.", units=q["storage.units"])
    return needed


def _feeding(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    supply, starved = q["storage.supply"], q["storage.starvation"]
    fed = say(
        "Training reads {demand} of data and the storage delivers {read}:",
        demand=q["storage.read_demand"],
        read=q["storage.read_bandwidth"],
    )
    ends = (
        say(" {supply:.2} times as much, so that accelerators never wait for data.", supply=supply)
        if starved <= 0
        else say(" accelerators wait for data {starved} of the time.", starved=starved)
    )
    limit = constraint(evaluation, "storage.starvation_limit")
    asked = None if limit is None else say("The limit of {asked} is {kept}.", asked=limit.asked, kept=kept(limit))
    return sentence(fed + ends, asked)


def _needs(evaluation: Evaluation) -> Table:
    q = evaluation.quantities
    rows: list[list[Sayable | None]] = [
        ["capacity", q["storage.capacity_needed"], q["storage.capacity"], q["storage.units_for_capacity"]],
        [
            "reading: data and restore",
            q["storage.read_needed"],
            q["storage.read_bandwidth"],
            q["storage.units_for_read"],
        ],
        ["writing: checkpoint", q["storage.write_needed"], q["storage.write_bandwidth"], q["storage.units_for_write"]],
    ]
    return table(["Need", "Demanded", "Delivered", "Units that meet it"], rows)


def _sensitivity(evaluation: Evaluation) -> Prose:
    """By how much each demand can grow, or by how much it is not met."""
    q = evaluation.quantities
    needs = (
        ("capacity", "storage.capacity", "storage.capacity_needed"),
        ("reading", "storage.read_bandwidth", "storage.read_needed"),
        ("writing", "storage.write_bandwidth", "storage.write_needed"),
    )
    room, short = [], []
    for what, delivered, demanded in needs:
        growth = relative_change(q[delivered], q[demanded], title=f"Growth of the demand for {what} that it bears")
        missing = margin_below(q[demanded], q[delivered], title=f"Share of the demand for {what} not met")
        if growth >= 0:
            room.append(say(f"{{growth}} in {what}", growth=growth))
        else:
            short.append(say(f"{{missing}} in {what}", missing=missing))
    return sentence(
        say("It falls short by {short}.", short=join(short)) if short else None,
        say("Before it is too small, demand can grow by {room}.", room=join(room)) if room else None,
    )


def _revisit(evaluation: Evaluation) -> Prose:
    """What fills the storage, and the token rate at which it starves the accelerators."""
    q = evaluation.quantities
    needed = q["storage.capacity_needed"]
    usable = product_of(q["storage.capacity"], origin(needed, "fill"), unit="byte", title="Capacity that may be used")
    data = product_of(
        origin(needed, "dataset"), origin(needed, "copies"), unit="byte", title="All forms of the data set"
    )
    room = difference(usable, data, title="Capacity left for checkpoints")
    rate = product_of(
        q["training.tokens_per_second"],
        q["storage.supply"],
        unit="token/s",
        title="Token rate that the storage can feed",
    )
    filled = (
        say("the checkpoints kept pass {room} (now {now}).", room=room, now=q["storage.retained"])
        if room > 0
        else say("capacity is added: the data alone fills it.")
    )
    fed = say("training passes {rate} (now {now}).", rate=rate, now=q["training.tokens_per_second"])
    return triggers(filled, fed)


def _checkpoint(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    mode = name(evaluation, "checkpoint_mode")
    times = ratio(
        q["checkpoint.stall_synchronous"],
        q["checkpoint.stall_asynchronous"],
        unit="1",
        title="Write to storage over copy to the host's memory",
    )
    return sentence(
        say("A checkpoint is {size}; those kept take {all}.", size=q["checkpoint.size"], all=q["storage.retained"]),
        say(
            "Writing it to shared storage takes {times:.2} times as long as copying it to the memory of the hosts. The "
            "design writes {mode} checkpoints.",
            times=times,
            mode=mode,
        ),
    )


def _tiers(evaluation: Evaluation) -> Table:
    q = evaluation.quantities
    rows: list[list[Sayable | None]] = [
        ["memory of the host", q["checkpoint.stall_asynchronous"], None, "the process"],
        [
            "memory of a peer",
            q["checkpoint.time_to_peers"],
            q["checkpoint.restore_from_peers"],
            "the process, the node",
        ],
        ["local drives", q["checkpoint.time_to_local"], None, "the process, the power"],
        [
            "shared storage",
            q["checkpoint.stall_synchronous"],
            q["checkpoint.restore"],
            "the process, the node, the cluster",
        ],
    ]
    return table(
        ["Tier", "Safe there after", "Read back in", "Survives the loss of"],
        rows,
        "Each time counts the whole checkpoint, all accelerators or nodes writing at once.",
    )
