"""The one uplink between two leaves where links cannot be shaped: a process that passes on so many bytes a second.

python -m navarch.course.communication_topologies.uplink '{"rate": 25e6, "to": {"0": ["127.0.0.1", 4000]}, ...}'

It listens in the place of every rank for the ranks of the other leaf, and passes bytes on as they come. All that goes
the same way shares one budget; each connection waits for its turn, a piece at a time.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from functools import partial

PIECE = 1 << 15
"""Bytes of a turn."""
BURST = 4
"""Pieces that may go at once after a silence."""
LOCAL = "127.0.0.1"
RANK_BYTES = 4
"""Bytes in which a rank that calls another says its number first."""


class Budget:
    """So many bytes a second of one direction, in the order in which they are asked for."""

    def __init__(self, rate: float) -> None:
        self.rate, self.free_at, self.turn = rate, time.monotonic(), asyncio.Lock()

    async def take(self, count: int) -> None:
        """Wait until so many bytes may go."""
        async with self.turn:
            now = time.monotonic()
            earliest = now - BURST * PIECE / self.rate
            self.free_at = max(self.free_at, earliest) + count / self.rate
            if self.free_at > now:
                await asyncio.sleep(self.free_at - now)


async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, budget: Budget) -> None:
    """Pass bytes on within a budget until there are no more."""
    try:
        while piece := await reader.read(PIECE):
            await budget.take(len(piece))
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        return
    finally:
        writer.close()


async def serve(rate: float, to: dict[int, tuple[str, int]], leaf: Sequence[int]) -> None:
    """Listen in the place of each rank, say where, and pass on until standard input ends."""
    budgets = {way: Budget(rate) for way in ((0, 1), (1, 0))}
    servers, ports, under_way = [], {}, set()

    async def called(rank: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeting = await reader.readexactly(RANK_BYTES)
        here, there = leaf[int.from_bytes(greeting, "big")], leaf[rank]
        onward = await asyncio.open_connection(*to[rank])
        onward[1].write(greeting)
        under_way.add(asyncio.create_task(passed(reader, onward[1], budgets[here, there])))
        under_way.add(asyncio.create_task(passed(onward[0], writer, budgets[there, here])))

    for rank in to:
        server = await asyncio.start_server(partial(called, rank), LOCAL, 0)
        servers.append(server)
        ports[rank] = server.sockets[0].getsockname()[1]
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for server in servers:
        server.close()


def main() -> None:
    """The process of the uplink."""
    told = json.loads(sys.argv[1])
    asyncio.run(serve(told["rate"], {int(rank): tuple(at) for rank, at in told["to"].items()}, told["leaf"]))


if __name__ == "__main__":
    main()
