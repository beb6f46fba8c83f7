"""Utilisation and throughput of a training step.

MFU counts the operations that the model needs (Chowdhery et al. 2022, appendix B), HFU those executed. Two
conventions for attention are in use and differ by up to 2x at long context: only the tokens that a causal mask leaves
(`mfu`), or all pairs (`mfu_full_attention`, as in PaLM, Megatron and MosaicML).
"""

from __future__ import annotations

import numpy as np

from navarch.distributed.training.notation import equation

PALM = "Chowdhery et al. 2022, appendix B"


@equation(symbol="n_step", unit="token", source="definition")
def tokens_per_step(batch, sequence):
    """Tokens of one step.

    batch: sequences of one step; sequence: length [token].
    """
    return batch * sequence


@equation(symbol="F_step", unit="FLOP", source="definition")
def flops_per_step(flops_per_token, tokens):
    """Operations of one step.

    flops_per_token: of training [FLOP/token]; tokens: of one step [token].
    """
    return flops_per_token * tokens


@equation(symbol="MFU", unit="fraction", source=PALM)
def utilisation(flops, step_time, peak, accelerators):
    """Operations per second as a share of the peak.

    flops: of one step [FLOP]; step_time: of one step [s]; peak: of one accelerator [FLOP/s]; accelerators: used.
    """
    return flops / (step_time * peak * accelerators)


@equation(symbol="F_dev", unit="FLOP/s", source=PALM)
def achieved_flops(flops, step_time, accelerators):
    """Operations per second and accelerator.

    flops: of one step [FLOP]; step_time: of one step [s]; accelerators: used.
    """
    return flops / (step_time * accelerators)


@equation(symbol="X_tok", unit="token/s", source="definition")
def token_throughput(tokens, step_time):
    """Tokens trained on per second.

    tokens: of one step [token]; step_time: of one step [s].
    """
    return tokens / step_time


@equation(symbol="x_tok", unit="token/s", source="definition")
def token_throughput_per_accelerator(tokens, step_time, accelerators):
    """Tokens trained on per second and accelerator.

    tokens: of one step [token]; step_time: of one step [s]; accelerators: used.
    """
    return tokens / (step_time * accelerators)


@equation(symbol="r_comm", unit="1", source="definition")
def communication_ratio(communication, computation):
    """Communication, hidden or not, against computation.

    communication: time of all of it in a step [s]; computation: time of a step's matrix products and memory-bound
    kernels [s].
    """
    return communication / computation


@equation(symbol="k_step", unit="1", source="definition")
def steps_for(token_budget, tokens):
    """Steps that a token budget takes.

    token_budget: to be trained on [token]; tokens: of one step [token].
    """
    return np.ceil(token_budget / tokens)


@equation(symbol="T_run", unit="s", source="definition")
def run_time(steps, step_time):
    """Time of a training run without interruptions.

    steps: of the run; step_time: of one step [s].
    """
    return steps * step_time
