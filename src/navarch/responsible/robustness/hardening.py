"""The robustness section of a design: what hardening costs and what slips through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from navarch.responsible.robustness import estimate


@dataclass(frozen=True, slots=True)
class Corruption:
    """Silent data corruption over a run, in SI units."""

    events: Any
    probability: Any
    undetected: Any
    overhead: Any
    rework: Any


@dataclass(frozen=True, slots=True)
class Hardening:
    """Adversarial training and the watch for drift, in SI units."""

    stretch: Any
    bound: Any
    extra_time: Any
    drift_sample: Any
    drift_delay: Any


def corruption(
    *,
    rate: Any,
    accelerators: Any,
    period: Any,
    coverage: Any,
    repeated: Any,
    copies: Any,
    interval: Any,
    delay: Any,
) -> Corruption:
    """Silent data corruption of a run and the price of finding it.

    rate: of one accelerator [1/s]; accelerators; period: [s]; coverage: share found [fraction]; repeated: share of the
    work computed again [fraction]; copies: times in all; interval: between checkpoints [s]; delay: to discovery [s].
    """
    events = estimate.silent_corruptions(rate, accelerators, period)
    return Corruption(
        events=events,
        probability=estimate.corruption_probability(events),
        undetected=estimate.undetected_corruptions(events, coverage),
        overhead=estimate.redundancy_overhead(repeated, copies),
        rework=estimate.corruption_rework(events, interval, delay),
    )


def hardening(
    *,
    attack_steps: Any,
    step_share: Any,
    accelerator_time: Any,
    adversarial_share: Any,
    shift: Any,
    alpha: Any,
    power: Any,
    request_rate: Any,
    labelled: Any,
) -> Hardening:
    """Adversarial training of a part of the run, and the watch for drift in service.

    attack_steps: on each batch; step_share: time of one over a training step [fraction]; accelerator_time: of plain
    training [s]; adversarial_share: of the run [fraction]; shift: in standard deviations; alpha, power: [fraction];
    request_rate: [request/s]; labelled: share whose outcome becomes known [fraction].
    """
    stretch = estimate.adversarial_training_stretch(attack_steps, step_share)
    sample = estimate.drift_sample(shift, alpha, power)
    return Hardening(
        stretch=stretch,
        bound=estimate.adversarial_training_bound(attack_steps),
        extra_time=estimate.adversarial_training_time(accelerator_time, stretch, adversarial_share),
        drift_sample=sample,
        drift_delay=estimate.drift_delay(sample, request_rate, labelled),
    )
