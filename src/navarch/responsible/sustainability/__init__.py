"""Sustainability: energy, carbon (operational and embodied) and water, and how regions differ."""
