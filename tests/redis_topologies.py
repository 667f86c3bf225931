"""Real Redis of several servers for tests: a primary with a replica, Sentinels that watch it, a cluster."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.servers import HOST
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import RedisServer, Servers

SERVICE = "cache"
SENTINEL_PASSWORD = "s3cret-sentinel"
SLOTS = 16384
PORT_DRAWS = 12
"""The bus of a cluster listens 10,000 ports higher, and one free port in five is too high for that."""


@dataclass(frozen=True)
class Replicated:
    """A primary and its replica, in step."""

    primary: RedisServer
    replica: RedisServer


def info(server: RedisServer, section: str) -> dict[str, Any]:
    """Returns one section of INFO."""
    answer: Any = server.ask("INFO", section)
    return dict(answer)


@contextmanager
def replicated(servers: Servers, **settings: Any) -> Iterator[Replicated]:
    """A primary with one replica that is online; `settings` are of both."""
    quick: dict[str, Any] = {"repl_diskless_sync": "yes", "repl_diskless_sync_delay": 0, **settings}
    with servers.redis(**quick) as primary, servers.redis(**quick) as replica:
        replica.ask("REPLICAOF", HOST, str(primary.port))
        wait_until(lambda: info(primary, "replication").get("slave0", {}).get("state") == "online", what="the replica")
        yield Replicated(primary, replica)


@contextmanager
def sentinels(servers: Servers, primary: RedisServer, count: int = 1) -> Iterator[list[RedisServer]]:
    """Sentinels that watch the primary as `SERVICE`; they want a password."""
    with ExitStack() as stack:
        started = []
        for _ in range(count):
            sentinel = stack.enter_context(servers.redis(requirepass=SENTINEL_PASSWORD, flags=["--sentinel"]))
            words = ("SENTINEL", "MONITOR", SERVICE, HOST, str(primary.port), str(count))
            sentinel.ask(*words, password=SENTINEL_PASSWORD)
            started.append(sentinel)
        yield started


def sentinel_url(watching: list[RedisServer], service: str = SERVICE) -> str:
    """Returns the address of a service by its Sentinels."""
    places = ",".join(f"{HOST}:{each.port}" for each in watching)
    return f"redis+sentinel://{places}/{service}?sentinel_password={SENTINEL_PASSWORD}"


@contextmanager
def clustered(servers: Servers, count: int = 3, slots: int = SLOTS, **settings: Any) -> Iterator[list[RedisServer]]:
    """A cluster of so many primaries, which hold the first `slots` slots; its state is settled."""
    with ExitStack() as stack:
        nodes = [stack.enter_context(_node(servers, settings)) for _ in range(count)]
        for number, node in enumerate(nodes):
            own = range(number * slots // count, (number + 1) * slots // count)
            node.ask("CLUSTER", "ADDSLOTS", *map(str, own))
            node.ask("CLUSTER", "MEET", HOST, str(nodes[0].port))
        wanted = "ok" if slots == SLOTS else "fail"
        for node in nodes:
            wait_until(partial(_is_settled, node, wanted, count, slots), what="the cluster")
        yield nodes


def cluster_url(nodes: list[RedisServer]) -> str:
    """Returns the address of a cluster by all its nodes."""
    return f"redis+cluster://{','.join(f'{HOST}:{node.port}' for node in nodes)}"


@contextmanager
def _node(servers: Servers, settings: dict[str, Any]) -> Iterator[RedisServer]:
    with ExitStack() as stack:
        for draw in range(PORT_DRAWS):
            try:
                node = stack.enter_context(servers.redis(cluster_enabled="yes", **settings))
            except AssertionError:  # the port was too high for a bus, or somebody has taken that of the bus
                if draw == PORT_DRAWS - 1:
                    raise
            else:
                break
        yield node


def _is_settled(node: RedisServer, state: str, count: int, slots: int) -> bool:
    text: Any = node.ask("CLUSTER", "INFO")
    answer = dict(line.split(":") for line in text.decode().split())
    return (
        answer["cluster_state"] == state
        and int(answer["cluster_known_nodes"]) == count
        and int(answer["cluster_slots_assigned"]) == slots
    )
