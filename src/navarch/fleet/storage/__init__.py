"""Week 4, distributed storage: what training reads, what checkpoints write, and how much storage that takes.

`estimate.py` holds the equations, `system.py` calls them in order.
"""
