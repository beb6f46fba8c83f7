"""Faults: how often a job is interrupted, how often to checkpoint, and how many spares to hold."""
