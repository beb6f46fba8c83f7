"""A schedule carried out in memory: who holds what in the end, and the exact bits of a sum in the schedule's order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from navarch.distributed.collectives.schedule import Array, Round, Schedule

Add = Callable[[Array, Array], Array]


def contributions(schedule: Schedule) -> Array:
    """How often each input part is in each output part: (rank, place in its result, contributing rank, its part).

    Correct is exactly once for what belongs there and never for the rest (`expected_contributions`).
    """
    parts = max(len(schedule.inputs(rank)) for rank in range(schedule.ranks))
    held = np.zeros((schedule.nodes, schedule.buffer, schedule.ranks, parts), np.int16)
    for rank in range(schedule.ranks):
        slots = schedule.inputs(rank)
        held[rank, slots, rank, np.arange(len(slots))] = 1
    for each in schedule.each():
        _apply(each, held, np.add)
    return np.stack([held[rank, schedule.outputs(rank)] for rank in range(schedule.ranks)])


def expected_contributions(schedule: Schedule) -> Array:
    """What `contributions` must be, by the meaning of the collective alone."""
    ranks = schedule.ranks
    if schedule.collective == "all_reduce":
        same = np.eye(schedule.chunks, dtype=np.int16)
        return np.broadcast_to(same[None, :, None, :], (ranks, schedule.chunks, ranks, schedule.chunks))
    if schedule.collective == "broadcast":
        expected = np.zeros((ranks, schedule.chunks, ranks, schedule.chunks), np.int16)
        expected[:, :, schedule.root] = np.eye(schedule.chunks)
        return expected
    if schedule.collective == "all_to_all":
        expected = np.zeros((ranks, ranks, ranks, ranks), np.int16)
        receiver, sender = np.meshgrid(np.arange(ranks), np.arange(ranks), indexing="ij")
        expected[receiver, sender, sender, receiver] = 1
        return expected
    assert schedule.owned is not None  # noqa: S101
    parts = schedule.owned.shape[1]
    part = np.arange(parts)
    if schedule.collective == "all_gather":
        expected = np.zeros((ranks, schedule.chunks, ranks, parts), np.int16)
        for owner in range(ranks):
            expected[:, schedule.owned[owner], owner, part] = 1
        return expected
    expected = np.zeros((ranks, parts, ranks, schedule.chunks), np.int16)
    for owner in range(ranks):
        expected[owner, part, :, schedule.owned[owner]] = 1
    return expected


def _apply(each: Round, held: Array, add: Callable[..., Array]) -> None:
    """One round: what is sent was read before anything is received; what arrives is applied in order."""
    ends = zip(each.source, each.destination, each.begin, each.into, each.count, each.reduces, strict=True)
    moves = [(held[s, b : b + n].copy(), d, slice(i, i + n), r) for s, d, b, i, n, r in ends]
    for payload, destination, place, reduces in moves:
        held[destination, place] = add(held[destination, place], payload) if reduces else payload


def bounds(schedule: Schedule, elements: int) -> Array:
    """First element of each slot of the buffer, and the end of the last.

    Parts are as equal as can be; where parts change their slot (all-to-all) they are equal, and `elements` must be a
    multiple of the chunks (`padded`).
    """
    within = np.arange(schedule.chunks + 1) * elements // schedule.chunks
    beyond = elements + np.arange(1, schedule.buffer - schedule.chunks + 1) * (elements // schedule.chunks)
    return np.concatenate([within, beyond])


def padded(schedule: Schedule, elements: int) -> int:
    """The number of elements that the collective runs on: for an all-to-all the next multiple of its chunks."""
    if schedule.collective != "all_to_all":
        return elements
    return -(-elements // schedule.chunks) * schedule.chunks


def replay(schedule: Schedule, inputs: Sequence[Array], elements: int, add: Add = np.add) -> list[Array]:
    """The buffers of all ranks in the end, to the last bit, as sums in the order of the schedule give them.

    inputs: what the buffer of each rank, as `bounds` describes it, begins with; elements: of the message; add: (held,
    arrived) -> sum in that type.
    """
    edges = bounds(schedule, elements)
    held = [np.zeros(edges[-1], inputs[0].dtype) for _ in range(schedule.nodes)]
    for node, given in zip(held, inputs, strict=False):
        node[: len(given)] = given
    for each in schedule.each():
        ends = zip(each.source, each.destination, each.begin, each.into, each.count, each.reduces, strict=True)
        moves = [(held[s][edges[b] : edges[b + n]].copy(), d, edges[i], r) for s, d, b, i, n, r in ends]
        for payload, destination, start, reduces in moves:
            place = held[destination][start : start + len(payload)]
            place[:] = add(place, payload) if reduces else payload
    return held[: schedule.ranks]
