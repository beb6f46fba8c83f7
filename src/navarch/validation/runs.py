"""One row of published training runs as the model, the hardware, the plan and the software that it tells of.

What a row leaves out is completed by stated rules, and what was completed is told in the prediction's note.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from navarch.catalog.errors import CatalogError
from navarch.distributed.training.anatomy import anatomy_of
from navarch.distributed.training.inputs import hardware_of, peak_precision, scaleout_bandwidth, shape_of
from navarch.distributed.training.runtime import Runtime, lineage, runtime_of
from navarch.distributed.training.shape import Hardware, Plan, Recomputation, TransformerShape
from navarch.fleet.compute.fitted import peak_of
from navarch.validation import spellings
from navarch.validation.rows import Row, UnpredictableError, number, text

if TYPE_CHECKING:
    from navarch.catalog import Catalog

PREDICTING = "deepseek-v3"
"""The model that is trained with a module for multi-token prediction."""
FUSED_SINKS = ("megatron-bridge-2026.06",)
"""Stacks whose flash kernels take attention sinks; the others fall back on unfused attention."""
UNFUSED = ("megatron-lm", "megatron-deepspeed")
GATED = re.compile("llama|qwen|mi[sx]tral|palm|glm|gemma|deepseek|phi-?[34]|olmo|yi-")
"""Families of models whose feed-forward layers are gated."""
BYTES_OF_BITS = 0.125e9
MICROBATCHES = (1.0, 2.0, 4.0, 8.0)
FASTEST_MICROBATCH, LEAST_RECOMPUTATION = "fastest microbatch that fits", "least recomputation that fits"
"""What is told of a row that leaves these out."""
HEAD_WIDTH = 128
WHOLE_NODE = 1600
"""Rate of a network [Gb/s] from which a row that names one number means that of a node, not of an accelerator."""
LARGEST_HOST = 16
"""Most accelerators of one host; a larger scale-up domain is a rack of hosts, and no row tells its size."""
CARDS = re.compile(r"(\d{1,3}) ?[xX×] ?(\d{1,4}) ?G(?:b|bit)?(?:/s|ps)?\b")
OF_NODE = re.compile(r"(\d{1,5}) ?G(?:b|bit)?(?:/s|ps)?/node")
OF_EACH = re.compile(r"(\d{1,5}) ?G(?:b|bit)?(?:/s|ps)?\b")
BOTH_WAYS = re.compile(r"NVLink (\d{1,5}) ?GB/s")
EMPTY = frozenset({"", "nan", "none", "null", "n/a", "na", "-", "—", "?"})
"""What people write into a cell that has nothing to say."""
WORDS = frozenset({"recompute", "zero_stage", "seq_parallel", "attn_impl"})
"""Columns in which `none` is an answer."""
THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
ENDS = 2
"""Embedding and output, which some pipelines count as layers."""
MOST = 1e9
"""Above this no size, count or degree of a run can be meant."""


@dataclass(frozen=True)
class Run:
    """A published run, ready to be predicted.

    stack, accelerator, precision: what the constants were looked up by; candidates: plans that agree with the row
    (several where it leaves the microbatch or the recomputation out); assumed: what was completed, in words.
    """

    shape: TransformerShape
    hardware: Hardware
    runtime: Runtime
    stack: str
    accelerator: str
    precision: str
    candidates: tuple[Plan, ...]
    assumed: tuple[str, ...]


def cells(row: Row) -> Row:
    """A row with the cells that say nothing left out, and numbers without thousands separators."""
    kept: dict[str, Any] = {}
    for column, cell in row.items():
        written = "" if cell is None else str(cell).strip()
        if written.lower() in EMPTY and not (column in WORDS and written.lower() == "none"):
            continue
        kept[column] = written.replace(",", "") if THOUSANDS.fullmatch(written) else cell
    return kept


def optional(row: Row, column: str) -> float | None:
    """A cell as a positive number, or None where it is empty."""
    return size(row, column) if text(row, column) else None


def size(row: Row, column: str) -> float:
    """A cell as a number from 1 to MOST."""
    value = number(row, column)
    if not 1 <= value <= MOST:
        raise UnpredictableError(f'{column} "{text(row, column)[:40]}" is not between 1 and {MOST:g}')
    return value


def whole(row: Row, column: str, unused: bool = False) -> float | None:
    """A cell as a whole number, or None where it is empty; unused: 0 says that the form of parallelism is not used."""
    if not text(row, column) or (unused and text(row, column) in ("0", "0.0")):
        return None
    value = size(row, column)
    if value != round(value):
        raise UnpredictableError(f'{column} "{text(row, column)[:40]}" is not a whole number')
    return value


def run_of(row: Row, catalog: Catalog) -> Run:
    """The run that a row tells of, or an UnpredictableError that says what is missing."""
    row = cells(row)
    place = spellings.place_named(text(row, "gpu"), catalog)
    precision = spellings.precision_named(text(row, "precision"))
    year = int(catalog.get("accelerator", place.accelerator).year)
    words = (text(row, "framework"), text(row, "model"), text(row, "notes"))
    stack, taken = spellings.stack_named(*words, year, text(row, "date"))
    shape, model, completed_shape = _shape(row, catalog, stack)
    per_node = whole(row, "gpus_per_node")
    network = text(row, "network")
    out = _scaleout(network, per_node, place.node)
    links = (precision, out, stack, _scaleup(network), _domain(per_node, place.node), _kind(network))
    hardware, runtime = _machine(catalog, place.node.id, *links)
    sinks = model is not None and model.attention_sinks and stack not in FUSED_SINKS
    candidates, completed = _plans(row, stack, shape, hardware, unfused=_is_unfused(stack) or sinks)
    assumed = (*place.assumed, *taken, *completed_shape, *completed)
    return Run(shape, hardware, runtime, stack, place.accelerator, precision, candidates, assumed)


@lru_cache(maxsize=256)
def _machine(
    catalog: Catalog, node: str, precision: str, out: float, stack: str, scaleup: float | None, domain: float | None,
    kind: str,
) -> tuple[Hardware, Runtime]:  # fmt: skip
    entry = catalog.get("node", node)
    accelerator = catalog.get("accelerator", entry.accelerator)
    if peak_of(accelerator, peak_precision(accelerator, precision)) is None:
        raise UnpredictableError(f"{accelerator.id} does not compute in {precision}, as far as the catalog knows")
    try:
        hardware = hardware_of(catalog, entry, precision, out, stack, scaleup=scaleup, network=kind)
    except CatalogError as error:
        raise UnpredictableError(str(error)) from error
    if domain is not None:
        hardware = replace(hardware, scaleup_domain=domain)
    return hardware, runtime_of(catalog, entry.accelerator, precision, stack)


def _scaleout(network: str, per_node: float | None, node: Any) -> float:
    """Bandwidth of one accelerator out of its domain [byte/s], as the row's network says, else the catalog's."""
    count = per_node or float(node.accelerators)
    total = 0
    if cards := CARDS.search(network):
        total = int(cards.group(1)) * int(cards.group(2))
    elif of_node := OF_NODE.search(network):
        total = int(of_node.group(1))
    elif each := OF_EACH.search(network):
        rate = int(each.group(1))
        return rate * BYTES_OF_BITS / (count if rate >= WHOLE_NODE else 1.0) or float(scaleout_bandwidth(node))
    return total * BYTES_OF_BITS / count if total else float(scaleout_bandwidth(node))


def _kind(network: str) -> str:
    """The kind of a row's network, whose constants are InfiniBand's where it is not told to be Ethernet."""
    return "roce" if "roce" in network.lower() or "ethernet" in network.lower() else "infiniband"


def _scaleup(network: str) -> float | None:
    """Bandwidth of one accelerator within its domain [byte/s] where a row gives that of both directions together."""
    both = BOTH_WAYS.search(network)
    return (float(both.group(1)) * 1e9 / 2 or None) if both else None


def _domain(per_node: float | None, node: Any) -> float | None:
    """Accelerators joined by the scale-up network where a row's nodes are of another size than the catalog's node."""
    joined = node.scaleup_domain or node.accelerators
    return None if per_node is None or float(joined) > LARGEST_HOST else per_node


def _shape(row: Row, catalog: Catalog, stack: str) -> tuple[TransformerShape, Any, tuple[str, ...]]:
    """The model's shape and entry: of the catalog where it is known there by name, else from the row's columns."""
    name = text(row, "model")
    known = spellings.model_named(name, catalog)
    if known is None:
        spellings.refuse_unmodelled(name)
        shape, assumed = _from_columns(row, stack)
        return shape, None, assumed
    model = catalog.get("model", known)
    try:
        shape = shape_of(catalog, model)
    except CatalogError as error:
        raise UnpredictableError(str(error)) from error
    other = [c for c in ("hidden", "heads") if optional(row, c) not in (None, float(getattr(shape, c)))]
    if not other:
        shape, assumed = _as_run(row, _with_prediction(row, known, shape))
        return shape, model, assumed
    if shape.experts is not None:
        raise UnpredictableError(f'"{name}" of the row has another {other[0]} than {known} of the catalog')
    shape, assumed = _from_columns(row, stack)
    return shape, None, (f"not {known} of the catalog, whose {other[0]} differs", *assumed)


def _with_prediction(row: Row, model: str, shape: TransformerShape) -> TransformerShape:
    """The shape with the prediction module that DeepSeek-V3 is trained with, unless the row says otherwise."""
    layers, moe_layers = float(shape.layers), float(shape.moe_layers or 0)
    if model != PREDICTING or "w/o mtp" in text(row, "model").lower() or optional(row, "layers") != layers:
        return shape
    return replace(shape, layers=layers + 1, moe_layers=moe_layers + 1, prediction_modules=1.0)


def _as_run(row: Row, shape: TransformerShape) -> tuple[TransformerShape, tuple[str, ...]]:
    """A catalog model with the layers and vocabulary that the row gives."""
    vocab = optional(row, "vocab") or float(shape.vocab)
    if shape.prediction_modules is not None:
        return replace(shape, vocab=vocab), ("one prediction module",)
    layers = optional(row, "layers") or float(shape.layers)
    if shape.moe_layers is None or layers == float(shape.layers):
        return replace(shape, layers=layers, vocab=vocab), ()
    dense = min(1.0, float(shape.layers) - float(shape.moe_layers))
    return replace(shape, layers=layers, vocab=vocab, moe_layers=layers - dense), (f"{dense:.0f} of the layers dense",)


def _from_columns(row: Row, stack: str) -> tuple[TransformerShape, tuple[str, ...]]:
    name = text(row, "model") or "a model without a name"
    if (optional(row, "ep") or 1.0) > 1 or _is_sparse(row):
        raise UnpredictableError(f'"{name[:40]}" has experts and is not a model of the catalog')
    missing = [c for c in ("layers", "hidden", "vocab") if not text(row, c)]
    if missing:
        raise UnpredictableError(f'"{name[:40]}" is not a model of the catalog and {", ".join(missing)} is empty')
    hidden, assumed = size(row, "hidden"), []
    heads = optional(row, "heads")
    if heads is None:
        heads = max(1.0, hidden / HEAD_WIDTH)
        assumed.append("heads 128 wide")
    inner = optional(row, "ffn") or 4 * hidden
    plain = TransformerShape(
        layers=size(row, "layers"), hidden=hidden, heads=heads, kv_heads=optional(row, "kv_heads") or heads,
        head_dim=hidden / heads, ffn_hidden=inner, ffn_matrices=2.0, vocab=size(row, "vocab"), tied=True,
        dropout=stack == "megatron-lm",
    )  # fmt: skip
    gated = replace(plain, ffn_matrices=3.0, tied=False)
    if GATED.search(name.lower()):
        return (plain if inner == 4 * hidden else gated), tuple(assumed)
    if inner == 4 * hidden:
        return plain, tuple(assumed)
    published = _billions(row, "params_b")
    if published is None:
        return gated, (*assumed, "gated feed-forward layers")
    nearest = min((plain, gated), key=lambda shape: abs(_parameters(shape) / (published * 1e9) - 1))
    return nearest, (*assumed, f"{nearest.ffn_matrices:.0f} matrices in a feed-forward layer, by the parameters")


def _is_sparse(row: Row) -> bool:
    active, whole_model = _billions(row, "active_params_b"), _billions(row, "params_b")
    return active is not None and (whole_model is None or active < whole_model)


def _billions(row: Row, column: str) -> float | None:
    return number(row, column) if text(row, column) else None


def _parameters(shape: TransformerShape) -> float:
    plan = Plan(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    return float(anatomy_of(shape, plan).total)


def _plans(
    row: Row, stack: str, shape: TransformerShape, hardware: Hardware, unfused: bool
) -> tuple[tuple[Plan, ...], tuple[str, ...]]:
    """The plans that agree with a row; unfused: attention, where the row does not say."""
    degrees = _degrees(row, shape)
    written = text(row, "zero_stage")
    shard = max(1.0, float(hardware.scaleup_domain) // degrees["tensor"])
    base = Plan(
        **degrees,
        microbatch=1.0,
        global_batch=size(row, "gbs"),
        sequence_length=size(row, "seq"),
        zero_stage=_zero(written, stack),
        shard=shard if re.search("hybrid|hsdp", written.lower()) else None,
        sequence_parallel=_sequence_parallel(text(row, "seq_parallel"), stack),
        attention_kernel=spellings.attention_named(text(row, "attn_impl")) or ("unfused" if unfused else "flash"),
    )
    _check(base, shape)
    batches, completed = _microbatches(row, base)
    kinds, told = _recomputations(text(row, "recompute"), stack)
    plans = tuple(replace(base, microbatch=b, recomputation=kind) for kind in kinds for b in batches)
    return plans, (*completed, *told)


def _degrees(row: Row, shape: TransformerShape) -> Mapping[str, Any]:
    """The degrees of parallelism of a row; they multiply to its accelerators."""
    total = whole(row, "n_gpus")
    if total is None:
        raise UnpredictableError("n_gpus is empty")
    tensor, pipeline = whole(row, "tp", unused=True) or 1.0, whole(row, "pp", unused=True) or 1.0
    context = whole(row, "cp", unused=True) or 1.0
    data = whole(row, "dp") or total / (tensor * pipeline * context)
    used = tensor * pipeline * context * data
    if abs(used - total) > 0.5 or data != round(data):
        raise UnpredictableError(f"the layout uses {used:g} accelerators and the row has {total:g}")
    expert = whole(row, "ep", unused=True) or 1.0
    if shape.experts is not None and expert > min(float(shape.experts), tensor * context * data):
        raise UnpredictableError(f"{expert:g} ranks cannot share {float(shape.experts):g} experts in this layout")
    return {
        "tensor": tensor, "pipeline": pipeline, "data": data, "context": context, "expert": expert,
        "virtual_stages": whole(row, "vpp", unused=True) or 1.0,
    }  # fmt: skip


def _check(plan: Plan, shape: TransformerShape) -> None:
    """What cannot be split that far is no run."""
    layers = float(shape.layers) + ENDS
    splits = (
        (plan.pipeline, layers, "pipeline stages", "layers, with embedding and output"),
        (plan.virtual_stages * plan.pipeline, layers, "virtual stages", "layers, with embedding and output"),
        (plan.tensor, float(shape.heads), "tensor ranks", "heads"),
        (plan.context, float(plan.sequence_length), "context ranks", "tokens"),
        (plan.data, float(plan.global_batch), "data ranks", "sequences of a batch"),
    )
    for ranks, parts, those, what in splits:
        if ranks > parts:
            raise UnpredictableError(f"{ranks:g} {those} cannot share {parts:g} {what}")


def _microbatches(row: Row, base: Plan) -> tuple[Sequence[float], tuple[str, ...]]:
    """The microbatches that a row may have used, and what was assumed."""
    given = optional(row, "mbs")
    if given is None:
        fitting = [b for b in MICROBATCHES if b * base.data <= base.global_batch]
        return fitting or MICROBATCHES[:1], (FASTEST_MICROBATCH,)
    if given * base.data > base.global_batch:
        raise UnpredictableError(
            f"{base.data:g} data ranks with microbatches of {given:g} exceed the batch of {base.global_batch:g}"
        )
    return (given,), ()


def _recomputations(written: str, stack: str) -> tuple[Sequence[Recomputation], tuple[str, ...]]:
    """What a row may have recomputed, and what was assumed."""
    known = spellings.recomputation_named(written)
    if known is not None:
        return (known,), ()
    kinds: tuple[Recomputation, ...] = ("full",) if _is_unfused(stack) else ("none", "selective", "full")
    return kinds, (LEAST_RECOMPUTATION,)


def _is_unfused(stack: str) -> bool:
    return any(name in UNFUSED for name in lineage(stack))


def _zero(written: str, stack: str) -> int:
    """The stage of ZeRO; NVIDIA's recipes shard the optimiser, and FSDP everything, where a row says nothing."""
    stage = spellings.zero_stage_named(written)
    if stage is not None:
        return stage
    if stack == "fsdp":
        return 3
    return 1 if "megatron-bridge" in lineage(stack) else 0


def _sequence_parallel(written: str, stack: str) -> bool:
    said = spellings.is_yes(written)
    return not _is_unfused(stack) if said is None else said
