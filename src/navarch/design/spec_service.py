"""Sections of the design file about what is served, operated, protected and paid: serving to cost."""

from __future__ import annotations

from typing import Literal

from navarch.design.spec_types import (
    Carbon,
    Count,
    CountOrNone,
    Duration,
    FromOne,
    Identifier,
    Increase,
    Latency,
    MeanTokens,
    Money,
    MoneyRate,
    Number,
    OpenShare,
    Pause,
    People,
    Price,
    RequestRate,
    Section,
    Share,
    Temperature,
    optional,
)

ServingPrecision = Literal["bf16", "fp16", "fp8", "fp4", "int8", "int4"]
CachePrecision = Literal["bf16", "fp16", "fp8", "int8"]


class Serving(Section):
    """The service: traffic, lengths, promises, and the machines that keep them."""

    model: Identifier | None = optional("Model served", "A model of the catalog; left out, the one that is trained.")
    requests: RequestRate | None = optional("Traffic", "Requests, averaged over a day.")
    peak_to_mean: FromOne | None = optional(
        "Peak to mean", "Traffic at the peak over the mean traffic.", examples=["2"]
    )
    concurrent_requests: Count | None = optional(
        "Concurrent requests",
        "Requests in progress at once that memory must hold, in place of the number that follows from the traffic.",
        examples=["100"],
    )
    prompt_tokens: MeanTokens | None = optional("Prompt", "Mean number of tokens of a prompt.")
    output_tokens: MeanTokens | None = optional("Output", "Mean number of tokens of an answer.", examples=["300"])
    cached_prompt_share: Share | None = optional(
        "Cached prompt", "Share of the prompt's tokens found in the prefix cache."
    )
    ttft: Latency | None = optional("Time to first token, p99", "Promise for 99 % of the requests: a constraint.")
    time_per_output_token: Latency | None = optional(
        "Time per output token, p99", "Promise for 99 % of the requests: a constraint.", examples=["50 ms"]
    )
    availability: OpenShare | None = optional(
        "Availability", "Share of the time that the service answers.", examples=["99.95 %"]
    )
    node: Identifier | None = optional("Node", "A node of the catalog; left out, the cluster's.", examples=["dgx-b200"])
    precision: ServingPrecision | None = optional("Precision", "Number format of the weights.")
    kv_precision: CachePrecision | None = optional("Cache precision", "Number format of the key-value cache.")
    tensor: Count | None = optional("Tensor parallel", "Accelerators of one replica that share each matrix product.")
    batch: Count | None = optional("Largest batch", "Most sequences that one replica decodes at once.", examples=["64"])
    replicas: Count | None = optional("Replicas", "How many copies of the model serve.", examples=["120"])
    users_regions: dict[Identifier, Share] | None = optional(
        "Users' regions",
        "Where the users are: region of the catalog to its share of the requests; shares sum to 1.",
        examples=["{grid-us: 0.5, grid-de: 0.3, grid-in: 0.2}"],
    )
    duration: Duration | None = optional("Duration", "How long the service is planned to run.", examples=["1 year"])


class Edge(Section):
    """What runs on the users' own devices."""

    device: Identifier | None = optional("Device", "An accelerator of the catalog.", examples=["jetson-agx-orin-64gb"])
    model: Identifier | None = optional("Model on the device", "A model of the catalog.", examples=["llama3.2-1b"])
    precision: ServingPrecision | None = optional("Precision", "Number format of the weights on the device.")
    ambient: Temperature | None = optional("Ambient temperature", "Temperature of the air around the device.")
    share: Share | None = optional("Share", "Share of the requests answered on the devices.")
    requests_per_device: RequestRate | None = optional(
        "Requests a device", "Requests that one device answers.", examples=["40 requests/day"]
    )
    network_latency: Pause | None = optional(
        "Network latency", "Round trip between a device and the nearest region.", examples=["60 ms"]
    )
    latency_limit: Latency | None = optional(
        "Latency limit", "Longest acceptable time for a whole answer.", examples=["10 s"]
    )


class Operations(Section):
    """How the service is watched and changed."""

    slo: OpenShare | None = optional("Objective", "Share of the requests that must be good.", examples=["99.9 %"])
    window: Duration | None = optional("Window", "Period over which the objective is counted.", examples=["30 days"])
    canary_baseline: OpenShare | None = optional(
        "Canary baseline", "Share of bad requests before a change.", examples=["0.1 %"]
    )
    canary_increase: Increase | None = optional(
        "Detectable increase", "Relative increase of bad requests that a canary must find."
    )
    canary_share: OpenShare | None = optional("Canary share", "Share of the traffic sent to a canary.")
    confidence: OpenShare | None = optional("Confidence", "One minus the share of false alarms.", examples=["95 %"])
    detection_power: OpenShare | None = optional("Power", "Share of real increases that are found.", examples=["80 %"])
    rollback_time: Pause | None = optional("Rollback time", "From finding a bad change until it is gone.")


class Privacy(Section):
    """Differentially private training."""

    method: Literal["none", "per-sample", "ghost"] | None = optional(
        "Method", "How each sequence's gradient is clipped: kept one by one, or by its norm only (ghost clipping)."
    )
    epsilon: Number | None = optional("Epsilon", "Privacy loss that training may spend.", examples=["8"])
    delta: OpenShare | None = optional("Delta", "Probability that the loss is larger.", examples=["1e-9"])
    noise_multiplier: Number | None = optional(
        "Noise multiplier",
        "Standard deviation of the noise over the clipping norm, in place of epsilon.",
        examples=["0.6"],
    )
    records: Count | None = optional(
        "Records", "Protected records in the data, in place of the number of sequences.", examples=["1e9"]
    )


class Robustness(Section):
    """Training and serving against hostile or noisy inputs."""

    adversarial_steps: CountOrNone | None = optional(
        "Adversarial steps", "Steps of the attack on each training batch; 0 is ordinary training.", examples=["3"]
    )
    adversarial_share: Share | None = optional("Adversarial share", "Share of the training batches that are attacked.")
    smoothing_samples: CountOrNone | None = optional(
        "Smoothing samples", "Noisy copies of each request whose answers vote; 0 is none.", examples=["100"]
    )
    smoothing_noise: Number | None = optional(
        "Smoothing noise", "Standard deviation of the noise on the input.", examples=["0.25"]
    )
    target_radius: Number | None = optional(
        "Target radius", "Change of the input that must not change the answer.", examples=["0.5"]
    )
    overhead_limit: Number | None = optional(
        "Overhead limit", "Largest factor by which protection may multiply the compute.", examples=["4"]
    )


class CarbonBudget(Section):
    """What may be emitted."""

    budget: Carbon | None = optional("Budget", "Emissions of the whole design over the horizon: a constraint.")
    embodied: bool | None = optional("Embodied", "Whether the making of the hardware counts against the budget.")
    lifetime: Duration | None = optional(
        "Hardware lifetime", "Time over which the making of the hardware is shared out.", examples=["5 years"]
    )
    clean_share: Share | None = optional(
        "Clean share", "Share of the energy matched hour by hour by carbon-free supply."
    )


class Cost(Section):
    """What may be spent, and the assumptions behind the cost."""

    budget: Money | None = optional("Budget", "Total cost over the horizon: a constraint.")
    horizon: Duration | None = optional("Horizon", "Period that the cost covers.", examples=["3 years"])
    ownership: Literal["own", "cloud"] | None = optional("Ownership", "Whether the machines are bought or rented.")
    discount_rate: Share | None = optional(
        "Discount rate", "By how much a year a later payment counts less.", examples=["8 %"]
    )
    node_price: Price | None = optional("Node price", "Price of one node, in place of the catalog's.")
    accelerator_rent: MoneyRate | None = optional(
        "Accelerator rent", "Rent of one accelerator, in place of the catalog's."
    )
    staff: People | None = optional("Staff", "People who run the fleet, in full-time equivalents.")
    staff_cost: MoneyRate | None = optional("Staff cost", "Cost of one of them.", examples=["250000 USD/year"])
    maintenance: Share | None = optional(
        "Maintenance", "Share of the purchase price spent on upkeep each year.", examples=["4 %"]
    )
    residual: Share | None = optional("Residual value", "Share of the purchase price left at the end of the horizon.")
