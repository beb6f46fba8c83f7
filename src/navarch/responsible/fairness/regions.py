"""The fairness section of a design: who waits how long, by the users' region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from navarch.core.arithmetic import complement, difference, largest_of, smallest_of, sum_of
from navarch.responsible.fairness import estimate


@dataclass(frozen=True, slots=True)
class Place:
    """A point on the earth, degrees north and east."""

    latitude: Any
    longitude: Any


@dataclass(frozen=True, slots=True)
class RegionLatency:
    """How one region's users are served by the nearest site."""

    distance: Any
    round_trip: Any
    latency: Any
    late: Any


@dataclass(frozen=True, slots=True)
class Reach:
    """Latency of all users, by region and together [s]; `late` and `served` are shares of all users."""

    regions: dict[str, RegionLatency]
    best: Any
    worst: Any
    gap: Any
    disparity: Any
    mean: Any
    late: Any
    served: Any


def reach(
    *,
    users: Mapping[str, tuple[Place, Any]],
    sites: Sequence[Place],
    limit: Any,
    service: Any,
    round_trips: Any,
    inflation: Any,
    speed: Any,
    access: Any,
    earth_radius: Any,
) -> Reach:
    """Latency of the users of each region to the nearest of the sites.

    users: region to (place, share of all users [fraction]); sites: where the service stands; limit: longest latency
    wanted [s]; service: time to the first token at the site [s]; round_trips: before the first token arrives;
    inflation: latency over that of a straight fibre; speed: of light in fibre [m/s]; access: [s]; earth_radius: [m].
    """
    found: dict[str, RegionLatency] = {}
    means = []
    for name, (place, share) in users.items():
        distance = smallest_of(
            *(
                estimate.great_circle_distance(
                    place.latitude, place.longitude, site.latitude, site.longitude, earth_radius
                )
                for site in sites
            ),
            unit="m",
            title=f"Distance of {name} to the nearest site",
            symbol="d",
        )
        round_trip = estimate.round_trip_time(distance, inflation, speed, access)
        latency = estimate.user_latency(round_trips, round_trip, service)
        found[name] = RegionLatency(distance, round_trip, latency, estimate.late_users(latency, limit, share))
        means.append(estimate.weighted_latency(latency, share))
    latencies = [region.latency for region in found.values()]
    best = smallest_of(*latencies, unit="s", title="Latency of the best-served region", symbol="T_best")
    worst = largest_of(*latencies, unit="s", title="Latency of the worst-served region", symbol="T_worst")
    late = sum_of(*(r.late for r in found.values()), unit="fraction", title="Users beyond the limit", symbol="f_late")
    return Reach(
        regions=found,
        best=best,
        worst=worst,
        gap=difference(worst, best, unit="s", title="Latency gap between regions", symbol="Delta_T"),
        disparity=estimate.latency_disparity(worst, best),
        mean=sum_of(*means, unit="s", title="Mean latency of all users", symbol="T_mean"),
        late=late,
        served=complement(late),
    )
