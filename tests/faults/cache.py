"""Ways to break Redis."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.faults.proxy import HOST, delaying

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.targets import Break, Changes, Targets


def told(*words: str) -> Break:
    """A server that was told this; `{port}` is that of the healthy one."""

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        with targets.servers.redis() as server:
            server.ask(*(word.format(port=targets.redis.port) for word in words))
            yield {"redis.url": server.url}

    return breaks


def slow(answer_s: float, ping_within: str) -> Break:
    """The network is slow, measured against a limit that a healthy one keeps."""

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        with delaying(targets.redis.port, answer_s=answer_s) as port:
            yield {"redis.url": f"redis://{HOST}:{port}", "redis.ping-within": ping_within}

    return breaks


@contextmanager
def full(targets: Targets) -> Iterator[Changes]:
    """The memory is used up, and nothing may be evicted."""
    with targets.servers.redis(maxmemory=1, maxmemory_policy="noeviction") as server:
        yield {"redis.url": server.url}


@contextmanager
def locked(targets: Targets) -> Iterator[Changes]:
    """The server wants a password that the service does not have."""
    with targets.servers.redis(requirepass="s3cret-redis") as server:
        yield {"redis.url": server.url}


@contextmanager
def stopped(targets: Targets) -> Iterator[Changes]:
    """The server takes connections and never answers."""
    with targets.servers.redis() as server:
        server.stop()
        yield {"redis.url": server.url}


@contextmanager
def killed(targets: Targets) -> Iterator[Changes]:
    """The server was killed."""
    with targets.servers.redis() as server:
        server.kill()
        yield {"redis.url": server.url}
