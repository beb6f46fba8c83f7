"""Lab 01, The Scale Wall: its instruments, each student's numbers, the keys, the challenge and the figures.

`wall.py` (one accelerator, and this machine), `failures.py`, `more.py` (16 times the fleet) and `loss.py` hold the
instruments of the four predictions; `measured.py` really runs; `challenge.py` is the design challenge.
"""
