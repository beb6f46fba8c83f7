"""What more accelerators give: at a fixed batch a step has a part that does not divide, and the batch has a limit.

Two limits. The first is of the machine: a step at a fixed batch is work that divides and a floor that does not
(Amdahl's law, in seconds). The second is of the optimiser: a larger batch gives each accelerator its work back, but
beyond the critical batch it needs more tokens for the same loss.
"""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

AMDAHL = "Amdahl 1967, in seconds: work that divides, and a floor that does not"
MCCANDLISH = "McCandlish et al. 2018, equation 2.11; Kaplan et al. 2020, equation 5.1"
MCCANDLISH_URL = "https://arxiv.org/abs/1812.06162"


@equation(
    symbol="t_step",
    unit="s",
    source=AMDAHL,
    symbols={"work": "W", "accelerators": "n", "peak": "P", "utilisation": "u_0", "floor": "t_0"},
    valid="utilisation > 0",
)
def step_time_with_floor(work, accelerators, peak, utilisation, floor):
    """Time of one optimiser step at a fixed batch.

    work: of the step [FLOP]; accelerators: that share it; peak: of one accelerator [FLOP/s]; utilisation: share of the
    peak that the part that divides reaches [fraction]; floor: part that more accelerators do not shorten [s].
    """
    return work / (accelerators * peak * utilisation) + floor


@equation(
    symbol="u_0",
    unit="fraction",
    source=AMDAHL + ", solved for the utilisation of the part that divides",
    symbols={"utilisation": "u", "work": "W", "accelerators": "n", "peak": "P", "floor": "t_0"},
    valid="work > utilisation * floor * accelerators * peak",
)
def dividing_utilisation(utilisation, work, accelerators, peak, floor):
    """Utilisation of the part of a step that divides, from that of the whole step on a given fleet.

    utilisation: of the whole step [fraction]; work: of the step [FLOP]; accelerators: of that fleet; peak: of one
    accelerator [FLOP/s]; floor: part that more accelerators do not shorten [s].
    """
    return utilisation / (1 - np.minimum(utilisation * floor * accelerators * peak / work, 0.99))


@equation(
    symbol="n_half",
    unit="1",
    source=AMDAHL + ": where the two are equal",
    symbols={"work": "W", "peak": "P", "utilisation": "u_0", "floor": "t_0"},
    valid="floor > 0",
)
def half_wasted_fleet(work, peak, utilisation, floor):
    """Accelerators at which half of each step is the floor: more of them give less than half of what they cost.

    work: of a step [FLOP]; peak: of one accelerator [FLOP/s]; utilisation: share of the peak that the part that
    divides reaches [fraction]; floor: part that more accelerators do not shorten [s].
    """
    return work / (peak * utilisation * floor)


@equation(
    symbol="n_max",
    unit="1",
    source="one sequence a replica and step: the least that data parallelism can divide",
    symbols={"batch": "B", "sequence": "s", "replica": "m"},
    valid="batch >= sequence",
)
def most_accelerators(batch, sequence, replica):
    """Accelerators beyond which a batch does not divide over replicas.

    batch: tokens of one optimiser step [token]; sequence: tokens of one sequence [token]; replica: accelerators that
    hold one copy of the model.
    """
    return np.floor(batch / sequence) * replica


@equation(
    symbol="x_B",
    unit="1",
    source=MCCANDLISH,
    url=MCCANDLISH_URL,
    symbols={"batch": "B", "critical": "B_crit"},
)
def compute_over_least(batch, critical):
    """Compute for a loss at a batch, over the least that the loss could take.

    batch: tokens of one optimiser step [token]; critical: critical batch [token].
    """
    return 1 + batch / critical


@equation(
    symbol="x_S",
    unit="1",
    source=MCCANDLISH,
    url=MCCANDLISH_URL,
    symbols={"batch": "B", "critical": "B_crit"},
)
def steps_over_least(batch, critical):
    """Optimiser steps for a loss at a batch, over the fewest that the loss could take.

    batch: tokens of one optimiser step [token]; critical: critical batch [token].
    """
    return 1 + critical / batch


@equation(
    symbol="T_n",
    unit="s",
    source=MCCANDLISH + ", with the batch in proportion to the accelerators",
    url=MCCANDLISH_URL,
    symbols={
        "least": "C_min",
        "accelerators": "n",
        "peak": "P",
        "utilisation": "u",
        "share": "b",
        "critical": "B_crit",
    },
    valid="utilisation > 0",
)
def time_at_growing_batch(least, accelerators, peak, utilisation, share, critical):
    """Time of a run whose batch grows with the fleet.

    least: compute that the loss could take at a small batch [FLOP]; accelerators: of the fleet; peak: of one
    accelerator [FLOP/s]; utilisation: share of the peak that becomes model FLOP [fraction]; share: tokens of a step
    that one accelerator has [token]; critical: critical batch [token].
    """
    return least * (1 + accelerators * share / critical) / (accelerators * peak * utilisation)
