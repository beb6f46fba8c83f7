"""A cache of a data set that is read in a new random order each epoch, really run; its closed form is in `queueing`."""

from __future__ import annotations

import numpy as np

from navarch.core.arithmetic import ratio
from navarch.core.events import stream
from navarch.fleet.storage.model import at_least


def least_recent_share(items: int, room: int, epochs: int, seed: int = 0) -> float:
    """Share of the reads of all epochs but the first that a least-recently-used cache serves, really run.

    items: of the data set; room: of the cache, in items; epochs: at least 2.
    """
    from navarch.fleet.storage.cache_events import least_recent

    at_least("items", items, 1)
    at_least("room", room, 1)
    at_least("epochs", epochs, 2)
    orders = np.stack([stream(seed, epoch).permutation(items) for epoch in range(epochs)])
    found = least_recent(orders, room)
    return float(ratio(found[1:].mean(), items))
