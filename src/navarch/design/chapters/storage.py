"""Storage: what training asks, what it delivers, whether accelerators starve, and a checkpoint's way to safety."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from navarch.core.arithmetic import difference, largest_of, margin_below, product_of, ratio, relative_change
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Value
from navarch.design.chapters.phrases import counted, name, observe, sentence
from navarch.design.chapters.reading import constraint, kept, origin, sureness, triggers
from navarch.design.document.blocks import decision_block, heading, paragraph, remark, section, table
from navarch.design.document.model import DecisionBlock, Section, Table
from navarch.design.document.prose import Prose, Sayable, join, number, prose, say

if TYPE_CHECKING:
    from navarch.design.evaluation.result import Evaluation
    from navarch.design.evaluation.storage import Searched

SURE = [
    ("Size of a checkpoint", "checkpoint.size"),
    ("Capacity needed", "storage.capacity_needed"),
    ("Read rate demanded", "storage.read_demand"),
    ("Write to storage", "checkpoint.stall_synchronous"),
]
NEVER = 1e-6  # a probability under this is told as never: a matter of display
SEED = 0
MOST_CHUNKS = 2_000_000  # of a checkpoint that are simulated: some seconds
WAYS = {"synchronous": "synchronous", "asynchronous": "asynchronous", "multi-tier": "multi-tier, by the nodes' drives"}


@dataclass(frozen=True)
class Simulated:
    """The chosen storage run request by request while a checkpoint is written beside the reading.

    starvation: share of (replica, step) whose data were late; rate: of reading, delivered [byte/s]; written: time until
    the checkpoint was on shared storage, if it was in time [s].
    """

    starvation: Value
    rate: Value
    written: Value | None


def chapter(evaluation: Evaluation) -> Section | None:
    """The storage of the design; None where nothing is trained, for a service keeps its weights on local drives."""
    if "storage.units" not in evaluation.quantities:
        return None
    q = evaluation.quantities
    with evaluation.ledger:
        ran = _simulated(evaluation)
        return section(
            "storage",
            "Storage",
            _decision(evaluation),
            heading("Whether accelerators starve"),
            paragraph(_starvation(evaluation, ran)),
            _feeding(evaluation, ran),
            heading("Writing a checkpoint"),
            paragraph(_checkpoint(evaluation)),
            _ways(evaluation),
            _tiers(evaluation),
            remark(
                "Each time counts the whole checkpoint, all accelerators or nodes writing at once. Estimates share it "
                "out evenly over the servers; simulated, its chunks go to random ones, some of which are slow."
            ),
            *sureness(evaluation, SURE),
            summary=say("{units} × {system}", units=q["storage.units"], system=name(evaluation, "storage")),
        )


def _decision(evaluation: Evaluation) -> DecisionBlock:
    q = evaluation.quantities
    decided = evaluation.decisions["storage"]
    block = decision_block(
        decided,
        decision=say(
            "{units} of {system}, counted by the {unit}: {capacity} in all{cache}.",
            units=counted(q["storage.units"], "unit", "units"),
            system=name(evaluation, "storage"),
            unit=name(evaluation, "storage_unit"),
            capacity=q["storage.capacity"],
            cache=_cache(evaluation),
        ),
        why=sentence(_sized_by(evaluation), _asked(evaluation), _limit(evaluation)),
        numbers=_needs(evaluation),
        sensitivity=_sensitivity(evaluation),
        revisit=_revisit(evaluation),
    )
    return block if decided.runner_up is not None else replace(block, alternatives=None)


def _cache(evaluation: Evaluation) -> Prose:
    """The drives of the nodes that keep the data set, or that there are none."""
    drives = next((e for e in evaluation.ledger.entries if e.path == "storage.cache_drives"), None)
    if drives is None or not drives.value:
        return prose(", no caches in the nodes")
    return say(", and a cache of {drives} in each node", drives=counted(Value(drives.value, drives), "drive", "drives"))


def _sized_by(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    needs = [q["storage.units_for_capacity"], q["storage.units_for_read"], q["storage.units_for_write"]]
    most = largest_of(*needs, title="Storage units that meet every need")
    binding = {"checkpoints": "writing checkpoints"}.get(
        evaluation.decisions["storage"].binding, evaluation.decisions["storage"].binding
    )
    needed = say(f"The need for {binding} sizes it: {{count}}.", count=counted(most, "unit", "units"))
    if q["storage.units"] > most:
        return needed + say(" The design has {units}.", units=q["storage.units"])
    if q["storage.units"] < most:
        return needed + say(" The design has only {units}.", units=q["storage.units"])
    return needed


def _asked(evaluation: Evaluation) -> Prose:
    """What training reads, and how much more the storage delivers."""
    q = evaluation.quantities
    read = say(
        "{replicas} read {rate:.3} sequences of {sample} each, {demand} together; the storage delivers {read},",
        replicas=counted(q["storage.replicas"], "replica", "replicas"),
        rate=q["storage.sample_rate"],
        sample=q["storage.sample"],
        demand=q["storage.read_demand"],
        read=q["storage.read_bandwidth"],
    )
    return read + say(" {supply:.2} times as much.", supply=q["storage.supply"])


def _limit(evaluation: Evaluation) -> Prose:
    limit = constraint(evaluation, "storage.starvation_limit")
    return Prose() if limit is None else say("The limit of {asked} is {kept}.", asked=limit.asked, kept=kept(limit))


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


def _simulated(evaluation: Evaluation) -> Simulated | None:
    """The chosen storage run request by request, off the ledger; None where that would take too long."""
    from navarch.fleet.storage.search import simulated

    found: Searched = evaluation.curves["storage"]
    asked, parts = found.asked, found.parts
    with off_the_ledger():
        chunks = ratio(asked.plain_needs.checkpoint, parts.constant("checkpoint-chunk"))
        if float(chunks) > MOST_CHUNKS:
            return None
        known = None if found.chosen is None else found.chosen.run
        run = known or simulated(parts, asked.plain_reading, asked.plain_needs, found.choice, SEED)
        written = run.checkpoints[-1].times[-1] if run.checkpoints else None
    source = "fleet.storage.search.simulated, request by request"
    note = f"{run.requests:,} requests, {run.steps} steps, a checkpoint written in the second half; seed {SEED}"
    return Simulated(
        observe(
            evaluation, "Share of replicas and steps whose data were late", run.starvation, "fraction", source, note
        ),
        observe(evaluation, "Read rate delivered, simulated", run.rate, "byte/s", source, note),
        None
        if written is None
        else observe(evaluation, "Checkpoint on shared storage, simulated", written, "s", source, note),
    )


def _starvation(evaluation: Evaluation, ran: Simulated | None) -> Prose:
    q = evaluation.quantities
    epochs = counted(q["storage.epochs"], "epoch", "epochs")
    run = say(
        "The run reads {bytes} in {epochs} of {dataset}. A batch is fetched in {fetch}; the loader is ahead by {lead}.",
        bytes=q["storage.bytes_of_run"],
        epochs=epochs,
        dataset=q["storage.dataset"],
        fetch=q["storage.fetch"],
        lead=q["storage.lead"],
    )
    quiet, writing = q["storage.starvation"], q["storage.starvation_writing"]
    if float(largest_of(quiet, writing, title="Starvation, quiet or while a checkpoint is written")) < NEVER:
        told = prose("By queueing theory no accelerator ever waits for data, nor while a checkpoint is written.")
    else:
        told = say(
            "By queueing theory an accelerator starves in {quiet} of its steps, and in {writing} of those in which a "
            "checkpoint is written.",
            quiet=quiet,
            writing=writing,
        )
    if ran is None:
        return sentence(run, told)
    if float(ran.starvation) == 0:
        return sentence(run, told, "Run request by request, none did.")
    return sentence(run, told, say("Run request by request, {share} of them did.", share=ran.starvation))


def _feeding(evaluation: Evaluation, ran: Simulated | None) -> Table:
    """The loader and the storage by queueing theory, beside the run."""
    q = evaluation.quantities

    def chance(value: Value) -> Sayable:
        return "never" if float(value) < NEVER else number(value, 2)

    rows: list[list[Sayable | None]] = [
        ["Read rate", q["storage.read_demand"], None, None if ran is None else ran.rate],
        ["Time to fetch a batch", q["storage.fetch"], q["storage.fetch_writing"], None],
        ["An accelerator starves in a step", chance(q["storage.starvation"]), chance(q["storage.starvation_writing"]),
         None if ran is None else chance(ran.starvation)],
        ["A step of all waits for data", chance(q["storage.late_steps"]), None, None],
        ["Utilisation of the busiest servers", number(q["storage.busiest"], 2), None, None],
        ["Checkpoint on shared storage", None, q["checkpoint.stall_synchronous"], None if ran is None else ran.written],
    ]  # fmt: skip
    heads = ["", "Estimate, quiet", "while a checkpoint is written"]
    if ran is None:
        return table(heads, [row[:3] for row in rows])
    return table([*heads, "Simulated, the same"], rows)


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
            "design writes {mode} checkpoints, every {interval}.",
            times=times,
            mode=mode,
            interval=q["faults.checkpoint_interval"],
        ),
    )


def _ways(evaluation: Evaluation) -> Table:
    """What a checkpoint costs training, written synchronously, asynchronously and by way of the nodes' drives."""
    from navarch.fleet.storage.parts import checkpoint_modes

    q = evaluation.quantities
    size = q["checkpoint.size"]
    modes = checkpoint_modes(
        size,
        q["cluster.accelerators"],
        q["cluster.nodes"],
        q["storage.write_bandwidth"],
        origin(q["checkpoint.stall_asynchronous"], "bandwidth"),
        origin(q["checkpoint.time_to_local"], "bandwidth"),
        q["faults.checkpoint_interval"],
    )
    rows: list[list[Sayable | None]] = [
        [WAYS[each.mode], each.stall, each.near, each.safe, number(each.share, 2)] for each in modes
    ]
    chosen = [i for i, each in enumerate(modes) if each.mode == evaluation.labels["checkpoint_mode"]]
    heads = ["Written", "Training waits", "On the nodes' drives after", "On shared storage after", "Share of the time"]
    return table(heads, rows, "What a checkpoint costs training", chosen=chosen)


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
        ["Tier", "Safe there after", "Read back in", "Survives the loss of"], rows, "A checkpoint on every tier"
    )
