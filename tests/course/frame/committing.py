"""A student who commits and commits: each line read is a record to go on with, in a process of its own.

What is printed was committed: part of the test of SIGKILL, which ends that process at any moment.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from navarch.course.frame import example
from navarch.course.frame.controls import Controls, choice, steps
from navarch.course.frame.lab import Lab
from navarch.course.frame.session import Session
from navarch.course.variant import Student


def commit(record: Path) -> None:
    """Go on with the lab where the record stands, without end."""
    lab = Lab.open("00", Session(Student("ada", "test"), record))
    evidence, form = lab.evidence(), lab.decision(["memory capacity"])
    knobs = Controls({"accelerator": choice("A", ["b200-sxm"]), "count": steps("N", [8.0], "1")})
    number = len(lab.record.entries(kind="prediction"))
    while True:
        part = f"memory-{number}"
        asked = lab.predict(part, "How much?", unit="byte", objective="1.2", uses=[example.weights])
        asked.offer(f"{number + 1} GB", "75 %")
        say(asked.entry)
        shown = asked.reveal(example.weights, model=example.MODELS[number % 4], parameter_bytes=2.0)
        kept = evidence.take(part, shown)
        say(kept)
        fleet = lab.challenge(
            part, "Hold it", "", score=example.score, best=example.best,
            given={"model": example.MODELS[number % 4], "parameter_bytes": 2.0}, lower_is_better=True, objective="1.3",
        )  # fmt: skip
        fleet.lights(knobs)
        say(fleet.submit(anyway=True))
        texts = dict.fromkeys(("recommendation", "reasoning", "rejected", "rejected_by", "trigger"), f"Text {number}.")
        form.offer([kept.number], texts, "memory capacity", "75 %")
        say(form.entries[-1])
        number += 1


def say(entry) -> None:
    """Tell that an entry stands."""
    tell(f"{entry.number} {entry.digest}")


def tell(line: str) -> None:
    """Write one line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Fork a student for each record that is asked for; what they will ask the library is known to all of them."""
    for model in example.MODELS:
        example.weights(model=model, parameter_bytes=2.0)
        example.score(model=model, parameter_bytes=2.0, accelerator="b200-sxm", count=8.0)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            commit(Path(line.strip()))
        tell(f"student {child}")
        os.waitpid(child, 0)
        tell("ended")


if __name__ == "__main__":
    main()
