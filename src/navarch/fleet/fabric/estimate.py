"""What all topologies have in common: bandwidth across the bisection, latency of a path, power and cost."""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

COUNT = "count"
DALLY = "Dally and Towles 2004, chapter 3"


@equation(symbol="B_bisection", unit="byte/s", source=DALLY, symbols={"links": "n_bisection", "bandwidth": "B_link"})
def bisection_bandwidth(links, bandwidth):
    """Bisection bandwidth, one direction.

    links: across the bisection; bandwidth: of one link, per direction [byte/s].
    """
    return links * bandwidth


@equation(
    symbol="B_bisection,host", unit="byte/s", source=DALLY, symbols={"bisection": "B_bisection", "hosts": "n_hosts"}
)
def bisection_per_host(bisection, hosts):
    """Bandwidth of each host to the other half when all send across the bisection.

    bisection: bandwidth across it, one direction [byte/s]; hosts: endpoints of the network.
    """
    return 2 * bisection / hosts


@equation(symbol="f_bisection", unit="fraction", source=DALLY, symbols={"links": "n_bisection", "hosts": "n_hosts"})
def bisection_share(links, hosts):
    """Bisection as a share of full bisection.

    links: across the bisection; hosts: endpoints of the network, one link each. Full bisection is one link for each
    pair of hosts on either side.
    """
    return 2 * links / hosts


@equation(symbol="o_eff", unit="1", source=DALLY, symbols={"share": "f_bisection"}, valid="share > 0")
def effective_oversubscription(share):
    """Oversubscription of the network as built.

    share: bisection as a share of full bisection [fraction].
    """
    return 1 / np.minimum(share, 1)


@equation(symbol="B_inject", unit="byte/s", source=COUNT, symbols={"ports": "n_port", "bandwidth": "B_link"})
def injection_bandwidth(ports, bandwidth):
    """Bandwidth at which all hosts together can send.

    ports: endpoints of the network; bandwidth: of one link, per direction [byte/s].
    """
    return ports * bandwidth


@equation(
    symbol="t_path",
    unit="s",
    source=DALLY + ": routers passed plus time of flight",
    symbols={
        "base": "t_nic",
        "switches": "h_switch",
        "switch_latency": "t_switch",
        "host_length": "x_host",
        "trunk_length": "x_trunk",
        "delay": "tau",
    },
    valid="switches >= 1",
)
def switched_latency(base, switches, switch_latency, host_length, trunk_length, delay):
    """Latency of a path through the switches of an idle network.

    base: from host to host through one switch [s]; switches: passed; switch_latency: of one switch [s];
    host_length: of a cable between host and switch [m]; trunk_length: of a cable between switches [m];
    delay: of the signal along a cable [s/m].
    """
    return base + (switches - 1) * (switch_latency + trunk_length * delay) + 2 * host_length * delay


@equation(
    symbol="t_path",
    unit="s",
    source=DALLY + ": routers passed plus time of flight",
    symbols={"links": "h", "hop": "t_hop", "length": "x", "delay": "tau"},
)
def direct_latency(links, hop, length, delay):
    """Latency of a path from host to host where hosts are routers, the network idle.

    links: passed; hop: from one host to the next [s]; length: of a cable [m]; delay: of the signal along a cable [s/m].
    """
    return links * (hop + length * delay)


@equation(symbol="h", unit="1", source=COUNT, symbols={"switches": "h_switch"}, valid="switches >= 1")
def links_of_path(switches):
    """Links of the path between the farthest hosts.

    switches: passed.
    """
    return switches + 1


@equation(
    symbol="t_near",
    unit="s",
    source=DALLY + ": half of a path through one switch",
    symbols={"base": "t_nic", "length": "x_host", "delay": "tau"},
)
def near_link_latency(base, length, delay):
    """Latency of a link between a host and its switch: two of them are a path through one switch.

    base: from host to host through one switch [s]; length: of the cable [m]; delay: of the signal along a cable [s/m].
    """
    return base / 2 + length * delay


@equation(
    symbol="t_far",
    unit="s",
    source=DALLY + ": a router passed plus time of flight",
    symbols={"hop": "t_hop", "length": "x", "delay": "tau"},
)
def far_link_latency(hop, length, delay):
    """Latency of a link with the switch, or the host that is a router, which it enters.

    hop: of that switch or host [s]; length: of the cable [m]; delay: of the signal along a cable [s/m].
    """
    return hop + length * delay


@equation(
    symbol="x_cable",
    unit="m",
    source="along the row and across the rows, up to the tray and down again",
    symbols={
        "racks": "n_racks",
        "rows": "n_rows",
        "rack_pitch": "x_rack",
        "row_pitch": "x_row",
        "run": "x_run",
        "inside": "x_in",
    },
)
def cable_run(racks, rows, rack_pitch, row_pitch, run, inside):
    """Length of a cable.

    racks: between its ends, along a row; rows: between its ends; rack_pitch: from rack to rack [m]; row_pitch: from row
    to row [m]; run: within a rack at each end [m]; inside: of a cable that stays in its rack [m].
    """
    return np.where(racks + rows > 0, racks * rack_pitch + rows * row_pitch + 2 * run, inside)


@equation(
    symbol="B_bisection,domain",
    unit="byte/s",
    source="half of a domain's accelerators on either side, every plane between them",
    symbols={"accelerators": "n_domain", "planes": "n_planes", "bandwidth": "B_plane", "card": "B_link"},
)
def domain_bisection(accelerators, planes, bandwidth, card):
    """Bisection bandwidth of one scale-up domain with its network cards, one direction.

    accelerators: of the domain; planes: switches that each of them is joined to; bandwidth: of one such cable, per
    direction [byte/s]; card: of an accelerator's cable into a network that does not thin out, per direction [byte/s].
    """
    return accelerators / 2 * (planes * bandwidth + card)


@equation(
    symbol="c_cable",
    unit="USD",
    source="a module at either end, shared by the links that it serves",
    symbols={"module": "c_xcvr", "module_bandwidth": "B_xcvr", "bandwidth": "B_link", "fibre": "c_fibre"},
)
def optical_cable_price(module, module_bandwidth, bandwidth, fibre):
    """Price of an optical link: its share of a transceiver at either end, and the fibre.

    module: price of one transceiver [USD]; module_bandwidth: of one transceiver, per direction [byte/s];
    bandwidth: of the link, per direction [byte/s]; fibre: price of the fibre of one link [USD]. At other rates than
    the module's the price is taken as proportional to bandwidth.
    """
    return 2 * module * bandwidth / module_bandwidth + fibre


@equation(
    symbol="c_cable",
    unit="USD",
    source="a cable shared by the links that it serves",
    symbols={"cable": "c_copper", "cable_bandwidth": "B_cable", "bandwidth": "B_link"},
)
def copper_cable_price(cable, cable_bandwidth, bandwidth):
    """Price of a link over a cable with its ends attached.

    cable: price of one cable [USD]; cable_bandwidth: of one cable, per direction [byte/s]; bandwidth: of the link, per
    direction [byte/s].
    """
    return cable * bandwidth / cable_bandwidth


@equation(
    symbol="p_cable",
    unit="W",
    source="a module at either end, shared by the links that it serves",
    symbols={"end": "p_end", "module_bandwidth": "B_xcvr", "bandwidth": "B_link"},
)
def cable_power(end, module_bandwidth, bandwidth):
    """Power of the two ends of a link.

    end: of one transceiver or cable end [W]; module_bandwidth: of one transceiver or cable, per direction [byte/s];
    bandwidth: of the link, per direction [byte/s].
    """
    return 2 * end * bandwidth / module_bandwidth


@equation(
    symbol="c_switch",
    unit="USD",
    source="price of bandwidth (catalog)",
    symbols={"bandwidth": "B_switch", "price": "c_bandwidth"},
)
def switch_price(bandwidth, price):
    """Price of a switch that has no published one.

    bandwidth: of the whole switch, per direction [byte/s]; price: of switching bandwidth [USD*s/byte].
    """
    return bandwidth * price


@equation(
    symbol="p_switch",
    unit="W",
    source="energy of switching a byte (catalog)",
    symbols={"bandwidth": "B_switch", "energy": "e_byte"},
)
def switch_power(bandwidth, energy):
    """Power of a switch that has no published one, without transceivers.

    bandwidth: of the whole switch, per direction [byte/s]; energy: of switching a byte at full load [J/byte].
    """
    return bandwidth * energy


@equation(symbol="c_tier", unit="USD", source=COUNT, symbols={"count": "n", "price": "c"})
def tier_cost(count, price):
    """Cost of equal parts.

    count: of parts; price: of one [USD].
    """
    return count * price


@equation(symbol="p_tier", unit="W", source=COUNT, symbols={"count": "n", "power": "p"})
def tier_power(count, power):
    """Power of equal parts.

    count: of parts; power: of one [W].
    """
    return count * power
