"""Alerts, spares, canaries and the cost of three years: known answers and laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from navarch.core.formula import formula
from navarch.core.ledger import Ledger, registry
from navarch.deployment.operations import cost, estimate
from navarch.deployment.operations.ownership import ownership, rental
from navarch.deployment.operations.service import release, service

HOUR, DAY = 3600.0, 86400.0
MONTH, YEAR = 30 * DAY, 365 * DAY
KWH = 3.6e6

shares = st.floats(0.0, 1.0)
amounts = st.floats(0.0, 1e9)


@pytest.mark.parametrize(("share", "window", "burn"), [(0.02, HOUR, 14.4), (0.05, 6 * HOUR, 6), (0.1, 3 * DAY, 1)])
def test_burn_rates(share, window, burn):
    assert estimate.burn_rate_threshold(share, MONTH, window) == pytest.approx(burn)


def test_error_budget_of_three_nines():
    assert estimate.error_budget(0.999, MONTH) == pytest.approx(43.2 * 60)
    assert estimate.request_error_budget(0.999, 100, MONTH) == pytest.approx(100 * MONTH / 1000)
    assert estimate.alert_error_ratio(14.4, 0.999) == pytest.approx(0.0144)
    assert estimate.detection_time(14.4, 0.999, 1.0, HOUR) == pytest.approx(51.84)
    assert estimate.time_to_exhaustion(MONTH, 14.4) == pytest.approx(50 * HOUR)
    assert estimate.short_alert_window(HOUR, 12) == 300


def test_canary_samples():
    # two-sample test, and the one-sample test whose 6,682 requests a sequential test halves
    assert estimate.canary_sample_known_baseline(0.001, 0.003, 0.01, 0.95) == 6682
    two = estimate.canary_sample(0.001, 0.003, 0.01, 0.95)
    assert two == pytest.approx(15736, abs=1)
    assert estimate.canary_duration(two, 100, 0.05) == pytest.approx(two / 5)
    assert estimate.canary_share(two, 100, two / 5) == pytest.approx(0.05)


def test_canary_sample_has_the_power_it_claims():
    n = int(estimate.canary_sample(0.05, 0.08, 0.05, 0.9))
    rng = np.random.default_rng(1)
    old, new = rng.binomial(n, 0.05, 20_000), rng.binomial(n, 0.08, 20_000)
    mean = (old + new) / (2 * n)
    z = (new - old) / n / np.sqrt(2 * mean * (1 - mean) / n)
    assert np.mean(z > stats.norm.ppf(0.95)) == pytest.approx(0.9, abs=0.015)


@given(needed=st.integers(1, 500), spare=st.integers(0, 40), availability=st.floats(0.5, 0.99999))
def test_service_availability_is_binomial(needed, spare, availability):
    expected = stats.binom.sf(needed - 1, needed + spare, availability)
    assert estimate.service_availability(needed, needed + spare, availability) == pytest.approx(expected, abs=1e-9)


@given(needed=st.integers(1, 2000), availability=st.floats(0.8, 0.9999), target=st.floats(0.5, 0.99999))
def test_spare_replicas_are_enough_and_no_more(needed, availability, target):
    spares = estimate.spare_replicas(needed, availability, target)
    assert estimate.service_availability(needed, needed + spares, availability) >= target
    if spares > 0:
        assert estimate.service_availability(needed, needed + spares - 1, availability) < target


def test_spare_replicas_on_arrays():
    needed = np.array([1.0, 10.0, 100.0])
    together = estimate.spare_replicas(needed, 0.99, 0.999)
    assert list(together) == [float(estimate.spare_replicas(n, 0.99, 0.999)) for n in needed]
    assert np.all(np.diff(together) >= 0)


def thousand_h100(**changes):
    servers = cost.server_capital(128, 300e3)
    energy = 128 * 10.2e3 * 0.8 * 1.25 * 3 * YEAR
    given = {
        "servers": servers, "network": cost.network_capital(servers, 0.15), "storage": 0.0, "facility_energy": energy,
        "electricity_price": 0.08 / KWH, "period": 3 * YEAR, "year": YEAR, "maintenance_share": 0.04, "people": 8,
        "salary": 250e3, "residual_share": 0.2, "accelerators": 1024, "share_used": 1.0,
    }  # fmt: skip
    return ownership(**{**given, **changes})


def test_three_years_of_1024_h100():
    found = thousand_h100()
    assert found.total == pytest.approx(49.4e6, rel=1e-3)
    assert found.per_accelerator_time * HOUR == pytest.approx(1.83, abs=0.005)
    assert found.capital == pytest.approx(44.16e6)
    assert found.lines["energy"] == pytest.approx(2.745e6, rel=1e-3)


def test_interest_and_building_come_on_top():
    building = cost.facility_cost(128 * 10.2e3, 11.7, 3 * YEAR, 12 * YEAR)
    found = thousand_h100(facility=building, cost_of_capital=0.08)
    plain = thousand_h100()
    assert found.total == pytest.approx(plain.total + building + found.lines["interest"])
    payment = (44.16e6 - 0.2 * 44.16e6 / 1.08**3) * 0.08 / (1 - 1.08**-3)
    assert found.lines["interest"] == pytest.approx(3 * payment - 0.8 * 44.16e6)


def test_cloud_beside():
    owned = thousand_h100()
    found = rental(owned=owned, accelerators=1024, period=3 * YEAR, price=2.99 / HOUR, share_used=0.5)
    assert found.always == pytest.approx(1024 * 3 * 8760 * 2.99)
    assert found.while_used == pytest.approx(found.always / 2)
    assert found.break_even_utilisation == pytest.approx(1.8347 / 2.99, rel=1e-3)
    assert 0 < found.break_even_time < 3 * YEAR


@given(servers=amounts, network=amounts, storage=amounts, energy=amounts, left=shares, rate=st.floats(0.001, 0.5))
def test_lines_sum_to_the_total(servers, network, storage, energy, left, rate):
    found = thousand_h100(
        servers=servers, network=network, storage=storage, facility_energy=energy, residual_share=left,
        cost_of_capital=rate,
    )  # fmt: skip
    assert sum(found.lines.values()) == pytest.approx(found.spent)
    assert found.spent - found.residual == pytest.approx(found.total, abs=1e-3)
    assert found.lines["interest"] >= -1e-3


@given(rate=st.floats(1e-4, 1.0), years=st.floats(0.5, 20))
def test_capital_recovery_repays_the_capital(rate, years):
    factor = cost.capital_recovery_factor(rate, years)
    assert factor * (1 - (1 + rate) ** -years) / rate == pytest.approx(1)
    assert factor >= 1 / years


def test_costs_on_arrays():
    prices = np.array([2e5, 3e5, 4e5])
    together = thousand_h100(servers=cost.server_capital(128, prices))
    assert together.total[1] == pytest.approx(thousand_h100(servers=128 * 3e5).total)


def test_service_and_release():
    found = service(
        objective=0.999, window=MONTH, request_rate=1000.0,
        tiers={"page fast": (0.02, HOUR), "page slow": (0.05, 6 * HOUR), "ticket": (0.1, 3 * DAY)},
        divisor=12, error_ratio=1.0, replicas_needed=40, replica_availability=0.995,
    )  # fmt: skip
    assert [round(a.burn_rate, 6) for a in found.alerts] == [14.4, 6, 1]
    assert found.availability >= 0.999
    assert found.replicas == 40 + found.spare_replicas
    new = release(
        baseline=0.001, factor=3.0, alpha=0.01, power=0.95, request_rate=1000.0, canary_share=0.05,
        accelerators=320, surge=0.25, overlap=HOUR,
    )  # fmt: skip
    assert new.capacity == 320 * 0.25 * HOUR
    assert new.harm == pytest.approx(new.sample * 0.002)


@given(power=st.floats(0.6, 0.99), alpha=st.floats(0.001, 0.2), gap=st.floats(0.002, 0.05))
def test_smaller_differences_need_more_requests(power, alpha, gap):
    near = estimate.canary_sample(0.01, 0.01 + gap, alpha, power)
    assert near >= estimate.canary_sample(0.01, 0.01 + 2 * gap, alpha, power)
    assert near >= estimate.canary_sample(0.01, 0.01 + gap, min(2 * alpha, 0.49), power)


def test_every_number_has_an_origin():
    with Ledger() as ledger:

        def value(name: str, number: float, unit: str = "1"):
            return ledger.field(name, number, unit, name)

        servers = cost.server_capital(value("nodes", 128), value("node price", 3e5, "USD"))
        years = value("period", 3 * YEAR, "s")
        accelerators, used = value("accelerators", 1024), value("used", 0.8, "fraction")
        owned = ownership(
            servers=servers, network=cost.network_capital(servers, value("network", 0.15, "fraction")),
            storage=cost.storage_capital(value("capacity", 1e16, "byte"), value("storage", 1e-10, "USD/byte")),
            facility_energy=value("energy", 1e14, "J"), electricity_price=value("electricity", 2e-8, "USD/J"),
            period=years, year=value("year", YEAR, "s"), maintenance_share=value("maintenance", 0.04),
            people=value("people", 8), salary=value("salary", 250e3, "USD"), residual_share=value("residual", 0.2),
            accelerators=accelerators, share_used=used, cost_of_capital=value("interest", 0.08),
            facility=cost.facility_cost(value("power", 1.3e6, "W"), value("building", 11.7, "USD/W"), years, years),
        )  # fmt: skip
        rent = value("rent", 1e-3, "USD/s")
        rental(owned=owned, accelerators=accelerators, period=years, price=rent, share_used=used)
        service(
            objective=value("slo", 0.999), window=value("window", MONTH, "s"), request_rate=value("rate", 1000.0),
            tiers={"page": (value("share", 0.02), value("hour", HOUR, "s"))}, divisor=value("divisor", 12),
            error_ratio=value("outage", 1.0), replicas_needed=value("replicas", 40),
            replica_availability=value("replica availability", 0.995),
        )  # fmt: skip
        release(
            baseline=value("baseline", 0.001), factor=value("factor", 3), alpha=value("alpha", 0.01),
            power=value("test power", 0.95), request_rate=value("rate", 1000.0), canary_share=value("canary", 0.05),
            accelerators=accelerators, surge=value("surge", 0.25), overlap=value("overlap", HOUR),
        )  # fmt: skip
    assert ledger.orphans() == []
    assert ledger.exceeded() == []


@pytest.mark.parametrize("dialect", ["latex", "typst", "mathml", "text"])
def test_every_equation_prints(dialect):
    mine = [e for name, e in registry().items() if name.startswith("deployment.operations.")]
    assert len(mine) >= 30
    assert all(formula(e, dialect) for e in mine)
