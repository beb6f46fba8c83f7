"""Privacy, robustness and fairness: what protection costs, and who waits longest."""

from __future__ import annotations

from typing import Any

from navarch.core.arithmetic import product_of, ratio
from navarch.core.ledger import Value, off_the_ledger
from navarch.design.errors import DesignError
from navarch.design.evaluation.carbon import Site
from navarch.design.evaluation.desk import Desk
from navarch.design.evaluation.faults import Faults
from navarch.design.evaluation.result import Alternative, Decision
from navarch.design.evaluation.serving import Service
from navarch.design.evaluation.workload import Workload
from navarch.responsible.fairness.regions import Place, reach
from navarch.responsible.privacy import estimate as private
from navarch.responsible.privacy.budget import private_training
from navarch.responsible.robustness import estimate as robust
from navarch.responsible.robustness.hardening import corruption, hardening

STRETCH = {"per-sample": "privacy.hooks-stretch", "ghost": "privacy.ghost-clipping-stretch"}


def privacy(desk: Desk, workload: Workload, accelerator_time: Value) -> None:
    """What a differentially private run would spend and cost, where the design file asks for one."""
    method = str(desk.text("privacy.method") or ("ghost" if desk.given("privacy") else "none"))
    desk.labels["privacy"] = method
    if method == "none" or workload.tokens is None:
        return
    records = (
        desk.field("privacy.records")
        if desk.given("privacy.records")
        else ratio(workload.tokens, workload.sequence, unit="1", title="Sequences in the data", symbol="n_rec")
    )
    if not (desk.given("privacy.epsilon") or desk.given("privacy.noise_multiplier")):
        raise DesignError(
            "privacy", f"method {method!r} needs epsilon, such as `epsilon: 8`, or noise_multiplier, such as 0.6"
        )
    epochs = ratio(
        product_of(workload.batch, desk.quantities["training.steps"], unit="1", title="Sequences trained on"),
        records,
        unit="1",
        title="Passes over the records",
        symbol="n_ep",
    )
    delta = desk.field("privacy.delta") if desk.given("privacy.delta") else private.largest_delta(records)
    noise = _noise(desk, workload.batch, records, epochs, delta)
    found = {
        name: private_training(
            batch=workload.batch,
            records=records,
            epochs=epochs,
            delta=delta,
            accelerator_time=accelerator_time,
            stretch=desk.constant(constant),
            false_positives=desk.constant("privacy.attack-false-positives"),
            noise=noise,
        )
        for name, constant in STRETCH.items()
    }
    chosen = found[method]
    desk.put_all(
        "privacy",
        {
            "sampling_rate": chosen.sampling_rate,
            "noise": chosen.noise,
            "epsilon": chosen.epsilon,
            "epsilon_first_conversion": chosen.epsilon_first_conversion,
            "membership_bound": chosen.membership_bound,
            "stretch": desk.constant(STRETCH[method]),
            "extra_accelerator_time": chosen.extra_time,
        },
    )
    alternatives = tuple(
        Alternative(
            f"{name} clipping",
            {"accelerator time": f.accelerator_time, "extra": f.extra_time},
            "" if name == method else "takes more accelerator time",
            name == method,
        )
        for name, f in sorted(found.items(), key=lambda kv: kv[0] != method)
    )
    desk.decide(
        Decision(
            "privacy",
            "Privacy",
            f"DP-SGD, {method} clipping",
            "user",
            alternatives=alternatives,
            binding="privacy budget",
        )
    )


def _noise(desk: Desk, batch: Value, records: Value, epochs: Value, delta: Value) -> Value:
    """The noise: given, or the least that keeps the asked epsilon. It is a choice, so that samples do not move it."""
    if desk.given("privacy.noise_multiplier"):
        return desk.field("privacy.noise_multiplier")
    with off_the_ledger():
        rate = private.sampling_rate(float(batch), float(records))
        steps = private.training_steps(float(epochs), rate)
        least = private.noise_needed(float(desk.field("privacy.epsilon")), float(delta), rate, steps)
    return desk.choose("privacy.noise_multiplier", float(least), "1", "the least noise that keeps the asked epsilon")


def robustness(
    desk: Desk,
    workload: Workload,
    accelerators: Value,
    accelerator_time: Value,
    faults: Faults,
    service: Service | None,
) -> None:
    """Silent corruption of the run, adversarial training and the watch for drift."""
    broken = corruption(
        rate=desk.constant("robustness.sdc-rate"),
        accelerators=accelerators,
        period=desk.quantities["training.duration"],
        coverage=desk.constant("robustness.sdc-coverage"),
        repeated=desk.constant("robustness.repeated-share"),
        copies=desk.constant("robustness.repeated-copies"),
        interval=faults.result.interval,
        delay=desk.constant("robustness.sdc-delay"),
    )
    desk.put_all(
        "robustness",
        {
            "silent_corruptions": broken.events,
            "undetected_corruptions": broken.undetected,
            "redundancy_overhead": broken.overhead,
            "corruption_rework": broken.rework,
        },
    )
    if desk.given("robustness.adversarial_steps") and service is not None:
        hard = hardening(
            attack_steps=desk.field("robustness.adversarial_steps"),
            step_share=desk.constant("robustness.attack-step-share"),
            accelerator_time=accelerator_time,
            adversarial_share=desk.take("robustness.adversarial_share", "robustness.adversarial-share"),
            shift=desk.constant("robustness.drift-shift"),
            alpha=desk.constant("robustness.drift-alpha"),
            power=desk.constant("robustness.drift-power"),
            request_rate=service.cloud_rate,
            labelled=desk.constant("robustness.labelled-share"),
        )
        desk.put_all(
            "robustness",
            {
                "adversarial_stretch": hard.stretch,
                "adversarial_bound": hard.bound,
                "adversarial_extra_time": hard.extra_time,
                "drift_sample": hard.drift_sample,
                "drift_delay": hard.drift_delay,
            },
        )
        desk.at_most("robustness.overhead_limit", "Overhead of adversarial training", hard.stretch)
    _smoothing(desk, service)
    repeated = {"events": broken.events, "undetected": broken.undetected, "overhead": broken.overhead}
    desk.decide(
        Decision(
            "robustness",
            "Robustness",
            "repeat a share of the work and compare",
            "navarch",
            alternatives=(Alternative("repeat a share of the work", repeated, chosen=True),),
            binding="silent corruption",
        )
    )


def _smoothing(desk: Desk, service: Service | None) -> None:
    """Randomised smoothing of the requests: what it takes, and the radius that it can certify."""
    if service is None or not desk.given("robustness.smoothing_samples"):
        return
    samples = desk.field("robustness.smoothing_samples")
    if float(samples) == 0:
        return
    title = "Accelerators to serve every request smoothed"
    needed = product_of(samples, service.accelerators, unit="1", title=title, symbol="n_smooth")
    desk.put("robustness.smoothing_accelerators", needed)
    if desk.given("robustness.smoothing_noise"):
        alpha = desk.constant("robustness.certificate-alpha")
        radius = robust.largest_certified_radius(desk.field("robustness.smoothing_noise"), samples, alpha)
        desk.put("robustness.certified_radius", radius)
        desk.at_least("robustness.target_radius", "Certified radius", radius)


def fairness(desk: Desk, site: Site, service: Service) -> None:
    """Latency of the users by region."""
    users = _users(desk)
    here = _place(desk, site.region)
    found = reach(
        users=users,
        sites=[here],
        limit=desk.take("serving.ttft", "design.ttft"),
        service=service.estimate.latency.ttft,
        round_trips=desk.constant("fairness.round-trips"),
        inflation=desk.constant("fairness.path-inflation"),
        speed=desk.constant("fairness.fibre-speed"),
        access=desk.constant("fairness.access-latency"),
        earth_radius=desk.constant("fairness.earth-radius"),
    )
    desk.put_all(
        "users",
        {
            "best_latency": found.best,
            "worst_latency": found.worst,
            "latency_gap": found.gap,
            "mean_latency": found.mean,
            "late": found.late,
            "disparity": found.disparity,
        },
    )
    for name, region in found.regions.items():
        desk.put_all(
            f"users.{name}", {"latency": region.latency, "round_trip": region.round_trip, "distance": region.distance}
        )
    desk.curves["users"] = {
        "labels": [desk.labels.get(f"users.{n}", n) for n in found.regions],
        "latency": [r.latency for r in found.regions.values()],
        "share": [users[n][1] for n in found.regions],
    }


def _users(desk: Desk) -> dict[str, tuple[Place, Value]]:
    """Where the users are: the design file's regions, or the world's."""
    given = desk.text("serving.users_regions")
    if given:
        found = {}
        for name in given:
            region = desk.look("region", name, f"serving.users_regions.{name}")
            desk.labels[f"users.{name}"] = region.name or name
            found[name] = (_place(desk, region), desk.field(f"serving.users_regions.{name}"))
        return found
    names = sorted({i.split(".")[2] for i in desk.catalog.ids("constant") if i.startswith("fairness.users.")})

    def of(name: str, what: str) -> Value:
        return desk.constant(f"fairness.users.{name}.{what}")

    desk.labels |= {f"users.{n}": n.replace("-", " ") for n in names}
    return {n: (Place(of(n, "latitude"), of(n, "longitude")), of(n, "share")) for n in names}


def _place(desk: Desk, region: Any) -> Place:
    """A region's coordinates as facts."""
    from navarch.core.ledger import Fact

    def fact(name: str, value: float) -> Value:
        return desk.enter(
            Fact(
                f"region.{region.id}.{name}",
                value,
                "deg",
                f"{name.capitalize()} of {region.place}",
                "town centre, geographic coordinates",
                kind="published",
            )
        )

    return Place(fact("latitude", region.lat), fact("longitude", region.lon))
