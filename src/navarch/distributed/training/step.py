"""From layers to a step: microbatches, the bubble, stragglers.

The slowest pipeline stage sets the pace.
"""

from __future__ import annotations

import numpy as np

from navarch.distributed.training.notation import equation

NARAYANAN = "Narayanan et al. 2021, section 2.2.2"


@equation(symbol="m", unit="1", source=NARAYANAN)
def microbatches_per_step(batch, data, microbatch):
    """Microbatches of one step through a pipeline.

    batch: sequences of one step; data: parallel degree; microbatch: sequences.
    """
    return np.ceil(batch / (data * microbatch))


@equation(symbol="n", unit="1", source="definition")
def accelerators_used(tensor, pipeline, data, context):
    """Accelerators of a plan.

    tensor: parallel degree; pipeline: stages; data: parallel degree; context: parallel degree.
    """
    return tensor * pipeline * data * context


@equation(symbol="T_stage", unit="s", source="definition")
def over_layers(time, stage_layers):
    """Time of a part over the layers of a stage.

    time: of one layer [s]; stage_layers: layers on the stage.
    """
    return time * stage_layers


@equation(symbol="T_part", unit="s", source="definition")
def over_microbatches(time, microbatches):
    """Time of a part over all microbatches of a step.

    time: of one microbatch [s]; microbatches: of one step.
    """
    return time * microbatches


@equation(symbol="T_micro", unit="s", source="definition")
def per_microbatch(time, microbatches):
    """What of a part falls to each microbatch.

    time: of one step [s]; microbatches: of one step.
    """
    return time / microbatches


@equation(symbol="T_head", unit="s", source="balanced stages: a layer less where the layers do not divide evenly")
def exposed_head_time(head_time, layer_time, layers, pipeline, stage_layers):
    """Time that the output matrix adds to the slowest stage, per microbatch.

    head_time: of the output matrix and the loss [s]; layer_time: of one layer [s]; layers: of the model; pipeline:
    stages; stage_layers: layers on the fullest stage. The last stage holds the output matrix; it has a layer less
    where the layers leave a place free.
    """
    return np.where(pipeline * stage_layers > layers, np.maximum(0, head_time - layer_time), head_time)


@equation(symbol="T_head", unit="s", source="DeepSeek-V3 2024, section 2.2: each module has the output matrix again")
def heads_time(head_time, prediction_modules):
    """Time of all output matrices, per microbatch.

    head_time: of one output matrix and its loss [s]; prediction_modules: beside the one.
    """
    return head_time * (1 + prediction_modules)


@equation(symbol="T_bubble", unit="s", source="Narayanan et al. 2021, section 2.2.2")
def bubble_time(time, pipeline, virtual):
    """Time that a stage waits for the pipeline to fill and drain.

    time: of one microbatch on a stage, forward and backward [s]; pipeline: stages; virtual: model chunks of a stage.
    """
    return (pipeline - 1) / virtual * time


@equation(symbol="f_bubble", unit="fraction", source="Narayanan et al. 2021, section 2.2.2 (share of the ideal time)")
def bubble_fraction(microbatches, pipeline, virtual):
    """Pipeline bubble as a share of the ideal time.

    microbatches: of one step; pipeline: stages; virtual: model chunks of a stage.
    """
    return (pipeline - 1) / (virtual * microbatches)


@equation(
    symbol="T_jitter",
    unit="s",
    source="the slowest rank sets the pace: the expected maximum of jitter grows with the logarithm of the ranks",
    valid="slope >= 0",
)
def straggler_time(step, slope, accelerators, domain):
    """Time that stragglers and jitter add.

    step: time without them [s]; slope: stretch for each doubling of the accelerators beyond a scale-up domain
    [fraction]; accelerators: used; domain: accelerators in one scale-up domain.
    """
    return step * slope * np.log2(np.maximum(accelerators / domain, 1))


@equation(symbol="T_rest", unit="s", source="measured over predicted time of published runs")
def unexplained_time(step, model_error):
    """Time that the model leaves unexplained.

    step: as predicted [s]; model_error: measured over predicted time of published runs, median and spread.
    """
    return step * (model_error - 1)
