"""Why the published label of some models differs by more than 1 % from the count of their architecture."""

PARAMS_NOTE: dict[str, str] = {
    "bert-large": "The label is rounded: the exact count is 335,141,888 (1.4 % less).",
    "falcon-7b": "The label is rounded: the architecture counts 6.92B (1.1 % less).",
    "falcon-40b": "The label is rounded down: the architecture counts 41.3B (3.3 % more).",
    "glm-130b": "The label is rounded: the architecture counts 128.7B (1.0 % less).",
    "gpt3-350m": "The paper rounds down: the architecture counts 356M (1.7 % more).",
    "gpt3-1.3b": "The paper rounds, and prints 24 heads where 16 fit: the architecture counts 1.316B (1.2 % more).",
    "gpt3-2.7b": "The paper rounds up: the architecture counts 2.65B (1.8 % less).",
    "gpt3-13b": "The paper rounds, and prints a hidden size of 5140: the architecture counts 12.85B (1.1 % less).",
    "llama2-70b": "The label is rounded: the exact count is 68,976,648,192 (1.5 % less).",
    "megatron-nar-1.7b": "The paper rounds to one decimal: the architecture counts 1.652B (2.8 % less).",
    "megatron-nar-3.6b": "The paper rounds: the architecture counts 3.562B (1.1 % less).",
    "kimi-k2": "The report prints 1.04T and the card 1T; the weights hold 1,026.5B, as the architecture counts.",
    "opt-350m": "The label is rounded up: the exact count is 331M (5.4 % less).",
    "opt-1.3b": "The label is rounded: the architecture counts 1.316B (1.2 % more).",
    "opt-2.7b": "The label is rounded up: the architecture counts 2.65B (1.8 % less).",
    "opt-13b": "The label is rounded: the architecture counts 12.85B (1.1 % less).",
    "phi-2": "The label is rounded down: the architecture counts 2.78B (3.0 % more).",
    "t5-3b": "The published 2.8B is rounded: the exact count is 2.85B (1.8 % more).",
}

# Their published count of active parameters leaves out the input embedding, as the architecture shows.
ACTIVE_WITHOUT_EMBEDDING = (
    "gpt-oss-20b",
    "gpt-oss-120b",
    "deepseek-v2-lite",
    "deepseek-v2",
    "deepseek-v3",
    "deepseek-r1",
)
DEEPSEEK_V3_ACTIVE = {
    "value": 36700000000,
    "source": "DeepSeek-V3, README_WEIGHTS",
    "url": "https://github.com/deepseek-ai/DeepSeek-V3/blob/main/README_WEIGHTS.md",
    "note": "37B in the paper. The file says that embedding and head count; the architecture gives 36.6B with one.",
}
KIMI_K2_TOTAL = {
    "value": 1026500000000,
    "source": "metadata of the weights on Hugging Face, as listed by drose.io",
    "url": "https://drose.io/aitools/tools/kimi-k2-instruct",
    "note": "The report prints 1.04T, the model card 1T.",
}
