"""Week 3, network fabrics: fat-trees, rail-optimised Clos networks, tori and dragonflies.

`clos.py`, `torus.py` and `dragonfly.py` hold the closed forms of each topology, `estimate.py` what they have in common
(bisection bandwidth, latency, power, cost), `sizing.py` chooses the whole numbers of a topology, `topology.py` puts
them together, `drawing.py` lays a schematic out.
"""
