"""Gradients reduced in buckets beside the backward pass: what computation hides of it, and what it pays for that."""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

LI = "Li et al. 2020 (PyTorch Distributed), section 3.2: each bucket as soon as its gradients are there, in order"


@equation(
    symbol="T_bwd",
    unit="s",
    source="Kaplan et al. 2020, section 2.1 (two products backward for each one forward)",
    symbols={"parameters": "N", "tokens": "D", "peak": "P", "utilisation": "u"},
    valid="utilisation > 0 and utilisation <= 1",
)
def backward_time(parameters, tokens, peak, utilisation):
    """Time of a backward pass, alone.

    parameters: of the model [parameter]; tokens: of an accelerator in a step [token]; peak: of the accelerator
    [FLOP/s]; utilisation: share of the peak that becomes model FLOP [fraction].
    """
    return 4 * parameters * tokens / (peak * utilisation)


@equation(
    symbol="T_slow",
    unit="s",
    source="work over the processors that are left",
    symbols={"time": "T", "share": "s"},
    valid="share >= 0 and share < 1",
)
def slowed_time(time, share):
    """Time of computation while some processors communicate.

    time: with all processors [s]; share: of the processors that communicate [fraction].
    """
    return time / (1 - share)


@equation(
    symbol="B_fed",
    unit="byte/s",
    source="in proportion to the processors that move data, up to the link",
    symbols={"bandwidth": "B", "share": "s", "needed": "s_B"},
    valid="needed > 0",
)
def fed_bandwidth(bandwidth, share, needed):
    """Bandwidth that some of the processors get out of a link.

    bandwidth: achieved with enough of them [byte/s]; share: of the processors that communicate [fraction]; needed:
    share of the processors that is enough [fraction].
    """
    return bandwidth * np.minimum(1, share / needed)


@equation(
    symbol="T_exp",
    unit="s",
    source=LI,
    symbols={"backward": "T_bwd", "body": "f", "buckets": "k", "bucket": "T_b", "last": "T_l"},
    valid="buckets >= 1 and body > 0 and body <= 1",
)
def exposed_buckets(backward, body, buckets, bucket, last):
    """Time by which the reduction of the gradients outlasts the backward pass.

    backward: time of the pass [s]; body: share of the gradients that is in equal buckets, the rest in the last one
    [fraction]; buckets: equal ones; bucket: time to reduce one of them [s]; last: time to reduce the last one [s].
    Gradients come evenly; one bucket is reduced after the other.
    """
    produced = body * backward
    done = np.maximum(produced + bucket, produced / buckets + buckets * bucket)
    return np.maximum(backward, done) + last - backward


@equation(
    symbol="T_after",
    unit="s",
    source="one bucket after the other",
    symbols={"buckets": "k", "bucket": "T_b", "last": "T_l"},
)
def reduction_time(buckets, bucket, last):
    """Time to reduce all buckets, one after the other.

    buckets: equal ones; bucket: time to reduce one of them [s]; last: time to reduce the last one [s].
    """
    return buckets * bucket + last


@equation(
    symbol="f_hid",
    unit="fraction",
    source="definition",
    symbols={"all_of_it": "T_comm", "exposed": "T_exp"},
    valid="all_of_it > 0",
)
def hidden_share(all_of_it, exposed):
    """Share of communication that computation hides.

    all_of_it: time of the communication [s]; exposed: that nothing hides [s].
    """
    return 1 - exposed / all_of_it
