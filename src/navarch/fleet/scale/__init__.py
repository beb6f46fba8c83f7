"""Week 1, the scale imperative: what a training run costs in floating-point operations, and how many machines that is.

`estimate.py` (operations, the scale wall) and `laws.py` (scaling laws) hold the equations, `budget.py` calls them in
order, `parameters.py` counts the parameters of an architecture.
"""
