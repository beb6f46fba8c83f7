"""How a strategy is judged: against the best that the library's search finds on the same pair."""

from __future__ import annotations

from navarch.core.ledger import equation

SYMBOLS = {"step_time": "T_step", "optimum": "T_best"}


@equation(
    symbol="tau", unit="1", source="definition: times the time of the best plan", symbols=SYMBOLS, valid="optimum > 0"
)
def time_over_optimum(step_time, optimum):
    """Step time over that of the best plan.

    step_time: of the strategy [s]; optimum: of the best plan of all strategies [s].
    """
    return step_time / optimum


@equation(
    symbol="ell", unit="fraction", source="definition: 1 where the strategy does not run, 0 where it is the best",
    symbols=SYMBOLS, valid="step_time >= optimum",
)  # fmt: skip
def lost_speed(step_time, optimum):
    """Share of the best speed that is lost.

    step_time: of the strategy, infinite where it does not run [s]; optimum: of the best plan [s].
    """
    return 1 - optimum / step_time


@equation(symbol="m_state", unit="fraction", source="definition: of all states over the memory of the fleet",
          symbols={"parameters": "P", "state_bytes": "beta_state", "memory": "M", "accelerators": "n"})  # fmt: skip
def states_over_fleet(parameters, state_bytes, memory, accelerators):
    """Share of the fleet's memory that one copy of all states takes.

    parameters: of the model [parameter]; state_bytes: weights, gradients and optimiser, each parameter [byte]; memory:
    of an accelerator [byte]; accelerators: of the fleet.
    """
    return parameters * state_bytes / (memory * accelerators)


@equation(symbol="m_acc", unit="1", source="definition: of all states over the memory of one accelerator",
          symbols={"parameters": "P", "state_bytes": "beta_state", "memory": "M"})  # fmt: skip
def states_over_accelerator(parameters, state_bytes, memory):
    """Accelerators whose memory one copy of all states would fill.

    parameters: of the model [parameter]; state_bytes: weights, gradients and optimiser, each parameter [byte]; memory:
    of an accelerator [byte].
    """
    return parameters * state_bytes / memory


@equation(symbol="b_acc", unit="1", source="definition", symbols={"global_batch": "B_global", "accelerators": "n"})
def batch_per_accelerator(global_batch, accelerators):
    """Sequences of a step for each accelerator.

    global_batch: sequences of a step; accelerators: of the fleet.
    """
    return global_batch / accelerators
