"""Week 3, network fabrics: fat-trees, rail-optimised Clos networks, tori, hypercubes, dragonflies, scale-up domains.

Closed forms: `clos.py`, `torus.py`, `hypercube.py`, `dragonfly.py`; what they share (bandwidth, latency, power,
cost) in `estimate.py`. `sizing.py` chooses the whole numbers of a topology, `topology.py` puts an estimate together.

Graphs: `graph.py` says what a network is, `*_graph.py` and `edge_list.py` build them, `families.py` builds every family
for so many hosts. `bisection.py` cuts them, `measures.py` measures distances, `failures.py` breaks them, `placement.py`
gives cables lengths, `comparison.py` sets networks side by side, `picture.py` draws them. `routing.py` gives flows
their paths, for the simulator of flows.
"""
