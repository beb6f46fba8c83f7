"""Operations: error budget, alerts, spare replicas, canaries and releases."""

from __future__ import annotations

from navarch.core.arithmetic import complement, growth_factor, product_of
from navarch.core.ledger import Value
from navarch.deployment.operations.service import Service as Kept
from navarch.deployment.operations.service import release, service
from navarch.design.evaluation.desk import Desk
from navarch.design.evaluation.result import Alternative, Decision
from navarch.design.evaluation.serving import Service
from navarch.distributed.faults import estimate as faults

TIERS = ("alert-page-fast", "alert-page-slow", "alert-ticket")


def evaluate(desk: Desk, served: Service, node_rate: Value) -> None:
    """Put error budget, alerts, canary and availability down."""
    objective = _objective(desk)
    window = desk.take("operations.window", "operations.month")
    replica = _replica_availability(desk, served, node_rate)
    tiers = {t: (desk.constant(f"operations.{t}.budget-share"), desk.constant(f"operations.{t}.window")) for t in TIERS}
    kept = service(
        objective=objective,
        window=window,
        request_rate=served.cloud_rate,
        tiers=tiers,
        divisor=desk.constant("operations.short-window-divisor"),
        error_ratio=desk.constant("operations.incident-error-ratio"),
        replicas_needed=served.replicas,
        replica_availability=replica,
    )
    desk.put_all(
        "operations",
        {
            "objective": objective,
            "error_budget": kept.error_budget,
            "request_error_budget": kept.request_error_budget,
            "spare_replicas": kept.spare_replicas,
            "replicas": kept.replicas,
            "availability": kept.availability,
            "replica_availability": replica,
        },
    )
    for found in kept.alerts:
        name = found.name.removeprefix("alert-").replace("-", "_")
        desk.put_all(
            f"operations.{name}",
            {
                "burn_rate": found.burn_rate,
                "error_ratio": found.error_ratio,
                "window": found.window,
                "short_window": found.short_window,
                "detection_time": found.detection_time,
                "time_to_exhaustion": found.time_to_exhaustion,
            },
        )
    _release(desk, served)
    desk.at_least("serving.availability", "Availability of serving", kept.availability, of_error_budget=True)
    _decide(desk, kept)


def _objective(desk: Desk) -> Value:
    if desk.given("operations.slo"):
        return desk.field("operations.slo")
    return desk.take("serving.availability", "design.objective")


def _replica_availability(desk: Desk, served: Service, node_rate: Value) -> Value:
    """Availability of one replica: it is down while any node under it is."""
    from navarch.core.arithmetic import ratio

    share = ratio(
        served.estimate.plan.tensor_parallel, served.per_node, unit="1", title="Nodes under a replica", symbol="n_node"
    )
    rate = product_of(node_rate, share, unit="1/s", title="Failure rate of a replica", symbol="lambda_rep")
    return faults.availability(faults.node_mttf(rate), desk.constant("operations.replica-repair-time"))


def _release(desk: Desk, served: Service) -> None:
    baseline = desk.take("operations.canary_baseline", "operations.canary-baseline")
    factor = desk.constant("operations.canary-factor")
    if desk.given("operations.canary_increase"):
        factor = growth_factor(
            desk.field("operations.canary_increase"), title="Bad requests of a bad release over those before"
        )
    alpha = desk.constant("operations.canary-alpha")
    if desk.given("operations.confidence"):
        alpha = complement(desk.field("operations.confidence"), title="Share of false alarms", symbol="alpha")
    share = desk.take("operations.canary_share", "operations.canary-share")
    found = release(
        baseline=baseline,
        factor=factor,
        alpha=alpha,
        power=desk.take("operations.detection_power", "operations.canary-power"),
        request_rate=served.cloud_rate,
        canary_share=share,
        accelerators=served.accelerators,
        surge=desk.constant("operations.release-surge"),
        overlap=desk.constant("operations.release-overlap"),
    )
    desk.put_all(
        "operations",
        {
            "canary_sample": found.sample,
            "canary_duration": found.duration,
            "canary_harm": found.harm,
            "release_capacity": found.capacity,
        },
    )
    if desk.given("operations.rollback_time"):
        seen = product_of(served.cloud_rate, share, unit="request/s", title="Requests that reach a canary")
        bad = product_of(
            seen,
            found.degraded,
            desk.field("operations.rollback_time"),
            unit="request",
            title="Requests that a rollback spoils",
        )
        desk.put("operations.rollback_harm", bad)


def _decide(desk: Desk, kept: Kept) -> None:
    alternatives = [
        Alternative(
            a.name.removeprefix("alert-").replace("-", " "),
            {"burn rate": a.burn_rate, "bad requests": a.error_ratio, "detected after": a.detection_time},
            chosen=True,
        )
        for a in kept.alerts
    ]
    count = desk.ledger.choice(
        "operations.tiers.considered", len(TIERS), "1", "Tiers of alerts", "two that page, one that files a ticket"
    )
    desk.decide(
        Decision(
            "operations",
            "Operations",
            "burn-rate alerts in three tiers, canary before every release",
            "navarch",
            considered=count,
            alternatives=tuple(alternatives),
            binding="error budget",
        )
    )
