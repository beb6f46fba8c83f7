"""The privacy section of a design: the guarantee, its price, and what an attacker can still learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from navarch.responsible.privacy import estimate


@dataclass(frozen=True, slots=True)
class PrivateTraining:
    """Differentially private training, in SI units."""

    sampling_rate: Any
    steps: Any
    noise: Any
    epsilon: Any
    epsilon_first_conversion: Any
    largest_delta: Any
    membership_bound: Any
    membership_advantage: Any
    accelerator_time: Any
    extra_time: Any


def private_training(
    *,
    batch: Any,
    records: Any,
    epochs: Any,
    delta: Any,
    accelerator_time: Any,
    stretch: Any,
    false_positives: Any,
    noise: Any = None,
    epsilon: Any = None,
) -> PrivateTraining:
    """Guarantee and price of private training, from the noise or from the budget.

    batch: records in a step; records: trained on; epochs; delta; accelerator_time: without privacy [s];
    stretch: step time with privacy over without; false_positives: of the attack considered [fraction];
    noise: over the clip norm; or epsilon: the budget, for which the least noise is found.
    """
    rate = estimate.sampling_rate(batch, records)
    steps = estimate.training_steps(epochs, rate)
    if noise is None:
        if epsilon is None:
            raise TypeError("private_training needs either the noise or epsilon")
        noise = estimate.noise_needed(epsilon, delta, rate, steps)
    spent = estimate.privacy_spent(rate, noise, steps, delta)
    return PrivateTraining(
        sampling_rate=rate,
        steps=steps,
        noise=noise,
        epsilon=spent,
        epsilon_first_conversion=estimate.privacy_spent_first_conversion(rate, noise, steps, delta),
        largest_delta=estimate.largest_delta(records),
        membership_bound=estimate.membership_bound(spent, delta, false_positives),
        membership_advantage=estimate.membership_advantage(spent, delta),
        accelerator_time=estimate.private_training_time(accelerator_time, stretch),
        extra_time=estimate.privacy_cost(accelerator_time, stretch),
    )
