"""Counter-based random numbers inside compiled loops: Philox 4x32-10 (Salmon et al. 2011), one stream an entity.

A draw depends on seed, purpose, entity and count alone, so that no order of events changes it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_MULTIPLY_0, _MULTIPLY_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_ROUNDS = 10
_UNIT = 2.0**-32


@njit(cache=True, nogil=True, inline="always")
def philox(c0, c1, c2, c3, key0, key1):
    """Four random words of 32 bits of a counter of four words and a key of two."""
    for _ in range(_ROUNDS):
        first, second = c0 * _MULTIPLY_0, c2 * _MULTIPLY_1
        c0, c1, c2, c3 = (second >> _HALF) ^ c1 ^ key0, second & _LOW, (first >> _HALF) ^ c3 ^ key1, first & _LOW
        key0, key1 = (key0 + _WEYL_0) & _LOW, (key1 + _WEYL_1) & _LOW
    return c0, c1, c2, c3


@njit(cache=True, nogil=True)
def four_uniform(seed, purpose, entity, count):
    """Four numbers strictly between 0 and 1, those of the entity's `count`-th draw for a purpose."""
    whole, many = np.uint64(seed), np.uint64(count)
    a, b, c, d = philox(
        np.uint64(entity) & _LOW, many & _LOW, many >> _HALF, np.uint64(purpose), whole & _LOW, whole >> _HALF
    )
    return (a + 0.5) * _UNIT, (b + 0.5) * _UNIT, (c + 0.5) * _UNIT, (d + 0.5) * _UNIT
