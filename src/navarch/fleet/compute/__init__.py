"""Week 2, compute infrastructure: accelerators, nodes, racks and clusters, and how much of a peak is reached.

`estimate.py` holds the equations, `cluster.py` calls them in order, `efficiency.py` reads the measured matrix-product
efficiencies from the catalog.
"""
