"""Real requests to pods on loopback, at a steady and bounded rate, from a thread with connections that are kept."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Mapping
from typing import Self, TypeAlias

Connection: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
WORK = b"GET /work HTTP/1.1\r\n\r\n"
WORKERS = 4
"""Connections to each pod, and so the most requests that are under way there."""
AGAIN_S = 0.1
"""After a refused connection."""


class Traffic:
    """Requests while it is entered.

    Args:
        rps: port of each pod to its requests a second; with 0 it is not asked.
        at_most: requests of each pod; the traffic ends there.
        request: sent again and again.
    """

    def __init__(self, rps: Mapping[int, float], at_most: int = 20_000, request: bytes = WORK) -> None:
        self._request = request
        self.rps = {port: each for port, each in rps.items() if each}
        self._left = dict.fromkeys(rps, at_most)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)
        self._stopping = asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._work())
        finally:
            self._loop.close()

    async def _work(self) -> None:
        workers = [
            asyncio.ensure_future(self._ask(port, number / WORKERS)) for port in self.rps for number in range(WORKERS)
        ]
        await self._stopping.wait()
        for each in workers:
            each.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _ask(self, port: int, phase: float) -> None:
        due = self._loop.time() + phase * WORKERS / self.rps[port]
        connection: Connection | None = None
        try:
            while self._left[port] > 0:
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                # What is late is made good, for a second.
                due = max(due + WORKERS / self.rps[port], self._loop.time() - 1)
                self._left[port] -= 1
                try:
                    connection = connection or await asyncio.open_connection("127.0.0.1", port)
                    await _request(connection, self._request)
                except (OSError, asyncio.IncompleteReadError):
                    await _close(connection)
                    connection = None
                    await asyncio.sleep(AGAIN_S)
        finally:
            await _close(connection)


async def _request(connection: Connection, request: bytes) -> None:
    reader, writer = connection
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))


async def _close(connection: Connection | None) -> None:
    if connection is not None:
        connection[1].close()
        with contextlib.suppress(OSError):
            await connection[1].wait_closed()
