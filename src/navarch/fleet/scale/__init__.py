"""Week 1, the scale imperative: what a training run costs in floating-point operations, and how many machines that is.

Equations: `estimate.py` (operations, time on machines), `laws.py` and `kaplan.py` (scaling laws), `repetition.py`
(short data), `lifetime.py` (served models), `strong_scaling.py` (what more accelerators give), `parameters.py` (the
size of an architecture). `plan_scale` in `plan.py` answers a `Question` with them; `budget.py` and `optimum.py` call
them in order, `fits.py` gives constants that were fitted together their covariance, `fitting.py` makes such a fit.
"""
