"""A small, honest fleet to render: a real ledger with real equations, facts, fields and choices, and its document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from navarch.core.arithmetic import difference, largest_of, margin_below, product_of, ratio, share_of, sum_of
from navarch.core.ledger import Fact, Ledger, Value, equation
from navarch.core.uncertainty import propagate
from navarch.design import document as d
from navarch.design import figures
from navarch.design.evaluation.result import Alternative, Constraint, Curve, Decision, Evaluation
from navarch.fleet.fabric.clos_graph import leaf_spine
from navarch.fleet.fabric.graph import Network


@equation(
    symbol="C",
    unit="FLOP",
    source="Kaplan et al. 2020, section 2.1",
    url="https://arxiv.org/abs/2001.08361",
    symbols={"parameters": "N", "tokens": "D"},
)
def training_compute(parameters, tokens):
    """Training compute in the weights' matrix products.

    parameters: active in each token [parameter]; tokens: trained on [token].
    """
    return 6 * parameters * tokens


@equation(
    symbol="T_step",
    unit="s",
    source="Narayanan et al. 2021, section 2.2",
    symbols={"compute": "C", "steps": "n_steps", "devices": "n", "peak": "F_peak", "efficiency": "eta"},
    valid="efficiency <= 1",
)
def compute_time(compute, steps, devices, peak, efficiency):
    """Time of a step's compute.

    compute: of the whole run [FLOP]; steps: of the run; devices: accelerators; peak: of one [FLOP/s];
    efficiency: reached in matrix products [fraction].
    """
    return compute / steps / (devices * peak * efficiency)


@equation(
    symbol="beta",
    unit="fraction",
    source="Narayanan et al. 2021, section 2.2.2",
    symbols={"stages": "p", "virtual": "v", "microbatches": "m"},
    valid="microbatches >= stages",
)
def bubble_fraction(stages, virtual, microbatches):
    """Share of a step in which a pipeline waits to fill and drain.

    stages: pipeline stages; virtual: chunks a stage; microbatches: of one step.
    """
    return (stages - 1) / (virtual * microbatches + stages - 1)


@equation(
    symbol="M_job", unit="s", source="exponential, independent failures", symbols={"devices": "n", "rate": "lambda"}
)
def job_mttf(devices, rate):
    """Mean time to failure of the job.

    devices: accelerators; rate: of interruptions, each [1/s].
    """
    return 1 / (devices * rate)


@equation(
    symbol="tau_opt", unit="s", source="Daly 2006", symbols={"mttf": "M", "write": "delta"}, valid="write < 2 * mttf"
)
def checkpoint_interval(mttf, write):
    """Checkpoint interval that wastes least.

    mttf: of the job [s]; write: time that a checkpoint blocks [s].
    """
    step = np.sqrt(2 * write * mttf)
    return np.where(write < 2 * mttf, step * (1 + np.sqrt(write / (18 * mttf)) + write / (18 * mttf)) - write, mttf)


@equation(
    symbol="G",
    unit="fraction",
    source="Daly 2006, first order",
    symbols={"interval": "tau", "write": "delta", "mttf": "M", "restart": "R"},
)
def goodput(interval, write, mttf, restart):
    """Share of the time that makes progress.

    interval: between checkpoints [s]; write: blocks [s]; mttf: of the job [s]; restart: after a failure [s].
    """
    return 1 / (1 + write / interval) * (1 - (interval / 2 + restart) / mttf)


@equation(symbol="P", unit="W", source="sum over the site", symbols={"devices": "n", "each": "P_node", "pue": "PUE"})
def facility_power(devices, each, pue):
    """Power of the site.

    devices: accelerators; each: their share of the node's power [W]; pue: of the site.
    """
    return devices * each * pue


@equation(symbol="E", unit="J", source="definition", symbols={"power": "P", "duration": "T"})
def energy(power, duration):
    """Energy over a time.

    power: drawn [W]; duration: for which [s].
    """
    return power * duration


@equation(
    symbol="M_part",
    unit="byte",
    source="Rajbhandari et al. 2020, section 3",
    symbols={"parameters": "N", "width": "b", "tensor": "t", "stages": "p", "shards": "d"},
)
def sharded_memory(parameters, width, tensor, stages, shards):
    """Memory of one kind of model state on one device.

    parameters: of the model [parameter]; width: of the state a parameter [byte]; tensor: parallel ranks;
    stages: pipeline stages; shards: ranks over which the state is divided.
    """
    return parameters * width / (tensor * stages * shards)


@dataclass
class Numbers:
    """The quantities of the small fleet by name."""

    ledger: Ledger
    q: dict[str, Value]
    memory: list[tuple[str, Value]]
    step: list[tuple[str, Value]]
    cost: list[tuple[str, Value]]
    regions: list[tuple[str, Value, Value, Value]]


KWH, HOUR = 3.6e6, 3600
DATASHEET = ("NVIDIA H100 datasheet", "https://www.nvidia.com/h100", "datasheet")
LLAMA = ("Grattafiori et al. 2024, table 5", "https://arxiv.org/abs/2407.21783", "published")
REPORT = ("operator's report", "", "published")
PLAN = ("planning value", "", "estimate")

# key: value, unit, title, (source, address, kind), then the 80 % interval
FACTS = {
    "N": (405e9, "parameter", "Parameters of Llama 3.1 405B", LLAMA),
    "peak": (989.4e12, "FLOP/s", "Peak of H100 SXM in BF16, dense", DATASHEET),
    "hbm": (80e9, "byte", "Memory of H100 SXM", DATASHEET),
    "power": (1275, "W", "Power of an accelerator with its share of the node", DATASHEET, 1100, 1400),
    "eta": (0.52, "fraction", "Efficiency reached in matrix products", PLAN, 0.47, 0.56),
    "rate": (1.973e-5 / HOUR, "1/s", "Interruptions of one accelerator", LLAMA, 1.5e-5 / HOUR, 2.6e-5 / HOUR),
    "pue": (1.12, "1", "PUE of the site", REPORT, 1.08, 1.2),
    "grid": (34e-3 / KWH, "kgCO2e/J", "Grid intensity of Québec", REPORT, 25e-3 / KWH, 45e-3 / KWH),
    "gpu": (30_000, "USD", "Price of an H100 SXM in a node", PLAN, 25_000, 40_000),
    "restart": (600, "s", "Restart after an interruption", PLAN, 300, 1200),
    "write": (25, "s", "Time for which a checkpoint blocks", PLAN, 15, 40),
    "w2": (2, "byte", "Width of BF16", REPORT),
    "w12": (12, "byte", "Width of the optimiser's state", REPORT),
    "act": (21.4e9, "byte", "Activations of one stage", PLAN),
    "bubbleless": (0.52, "s", "Tensor communication of a step", PLAN, 0.4, 0.7),
    "pp": (0.11, "s", "Pipeline communication of a step", PLAN),
    "opt": (0.09, "s", "Optimiser's time of a step", PLAN),
    "embodied": (164, "kgCO2e", "Embodied carbon of an H100 with its share", PLAN),
}
FIELDS = {
    "D": ("workload.tokens", 15.6e12, "token", "Training tokens"),
    "n": ("cluster.accelerators", 16384, "1", "Accelerators"),
    "days": ("workload.deadline", 90 * 86400, "s", "Deadline of training"),
    "site": ("site.power", 30e6, "W", "Power of the site"),
    "budget": ("carbon.budget", 10.9e6, "kgCO2e", "Carbon budget"),
    "elec": ("cost.electricity", 0.08 / KWH, "USD/J", "Price of electricity", 0.05 / KWH, 0.14 / KWH),
    "life": ("cost.period", 3 * 365 * 86400, "s", "Period of the cost estimate"),
}
CHOICES = {
    "steps": ("training.steps", 950_000, "1", "Steps of the run", "tokens over the global batch"),
    "t": ("parallelism.tensor", 8, "1", "Tensor-parallel ranks", "one node"),
    "p": ("parallelism.pipeline", 16, "1", "Pipeline stages", "best of the strategies that fit"),
    "v": ("parallelism.virtual", 4, "1", "Virtual stages", "divides the layers"),
    "m": ("parallelism.microbatches", 16, "1", "Microbatches", "global batch over ranks"),
    "d": ("parallelism.data", 128, "1", "Data-parallel ranks", "what is left of the cluster"),
    "one": (
        "parallelism.unsharded",
        1,
        "1",
        "Ranks over which weights are divided",
        "ZeRO 1 divides the optimiser only",
    ),
}
REGIONS = (
    ("Québec", 1.0, 1.0, 0.024),
    ("Virginia", 0.97, 9.1, 0.038),
    ("Oregon", 1.02, 6.2, 0.071),
    ("Luleå", 1.05, 0.6, 0.096),
)


def fact(identifier: str, value: float, unit: str, title: str, origin=PLAN, low=None, high=None) -> Fact:
    source, url, kind = origin
    return Fact(identifier, value, unit, title, source, url, "2024-07", kind, low, high)


def _leaves(ledger: Ledger) -> dict[str, Value]:
    facts = {key: ledger.fact(fact(key, *given)) for key, given in FACTS.items()}
    fields = {key: ledger.field(*given) for key, given in FIELDS.items()}
    choices = {key: ledger.choice(*given) for key, given in CHOICES.items()}
    searched = ledger.observation(
        "Strategies considered", 4812640, "1", None, None, "navarch search", "all legal factorisations"
    )
    return {**facts, **fields, **choices, "count": searched}


def _region(ledger: Ledger, q: dict[str, Value], name: str, cost: float, carbon: float, latency: float):
    """A region's name, cost, carbon and latency."""
    dearer = ledger.fact(fact(f"{name}.cost", cost, "1", f"Cost in {name}, relative"))
    dirtier = ledger.fact(fact(f"{name}.carbon", carbon, "1", f"Carbon in {name}, relative"))
    return (
        name,
        product_of(q["tco"], dearer, unit="USD", title=f"Cost in {name}"),
        product_of(q["carbon"], dirtier, unit="kgCO2e", title=f"Carbon in {name}"),
        ledger.fact(fact(f"{name}.latency", latency, "s", f"Latency from {name}")),
    )


def numbers() -> Numbers:
    """The small fleet, calculated under a ledger."""
    with Ledger() as ledger:
        x = _leaves(ledger)
        q: dict[str, Value] = {"C": training_compute(x["N"], x["D"])}
        q["compute"] = compute_time(q["C"], x["steps"], x["n"], x["peak"], x["eta"])
        q["bubble"] = bubble_fraction(x["p"], x["v"], x["m"])
        q["waits"] = product_of(q["bubble"], q["compute"], unit="s", title="Time lost in the bubble", symbol="T_bubble")
        step = [
            ("compute", q["compute"]),
            ("pipeline bubble", q["waits"]),
            ("tensor communication", x["bubbleless"]),
            ("pipeline communication", x["pp"]),
            ("optimiser", x["opt"]),
        ]
        q["step"] = sum_of(*(v for _, v in step), title="Time of a step", symbol="T_step")
        q["mfu"] = share_of(
            ratio(q["C"], product_of(q["step"], x["steps"], unit="s", title="Time at work"), unit="FLOP/s"),
            product_of(x["n"], x["peak"], unit="FLOP/s", title="Peak of the cluster"),
            title="Model FLOP utilisation",
            symbol="MFU",
        )
        q["mttf"] = job_mttf(x["n"], x["rate"])
        q["interval"] = checkpoint_interval(q["mttf"], x["write"])
        q["goodput"] = goodput(q["interval"], x["write"], q["mttf"], x["restart"])
        q["train"] = ratio(
            product_of(q["step"], x["steps"], unit="s", title="Time at work"),
            q["goodput"],
            unit="s",
            title="Time to train",
            symbol="T_train",
        )
        q["power"] = facility_power(x["n"], x["power"], x["pue"])
        q["energy"] = energy(q["power"], q["train"])
        q["life_energy"] = energy(q["power"], x["life"])
        q["operational"] = product_of(
            q["life_energy"], x["grid"], unit="kgCO2e", title="Operational carbon", symbol="G_op"
        )
        q["embodied"] = product_of(x["n"], x["embodied"], unit="kgCO2e", title="Embodied carbon", symbol="G_emb")
        q["carbon"] = sum_of(q["operational"], q["embodied"], title="Carbon, three years", symbol="G")
        gpus = product_of(x["n"], x["gpu"], unit="USD", title="Cost of accelerators")
        bill = product_of(q["life_energy"], x["elec"], unit="USD", title="Cost of electricity")
        q["tco"] = sum_of(gpus, bill, title="Cost of ownership", symbol="TCO")
        memory = [
            ("weights", sharded_memory(x["N"], x["w2"], x["t"], x["p"], x["one"])),
            ("gradients", sharded_memory(x["N"], x["w2"], x["t"], x["p"], x["one"])),
            ("optimiser", sharded_memory(x["N"], x["w12"], x["t"], x["p"], x["d"])),
            ("activations", x["act"]),
        ]
        q["memory"] = sum_of(*(v for _, v in memory), title="Memory of one device", symbol="M_dev")
        q["largest"] = largest_of(*(v for _, v in memory), title="Largest part of the memory")
        q["slack"] = difference(x["days"], q["train"], title="Days in hand")
        for key, limit in (("train", "days"), ("power", "site"), ("carbon", "budget"), ("memory", "hbm")):
            q[f"margin.{key}"] = margin_below(x[limit], q[key], title=f"Margin of {key}")
        regions = [_region(ledger, q, *given) for given in REGIONS]
        for name in ("step", "mfu", "train", "goodput"):
            ledger.name(f"training.{name}", q[name])
    return Numbers(ledger, {**x, **q}, memory, step, [("accelerators", gpus), ("electricity", bill)], regions)


def evaluation(n: Numbers) -> Evaluation:
    """The same as an `Evaluation`."""
    q = n.q
    choice = Decision(
        "parallelism",
        "Parallelism",
        "TP 8 × PP 16 × DP 128",
        "navarch",
        considered=q["count"],
        alternatives=(
            Alternative(
                "TP 8 × PP 16 × DP 128", {"Step": q["step"], "MFU": q["mfu"], "Memory": q["memory"]}, chosen=True
            ),
            Alternative(
                "TP 8 × PP 8 × DP 256",
                {"Step": q["compute"], "MFU": q["eta"], "Memory": q["hbm"]},
                "memory over the limit by",
                lost_by=q["largest"],
            ),
            Alternative(
                "FSDP 1024 × TP 16",
                {"Step": q["interval"], "MFU": q["bubble"], "Memory": q["largest"]},
                "tensor traffic leaves the node",
            ),
        ),
    )
    fixed = Decision("faults", "Checkpoints", "two levels", "user")
    limits = (
        ("train", "days", "Deadline"),
        ("power", "site", "Site power"),
        ("memory", "hbm", "Memory of a device"),
        ("carbon", "budget", "Carbon, three years"),
    )
    constraints = tuple(Constraint(k, title, q[limit], q[k], q[f"margin.{k}"], k) for k, limit, title in limits)
    at = np.geomspace(120, 7200, 80)
    values = goodput.function(at, 25.0, float(q["mttf"]), 600.0)
    curve = Curve(
        "Goodput",
        "Checkpoint interval",
        "s",
        at,
        "Goodput",
        "fraction",
        values,
        q["interval"],
        q["interval"],
    )
    load = np.linspace(1, 95, 60)
    queue = Curve("Latency", "Load", "request/s", load, "Time to first token", "s", 0.2 / (1 - load / 100), None, None)
    return Evaluation(
        SimpleNamespace(seed=1),
        n.ledger,
        q,
        {"parallelism": choice, "faults": fixed},
        constraints,
        {"goodput": curve, "latency": queue},
        {},
        propagate(n.ledger, 2000, 1),
    )


def fabric() -> Network:
    """A small leaf-spine."""
    return leaf_spine(leaves=8, leaf_hosts=2, spines=4, uplinks=4)


def build(found: Evaluation, n: Numbers, name: str = "Frontier fleet", file: str = "frontier.yaml") -> d.Document:
    """The document of the small fleet."""
    q, say = n.q, d.say
    spread = found.uncertainty
    parallel = d.section(
        "parallelism",
        "Parallelism",
        d.decision_block(
            found.decisions["parallelism"],
            decision=say(
                "Tensor {t} × pipeline {p} × data {d}, interleaved {f} with {v} virtual stages, {z}.",
                t=q["t"],
                p=q["p"],
                d=q["d"],
                v=q["v"],
                f=d.Label("1F1B"),
                z=d.Label("ZeRO 1"),
            ),
            why=say(
                "One device's weights, gradients and optimiser shards need {need} of {have}. The pipeline's bubble is "
                "{bubble:.2} because {v} virtual stages divide it; a step takes {step:~}, which is an MFU of {mfu:~}. "
                "See {other}.",
                need=q["memory"],
                have=q["hbm"],
                bubble=q["bubble"],
                v=q["v"],
                step=q["step"],
                mfu=q["mfu"],
                other=d.Reference("faults"),
            ),
            sensitivity=say(
                "With the activations of {act} recomputed, {less} fewer stages fit.", act=q["act"], less=q["largest"]
            ),
            revisit=say(
                "memory per accelerator passes {m}, or measured MFU stays under {eta:.2} for a day.",
                m=q["hbm"],
                eta=q["mfu"],
            ),
        ),
        figures.memory_bar(n.memory, q["hbm"], "Memory of one device by part, against what it has."),
        figures.waterfall(n.step, q["step"], "Where a step goes."),
        d.bullets("Tensor parallelism stays inside the node.", say("Weights are held in {b}.", b=q["w2"])),
        summary=say("Tensor {t} × pipeline {p} × data {d}, {z}", t=q["t"], p=q["p"], d=q["d"], z=d.Label("ZeRO 1")),
    )
    faults = d.section(
        "faults",
        "Fault tolerance",
        d.decision_block(
            found.decisions["faults"],
            decision=say("A checkpoint every {i}.", i=q["interval"]),
            why=say("The job fails every {m:~}; {g:~} of the time makes progress.", m=q["mttf"], g=q["goodput"]),
        ),
        figures.goodput_curve(found.curves["goodput"], "Goodput against the checkpoint interval."),
        d.heading("What it rests on"),
        d.paragraph("Energy over the run is {e}; the site draws {p}.", e=q["energy"], p=q["power"]),
        d.table(
            ["Part", "Value"],
            [["Restart", q["restart"]], ["Write", q["write"]], ["Interval", q["interval"]]],
            "Times",
            total=[-1],
        ),
        summary=say("A checkpoint every {i}", i=q["interval"]),
    )
    topology = d.section(
        "topology",
        "Cluster topology",
        figures.topology(fabric(), "One pod of the fabric.", counts=[("accelerators", q["n"]), ("a node", q["t"])]),
        figures.latency_throughput(found.curves["latency"], "Latency against load.", limit=q["pp"]),
    )
    cost = d.section(
        "cost",
        "Cost, carbon and regions",
        figures.cost_breakdown(n.cost, "Cost by line.", total=q["tco"]),
        figures.carbon_breakdown(
            [("operational", [("electricity", q["operational"])]), ("embodied", [("accelerators", q["embodied"])])],
            "Carbon by kind.",
        ),
        figures.region_scatter(
            [(d.Label(r, "catalog"), c, g, r == "Québec") for r, c, g, _ in n.regions], "Regions by cost and carbon."
        ),
        figures.latency_by_region(
            [(d.Label(r, "catalog"), ms) for r, _, _, ms in n.regions], "Latency of users by region.", limit=q["pp"]
        ),
        d.remark("Costs are in the money of the day."),
        summary="Training in one region",
    )
    return d.Document(
        title=d.Label(name, "design file"),
        subtitle=say("Train a model of {N} on {D} in {days}", N=q["N"], D=q["D"], days=q["days"]),
        verdict=d.verdict(
            "missed",
            "**Feasible but for one constraint.** Training ends after {t} of {days}. **Missed:** the "
            "carbon budget, by {m:+.2}.",
            t=q["train"],
            days=q["days"],
            m=q["margin.carbon"],
        ),
        cards=(
            d.card("Time to train", q["train"], say("step {s} at MFU {m:.2}", s=q["step"], m=q["mfu"])),
            d.card("Goodput", q["goodput"], say("MTTF {m}, checkpoint every {i}", m=q["mttf"], i=q["interval"])),
            d.card("Cost of ownership", q["tco"]),
            d.card("Carbon", q["carbon"], say("budget {b} CO₂e", b=q["budget"])),
        ),
        constraints=d.constraint_lines(found.constraints),
        movers=figures.tornado(figures.swings(spread, q["tco"].entry), "What moves the cost most.", target="the cost"),
        sections=(topology, parallel, faults, cost),
        ledger=n.ledger,
        intervals=d.intervals_of(found),
        imprint=d.Imprint(file, 1, "0.1.0"),
    )


@pytest.fixture(scope="session")
def fleet() -> Numbers:
    return numbers()


@pytest.fixture(scope="session")
def document(fleet: Numbers) -> d.Document:
    return build(evaluation(fleet), fleet)


@pytest.fixture(scope="session")
def build_named(fleet: Numbers) -> Callable[[str, str], d.Document]:
    """A document of the small fleet under another name and file name."""
    return lambda name, file: build(evaluation(fleet), fleet, name, file)


VOID = {"meta", "link", "br", "input", "img", "wbr", "hr"}
FURNITURE = {"chrome", "label", "pop", "span", "i"}  # numbering, names, what is shown on pointing, and intervals


class Page(HTMLParser):
    """An HTML page as a test needs it: anchors, links, and the text that stands outside links and furniture."""

    def __init__(self, text: str):
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.loose: list[str] = []
        self.words: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.add(tag)
        self.attributes += attrs
        self.ids += [given["id"]] if given.get("id") else []
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        classes = set((given.get("class") or "").split())
        quiet = tag in {"head", "style", "svg", "footer", "nav"} or bool(classes & FURNITURE)
        quiet |= (tag == "a" and "n" in classes) or "appendix" in classes or "codes" in classes or "small" in classes
        if tag not in VOID:
            self._open.append((tag, quiet))

    def handle_endtag(self, tag):
        while self._open:
            opened, _ = self._open.pop()
            if opened == tag:
                return

    def handle_data(self, data):
        self.words.append(data)
        if not any(quiet for _, quiet in self._open):
            self.loose.append(data)


@pytest.fixture(scope="session")
def page_of() -> type[Page]:
    """Reads an HTML page as the tests need it."""
    return Page
