"""The compiled loop of the pipeline simulator. Imported only by `simulate`, for Numba takes its time to load."""

from __future__ import annotations

import numpy as np
from numba import njit

FORWARD, BACKWARD, INPUT, WEIGHT = range(4)
NOTHING = -1


@njit(cache=True, nogil=True)
def run(
    offset, kind, slot, together, duration, home, before, after, microbatches, first, end_of, latency, transfer,
    blocking, start, end, free, sending,
):  # fmt: skip
    """Run every task as soon as its stage is free and its input is there; gives the task that each stage is stuck at.

    slot: place * microbatches + microbatch, of each task; together: the task starts and ends with the next one; home:
    the stage of each place; before, after: neighbours of each place; first, end_of: microbatches that come to it;
    latency, transfer: of a message, from stage to stage [s]; blocking: a stage does nothing else while it sends.
    Filled: start, end: of each task; free: when each stage is done; sending: time in which it did nothing but send [s].
    A message leaves when its task ends and the link from stage to stage is free, in the order of the tasks.
    """
    stages, places = len(offset) - 1, len(home)
    there = np.full((3, places * microbatches), np.nan)  # when the input of a forward, a backward, a weight is there
    for place in range(places):
        if before[place] == NOTHING:
            for microbatch in range(first[place], end_of[place]):
                there[0, place * microbatches + microbatch] = 0.0
    at = offset[:-1].copy()
    stuck = offset[1:].copy()
    link = np.zeros((stages, stages))
    wanted = np.full(stages, NOTHING)  # which input a stage waits for: 2 * slot, or 2 * slot + 1 of a backward
    ready = np.arange(stages)[::-1].copy()
    waiting = stages
    while waiting > 0:
        waiting -= 1
        stage = ready[waiting]
        while at[stage] < offset[stage + 1]:
            task = at[stage]
            many = 2 if together[task] else 1
            begin = free[stage]
            for each in range(task, task + many):
                which = 0 if kind[each] == FORWARD else 2 if kind[each] == WEIGHT else 1
                arrived = there[which, slot[each]]
                if np.isnan(arrived):
                    wanted[stage] = 2 * slot[each] + which if which < 2 else NOTHING
                    begin = np.nan
                    stuck[stage] = each
                    break
                begin = max(begin, arrived)
            if np.isnan(begin):
                break
            at[stage] += many
            stuck[stage] = offset[stage + 1]
            done = begin + duration[task]
            free[stage] = done
            for each in range(task, task + many):
                start[each], end[each] = begin, done
                if kind[each] == WEIGHT:
                    continue
                if kind[each] == INPUT:
                    there[2, slot[each]] = done
                place = slot[each] // microbatches
                microbatch = slot[each] - place * microbatches
                forward = kind[each] == FORWARD
                neighbour = after[place] if forward else before[place]
                if neighbour == NOTHING:
                    if forward:
                        there[1, slot[each]] = done
                    continue
                target = home[neighbour]
                arrival = done
                if target != stage:
                    leaves = max(free[stage] if blocking else done, link[stage, target])
                    link[stage, target] = leaves + transfer[stage, target]
                    arrival = leaves + transfer[stage, target] + latency[stage, target]
                    if blocking:
                        free[stage] = leaves + transfer[stage, target]
                        sending[stage] += transfer[stage, target]
                which = 0 if forward else 1
                goes_to = neighbour * microbatches + microbatch
                there[which, goes_to] = arrival
                if wanted[target] == 2 * goes_to + which:
                    wanted[target] = NOTHING
                    ready[waiting] = target
                    waiting += 1
    return stuck
