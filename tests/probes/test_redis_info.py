"""What is read out of INFO: as it is, and never with a gap."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from readiness.errors import NotMeasured
from readiness.probes.redis import RedisProbe
from readiness.probes.redis_info import (
    InfoObservation,
    LookupObservation,
    clients_of,
    lookups_of,
    memory_of,
    persistence_of,
    replication_of,
)
from tests.probes import peers

if TYPE_CHECKING:
    import threading

MEMORY = {"used_memory": "50", "maxmemory": "200", "total_system_memory": "1000", "maxmemory_policy": "noeviction"}
PERSISTENCE = {
    "loading": "0",
    "aof_enabled": "1",
    "rdb_last_bgsave_status": "ok",
    "aof_last_write_status": "err",
    "aof_last_bgrewrite_status": "ok",
    "rdb_changes_since_last_save": "7",
}
PRIMARY = {
    "role": "master",
    "connected_slaves": "1",
    "slave0": "ip=10.0.0.2,port=6380,state=online,offset=90,lag=1",
    "master_repl_offset": "100",
}
REPLICA = {
    "role": "slave",
    "connected_slaves": "0",
    "master_host": "10.0.0.1",
    "master_port": "6379",
    "master_link_status": "down",
    "master_last_io_seconds_ago": "-1",
    "master_sync_in_progress": "0",
}


def info(values: dict[str, str], **other: str) -> InfoObservation:
    return InfoObservation("", values | other, "Redis at h:1")


def test_memory_is_measured_by_its_bound() -> None:
    """The bound is maxmemory where there is one, else what the machine has; with neither there is no share, and no 0 %."""
    assert memory_of(info(MEMORY)).used_percent == 25
    unbound = memory_of(info(MEMORY, maxmemory="0"))
    assert (unbound.limit_bytes, unbound.used_percent) == (0, 5)
    without = {name: value for name, value in MEMORY.items() if name != "total_system_memory"}
    for other in (without, MEMORY | {"total_system_memory": "0"}):
        with pytest.raises(NotMeasured, match="has no maxmemory") as caught:
            memory_of(info(other, maxmemory="0"))
        assert "Set maxmemory" in caught.value.remedy


@pytest.mark.parametrize("name", ["used_memory", "maxmemory", "maxmemory_policy"])
def test_memory_that_is_not_told_is_unmeasured(name: str) -> None:
    """A field that is missing is not 0."""
    with pytest.raises(NotMeasured, match=f"reports no {name} in INFO"):
        memory_of(info({key: value for key, value in MEMORY.items() if key != name}))


@pytest.mark.parametrize("text", ["-1", "1.5", "", "many", "9" * 40])
def test_what_is_no_count_is_unmeasured(text: str) -> None:
    """A count is a whole number that is not negative."""
    with pytest.raises(NotMeasured, match="which is not a count"):
        memory_of(info(MEMORY, used_memory=text))


def test_lookups_of_all_servers_are_one_rate() -> None:
    """A cache of several servers has one hit rate; too few look-ups have none."""
    first = {"keyspace_hits": "90", "keyspace_misses": "9"}
    seen = lookups_of([info(first), info({"keyspace_hits": "0", "keyspace_misses": "1"})])
    assert seen.hit_percent(at_least=100) == 90
    with pytest.raises(NotMeasured, match="has seen 99 look-ups, too few"):
        lookups_of([info(first)]).hit_percent(at_least=100)
    with pytest.raises(NotMeasured, match="too few"):
        LookupObservation(0, 0, "h").hit_percent(at_least=1)


def test_clients_are_all_that_count_towards_the_limit() -> None:
    """Replicas and the bus of a cluster take connections too."""
    values = {"connected_clients": "3", "connected_slaves": "2", "cluster_connections": "5"}
    assert clients_of(info(values), 20).used_percent == 50


def test_an_older_server_tells_its_limit_of_clients_in_its_configuration() -> None:
    """Before 6.2 INFO has no maxclients; where the configuration is not shown, there is no share."""
    body = b"connected_clients:1\r\nconnected_slaves:0\r\n"
    answers = [b"*2\r\n$10\r\nmaxclients\r\n$2\r\n10\r\n", b"-ERR unknown command 'CONFIG'\r\n"]

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        while request := client.recv(1000):
            client.sendall(answers[0] if b"CONFIG" in request else b"$%d\r\n%s\r\n" % (len(body), body))

    with (
        peers.serving(talk) as server,
        RedisProbe(f"redis://127.0.0.1:{server.getsockname()[1]}", budget=lambda: 60.0) as cache,
    ):
        assert cache.clients()[0].used_percent == 10
        del answers[0]
        with pytest.raises(NotMeasured, match="does not tell how many clients it admits: unknown command"):
            cache.clients()


def test_persistence_is_read() -> None:
    """Every status is there; what is not shown is unmeasured, unless an AOF is written anyway."""
    seen = persistence_of(info(PERSISTENCE), None)
    assert (seen.snapshots, seen.append_only, seen.last_write, seen.unsaved_changes) == (None, True, "err", 7)
    with pytest.raises(NotMeasured, match="does not let us see"):
        persistence_of(info(PERSISTENCE, aof_enabled="0"), None)
    assert persistence_of(info(PERSISTENCE, aof_enabled="0", loading="1"), False).loading


def test_replication_is_read() -> None:
    """A primary knows how far each replica is behind, a replica how its link is."""
    primary = replication_of(info(PRIMARY))
    (replica,) = primary.replicas
    assert (replica.place, replica.state, replica.lag_s, replica.behind_bytes) == ("10.0.0.2:6380", "online", 1, 10)
    seen = replication_of(info(REPLICA))
    assert (seen.role, seen.primary, seen.link, seen.silent_s) == ("replica", "10.0.0.1:6379", "down", -1)


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        (PRIMARY | {"role": "sentinel"}, "has the role 'sentinel'"),
        (PRIMARY | {"connected_slaves": "2"}, "tells of 1 replicas and counts 2"),
        (PRIMARY | {"slave0": "ip=h,port=x,state=online,offset=1,lag=1"}, "in another form"),
        (PRIMARY | {"slave0": "state=online"}, "in another form"),
        ({name: value for name, value in REPLICA.items() if name != "master_link_status"}, "no master_link_status"),
    ],
)
def test_replication_that_is_told_in_part_is_unmeasured(values: dict[str, str], cause: str) -> None:
    """A replica that cannot be read is not one less."""
    with pytest.raises(NotMeasured, match=cause):
        replication_of(info(values))
