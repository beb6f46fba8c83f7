"""What Lab 02 asks each student, with the student's own numbers in it."""

from __future__ import annotations

from dataclasses import dataclass

from navarch.core.quantity import show
from navarch.course.desk import shelf
from navarch.course.interconnect_wall import challenge, generations, links, pod, tensor
from navarch.course.interconnect_wall.names import short
from navarch.course.interconnect_wall.variant import Variant, menu

LINKED = {
    "memory": "its own memory", "scaleup": "the link to its neighbours", "bus": "the bus to its host",
    "network": "its share of the server's network cards",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the Markdown above it."""

    asked: str
    context: str


def message(variant: Variant) -> Question:
    """The first question."""
    catalog, server = shelf(), variant.server
    size = show(variant.message, "byte")
    chip = short(catalog.get("accelerator", catalog.get("node", server.node).accelerator).name)
    near = links.from_memory(node=server.node, message=variant.message)["memory"].shown
    hall = catalog.get("fabric", server.hall).name
    return Question(
        f"How long does {size} take across the hall, over one port of {hall}?",
        f"An {chip} reads {size} from its own memory in **{near}**. The same {size} can go next door over its scale-up "
        "link, to its host over PCIe, to the next rack over InfiniBand, or to the other end of the hall over an "
        "Ethernet port. Their data sheets are enough; you will see all five.",
    )


def bytes_a_flop(variant: Variant) -> Question:
    """The second question."""
    family = menu()["families"][variant.family]
    told = generations.first_generation(family=variant.family, link=variant.link)
    names = [shelf().get("accelerator", name) for name in family["accelerators"]]
    first, last = names[0], names[-1]
    return Question(
        f"How many bytes can {short(last.name)} move in the time of a million operations?",
        f"In the time of a million operations (FLOP, {family['precision']}, at its peak) {short(first.name)} "
        f"({first.year}) moves **{told['bytes_first'].shown}** over {LINKED[variant.link]}. Two generations on, "
        f"{short(last.name)} ({last.year}) does **{told['arithmetic'].shown} times** the arithmetic. "
        "Its link got faster too.",
    )


def degree(variant: Variant) -> Question:
    """The third question."""
    group, catalog = variant.group, shelf()
    model, node = catalog.get("model", group.model).name, catalog.get("node", group.node).name
    domain = tensor.domain_of(group.node)
    largest = max(tensor.degrees(group.model, group.node, group.sequence))
    return Question(
        "From which tensor-parallel degree on does moving take longer than computing?",
        f"Every layer of {model} is divided over a group of accelerators, which add up their activations four times a "
        f"layer, in sequences of **{group.sequence:,}** tokens. The group doubles: 2, 4, 8, up to {largest}. The "
        f"first **{domain}** fit in one {node} server; larger groups leave it. Name the least degree whose "
        "communication, hidden or not, takes longer than its computation.",
    )


def bisection(variant: Variant) -> Question:
    """The fourth question."""
    asked, catalog = variant.pod, shelf()
    link = catalog.fact("fabric", menu()["pod"]["link"], "bandwidth")
    chip = catalog.get("accelerator", asked.accelerator)
    memory = show(chip.memory_bandwidth.value, chip.memory_bandwidth.unit)
    return Question(
        "How much can one half of this pod send to the other?",
        f"**{asked.leaves}** leaf switches, each with **{asked.down}** {chip.name} below it and **{asked.up}** cables "
        f"up to spines that have a port for each of them. Every cable carries {show(link.value, link.unit)} a "
        f"direction. One accelerator's memory moves {memory}. Take the worst halves of the accelerators.",
    )


def brief(seed: int) -> str:
    """What the challenge asks."""
    told = {key: reading.shown for key, reading in challenge.task(seed=seed).readings.items()}
    return (
        f"Train {told['model']} on servers ({short(told['node'])}), **{told['sequences']}** sequences of "
        f"{told['sequence']} a step, for at most **{told['budget']}** of servers and network. A server costs "
        f"{told['server']} without network cards and {told['card']} for each 400 Gb/s card in it; switches, "
        "transceivers and cables of a network without oversubscription come on top. Computation must hide all "
        f"communication but **{told['exposed']}** of the step. Choose servers, cards of a server and the "
        "tensor-parallel group; copies of the model fill the rest. The time of a step is the score, and less is better."
    )


def measured() -> str:
    """What the measurement does."""
    return (
        "Messages of many sizes really move here: within one process, to another one and back through shared memory, "
        "a pipe and a TCP connection on loopback. Half of a round trip is one way, and every message is compared with "
        "what was sent."
    )


def pod_title(leaves: int, split: str) -> str:
    """The title of a picture of a pod."""
    down, up = pod.split_of(split)
    return f"{leaves} leaves of {down} accelerators, {up} cables up each"
