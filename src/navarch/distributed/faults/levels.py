"""Several levels of checkpoints: cheap ones close by for the common failures, dear ones far off for the rest."""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

_SOURCE = "Benoit et al. 2017 (first-order form of Moody et al. 2010, SC10)"
_URL = "https://doi.org/10.1109/SC.2010.18"


@equation(
    symbol="lambda_level", unit="1/s", source="splitting of a Poisson process",
    symbols={"share": "f", "mttf": "M"}, valid="share >= 0 and share <= 1 and mttf > 0",
)  # fmt: skip
def level_failure_rate(share, mttf):
    """Rate of the failures that one checkpoint level recovers.

    share: share of the failures that this level recovers [fraction]; mttf: mean time to failure of the job [s].
    """
    return share / mttf


@equation(
    symbol="tau_level", unit="s", source=_SOURCE, url=_URL,
    symbols={"checkpoint_time": "C", "rate": "lambda_level"}, valid="checkpoint_time >= 0 and rate > 0",
)  # fmt: skip
def level_interval(checkpoint_time, rate):
    """Interval between checkpoints of one level.

    checkpoint_time: time that a checkpoint of this level stops the job [s];
    rate: rate of the failures it recovers [1/s].
    """
    return np.sqrt(2 * checkpoint_time / rate)


@equation(
    symbol="w_level", unit="fraction", source=_SOURCE, url=_URL,
    symbols={"checkpoint_time": "C", "rate": "lambda_level"},
    valid="checkpoint_time >= 0 and rate >= 0 and 8 * checkpoint_time * rate < 1",
)  # fmt: skip
def level_waste(checkpoint_time, rate):
    """Time lost to checkpoints and rework of one level, first order.

    checkpoint_time: time that a checkpoint of this level stops the job [s];
    rate: rate of the failures it recovers [1/s].
    """
    return np.sqrt(2 * checkpoint_time * rate)


@equation(
    symbol="C", unit="s", source="definition: bytes over bandwidth",
    symbols={"size": "S", "bandwidth": "B"}, valid="size >= 0 and bandwidth > 0",
)  # fmt: skip
def write_time(size, bandwidth):
    """Time that a checkpoint stops the job while it is copied.

    size: size of the checkpoint, whole or of one accelerator [byte];
    bandwidth: rate at which that leaves [byte/s].
    """
    return size / bandwidth
