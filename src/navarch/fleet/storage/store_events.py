"""The compiled event loop of readers, tiers and checkpoints. Imported only by `simulate`, for Numba takes time to load.

An accelerator computes step after step. Loader workers fetch its batches ahead, each a few requests at a time. A
request may first be looked up at the metadata servers, waits for a channel of a server, holds it, and comes back after
a latency. A checkpoint is written in chunks to the same servers.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from navarch.fleet.storage.draws import four_uniform

READ, ARRIVED, STEPPED, WROTE, COPIED = range(5)
FIXED, EXPONENTIAL, PARETO = range(3)
READING, WRITING, COMPUTING = range(3)  # purposes of draws
NOTHING = -1
KIND = 1 << 40
LOWEST, PER_DECADE, BINS = -7.0, 40, 440  # of the histogram of response times: decades from 1e-7 s
GOLDEN = 0.6180339887498949  # of the servers, between the copies of what one holds


ONLY_COMPILED: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
inner = njit(cache=True, nogil=True, error_model="numpy", **ONLY_COMPILED)
"""For functions that only compiled ones call: a way in from Python would be compiled for nothing."""


def _record(**fields: str) -> np.dtype[Any]:
    return np.dtype(list(fields.items()), align=True)


EVENT = _record(time="f8", what="i8")
TIER = _record(
    first="i8", servers="i8", channels="i8", read="f8", write="f8", latency="f8", spread="f8", kind="i8", shape="f8",
    until="f8", own_reads="i8", own_writes="i8", lookup="i8", choices="i8",
    requests="i8", waited="f8", response="f8", squared="f8", busy="f8",
)  # fmt: skip
"""A tier: until: share of the requests that it or one before it serves; and what is counted of it."""
SERVER = _record(channel="i8", slow="f8")
LANE = _record(issued="f8", tier="i8", count="i8")
WORKER = _record(batch="i8", to_issue="i8", in_flight="i8")
READER = _record(begun="i8", taken="i8", late="i8")
GROUP = _record(missing="i8", idle="i8", due="f8", late="i8", stalled="f8", held="f8", counted_from="f8", ended="f8")
"""Accelerators that step together. missing: those whose next batch is not there; idle: whether it could begin."""
STEP = _record(late="i8", began="f8")
RUN = _record(
    events="i8",
    working="i8",
    issued="i8",
    inside="i8",
    area="f8",
    looked_up="i8",
    lookup="f8",
    phase="i8",
    chunks="i8",
    saved="i8",
    waits="i8",
)
"""What there is once. working: groups not done; phase: tier that a checkpoint is written to; waits: another is due."""


class Asked(NamedTuple):
    """Readers and checkpoints in plain numbers. group: accelerators that step together; every: steps, 0 for none."""

    accelerators: int
    group: int
    per_node: int
    nodes: int
    steps: int
    warm: int
    requests: int
    step: float
    variation: float
    workers: int
    depth: int
    prefetch: int
    every: int
    writers: int
    chunks: int
    write_depth: int
    phases: int
    copy: float
    blocking: bool
    lookup: float
    filled: bool
    seed: int


class World(NamedTuple):
    """All that changes. free: when each channel is free [s]; ready: batches by reader and place; left: chunks of each
    writer; saved_on: tiers of a checkpoint; saved_at: when each checkpoint began, and when each tier had it [s].
    """

    events: Any
    tiers: Any
    servers: Any
    free: Any
    lookups: Any
    lanes: Any
    workers: Any
    readers: Any
    groups: Any
    steps: Any
    run: Any
    ready: Any
    left: Any
    saved_on: Any
    saved_at: Any
    histogram: Any


@inner
def push(events, run, time, what):
    place = run[0].events
    run[0].events = place + 1
    while place > 0:
        above = (place - 1) >> 1
        if events[above].time <= time:
            break
        events[place] = events[above]
        place = above
    events[place].time = time
    events[place].what = what


@inner
def pop(events, run):
    now, what = events[0].time, events[0].what
    last = run[0].events - 1
    run[0].events = last
    time = events[last].time
    place = 0
    while True:
        below = 2 * place + 1
        if below >= last:
            break
        if below + 1 < last and events[below + 1].time < events[below].time:
            below += 1
        if events[below].time >= time:
            break
        events[place] = events[below]
        place = below
    events[place] = events[last]
    return now, what // KIND, what % KIND


@njit(cache=True, nogil=True, error_model="numpy")
def run_all(world, asked):
    """Work off every event in the order of time, until all steps are done and all checkpoints written."""
    start(world, asked)
    last = 0.0
    while world.run[0].working > 0 or world.run[0].phase != NOTHING:
        now, kind, which = pop(world.events, world.run)
        world.run[0].area += world.run[0].inside * (now - last)
        last = now
        if kind == READ:
            read_done(world, asked, now, which)
        elif kind == ARRIVED:
            serve_read(world, asked, now, which)
        elif kind == STEPPED:
            stepped(world, asked, now, which)
        elif kind == WROTE:
            wrote(world, asked, now, which)
        else:
            begin_writing(world, asked, now)
            release(world, asked, now, which)
    return last


@inner
def start(world, asked):
    """Buffers are full, or everybody begins to fetch; groups on their own begin at other moments of a step."""
    world.run[0].working = len(world.groups)
    for group in range(len(world.groups)):
        world.groups[group].missing = 0 if asked.filled else asked.group
        for reader in range(group * asked.group, (group + 1) * asked.group):
            if asked.filled:
                world.readers[reader].begun = asked.prefetch
                world.ready[reader] = np.arange(asked.prefetch)
            fetch_ahead(world, asked, 0.0, reader)
        offset = 0.0
        if asked.accelerators > asked.group:
            offset = four_uniform(asked.seed, COMPUTING, group, 0)[1] * asked.step
        push(world.events, world.run, offset, STEPPED * KIND + group)


@inner
def fetch_ahead(world, asked, now, reader):
    """Give each idle worker of a reader the next batch, up to `prefetch` batches ahead of the one in use."""
    allowed = world.readers[reader].taken + asked.prefetch
    for number in range(reader * asked.workers, (reader + 1) * asked.workers):
        if world.readers[reader].begun >= allowed:
            break
        if world.workers[number].batch != NOTHING:
            continue
        world.workers[number].batch = world.readers[reader].begun
        world.workers[number].to_issue = asked.requests
        world.readers[reader].begun += 1
        for lane in range(number * asked.depth, (number + 1) * asked.depth):
            if world.workers[number].to_issue > 0:
                world.workers[number].in_flight += 1
                issue(world, asked, now, lane, number)


@inner
def issue(world, asked, now, lane, worker):
    """Send a lane's next request: to the metadata servers where its tier needs that, else straight to a server."""
    world.workers[worker].to_issue -= 1
    world.run[0].inside += 1
    world.run[0].issued += 1
    request = world.lanes[lane]
    request.count += 1
    request.issued = now
    where, _, how_long, _ = four_uniform(asked.seed, READING, lane, 2 * request.count)
    tier = 0
    while where > world.tiers[tier].until:
        tier += 1
    request.tier = tier
    if world.tiers[tier].lookup and asked.lookup > 0:
        channel = np.argmin(world.lookups)
        done = max(now, world.lookups[channel]) - asked.lookup * math.log(how_long)
        world.lookups[channel] = done
        push(world.events, world.run, done, ARRIVED * KIND + lane)
    else:
        serve_read(world, asked, now, lane)


@inner
def serve_read(world, asked, now, lane):
    """A request queues at a server of its tier."""
    request = world.lanes[lane]
    worker = lane // asked.depth
    node = worker // asked.workers // asked.per_node
    tier = world.tiers[request.tier]
    begins, done = serve(
        world.servers, world.free, tier, tier.read, node if tier.own_reads else NOTHING, asked.nodes, now,
        four_uniform(asked.seed, READING, lane, 2 * request.count + 1),
    )  # fmt: skip
    if world.workers[worker].batch >= asked.warm:
        tier.requests += 1
        tier.waited += begins - now
        if tier.lookup:
            world.run[0].looked_up += 1
            world.run[0].lookup += now - request.issued
    push(world.events, world.run, done, READ * KIND + lane)


@inner
def serve(servers, free, tier, mean, node, nodes, now, drawn):
    """Queue for the channel that is free first, hold it, and come back. Gives when it begins and when it is back.

    node: whose own servers are used, or none. With choices, the one of a few servers whose queue is shortest is taken.
    """
    best, holder = NOTHING, NOTHING
    first, among = tier.first, tier.servers
    if node != NOTHING:
        among = max(tier.servers // nodes, 1)
        first += node * among % tier.servers
    for choice in range(tier.choices):
        server = first + int(((drawn[1] + choice * GOLDEN) % 1.0) * among)
        channel = servers[server].channel
        for other in range(channel + 1, servers[server].channel + tier.channels):
            if free[other] < free[channel]:
                channel = other
        if best == NOTHING or free[channel] < free[best]:
            best, holder = channel, server
    held = mean * servers[holder].slow
    if tier.kind == EXPONENTIAL:
        held *= -math.log(drawn[2])
    elif tier.kind == PARETO:
        held *= (tier.shape - 1.0) / tier.shape * drawn[2] ** (-1.0 / tier.shape)
    begins = max(now, free[best])
    free[best] = begins + held
    tier.busy += held
    return begins, begins + held + tier.latency * (1.0 - tier.spread - tier.spread * math.log(drawn[3]))


@inner
def read_done(world, asked, now, lane):
    """A request is back: the lane sends the next, or the last of its batch makes the batch ready."""
    number = lane // asked.depth
    worker = world.workers[number]
    world.run[0].inside -= 1
    if worker.batch >= asked.warm:
        request = world.lanes[lane]
        note(world.tiers[request.tier], world.histogram[request.tier], now - request.issued)
    if worker.to_issue > 0:
        issue(world, asked, now, lane, number)
        return
    worker.in_flight -= 1
    if worker.in_flight > 0:
        return
    reader, batch = number // asked.workers, worker.batch
    worker.batch = NOTHING
    world.ready[reader, batch % asked.prefetch] = batch
    fetch_ahead(world, asked, now, reader)
    if batch == world.readers[reader].taken:
        group = reader // asked.group
        world.groups[group].missing -= 1
        if world.groups[group].missing == 0 and world.groups[group].idle:
            step(world, asked, now, group)


@inner
def note(tier, histogram, response):
    """Add a response time to its tier's sums and histogram."""
    tier.response += response
    tier.squared += response * response
    place = int((math.log10(max(response, 1e-12)) - LOWEST) * PER_DECADE)
    histogram[min(max(place, 0), BINS - 1)] += 1


@inner
def stepped(world, asked, now, number):
    """A group has computed a step: a checkpoint is due, or the next step, or it is done."""
    group = world.groups[number]
    done = world.readers[number * asked.group].taken
    group.due = now
    if done == asked.warm:
        group.counted_from = now
    if done == asked.steps:
        group.ended = now
        world.run[0].working -= 1
    elif asked.every > 0 and done > 0 and done % asked.every == 0:
        if world.run[0].phase == NOTHING:
            begin_checkpoint(world, asked, now)
        else:
            world.run[0].waits = 1
    else:
        release(world, asked, now, number)


@inner
def release(world, asked, now, number):
    """A group may begin its next step: it does if all its data are there; the data of some may be late."""
    group = world.groups[number]
    first = number * asked.group
    batch = world.readers[first].taken
    counted = batch >= asked.warm
    group.held += (now - group.due) * counted
    group.due = now
    group.idle = 1
    if group.missing == 0:
        step(world, asked, now, number)
        return
    group.late += counted
    for reader in range(first, first + asked.group):
        if world.ready[reader, batch % asked.prefetch] != batch:
            world.steps[batch].late += 1
            world.readers[reader].late += counted


@inner
def step(world, asked, now, number):
    """A group takes a batch each and computes; its loaders fetch further ahead."""
    group = world.groups[number]
    first = number * asked.group
    batch = world.readers[first].taken
    if batch >= asked.warm:
        group.stalled += now - group.due
    if number == 0:
        world.steps[batch].began = now
    group.idle = 0
    for reader in range(first, first + asked.group):
        world.readers[reader].taken += 1
        fetch_ahead(world, asked, now, reader)
        if world.ready[reader, (batch + 1) % asked.prefetch] != batch + 1:
            group.missing += 1
    varied = four_uniform(asked.seed, COMPUTING, number, batch + 1)[0]
    length = asked.step * (1.0 - asked.variation - asked.variation * math.log(varied))
    push(world.events, world.run, now + length, STEPPED * KIND + number)


@inner
def begin_checkpoint(world, asked, now):
    """Training stands still while the state is copied to the hosts, or until all of it is written."""
    world.saved_at[world.run[0].saved, 0] = now
    world.run[0].phase = 0
    if asked.blocking:
        begin_writing(world, asked, now)
    else:
        push(world.events, world.run, now + asked.copy, COPIED * KIND)


@inner
def begin_writing(world, asked, now):
    """Every writer begins its chunks on the tier of this phase."""
    world.run[0].chunks = asked.writers * asked.chunks
    for writer in range(asked.writers):
        world.left[writer] = asked.chunks
        for lane in range(writer * asked.write_depth, (writer + 1) * asked.write_depth):
            if world.left[writer] > 0:
                write(world, asked, now, lane, writer)


@inner
def write(world, asked, now, lane, writer):
    """A writer sends its next chunk to a server of the tier."""
    world.left[writer] -= 1
    own = len(world.workers) * asked.depth + lane
    world.lanes[own].count += 1
    tier = world.tiers[world.saved_on[world.run[0].phase]]
    _, done = serve(
        world.servers, world.free, tier, tier.write, writer if tier.own_writes else NOTHING, asked.nodes, now,
        four_uniform(asked.seed, WRITING, lane, world.lanes[own].count),
    )  # fmt: skip
    push(world.events, world.run, done, WROTE * KIND + lane)


@inner
def wrote(world, asked, now, lane):
    """A chunk is written: the next one; or the next tier; or the checkpoint is done, and another may wait for that."""
    writer = lane // asked.write_depth
    run = world.run[0]
    run.chunks -= 1
    if world.left[writer] > 0:
        write(world, asked, now, lane, writer)
    if run.chunks > 0:
        return
    run.phase += 1
    world.saved_at[run.saved, run.phase] = now
    if run.phase < asked.phases:
        begin_writing(world, asked, now)
        return
    run.phase = NOTHING
    run.saved += 1
    if asked.blocking:
        release(world, asked, now, 0)
    elif run.waits:
        run.waits = 0
        begin_checkpoint(world, asked, now)
