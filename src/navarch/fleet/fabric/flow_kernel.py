"""The compiled loop of the flow simulator. Imported only by `flows`, for Numba takes its time to load.

Every link holds the list of flows that are on it now. An event is a flow that is done, or one that joins. What it
changes is shared anew and nothing else: flows with a lower share than any that came or went keep theirs, and so do
those that are not reached from the changed links through flows of higher shares.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

TIED = 1e-9
"""Shares so close are one share, in whatever order they were added up."""
TOGETHER = 1e-12
"""Events so close to each other, as a share of the time, are one."""
RUNNING, COMING, PENDING, CHANGED, REACHED = range(5)
"""Places in `World.many`: flows on links, flows still to join, flows waited for, links changed, flows shared anew."""


class World(NamedTuple):
    """Links and flows, as they are given and as they are now.

    capacity: of each link [byte/s]; offset, link: the links of flow f are link[offset[f]:offset[f + 1]], each such
    place an entry; part: of the flow's rate, on the link of each entry; weight: of each flow in sharing; delay: until
    it joins its links, once it may start [s]; start: from when it may [s]; waits: how many flows must be done before;
    then_offset, then: which flows wait for each; counted: whether the run waits for it; left: bytes to send; begun,
    end: when it joined and was done [s], nan before; busy: bytes that each link carried. The rest is the loop's own.
    """

    capacity: Any
    offset: Any
    link: Any
    part: Any
    weight: Any
    delay: Any
    start: Any
    waits: Any
    then_offset: Any
    then: Any
    counted: Any
    left: Any
    begun: Any
    end: Any
    busy: Any
    many: Any
    first: Any  # the flows on link l now are owner[member[first[l] : first[l] + here[l]]]
    here: Any
    member: Any
    place: Any  # of each entry in member
    owner: Any  # flow of each entry
    load: Any  # sum of the weights on each link
    rate: Any  # of each flow, as it was last settled at `since`
    since: Any
    level: Any  # rate per weight
    due: Any  # when each flow will be done
    active: Any
    when: Any  # a heap of flows still to join, by time
    coming: Any
    touched: Any  # links to be shared anew, marked in is_touched
    is_touched: Any
    room: Any  # of each such link: capacity not yet given away, weights and flows that have none yet
    unshared: Any
    unsettled: Any
    key: Any  # a heap of such links, by the share that each could give
    queue: Any
    region: Any  # flows to be shared anew, marked in is_open until they have their share
    is_open: Any


@njit(cache=True, nogil=True)
def used_links(links, count):
    """The links that are used, each entry's place among them, and where the entries of each begin: `World.first`."""
    many = np.zeros(count, np.int64)
    for link in links:
        many[link] += 1
    used, first, place = np.nonzero(many)[0], np.zeros(1 + np.count_nonzero(many), np.int64), many
    for index in range(len(used)):
        first[index + 1] = first[index] + many[used[index]]
        place[used[index]] = index
    lines = np.empty(len(links), np.int64)
    for entry in range(len(links)):
        lines[entry] = place[links[entry]]
    return used, lines, first


def world(
    capacity: Any, offset: Any, link: Any, first: Any, part: Any, weight: Any, delay: Any, start: Any, waits: Any,
    then_offset: Any, then: Any, counted: Any, left: Any, begun: Any, end: Any,
) -> World:  # fmt: skip
    """A world before its next event; part: None is 1. Changed in place by the run: start, waits, left, begun, end."""
    flows, links, entries = len(left), len(capacity), len(link)
    parts = np.ones(entries) if part is None else np.asarray(part, float)

    def numbers(count: int) -> Any:
        return np.empty(count)

    def places(count: int) -> Any:
        return np.empty(count, np.int64)

    def flags(count: int) -> Any:
        return np.zeros(count, np.bool_)

    return World(
        np.ascontiguousarray(capacity, float), np.asarray(offset, np.int64), link, parts,
        np.ascontiguousarray(weight, float), np.ascontiguousarray(delay, float), start, np.asarray(waits, np.int64),
        np.asarray(then_offset, np.int64), np.ascontiguousarray(then, np.int64),
        np.ascontiguousarray(counted, np.bool_), left, begun, end, busy=np.zeros(links),
        many=np.zeros(5, np.int64), first=first, here=np.zeros(links, np.int64), member=places(entries),
        place=places(entries), owner=places(entries), load=np.zeros(links), rate=np.zeros(flows), since=np.zeros(flows),
        level=numbers(flows), due=numbers(flows), active=places(flows), when=numbers(flows), coming=places(flows),
        touched=places(links), is_touched=flags(links), room=numbers(links), unshared=numbers(links),
        unsettled=places(links), key=numbers(links), queue=places(links), region=places(flows), is_open=flags(flows),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def run(world, now, horizon):
    """Run until all flows that count are done, until the horizon, or until nothing moves; gives time and events."""
    events = 0
    _await(world, now)
    while world.many[PENDING] > 0:
        soonest = _next(world)
        if soonest > horizon or soonest == np.inf:
            break
        now = max(now, soonest)
        floor = min(_leave(world, now), _join(world, now))
        _share(world, floor)
        _settle(world, now)
        events += 1
    if world.many[PENDING] > 0 and horizon < np.inf:
        now = max(now, horizon)
    _stop(world, now)
    return now, events


@njit(cache=True, nogil=True)
def _await(world, now):
    """Put every flow that may start on the heap of those to join; those that had joined before do so at once."""
    many, when, coming = world.many, world.when, world.coming
    for flow in range(len(world.left)):
        world.owner[world.offset[flow] : world.offset[flow + 1]] = flow
        if not np.isnan(world.end[flow]):
            continue
        many[PENDING] += world.counted[flow]
        if world.waits[flow] == 0:
            joins = world.start[flow] + world.delay[flow] if np.isnan(world.begun[flow]) else now
            many[COMING] = _push(when, coming, many[COMING], joins, flow)


@njit(cache=True, nogil=True)
def _next(world):
    """The time of the next event."""
    due, active = world.due, world.active
    soonest = world.when[0] if world.many[COMING] > 0 else np.inf
    for index in range(world.many[RUNNING]):
        soonest = min(soonest, due[active[index]])
    return soonest


@njit(cache=True, nogil=True)
def _leave(world, now):
    """Take the flows that are done off their links, and let start what waited for them; gives their lowest share."""
    offset, link, part, weight, left, busy = world.offset, world.link, world.part, world.weight, world.left, world.busy
    first, here, member, place, load = world.first, world.here, world.member, world.place, world.load
    many, due, active, touched, is_touched = world.many, world.due, world.active, world.touched, world.is_touched
    running, changed, floor, index = many[RUNNING], many[CHANGED], np.inf, 0
    while index < running:
        flow = active[index]
        if due[flow] > now * (1 + TOGETHER):
            index += 1
            continue
        running -= 1
        active[index] = active[running]
        floor = min(floor, world.level[flow])
        for entry in range(offset[flow], offset[flow + 1]):
            line = link[entry]
            busy[line] += left[flow] * part[entry]
            here[line] -= 1
            load[line] = load[line] - weight[flow] * part[entry] if here[line] > 0 else 0.0
            last = member[first[line] + here[line]]
            member[place[entry]], place[last] = last, place[entry]
            changed = _touch(touched, is_touched, changed, line)
        left[flow], world.end[flow] = 0.0, now
        many[PENDING] -= world.counted[flow]
        _release(world, flow, now)
    many[RUNNING], many[CHANGED] = running, changed
    return floor


@njit(cache=True, nogil=True)
def _release(world, flow, now):
    """Let start what waited for a flow, where it waits for no other."""
    then, start, waits, many = world.then, world.start, world.waits, world.many
    for index in range(world.then_offset[flow], world.then_offset[flow + 1]):
        follower = then[index]
        start[follower] = max(start[follower], now)
        waits[follower] -= 1
        if waits[follower] == 0:
            joins = start[follower] + world.delay[follower]
            many[COMING] = _push(world.when, world.coming, many[COMING], joins, follower)
    return world.then_offset[flow + 1] - world.then_offset[flow]


@njit(cache=True, nogil=True)
def _join(world, now):
    """Put the flows whose latency has passed on their links; gives a share that none of them will fall below."""
    offset, link, part, weight, left, begun = (
        world.offset,
        world.link,
        world.part,
        world.weight,
        world.left,
        world.begun,
    )
    first, here, member, place, load = world.first, world.here, world.member, world.place, world.load
    many, active, touched, is_touched = world.many, world.active, world.touched, world.is_touched
    old, running, changed = many[RUNNING], many[RUNNING], many[CHANGED]
    while many[COMING] > 0 and world.when[0] <= now * (1 + TOGETHER):
        flow = world.coming[0]
        many[COMING] = _pop(world.when, world.coming, many[COMING])
        if np.isnan(begun[flow]):
            begun[flow] = now
        world.since[flow], world.rate[flow], world.level[flow] = now, 0.0, np.inf
        world.due[flow] = now if left[flow] <= 0 or offset[flow] == offset[flow + 1] else np.inf
        active[running] = flow
        running += 1
        for entry in range(offset[flow], offset[flow + 1]):
            line = link[entry]
            place[entry] = first[line] + here[line]
            member[place[entry]] = entry
            here[line] += 1
            load[line] += weight[flow] * part[entry]
            changed = _touch(touched, is_touched, changed, line)
    many[RUNNING], many[CHANGED] = running, changed
    floor = np.inf
    for index in range(old, running):
        for entry in range(offset[active[index]], offset[active[index] + 1]):
            floor = min(floor, world.capacity[link[entry]] / load[link[entry]])
    return floor


@njit(cache=True, nogil=True)
def _touch(touched, is_touched, changed, line):
    """Mark a link to be shared anew; gives how many are."""
    if is_touched[line]:
        return changed
    is_touched[line] = True
    touched[changed] = line
    return changed + 1


@njit(cache=True, nogil=True)
def _share(world, floor):
    """Share the changed links anew, max-min: all flows grow in step, and a link that is full settles those on it."""
    offset, link, part, weight, level = world.offset, world.link, world.part, world.weight, world.level
    first, here, member, owner, is_open = world.first, world.here, world.member, world.owner, world.is_open
    room, unshared, unsettled, key, queue = world.room, world.unshared, world.unsettled, world.key, world.queue
    waiting = _reach(world, floor)
    unsettled_flows = world.many[REACHED]
    while unsettled_flows > 0 and waiting > 0:
        line = queue[0]
        if unsettled[line] == 0:
            waiting = _pop(key, queue, waiting)
            continue
        share = max(room[line], 0.0) / unshared[line]
        if share > key[0]:  # others were settled below it meanwhile, and left it room
            key[0] = share
            if _sink(key, queue, waiting, 0) > 0:
                continue
        for spot in range(first[line], first[line] + here[line]):
            flow = owner[member[spot]]
            if is_open[flow]:
                is_open[flow] = False
                unsettled_flows -= 1
                level[flow] = share
                for entry in range(offset[flow], offset[flow + 1]):
                    other = link[entry]
                    room[other] -= share * weight[flow] * part[entry]
                    unshared[other] -= weight[flow] * part[entry]
                    unsettled[other] -= 1
        waiting = _pop(key, queue, waiting)
    return world.many[REACHED]


@njit(cache=True, nogil=True)
def _reach(world, floor):
    """Find the flows and links that the changed links lead to, and heap the links by the share they could give."""
    offset, link, part, weight, level = world.offset, world.link, world.part, world.weight, world.level
    first, here, member, owner, is_open = world.first, world.here, world.member, world.owner, world.is_open
    room, unshared, unsettled, key, queue = world.room, world.unshared, world.unsettled, world.key, world.queue
    many, touched, is_touched, region = world.many, world.touched, world.is_touched, world.region
    reached, changed, index = 0, many[CHANGED], 0
    while index < changed:  # which grows as flows lead on
        line = touched[index]
        index += 1
        room[line], unshared[line], unsettled[line] = world.capacity[line], 0.0, 0
        for spot in range(first[line], first[line] + here[line]):
            taken = member[spot]
            flow = owner[taken]
            if level[flow] < floor * (1 - TIED):
                room[line] -= level[flow] * weight[flow] * part[taken]
                continue
            unshared[line] += weight[flow] * part[taken]
            unsettled[line] += 1
            if not is_open[flow]:
                is_open[flow] = True
                region[reached] = flow
                reached += 1
                for entry in range(offset[flow], offset[flow + 1]):
                    changed = _touch(touched, is_touched, changed, link[entry])
    waiting = 0
    for index in range(changed):
        line = touched[index]
        is_touched[line] = False
        if unsettled[line] > 0:
            key[waiting], queue[waiting] = max(room[line], 0.0) / unshared[line], line
            waiting += 1
    many[CHANGED], many[REACHED] = 0, reached
    for at in range(waiting // 2 - 1, -1, -1):
        _sink(key, queue, waiting, at)
    return waiting


@njit(cache=True, nogil=True)
def _settle(world, now):
    """Give the flows that were shared anew their rates, and book what they sent at the old ones."""
    weight, left, rate, level, due = world.weight, world.left, world.rate, world.level, world.due
    for index in range(world.many[REACHED]):
        flow = world.region[index]
        granted = level[flow] * weight[flow]
        if granted != rate[flow]:
            left[flow] -= _book(world.offset, world.link, world.part, left, world.busy, rate, world.since, flow, now)
            rate[flow] = granted
            if granted > 0:
                due[flow] = now + left[flow] / granted
            elif left[flow] > 0:
                due[flow] = np.inf
    return world.many[REACHED]


@njit(cache=True, nogil=True)
def _stop(world, now):
    """Book what the flows that are not done have sent."""
    left, busy, rate, since = world.left, world.busy, world.rate, world.since
    for index in range(world.many[RUNNING]):
        flow = world.active[index]
        left[flow] -= _book(world.offset, world.link, world.part, left, busy, rate, since, flow, now)
    return world.many[RUNNING]


@njit(cache=True, nogil=True)
def _book(offset, link, part, left, busy, rate, since, flow, now):
    """Book on its links what a flow has sent since its rate was last set; gives the bytes."""
    sent = min(rate[flow] * (now - since[flow]), left[flow])
    since[flow] = now
    for entry in range(offset[flow], offset[flow + 1]):
        busy[link[entry]] += sent * part[entry]
    return sent


@njit(cache=True, nogil=True)
def _push(key, item, many, new_key, new_item):
    """Add to a heap; gives its new size."""
    at = many
    while at > 0 and key[(at - 1) // 2] > new_key:
        key[at], item[at] = key[(at - 1) // 2], item[(at - 1) // 2]
        at = (at - 1) // 2
    key[at], item[at] = new_key, new_item
    return many + 1


@njit(cache=True, nogil=True)
def _pop(key, item, many):
    """Take the least from a heap; gives its new size."""
    key[0], item[0] = key[many - 1], item[many - 1]
    _sink(key, item, many - 1, 0)
    return many - 1


@njit(cache=True, nogil=True)
def _sink(key, item, many, at):
    """Move an element of a heap down to where it belongs; gives where that is."""
    new_key, new_item = key[at], item[at]
    while 2 * at + 1 < many:
        child = 2 * at + 1
        if child + 1 < many and key[child + 1] < key[child]:
            child += 1
        if key[child] >= new_key:
            break
        key[at], item[at] = key[child], item[child]
        at = child
    key[at], item[at] = new_key, new_item
    return at
