"""Receipts: a short code for an entry and all before it, to be handed in when it is made.

Sixteen letters and digits of an alphabet without look-alikes; the last one is a check that catches any one wrong
character and any two swapped neighbours. A code is drawn from the entry's digest by a slow function, so that nobody
finds a second entry, or a pair of entries, with the same code (2^37 tries of several milliseconds for a pair).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 16
GROUP = 4
COST = 2**11
SALT = b"navarch receipt 1"


@lru_cache(maxsize=65536)
def receipt_of(digest: str) -> str:
    """The receipt of an entry's digest, as `7KQ2-9F3M-XW4C-8HTP`."""
    drawn = int.from_bytes(hashlib.scrypt(digest.encode(), salt=SALT, n=COST, r=8, p=1, dklen=32))
    letters = []
    for _ in range(LENGTH - 1):
        drawn, letter = divmod(drawn, len(ALPHABET))
        letters.append(ALPHABET[letter])
    code = "".join(letters)
    return spelt(code + _check(code))


def spelt(code: str) -> str:
    """A code in groups of four."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def read_receipt(text: str) -> tuple[str, str]:
    """A typed code as it is spelt, and what is wrong with it (empty: nothing)."""
    code = "".join(letter for letter in text.upper() if letter.isalnum())
    strange = sorted({letter for letter in code if letter not in ALPHABET})
    if strange:
        return spelt(code), f"{', '.join(strange)} never stands in a receipt"
    if len(code) != LENGTH:
        return spelt(code), f"a receipt has {LENGTH} letters and digits, this has {len(code)}"
    if _check(code[:-1]) != code[-1]:
        return spelt(code), "it is mistyped: its last letter, a check of the others, does not fit"
    return spelt(code), ""


def _check(code: str) -> str:
    """The weighted sum of the letters modulo the size of the alphabet, which is prime."""
    total = sum((place + 2) * ALPHABET.index(letter) for place, letter in enumerate(code))
    return ALPHABET[total % len(ALPHABET)]
