"""Fairness: latency by the users' region, and how differently a model treats groups."""
