"""Week 2, compute infrastructure: accelerators, nodes, racks and clusters, and how much of a peak is reached.

`estimate.py` holds the equations of the roofline and of the sums from node to cluster, `cluster.py` calls them in
order, `efficiency.py` reads the measured matrix-product efficiencies. `kernels.py` is the public face of kernel times
by shape, precision and accelerator: `tiles.py`, `flash.py` and `routing.py` hold their equations, `matmul.py`,
`attention.py` and `experts.py` call them, `fitted.py` reads their constants. `machine.py` builds the tree of `tree.py`
(chip, node, rack, pod, cluster), whose equations are in `levels.py`.
"""
