"""Redis answers in time, has room, keeps what it is given, and is replicated as configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from readiness import check

if TYPE_CHECKING:
    from readiness.config.model import Redis
    from readiness.evidence import Measure
    from readiness.probes.interface import LatencyObservation
    from readiness.probes.redis import EvictionObservation
    from readiness.probes.redis_info import (
        ClientsObservation,
        LookupObservation,
        MemoryObservation,
        PersistenceObservation,
        ReplicationObservation,
        ServerObservation,
    )
    from readiness.probes.redis_round_trip import RoundTripObservation

RUNBOOK = "redis"
ENOUGH_LOOKUPS = 100
"""With fewer, one look-up more or less moves the hit rate by more than a percent."""
MIB = 1024 * 1024


@check("redis/ping", observe=lambda cache: cache.ping(), runbook=RUNBOOK)
def test_ping(seen: LatencyObservation, table: Redis, measure: Measure) -> None:
    """Redis answers PING in time.

    Holds when: the 95th percentile of PING is within the limit; of a cluster, on its slowest primary.
    Why it matters: a cache that is slower than what it caches makes everything slower.
    Measured by: five PINGs over one connection.
    If it fails: look at slow commands (SLOWLOG GET), at swapping, and at the network in between.
    Source: [redis] ping-within.
    """
    measure("PING p95", seen.p95_ms, unit="ms", at_most=table.ping_within.ms, key="ping-within", where=seen.where)


@check("redis/server-version", needs="server-version", observe=lambda cache: cache.servers(), runbook=RUNBOOK)
def test_server_version(seen: tuple[ServerObservation, ...], table: Redis, measure: Measure) -> None:
    """The server is of a version that the release supports.

    Holds when: the server's version is in the range; of a cluster, that of every primary. Valkey's own version counts.
    Why it matters: commands and their semantics differ between versions.
    Measured by: INFO.
    If it fails: deploy to the right server, or widen the range after testing on that version.
    Source: [redis] server-version.
    """
    for server in seen:
        measure(
            "server version",
            server.version,
            satisfies=table.server_version,
            key="server-version",
            where=server.where,
            detail=(server.product,),
        )


@check("redis/round-trip", writes=True, observe=lambda cache: cache.round_trip(), runbook=RUNBOOK)
def test_round_trip(seen: RoundTripObservation, measure: Measure) -> None:
    """A value that is stored can be read back.

    Holds when: an own key with a time to live is stored, read back unchanged, and deleted; of a cluster, on every
        primary.
    Why it matters: a replica, a full memory or a failed save answers PING and refuses every write.
    Measured by: SET, GET and DEL of one key `readiness:...`; never on a protected target.
    If it fails: Redis' own words are in the evidence; look at maxmemory, at the role and at the last save.
    Source: contract of the gate.
    """
    measure("stored", seen.error or "read back", equals="read back", where=seen.where)


@check("redis/memory", observe=lambda cache: cache.memory(), runbook=RUNBOOK)
def test_memory(seen: tuple[MemoryObservation, ...], table: Redis, measure: Measure) -> None:
    """Redis has memory left.

    Holds when: used_memory is at most the limit's share of maxmemory. Where maxmemory is 0, Redis takes what the machine
        has, and the share is that of the machine's memory: no bound at all is not 0 % of one.
    Why it matters: at maxmemory keys are evicted or writes refused; without one the kernel kills Redis, or its
        neighbours.
    Measured by: used_memory, maxmemory and total_system_memory of INFO. In a container the latter is the host's, so set
        maxmemory there.
    If it fails: find what grew (MEMORY STATS, keys without a time to live), raise maxmemory, or shard. For a cache that
        is meant to be full set max-memory to "100%".
    Source: [redis] max-memory, default 90%.
    """
    for server in seen:
        bound = f"{server.limit_bytes / MIB:.6g} MiB" if server.limit_bytes else "none is set"
        measure("used memory", round(server.used_bytes / MIB, 3), unit="MiB")
        measure("maxmemory", bound)
        measure(
            f"used memory of {'maxmemory' if server.limit_bytes else 'what the machine has'}",
            server.used_percent,
            unit="%",
            at_most=table.max_memory.percent,
            key="max-memory",
            where=server.where,
            detail=(
                f"{server.used_bytes / MIB:.6g} of {server.capacity_bytes / MIB:.6g} MiB are used; maxmemory: {bound}",
            ),
        )


@check("redis/evictions", needs="max-evicted-keys", observe=lambda cache: cache.evictions(), runbook=RUNBOOK)
def test_evictions(seen: EvictionObservation, table: Redis, measure: Measure) -> None:
    """Redis does not throw keys out to make room.

    Holds when: at most so many keys were evicted since the last run, or in this run where there was none lately.
    Why it matters: what is evicted is computed again, by the database; where it was no cache, it is lost.
    Measured by: the difference of evicted_keys between two readings of INFO, never the counter of the server's whole
        life. Each run leaves its reading in the user's cache folder for the next; it counts for seven days and until
        the server is restarted. Without one, two readings half a second apart.
    If it fails: look at redis/memory, raise maxmemory, or give keys a shorter time to live.
    Source: [redis] max-evicted-keys.
    """
    measure("counted over", round(seen.seconds, 3), unit="s")
    measure(
        "evicted keys",
        seen.count,
        at_most=table.max_evicted_keys,
        key="max-evicted-keys",
        where=seen.where,
        detail=(f"in {seen.seconds:.3g} s, {seen.since}",),
    )


@check("redis/eviction-policy", needs="eviction-policy", observe=lambda cache: cache.memory(), runbook=RUNBOOK)
def test_eviction_policy(seen: tuple[MemoryObservation, ...], table: Redis, measure: Measure) -> None:
    """What happens when memory is full is what the service was built for.

    Holds when: maxmemory-policy is the one that is named.
    Why it matters: noeviction makes a full cache refuse writes; allkeys-lru throws away jobs and sessions.
    Measured by: maxmemory_policy of INFO.
    If it fails: set maxmemory-policy in the server's configuration, and not by CONFIG SET alone: that ends with a restart.
    Source: [redis] eviction-policy.
    """
    for server in seen:
        measure(
            "maxmemory-policy", server.policy, equals=table.eviction_policy, key="eviction-policy", where=server.where
        )


@check("redis/hit-rate", needs="min-hit-rate", observe=lambda cache: cache.lookups(), runbook=RUNBOOK)
def test_hit_rate(seen: LookupObservation, table: Redis, measure: Measure) -> None:
    """The cache has what it is asked for.

    Holds when: the share of look-ups that found their key is at least the limit. With fewer than 100 look-ups it is
        unmeasured: a cache that nobody has used yet has no hit rate.
    Why it matters: what is not found is computed, by the database: a low rate is load and latency there.
    Measured by: keyspace_hits and keyspace_misses of INFO since the server started; of a cluster, of all primaries.
    If it fails: look at times to live, at evictions, and at keys that hold what changes with each request.
    Source: [redis] min-hit-rate.
    """
    limit = table.min_hit_rate
    rate = seen.hit_percent(at_least=ENOUGH_LOOKUPS)
    measure("look-ups", seen.hits + seen.misses)
    measure(
        "hit rate",
        rate,
        unit="%",
        at_least=limit.percent if limit is not None else None,
        key="min-hit-rate",
        where=seen.where,
        detail=(f"{seen.hits} of {seen.hits + seen.misses} look-ups",),
    )


@check("redis/persistence", needs="persistence", observe=lambda cache: cache.persistence(), runbook=RUNBOOK)
def test_persistence(seen: tuple[PersistenceObservation, ...], measure: Measure) -> None:
    """What is stored survives a restart.

    Holds when: save points or AOF are configured; the last RDB save, and with AOF the last write and the last rewrite,
        did not fail; nothing is being loaded. A save in progress is fine.
    Why it matters: a server that cannot save loses everything at its next restart, and by default refuses writes.
    Measured by: INFO, and CONFIG GET save, which only reads.
    If it fails: read the server's log; mostly the disk is full or the folder not writable. Configure `save` or
        `appendonly yes` where nothing is.
    Source: [redis] persistence.
    """
    key = "persistence"
    for server in seen:
        ways = [name for name, is_on in (("RDB", server.snapshots), ("AOF", server.append_only)) if is_on]
        measure("data is kept by", " and ".join(ways) or "nothing")
        none = () if ways else ("neither save points nor appendonly are configured",)
        measure("data is kept", bool(ways), equals=True, key=key, where=server.where, detail=none)
        measure("last RDB save", server.last_save, equals="ok", key=key, where=server.where)
        measure("changes since the last RDB save", server.unsaved_changes)
        if server.append_only:
            measure("last AOF write", server.last_write, equals="ok", key=key, where=server.where)
            measure("last AOF rewrite", server.last_rewrite, equals="ok", key=key, where=server.where)
        measure("loading", server.loading, equals=False, key=key, where=server.where)


@check("redis/clients", observe=lambda cache: cache.clients(), runbook=RUNBOOK)
def test_clients(seen: tuple[ClientsObservation, ...], table: Redis, measure: Measure) -> None:
    """Redis admits more clients.

    Holds when: the connections taken are at most the limit's share of maxclients.
    Why it matters: at the limit every new connection is refused, first of all those of the release being rolled out.
    Measured by: connected_clients, with replicas and the bus of a cluster, and maxclients of INFO.
    If it fails: look for pools that are too large or leak (CLIENT LIST), or raise maxclients.
    Source: [redis] max-clients, default 80%.
    """
    for server in seen:
        measure(
            "connections of maxclients",
            server.used_percent,
            unit="%",
            at_most=table.max_clients.percent,
            key="max-clients",
            where=server.where,
            detail=(f"{server.connected} of {server.most}",),
        )


@check("redis/replication", observe=lambda cache: cache.replication(), runbook=RUNBOOK)
def test_replication(seen: tuple[ReplicationObservation, ...], table: Redis, measure: Measure) -> None:
    """Replicas follow their primary.

    Holds when: of a primary, each replica is online and has acknowledged within the limit, and there are at least
        min-replicas; of a replica, its link is up, it has heard its primary within the limit and is not being copied
        anew; of a cluster, its state is ok as well. A primary without replicas passes where min-replicas is not set: it
        claims none, and the evidence says so.
    Why it matters: a replica that has lost its primary serves old data, and a failover to it loses writes.
    Measured by: INFO; of a cluster also CLUSTER INFO.
    If it fails: look at the network, at repl-backlog-size and at client-output-buffer-limit; the logs of both say why.
    Source: [redis] max-replication-lag, default 15s; min-replicas.
    """
    most = table.max_replication_lag
    for server in seen:
        alone = server.role == "primary" and not server.replicas
        measure("role", "primary without replicas" if alone else server.role, where=server.where)
        if server.role == "primary":
            lost = sum(replica.state != "online" for replica in server.replicas)
            measure("replicas not online", lost, at_most=0, where=server.where)
        if server.cluster_state:
            measure("cluster state", server.cluster_state, equals="ok", where=server.where)
        for replica in server.replicas:
            place = f"{server.where}, replica {replica.place}"
            measure("replica is", replica.state, equals="online", where=place)
            measure(
                "last acknowledged",
                replica.lag_s,
                unit="s",
                at_most=float(most),
                key="max-replication-lag",
                where=place,
                detail=(f"{replica.behind_bytes} bytes behind",),
            )
        if table.min_replicas is not None and server.role == "primary":
            online = sum(replica.state == "online" for replica in server.replicas)
            measure("replicas online", online, at_least=table.min_replicas, key="min-replicas", where=server.where)
        if server.role == "replica":
            place = f"{server.where}, replica of {server.primary}"
            measure("link to the primary", server.link, equals="up", where=place)
            if server.link == "up":
                measure(
                    "primary last heard",
                    server.silent_s,
                    unit="s",
                    at_most=float(most),
                    key="max-replication-lag",
                    where=place,
                )
                measure("being copied anew", server.is_syncing, equals=False, where=place)
