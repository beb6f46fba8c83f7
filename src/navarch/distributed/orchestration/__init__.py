"""Orchestration: how long jobs wait, what gangs and fragments strand, and how much head-room to keep."""
