"""Fit the law L = E + A / N^alpha + B / D^beta to training runs, with the covariance of its constants.

The procedure of Hoffmann et al. 2022 (appendix D.3) and of Besiroglu et al. 2024: the Huber loss of the residuals of
ln L, and a bootstrap over the runs. The search works in centred logarithms (of N and D about their means), where the
constants are far less entangled than A with alpha and B with beta are.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

COORDINATES = ("lnA", "lnB", "lnE", "alpha", "beta")
"""What is fitted, in order; `ln` marks a constant that is fitted by its logarithm."""

HUBER = 1e-3
"""Residual of ln L beyond which a run counts by its size and no longer by its square (Hoffmann et al. 2022, D.3)."""

LEAST_RUNS = 10
_EXPONENTS = (0.25, 0.45)  # where searches start
_IRREDUCIBLE = (0.5, 0.8)  # shares of the lowest loss where searches for E start


@dataclass(frozen=True)
class Fit:
    """A fitted law: its constants in `COORDINATES`, the constants of each resample, and the runs it was fitted to."""

    constants: Array
    resamples: Array = field(repr=False)
    runs: int

    @property
    def covariance(self) -> Array:
        """Covariance of the constants over the resamples."""
        return np.cov(self.resamples.T)

    @property
    def values(self) -> dict[str, float]:
        """The law's constants by name: A, B, E, alpha, beta."""
        return {
            name.removeprefix("ln"): float(np.exp(value) if name.startswith("ln") else value)
            for name, value in zip(COORDINATES, self.constants, strict=True)
        }


def fit(parameters: Array, tokens: Array, losses: Array, resamples: int = 4000, seed: int = 1) -> Fit:
    """Fit the law to runs: parameters [parameter], tokens [token], final losses [nats a token].

    resamples: of the bootstrap (runs drawn with replacement); seed: of their counter-based stream. Raises ValueError
    where there are fewer runs than `LEAST_RUNS` or a number is not positive.
    """
    given = [np.asarray(values, dtype=float) for values in (parameters, tokens, losses)]
    if min(map(len, given)) < LEAST_RUNS or len({len(values) for values in given}) > 1:
        raise ValueError(f"the law has five constants: give {LEAST_RUNS} runs or more, each with N, D and loss")
    if not all(np.all(np.isfinite(values) & (values > 0)) for values in given):
        raise ValueError("parameters, tokens and losses must be positive numbers")
    x, y, z = (np.log(values) for values in given)
    centre = np.array([x.mean(), y.mean()])
    x, y = x - centre[0], y - centre[1]
    best = min((_search(start, x, y, z) for start in _starts(z)), key=lambda found: found[1])[0]
    stream = np.random.Generator(np.random.Philox(key=[seed, len(z)]))
    drawn = np.empty((resamples, len(COORDINATES)))
    for row in drawn:
        runs = stream.integers(0, len(z), len(z))
        row[:] = _search(best, x[runs], y[runs], z[runs])[0]
    return Fit(_uncentred(best, centre), _uncentred(drawn, centre), len(z))


def without_worst(losses: Array, worst: int) -> NDArray[np.bool_]:
    """Which runs stay when those with the highest losses are left out (Besiroglu et al. 2024 leave out five)."""
    return losses < np.sort(losses)[-worst] if worst else np.ones(len(losses), dtype=bool)


def _search(start: Array, x: Array, y: Array, z: Array) -> tuple[Array, float]:
    """The constants (centred) that minimise the Huber loss, and that loss, over the residual at which it turns."""
    from scipy.optimize import minimize

    found = minimize(_huber, start, args=(x, y, z), jac=True, method="BFGS", options={"gtol": 1e-7, "maxiter": 2000})
    return found.x, float(found.fun)


def _huber(constants: Array, x: Array, y: Array, z: Array) -> tuple[float, Array]:
    """The Huber loss of the residuals of ln L and its gradient, both over `HUBER` so that neither is tiny."""
    a, b, e, alpha, beta = constants
    terms = np.stack([a - alpha * x, b - beta * y, np.full_like(z, e)])  # (3, runs): logarithms of the law's terms
    highest = terms.max(axis=0)
    shares = np.exp(terms - highest)
    total = shares.sum(axis=0)
    residual = highest + np.log(total) - z
    size = np.abs(residual)
    loss = np.where(size <= HUBER, residual**2 / 2, HUBER * (size - HUBER / 2)).sum()
    pull = np.clip(residual, -HUBER, HUBER) * shares / total  # (3, runs)
    gradient = np.array([*pull.sum(axis=1), -(pull[0] @ x), -(pull[1] @ y)])
    return float(loss / HUBER), gradient / HUBER


def _starts(z: Array) -> list[Array]:
    """Where searches start: some irreducible losses, what is left of the mean loss halved between the two terms."""
    lowest, mean = np.exp(z.min()), np.exp(z.mean())
    return [
        np.array([np.log((mean - share * lowest) / 2)] * 2 + [np.log(share * lowest), alpha, beta])
        for share in _IRREDUCIBLE
        for alpha in _EXPONENTS
        for beta in _EXPONENTS
    ]


def _uncentred(constants: Array, centre: Array) -> Array:
    """The constants about N = D = 1, from those about the centre of the runs."""
    found = np.array(constants)
    found[..., :2] += found[..., 3:] * centre
    return found
