"""Keeping a service up: error budgets, alerts that fire in time, spare replicas and careful releases."""

from __future__ import annotations

import numpy as np
from scipy import special

from navarch.core.ledger import equation, printable

_SRE = "Google SRE Workbook 2018, chapter 5"
_SRE_URL = "https://sre.google/workbook/alerting-on-slos/"
_FLEISS = "Fleiss, Levin and Paik 2003, Statistical Methods for Rates and Proportions, section 4.2"
_MOST = 2.0**52  # beyond this a float no longer counts


@printable(latex=r"\Phi^{-1}", name="NormalQuantile")
def normal_quantile(probability):
    """Quantile of the standard normal distribution."""
    return special.ndtri(probability)


@printable(latex=r"P_{\mathrm{Bin}\ge}", name="BinomialAtLeast")
def binomial_at_least(needed, units, probability):
    """Probability that at least `needed` of the units are up, each with that probability."""
    spare = np.maximum(units - needed, 0)
    return np.where(units >= needed, special.betainc(np.maximum(needed, 1), spare + 1, probability), 0.0)


@printable(latex=r"Q_{\mathrm{NegBin}}", name="NegativeBinomialQuantile")
def spares_for_quorum(target, needed, probability):
    """Least number of units beyond those needed with which enough are up with the target probability."""
    target, needed, probability = np.broadcast_arrays(*(np.asarray(a, float) for a in (target, needed, probability)))
    low, high = np.full(target.shape, -1.0), np.ones(target.shape)
    while np.any(short := (special.betainc(needed, high + 1, probability) < target) & (high < _MOST)):
        low, high = np.where(short, high, low), np.where(short, 2 * high, high)
    while np.any(high - low > 1):
        middle = np.floor((low + high) / 2)
        enough = (special.betainc(needed, np.maximum(middle, 0) + 1, probability) >= target) & (middle >= 0)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high


@equation(
    symbol="B", unit="s", source=_SRE, url=_SRE_URL,
    symbols={"objective": "SLO", "window": "W"}, valid="objective >= 0 and objective < 1 and window > 0",
)  # fmt: skip
def error_budget(objective, window):
    """Error budget.

    objective: share of time or requests that must be good [fraction]; window: window of the objective [s].
    """
    return (1 - objective) * window


@equation(
    symbol="N_bad", unit="request", source=_SRE, url=_SRE_URL,
    symbols={"objective": "SLO", "rate": "q", "window": "W"}, valid="objective >= 0 and objective < 1 and rate >= 0",
)  # fmt: skip
def request_error_budget(objective, rate, window):
    """Requests that may fail in the window.

    objective: share of requests that must be good [fraction]; rate: request rate [request/s];
    window: window of the objective [s].
    """
    return (1 - objective) * rate * window


@equation(
    symbol="b", unit="1", source=f"{_SRE}, multiwindow, multi-burn-rate alerts", url=_SRE_URL,
    symbols={"budget_share": "f", "window": "W", "alert_window": "w"},
    valid="budget_share > 0 and budget_share <= 1 and alert_window > 0 and alert_window <= window",
)  # fmt: skip
def burn_rate_threshold(budget_share, window, alert_window):
    """Burn rate at which an alert fires.

    budget_share: share of the budget spent when it fires [fraction]; window: window of the objective [s];
    alert_window: window of the alert [s].
    """
    return budget_share * window / alert_window


@equation(
    symbol="e_alert", unit="fraction", source=f"{_SRE}, burn rate", url=_SRE_URL,
    symbols={"burn_rate": "b", "objective": "SLO"}, valid="burn_rate > 0 and burn_rate * (1 - objective) <= 1",
)  # fmt: skip
def alert_error_ratio(burn_rate, objective):
    """Error ratio at which an alert fires.

    burn_rate: burn rate at which the alert fires; objective: share that must be good [fraction].
    Above 1 the alert cannot fire: the objective is too loose for that burn rate.
    """
    return burn_rate * (1 - objective)


@equation(
    symbol="w_short", unit="s", source=f"{_SRE}, short window a twelfth of the long", url=_SRE_URL,
    symbols={"alert_window": "w", "divisor": "d"}, valid="alert_window > 0 and divisor >= 1",
)  # fmt: skip
def short_alert_window(alert_window, divisor):
    """Short window, which ends an alert soon after the errors end.

    alert_window: long window of the alert [s]; divisor: long window over short.
    """
    return alert_window / divisor


@equation(
    symbol="T_detect", unit="s", source=f"{_SRE}, detection time", url=_SRE_URL,
    symbols={"burn_rate": "b", "objective": "SLO", "error_ratio": "e", "alert_window": "w"},
    valid="error_ratio >= burn_rate * (1 - objective) and error_ratio <= 1",
)  # fmt: skip
def detection_time(burn_rate, objective, error_ratio, alert_window):
    """Time from the start of errors to the alert.

    burn_rate: burn rate at which the alert fires; objective: share that must be good [fraction];
    error_ratio: share of requests that fail in the incident [fraction]; alert_window: window of the alert [s].
    """
    return burn_rate * (1 - objective) / error_ratio * alert_window


@equation(
    symbol="T_spent", unit="s", source=f"{_SRE}, burn rate", url=_SRE_URL,
    symbols={"window": "W", "burn_rate": "b"}, valid="window > 0 and burn_rate > 0",
)  # fmt: skip
def time_to_exhaustion(window, burn_rate):
    """Time to spend the whole error budget.

    window: window of the objective [s]; burn_rate: burn rate held.
    """
    return window / burn_rate


@equation(
    symbol="A_service", unit="fraction", source="k-out-of-n system of independent units",
    symbols={"needed": "n", "units": "N", "unit_availability": "a"},
    valid="needed >= 1 and units >= needed and unit_availability > 0 and unit_availability <= 1",
)  # fmt: skip
def service_availability(needed, units, unit_availability):
    """Availability of a service that needs some of its replicas.

    needed: replicas that carry the load; units: replicas in all;
    unit_availability: availability of one replica [fraction].
    Independent failures: a shared cause (a bad release, a lost zone) is not in it.
    """
    return binomial_at_least(needed, units, unit_availability)


@equation(
    symbol="k", unit="1", source="k-out-of-n system of independent units: quantile of the negative binomial",
    symbols={"needed": "n", "unit_availability": "a", "target": "A_target"},
    valid="needed >= 1 and unit_availability > 0 and unit_availability < 1 and target > 0 and target < 1",
)  # fmt: skip
def spare_replicas(needed, unit_availability, target):
    """Replicas beyond those that carry the load, for an availability.

    needed: replicas that carry the load; unit_availability: availability of one replica [fraction];
    target: availability of the service [fraction].
    """
    return spares_for_quorum(target, needed, unit_availability)


@equation(
    symbol="p_1", unit="fraction", source="definition: multiple of the old rate",
    symbols={"baseline": "p_0", "factor": "x"}, valid="baseline > 0 and factor > 1 and baseline * factor < 1",
)  # fmt: skip
def degraded_error_rate(baseline, factor):
    """Error rate that the canary must find.

    baseline: error rate of the old version [fraction]; factor: new error rate over old.
    """
    return baseline * factor


@equation(
    symbol="n_canary", unit="request", source=f"{_FLEISS}, without continuity correction",
    symbols={"baseline": "p_0", "degraded": "p_1", "alpha": "alpha", "power": "P"},
    valid="baseline > 0 and degraded > baseline and degraded < 1 and alpha < 0.5 and power > 0.5",
)  # fmt: skip
def canary_sample(baseline, degraded, alpha, power):
    """Requests to the canary, and as many to its control.

    baseline: error rate of the old version [fraction]; degraded: error rate that must be found [fraction];
    alpha: false alarms allowed, one side [fraction]; power: share of such canaries that are found [fraction].
    For one look at the end: looking often raises the false alarms.
    """
    p_mean = (baseline + degraded) / 2
    s_0 = np.sqrt(2 * p_mean * (1 - p_mean))
    s_1 = np.sqrt(baseline * (1 - baseline) + degraded * (1 - degraded))
    return np.ceil(((normal_quantile(1 - alpha) * s_0 + normal_quantile(power) * s_1) / (degraded - baseline)) ** 2)


@equation(
    symbol="n_canary", unit="request", source="one-sample test of a proportion against a known rate, one side",
    symbols={"baseline": "p_0", "degraded": "p_1", "alpha": "alpha", "power": "P"},
    valid="baseline > 0 and degraded > baseline and degraded < 1 and alpha < 0.5 and power > 0.5",
)  # fmt: skip
def canary_sample_known_baseline(baseline, degraded, alpha, power):
    """Requests to the canary where the old version's error rate is known.

    baseline: error rate of the old version, known [fraction]; degraded: error rate that must be found [fraction];
    alpha: false alarms allowed, one side [fraction]; power: share of such canaries that are found [fraction].
    """
    s_0 = np.sqrt(baseline * (1 - baseline))
    s_1 = np.sqrt(degraded * (1 - degraded))
    return np.ceil(((normal_quantile(1 - alpha) * s_0 + normal_quantile(power) * s_1) / (degraded - baseline)) ** 2)


@equation(
    symbol="T_canary", unit="s", source="definition: sample over its rate",
    symbols={"sample": "n_canary", "rate": "q", "share": "f"}, valid="rate > 0 and share > 0 and share <= 1",
)  # fmt: skip
def canary_duration(sample, rate, share):
    """Time that the canary runs.

    sample: requests to the canary [request]; rate: request rate of the service [request/s];
    share: share of the traffic that the canary gets [fraction].
    """
    return sample / (rate * share)


@equation(
    symbol="f_canary", unit="fraction", source="definition: sample over the requests of the time allowed",
    symbols={"sample": "n_canary", "rate": "q", "duration": "T_canary"}, valid="rate > 0 and duration > 0",
)  # fmt: skip
def canary_share(sample, rate, duration):
    """Share of the traffic that the canary must get.

    sample: requests to the canary [request]; rate: request rate of the service [request/s];
    duration: time allowed [s].
    """
    return sample / (rate * duration)


@equation(
    symbol="N_hurt", unit="request", source="definition: excess error rate times requests",
    symbols={"sample": "n_canary", "baseline": "p_0", "degraded": "p_1"}, valid="degraded >= baseline",
)  # fmt: skip
def canary_harm(sample, baseline, degraded):
    """Requests that a bad canary spoils before it is found.

    sample: requests to the canary [request]; baseline: error rate of the old version [fraction];
    degraded: error rate of the canary [fraction].
    """
    return sample * (degraded - baseline)


@equation(
    symbol="E_release", unit="s", source="definition: extra units times time held",
    symbols={"accelerators": "G", "surge": "f", "overlap": "T"}, valid="surge >= 0 and surge <= 1 and overlap >= 0",
)  # fmt: skip
def release_capacity(accelerators, surge, overlap):
    """Accelerator time that a release holds beside the old version.

    accelerators: accelerators of the service; surge: share that stands twice, 1 for blue-green [fraction];
    overlap: time that both versions stand [s].
    """
    return accelerators * surge * overlap
