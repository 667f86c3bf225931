"""The Redis probe against several servers at once: replicas, Sentinels, a cluster; and over TLS and a socket."""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from readiness.environment.servers import free_ports
from readiness.errors import NotMeasured
from readiness.probes.marks import Marks
from readiness.probes.redis import RedisProbe
from readiness.probes.redis_nodes import SLOTS, slot_of
from tests.contrib import system_redis
from tests.probes import peers
from tests.redis_topologies import (
    SENTINEL_PASSWORD,
    SERVICE,
    cluster_url,
    clustered,
    info,
    replicated,
    sentinel_url,
    sentinels,
)
from tests.servers import HOST
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.redis_topologies import Replicated
    from tests.servers import RedisServer, Servers

    Probes = Callable[..., RedisProbe]

LIMIT_S = 0.6


@pytest.fixture
def probe(tmp_path: Path) -> Iterator[Probes]:
    with ExitStack() as stack:

        def make(url: str, **options: Any) -> RedisProbe:
            given = {"budget": lambda: 60.0, "marks": Marks(tmp_path / "marks"), **options}
            return stack.enter_context(RedisProbe(url, **given))

        yield make


@pytest.fixture(scope="module")
def two(servers: Servers) -> Iterator[Replicated]:
    with replicated(servers) as both:
        yield both


@pytest.fixture(scope="module")
def watching(servers: Servers, two: Replicated) -> Iterator[list[RedisServer]]:
    with sentinels(servers, two.primary, count=2) as started:
        yield started


@pytest.fixture(scope="module")
def cluster(servers: Servers) -> Iterator[list[RedisServer]]:
    with clustered(servers) as nodes:
        yield nodes


# --- Sentinels ----------------------------------------------------------------------------------------------------


def test_sentinels_lead_to_the_primary(two: Replicated, watching: list[RedisServer], probe: Probes) -> None:
    """What is observed is the primary that they name; it is said to be that."""
    cache = probe(sentinel_url(watching))
    assert cache.round_trip().stored
    (seen,) = cache.replication()
    assert seen.where == f"Redis at {HOST}:{two.primary.port}, primary of {SERVICE}"
    assert [replica.place for replica in seen.replicas] == [f"{HOST}:{two.replica.port}"]
    assert cache.server().role == "master"


@pytest.mark.parametrize("silent", [True, False], ids=["stopped", "gone"])
def test_one_sentinel_that_answers_is_enough(silent: bool, watching: list[RedisServer], probe: Probes) -> None:
    """The next is asked where one does not answer, and is left the time to."""
    url = sentinel_url(watching)
    if silent:
        watching[0].stop()
    else:
        url = url.replace(f":{watching[0].port}", f":{free_ports(1)[0]}")
    try:
        assert probe(url, timeout_s=LIMIT_S).ping().samples_ms
    finally:
        watching[0].resume()


def test_what_sentinels_do_not_know_is_named(watching: list[RedisServer], probe: Probes) -> None:
    """Another service, a wrong password and a Sentinel in place of a server are three different things."""
    with pytest.raises(NotMeasured, match=f"Sentinel at {HOST}:{watching[0].port} knows no service other"):
        probe(sentinel_url(watching[:1], "other")).ping()
    with pytest.raises(NotMeasured, match=r"none of 2 hosts .* refused the user or the password") as caught:
        probe(sentinel_url(watching).replace(SENTINEL_PASSWORD, "s3cret-wrong")).ping()
    assert "s3cret" not in str(caught.value)
    with pytest.raises(NotMeasured, match=r"is a Sentinel, which holds no data") as caught:
        probe(watching[0].url.replace("//", f"//:{SENTINEL_PASSWORD}@")).memory()
    assert "redis+sentinel://" in caught.value.remedy


def test_a_primary_that_is_none_is_named(probe: Probes) -> None:
    """While a failover is under way, Sentinels may name a server that has become a replica."""
    body = b"# Replication\r\nrole:slave\r\n"

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        port = str(client.getsockname()[1]).encode()
        while request := client.recv(1000):
            place = b"*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%s\r\n" % (len(port), port)
            client.sendall(place if b"SENTINEL" in request else b"$%d\r\n%s\r\n" % (len(body), body))

    with peers.serving(talk) as server, pytest.raises(NotMeasured, match=r"says of itself that it is a replica"):
        probe(f"redis+sentinel://{HOST}:{server.getsockname()[1]}/cache").ping()


@pytest.mark.parametrize(
    "answer", [b"*1\r\n$1\r\nh\r\n", b"+OK\r\n", b"*2\r\n$1\r\nh\r\n$1\r\n0\r\n", b"*2\r\n$3\r\na b\r\n$1\r\n1\r\n"]
)
def test_an_answer_of_sentinels_that_is_none_is_named(answer: bytes, probe: Probes) -> None:
    """What is no address is not connected to."""
    with (
        peers.sending_at_once(answer) as url,
        pytest.raises(NotMeasured, match=r"something else than an address|address that cannot be used"),
    ):
        probe(f"{url.replace('http:', 'redis+sentinel:')}/cache").ping()


# --- replicas -----------------------------------------------------------------------------------------------------


def test_both_sides_of_replication_are_observed(two: Replicated, probe: Probes) -> None:
    """A primary tells of its replicas, a replica of its primary."""
    (primary,) = probe(two.primary.url).replication()
    assert (primary.role, primary.link, primary.cluster_state) == ("primary", "", "")
    (replica,) = primary.replicas
    assert replica.state == "online"
    assert replica.lag_s < 5
    (seen,) = probe(two.replica.url).replication()
    assert (seen.role, seen.primary, seen.link, seen.is_syncing) == (
        "replica",
        f"{HOST}:{two.primary.port}",
        "up",
        False,
    )


def test_a_primary_without_replicas_claims_none(redis_server: RedisServer, probe: Probes) -> None:
    """That there are none is an observation."""
    (seen,) = probe(redis_server.url).replication()
    assert (seen.role, seen.replicas) == ("primary", ())


# --- a cluster ----------------------------------------------------------------------------------------------------


def test_every_primary_of_a_cluster_is_observed(cluster: list[RedisServer], probe: Probes) -> None:
    """One address is enough to find all; each is asked, and takes a key of its own."""
    cache = probe(cluster_url(cluster[1:2]))
    places = {f"Redis at {HOST}:{node.port}" for node in cluster}
    assert {seen.where for seen in cache.memory()} == places
    assert {seen.where for seen in cache.clients()} == places
    assert {(seen.where, seen.cluster_state) for seen in cache.replication()} == {(place, "ok") for place in places}
    before = [info(node, "commandstats").get("cmdstat_set", {}).get("calls", 0) for node in cluster]
    assert cache.round_trip().stored
    after = [info(node, "commandstats")["cmdstat_set"]["calls"] for node in cluster]
    assert [now - then for then, now in zip(before, after, strict=True)] == [1, 1, 1]
    assert all(node.ask("DBSIZE") == 0 for node in cluster)


def test_one_bad_primary_of_a_cluster_is_named(cluster: list[RedisServer], probe: Probes) -> None:
    """The round trip that fails is the one that is told, however many succeed."""
    cluster[2].ask("CONFIG", "SET", "maxmemory", "1")
    try:
        seen = probe(cluster_url(cluster)).round_trip()
    finally:
        cluster[2].ask("CONFIG", "SET", "maxmemory", "0")
    assert str(seen.error).startswith("OOM")
    assert seen.where == f"Redis at {HOST}:{cluster[2].port}"


def test_a_primary_that_is_silent_leaves_all_unmeasured(cluster: list[RedisServer], probe: Probes) -> None:
    """Two of three are no observation of a cluster; the one that is missing is named, and waited for once."""
    cache = probe(cluster_url(cluster[:1]), timeout_s=LIMIT_S)
    cache.ping()
    cluster[1].stop()
    try:
        started = time.monotonic()
        for observe in (cache.ping, cache.memory, cache.clients, cache.replication, cache.round_trip):
            with pytest.raises(NotMeasured, match=f":{cluster[1].port} gave no answer within 600 ms"):
                observe()
        assert time.monotonic() - started < 3 * LIMIT_S
    finally:
        cluster[1].resume()


@pytest.mark.slow
def test_slots_that_nobody_holds_are_observed(servers: Servers, probe: Probes) -> None:
    """A cluster with a hole says that it has failed, and refuses the round trip."""
    with clustered(servers, slots=SLOTS - 1) as nodes:
        cache = probe(cluster_url(nodes))
        assert {seen.cluster_state for seen in cache.replication()} == {"fail"}
        assert "CLUSTERDOWN" in str(cache.round_trip().error)


def test_a_server_that_is_no_cluster_is_named(redis_server: RedisServer, probe: Probes) -> None:
    """The remedy is the other form of address."""
    with pytest.raises(NotMeasured, match=r"is not a node of a cluster") as caught:
        probe(cluster_url([redis_server])).ping()
    assert "redis://" in caught.value.remedy


@pytest.mark.parametrize(
    "answer",
    [
        b"+OK\r\n",
        b"*0\r\n",
        b"*1\r\n*0\r\n",
        b"*1\r\n*3\r\n:5\r\n:4\r\n*2\r\n$1\r\nh\r\n:1\r\n",
        b"*1\r\n*3\r\n:0\r\n:99999\r\n*2\r\n$1\r\nh\r\n:1\r\n",
        b"*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\n?\r\n:1\r\n",
        b"*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\nh\r\n:0\r\n",
    ],
)
def test_slots_that_are_none_are_named(answer: bytes, probe: Probes) -> None:
    """What CLUSTER SLOTS should not say is not believed."""
    with (
        peers.sending_at_once(answer) as url,
        pytest.raises(NotMeasured, match=r"something else|knows no node|address that cannot be used"),
    ):
        probe(url.replace("http:", "redis+cluster:")).ping()


def test_a_key_has_the_slot_that_redis_says(cluster: list[RedisServer]) -> None:
    """The slot of a key is computed as the server does."""
    for key in ("readiness:1", "123456789", ""):
        assert slot_of(key) == cluster[0].ask("CLUSTER", "KEYSLOT", key)


# --- TLS, sockets, users ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@contextmanager
def behind_tls(server: RedisServer, authority: trustme.CA) -> Iterator[int]:
    """A port that speaks TLS and leads to a server that does not, as the wheel's cannot."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        with socket.create_connection((HOST, server.port)) as plain:
            while not stopped.is_set():
                ready = [client] if client.pending() else select.select([client, plain], [], [], 1)[0]  # type: ignore[attr-defined] # a TLS socket
                for source in ready:
                    data = source.recv(65536)
                    if not data:
                        return
                    (plain if source is client else client).sendall(data)

    with peers.serving(talk, tls=context) as listener:
        yield listener.getsockname()[1]


def test_a_server_behind_tls_is_observed(
    redis_server: RedisServer, authority: trustme.CA, tmp_path: Path, probe: Probes
) -> None:
    """With the authority's certificate all is as without TLS; without it the cause is the certificate."""
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    with behind_tls(redis_server, authority) as port:
        cache = probe(f"rediss://localhost:{port}?ssl_ca_certs={file}")
        assert cache.round_trip().stored
        assert cache.ping().where == f"PING on Redis over TLS at localhost:{port}"
        assert probe(f"rediss://localhost:{port}?ssl_cert_reqs=none").ping().samples_ms
        with pytest.raises(NotMeasured, match=r"TLS certificate of .* (is self-signed|authority that is not trusted)"):
            probe(f"rediss://localhost:{port}").ping()
        with pytest.raises(NotMeasured, match=r"is for another address|is for another host name"):
            probe(f"rediss://{HOST}:{port}?ssl_ca_certs={file}").ping()
    with pytest.raises(NotMeasured, match=r"what ssl_ca_certs in redis.url names does not exist here"):
        probe(f"rediss://localhost:{port}?ssl_ca_certs={file}-not").ping()


def test_a_server_that_speaks_tls_itself_is_observed(
    servers: Servers, authority: trustme.CA, tmp_path: Path, probe: Probes
) -> None:
    """A server of another version, with TLS and a client certificate, as it is in production."""
    names = {"tls_cert_file": "server.pem", "tls_key_file": "server.key", "tls_ca_cert_file": "authority.pem"}
    issued, ours = authority.issue_cert("localhost"), authority.issue_cert("client")
    (port,) = free_ports(1)
    folder = servers.new_folder()
    issued.cert_chain_pems[0].write_to_path(str(folder / "server.pem"))
    issued.private_key_pem.write_to_path(str(folder / "server.key"))
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    for file in folder.iterdir():
        file.chmod(0o644)
    ours.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "client.pem"))
    settings: dict[str, Any] = {name: folder / file for name, file in names.items()}
    with servers.redis(program=system_redis(), tls_port=port, **settings):
        tls = f"ssl_ca_certs={folder / 'authority.pem'}"
        cache = probe(f"rediss://localhost:{port}?{tls}&ssl_certfile={tmp_path / 'client.pem'}")
        assert cache.round_trip().stored
        assert cache.replication()[0].role == "primary"
        assert cache.clients()[0].connected >= 1
        with pytest.raises(NotMeasured, match=r"TLS|closed the connection|reset the connection"):
            probe(f"rediss://localhost:{port}?{tls}").ping()


def test_a_socket_is_a_server(servers: Servers, probe: Probes) -> None:
    """A server on the same machine needs no port."""
    with servers.redis(unixsocket="redis.sock", unixsocketperm="777") as server:
        folder = Path(str(server.client().config_get("dir")["dir"]))
        assert probe(f"unix://{folder}/redis.sock?db=2").round_trip().stored


def test_a_user_needs_little(servers: Servers, probe: Probes) -> None:
    """A user with the rights that the remedy names passes every observation, and its log of refusals stays empty."""
    from readiness.probes.redis_failure import NEEDED

    with servers.redis() as server:
        server.ask("ACL", "SETUSER", "readiness", "on", ">s3cret", *NEEDED.split())
        cache = probe(server.url.replace("//", "//readiness:s3cret@"))
        cache.reach()
        assert cache.round_trip().stored
        for observe in (cache.ping, cache.memory, cache.persistence, cache.clients, cache.replication, cache.evictions):
            observe()
        assert server.ask("ACL", "LOG") == []


# --- evictions ----------------------------------------------------------------------------------------------------


def overfill(server: RedisServer) -> None:
    server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    server.ask("SET", "large", "x" * 100_000)
    server.ask("CONFIG", "SET", "maxmemory", "1")
    wait_until(lambda: info(server, "stats")["evicted_keys"] > 0, what="an eviction")
    server.ask("CONFIG", "SET", "maxmemory", "0")


def test_evictions_of_the_past_do_not_count(servers: Servers, probe: Probes) -> None:
    """The first run counts its own time, each later one from the run before; never the whole life."""
    with servers.redis() as server:
        overfill(server)
        first = probe(server.url).evictions()
        assert (first.count, first.since) == (0, "in this run")
        assert first.seconds >= 0.5
        overfill(server)
        second = probe(server.url).evictions()
        assert (second.count > 0, second.since) == (True, "since the last run")
        third = probe(server.url).evictions()
        assert (third.count, third.since) == (0, "since the last run")
        server.ask("CONFIG", "RESETSTAT")
        overfill(server)
        assert probe(server.url).evictions().count > 0


# --- bounds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", [b"$10000000000\r\n", b"*1000000000\r\n", b"+"], ids=["bulk", "array", "line"])
def test_an_endless_answer_is_bounded(head: bytes, probe: Probes) -> None:
    """A peer that sends without end is left after a few megabytes, long before its time is up."""
    sent = [0]

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        client.recv(1000)
        client.sendall(head)
        piece = (b"$1\r\nx\r\n" if head.startswith(b"*") else b"x" * 7) * 9000
        while not stopped.is_set():
            client.sendall(piece)
            sent[0] += len(piece)

    with peers.serving(talk) as server:
        cache = probe(f"redis://{HOST}:{server.getsockname()[1]}")
        with pytest.raises(NotMeasured, match=r"answered with more than 4 MiB|gave no answer within"):
            cache.ping()
    assert sent[0] < 32 * 1024 * 1024


def test_a_silence_is_waited_for_once(own_redis: RedisServer, probe: Probes) -> None:
    """Many checks of a server that does not answer take as long as one, and all say the same; later it is tried anew."""
    cache = probe(own_redis.url, timeout_s=LIMIT_S)
    cache.ping()
    own_redis.stop()
    failures: list[str] = []

    def observe() -> None:
        for _ in range(3):
            with pytest.raises(NotMeasured) as caught:
                cache.memory()
            failures.append(caught.value.cause)

    started = time.monotonic()
    threads = [threading.Thread(target=observe) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - started < 1.8 * LIMIT_S
    assert len(failures) == 24
    assert all("gave no answer" in cause or "still busy" in cause for cause in failures)
    own_redis.resume()
    wait_until(lambda: answers(cache), what="an answer")


def answers(cache: RedisProbe) -> bool:
    try:
        return bool(cache.memory())
    except NotMeasured:
        return False
