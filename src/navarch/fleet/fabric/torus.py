"""Closed forms of the torus in up to three dimensions; a dimension of length 1 is absent.

A host is its own router. Along a dimension of length 2 the wrap-around link is the same link, so there is half a link
for each host; along a longer one there is one link for each host.
"""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

DALLY = "Dally and Towles 2004, chapter 5 (torus)"
DIMENSIONS = {"x": "d_x", "y": "d_y", "z": "d_z"}


@equation(symbol="n_hosts", unit="1", source=DALLY, symbols=DIMENSIONS)
def torus_hosts(x, y, z):
    """Hosts of a torus.

    x: length of the first dimension; y: of the second; z: of the third, 1 where there is none.
    """
    return x * y * z


@equation(symbol="n_links", unit="1", source=DALLY, symbols=DIMENSIONS)
def torus_links(x, y, z):
    """Links of a torus.

    x: length of the first dimension; y: of the second; z: of the third, 1 where there is none.
    """
    a = np.where(x > 2, 1, (x - 1) / 2)
    b = np.where(y > 2, 1, (y - 1) / 2)
    c = np.where(z > 2, 1, (z - 1) / 2)
    return x * y * z * (a + b + c)


@equation(symbol="h_max", unit="1", source=DALLY, symbols=DIMENSIONS)
def torus_diameter(x, y, z):
    """Links between the farthest hosts of a torus.

    x: length of the first dimension; y: of the second; z: of the third, 1 where there is none.
    """
    return np.floor(x / 2) + np.floor(y / 2) + np.floor(z / 2)


@equation(symbol="h_mean", unit="1", source=DALLY, symbols=DIMENSIONS, valid="x * y * z > 1")
def torus_mean_hops(x, y, z):
    """Mean links between two hosts of a torus.

    x: length of the first dimension; y: of the second; z: of the third, 1 where there is none. Shortest paths, mean
    over pairs of different hosts.
    """
    total = np.floor(x**2 / 4) / x + np.floor(y**2 / 4) / y + np.floor(z**2 / 4) / z
    return total * x * y * z / np.maximum(x * y * z - 1, 1)


@equation(symbol="n_bisection", unit="1", source=DALLY + ": cut across the longest dimension", symbols=DIMENSIONS)
def torus_bisection(x, y, z):
    """Links across the bisection of a torus.

    x: length of the first dimension; y: of the second; z: of the third, 1 where there is none.
    """
    longest = np.maximum(x, np.maximum(y, z))
    return np.where(longest > 2, 2, longest - 1) * x * y * z / longest
