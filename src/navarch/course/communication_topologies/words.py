"""What Lab 03 asks each student, with the student's own numbers in it."""

from __future__ import annotations

from dataclasses import dataclass

from navarch.core.quantity import show
from navarch.course.communication_topologies.variant import Variant, menu

TERMS = (
    "bisection bandwidth", "bandwidth of a link", "latency and diameter", "oversubscription of the uplinks",
    "placement of the ranks", "hash collisions", "money",
)  # fmt: skip
"""What may decide a design here."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the Markdown above it."""

    asked: str
    context: str


def bisection(variant: Variant) -> Question:
    """The first question."""
    asked, ports = variant.wired, int(menu()["ports"])
    torus = f"{asked.dimensions}-D torus"
    return Question(
        f"For the same money, how many times the bisection bandwidth of the {torus} does the fat-tree have?",
        f"**{asked.hosts:,} hosts** and **{show(variant.money, 'USD')}** of network for each. The fat-tree and the "
        f"dragonfly are of switches with {ports} ports, the fat-tree with as many ports up as down. In the torus every "
        "host has a router, with two links along each dimension. Switches and routers cost by the bandwidth of "
        "their ports, cables by their length; what the money decides is how fast every link is. Bisection bandwidth is "
        "what the worst two halves can send each other.",
    )


def exchange(variant: Variant) -> Question:
    """The second question."""
    from navarch.course.communication_topologies import exchange as room
    from navarch.course.communication_topologies.surprise import exchange_inputs

    asked = variant.exchange
    torus = f"{asked.dimensions}-D torus"
    shown = room.rings(**exchange_inputs(variant))
    return Question(
        f"How many times as long as on the fat-tree does the all-to-all take on the {torus}?",
        f"{asked.hosts} hosts, the same money for each as before, **{show(asked.message, 'byte')}** at every host. A "
        f"ring all-reduce of it takes {shown['ring_time'].shown} on the fat-tree, and **{shown['ring_torus'].shown} "
        f"times** as long on the {torus}, {shown['ring_dragonfly'].shown} times on the dragonfly. In an all-to-all "
        "every host sends another part of its message to every other host, one distance after the next.",
    )


def placement(variant: Variant) -> Question:
    """The third question."""
    asked = variant.leaves
    return Question(
        "How many times as long does the ring take when its ranks sit on the hosts in random order?",
        f"**{asked.leaves} leaves of {asked.hosts} hosts**, oversubscribed **{asked.ratio} : 1**: a leaf has "
        f"{asked.ratio} ports down for each port up. A ring all-reduce of {show(variant.gradient, 'byte')} runs over "
        "all hosts. In order, every rank sends to the host beside it. Flows are spread evenly over the uplinks.",
    )


def measured() -> str:
    """What is really run."""
    told = menu()["measured"]
    half = int(told["ranks"]) // 2
    return (
        f"{told['ranks']} processes really reduce {told['message']} here, {half} on either of two leaves, over one "
        f"uplink that is as fast as one link, {told['rate']}: {half} : 1. With root on Linux the links are the "
        "kernel's own, in network namespaces; elsewhere a process plays the uplink and passes on so many bytes a "
        "second."
    )


def collision(variant: Variant) -> Question:
    """The fourth question."""
    asked, draws = variant.hashed, int(menu()["draws"])
    return Question(
        "How many times as long does it take until all are done, as with an uplink for each flow?",
        f"No oversubscription now: **{asked.leaves} leaves of {asked.hosts} hosts, each with {asked.hosts} uplinks**. "
        f"Every host sends {show(variant.block, 'byte')} to the host that is half of all hosts away. An uplink for "
        f"every flow is there, but a hash of its addresses chooses (ECMP). Mean of {draws} draws of the hash.",
    )


def brief() -> str:
    """What the challenge asks."""
    hosts = int(menu()["challenge"]["hosts"])
    return (
        f"Three jobs share **{hosts} hosts**, and all of their collectives run at once. Choose a fabric, all with the "
        "same rate of a link, and who sits where. Each job has a limit of its own, a multiple of what it would take "
        "with nothing in its way. The price of the fabric is the score, and less is better. A cheap fabric with a good "
        "placement beats a dear one with a bad one, if you find it."
    )
