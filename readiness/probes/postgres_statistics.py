"""What PostgreSQL has counted: deadlocks and the time of statements."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from readiness.errors import NotMeasured
from readiness.probes.marks import Reading

if TYPE_CHECKING:
    from readiness.probes.marks import Marks
    from readiness.probes.postgres_session import Cursor, PostgresSession

MOST_STATEMENTS = 5
ENOUGH_CALLS = 5
"""Below that a mean is an accident: the one slow statement of a migration, or the first with a cold cache."""
INSUFFICIENT_PRIVILEGE = "42501"
NOT_LOADED = "55000"


# --- deadlocks --------------------------------------------------------------------------------------------------

WINDOW_S = 3600.0
"""How far back deadlocks are counted where earlier runs allow it: to run again at once does not make a failure go
away, and an hour without another deadlock does."""
NEWEST, BEFORE = "database/deadlocks", "database/deadlocks-before"
"""Two marks of the counter: the newest, and the one before it, which counts until the newest is old enough."""
RESET, TRANSACTIONS = "database/statistics-reset", "database/transactions"
"""What shows that the statistics began anew: when they say so, and a counter that falls and otherwise always grows."""


@dataclass(frozen=True, slots=True)
class DeadlockMark:
    """What the deadlocks are counted from."""

    reading: Reading
    since: str
    """What the count began with, in words."""
    is_reset: bool
    """True where the statistics began anew since the last run."""


@dataclass(frozen=True, slots=True)
class DeadlockObservation:
    """How many deadlocks there were in a while."""

    count: int
    observed_s: float
    """How long the while was."""
    since: str
    where: str


@dataclass(frozen=True, slots=True)
class _Counted:
    """The statistics of one database at this moment."""

    server: str
    """What tells it from any other; only a digest of it is kept."""
    deadlocks: Reading
    transactions: int
    reset_us: int
    """When they were reset, in microseconds since 1970; 0 where the server says nothing."""


def deadlock_mark(session: PostgresSession, marks: Marks) -> DeadlockMark:
    """Returns what an earlier run has left, else the counter as it is now.

    Raises:
        NotMeasured: the server did not answer.
    """
    now = _read_deadlocks(session)
    reset, transactions = marks.last(RESET, now.server), marks.last(TRANSACTIONS, now.server)
    newest, before = marks.last(NEWEST, now.server), marks.last(BEFORE, now.server)
    if newest is None or reset is None or transactions is None:
        return DeadlockMark(now.deadlocks, "during this run", False)
    if reset.value != now.reset_us or transactions.value > now.transactions or newest.value > now.deadlocks.value:
        # All that is counted came after the reset; what came between the last run and the reset is not known.
        at_s, word = (now.reset_us / 1e6, "at") if now.reset_us else (newest.at_s, "after")
        return DeadlockMark(Reading(0, at_s), f"since the statistics were reset {word} {_time(at_s)}", True)
    mark = newest if before is None or _is_old(newest, now) else before
    return DeadlockMark(mark, f"since {_time(mark.at_s)}", False)


def deadlocks(session: PostgresSession, mark: DeadlockMark, marks: Marks) -> DeadlockObservation:
    """Returns the deadlocks since the mark, and leaves one for later runs.

    Raises:
        NotMeasured: the server did not answer, or its statistics were reset meanwhile.
    """
    now = _read_deadlocks(session)
    count = now.deadlocks.value - mark.reading.value
    if count < 0:
        raise NotMeasured(f"the statistics of {session.where} were reset during the run", "Run again.")
    _keep(marks, mark, now)
    return DeadlockObservation(count, max(0.0, now.deadlocks.at_s - mark.reading.at_s), mark.since, session.where)


def _keep(marks: Marks, mark: DeadlockMark, now: _Counted) -> None:
    newest = marks.last(NEWEST, now.server)
    if mark.is_reset:
        marks.keep(BEFORE, now.server, mark.reading)
        marks.keep(NEWEST, now.server, now.deadlocks)
    elif newest is None or _is_old(newest, now):
        if newest is not None:
            marks.keep(BEFORE, now.server, newest)
        marks.keep(NEWEST, now.server, now.deadlocks)
    at_s = now.deadlocks.at_s
    marks.keep(RESET, now.server, Reading(now.reset_us, at_s))
    marks.keep(TRANSACTIONS, now.server, Reading(now.transactions, at_s))


def _is_old(reading: Reading, now: _Counted) -> bool:
    return reading.at_s <= now.deadlocks.at_s - WINDOW_S


_DEADLOCKS = """SELECT deadlocks, xact_commit + xact_rollback, coalesce(extract(epoch FROM stats_reset) * 1000000, 0)::int8,
        datid::text
    FROM pg_catalog.pg_stat_database WHERE datname = current_database()"""


def _read_deadlocks(session: PostgresSession) -> _Counted:
    with session.reading() as cursor:
        row = cursor.execute(_DEADLOCKS).fetchone()
        if row is None:
            raise NotMeasured(f"{session.where} has no statistics of its database", "Connect without the pool.")
        count, transactions, reset_us, database = row
        cluster = _cluster(cursor, session)
    # The place as well: a cluster's copies, such as its standbys, have its identifier.
    return _Counted(f"{cluster} {session.where} {database}", Reading(count, time.time()), transactions, reset_us)


def _cluster(cursor: Cursor, session: PostgresSession) -> str:
    """The cluster's own identifier; nothing where the role may not ask for it."""
    import psycopg

    try:
        row = cursor.execute("SELECT system_identifier::text FROM pg_control_system()").fetchone()
    except psycopg.Error as refusal:
        session.answer_of(refusal)
        return ""
    return str(row[0]) if row else ""


def _time(at_s: float) -> str:
    return dt.datetime.fromtimestamp(at_s, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- statements -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Statement:
    """The time of one statement, whatever its parameters, of one role."""

    id: str
    """`queryid`; `hidden` where the role may not see which statement it is."""
    user: str
    calls: int
    mean_ms: float

    def __str__(self) -> str:
        return f"queryid {self.id} of user {self.user}: {self.mean_ms:.1f} ms, mean of {self.calls} calls"


@dataclass(frozen=True, slots=True)
class StatementsObservation:
    """The statements with the longest mean time in one database."""

    statements: tuple[Statement, ...]
    """At most five, the slowest first; never empty."""
    counted: int
    """How many statements have calls enough to be judged."""
    where: str

    def slower_than(self, mean_ms: float) -> tuple[str, ...]:
        """Returns the statements above this mean, as text."""
        return tuple(str(each) for each in self.statements if each.mean_ms > mean_ms)


_EXTENSION = """SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'pg_stat_statements'"""
# The texts stay on the server: they may hold data. Ours are left out, and so is what merely opens or drops a transaction.
_STATEMENTS = """SELECT coalesce(s.queryid::text, 'hidden'), coalesce(r.rolname, s.userid::text), s.calls, s.{column},
        count(*) OVER ()
    FROM {schema}.pg_stat_statements s LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.userid
    WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) AND s.calls >= %s
        AND coalesce(s.query, '') !~* %s
    ORDER BY s.{column} DESC LIMIT %s"""
_NOT_OF_SERVICE = r"/\* readiness \*/|\"readiness\"|^\s*(begin|start\s+transaction|rollback)\M"
_COLUMN = """SELECT p.proargnames @> ARRAY['mean_exec_time'] FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE p.proname = 'pg_stat_statements' AND n.nspname = %s"""
_INSTALL = (
    "Add pg_stat_statements to shared_preload_libraries, restart, and CREATE EXTENSION pg_stat_statements in this "
    "database; or take max-mean-query out."
)


def statements(session: PostgresSession) -> StatementsObservation:
    """Returns the slowest statements of the database by their mean time.

    Raises:
        NotMeasured: pg_stat_statements is not there or cannot be read, or has counted no statement often enough.
    """
    import psycopg
    from psycopg import sql

    with session.reading() as cursor:
        schema = _first(cursor.execute(_EXTENSION))
        if schema is None:
            raise NotMeasured(f"pg_stat_statements is not installed in {session.where}", _INSTALL)
        # Named mean_time before version 1.8 of the extension, which an upgraded server may still have.
        column = "mean_exec_time" if _first(cursor.execute(_COLUMN, (schema,))) else "mean_time"
        query = sql.SQL(_STATEMENTS).format(schema=sql.Identifier(schema), column=sql.Identifier(column))
        try:
            rows = cursor.execute(query, (ENOUGH_CALLS, _NOT_OF_SERVICE, MOST_STATEMENTS)).fetchall()
        except psycopg.Error as refusal:
            words = session.answer_of(refusal)
            raise _unreadable(refusal.sqlstate, words, session.where) from None
    if not rows:
        raise NotMeasured(
            f"pg_stat_statements of {session.where} knows no statement with {ENOUGH_CALLS} calls",
            "Send the service requests before it is judged, such as its smoke tests.",
        )
    found = tuple(Statement(id_, user, calls, round(mean_ms, 3)) for id_, user, calls, mean_ms, _ in rows)
    return StatementsObservation(found, rows[0][4], session.where)


def _unreadable(state: str | None, words: str, where: str) -> NotMeasured:
    if state == NOT_LOADED:
        return NotMeasured(f"pg_stat_statements of {where} is installed and not loaded", _INSTALL)
    if state == INSUFFICIENT_PRIVILEGE:
        remedy = "GRANT SELECT ON pg_stat_statements to the role in database.url."
        return NotMeasured(f"pg_stat_statements of {where} may not be read: {words}", remedy)
    return NotMeasured(f"pg_stat_statements of {where} cannot be read: {words}", "ALTER EXTENSION ... UPDATE.")


def _first(cursor: Cursor) -> Any:
    row = cursor.fetchone()
    return row[0] if row else None
