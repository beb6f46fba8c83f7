"""Closed forms of the hypercube: two to the power of n hosts, each joined to those whose number differs in one bit."""

from __future__ import annotations

from navarch.core.ledger import equation

LEIGHTON = "Leighton 1992, section 3.1"
DIMENSIONS = {"dimensions": "n"}


@equation(symbol="n_hosts", unit="1", source=LEIGHTON, symbols=DIMENSIONS)
def hypercube_hosts(dimensions):
    """Hosts of a hypercube.

    dimensions: bits of a host's number.
    """
    return 2**dimensions


@equation(symbol="n_links", unit="1", source=LEIGHTON, symbols=DIMENSIONS)
def hypercube_links(dimensions):
    """Links of a hypercube.

    dimensions: bits of a host's number.
    """
    return dimensions * 2**dimensions / 2


@equation(symbol="n_bisection", unit="1", source=LEIGHTON, symbols=DIMENSIONS)
def hypercube_bisection(dimensions):
    """Links across the bisection of a hypercube.

    dimensions: bits of a host's number.
    """
    return 2**dimensions / 2


@equation(symbol="h_max", unit="1", source=LEIGHTON, symbols=DIMENSIONS)
def hypercube_diameter(dimensions):
    """Links between the farthest hosts of a hypercube.

    dimensions: bits of a host's number.
    """
    return 1 * dimensions


@equation(symbol="h_mean", unit="1", source=LEIGHTON, symbols=DIMENSIONS, valid="dimensions >= 1")
def hypercube_mean_hops(dimensions):
    """Mean links between two hosts of a hypercube.

    dimensions: bits of a host's number.
    """
    return dimensions * 2**dimensions / 2 / (2**dimensions - 1)
