"""A network that is slow: a TCP proxy on loopback that hands everything on, late."""

from __future__ import annotations

import select
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.probes import peers

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

HOST = "127.0.0.1"


@contextmanager
def delaying(port: int, *, connect_s: float = 0.0, answer_s: float = 0.0) -> Iterator[int]:
    """A port that leads to the server on `port`.

    Args:
        port: on loopback.
        connect_s: how long a new connection waits before the server learns of it.
        answer_s: how much later an answer arrives.
    """

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        if stopped.wait(connect_s):
            return
        with socket.create_connection((HOST, port)) as server:
            for each in (client, server):  # no packet waits for the acknowledgement of the one before it
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while not stopped.is_set():
                for source in select.select([client, server], [], [], peers.LIMIT_S)[0]:
                    if source is server and stopped.wait(answer_s):
                        return
                    data = source.recv(65536)  # all pieces that came meanwhile
                    if not data:
                        return
                    (client if source is server else server).sendall(data)

    with peers.serving(talk) as listener:
        yield listener.getsockname()[1]
