"""How far users are and how long they wait, and how differently a model treats groups."""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation
from navarch.deployment.operations.estimate import normal_quantile

_BOZKURT = "Bozkurt et al. 2018, Dissecting latency in the Internet's fiber infrastructure, arXiv 1811.10737"
_BOZKURT_URL = "https://arxiv.org/abs/1811.10737"
_HARDT = "Hardt, Price and Srebro 2016, arXiv 1610.02413"


@equation(
    symbol="d", unit="m", source="Sinnott 1984, Virtues of the haversine, Sky and Telescope 68(2)",
    symbols={
        "user_latitude": "phi_user", "user_longitude": "theta_user", "site_latitude": "phi_site",
        "site_longitude": "theta_site", "earth_radius": "R_earth",
    },
    valid="earth_radius > 0 and user_latitude ** 2 <= 90 ** 2 and site_latitude ** 2 <= 90 ** 2",
)  # fmt: skip
def great_circle_distance(user_latitude, user_longitude, site_latitude, site_longitude, earth_radius):
    """Great-circle distance between users and site.

    user_latitude: degrees north of the users; user_longitude: degrees east of the users;
    site_latitude: degrees north of the site; site_longitude: degrees east of the site;
    earth_radius: mean radius of the earth [m].
    """
    h = (
        np.sin(np.radians(site_latitude - user_latitude) / 2) ** 2
        + np.cos(np.radians(user_latitude))
        * np.cos(np.radians(site_latitude))
        * np.sin(np.radians(site_longitude - user_longitude) / 2) ** 2
    )
    return 2 * earth_radius * np.arcsin(np.sqrt(np.minimum(h, 1)))


@equation(
    symbol="RTT", unit="s", source=_BOZKURT, url=_BOZKURT_URL,
    symbols={"distance": "d", "inflation": "x_path", "speed": "v_fibre", "access": "T_access"},
    valid="distance >= 0 and inflation >= 1 and speed > 0 and access >= 0",
)  # fmt: skip
def round_trip_time(distance, inflation, speed, access):
    """Round-trip time between users and site.

    distance: great-circle distance [m]; inflation: latency over that of a straight fibre;
    speed: speed of light in fibre [m/s]; access: round trip of the users' own access network [s].
    """
    return 2 * distance * inflation / speed + access


@equation(
    symbol="T_user", unit="s", source="definition: round trips and service time",
    symbols={"round_trips": "n_RTT", "round_trip": "RTT", "service": "T_first"},
    valid="round_trips >= 0 and round_trip >= 0 and service >= 0",
)  # fmt: skip
def user_latency(round_trips, round_trip, service):
    """Time to the first token at the user.

    round_trips: round trips before the first token arrives; round_trip: round-trip time to the users [s];
    service: time to the first token at the site [s].
    """
    return round_trips * round_trip + service


@equation(
    symbol="f_late", unit="fraction", source="definition: users whose latency is over the limit",
    symbols={"latency": "T_user", "limit": "T_max", "share": "f_user"}, valid="share >= 0 and share <= 1",
)  # fmt: skip
def late_users(latency, limit, share):
    """Share of all users in one region who wait longer than the limit.

    latency: latency of the region's users [s]; limit: longest latency wanted [s];
    share: share of all users in the region [fraction].
    """
    return np.where(latency > limit, share, 0)


@equation(
    symbol="T_share", unit="s", source="definition: term of a weighted mean",
    symbols={"latency": "T_user", "share": "f_user"}, valid="share >= 0 and share <= 1",
)  # fmt: skip
def weighted_latency(latency, share):
    """Part of one region in the mean latency.

    latency: latency of the region's users [s]; share: share of all users in the region [fraction].
    """
    return latency * share


@equation(
    symbol="r_gap", unit="1", source="definition: worst over best",
    symbols={"worst": "T_worst", "best": "T_best"}, valid="best > 0 and worst >= best",
)  # fmt: skip
def latency_disparity(worst, best):
    """Latency of the worst-served region over the best-served.

    worst: latency of the worst-served region [s]; best: latency of the best-served region [s].
    """
    return worst / best


@equation(
    symbol="DPD", unit="fraction", source="Calders, Kamiran and Pechenizkiy 2009; Agarwal et al. 2018",
    symbols={"rate_a": "p_a", "rate_b": "p_b"}, valid="rate_a >= 0 and rate_a <= 1 and rate_b >= 0 and rate_b <= 1",
)  # fmt: skip
def demographic_parity_difference(rate_a, rate_b):
    """Demographic-parity difference.

    rate_a: share of group a that is selected [fraction]; rate_b: share of group b that is selected [fraction].
    """
    return np.abs(rate_a - rate_b)


@equation(
    symbol="DIR", unit="fraction", source="US Equal Employment Opportunity Commission 1978, four-fifths rule",
    symbols={"rate_a": "p_a", "rate_b": "p_b"}, valid="rate_a > 0 and rate_b > 0",
)  # fmt: skip
def disparate_impact_ratio(rate_a, rate_b):
    """Disparate-impact ratio.

    rate_a: share of group a that is selected [fraction]; rate_b: share of group b that is selected [fraction].
    """
    return np.minimum(rate_a, rate_b) / np.maximum(rate_a, rate_b)


@equation(
    symbol="EOD", unit="fraction", source=_HARDT, url="https://arxiv.org/abs/1610.02413",
    symbols={"true_a": "TPR_a", "true_b": "TPR_b", "false_a": "FPR_a", "false_b": "FPR_b"},
    valid="true_a >= 0 and true_b >= 0 and false_a >= 0 and false_b >= 0",
)  # fmt: skip
def equalised_odds_difference(true_a, true_b, false_a, false_b):
    """Equalised-odds difference.

    true_a: true-positive rate of group a [fraction]; true_b: true-positive rate of group b [fraction];
    false_a: false-positive rate of group a [fraction]; false_b: false-positive rate of group b [fraction].
    """
    return np.maximum(np.abs(true_a - true_b), np.abs(false_a - false_b))


@equation(
    symbol="n_audit", unit="1", source="normal interval of a difference of two proportions, at its widest",
    symbols={"margin": "m", "confidence": "p"}, valid="margin > 0 and confidence > 0 and confidence < 1",
)  # fmt: skip
def audit_sample(margin, confidence):
    """Outcomes of each group that an audit needs.

    margin: half-width wanted of the difference between two groups [fraction]; confidence: of the interval [fraction].
    """
    return np.ceil((normal_quantile((1 + confidence) / 2) / margin) ** 2 / 2)
