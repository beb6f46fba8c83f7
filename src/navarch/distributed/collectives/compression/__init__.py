"""Gradient compression: what it saves and costs, and data-parallel training that really does it."""
