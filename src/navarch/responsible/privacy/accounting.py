"""Rényi accounting of the subsampled Gaussian mechanism, vectorised.

Mironov, Talwar and Zhang 2019 (arXiv 1908.10530), section 3.3: for a whole order alpha, sampling rate q and noise
multiplier sigma, RDP(alpha) = ln(A) / (alpha - 1) with
A = sum over k of binomial(alpha, k) (1 - q)^(alpha - k) q^k exp((k^2 - k) / (2 sigma^2)).
It composes over steps by addition and is turned into (epsilon, delta) at the best order.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from navarch.core.ledger import printable

ORDERS = np.array([*range(2, 33), 36, 40, 48, 56, 64, 80, 96, 128, 160, 192, 256], dtype=float)
_CHUNK = 512
_LEAST_NOISE, _MOST_NOISE, _HALVINGS = 1e-2, 1e4, 32

# One row of terms k = 2..alpha for each order, end to end; k = 0 and 1 add nothing to A - 1.
_SIZES = (ORDERS - 1).astype(int)
_STARTS = np.concatenate([[0], np.cumsum(_SIZES)[:-1]])
_ALPHA = np.repeat(ORDERS, _SIZES)
_K = np.concatenate([np.arange(2.0, order + 1) for order in ORDERS])
_LOG_BINOMIAL = special.gammaln(_ALPHA + 1) - special.gammaln(_K + 1) - special.gammaln(_ALPHA - _K + 1)


def _rdp_of_pairs(sampling_rate: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """RDP of one step for each pair, shape (pairs, orders)."""
    q = np.clip(sampling_rate, 0.0, 1.0)[:, None]
    growth = (_K**2 - _K) / (2 * noise[:, None] ** 2)
    terms = _LOG_BINOMIAL + special.xlog1py(_ALPHA - _K, -q) + special.xlogy(_K, q)
    terms = terms + growth + np.log1p(-np.exp(-growth))
    highest = np.maximum.reduceat(terms, _STARTS, axis=1)
    shift = np.where(np.isfinite(highest), highest, 0.0)
    total = np.add.reduceat(np.exp(terms - np.repeat(shift, _SIZES, axis=1)), _STARTS, axis=1)
    log_excess = np.where(total > 0, shift + np.log(np.maximum(total, np.finfo(float).tiny)), -np.inf)
    return np.logaddexp(0.0, log_excess) / (ORDERS - 1)


def rdp_of_step(sampling_rate: np.ndarray | float, noise: np.ndarray | float) -> np.ndarray:
    """RDP of one step at each of ORDERS (last axis). sampling_rate: [fraction]; noise: multiplier of the clip norm."""
    q, sigma = np.broadcast_arrays(np.asarray(sampling_rate, float), np.asarray(noise, float))
    pairs, back = np.unique(np.stack([q.ravel(), sigma.ravel()]), axis=1, return_inverse=True)
    found = np.concatenate(
        [_rdp_of_pairs(*pairs[:, start : start + _CHUNK]) for start in range(0, pairs.shape[1], _CHUNK)]
    )
    return found[back.ravel()].reshape(*q.shape, ORDERS.size)


def _total(sampling_rate, noise, steps, delta):
    rdp = rdp_of_step(sampling_rate, noise) * np.asarray(steps, float)[..., None]
    return rdp, np.log(np.asarray(delta, float))[..., None]


@printable(latex=r"\varepsilon_{\mathrm{RDP}}", name="EpsilonRDP")
def epsilon_by_rdp(sampling_rate, noise, steps, delta):
    """Epsilon by the improved conversion (Canonne, Kamath and Steinke 2020, proposition 12)."""
    rdp, log_delta = _total(sampling_rate, noise, steps, delta)
    candidates = rdp + np.log1p(-1 / ORDERS) - (log_delta + np.log(ORDERS)) / (ORDERS - 1)
    return np.maximum(candidates.min(axis=-1), 0.0)


@printable(latex=r"\varepsilon_{\mathrm{RDP,2017}}", name="EpsilonRDP2017")
def epsilon_by_first_rdp(sampling_rate, noise, steps, delta):
    """Epsilon by the first conversion (Mironov 2017, proposition 3), to compare with values published before 2020."""
    rdp, log_delta = _total(sampling_rate, noise, steps, delta)
    return np.maximum((rdp - log_delta / (ORDERS - 1)).min(axis=-1), 0.0)


@printable(latex=r"\sigma_{\mathrm{RDP}}", name="NoiseRDP")
def noise_by_rdp(epsilon, delta, sampling_rate, steps):
    """Least noise multiplier that keeps epsilon within its limit, by halving; infinite where none up to 10,000 does."""
    limits, deltas, rates, counts = np.broadcast_arrays(
        *(np.asarray(a, float) for a in (epsilon, delta, sampling_rate, steps))
    )
    low, high = np.full(limits.shape, np.log(_LEAST_NOISE)), np.full(limits.shape, np.log(_MOST_NOISE))
    reachable = epsilon_by_rdp(rates, np.exp(high), counts, deltas) <= limits
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough = epsilon_by_rdp(rates, np.exp(middle), counts, deltas) <= limits
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(reachable, np.exp(high), np.inf)
