"""The four keys of a variant, computed by the library, and whether each is the surprise that it must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache

from navarch.core.quantity import parse
from navarch.course.instrument import Instrument, Shown
from navarch.course.interconnect_wall import generations, links, pod, tensor
from navarch.course.interconnect_wall.variant import Pod, Variant, menu

PARTS = ("message", "generations", "degree", "bisection")
_READ = {"message": "hall", "generations": "bytes", "degree": "degree", "bisection": "bisection"}


@cache
def _answered(asked: Instrument, inputs: tuple[tuple[str, object], ...]) -> Shown:
    return asked(**dict(inputs))


def answers(variant: Variant) -> Mapping[str, Shown]:
    """What the instruments of the four predictions show for a variant."""
    asked: Mapping[str, tuple[Instrument, Mapping[str, object]]] = {
        "message": (links.one_message, message_inputs(variant)),
        "generations": (generations.generations, generation_inputs(variant)),
        "degree": (tensor.tensor_parallel, tensor_inputs(variant)),
        "bisection": (pod.bisection, pod_inputs(variant.pod)),
    }
    return {part: _answered(used, tuple(sorted(inputs.items()))) for part, (used, inputs) in asked.items()}


def message_inputs(variant: Variant) -> dict[str, object]:
    """Inputs of the first instrument."""
    return {**asdict(variant.server), "message": variant.message}


def generation_inputs(variant: Variant) -> dict[str, object]:
    """Inputs of the second instrument."""
    return {"family": variant.family, "link": variant.link}


def group_inputs(variant: Variant) -> dict[str, object]:
    """The model, the server and the sequence of the third part."""
    return asdict(variant.group)


def tensor_inputs(variant: Variant) -> dict[str, object]:
    """Inputs of the third instrument."""
    return {**group_inputs(variant), "domain": tensor.domain_of(variant.group.node)}


def pod_inputs(asked: Pod) -> dict[str, object]:
    """Inputs of the fourth instrument."""
    return {
        "leaves": asked.leaves, "split": pod.split_named(asked.down, asked.up), "accelerator": asked.accelerator,
    }  # fmt: skip


def keys(variant: Variant) -> dict[str, float]:
    """The right answers of a variant, SI."""
    shown = answers(variant)
    return {part: float(shown[part][_READ[part]].value) for part in PARTS}


def surprises(variant: Variant) -> dict[str, bool]:
    """Which parts of a variant hold what the lab must make felt.

    message: across the hall is far; generations: arithmetic outgrew the link; degree: there is one, and the same group
    one tier further out keeps less than half of its utilisation; bisection: a pod's halves are joined by next to
    nothing of what its memories move.
    """
    limits = menu()["surprise"]
    shown = answers(variant)
    out = _answered(tensor.one_tier_out, tuple(sorted(group_inputs(variant).items())))
    return {
        "message": _number(shown["message"], "slower") >= float(limits["slower"]),
        "generations": _number(shown["generations"], "outgrown") >= float(limits["outgrown"]),
        "degree": not isinstance(shown["degree"]["degree"].value, str)
        and _number(out, "left") <= parse(limits["left"], "fraction"),
        "bisection": _number(shown["bisection"], "share") <= parse(limits["share"], "fraction"),
    }


def _number(shown: Shown, key: str) -> float:
    return float(shown[key].value)
