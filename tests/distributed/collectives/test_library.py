"""The fitted library: shares of a link, kinds of network, and what it takes over several nodes."""

from __future__ import annotations

import pytest

from navarch.catalog import load
from navarch.distributed.collectives.library import NETWORKS, library_of, network, network_kind, time_across, tuned


@pytest.fixture(scope="module")
def catalog():
    return load()


@pytest.mark.parametrize(
    ("link", "kind"),
    [("ib-ndr", "infiniband"), ("roce-400gbe", "roce"), ("efa-v3", "roce"), ("slingshot-11", "slingshot")],
)
def test_a_link_makes_a_kind_of_network(link: str, kind: str) -> None:
    assert network_kind(link) == kind
    assert kind in NETWORKS


@pytest.mark.parametrize("collective", ["all-reduce", "all-gather", "reduce-scatter", "all-to-all"])
def test_shares_of_a_link_at_the_pace_of_the_link_are_what_was_measured(catalog, collective) -> None:
    known = tuned(catalog, collective, "h100-sxm")
    again = known.shares(450e9).paced(450e9)
    half = known.shares(450e9).paced(225e9)
    for message in (1e4, 1e6, 1e9):
        assert float(again.time(message, 8)) == pytest.approx(float(known.time(message, 8)), rel=1e-12)
        assert float(half.time(message, 8)) > float(known.time(message, 8))


def test_a_relation_on_a_faster_link_is_faster(catalog) -> None:
    own = library_of(catalog, "h100-sxm", 450e9, "infiniband").all_gather.paced(450e9)
    relation = tuned(catalog, "all-gather", "gh200-96gb")
    assert relation.origin != "gh200-96gb" and relation.stand_in
    assert float(own.time(1e9, 8)) == pytest.approx(float(tuned(catalog, "all-gather", "h100-sxm").time(1e9, 8)))


def test_one_node_needs_no_network(catalog) -> None:
    known, over = tuned(catalog, "all-gather", "h100-sxm"), network(catalog, "infiniband")
    alone = float(time_across(known, 1e9, 8.0, 1.0, 400e9, over))
    assert alone == pytest.approx(float(known.time(1e9, 8.0)))
    assert float(time_across(known, 1e9, 8.0, 2.0, 400e9, over)) > alone
    assert float(time_across(known, 1e9, 8.0, 2.0, 40e9, over)) > float(time_across(known, 1e9, 8.0, 2.0, 400e9, over))
