"""Whether standbys follow their primary, seen from either side.

The columns that name a lag are not believed: `replay_lag` keeps its last value while a standby is paused, and the time
since the last replayed commit grows on an idle primary. Instead it is watched how long a standby takes to replay what
had been written when the watch began.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from readiness.errors import NotMeasured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from readiness.probes.postgres_session import PostgresSession

WATCH_S = 15.0
"""Longer than that no standby is watched, whatever the limit of its lag."""
POLL_S = 0.05
KEEPALIVE_S = 5.0
"""Slack on top of the half timeout after which an idle pair exchanges a message."""
STREAMING = "streaming"


@dataclass(frozen=True, slots=True)
class StandbyObservation:
    """One standby."""

    name: str
    """Its application name and address; `itself` where the probe is connected to it."""
    state: str
    """`streaming` where all is well."""
    lag_s: float | None
    """How long it took to replay what had been written before. None where it is not streaming."""
    is_behind: bool = False
    """True where it had not replayed it when the watch ended: it lags at least so much."""


@dataclass(frozen=True, slots=True)
class ReplicationObservation:
    """The standbys of a primary, or the one that the probe is connected to."""

    is_primary: bool
    standbys: tuple[StandbyObservation, ...]
    where: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """A standby at one moment of the watch."""

    name: str
    state: str
    position: str
    """How far it has replayed."""
    has_arrived: bool
    """Whether that includes what had been written when the watch began."""
    said_lag_s: float | None
    """What the server itself says, which is of use only while the position moves."""


Look: TypeAlias = Callable[[], "Mapping[int, _Seen]"]
"""Returns the standbys of this moment, by process id."""

# Logical subscribers and backups are no standbys; a physical slot that nobody reads is that of a standby which is gone.
_OF_PRIMARY = """SELECT r.pid, r.application_name, host(r.client_addr), r.state, r.replay_lsn::text,
        coalesce(r.replay_lsn >= %s::pg_lsn, false), extract(epoch FROM r.replay_lag)::float8,
        extract(epoch FROM clock_timestamp() - r.reply_time)::float8,
        (SELECT setting::float8 / 1000 FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout'),
        quote_ident(current_user)
    FROM pg_catalog.pg_stat_replication r LEFT JOIN pg_catalog.pg_replication_slots s ON s.active_pid = r.pid
    WHERE coalesce(s.slot_type, 'physical') = 'physical' AND r.state IS DISTINCT FROM 'backup'
        AND NOT (r.replay_lsn IS NULL AND r.application_name IN ('pg_basebackup', 'pg_receivewal'))
    ORDER BY r.application_name, r.pid"""
_IDLE_SLOTS = """SELECT slot_name FROM pg_catalog.pg_replication_slots
    WHERE slot_type = 'physical' AND NOT active AND NOT temporary ORDER BY slot_name"""
_OF_STANDBY = """SELECT w.pid, w.status, pg_last_wal_replay_lsn()::text,
        coalesce(pg_last_wal_replay_lsn() >= %s::pg_lsn, false), pg_is_wal_replay_paused(),
        extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8,
        extract(epoch FROM clock_timestamp() - w.last_msg_receipt_time)::float8,
        (SELECT setting::float8 / 1000 FROM pg_catalog.pg_settings WHERE name = 'wal_receiver_timeout'),
        quote_ident(current_user)
    FROM (SELECT 1) one LEFT JOIN pg_catalog.pg_stat_wal_receiver w ON true"""
_GOAL: dict[bool, str] = {
    True: "SELECT pg_current_wal_flush_lsn()::text",
    False: "SELECT greatest(pg_last_wal_receive_lsn(), (SELECT latest_end_lsn FROM pg_catalog.pg_stat_wal_receiver))::text",
}
"""Whether it is a primary, to what has been written: for a standby, as far as it has been told."""


def replication(session: PostgresSession, watch_s: float) -> ReplicationObservation:
    """Returns the standbys and how far behind they are.

    Args:
        session: to a primary or a standby.
        watch_s: how long to watch a standby that is behind, at most 15 s: the limit of the lag.

    Raises:
        NotMeasured: the server did not answer, the role may not see it, or it would take too long to find out.
    """
    with session.reading() as cursor:
        is_primary = not _value(cursor.execute("SELECT pg_is_in_recovery()"))
        goal = _value(cursor.execute(_GOAL[is_primary]))
        idle = [name for (name,) in cursor.execute(_IDLE_SLOTS)] if is_primary else []

    def look() -> Mapping[int, _Seen]:
        with session.reading() as cursor:
            rows = cursor.execute(_OF_PRIMARY if is_primary else _OF_STANDBY, (goal,)).fetchall()
        return {
            row[0] or 0: _as_sender_sees(row, watch_s, session) if is_primary else _as_seen_here(row, watch_s, session)
            for row in rows
        }

    standbys = _watched(look, watch_s, session.where)
    gone = tuple(StandbyObservation(f"of slot {name}", "not connected", None) for name in idle)
    return ReplicationObservation(is_primary, (*standbys, *gone), session.where)


def _watched(look: Look, watch_s: float, where: str) -> tuple[StandbyObservation, ...]:
    """Returns each standby with the time that it took to arrive."""
    started = time.monotonic()
    first = now = look()
    arrived: dict[int, float] = {}
    while True:
        passed = time.monotonic() - started
        arrived |= {pid: passed for pid, seen in now.items() if seen.has_arrived and pid not in arrived}
        behind = [pid for pid, seen in now.items() if seen.state == STREAMING and pid not in arrived]
        if not behind or passed > min(watch_s, WATCH_S):
            break
        time.sleep(POLL_S)
        now = look()
    # What had arrived at the first look was never seen behind.
    lags = {pid: 0.0 if pid in first and first[pid].has_arrived else at for pid, at in arrived.items()}
    for pid in behind:
        lags[pid] = _lag_of(now[pid], first.get(pid), passed, watch_s, where)
    return tuple(
        StandbyObservation(seen.name, seen.state, round(lags[pid], 3), pid in behind)
        if seen.state == STREAMING
        else StandbyObservation(seen.name, seen.state, None)
        for pid, seen in now.items()
    )


def _lag_of(now: _Seen, first: _Seen | None, passed: float, watch_s: float, where: str) -> float:
    """The lag of a standby that did not arrive; at least the time for which it was watched."""
    moves = first is not None and first.position != now.position
    if moves and now.said_lag_s is not None:
        return max(passed, now.said_lag_s)
    if passed > watch_s:
        return passed
    raise NotMeasured(
        f"standby {now.name} of {where} replayed nothing for {passed:.0f} s, although there was more; by how much it is late "
        f"cannot be told from here",
        "Look on the standby at pg_is_wal_replay_paused() and at queries that hold the replay up.",
    )


def _as_sender_sees(row: tuple[Any, ...], watch_s: float, session: PostgresSession) -> _Seen:
    _, application, address, state, position, has_arrived, lag_s, silent_s, timeout_s, role = row
    if state is None:
        raise _hidden(session, role)
    name = f"{application or 'unnamed'} at {address or 'a socket'}"
    state = _silent(silent_s, timeout_s, watch_s) or state
    return _Seen(name, state, position or "", has_arrived, lag_s)


def _as_seen_here(row: tuple[Any, ...], watch_s: float, session: PostgresSession) -> _Seen:
    pid, status, position, has_arrived, is_paused, commit_s, silent_s, timeout_s, role = row
    if pid is not None and status is None:
        raise _hidden(session, role)
    state = "not connected to a primary" if pid is None else _silent(silent_s, timeout_s, watch_s) or status
    if is_paused:
        state = "replay paused"
    return _Seen("itself", state, position or "", has_arrived, commit_s)


def _silent(silent_s: float | None, timeout_s: float, watch_s: float) -> str:
    """A peer that was stopped stays `streaming` until the timeout; a living one says something every half of it."""
    bound = max(watch_s, timeout_s / 2 + KEEPALIVE_S)
    return f"silent for {silent_s:.0f} s" if timeout_s and silent_s is not None and silent_s > bound else ""


def _hidden(session: PostgresSession, role: str) -> NotMeasured:
    return NotMeasured(
        f"{session.where} hides the state of replication from role {role}",
        f"GRANT pg_monitor TO {role}; it reads statistics, and no table.",
    )


def _value(cursor: Any) -> Any:
    row = cursor.fetchone()
    return row[0] if row else None
