"""The compositions of Part IV under a ledger: every number has an origin, and every equation prints."""

from __future__ import annotations

import pytest

from navarch.catalog import load
from navarch.core.formula import formula
from navarch.core.ledger import Ledger, registry
from navarch.responsible.fairness.regions import Place, reach
from navarch.responsible.privacy.budget import private_training
from navarch.responsible.robustness.hardening import corruption, hardening
from navarch.responsible.sustainability.footprint import footprint

ROOMS = ("sustainability", "privacy", "robustness", "fairness")


def field_maker(ledger: Ledger):
    return lambda **given: {name: ledger.field(name, value, "1", name) for name, value in given.items()}


def test_footprint_trail():
    with Ledger() as ledger:
        fields = field_maker(ledger)
        found = footprint(**fields(
            nodes=128, node_power=10.2e3, utilisation=0.8, period=1e8, pue=1.2, grid_intensity=1e-7, wue=1e-7,
            grid_wue=8e-7, accelerators_per_node=8, accelerator_embodied=164, chassis_embodied=5700,
            network_embodied_share=0.15, life=1.5e8,
        ))  # fmt: skip
    assert ledger.orphans() == []
    assert {e.path for e in found.carbon.entry.leaves()} >= {"nodes", "pue", "grid_intensity", "accelerator_embodied"}


def test_privacy_trail():
    with Ledger() as ledger:
        fields = field_maker(ledger)
        found = private_training(**fields(
            batch=1024, records=1e7, epochs=3, delta=1e-8, accelerator_time=1e6, stretch=2.2, false_positives=1e-3,
            epsilon=8.0,
        ))  # fmt: skip
    assert ledger.orphans() == []
    assert found.epsilon <= 8


def test_robustness_trail():
    with Ledger() as ledger:
        fields = field_maker(ledger)
        corruption(**fields(
            rate=8e-11, accelerators=16384, period=5e6, coverage=0.7, repeated=0.0025, copies=2, interval=1800,
            delay=3e4,
        ))  # fmt: skip
        hardening(**fields(
            attack_steps=7, step_share=0.5, accelerator_time=1e9, adversarial_share=0.02, shift=0.1, alpha=0.001,
            power=0.9, request_rate=100, labelled=0.01,
        ))  # fmt: skip
    assert ledger.orphans() == []
    assert ledger.exceeded() == []


def test_fairness_trail_from_the_catalog():
    catalog = load()
    with Ledger() as ledger:

        def fact(name: str):
            return ledger.fact(catalog.fact("constant", f"fairness.{name}"))

        names = [i.split(".")[2] for i in catalog.ids("constant") if i.startswith("fairness.users.")]
        users = {
            name: (Place(fact(f"users.{name}.latitude"), fact(f"users.{name}.longitude")), fact(f"users.{name}.share"))
            for name in dict.fromkeys(names)
        }
        site = field_maker(ledger)(latitude=39.0, longitude=-77.5)
        rest = field_maker(ledger)(limit=0.6, service=0.3)
        found = reach(
            users=users, sites=[Place(**site)], round_trips=fact("round-trips"), inflation=fact("path-inflation"),
            speed=fact("fibre-speed"), access=fact("access-latency"), earth_radius=fact("earth-radius"), **rest,
        )  # fmt: skip
    assert ledger.orphans() == []
    assert ledger.exceeded() == []
    assert len(found.regions) == 9
    assert sum(float(share) for _, share in users.values()) == pytest.approx(1)


@pytest.mark.parametrize("dialect", ["latex", "typst", "mathml", "text"])
@pytest.mark.parametrize("room", ROOMS)
def test_every_equation_prints(room, dialect):
    mine = [e for name, e in registry().items() if name.startswith(f"responsible.{room}.")]
    assert len(mine) >= 9
    assert all(formula(e, dialect) for e in mine)
