"""Kernel times by shape, precision and accelerator: matrix products, attention, latent attention and experts.

A kernel is a frozen set of constants of one accelerator at one precision, made once (`matmul_kernel`) and then asked
for times as often as wanted (`matmul_time`): with floats, with arrays of shapes, or under a ledger with remembered
values. The constants were fitted to measurements by scripts/fit_kernels.py and stand in the catalog with their error on
rows that the fit has not seen.
"""

from navarch.fleet.compute.attention import (
    AttentionKernel,
    attention_context_time,
    attention_generation_time,
    attention_kernel,
    latent_context_time,
    latent_generation_time,
    latent_kernel,
)
from navarch.fleet.compute.experts import ExpertKernel, expert_kernel, expert_time
from navarch.fleet.compute.matmul import MatmulKernel, matmul_kernel, matmul_time

__all__ = [
    "AttentionKernel",
    "ExpertKernel",
    "MatmulKernel",
    "attention_context_time",
    "attention_generation_time",
    "attention_kernel",
    "expert_kernel",
    "expert_time",
    "latent_context_time",
    "latent_generation_time",
    "latent_kernel",
    "matmul_kernel",
    "matmul_time",
]
