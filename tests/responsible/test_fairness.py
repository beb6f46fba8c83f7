"""Distances and latencies against known ones, published group differences, and laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.responsible.fairness import estimate
from navarch.responsible.fairness.regions import Place, reach

RADIUS, SPEED = 6371008.8, 2e8
latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)
shares = st.floats(0.0, 1.0)


def distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    return float(estimate.great_circle_distance(*a, *b, RADIUS))


def test_known_distances():
    assert distance((51.4700, -0.4543), (40.6413, -73.7781)) == pytest.approx(5540e3, rel=0.003)  # LHR to JFK
    assert distance((90, 0), (-90, 50)) == pytest.approx(np.pi * RADIUS)
    assert distance((0, 179.5), (0, -179.5)) == pytest.approx(np.pi * RADIUS / 180)


@given(a=st.tuples(latitudes, longitudes), b=st.tuples(latitudes, longitudes), c=st.tuples(latitudes, longitudes))
def test_distance_is_a_metric(a, b, c):
    assert 0 <= distance(a, b) <= np.pi * RADIUS * (1 + 1e-12)
    assert distance(a, b) == pytest.approx(distance(b, a), abs=1.0)
    assert distance(a, c) <= distance(a, b) + distance(b, c) + 1.0


def test_transatlantic_round_trip():
    # measured London to New York: about 70 ms on ordinary routes, 59 ms on the shortest cable
    rtt = estimate.round_trip_time(5570e3, 1.3, SPEED, 0.0)
    assert rtt == pytest.approx(0.072, abs=0.002)
    assert estimate.user_latency(3, 0.1, 0.5) == pytest.approx(0.8)


def test_compas_and_adult():
    assert estimate.equalised_odds_difference(1 - 0.2848, 1 - 0.4964, 0.4234, 0.2201) == pytest.approx(0.2116)
    assert estimate.demographic_parity_difference(0.9084, 0.7078) == pytest.approx(0.2006)
    assert estimate.disparate_impact_ratio(0.9084, 0.7078) == pytest.approx(0.779, abs=1e-3)


@given(a=shares, b=shares, c=shares, d=shares)
def test_group_differences(a, b, c, d):
    odds = estimate.equalised_odds_difference(a, b, c, d)
    assert 0 <= odds <= 1
    assert odds == estimate.equalised_odds_difference(b, a, d, c)
    assert estimate.demographic_parity_difference(a, b) <= max(a, b)


def test_audit_sample():
    assert estimate.audit_sample(0.05, 0.95) == 769
    assert estimate.audit_sample(0.05, 0.99) > estimate.audit_sample(0.05, 0.95) > estimate.audit_sample(0.1, 0.95)


USERS = {
    "America": (Place(39.8, -95.0), 0.3),
    "Europe": (Place(49.0, 15.0), 0.3),
    "Asia": (Place(23.0, 79.0), 0.4),
}


def served(sites, **changes):
    given = {
        "users": USERS, "sites": sites, "limit": 0.6, "service": 0.4, "round_trips": 1.0, "inflation": 2.1,
        "speed": SPEED, "access": 0.02, "earth_radius": RADIUS,
    }  # fmt: skip
    return reach(**{**given, **changes})


def test_a_second_site_serves_more_fairly():
    one, two = served([Place(39.0, -77.5)]), served([Place(39.0, -77.5), Place(1.35, 103.8)])
    assert two.worst < one.worst
    assert two.gap < one.gap
    assert two.late <= one.late
    assert one.late + one.served == pytest.approx(1)
    assert one.best <= one.mean <= one.worst
    assert one.disparity == pytest.approx(one.worst / one.best)


def test_on_arrays_as_one_by_one():
    services = np.array([0.1, 0.4, 1.0])
    together = served([Place(39.0, -77.5)], service=services)
    for i, service in enumerate(services):
        one = served([Place(39.0, -77.5)], service=float(service))
        assert together.worst[i] == pytest.approx(one.worst)
        assert together.late[i] == pytest.approx(float(one.late))
    assert list(together.late) == sorted(together.late)
