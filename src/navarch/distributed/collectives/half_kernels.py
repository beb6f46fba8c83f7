"""Sums of 16-bit floating-point numbers, held as their bits: through float32 and rounded to the nearest, ties to even.

float32 has more than twice their digits and two more, hence the sum is the one rounded once (Figueroa 1995). What is no
number becomes the quiet one without a sign.
"""

from __future__ import annotations

import numpy as np
from numba import njit

HALF_OF_LAST_BIT, QUIET_BFLOAT16 = np.uint32(0x7FFF), np.uint16(0x7FC0)
SIGN, MAGNITUDE, ENDLESS_16, QUIET_FLOAT16 = (np.uint32(each) for each in (0x8000, 0x7FFF, 0x7C00, 0x7E00))
SIGN_32, ENDLESS_32 = np.uint32(0x80000000), np.uint32(0x7F800000)
EXPONENTS_APART = np.float32(2.0**112)
"""The exponent of float32 is biased by so much more than that of float16."""
EXPONENTS_MOVED, HALF_LESS = np.uint32(112 << 23), np.uint32(0xFFF)
LEAST_NORMAL, TOO_LARGE = np.uint32(113 << 23), np.uint32(143 << 23)
ALIGNED, ALIGNED_BITS = np.float32(0.5), np.float32(0.5).view(np.uint32)
"""Its last digit is the least number of float16: a sum with it is rounded to a multiple of that."""


@njit(cache=True, nogil=True)
def add_bfloat16(held, arrived):
    """Add the second to the first."""
    for place in range(len(held)):
        total = _of_bfloat16(held[place]) + _of_bfloat16(arrived[place])
        bits = np.float32(total).view(np.uint32)
        rounded = np.uint16((bits + HALF_OF_LAST_BIT + ((bits >> 16) & 1)) >> 16)
        held[place] = rounded if total == total else QUIET_BFLOAT16


@njit(cache=True, nogil=True)
def _of_bfloat16(stored):
    return np.uint32(np.uint32(stored) << 16).view(np.float32)


@njit(cache=True, nogil=True)
def add_float16(held, arrived):
    """Add the second to the first."""
    for place in range(len(held)):
        held[place] = _to_float16(_of_float16(held[place]) + _of_float16(arrived[place]))


@njit(cache=True, nogil=True)
def _of_float16(stored):
    bits = np.uint32(stored)
    size = np.uint32((bits & MAGNITUDE) << 13).view(np.float32) * EXPONENTS_APART
    endless = np.uint32(bits & ENDLESS_16 == ENDLESS_16) * ENDLESS_32
    return np.uint32(np.float32(size).view(np.uint32) | endless | ((bits & SIGN) << 16)).view(np.float32)


@njit(cache=True, nogil=True)
def _to_float16(total):
    bits = np.float32(total).view(np.uint32)
    sign = np.uint32(bits & SIGN_32)
    size = np.uint32(bits ^ sign)
    small = np.uint32(np.float32(size.view(np.float32) + ALIGNED).view(np.uint32) - ALIGNED_BITS)
    normal = np.uint32((size - EXPONENTS_MOVED + HALF_LESS + ((size >> 13) & 1)) >> 13)
    rounded = small if size < LEAST_NORMAL else normal
    rounded = rounded if size < TOO_LARGE else ENDLESS_16
    rounded = np.uint32(rounded | (sign >> 16))
    return np.uint16(rounded if total == total else QUIET_FLOAT16)
