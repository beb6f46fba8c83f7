"""A cache that evicts what was longest unused, read in a new order each epoch. Imported by `caching` alone."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def least_recent(orders, room):
    """Reads that find their item in a cache of so many items, by epoch. orders: the items read, epoch by epoch."""
    epochs, items = orders.shape
    before, after = np.full(items + 1, items), np.full(items + 1, items)  # a ring; place `items` is its head
    kept = np.zeros(items, np.bool_)
    held = 0
    found = np.zeros(epochs, np.int64)
    for epoch in range(epochs):
        for item in orders[epoch]:
            if kept[item]:
                found[epoch] += 1
                before[after[item]], after[before[item]] = before[item], after[item]
            else:
                if held == room:
                    oldest = before[items]
                    kept[oldest] = False
                    before[items], after[before[oldest]] = before[oldest], items
                else:
                    held += 1
                kept[item] = True
            newest = after[items]
            before[item], after[item] = items, newest
            before[newest], after[items] = item, item
    return found
