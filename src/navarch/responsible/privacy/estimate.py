"""What differentially private training guarantees and costs, and what secure serving adds to latency."""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation
from navarch.responsible.privacy.accounting import epsilon_by_first_rdp, epsilon_by_rdp, noise_by_rdp

_ABADI = "Abadi et al. 2016, arXiv 1607.00133"
_ABADI_URL = "https://arxiv.org/abs/1607.00133"
_MIRONOV_URL = "https://arxiv.org/abs/1908.10530"


@equation(
    symbol="q", unit="fraction", source=_ABADI, url=_ABADI_URL, symbols={"batch": "B", "records": "N"},
    valid="batch > 0 and batch <= records",
)  # fmt: skip
def sampling_rate(batch, records):
    """Share of the records in a step.

    batch: records in a step, on average; records: records trained on.
    """
    return batch / records


@equation(
    symbol="T_steps", unit="1", source=_ABADI, url=_ABADI_URL, symbols={"epochs": "E", "rate": "q"},
    valid="epochs > 0 and rate > 0 and rate <= 1",
)  # fmt: skip
def training_steps(epochs, rate):
    """Steps of the training.

    epochs: passes over the records; rate: share of the records in a step [fraction].
    """
    return epochs / rate


@equation(
    symbol="delta_max", unit="1", source="Dwork and Roth 2014, section 2.3: delta well below one over the records",
    symbols={"records": "N"}, valid="records > 0",
)  # fmt: skip
def largest_delta(records):
    """Delta that must not be reached.

    records: records trained on. At this delta, publishing a random record counts as private.
    """
    return 1 / records


@equation(
    symbol="epsilon", unit="1", url=_MIRONOV_URL,
    source="Mironov, Talwar and Zhang 2019, section 3.3; conversion of Canonne, Kamath and Steinke 2020",
    symbols={"rate": "q", "noise": "sigma", "steps": "T_steps", "delta": "delta"},
    valid="rate > 0 and rate <= 1 and noise > 0 and steps >= 1 and delta > 0 and delta < 1",
)  # fmt: skip
def privacy_spent(rate, noise, steps, delta):
    """Privacy spent, epsilon.

    rate: share of the records in a step [fraction]; noise: noise over clip norm; steps: steps of the training;
    delta: probability with which the guarantee may fail.
    An upper bound, at whole orders; needs records drawn at random for each step.
    """
    return epsilon_by_rdp(rate, noise, steps, delta)


@equation(
    symbol="epsilon_2017", unit="1", url=_MIRONOV_URL,
    source="Mironov, Talwar and Zhang 2019, section 3.3; conversion of Mironov 2017",
    symbols={"rate": "q", "noise": "sigma", "steps": "T_steps", "delta": "delta"},
    valid="rate > 0 and rate <= 1 and noise > 0 and steps >= 1 and delta > 0 and delta < 1",
)  # fmt: skip
def privacy_spent_first_conversion(rate, noise, steps, delta):
    """Privacy spent, epsilon as published before 2020.

    rate: share of the records in a step [fraction]; noise: noise over clip norm; steps: steps of the training;
    delta: probability with which the guarantee may fail. Looser than the later conversion; for comparison only.
    """
    return epsilon_by_first_rdp(rate, noise, steps, delta)


@equation(
    symbol="sigma", unit="1", url=_MIRONOV_URL,
    source="inverse of the accounting of Mironov, Talwar and Zhang 2019",
    symbols={"epsilon": "epsilon", "delta": "delta", "rate": "q", "steps": "T_steps"},
    valid="epsilon > 0 and delta > 0 and delta < 1 and rate > 0 and rate <= 1 and steps >= 1",
)  # fmt: skip
def noise_needed(epsilon, delta, rate, steps):
    """Noise needed for a privacy budget, over the clip norm.

    epsilon: privacy budget; delta: probability with which the guarantee may fail;
    rate: share of the records in a step [fraction]; steps: steps of the training.
    """
    return noise_by_rdp(epsilon, delta, rate, steps)


@equation(
    symbol="s_noise", unit="1", source=_ABADI, url=_ABADI_URL,
    symbols={"noise": "sigma", "clip": "C", "batch": "B"}, valid="noise >= 0 and clip > 0 and batch > 0",
)  # fmt: skip
def gradient_noise(noise, clip, batch):
    """Standard deviation of the noise in each coordinate of the mean gradient.

    noise: noise over clip norm; clip: clip norm; batch: records in a step.
    """
    return noise * clip / batch


@equation(
    symbol="TPR_max", unit="fraction", source="Hall, Rinaldo and Wasserman 2013; Kairouz, Oh and Viswanath 2015",
    symbols={"epsilon": "epsilon", "delta": "delta", "false_positives": "FPR"},
    valid="epsilon >= 0 and delta >= 0 and false_positives >= 0 and false_positives <= 1",
)  # fmt: skip
def membership_bound(epsilon, delta, false_positives):
    """Largest share of members that any attack can tell.

    epsilon: privacy spent; delta: probability with which the guarantee may fail;
    false_positives: share of others that it may name wrongly [fraction].
    """
    return np.minimum(
        np.minimum(np.exp(epsilon) * false_positives + delta, 1),
        np.maximum(1 - np.exp(-epsilon) * (1 - delta - false_positives), 0),
    )


@equation(
    symbol="Adv_max", unit="fraction", source="Humphries et al. 2023, arXiv 2010.12112, theorem 3.1",
    url="https://arxiv.org/abs/2010.12112", symbols={"epsilon": "epsilon", "delta": "delta"},
    valid="epsilon >= 0 and delta >= 0",
)  # fmt: skip
def membership_advantage(epsilon, delta):
    """Largest advantage of any membership attack over guessing.

    epsilon: privacy spent; delta: probability with which the guarantee may fail.
    """
    x = np.exp(-epsilon)
    return (1 - x + 2 * delta * x) / (1 + x)


@equation(
    symbol="T_DP", unit="s", source="definition: time times its measured stretch",
    symbols={"accelerator_time": "T_acc", "stretch": "x_DP"}, valid="accelerator_time >= 0 and stretch >= 1",
)  # fmt: skip
def private_training_time(accelerator_time, stretch):
    """Accelerator time of private training.

    accelerator_time: accelerator time without privacy [s]; stretch: step time with privacy over without.
    The stretch does not depend on the noise or the budget, only on how each record's gradient is clipped.
    """
    return accelerator_time * stretch


@equation(
    symbol="T_extra", unit="s", source="definition: time added",
    symbols={"accelerator_time": "T_acc", "stretch": "x_DP"}, valid="accelerator_time >= 0 and stretch >= 1",
)  # fmt: skip
def privacy_cost(accelerator_time, stretch):
    """Accelerator time that privacy adds.

    accelerator_time: accelerator time without privacy [s]; stretch: step time with privacy over without.
    """
    return accelerator_time * (stretch - 1)


@equation(
    symbol="M_DP", unit="byte", source="Yousefpour et al. 2021, Opacus, arXiv 2109.12298, section 3",
    url="https://arxiv.org/abs/2109.12298",
    symbols={"microbatch": "b", "parameters": "P_dev", "bytes_each": "s"}, valid="microbatch >= 1 and parameters >= 0",
)  # fmt: skip
def per_sample_gradient_memory(microbatch, parameters, bytes_each):
    """Memory for the gradient of each record.

    microbatch: records in a microbatch; parameters: trained parameters on the device [parameter];
    bytes_each: bytes of one gradient value [byte/parameter]. Ghost clipping needs the norms alone instead.
    """
    return microbatch * parameters * bytes_each


@equation(
    symbol="T_secure", unit="s", source="definition: latency and its measured overhead",
    symbols={"latency": "T", "overhead": "f_CC"}, valid="latency >= 0 and overhead >= 0",
)  # fmt: skip
def confidential_latency(latency, overhead):
    """Latency inside a trusted execution environment.

    latency: latency without [s]; overhead: slowdown of confidential computing [fraction].
    """
    return latency * (1 + overhead)


@equation(
    symbol="T_shake", unit="s", source="RFC 8446 (TLS 1.3), section 2; RFC 9293 (TCP), section 3.5",
    symbols={"round_trips": "n_RTT", "round_trip": "RTT"}, valid="round_trips >= 0 and round_trip >= 0",
)  # fmt: skip
def handshake_time(round_trips, round_trip):
    """Time to open a secure connection.

    round_trips: round trips before the request leaves; round_trip: round-trip time to the user [s].
    Paid once a connection: none where it is kept open.
    """
    return round_trips * round_trip
