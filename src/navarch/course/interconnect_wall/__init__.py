"""Lab 02, The Interconnect Wall: its instruments, each student's numbers, the keys, the challenge and the figures.

`links.py` and `levels.py` (from tier to tier), `generations.py` (links against arithmetic), `tensor.py` (one tier too
many) and `pod.py` (bisection) hold the instruments of the four predictions; `measured.py` really runs; `challenge.py`
is the design challenge.
"""
