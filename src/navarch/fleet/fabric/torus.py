"""Closed forms of the torus in up to three dimensions, plain and twisted; a dimension of length 1 is absent.

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


AROCA = "Aroca and Fernández Anta 2014, theorem on tori"


@equation(symbol="n_bisection", unit="1", source=AROCA, symbols=DIMENSIONS)
def torus_bisection(x, y, z):
    """Links across the bisection of a torus.

    x: length of the first dimension; y: of the second; z: of the third, 1 where there is none. The cut goes across the
    longest dimension; where its length is odd the slice in the middle is halved in turn. A dimension of length 2 has
    half the links of a longer one and counts as 4.
    """
    a = np.where(x == 2, 4, x)
    b = np.where(y == 2, 4, y)
    c = np.where(z == 2, 4, z)
    first = np.maximum(a, np.maximum(b, c))
    third = np.minimum(a, np.minimum(b, c))
    second = a + b + c - first - third
    hosts = x * y * z
    across = np.where(first > 1, 2 * hosts / first, 0)
    slice_ = np.where(second > 1, 2 * hosts / (first * second), 0)
    line = np.where(third > 1, 2 * hosts / (first * second * third), 0)
    halved = np.where(second > 2 * np.floor(second / 2), slice_ + line, slice_)
    return np.where(first > 2 * np.floor(first / 2), across + halved, across)


CAMARA = "Cámara et al. 2010, section 3"


@equation(symbol="n_links", unit="1", source=CAMARA, symbols={"hosts": "n_hosts", "dimensions": "n"})
def twisted_torus_links(hosts, dimensions):
    """Links of a twisted torus.

    hosts: of the torus; dimensions: 2 or 3.
    """
    return hosts * dimensions


@equation(
    symbol="n_bisection",
    unit="1",
    source=CAMARA + ": the twist makes every dimension as short as the shortest",
    symbols={"hosts": "n_hosts", "shortest": "n"},
    valid="shortest >= 2",
)
def twisted_torus_bisection(hosts, shortest):
    """Links across the bisection of a twisted torus (n x 2n, n x n x 2n or n x 2n x 2n), n even.

    hosts: of the torus; shortest: n. Twice that of the torus without twist.
    """
    return 2 * hosts / shortest
