"""How published rows and people's own tables write accelerators, precisions, models and software, and what is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from navarch.distributed.training.shape import Recomputation
from navarch.validation.rows import UnpredictableError

if TYPE_CHECKING:
    from navarch.catalog import Catalog

PREFERRED_NODES = {
    "a100-sxm-80gb": "dgx-a100-640", "a100-sxm-40gb": "dgx-a100-320", "h100-sxm": "dgx-h100", "h200-sxm": "dgx-h200",
    "b200-sxm": "dgx-b200", "b300-sxm": "dgx-b300", "gb200": "gb200-nvl72", "gb300": "gb300-nvl72",
}  # fmt: skip
"""The node that an accelerator is taken to stand in; of others, the first of the catalog."""
STAND_INS = {"h800": ("h100-sxm", "hgx-h100-8"), "a800": ("a100-sxm-80gb", "hgx-a100-8")}
"""Accelerators with slower links than one of the catalog and else the same, with its node."""
WITHOUT_MEMORY = {"a100": "a100-sxm-80gb", "v100": "v100-sxm2-32gb", "a100-pcie": "a100-pcie-80gb"}
"""What is taken where a name leaves out which size of memory is meant."""
NEUTRAL = re.compile(
    r"\b(nvidia|amd|intel|google|aws|cloud|instinct|tesla|geforce|gpus?|dgx|hgx|superpod|tensor|core|hbm\d?e?|nvl72|"
    r"oam|sxm\d?|(?:8|4)x|x(?:8|4))\b"
)
"""Words in the name of an accelerator that tell no two of them apart."""
GIGABYTES = re.compile(r"-?\d+gb\b")

PRECISIONS = (
    ("fp4", "fp4"), ("mx", "fp8_block"), ("block", "fp8_block"), ("subchannel", "fp8_block"), ("fp8-sc", "fp8_block"),
    ("fp8", "fp8"), ("float8", "fp8"), ("fp16", "bf16"), ("float16", "bf16"), ("half", "bf16"), ("bf16", "bf16"),
)  # fmt: skip
"""What a written precision contains, and the precision of the products; the first that fits."""

STACKS = (
    ("megatron-deepspeed", "megatron-deepspeed"), ("neox", "megatron-deepspeed"), ("composer", "fsdp"),
    ("fsdp", "fsdp"), ("fairscale", "fsdp"), ("zero-3", "fsdp"), ("deepspeed", "fsdp"), ("titan", "fsdp"),
    ("lightning", "fsdp"), ("accelerate", "fsdp"), ("foundry", "fsdp"), ("bridge", "megatron-bridge"),
    ("nemo", "megatron-bridge"), ("core", "megatron-core"), ("0.14", "megatron-core"), ("megascale", "megatron-core"),
    ("meta", "megatron-core"), ("hai-llm", "megatron-core"), ("nanotron", "megatron-core"),
    ("megatron-lm", "megatron-lm"), ("megatron", "megatron-core"),
)  # fmt: skip
"""What a row's framework contains, and the software stack that it is taken for; the first that fits."""
UNKNOWN_STACK = "megatron-core"
FLASH_SINCE, FLASH_REPORTED = 2022, 2023
"""Year from which an accelerator, and a report of a run, is younger than Megatron-LM's unfused attention."""
YEAR = re.compile(r"20\d\d(?=\D|$)")
RELEASE = re.compile(r"bridge\D{0,3}(\d\d\.\d\d)", re.IGNORECASE)
GRAPHED = "26.06"
"""First release of Megatron-Bridge whose mixtures of experts run without waits for the host."""
REBOUND = 25
"""Day of February 2022 on which the cluster of the BLOOM sweep was mended, as the notes of its rows say."""
DAY = re.compile(r"^02-(\d\d)")

NOT_MODELLED = (
    (r"nemotron-?3(?!\d)|nemotron-?h(?![a-z])|(?<!\d-)nemotron-?nano", "Mamba-2 layers beside attention and experts"),
    (r"deepseek-?v4", "compressed sparse attention and hyper-connections"),
    (r"deepseek-?v3\.2", "sparse attention"),
    (r"qwen3-next|qwen3\.5", "linear attention (gated DeltaNet)"),
    (r"mamba|jamba|rwkv", "state-space layers"),
)
"""What the name of a model matches, and what of it the training model has no equations for."""
ASIDE = re.compile(r"\(.*?\)|-?truncated.*", re.IGNORECASE)
NEUTRAL_MODEL = re.compile(
    r"^(?:meta|nvidia|openai|mistralai|google|tiiuae)(?=llama|gpt|mi[sx]tral|gemma|falcon)"
    r"|(?<=[a-z\d])(?:instruct|chat|base|hf|it|pretrain(?:ed|ing)?|dropless|tokendrop|v0\.\d)$"
)
PIECES = re.compile(r"\d+(?:\.\d+)?|[a-z]+")
OTHER_NAMES = {"llama3-405b": "llama3.1-405b", "deepseekv3-671b": "deepseekv3", "deepseekr1-671b": "deepseekr1"}
"""Other ways to write the plain name of a model of the catalog."""


@dataclass(frozen=True)
class Place:
    """An accelerator and the node that it is taken to stand in; assumed: what of it was completed, in words."""

    accelerator: str
    node: Any
    assumed: tuple[str, ...] = ()


@lru_cache(maxsize=512)
def place_named(written: str, catalog: Catalog) -> Place:
    """The accelerator and node that a name means, or an UnpredictableError."""
    if not written:
        raise UnpredictableError("gpu is empty")
    if written.lower() in catalog.ids("node"):
        node = catalog.get("node", written.lower())
        return Place(node.accelerator, node)
    name = plain_accelerator(written)
    known = _accelerators(catalog)
    if name in STAND_INS or GIGABYTES.sub("", name) in STAND_INS:
        other, node = STAND_INS[name if name in STAND_INS else GIGABYTES.sub("", name)]
        return Place(other, catalog.get("node", node), (f"{written} taken for {other} with the links of the row",))
    if name in known:
        return _place(known[name], catalog)
    if name in WITHOUT_MEMORY:
        return _place(WITHOUT_MEMORY[name], catalog, (f"{written} taken for {WITHOUT_MEMORY[name]}",))
    sized = known.get(GIGABYTES.sub("", name))
    if sized is None:
        raise UnpredictableError(f'the catalog has no accelerator "{written[:40]}"')
    return _place(sized, catalog)


def _place(accelerator: str, catalog: Catalog, assumed: tuple[str, ...] = ()) -> Place:
    fitting = [n for n in catalog.ids("node") if catalog.get("node", n).accelerator == accelerator]
    if not fitting:
        raise UnpredictableError(f"the catalog has no node with the accelerator {accelerator}")
    return Place(accelerator, catalog.get("node", PREFERRED_NODES.get(accelerator, fitting[0])), assumed)


def plain_accelerator(written: str) -> str:
    """An accelerator's name without the words that tell none apart: `NVIDIA A100-SXM4-80GB` is `a100-80gb`."""
    spaced = re.sub(r"[\s_/,()+-]+", " ", written.lower())
    spaced = re.sub(r"(\d) ?gi?b\b", r"\1gb", spaced)
    spaced = re.sub(r"\btpu ?v?(\d)", r"tpu v\1", spaced)
    return "-".join(NEUTRAL.sub(" ", spaced).split())


@lru_cache(maxsize=8)
def _accelerators(catalog: Catalog) -> dict[str, str]:
    """Plain name -> id; where two ids come to one plain name, the first."""
    found: dict[str, str] = {}
    for identifier in catalog.ids("accelerator"):
        found.setdefault(plain_accelerator(identifier), identifier)
    return found | {identifier: identifier for identifier in catalog.ids("accelerator")}


def precision_named(written: str) -> str:
    """The precision of the products that a name means; empty is 16 bits."""
    lowered = re.sub(r"[\s_]+", "-", written.lower())
    if not lowered or lowered in ("bfloat16", "16", "16-mixed", "mixed", "amp"):
        return "bf16"
    for part, precision in PRECISIONS:
        if part in lowered:
            return precision
    raise UnpredictableError(f'the precision "{written[:40]}" is not one of bf16, fp16, fp8, mxfp8, nvfp4')


def stack_named(framework: str, model: str, notes: str, year: int, reported: str = "") -> tuple[str, tuple[str, ...]]:
    """The software stack that a row's words mean, and what was assumed; year: of the accelerator; reported: when."""
    lowered = re.sub(r"[\s_]+", "-", framework.lower())
    stack = next((stack for part, stack in STACKS if part in lowered), None)
    if stack is None:
        return UNKNOWN_STACK, (f"{framework or 'the software'} taken for Megatron-Core",)
    told = YEAR.match(reported)
    if stack == "megatron-lm" and (year >= FLASH_SINCE or (told and int(told.group()) >= FLASH_REPORTED)):
        return UNKNOWN_STACK, ("Megatron-LM taken for a recent one, with flash attention",)
    if stack == "megatron-bridge" and "tokendrop" in f"{model} {notes}".lower():
        return "megatron-bridge-capacity", ()
    day = DAY.match(notes)
    if stack == "megatron-deepspeed" and day and int(day.group(1)) < REBOUND:
        return "megatron-deepspeed-misbound", ()
    release = RELEASE.search(lowered)
    if stack == "megatron-bridge" and release and release.group(1) >= GRAPHED:
        return "megatron-bridge-2026.06", ()
    return stack, ()


def refuse_unmodelled(written: str) -> None:
    """An UnpredictableError where a model is known for parts that have no equations here."""
    name = re.sub(r"[\s_]+", "-", written.lower())
    for pattern, parts in NOT_MODELLED:
        if re.search(pattern, name):
            raise UnpredictableError(f'"{written[:40]}" has {parts}, which is not modelled')


def model_named(written: str, catalog: Catalog) -> str | None:
    """The id of the model of the catalog that a name means, or None."""
    known = _models(catalog)
    name = plain_model(written)
    name = OTHER_NAMES.get(name, name)
    if name in known:
        return known[name]
    longer = [identifier for other, identifier in known.items() if re.fullmatch(re.escape(name) + r"a\d+b", other)]
    return longer[0] if len(longer) == 1 else None


def plain_model(written: str) -> str:
    """A model's name without what differs between spellings: `meta-llama/Llama-3.1-8B-Instruct` is `llama3.1-8b`."""
    pieces = PIECES.findall(ASIDE.sub("", written.lower()).rpartition("/")[2])
    name = ""
    for piece in pieces:
        size = piece[:-2] if piece.endswith(".0") else piece
        name += f"-{size}" if name[-1:].isdigit() and size[0].isdigit() else size
    shorter = NEUTRAL_MODEL.sub("", name)
    while shorter != name:
        name, shorter = shorter, NEUTRAL_MODEL.sub("", shorter)
    return name


@lru_cache(maxsize=8)
def _models(catalog: Catalog) -> dict[str, str]:
    return {plain_model(name): name for name in catalog.ids("model")}


def zero_stage_named(written: str) -> int | None:
    """The stage of ZeRO that a cell means; None where it is empty or not understood."""
    lowered = written.lower()
    if not lowered:
        return None
    if "no-reshard" in lowered:
        return 1
    if any(word in lowered for word in ("fsdp", "full_shard", "full-shard", "hybrid", "hsdp")):
        return 3
    if "grad_op" in lowered:
        return 2
    stage = re.search(r"(?<![\d.])([0-3])(?:\.0)?(?!\d)", lowered)
    if stage:
        return int(stage.group(1))
    if "dist" in lowered:
        return 1
    return 0 if lowered in ("no", "none", "false", "off", "ddp") else None


def is_yes(written: str) -> bool | None:
    """Whether a cell says yes or no; None where it says neither."""
    lowered = written.lower()
    if lowered in ("yes", "y", "true", "1", "1.0", "on", "enabled"):
        return True
    return False if lowered in ("no", "n", "false", "0", "0.0", "off", "none", "disabled") else None


def recomputation_named(written: str) -> Recomputation | None:
    """What is recomputed; None where a cell is empty or not understood."""
    lowered = written.lower()
    said = is_yes(lowered)
    if said is not None:
        return "full" if said else "none"
    kinds: tuple[Recomputation, ...] = ("full", "none", "selective")
    for kind in kinds:
        if lowered.startswith(kind):
            return kind
    if any(word in lowered for word in ("uniform", "block", "checkpointing", "whole")):
        return "full"
    parts = ("attn", "attention", "mlp", "norm", "moe", "act", "selec", "rope", "up_proj", "up-proj")
    return "selective" if any(word in lowered for word in parts) else None


def attention_named(written: str) -> Literal["flash", "unfused"] | None:
    """The attention kernel that a cell means; None where it is empty."""
    lowered = written.lower()
    if not lowered:
        return None
    unfused = any(word in lowered for word in ("unfused", "eager", "naive", "math"))
    return "unfused" if unfused else "flash"
