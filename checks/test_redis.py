"""Redis answers in time, is current, and keeps what it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from readiness import check

if TYPE_CHECKING:
    from readiness.config.model import Redis
    from readiness.evidence import Measure
    from readiness.probes.interface import LatencyObservation
    from readiness.probes.redis import RoundTripObservation, ServerObservation

RUNBOOK = "redis"


@check("redis/ping", observe=lambda cache: cache.ping(), runbook=RUNBOOK)
def test_ping(seen: LatencyObservation, table: Redis, measure: Measure) -> None:
    """Redis answers PING in time.

    Holds when: the 95th percentile of PING is within the limit.
    Why it matters: a cache that is slower than what it caches makes everything slower.
    Measured by: five PINGs over one connection.
    If it fails: look at slow commands (SLOWLOG GET), at swapping, and at the network in between.
    Source: [redis] ping-within.
    """
    measure("PING p95", seen.p95_ms, unit="ms", at_most=table.ping_within.ms, key="ping-within", where=seen.where)


@check("redis/server-version", needs="server-version", observe=lambda cache: cache.server(), runbook=RUNBOOK)
def test_server_version(seen: ServerObservation, table: Redis, measure: Measure) -> None:
    """The server is of a version that the release supports.

    Holds when: the server's version is in the range.
    Why it matters: commands and their semantics differ between versions.
    Measured by: INFO server.
    If it fails: deploy to the right server, or widen the range after testing on that version.
    Source: [redis] server-version.
    """
    measure("server version", seen.version, satisfies=table.server_version, key="server-version", where=seen.where)


@check("redis/round-trip", writes=True, observe=lambda cache: cache.round_trip(), runbook=RUNBOOK)
def test_round_trip(seen: RoundTripObservation, measure: Measure) -> None:
    """A value that is stored can be read back.

    Holds when: an own key with a time to live is stored, read back unchanged, and deleted.
    Why it matters: a replica, a full memory or a failed save answers PING and refuses every write.
    Measured by: SET, GET and DEL of one key `readiness:...`; never on a protected target.
    If it fails: Redis' own words are in the evidence; look at maxmemory, at the role and at the last save.
    Source: contract of the gate.
    """
    measure("stored", seen.error or "read back", equals="read back", where=seen.where)
