"""Lab 06, AllReduce Physics: its instruments, each student's numbers, the keys, the challenge and the figures.

`ranks.py` (a thousand instead of eight), `sizes.py` (ring against tree), `bus.py` (latency, bandwidth, and the flows on
a fabric) and `compression.py` hold the instruments of the four predictions; `measured.py` really runs; `challenge.py`
is the design challenge.
"""
