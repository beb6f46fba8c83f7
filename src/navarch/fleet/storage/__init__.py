"""Week 4, distributed storage: what training reads, what checkpoints write, and the storage that never starves it.

`estimate.py` and `queueing.py` hold the equations. `system.py` sizes the storage of a design; `expected.py` puts
readers, tiers and checkpoints (`model.py`, built from the catalog by `parts.py`) through queueing theory, `simulate.py`
runs them request by request, `search.py` finds the cheapest that feeds everybody. `measure.py` measures this machine.
"""
