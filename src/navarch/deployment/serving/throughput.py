"""What a replica yields: rates with prefill and decode interleaved, replicas for the traffic, cost and energy."""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

SARATHI = "Agrawal et al. 2024 (Sarathi-Serve), section 3, time share of prefill and decode"
LEVIATHAN = "Leviathan, Kalman and Matias 2023"
SPLITWISE = "Patel et al. 2024 (Splitwise), section 4"


@equation(
    symbol="X",
    unit="request/s",
    source=SARATHI,
    symbols={"batch": "b", "prefill": "T_p", "step": "T_s", "output": "o"},
    valid="batch > 0 and output > 0",
)
def replica_rate(batch, prefill, step, output):
    """Requests a second that a replica completes at a decode batch.

    batch: sequences that decode; prefill: engine time of one prompt [s]; step: time of a decode step [s];
    output: tokens of a request [token]. A request takes its prefill and its share of the decode steps.
    """
    return 1 / (prefill + output * step / batch)


@equation(
    symbol="T_out",
    unit="s/token",
    source=f"{SARATHI}; Little 1961",
    symbols={"batch": "b", "prefill": "T_p", "step": "T_s", "output": "o"},
    valid="output > 0",
)
def time_per_output_token(batch, prefill, step, output):
    """Time per output token, stretched by the prefills of others.

    batch: sequences that decode; prefill: engine time of one prompt [s]; step: time of a decode step [s];
    output: tokens of a request [token]. Little's law: the batch over the rate of tokens.
    """
    return step + batch * prefill / output


@equation(symbol="T_hold", unit="s", source="definition", symbols={"output": "o", "per_token": "T_out"})
def decode_time(output, per_token):
    """Time that a request holds its slot of the batch.

    output: tokens of a request [token]; per_token: time of each [s/token].
    """
    return output * per_token


@equation(symbol="X_tok", unit="token/s", source="definition", symbols={"rate": "X", "tokens": "o"})
def token_rate(rate, tokens):
    """Output tokens a second.

    rate: requests a second [request/s]; tokens: output of a request [token].
    """
    return rate * tokens


@equation(symbol="X_user", unit="token/s", source="definition", symbols={"time": "T_out"})
def user_token_rate(time):
    """Tokens a second that one user sees.

    time: per output token [s/token].
    """
    return 1 / time


@equation(
    symbol="T_res",
    unit="s",
    source="definition",
    symbols={"first": "T_first", "output": "o", "per_token": "T_out"},
)
def request_latency(first, output, per_token):
    """Time from a request to its last token.

    first: time to the first token [s]; output: tokens of a request [token]; per_token: time of each [s/token].
    """
    return first + (output - 1) * per_token


@equation(
    symbol="n_rep",
    unit="1",
    source="capacity over peak rate, rounded up",
    symbols={"peak": "lambda_peak", "rate": "X", "target": "u"},
    valid="rate > 0 and target > 0 and target <= 1",
)
def replicas_needed(peak, rate, target):
    """Replicas that carry the peak traffic.

    peak: rate of requests [request/s]; rate: that one replica completes [request/s]; target: share of it to be used
    [fraction].
    """
    return np.ceil(peak / (rate * target))


@equation(symbol="lambda_rep", unit="request/s", source="even split", symbols={"rate": "lambda", "replicas": "n_rep"})
def rate_per_replica(rate, replicas):
    """Requests a second that reach one replica.

    rate: of all traffic [request/s]; replicas: that share it evenly.
    """
    return rate / replicas


@equation(
    symbol="c_M",
    unit="USD",
    source="definition",
    symbols={"price": "p", "accelerators": "n", "rate": "X_tok"},
    valid="rate > 0",
)
def cost_per_million_tokens(price, accelerators, rate):
    """Cost of a million output tokens.

    price: of one accelerator and second [USD/s]; accelerators: paid for; rate: output tokens a second [token/s].
    """
    return price * accelerators / rate * 10**6


@equation(
    symbol="e_M",
    unit="J",
    source="definition",
    symbols={"power": "P", "accelerators": "n", "rate": "X_tok"},
    valid="rate > 0",
)
def energy_per_million_tokens(power, accelerators, rate):
    """Energy of a million output tokens.

    power: of one accelerator with its share of the node [W]; accelerators: at work; rate: output tokens a second
    [token/s].
    """
    return power * accelerators / rate * 10**6


@equation(
    symbol="X_p",
    unit="request/s",
    source=SPLITWISE,
    symbols={"prefill": "T_p"},
    valid="prefill > 0",
)
def prefill_worker_rate(prefill):
    """Requests a second that a worker of prefill only completes.

    prefill: time of one prompt [s].
    """
    return 1 / prefill


@equation(
    symbol="X_d",
    unit="request/s",
    source=SPLITWISE,
    symbols={"batch": "b", "step": "T_s", "output": "o"},
    valid="step > 0",
)
def decode_worker_rate(batch, step, output):
    """Requests a second that a worker of decode only completes.

    batch: sequences that decode; step: time of a decode step [s]; output: tokens of a request [token].
    """
    return batch / (output * step)


@equation(
    symbol="T_kv",
    unit="s",
    source=SPLITWISE,
    symbols={"cache": "K_seq", "bandwidth": "B_net", "efficiency": "eta_net"},
)
def cache_transfer_time(cache, bandwidth, efficiency):
    """Time to hand a prompt's cache from prefill to decode.

    cache: of the prompt [byte]; bandwidth: between the two workers [byte/s]; efficiency: attained share of it
    [fraction]. Not overlapped with prefill.
    """
    return cache / (bandwidth * efficiency)


@equation(
    symbol="tau",
    unit="token",
    source=f"{LEVIATHAN}, equation 1",
    symbols={"acceptance": "alpha", "draft": "gamma"},
    valid="acceptance >= 0 and acceptance < 1",
)
def speculative_tokens(acceptance, draft):
    """Tokens that one verified step yields.

    acceptance: probability that a drafted token is kept [fraction]; draft: tokens drafted a step [token].
    """
    return (1 - acceptance ** (draft + 1)) / (1 - acceptance)


@equation(
    symbol="S",
    unit="1",
    source=f"{LEVIATHAN}, theorem 3.8",
    symbols={"tokens": "tau", "draft": "gamma", "cost": "c"},
)
def speculative_speedup(tokens, draft, cost):
    """Speed-up of decode by speculation.

    tokens: that one verified step yields [token]; draft: tokens drafted a step [token]; cost: time of a draft step
    over that of a step of the model. Valid while decode is bound by memory (small batches).
    """
    return tokens / (draft * cost + 1)
