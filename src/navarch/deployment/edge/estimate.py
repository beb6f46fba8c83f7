"""A device at the edge: heat, the rate it sustains, energy, and the comparison with the cloud."""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

THERMAL = "Incropera and DeWitt 2007, section 3.1.3 (thermal resistance)"
LUMPED = "Incropera and DeWitt 2007, section 5.1 (lumped capacitance)"
ROOFLINE = "Williams, Waterman and Patterson 2009 (Roofline)"
NEUROSURGEON = "Kang et al. 2017 (Neurosurgeon), section 4"


@equation(symbol="T_j", unit="degC", source=THERMAL, symbols={"ambient": "T_amb", "power": "P", "resistance": "R_th"})
def junction_temperature(ambient, power, resistance):
    """Steady temperature of the chip.

    ambient: air around the device [degC]; power: dissipated [W]; resistance: from chip to air [K/W].
    """
    return ambient + power * resistance


@equation(
    symbol="P_sus",
    unit="W",
    source=THERMAL,
    symbols={"limit": "T_lim", "ambient": "T_amb", "resistance": "R_th"},
    valid="limit > ambient",
)
def sustained_power(limit, ambient, resistance):
    """Power that the cooling carries away at the temperature limit.

    limit: temperature at which the device throttles [degC]; ambient: air around the device [degC]; resistance: from
    chip to air [K/W]. Zero where the air is hotter than the limit.
    """
    return np.maximum(limit - ambient, 0) / resistance


@equation(symbol="tau", unit="s", source=LUMPED, symbols={"resistance": "R_th", "capacity": "C_th"})
def time_constant(resistance, capacity):
    """Time constant of warming.

    resistance: from chip to air [K/W]; capacity: heat capacity of device and cooler [J/K].
    """
    return resistance * capacity


@equation(
    symbol="T_j",
    unit="degC",
    source=LUMPED,
    symbols={"ambient": "T_amb", "power": "P", "resistance": "R_th", "elapsed": "t", "constant": "tau"},
)
def temperature_after(ambient, power, resistance, elapsed, constant):
    """Temperature of the chip some time after a start at ambient.

    ambient: air around the device [degC]; power: dissipated, constant [W]; resistance: from chip to air [K/W];
    elapsed: since the start [s]; constant: time constant [s]. One lumped mass.
    """
    return ambient + power * resistance * (1 - np.exp(-elapsed / constant))


@equation(
    symbol="t_thr",
    unit="s",
    source=LUMPED,
    symbols={"limit": "T_lim", "ambient": "T_amb", "power": "P", "resistance": "R_th", "constant": "tau"},
    valid="limit >= ambient",
)
def time_to_throttle(limit, ambient, power, resistance, constant):
    """Time from a start at ambient to the temperature limit.

    limit: temperature at which the device throttles [degC]; ambient: air around the device [degC]; power: dissipated,
    constant [W]; resistance: from chip to air [K/W]; constant: time constant [s]. Infinite where the limit is never
    reached.
    """
    rise = power * resistance
    return constant * np.log(rise / np.maximum(rise - (limit - ambient), 0))


@equation(
    symbol="s_f",
    unit="fraction",
    source="Mudge 2001, IEEE Computer 34(4), equations 1 and 2 (power over frequency and voltage)",
    symbols={"power": "P", "rated": "P_max", "static": "phi", "exponent": "gamma"},
    valid="rated > 0 and static < 1",
)
def clock_share(power, rated, static, exponent):
    """Share of the full clock that a power allows.

    power: allowed [W]; rated: at the full clock [W]; static: share of it that does not depend on the clock
    [fraction]; exponent: of the clock in the rest.
    """
    return np.clip((power / rated - static) / (1 - static), 0, 1) ** (1 / exponent)


@equation(
    symbol="B_token",
    unit="byte/token",
    source=ROOFLINE,
    symbols={"active": "P_a", "element": "b_w", "per_token": "k_token", "context": "c"},
)
def bytes_per_token(active, element, per_token, context):
    """Bytes read to decode one token for one user.

    active: parameters that a token meets [parameter]; element: bytes of one weight [byte]; per_token: cache of one
    token [byte/token]; context: tokens held [token].
    """
    return active * element + per_token * context


@equation(
    symbol="M_need",
    unit="byte",
    source="sum of the parts",
    symbols={"parameters": "P", "element": "b_w", "per_token": "k_token", "context": "c"},
)
def memory_needed(parameters, element, per_token, context):
    """Memory that the model needs on the device.

    parameters: of the model [parameter]; element: bytes of one weight [byte]; per_token: cache of one token
    [byte/token]; context: longest held [token].
    """
    return parameters * element + per_token * context


@equation(symbol="M_use", unit="byte", source="definition", symbols={"memory": "M", "usable": "u"})
def usable_memory(memory, usable):
    """Memory that a model may take on the device.

    memory: of the device [byte]; usable: share that system and applications leave [fraction].
    """
    return memory * usable


@equation(
    symbol="X_mem",
    unit="token/s",
    source=ROOFLINE,
    symbols={"bandwidth": "beta", "efficiency": "eta_m", "per_token": "B_token"},
    valid="per_token > 0",
)
def memory_bound_rate(bandwidth, efficiency, per_token):
    """Decode rate that memory allows.

    bandwidth: of the device's memory [byte/s]; efficiency: attained share of it [fraction]; per_token: bytes read for
    one token [byte/token]. Valid for one user at a time.
    """
    return bandwidth * efficiency / per_token


@equation(
    symbol="X_flop",
    unit="token/s",
    source=f"{ROOFLINE}; Kaplan et al. 2020, section 2.1 (2 FLOP a parameter and token)",
    symbols={"peak": "R", "efficiency": "eta_c", "share": "s_f", "active": "P_a"},
    valid="active > 0",
)
def compute_bound_rate(peak, efficiency, share, active):
    """Token rate that arithmetic allows.

    peak: rate of the device at the full clock [FLOP/s]; efficiency: attained share of it [fraction]; share: of the
    full clock that heat allows [fraction]; active: parameters that a token meets [parameter].
    """
    return peak * efficiency * share / (2 * active)


@equation(
    symbol="X_sus",
    unit="token/s",
    source=ROOFLINE,
    symbols={"memory": "X_mem", "arithmetic": "X_flop"},
)
def sustained_token_rate(memory, arithmetic):
    """Decode rate that the device sustains.

    memory: rate that memory allows [token/s]; arithmetic: rate that arithmetic allows within the heat limit
    [token/s].
    """
    return np.minimum(memory, arithmetic)


@equation(symbol="e_token", unit="J/token", source="definition", symbols={"power": "P", "rate": "X"}, valid="rate > 0")
def energy_per_token(power, rate):
    """Energy of a token on the device.

    power: of the device while it works [W]; rate: tokens a second [token/s].
    """
    return power / rate


@equation(
    symbol="T_dev",
    unit="s",
    source="sum of prefill and decode",
    symbols={"prompt": "s", "output": "o", "prefill_rate": "X_p", "rate": "X"},
    valid="prefill_rate > 0 and rate > 0",
)
def device_latency(prompt, output, prefill_rate, rate):
    """Time of a request on the device.

    prompt: of a request [token]; output: of a request [token]; prefill_rate: prompt tokens a second [token/s]; rate:
    output tokens a second [token/s].
    """
    return prompt / prefill_rate + output / rate


@equation(
    symbol="T_cloud",
    unit="s",
    source="sum of the parts",
    symbols={"round_trip": "T_rtt", "upload": "T_up", "first": "T_first", "output": "o", "per_token": "T_out"},
)
def cloud_latency(round_trip, upload, first, output, per_token):
    """Time of a request in the cloud, seen from the device.

    round_trip: to the region [s]; upload: of the prompt [s]; first: time to the first token [s]; output: of a request
    [token]; per_token: time of each further token [s/token].
    """
    return round_trip + upload + first + (output - 1) * per_token


@equation(
    symbol="Q",
    unit="byte",
    source="sum of the parts",
    symbols={"fixed": "q_0", "per_token": "q_token", "prompt": "s", "output": "o", "streamed": "q_s"},
)
def request_bytes(fixed, per_token, prompt, output, streamed):
    """Bytes on the network for one request in the cloud.

    fixed: headers and hand-shake [byte]; per_token: of text [byte/token]; prompt: of a request [token]; output: of a
    request [token]; streamed: framing of one streamed token [byte/token].
    """
    return fixed + per_token * (prompt + output) + streamed * output


@equation(
    symbol="T_up",
    unit="s",
    source="definition",
    symbols={"sent": "q", "uplink": "B_up"},
    valid="uplink > 0",
)
def upload_time(sent, uplink):
    """Time to send bytes from the device.

    sent: from the device [byte]; uplink: bandwidth from device to cloud [byte/s].
    """
    return sent / uplink


@equation(symbol="q", unit="byte", source="definition", symbols={"prompt": "s", "per_token": "q_token"})
def prompt_bytes(prompt, per_token):
    """Bytes of a prompt's text.

    prompt: of a request [token]; per_token: of text [byte/token].
    """
    return prompt * per_token


@equation(
    symbol="E_dev",
    unit="J",
    source="definition",
    symbols={"power": "P", "latency": "T_dev"},
)
def device_energy(power, latency):
    """Energy of a request on the device.

    power: of the device while it works [W]; latency: of the request [s].
    """
    return power * latency


@equation(
    symbol="E_cloud",
    unit="J",
    source="sum of accelerators (with facility), network and waiting device",
    symbols={
        "per_token": "e_token",
        "output": "o",
        "pue": "PUE",
        "sent": "Q",
        "intensity": "e_net",
        "idle": "P_idle",
        "latency": "T_cloud",
    },
    valid="pue >= 1",
)
def cloud_energy(per_token, output, pue, sent, intensity, idle, latency):
    """Energy of a request in the cloud.

    per_token: energy of an output token at the accelerators, prefill included [J/token]; output: of a request
    [token]; pue: facility over IT energy; sent: bytes on the network [byte]; intensity: energy of the network for a
    byte [J/byte]; idle: power of the device while it waits [W]; latency: of the request [s].
    """
    return per_token * output * pue + sent * intensity + idle * latency


@equation(
    symbol="t_bat",
    unit="s",
    source="definition",
    symbols={"capacity": "E_bat", "idle": "P_idle", "active": "P", "duty": "d"},
    valid="duty >= 0 and duty <= 1",
)
def battery_life(capacity, idle, active, duty):
    """Time that the battery lasts.

    capacity: of the battery [J]; idle: power without inference [W]; active: power with inference [W]; duty: share of
    time with inference [fraction].
    """
    return capacity / (idle * (1 - duty) + active * duty)


@equation(
    symbol="q_act",
    unit="byte",
    source=NEUROSURGEON,
    symbols={"tokens": "s", "hidden": "h", "element": "b_a"},
)
def activation_bytes(tokens, hidden, element):
    """Bytes of the activations between two layers.

    tokens: of the prompt [token]; hidden: model width; element: bytes of one activation [byte].
    """
    return tokens * hidden * element


@equation(
    symbol="T_split",
    unit="s",
    source=NEUROSURGEON,
    symbols={
        "device": "T_d",
        "cloud": "T_c",
        "layer": "k",
        "layers": "L",
        "activations": "q_act",
        "input_bytes": "q_in",
        "uplink": "B_up",
        "round_trip": "T_rtt",
    },
    valid="layer >= 0 and layer <= layers",
)
def split_latency(device, cloud, layer, layers, activations, input_bytes, uplink, round_trip):
    """Time of a forward pass split between device and cloud.

    device: time of the whole pass on the device [s]; cloud: time of the whole pass in the cloud [s]; layer: layers
    that the device runs; layers: of the model; activations: after a layer [byte]; input_bytes: of the input, sent
    where the device runs no layer [byte]; uplink: bandwidth from device to cloud [byte/s]; round_trip: to the region
    [s]. Layers are taken as equal; nothing is sent where the device runs all.
    """
    sent = np.where(layer > 0, activations, input_bytes)
    away = np.where(layer < layers, sent / uplink + round_trip, 0)
    return device * layer / layers + away + cloud * (1 - layer / layers)


@equation(
    symbol="lambda_c",
    unit="request/s",
    source="definition",
    symbols={"rate": "lambda", "kept": "f_edge"},
    valid="kept >= 0 and kept <= 1",
)
def cloud_rate(rate, kept):
    """Requests a second that reach the cloud.

    rate: of all requests [request/s]; kept: share answered on devices [fraction].
    """
    return rate * (1 - kept)


@equation(
    symbol="B_saved",
    unit="byte/s",
    source="definition",
    symbols={"rate": "lambda", "kept": "f_edge", "sent": "Q"},
    valid="kept >= 0 and kept <= 1",
)
def traffic_saved(rate, kept, sent):
    """Network traffic that answers on devices save.

    rate: of all requests [request/s]; kept: share answered on devices [fraction]; sent: bytes of a request in the
    cloud [byte].
    """
    return rate * kept * sent


@equation(
    symbol="x_mix",
    unit=None,
    source="weighted mean",
    symbols={"device": "x_d", "cloud": "x_c", "kept": "f_edge"},
    valid="kept >= 0 and kept <= 1",
)
def mixed(device, cloud, kept):
    """Mean over requests on devices and in the cloud.

    device: of a request on the device; cloud: of a request in the cloud; kept: share answered on devices [fraction].
    """
    return kept * device + (1 - kept) * cloud
