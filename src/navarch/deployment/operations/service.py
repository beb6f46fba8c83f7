"""The operations section of a design: alerts from the objective, spare replicas, canary and release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from navarch.core.arithmetic import sum_of
from navarch.deployment.operations import estimate


@dataclass(frozen=True, slots=True)
class Alert:
    """One tier of alerts on the burn rate."""

    name: str
    burn_rate: Any
    error_ratio: Any
    window: Any
    short_window: Any
    detection_time: Any
    time_to_exhaustion: Any


@dataclass(frozen=True, slots=True)
class Service:
    """How a service is kept inside its objective, in SI units."""

    error_budget: Any
    request_error_budget: Any
    alerts: tuple[Alert, ...]
    spare_replicas: Any
    replicas: Any
    availability: Any


@dataclass(frozen=True, slots=True)
class Release:
    """How a new version comes in: a canary that is large enough, and the capacity of the change-over."""

    degraded: Any
    sample: Any
    duration: Any
    harm: Any
    capacity: Any


def alert(
    name: str, *, budget_share: Any, alert_window: Any, objective: Any, window: Any, divisor: Any, error_ratio: Any
) -> Alert:
    """One tier: fires once `budget_share` of the budget is spent within `alert_window`.

    budget_share: [fraction]; alert_window: [s]; objective: [fraction]; window: of the objective [s];
    divisor: long window over short; error_ratio: of the incident whose detection time is asked [fraction].
    """
    burn_rate = estimate.burn_rate_threshold(budget_share, window, alert_window)
    return Alert(
        name=name,
        burn_rate=burn_rate,
        error_ratio=estimate.alert_error_ratio(burn_rate, objective),
        window=alert_window,
        short_window=estimate.short_alert_window(alert_window, divisor),
        detection_time=estimate.detection_time(burn_rate, objective, error_ratio, alert_window),
        time_to_exhaustion=estimate.time_to_exhaustion(window, burn_rate),
    )


def service(
    *,
    objective: Any,
    window: Any,
    request_rate: Any,
    tiers: Mapping[str, tuple[Any, Any]],
    divisor: Any,
    error_ratio: Any,
    replicas_needed: Any,
    replica_availability: Any,
) -> Service:
    """Error budget, alerts and spare replicas.

    objective: share that must be good, also the availability asked of the replicas [fraction]; window: [s];
    request_rate: [request/s]; tiers: name to (share of the budget [fraction], alert window [s]);
    divisor: long alert window over short; error_ratio: of the incident whose detection time is asked [fraction];
    replicas_needed: that carry the load; replica_availability: of one [fraction].
    """
    spares = estimate.spare_replicas(replicas_needed, replica_availability, objective)
    replicas = sum_of(replicas_needed, spares, unit="1", title="Replicas, spares included", symbol="N")
    return Service(
        error_budget=estimate.error_budget(objective, window),
        request_error_budget=estimate.request_error_budget(objective, request_rate, window),
        alerts=tuple(
            alert(
                name, budget_share=share, alert_window=span, objective=objective, window=window, divisor=divisor,
                error_ratio=error_ratio,
            )
            for name, (share, span) in tiers.items()
        ),
        spare_replicas=spares,
        replicas=replicas,
        availability=estimate.service_availability(replicas_needed, replicas, replica_availability),
    )  # fmt: skip


def release(
    *,
    baseline: Any,
    factor: Any,
    alpha: Any,
    power: Any,
    request_rate: Any,
    canary_share: Any,
    accelerators: Any,
    surge: Any,
    overlap: Any,
) -> Release:
    """Canary and change-over.

    baseline: error rate of the old version [fraction]; factor: new error rate that must be found over old;
    alpha, power: of the test [fraction]; request_rate: [request/s];
    canary_share: of the traffic [fraction]; accelerators: of the service; surge: share that stands twice [fraction];
    overlap: time that both versions stand [s].
    """
    degraded = estimate.degraded_error_rate(baseline, factor)
    sample = estimate.canary_sample(baseline, degraded, alpha, power)
    return Release(
        degraded=degraded,
        sample=sample,
        duration=estimate.canary_duration(sample, request_rate, canary_share),
        harm=estimate.canary_harm(sample, baseline, degraded),
        capacity=estimate.release_capacity(accelerators, surge, overlap),
    )
