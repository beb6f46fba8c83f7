"""What a rule may ask of a pair: the model, the memory and the bandwidths, each with its unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from navarch.core.arithmetic import ratio, sum_of
from navarch.core.equation import off_the_ledger
from navarch.course.parallelism_puzzle import estimate as eq
from navarch.course.parallelism_puzzle.pairs import Machine, Pair, plain_machine
from navarch.distributed.training.anatomy import Anatomy, anatomy_of
from navarch.distributed.training.ratios import FORMS, plan_alone

NONE = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """A quantity that a rule may ask for. of: from the pair, its machine and the model's anatomy to its value, SI."""

    title: str
    unit: str
    of: Callable[[Pair, Machine, Anatomy], Any]


def state_bytes(machine: Machine) -> Any:
    """Weights, gradients and optimiser of a parameter [byte]."""
    kinds = (machine.runtime.weight_bytes, machine.runtime.gradient_bytes, machine.runtime.optimiser_bytes)
    return sum_of(*kinds, title="Bytes of states of a parameter", symbol="beta_state")


ASKED: Mapping[str, Asked] = MappingProxyType({
    "parameters": Asked("parameters of the model", "parameter", lambda p, m, a: a.total),
    "layers": Asked("layers of the model", "1", lambda p, m, a: m.shape.layers),
    "hidden": Asked("width of the model", "1", lambda p, m, a: m.shape.hidden),
    "experts": Asked("experts of a layer, 0 where the model is dense", "1",
                     lambda p, m, a: NONE if m.shape.experts is None else m.shape.experts),
    "sequence_length": Asked("tokens of a sequence", "token", lambda p, m, a: p.sequence_length),
    "global_batch": Asked("sequences of a step", "1", lambda p, m, a: p.global_batch),
    "accelerators": Asked("accelerators of the fleet", "1", lambda p, m, a: p.accelerators),
    "batch_per_accelerator": Asked("sequences of a step for each accelerator", "1",
                                   lambda p, m, a: eq.batch_per_accelerator(p.global_batch, p.accelerators)),
    "memory": Asked("memory of an accelerator", "byte", lambda p, m, a: m.hardware.memory),
    "states_over_accelerator": Asked("accelerators that one copy of all states fills", "1",
        lambda p, m, a: eq.states_over_accelerator(a.total, state_bytes(m), m.hardware.memory)),
    "states_over_fleet": Asked("share of the fleet's memory that one copy of all states takes", "fraction",
        lambda p, m, a: eq.states_over_fleet(a.total, state_bytes(m), m.hardware.memory, p.accelerators)),
    "domain": Asked("accelerators that NVLink, or else a PCIe bus, joins", "1",
                    lambda p, m, a: m.hardware.scaleup_domain),
    "scaleup": Asked("bandwidth of an accelerator within the domain, per direction", "byte/s",
                     lambda p, m, a: m.hardware.scaleup_bandwidth),
    "scaleout": Asked("bandwidth of an accelerator out of the domain, per direction", "byte/s",
                      lambda p, m, a: m.hardware.scaleout_bandwidth),
    "scaleup_over_scaleout": Asked("how much faster it is within the domain than out of it", "1",
        lambda p, m, a: ratio(m.hardware.scaleup_bandwidth, m.hardware.scaleout_bandwidth, unit="1")),
    "peak": Asked("peak of an accelerator in 16 bits", "FLOP/s", lambda p, m, a: m.hardware.peak),
    "peak_over_scaleout": Asked("FLOP for each byte that leaves the domain", "FLOP/byte",
        lambda p, m, a: ratio(m.hardware.peak, m.hardware.scaleout_bandwidth, unit="FLOP/byte")),
})  # fmt: skip


@lru_cache(maxsize=1024)
def facts_of(pair: Pair) -> Mapping[str, float]:
    """All that a rule may ask of a pair, SI."""
    machine = plain_machine(pair)
    whole = plan_alone(FORMS[0], 1, pair.global_batch, pair.sequence_length)
    with off_the_ledger():
        anatomy = anatomy_of(machine.shape, whole)
        return MappingProxyType({name: float(asked.of(pair, machine, anatomy)) for name, asked in ASKED.items()})
