"""The four keys of a variant, computed by the library, and whether each is the surprise that it must be."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from navarch.core.arithmetic import ratio
from navarch.core.equation import off_the_ledger
from navarch.course.instrument import Instrument, Shown
from navarch.course.storage_hierarchy import checkpoints, demand, feeding, small_files
from navarch.course.storage_hierarchy.variant import Variant, menu

PARTS = ("bytes", "starved", "checkpoint", "files")
READ = {"bytes": "demand", "starved": "still", "checkpoint": "time", "files": "longer"}
"""The reading that answers each."""


LEAST = 1e-9


@cache
def _answered(asked: Instrument, inputs: tuple[tuple[str, object], ...]) -> Shown:
    return asked(**dict(inputs))


def answers(variant: Variant) -> Mapping[str, Shown]:
    """What the instruments of the four predictions show for a variant, and the training beside a checkpoint."""
    asked: Mapping[str, tuple[Instrument, Mapping[str, object]]] = {
        "bytes": (demand.bytes_a_second, eater_inputs(variant)),
        "starved": (feeding.fed, fed_inputs(variant)),
        "checkpoint": (checkpoints.write_a_checkpoint, checkpoint_inputs(variant)),
        "beside": (feeding.beside_a_checkpoint, beside_inputs(variant)),
        "files": (small_files.an_epoch, files_inputs(variant)),
    }
    return {part: _answered(used, tuple(sorted(inputs.items()))) for part, (used, inputs) in asked.items()}


def eater_inputs(variant: Variant) -> dict[str, object]:
    """Inputs of the first instrument."""
    return {"accelerators": variant.accelerators, "rate": variant.rate, "sample": variant.sample}


def bought_inputs(variant: Variant) -> dict[str, object]:
    """Who is fed, on which storage."""
    return {**eater_inputs(variant), "system": variant.bought.system, "supply": variant.bought.supply}


def fed_inputs(variant: Variant) -> dict[str, object]:
    """Inputs of the second instrument."""
    return {**bought_inputs(variant), "prefetch": variant.bought.prefetch, "together": True}


def checkpoint_inputs(variant: Variant) -> dict[str, object]:
    """Inputs of the third instrument."""
    saved = variant.saved
    return {
        "model": menu()["checkpoint"]["model"], "accelerators": saved.accelerators, "tokens": saved.tokens,
        "system": saved.system, "interval": saved.interval,
    }  # fmt: skip


def beside_inputs(variant: Variant) -> dict[str, object]:
    """Inputs of the training of images beside a checkpoint."""
    told = menu()["beside"]
    return {
        **eater_inputs(variant), "system": variant.bought.system, "supply": told["supply"],
        "prefetch": told["prefetch"], "depth": told["depth"],
    }  # fmt: skip


def files_inputs(variant: Variant) -> dict[str, object]:
    """Inputs of the fourth instrument."""
    told = menu()["files"]
    return {
        "accelerators": variant.pod, "rate": variant.rate, "sample": variant.sample, "servers": told["servers"][0],
        "prefetch": told["prefetch"],
    }  # fmt: skip


def keys(variant: Variant) -> dict[str, float]:
    """The right answers of a variant, SI."""
    shown = answers(variant)
    return {part: _number(shown[part], READ[part]) for part in PARTS}


def surprises(variant: Variant) -> dict[str, bool]:
    """Which parts of a variant hold what the lab must make felt.

    bytes: images ask for whole appliances, and for a thousand times what a language model reads; starved: the storage
    reads more than enough, hardly a batch is late, and the training stands still all the same; checkpoint: writing in
    time asks for many times what reading does, in rate and in units; beside: while one is written, twice the rate is
    not enough; files: opening them takes longer than the whole epoch should.
    """
    limits = {key: float(limit) for key, limit in menu()["surprise"].items()}
    numbers = {part: _numbers(shown) for part, shown in answers(variant).items()}
    first, fed, saved, beside = (numbers[part] for part in ("bytes", "starved", "checkpoint", "beside"))
    with off_the_ledger():
        amplified = float(ratio(fed["still"], max(fed["late"], LEAST)))
    return {
        "bytes": first["appliances"] >= limits["appliances"] and first["times"] >= limits["tokens"],
        "starved": fed["supply"] >= limits["enough"]
        and fed["late"] <= limits["late"]
        and fed["still"] >= limits["still"]
        and amplified >= limits["amplified"],
        "checkpoint": saved["times"] >= limits["demand"]
        and saved["sized"] >= limits["sized"]
        and saved["synchronous"] >= limits["synchronous"],
        "beside": beside["supply"] >= menu()["beside"]["supply"] and beside["still"] >= limits["beside"],
        "files": numbers["files"]["longer"] >= limits["files"],
    }


def _numbers(shown: Shown) -> dict[str, float]:
    return {key: float(told.value) for key, told in shown.readings.items() if not isinstance(told.value, str)}


def _number(shown: Shown, key: str) -> float:
    return float(shown[key].value)
