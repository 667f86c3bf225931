"""What Redis tells of itself in INFO, and what of it matters before a release."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from readiness.errors import NotMeasured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOT_A_PROXY = "Compare the server's version with what the check needs; a proxy may leave it out."
_REPLICA = re.compile(r"slave\d+")


@dataclass(frozen=True, slots=True)
class InfoObservation:
    """INFO, or one section of it, as text."""

    section: str
    """Empty for all that the server tells by default."""
    values: Mapping[str, str]
    where: str

    def text(self, name: str) -> str:
        """Returns one value.

        Raises:
            NotMeasured: the server does not report it.
        """
        if name not in self.values:
            cause = f"{self.where} reports no {name} in {f'INFO {self.section}'.strip()}"
            raise NotMeasured(cause, NOT_A_PROXY)
        return self.values[name]

    def number(self, name: str) -> float:
        """Returns one value as a number.

        Raises:
            NotMeasured: the server does not report it, or not as a number.
        """
        text = self.text(name)
        try:
            return float(text)
        except ValueError:
            cause = f"{self.where} reports {name} as {text[:60]!r}, which is not a number"
            raise NotMeasured(cause, "Compare the server's version with what the check needs.") from None

    def count(self, name: str) -> int:
        """Returns one value as a whole number that is not negative.

        Raises:
            NotMeasured: the server does not report it, or as something else.
        """
        text = self.text(name)
        if not re.fullmatch(r"[0-9]{1,20}", text):
            cause = f"{self.where} reports {name} as {text[:60]!r}, which is not a count"
            raise NotMeasured(cause, "Compare the server's version with what the check needs.")
        return int(text)


@dataclass(frozen=True, slots=True)
class ServerObservation:
    """Which server answers, and in which part."""

    product: str
    """`redis` or `valkey`."""
    version: str
    """The product's own version, such as `7.2.4`; not the version of Redis that Valkey says it is compatible with."""
    redis_version: str
    """The version of Redis that it is, or says it is compatible with."""
    mode: str
    """`standalone`, `cluster` or `sentinel`."""
    role: str
    """As the server says it: `master` or `slave`."""
    where: str


@dataclass(frozen=True, slots=True)
class MemoryObservation:
    """How much memory is used, of how much."""

    used_bytes: int
    limit_bytes: int
    """`maxmemory`; 0 where none is set."""
    capacity_bytes: int
    """`maxmemory`; where none is set, the memory of the machine, which then is what Redis may take."""
    policy: str
    """What happens at the limit: `maxmemory_policy`."""
    where: str

    @property
    def used_percent(self) -> float:
        """Share of the capacity in use."""
        return round(100 * self.used_bytes / self.capacity_bytes, 4)


@dataclass(frozen=True, slots=True)
class LookupObservation:
    """How often a key that was asked for was there, since the server started; of a cluster, of all its primaries."""

    hits: int
    misses: int
    where: str

    def hit_percent(self, at_least: int) -> float:
        """Returns the share of look-ups that found their key.

        Args:
            at_least: fewer look-ups than this tell nothing.

        Raises:
            NotMeasured: there were fewer.
        """
        total = self.hits + self.misses
        if total < at_least:
            cause = f"{self.where} has seen {total} look-ups, too few for a hit rate; {at_least} are needed"
            raise NotMeasured(cause, "Run this after the service has had traffic, or take min-hit-rate out.")
        return round(100 * self.hits / total, 2)


@dataclass(frozen=True, slots=True)
class PersistenceObservation:
    """Whether what is in memory reaches the disk."""

    loading: bool
    """Data is still being read from the disk."""
    snapshots: bool | None
    """Whether save points are configured; None where the server does not let us see it and has an AOF."""
    append_only: bool
    """Whether every write is logged (AOF)."""
    last_save: str
    """`ok` or `err`: the last RDB save; `ok` where none was tried yet."""
    last_write: str
    """`ok` or `err`: the last write to the AOF."""
    last_rewrite: str
    """`ok` or `err`: the last rewrite of the AOF."""
    unsaved_changes: int
    """Since the last RDB save."""
    where: str


@dataclass(frozen=True, slots=True)
class ClientsObservation:
    """How many connections are taken, of how many."""

    connected: int
    """All that count towards the limit: clients (this one included), replicas, and the bus of a cluster."""
    most: int
    """`maxclients`."""
    where: str

    @property
    def used_percent(self) -> float:
        """Share of the connections that are taken."""
        return round(100 * self.connected / self.most, 2)


@dataclass(frozen=True, slots=True)
class ReplicaObservation:
    """One replica, as its primary sees it."""

    place: str
    """Host and port."""
    state: str
    """`online`, or what it is still waiting for."""
    lag_s: float
    """Seconds since it last acknowledged."""
    behind_bytes: int
    """How much of the stream it has not acknowledged."""


@dataclass(frozen=True, slots=True)
class ReplicationObservation:
    """The part that a server has in replication, and how that goes."""

    role: str
    """`primary` or `replica`."""
    replicas: tuple[ReplicaObservation, ...]
    primary: str
    """Of a replica: host and port of what it follows; empty for a primary."""
    link: str
    """Of a replica: `up` or `down`; empty for a primary."""
    silent_s: float
    """Of a replica: seconds since its primary was last heard."""
    is_syncing: bool
    """Of a replica: its data is being copied as a whole."""
    cluster_state: str
    """`ok` or `fail`; empty where the address is not that of a cluster."""
    where: str


def memory_of(info: InfoObservation) -> MemoryObservation:
    """Returns the use of memory.

    Raises:
        NotMeasured: it is not told, or not of how much.
    """
    limit = info.count("maxmemory")
    capacity = limit or (info.count("total_system_memory") if "total_system_memory" in info.values else 0)
    if not capacity:
        cause = f"{info.where} has no maxmemory, and does not tell how much memory its machine has"
        raise NotMeasured(cause, "Set maxmemory: without it nothing bounds what Redis may take.")
    return MemoryObservation(info.count("used_memory"), limit, capacity, info.text("maxmemory_policy"), info.where)


def lookups_of(infos: Sequence[InfoObservation]) -> LookupObservation:
    """Returns the look-ups of all servers together.

    Raises:
        NotMeasured: one of them does not tell.
    """
    hits, misses = (sum(info.count(f"keyspace_{what}") for info in infos) for what in ("hits", "misses"))
    return LookupObservation(hits, misses, together(infos))


def together(infos: Sequence[InfoObservation]) -> str:
    """Returns where several servers are."""
    return ", ".join(info.where for info in infos)


def persistence_of(info: InfoObservation, snapshots: bool | None) -> PersistenceObservation:
    """Returns the state of what keeps data.

    Args:
        info: all of it.
        snapshots: whether save points are configured, which INFO does not tell.

    Raises:
        NotMeasured: a part is not told.
    """
    if snapshots is None and not info.count("aof_enabled"):
        cause = f"{info.where} does not let us see whether it saves anything, and writes no AOF"
        raise NotMeasured(cause, "Permit CONFIG GET to its user: ACL SETUSER ... +config|get")
    return PersistenceObservation(
        loading=info.count("loading") > 0,
        snapshots=snapshots,
        append_only=info.count("aof_enabled") > 0,
        last_save=info.text("rdb_last_bgsave_status"),
        last_write=info.text("aof_last_write_status"),
        last_rewrite=info.text("aof_last_bgrewrite_status"),
        unsaved_changes=info.count("rdb_changes_since_last_save"),
        where=info.where,
    )


def clients_of(info: InfoObservation, most: int) -> ClientsObservation:
    """Returns how many connections are taken.

    Raises:
        NotMeasured: it is not told.

    Source: INFO of Redis: maxclients is the upper limit for the sum of the three.
    """
    also = (name for name in ("connected_slaves", "cluster_connections") if name in info.values)
    return ClientsObservation(info.count("connected_clients") + sum(map(info.count, also)), most, info.where)


def replication_of(info: InfoObservation, cluster_state: str = "") -> ReplicationObservation:
    """Returns the part that a server has in replication.

    Raises:
        NotMeasured: it is not told, or not in full.
    """
    role = info.text("role")
    if role not in ("master", "slave"):
        raise NotMeasured(f"{info.where} has the role {role[:60]!r}", "Name a server that holds data in redis.url.")
    replicas = tuple(_replica(info, name) for name in info.values if _REPLICA.fullmatch(name))
    if len(replicas) != info.count("connected_slaves"):
        cause = f"{info.where} tells of {len(replicas)} replicas and counts {info.text('connected_slaves')}"
        raise NotMeasured(cause, NOT_A_PROXY)
    if role == "master":
        return ReplicationObservation("primary", replicas, "", "", 0.0, False, cluster_state, info.where)
    return ReplicationObservation(
        role="replica",
        replicas=replicas,
        primary=f"{info.text('master_host')}:{info.text('master_port')}",
        link=info.text("master_link_status"),
        silent_s=info.number("master_last_io_seconds_ago"),
        is_syncing=info.count("master_sync_in_progress") > 0,
        cluster_state=cluster_state,
        where=info.where,
    )


def _replica(info: InfoObservation, name: str) -> ReplicaObservation:
    """Returns what `slave0:ip=10.0.0.2,port=6379,state=online,offset=14,lag=0` says."""
    said = dict(part.partition("=")[::2] for part in info.text(name).split(","))
    try:
        behind = int(info.number("master_repl_offset")) - int(said["offset"])
        place = f"{said['ip']}:{int(said['port'])}"
        return ReplicaObservation(place, said["state"], float(said["lag"]), max(0, behind))
    except (KeyError, ValueError):
        cause = f"{info.where} describes the replica {name} in another form than is known"
        raise NotMeasured(cause, NOT_A_PROXY) from None
