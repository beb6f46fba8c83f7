"""The price of robustness: adversarial training, randomised smoothing, silent corruption and drift."""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation
from navarch.deployment.operations.estimate import normal_quantile

_MADRY = "Madry et al. 2018, arXiv 1706.06083, section 3"
_MADRY_URL = "https://arxiv.org/abs/1706.06083"
_COHEN = "Cohen, Rosenfeld and Kolter 2019, arXiv 1902.02918"
_COHEN_URL = "https://arxiv.org/abs/1902.02918"


@equation(
    symbol="x_adv_max", unit="1", source=_MADRY, url=_MADRY_URL, symbols={"attack_steps": "K"},
    valid="attack_steps >= 0",
)  # fmt: skip
def adversarial_training_bound(attack_steps):
    """Most that adversarial training can cost, over plain training.

    attack_steps: steps of the attack on each batch, one forward and backward pass each.
    """
    return attack_steps + 1


@equation(
    symbol="x_adv", unit="1", source="linear in the attack steps; slope measured", url=_MADRY_URL,
    symbols={"attack_steps": "K", "step_share": "s"}, valid="attack_steps >= 0 and step_share > 0 and step_share <= 1",
)  # fmt: skip
def adversarial_training_stretch(attack_steps, step_share):
    """Adversarial training over plain training.

    attack_steps: steps of the attack on each batch;
    step_share: time of one attack step over a training step [fraction].
    At a share of 1 it is the bound.
    """
    return 1 + attack_steps * step_share


@equation(
    symbol="T_adv", unit="s", source="definition: time times its stretch",
    symbols={"accelerator_time": "T_acc", "stretch": "x_adv", "share": "f_adv"},
    valid="accelerator_time >= 0 and stretch >= 1 and share >= 0 and share <= 1",
)  # fmt: skip
def adversarial_training_time(accelerator_time, stretch, share):
    """Accelerator time that adversarial training adds.

    accelerator_time: accelerator time of plain training [s]; stretch: adversarial over plain training;
    share: share of the training that is adversarial [fraction].
    """
    return accelerator_time * (stretch - 1) * share


@equation(
    symbol="F_smooth", unit="FLOP", source=_COHEN, url=_COHEN_URL,
    symbols={"samples": "N", "forward": "F"}, valid="samples >= 1 and forward >= 0",
)  # fmt: skip
def smoothing_compute(samples, forward):
    """Compute of one certified prediction.

    samples: noisy copies of the input; forward: compute of one forward pass [FLOP].
    """
    return samples * forward


@equation(
    symbol="R", unit="1", source=f"{_COHEN}, theorem 1", url=_COHEN_URL,
    symbols={"noise": "sigma", "top": "p_A", "second": "p_B"},
    valid="noise > 0 and top > 0 and top < 1 and second > 0 and second <= top",
)  # fmt: skip
def certified_radius(noise, top, second):
    """Distance within which the smoothed prediction cannot change.

    noise: standard deviation of the noise; top: lower bound on the probability of the first class [fraction];
    second: upper bound on that of the second [fraction].
    """
    return noise / 2 * (normal_quantile(top) - normal_quantile(second))


@equation(
    symbol="R_max", unit="1", source=f"{_COHEN}, section 3.2", url=_COHEN_URL,
    symbols={"noise": "sigma", "samples": "N", "alpha": "alpha"},
    valid="noise > 0 and samples >= 1 and alpha > 0 and alpha < 1",
)  # fmt: skip
def largest_certified_radius(noise, samples, alpha):
    """Largest distance that so many samples can certify.

    noise: standard deviation of the noise; samples: noisy copies, all of one class;
    alpha: probability with which the certificate may be wrong.
    """
    return noise * normal_quantile(alpha ** (1 / samples))


@equation(
    symbol="N_SDC", unit="1", source="mean of a Poisson process",
    symbols={"rate": "lambda_SDC", "accelerators": "G", "period": "t"}, valid="rate >= 0 and accelerators >= 0",
)  # fmt: skip
def silent_corruptions(rate, accelerators, period):
    """Expected silent data corruptions.

    rate: silent corruptions of one accelerator [1/s]; accelerators: accelerators in service; period: time counted [s].
    """
    return rate * accelerators * period


@equation(
    symbol="P_SDC", unit="fraction", source="Poisson process: probability of at least one event",
    symbols={"events": "N_SDC"}, valid="events >= 0",
)  # fmt: skip
def corruption_probability(events):
    """Probability of at least one silent data corruption.

    events: silent data corruptions expected.
    """
    return -np.expm1(-events)


@equation(
    symbol="N_miss", unit="1", source="splitting of a Poisson process",
    symbols={"events": "N_SDC", "coverage": "f_cover"}, valid="events >= 0 and coverage >= 0 and coverage <= 1",
)  # fmt: skip
def undetected_corruptions(events, coverage):
    """Expected silent data corruptions that no check finds.

    events: silent data corruptions expected; coverage: share that the checks find [fraction].
    """
    return events * (1 - coverage)


@equation(
    symbol="f_check", unit="fraction", source="definition: repeated work over work",
    symbols={"repeated": "f_rep", "copies": "n_copy"}, valid="repeated >= 0 and repeated <= 1 and copies >= 1",
)  # fmt: skip
def redundancy_overhead(repeated, copies):
    """Compute that checking by repetition adds.

    repeated: share of the work that is repeated [fraction]; copies: times that it is computed in all.
    """
    return repeated * (copies - 1)


@equation(
    symbol="T_redo", unit="s", source="definition: half an interval and the time to notice, each time",
    symbols={"events": "N_SDC", "interval": "tau", "delay": "T_notice"}, valid="events >= 0 and interval >= 0",
)  # fmt: skip
def corruption_rework(events, interval, delay):
    """Work undone by silent data corruptions.

    events: silent data corruptions expected; interval: useful work between checkpoints [s];
    delay: time from corruption to its discovery [s].
    The checkpoints written in that time are lost too.
    """
    return events * (interval / 2 + delay)


@equation(
    symbol="p_vote", unit="fraction", source="Lyons and Vanderkulk 1962, triple modular redundancy",
    symbols={"correct": "p"}, valid="correct >= 0 and correct <= 1",
)  # fmt: skip
def majority_of_three(correct):
    """Probability that a vote of three is right.

    correct: probability that one copy is right, errors independent [fraction].
    """
    return correct**2 * (3 - 2 * correct)


@equation(
    symbol="n_drift", unit="1", source="two-sample test of means, one side",
    symbols={"shift": "d", "alpha": "alpha", "power": "P"},
    valid="shift > 0 and alpha > 0 and alpha < 0.5 and power > 0.5 and power < 1",
)  # fmt: skip
def drift_sample(shift, alpha, power):
    """Samples that show a shift of the mean, and as many before it.

    shift: shift of the mean in standard deviations; alpha: false alarms allowed, one side [fraction];
    power: share of such shifts that are found [fraction].
    """
    return np.ceil(2 * ((normal_quantile(1 - alpha) + normal_quantile(power)) / shift) ** 2)


@equation(
    symbol="n_drift", unit="1", source="Hoeffding 1963, as the ADWIN window test of Bifet and Gavaldà 2007",
    symbols={"change": "d", "delta": "delta"}, valid="change > 0 and change <= 1 and delta > 0 and delta < 1",
)  # fmt: skip
def drift_sample_hoeffding(change, delta):
    """Samples that show a change of an error rate, whatever its law.

    change: change of the error rate [fraction]; delta: probability of a false alarm.
    """
    return np.ceil(2 * np.log(2 / delta) / change**2)


@equation(
    symbol="T_drift", unit="s", source="definition: sample over its rate",
    symbols={"sample": "n_drift", "rate": "q", "labelled": "f_label"},
    valid="rate > 0 and labelled > 0 and labelled <= 1",
)  # fmt: skip
def drift_delay(sample, rate, labelled):
    """Time until a drift is found.

    sample: samples needed; rate: requests of the service [request/s];
    labelled: share of requests whose outcome becomes known [fraction].
    """
    return sample / (rate * labelled)


@equation(
    symbol="PSI_0", unit="1", source="chi-squared limit of the population stability index without drift",
    symbols={"bins": "b", "reference": "n", "recent": "m"}, valid="bins >= 2 and reference > 0 and recent > 0",
)  # fmt: skip
def stability_index_floor(bins, reference, recent):
    """Population stability index that chance alone gives.

    bins: bins of the histogram; reference: samples in the reference; recent: samples in the recent window.
    """
    return (bins - 1) * (1 / reference + 1 / recent)
