"""`navarch plan`: the questions that are answered without a design file."""

from __future__ import annotations

import typer

from navarch.cli import plan_scale, plan_storage, plan_topology, plan_training

app = typer.Typer(no_args_is_help=True, help="Answer one question of a design: how large, on what, how long.")
app.command("scale")(plan_scale.scale)
app.command("training")(plan_training.training)
app.command("topology")(plan_topology.topology)
app.command("storage")(plan_storage.storage)
