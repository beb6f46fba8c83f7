"""Where the ranks meet: who is there, what to do, what came of it, and who is gone.

One server, many ranks; both sides speak lines of JSON over TCP. A rank whose connection ends before it is done has
died, and every other one is told so at once.
"""

from __future__ import annotations

import json
import selectors
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from navarch.distributed.collectives.schedule import CollectiveError

Message = dict[str, Any]
LINE_LIMIT = 1 << 26
GRACE = 1.0
"""Seconds that a failure waits for word of the death which may be its cause."""
GIVE_UP = 2.0
"""Seconds after the word to stop in which a rank may still say what it saw."""
LAST_WORDS = 2 * GIVE_UP
"""Seconds in which the others are heard, more than a rank takes to give up."""


class JoinError(CollectiveError):
    """Ranks that did not come, or a rendezvous that cannot be reached."""


class RanksFailedError(CollectiveError):
    """A run that ended early. told: what each rank that still spoke said, by rank; lost: the rank that began it."""

    def __init__(self, message: str, told: Mapping[int, str], lost: int | None) -> None:
        super().__init__(message)
        self.told, self.lost = dict(told), lost


def parse_address(text: str, port: int) -> tuple[str, int]:
    """`host`, `host:port` or `[host]:port` as (host, port)."""
    host, colon, number = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon or (":" in host and not host.startswith("[")):
        host, number = text, str(port)
    if not number.isdigit() or not 0 <= int(number) < 1 << 16 or not host.strip("[]"):
        raise CollectiveError(f"rendezvous: {text!r} is not allowed; an address and a port, such as 10.0.0.1:29400")
    return host.strip("[]"), int(number)


@dataclass(eq=False)
class _Guest:
    connection: socket.socket
    rank: int = -1
    about: Message = field(default_factory=dict)
    pending: bytes = b""
    done: bool = False


class Rendezvous:
    """The server: waits for the ranks, hands out their addresses and tasks, and collects what they report."""

    def __init__(self, address: tuple[str, int], nodes: int, timeout: float) -> None:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        try:
            self.listener = socket.create_server(address, family=family, backlog=nodes)
        except OSError as error:
            raise JoinError(f"rendezvous: cannot listen at {address[0]}:{address[1]}: {error.strerror}") from error
        self.nodes, self.timeout = nodes, timeout
        self.guests: dict[int, _Guest] = {}
        self.told: dict[int, str] = {}
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self.listener.getsockname()[:2]
        return host, port

    def close(self) -> None:
        """End every connection; ranks that still run stop."""
        for key in list((self.selector.get_map() or {}).values()):
            held: Any = key.fileobj
            held.close()
        self.selector.close()

    def gather(self, dead: Callable[[], str | None]) -> dict[int, Message]:
        """What each rank said of itself, once all are there. dead: what became of one that will not come, if any."""
        end = time.monotonic() + self.timeout
        while len(self.guests) < self.nodes:
            word = dead()
            if word:
                raise JoinError(word)
            if time.monotonic() > end:
                missing = sorted(set(range(self.nodes)) - set(self.guests))
                raise JoinError(f"ranks {missing} did not come to the rendezvous within {self.timeout:g} s")
            for guest, message in self._heard(0.1):
                if message is not None and "join" in message:
                    self._joined(guest, message)
        return {rank: guest.about for rank, guest in self.guests.items()}

    def _joined(self, guest: _Guest, message: Message) -> None:
        rank = message["join"]
        if not isinstance(rank, int) or not 0 <= rank < self.nodes or rank in self.guests:
            raise JoinError(f"rank {rank!r} came to the rendezvous, which expects each of 0 to {self.nodes - 1} once")
        guest.rank, guest.about = rank, {**message, "seen": guest.connection.getpeername()[0]}
        self.guests[rank] = guest

    def tell(self, message: Message, ranks: Mapping[int, Any] | None = None) -> None:
        """Say something to all ranks that are there."""
        line = json.dumps(message).encode() + b"\n"
        for rank, guest in self.guests.items():
            if not guest.done and (ranks is None or rank in ranks):
                try:
                    guest.connection.setblocking(True)
                    guest.connection.sendall(line)
                    guest.connection.setblocking(False)
                except OSError:
                    continue

    def collect(self, heard: Callable[[int, Message], None]) -> None:
        """Pass every report on until all ranks are done; RanksFailedError as soon as one fails or dies."""
        while not all(guest.done for guest in self.guests.values()):
            for guest, message in self._heard(1.0):
                if guest.rank < 0 or (guest.done and message is None):
                    continue
                if message is None or "failed" in message:
                    raise self._stopped(guest, message)
                if message.get("done"):
                    guest.done = True
                heard(guest.rank, message)

    def _stopped(self, first: _Guest, message: Message | None) -> RanksFailedError:
        """Find the rank that began it, tell the others, and hear what they say."""
        failed: dict[int, str] = {}
        dead = [first.rank] if message is None else []
        end = time.monotonic() + GRACE
        if message is not None:
            failed[first.rank] = message["failed"]
        while not dead and time.monotonic() < end:
            self._note(self._heard(0.1), failed, dead)
        culprit = dead[0] if dead else first.rank
        why = f"rank {culprit} died" if dead else failed[first.rank]
        self.tell({"abort": why})
        end = time.monotonic() + LAST_WORDS
        while time.monotonic() < end and len(failed) + len(dead) < len(self.guests):
            self._note(self._heard(0.1), failed, dead)
        others = f"; {len(failed)} of {self.nodes} ranks stopped and said so" if dead else ""
        return RanksFailedError(f"{why} during the run{others}" if dead else why, failed, culprit)

    def _note(self, events: list[tuple[_Guest, Message | None]], failed: dict[int, str], dead: list[int]) -> None:
        for guest, message in events:
            if message is None and guest.rank not in failed and not guest.done:
                dead.append(guest.rank)
            elif message is not None and "failed" in message:
                failed[guest.rank] = message["failed"]

    def _heard(self, wait: float) -> list[tuple[_Guest, Message | None]]:
        """Messages that came, and None for a connection that ended."""
        events: list[tuple[_Guest, Message | None]] = []
        for key, _ in self.selector.select(wait):
            if key.fileobj is self.listener:
                connection, _ = self.listener.accept()
                connection.setblocking(False)
                self.selector.register(connection, selectors.EVENT_READ, _Guest(connection))
                continue
            events += self._read(key.data)
        return events

    def _read(self, guest: _Guest) -> list[tuple[_Guest, Message | None]]:
        try:
            came = guest.connection.recv(1 << 20)
        except BlockingIOError:
            return []
        except OSError:
            came = b""
        *lines, guest.pending = (guest.pending + came).split(b"\n")
        found: list[tuple[_Guest, Message | None]] = [(guest, _parsed(line)) for line in lines]
        if not came or len(guest.pending) > LINE_LIMIT:
            self.selector.unregister(guest.connection)
            guest.connection.close()
            found.append((guest, None))
        return found


def _parsed(line: bytes) -> Message:
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


class Guest:
    """A rank's side: joins, hears what to do, reports; and notices at once when it must stop."""

    def __init__(self, address: tuple[str, int], timeout: float) -> None:
        self.connection = _reached(address, timeout)
        self.wake, self._raise = socket.socketpair()
        self.reason = ""
        self._lines = self.connection.makefile("rb")
        self._lock = threading.Lock()

    @property
    def local(self) -> str:
        """This host's address on the way to the rendezvous."""
        return str(self.connection.getsockname()[0])

    def say(self, message: Message) -> None:
        """Report something."""
        with self._lock:
            self.connection.sendall(json.dumps(message).encode() + b"\n")

    def hear(self) -> Message:
        """The next message; JoinError where the rendezvous is gone."""
        try:
            line = self._lines.readline(LINE_LIMIT)
        except OSError:
            line = b""
        if not line:
            raise JoinError("the rendezvous closed its connection")
        return _parsed(line)

    def watch(self, expired: Callable[[], None], grace: float) -> None:
        """From now on wait for the word to stop in the background. expired: called if the rank is still here later."""

        def listen() -> None:
            try:
                self.reason = str(self.hear().get("abort", "the rendezvous said something unexpected"))
            except JoinError as error:
                self.reason = str(error)
            self._raise.send(b"x")
            time.sleep(grace)
            expired()

        threading.Thread(target=listen, daemon=True).start()

    def reason_within(self, seconds: float) -> str:
        """Why the run stops, as the rendezvous says; empty if it says nothing in time."""
        end = time.monotonic() + seconds
        while not self.reason and time.monotonic() < end:
            time.sleep(0.02)
        return self.reason


def _reached(address: tuple[str, int], timeout: float) -> socket.socket:
    end = time.monotonic() + timeout
    while True:
        try:
            connection = socket.create_connection(address, timeout=max(0.1, end - time.monotonic()))
        except OSError as error:
            if time.monotonic() > end:
                why = error.strerror or str(error)
                raise JoinError(f"rendezvous: {address[0]}:{address[1]} cannot be reached: {why}") from error
            time.sleep(0.1)
        else:
            connection.settimeout(None)
            return connection
