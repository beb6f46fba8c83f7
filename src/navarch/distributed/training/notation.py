"""One symbol for each quantity of this room, whichever equation it stands in."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from navarch.core import ledger

NOTATION = {
    # the model
    "layers": "L", "moe_layers": "L_moe", "special_layers": "L_special", "hidden": "h", "heads": "a",
    "head_dim": "d_head", "ffn_hidden": "f", "ffn_matrices": "k_ffn", "vocab": "V", "experts": "E",
    "experts_per_token": "E_active", "query_width": "w_q", "key_width": "w_k", "value_width": "w_v",
    "output_width": "w_o", "q_rank": "r_q", "kv_rank": "r_kv", "nope_dim": "d_nope", "rope_dim": "d_rope",
    "value_dim": "d_v", "sequence": "s", "span": "s_attn", "window": "W", "parameters": "P",
    "layer_parameters": "P_layer", "layer_dense": "P_ldense", "layer_experts": "P_lexp", "vocabulary": "P_vocab",
    "vocabulary_held": "P_held", "active": "P_active", "attention": "F_attn", "flops": "F",
    "flops_per_token": "F_token", "special": "x_special", "ordinary": "x_other",
    # the plan
    "tensor": "t", "pipeline": "p", "data": "d", "context": "c", "expert": "e", "virtual": "v", "microbatch": "b",
    "batch": "B_global", "microbatches": "m", "tokens": "n_tok", "stage_layers": "L_stage", "in_flight": "k_act",
    "split": "N_split", "shards": "N_shard", "accelerators": "n", "token_budget": "D", "steps": "k_step",
    # memory
    "weight_bytes": "beta_w", "gradient_bytes": "beta_g", "optimiser_bytes": "beta_opt",
    "activation_bytes": "beta_act", "mask_bytes": "beta_mask", "logit_bytes": "beta_logit", "bytes_each": "beta",
    "replicated": "x_h", "divided": "x_block", "layer_bytes": "A_layer", "logits": "M_logit",
    "inner_elements": "u_inner",
    # time
    "peak": "F_peak", "efficiency": "eta", "expert_efficiency": "eta_exp", "sustained": "sigma", "bandwidth": "B",
    "latency": "alpha", "message": "M", "time": "T", "forward": "T_fwd", "moved": "q", "again": "q_again",
    "backward_traffic": "rho_bwd", "kernel_gap": "T_gap", "layer_time": "T_layer", "head_time": "T_head",
    "step": "T_smooth", "step_time": "T_step", "send": "T_send", "all_reduce": "T_AR", "all_to_all": "T_A2A",
    "communication": "T_comm", "beside": "T_beside", "overlap": "omega", "taken": "T_hid", "own": "T_own",
    "own_launching": "T_host,own", "busy": "T_busy", "launching": "T_host", "computation": "T_comp", "factor": "phi",
}  # fmt: skip


def equation(
    *, symbol: str, unit: str | None, source: str, valid: str = "", url: str = ""
) -> Callable[..., ledger.Equation]:
    """An equation whose inputs carry this room's symbols."""

    def mark(function: Callable[..., Any]) -> ledger.Equation:
        names = inspect.signature(function).parameters
        symbols = {name: NOTATION[name] for name in names if name in NOTATION}
        return ledger.equation(symbol=symbol, unit=unit, source=source, symbols=symbols, valid=valid, url=url)(function)

    return mark
