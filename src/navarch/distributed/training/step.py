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


@equation(symbol="T_head", unit="s", source="balanced stages: a layer less where the layers do not divide evenly")
def exposed_head_time(head_time, layer_time, layers, pipeline, stage_layers):
    """Time that the output matrix adds to the slowest stage, per microbatch.

    head_time: of the output matrix and the loss [s]; layer_time: of one layer [s]; layers: of the model; pipeline:
    stages; stage_layers: layers on the fullest stage. The last stage holds the output matrix; it has a layer less
    where the layers leave a place free.
    """
    return np.where(pipeline * stage_layers > layers, np.maximum(0, head_time - layer_time), head_time)


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


@equation(symbol="T_jitter", unit="s", source="the slowest rank sets the pace", valid="factor >= 1")
def straggler_time(step, factor):
    """Time that stragglers and jitter add.

    step: time without them [s]; factor: by which they stretch it.
    """
    return step * (factor - 1)
