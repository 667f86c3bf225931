"""The gate `redis` in whole runs: every form of address, and what a server is asked."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.contrib import valkey
from tests.project import Project, serving_site
from tests.redis_topologies import cluster_url, clustered, info, replicated, sentinel_url, sentinels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.project import Judged
    from tests.servers import RedisServer, Servers

pytestmark = pytest.mark.slow

CONFIG = """
[service]
name = "shop"

[env.staging]
kind = "live"
redis.url = "${REDIS_ADDRESS}"
protected = %s

[redis]
ping-within = "5s"
server-version = ">=6"
eviction-policy = "noeviction"
max-evicted-keys = 0
min-hit-rate = "50%%"
persistence = true
"""
ASKED = {"ping", "info", "config", "set", "get", "del", "auth"}
"""All that one server may ever be asked. Before Redis 7 the statistics do not tell CONFIG GET from CONFIG SET."""
OURS = {"hello", "client"}
"""With which the tests' own client introduces itself."""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with serving_site() as site:
        yield Project(tmp_path, site)


def judge(project: Project, address: str, *, protected: bool = False) -> Judged:
    project.config(CONFIG % str(protected).lower())
    return project.judge(REDIS_ADDRESS=address, XDG_CACHE_HOME=str(project.folder / "cache"))


def use(server: RedisServer, **options: Any) -> None:
    """The server saves its data and has been asked for what it has."""
    server.ask("CONFIG", "SET", "save", "3600 1", **options)
    with server.client(**options) as client:
        for number in range(16):
            client.set(f"page:{number}", "1")
        for number in range(200):
            client.get(f"page:{number % 16}")


def commands(server: RedisServer) -> set[str]:
    """Returns what the server has been asked since its statistics were reset."""
    return {name.removeprefix("cmdstat_").partition("|")[0] for name in info(server, "commandstats")}


@pytest.mark.parametrize("product", ["redis", "valkey"])
def test_one_server_is_judged(product: str, servers: Servers, project: Project) -> None:
    """All checks of the gate pass, and the evidence says in plain words that there are no replicas and no maxmemory."""
    with servers.redis(program=valkey() if product == "valkey" else None) as server:
        use(server)
        judged = judge(project, server.url.replace("redis:", f"{product}:"))
    judged.assert_go()
    assert len(judged.outcomes) == 10
    role, lost = judged.check("redis/replication")["measurements"]
    assert (role["value"], lost["value"]) == ("primary without replicas", 0)
    memory = {each["name"]: each for each in judged.check("redis/memory")["measurements"]}
    assert memory["maxmemory"]["value"] == "none is set"
    assert 0 < memory["used memory of what the machine has"]["value"] < 90


@pytest.mark.parametrize("protected", [True, False])
def test_a_server_is_asked_only_what_is_harmless(servers: Servers, project: Project, protected: bool) -> None:
    """Never KEYS, FLUSHALL, CONFIG SET, MONITOR or DEBUG, nor another key than our own; nothing is left behind."""
    needed = ["+ping", "+info", "+config|get"]
    writes = [] if protected else ["+set", "+get", "+del", "~readiness:*"]
    with servers.redis() as server:
        use(server)
        size = server.ask("DBSIZE")
        server.ask("ACL", "SETUSER", "readiness", "on", ">s3cret-app", *needed, *writes)
        with ExitStack() as stack:
            client = stack.enter_context(server.client())
            client.ping()  # connected before anything is watched
            monitor = stack.enter_context(stack.enter_context(server.client()).monitor())
            url = server.url.replace("//", "//readiness:s3cret-app@")
            judged = judge(project, url, protected=protected)
            client.set("end", "1")
            seen = []
            while not (command := monitor.next_command()["command"]).startswith("SET end"):
                seen.append(command)
        assert server.ask("ACL", "LOG") == []
        assert server.ask("DBSIZE") == int(str(size)) + 1
    judged.assert_go()
    assert "s3cret" not in judged.out
    asked = {" ".join(command.split()[:2]) if command.startswith("CONFIG") else command.split()[0] for command in seen}
    allowed = {"PING", "INFO", "AUTH", "CONFIG GET"}
    assert asked <= (allowed if protected else allowed | {"SET", "GET", "DEL"})
    keys = {command.split()[1] for command in seen if command.split()[0] in ("SET", "GET", "DEL")}
    assert all(key.startswith("readiness:") for key in keys)
    assert bool(keys) is not protected


def test_a_server_says_what_it_was_asked(servers: Servers, project: Project) -> None:
    """The server's own statistics hold no other command than those that are allowed."""
    with servers.redis() as server:
        server.ask("CONFIG", "RESETSTAT")
        use(server)
        judge(project, server.url).assert_go()
        assert commands(server) <= ASKED | OURS


def test_sentinels_are_judged(servers: Servers, project: Project) -> None:
    """An address of Sentinels leads to the primary, with its replica; the Sentinels' password reaches no output."""
    with replicated(servers) as two, sentinels(servers, two.primary) as watching:
        use(two.primary)
        judged = judge(project, sentinel_url(watching))
        judged.assert_go()
        names = {each["name"]: each["value"] for each in judged.check("redis/replication")["measurements"]}
        assert names["replica is"] == "online"
        two.primary.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        judge(project, sentinel_url(watching)).assert_no_go("primary of cache", "observed allkeys-lru")
    assert "s3cret" not in judged.out


def test_a_cluster_is_judged(servers: Servers, project: Project) -> None:
    """Every primary is judged, and the one that is not as it should be is named; a silent one is one blocker."""
    with clustered(servers) as nodes, ExitStack() as stack:
        for node in nodes:
            node.ask("CONFIG", "SET", "save", "3600 1")
        from redis.cluster import RedisCluster

        client = stack.enter_context(RedisCluster(host="127.0.0.1", port=nodes[0].port))
        for number in range(40):
            client.set(f"page:{number}", "1")
        for number in range(400):
            client.get(f"page:{number % 40}")
        judge(project, cluster_url(nodes[:1])).assert_go()
        nodes[1].ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        judged = judge(project, cluster_url(nodes))
        judged.assert_no_go("redis/eviction-policy", f":{nodes[1].port}")
        assert f":{nodes[0].port}" not in judged.check("redis/eviction-policy")["message"]
        assert [check for check, outcome in judged.outcomes.items() if outcome != "passed"] == ["redis/eviction-policy"]
        nodes[2].stop()
        judge(project, cluster_url(nodes)).assert_no_go(f":{nodes[2].port} gave no answer within 5 s")
        nodes[2].resume()
