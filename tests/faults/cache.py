"""Ways to break Redis."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults.proxy import HOST, delaying
from tests.redis_topologies import info, replicated
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.targets import Break, Changes, Targets
    from tests.servers import RedisServer, Servers

LOOKUPS = 200
MIB = 1024 * 1024


@contextmanager
def warmed(servers: Servers, **settings: Any) -> Iterator[RedisServer]:
    """A server in use: it saves its data, and look-ups found what they asked for."""
    with servers.redis(**settings) as server:
        warm(server)
        yield server


def warm(server: RedisServer) -> None:
    """The server is in use: it saves its data, and look-ups found what they asked for."""
    server.ask("CONFIG", "SET", "save", "3600 1")
    server.ask("SET", "page", "1")
    look_up(server, "page")


def look_up(server: RedisServer, key: str) -> None:
    """The key was asked for many times."""
    with server.client() as client, client.pipeline(transaction=False) as pipeline:
        for _ in range(LOOKUPS):
            pipeline.get(key)
        pipeline.execute()


def told(*words: str) -> Break:
    """A server that was told this; `{port}` is that of the healthy one."""

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        with warmed(targets.servers) as server:
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


# --- memory -------------------------------------------------------------------------------------------------------


@contextmanager
def full(targets: Targets) -> Iterator[Changes]:
    """The memory is used up, and nothing may be evicted."""
    with warmed(targets.servers) as server:
        server.ask("CONFIG", "SET", "maxmemory", "1")
        yield {"redis.url": server.url}


@contextmanager
def nearly_full(targets: Targets) -> Iterator[Changes]:
    """There is room for a small key, and not for what the next hour brings."""
    with warmed(targets.servers) as server:
        server.ask("SET", "large", "x" * 40 * MIB)
        server.ask("CONFIG", "SET", "maxmemory", str(round(info(server, "memory")["used_memory"] / 0.95)))
        yield {"redis.url": server.url}


@contextmanager
def evicting(targets: Targets) -> Iterator[Changes]:
    """More is written, all the time, than there is room for."""
    stopped = threading.Event()

    def write(server: RedisServer) -> None:
        with server.client() as client:
            while not stopped.is_set():
                with client.pipeline(transaction=False) as pipeline:
                    for _ in range(20):
                        pipeline.set(f"page:{next(numbers)}", "x" * 1000)
                    pipeline.execute()
                stopped.wait(0.005)

    with _evicting_server(targets) as server, ExitStack() as stack:
        numbers = iter(range(10**9))
        writer = threading.Thread(target=write, args=(server,))
        writer.start()
        stack.callback(writer.join)
        stack.callback(stopped.set)
        wait_until(lambda: info(server, "stats")["evicted_keys"] > 0, what="an eviction")
        yield {"redis.url": server.url, "redis.eviction-policy": "allkeys-lru"}


@contextmanager
def evicted_since(targets: Targets) -> Iterator[Changes]:
    """There was a run, then keys were evicted, and now there is room again."""
    with _evicting_server(targets) as server:
        changes = {"redis.url": server.url, "redis.eviction-policy": "allkeys-lru"}
        targets.judge(["redis"], changes)
        _overfill(server)
        server.ask("CONFIG", "SET", "maxmemory", "0")
        yield changes


@contextmanager
def _evicting_server(targets: Targets) -> Iterator[RedisServer]:
    with warmed(targets.servers, maxmemory="4mb", maxmemory_policy="allkeys-lru") as server:
        yield server


def _overfill(server: RedisServer) -> None:
    with server.client() as client:
        for number in range(20_000):
            client.set(f"page:{number}", "x" * 1000)
            if number % 500 == 0 and info(server, "stats")["evicted_keys"] > 0:
                return
    raise AssertionError("nothing was evicted")


@contextmanager
def missing(targets: Targets) -> Iterator[Changes]:
    """Most look-ups find nothing."""
    with warmed(targets.servers) as server:
        look_up(server, "nothing-such")
        yield {"redis.url": server.url}


# --- persistence --------------------------------------------------------------------------------------------------


def failed_save(stop_writes: str) -> Break:
    """The last save failed: the folder cannot be written; with or without the server refusing writes since."""

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        with warmed(targets.servers, stop_writes_on_bgsave_error=stop_writes) as server, _unwritable(server):
            server.ask("BGSAVE")
            _wait_for(server, "rdb_last_bgsave_status", "err")
            yield {"redis.url": server.url}

    return breaks


@contextmanager
def failed_rewrite(targets: Targets) -> Iterator[Changes]:
    """The AOF grows on: it could not be rewritten."""
    with warmed(targets.servers, appendonly="yes") as server, _unwritable(server):
        server.ask("BGREWRITEAOF")
        _wait_for(server, "aof_last_bgrewrite_status", "err")
        yield {"redis.url": server.url}


@contextmanager
def _unwritable(server: RedisServer) -> Iterator[None]:
    """The server's folder cannot be written by the server."""
    (_, name) = _pair(server.ask("CONFIG", "GET", "dir"))
    folder = Path(name)
    mode = folder.stat().st_mode
    folder.chmod(0o500)
    try:
        yield
    finally:
        folder.chmod(mode)


def _pair(answer: Any) -> tuple[str, str]:
    """Returns name and value of CONFIG GET, which redis-py gives as a dict or a list."""
    name, value = answer.popitem() if isinstance(answer, dict) else answer
    return tuple(each.decode() if isinstance(each, bytes) else str(each) for each in (name, value))  # type: ignore[return-value] # two of them


def _wait_for(server: RedisServer, name: str, value: str) -> None:
    wait_until(lambda: info(server, "persistence")[name] == value, what=f"{name}: {value}")


# --- clients and replicas -----------------------------------------------------------------------------------------


@contextmanager
def nearly_exhausted(targets: Targets) -> Iterator[Changes]:
    """Nine connections of ten are taken, with our own."""
    with warmed(targets.servers) as server, ExitStack() as stack:
        server.ask("CONFIG", "SET", "maxclients", "10")
        for _ in range(8):
            stack.enter_context(server.client()).ping()
        yield {"redis.url": server.url}


def with_replica(look_at: str, spoil: Callable[[RedisServer, RedisServer], None]) -> Break:
    """A primary and its replica, one of them spoilt.

    Args:
        look_at: `primary` or `replica`: which one the service uses.
        spoil: gets primary and replica.
    """

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        with replicated(targets.servers) as two:
            warm(two.primary)
            # An idle primary is heard every 10 s only, which is more than the limit of this test.
            two.primary.ask("CONFIG", "SET", "repl-ping-replica-period", "1")
            warm_replica(two.replica)
            spoil(two.primary, two.replica)
            yield {"redis.url": getattr(two, look_at).url, "redis.max-replication-lag": "1500ms"}

    return breaks


def warm_replica(replica: RedisServer) -> None:
    """The replica is in use; it takes no key, so it waits for that of its primary."""
    replica.ask("CONFIG", "SET", "save", "3600 1")
    wait_until(lambda: replica.ask("GET", "page"), what="the key on the replica")
    replica.ask("CONFIG", "RESETSTAT")  # what was asked for too early was a miss
    look_up(replica, "page")


def nothing(_primary: RedisServer, _replica: RedisServer) -> None:
    """Both are well."""


def primary_gone(primary: RedisServer, replica: RedisServer) -> None:
    """The replica has lost its primary."""
    primary.kill()
    wait_until(lambda: info(replica, "replication")["master_link_status"] == "down", what="the loss")


def primary_silent(primary: RedisServer, replica: RedisServer) -> None:
    """The replica has not heard its primary for a while, and keeps the connection."""
    primary.stop()
    wait_until(lambda: info(replica, "replication")["master_last_io_seconds_ago"] >= 2, what="the silence")


def replica_silent(primary: RedisServer, replica: RedisServer) -> None:
    """The replica has not acknowledged for a while, and keeps the connection."""
    replica.stop()
    wait_until(lambda: info(primary, "replication")["slave0"]["lag"] >= 2, what="the silence")


# --- not to be reached --------------------------------------------------------------------------------------------


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
