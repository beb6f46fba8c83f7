"""Seeds: each student's own numbers, the same whenever and wherever they are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from navarch.core.events import stream

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Student:
    """Who does a lab. name: the student's id; course: the seed of the course, which the instructor sets."""

    name: str
    course: str


def seed_of(student: Student, lab: str) -> int:
    """The seed of a student's variant of a lab (64 bits)."""
    told = "\0".join((student.course, student.name, lab)).encode()
    return int.from_bytes(blake2b(told, digest_size=8, person=b"navarch-seed").digest())


def draws(seed: int, purpose: int = 0) -> np.random.Generator:
    """The random stream of a seed; purposes have streams of their own."""
    return stream(seed, 0, purpose)
