"""`navarch simulate`: mechanisms run event by event, beside their closed forms."""

from __future__ import annotations

import typer

from navarch.cli import simulate_network, simulate_pipeline, simulate_step, simulate_storage

app = typer.Typer(no_args_is_help=True, help="Run a mechanism event by event, and show it beside its closed form.")
app.command("pipeline")(simulate_pipeline.pipeline)
app.command("network")(simulate_network.network)
app.command("collective")(simulate_network.collective)
app.command("step")(simulate_step.step)
app.command("storage")(simulate_storage.storage)
