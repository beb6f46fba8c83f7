"""Sections of the design file about what is trained, where, on what and how: workload to orchestration."""

from __future__ import annotations

from typing import Literal

from navarch.design.spec_types import (
    Bandwidth,
    Bytes,
    BytesPerToken,
    Computation,
    Count,
    CountOrNone,
    Duration,
    EnergyPrice,
    FailureRate,
    FromOne,
    GridIntensity,
    Identifier,
    OpenShare,
    Pause,
    Power,
    Section,
    Share,
    Stage,
    TokenCount,
    Tokens,
    WaterIntensity,
    optional,
    required,
)

Precision = Literal["bf16", "fp16", "fp8"]


class Workload(Section):
    """What is trained: the model, how much of it, and by when."""

    model: Identifier = required(
        "Model", "A model of the catalog, or the path of a Hugging Face config.json.", examples=["llama3.1-405b"]
    )
    tokens: Tokens | Literal["chinchilla"] | None = optional(
        "Training tokens", "Tokens to train on; `chinchilla` takes the compute-optimal number for the model."
    )
    compute: Computation | None = optional("Compute budget", "Training compute instead of tokens: give one of the two.")
    sequence_length: TokenCount | None = optional("Sequence length", "Tokens in one training sequence.")
    global_batch: Count | None = optional("Global batch", "Sequences in one optimiser step.", examples=["2048"])
    deadline: Duration | None = optional("Deadline", "Calendar time that training may take, interruptions included.")
    precision: Precision | None = optional("Precision", "Number format of the matrix products.")


class Site(Section):
    """Where the fleet stands. What is given here replaces the region's own value."""

    region: Identifier | None = optional("Region", "A region of the catalog.", examples=["grid-se1"])
    power_limit: Power | None = optional("Power limit", "Power that the site may draw, cooling included.")
    pue: FromOne | None = optional("PUE", "Power of the whole site over power of the computers.")
    electricity_price: EnergyPrice | None = optional("Electricity price", "Price of electrical energy at the meter.")
    grid_intensity: GridIntensity | None = optional("Grid intensity", "Emissions of one unit of electrical energy.")
    wue: WaterIntensity | None = optional(
        "Water use effectiveness", "Water used on site for one unit of computer energy."
    )


class Cluster(Section):
    """The training cluster: nodes, how many, and the fabric between them."""

    node: Identifier | None = optional("Node", "A node of the catalog.", examples=["dgx-h100"])
    nodes: Count | None = optional("Nodes", "How many nodes train; give this or accelerators.", examples=["2048"])
    accelerators: Count | None = optional(
        "Accelerators", "How many accelerators train; give this or nodes.", examples=["16384"]
    )
    topology: Literal["fat-tree", "rail-optimised", "torus", "dragonfly"] | None = optional(
        "Topology", "How the nodes are connected."
    )
    oversubscription: FromOne | None = optional(
        "Oversubscription",
        "Bandwidth into the leaf switches over bandwidth out of them; 1 is non-blocking.",
        examples=["1"],
    )
    routing: Literal["adaptive", "ecmp", "modulo"] | None = optional(
        "Routing", "How flows find their way: by load, by a hash, or by the number of the destination."
    )
    switch: Identifier | None = optional("Switch", "A switch of the catalog's fabrics.", examples=["qm9700"])
    link: Identifier | None = optional("Link", "A link of the catalog's fabrics.", examples=["ib-ndr"])


class Storage(Section):
    """Where the data and the checkpoints lie."""

    system: Identifier | None = optional("System", "A storage system of the catalog.", examples=["ddn-ai400x2"])
    units: Count | None = optional("Units", "How many of the system's unit of scale (appliance, server, drive).")
    bytes_per_token: BytesPerToken | None = optional("Bytes a token", "Bytes read from storage for one training token.")
    retained_checkpoints: Count | None = optional("Checkpoints kept", "How many checkpoints are kept at once.")
    read_bandwidth: Bandwidth | None = optional("Read bandwidth", "Measured read bandwidth, in place of the catalog's.")
    write_bandwidth: Bandwidth | None = optional(
        "Write bandwidth", "Measured write bandwidth, in place of the catalog's."
    )
    capacity: Bytes | None = optional("Capacity", "Usable capacity, in place of the catalog's.")
    dataset: Bytes | None = optional("Data set", "Size of the stored data set, in place of tokens times bytes a token.")
    starvation_limit: OpenShare | None = optional(
        "Starvation limit",
        "Largest share of the steps in which an accelerator may wait for its data.",
        examples=["1 %"],
    )
    cache_drives: CountOrNone | None = optional(
        "Cache drives", "Drives in each node that keep the data set; 0 is none.", examples=["0"]
    )
    cache_drive: Identifier | None = optional(
        "Cache drive", "A drive of the catalog's storage for the caches.", examples=["nvme-gen4"]
    )
    prefetch: Count | None = optional(
        "Prefetch", "Batches that the data loader of a replica may be ahead.", examples=["16"]
    )


class Parallelism(Section):
    """How one model is spread over the accelerators. What is left out is searched for."""

    tensor: Count | None = optional("Tensor parallel", "Accelerators that share each matrix product.", examples=["8"])
    pipeline: Count | None = optional("Pipeline parallel", "Stages that the layers are cut into.", examples=["16"])
    data: Count | None = optional("Data parallel", "Replicas of the model that train side by side.", examples=["128"])
    context: Count | None = optional("Context parallel", "Accelerators that share each sequence.", examples=["1"])
    expert: Count | None = optional(
        "Expert parallel", "Accelerators that share the experts of a layer.", examples=["8"]
    )
    virtual_stages: Count | None = optional(
        "Virtual stages", "Interleaved pipeline stages on each device.", examples=["4"]
    )
    microbatch: Count | None = optional("Microbatch", "Sequences in one microbatch of one replica.", examples=["1"])
    zero_stage: Stage | None = optional(
        "ZeRO stage", "What the data-parallel ranks share out: 1 optimiser, 2 and gradients, 3 and weights."
    )
    sequence_parallel: bool | None = optional(
        "Sequence parallel", "Share the activations between the tensor ranks outside of the matrix products."
    )
    recomputation: Literal["none", "selective", "full"] | None = optional(
        "Recomputation", "Activations that the backward pass computes again rather than keeps."
    )
    schedule: Literal["1f1b", "gpipe", "zero-bubble", "zero-bubble-2", "zero-bubble-v", "dualpipe"] | None = optional(
        "Pipeline schedule", "In what order a stage works; 1f1b is interleaved where there are virtual stages."
    )
    context_kind: Literal["ring", "ulysses"] | None = optional(
        "Context parallel by", "Keys and values passed around a ring, or heads exchanged for tokens (Ulysses)."
    )
    offload: Literal["none", "optimiser", "activations", "both"] | None = optional(
        "Offload", "What lies in the host's memory rather than the accelerator's."
    )
    forms: Literal["common", "all"] | None = optional(
        "Forms", "What is searched: the forms that all training software has, or every form that is modelled."
    )
    software: Literal["megatron-core", "megatron-bridge", "megatron-bridge-2026.06", "megatron-lm", "fsdp"] | None = (
        optional("Training software", "Whose measured efficiencies and overlaps are taken.", examples=["megatron-core"])
    )


class FaultTolerance(Section):
    """How often things break, and what is done about it."""

    failure_rate: FailureRate | None = optional(
        "Failure rate", "Failures of the job for each accelerator and unit of time."
    )
    failures: Identifier | None = optional(
        "Failures like", "A published failure record of the catalog, in place of a rate.", examples=["llama3-2024"]
    )
    checkpoint_interval: Duration | None = optional(
        "Checkpoint interval", "Useful work between two checkpoints.", examples=["30 min"]
    )
    checkpoint_mode: Literal["synchronous", "asynchronous"] | None = optional(
        "Checkpoint mode",
        "Whether training waits until the checkpoint is stored, or only until it is copied to the host.",
    )
    detection_time: Pause | None = optional("Detection time", "From a failure until it is noticed.")
    restart_time: Pause | None = optional("Restart time", "From noticing a failure until training runs again.")
    spares: CountOrNone | None = optional("Spare nodes", "Nodes kept ready to replace failed ones.")
    repair_time: Duration | None = optional(
        "Repair time", "From a node's failure until it can serve again.", examples=["3 days"]
    )
    spare_confidence: OpenShare | None = optional(
        "Spare confidence", "Share of the time for which the spares must suffice.", examples=["99 %"]
    )
    goodput: OpenShare | None = optional(
        "Goodput asked", "Least share of the time that must be useful training: a constraint.", examples=["90 %"]
    )


class Orchestration(Section):
    """Who decides what runs where, and what else runs on the cluster."""

    scheduler: Literal["slurm", "kubernetes"] | None = optional("Scheduler", "The system that places the jobs.")
    policy: Literal["fifo", "backfill", "fair-share", "priority", "gang"] | None = optional(
        "Policy", "In what order waiting jobs start."
    )
    other_load: Share | None = optional("Other load", "Share of the cluster's time asked for by other jobs.")
    target_utilisation: OpenShare | None = optional(
        "Target utilisation", "Share of the accelerators that should be busy.", examples=["85 %"]
    )
    mean_job_duration: Duration | None = optional("Mean job", "Mean duration of the other jobs.", examples=["6 h"])
    mean_job_accelerators: Count | None = optional("Mean job size", "Mean number of accelerators of the other jobs.")
    wait_limit: Duration | None = optional(
        "Wait limit", "Longest acceptable mean wait of a job in the queue.", examples=["1 h"]
    )
