"""TCP connections between ranks."""

from __future__ import annotations

import hmac
import socket
import time
from collections.abc import Iterable, Mapping

from navarch.distributed.collectives.rendezvous import JoinError
from navarch.distributed.collectives.transport import CHANNELS, Link

BUFFER = 1 << 22
"""Bytes of a connection's buffers asked of the kernel, each way."""
_GREETING = 4 + 1 + 32

Address = tuple[str, int]


def listener_at(host: str) -> socket.socket:
    """A listening socket at a free port of an address of this host."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    _sized(listener)
    listener.bind((host, 0))
    listener.listen(64)
    return listener


def connect(
    rank: int,
    peers: Iterable[int],
    addresses: Mapping[int, Address],
    listener: socket.socket,
    secret: str,
    timeout: float,
) -> dict[Link, socket.socket]:
    """Connect to lower ranks and let higher ones connect, each by every channel.

    secret: 64 hexadecimal digits that all ranks share; timeout: for all of them [s].
    """
    wanted = {(peer, channel) for peer in peers for channel in range(CHANNELS)}
    token = bytes.fromhex(secret)
    end = time.monotonic() + timeout
    lower = sorted(link for link in wanted if link[0] < rank)
    links = {link: _called(rank, link, addresses[link[0]], token, timeout) for link in lower}
    while set(links) != wanted:
        listener.settimeout(max(0.1, end - time.monotonic()))
        try:
            connection, _ = listener.accept()
            connection.settimeout(timeout)
            greeting = _whole(connection, _GREETING)
        except TimeoutError as error:
            missing = sorted({peer for peer, _ in wanted - set(links)})
            raise JoinError(f"rank {rank} was not called by ranks {missing} within {timeout:g} s") from error
        link = int.from_bytes(greeting[:4], "big"), greeting[4]
        if hmac.compare_digest(greeting[5:], token) and link in wanted and link[0] > rank:
            links[link] = connection
        else:
            connection.close()
    for connection in links.values():
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return links


def _called(rank: int, to: Link, address: Address, token: bytes, timeout: float) -> socket.socket:
    peer, channel = to
    link = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_STREAM)
    _sized(link)
    link.settimeout(timeout)
    try:
        link.connect(address)
        link.sendall(rank.to_bytes(4, "big") + channel.to_bytes(1, "big") + token)
    except OSError as error:
        link.close()
        why = error.strerror or str(error)
        raise JoinError(f"rank {rank} cannot reach rank {peer} at {address[0]}:{address[1]}: {why}") from error
    return link


def _sized(connection: socket.socket) -> None:
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        connection.setsockopt(socket.SOL_SOCKET, option, BUFFER)


def _whole(link: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        came = link.recv(size - len(found))
        if not came:
            return bytes(size)
        found += came
    return found
