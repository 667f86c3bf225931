"""Who is connected to a PostgreSQL server and for how long: counts, ages and states, never the text of a query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from readiness.errors import NotMeasured

if TYPE_CHECKING:
    from readiness.probes.postgres_session import PostgresSession

MOST_SESSIONS = 5
"""How many sessions are named, the oldest first."""
Kind: TypeAlias = Literal["active", "idle in transaction"]


@dataclass(frozen=True, slots=True)
class ConnectionLimit:
    """One limit on the number of connections, and how much of it is used up."""

    name: str
    """Such as `max_connections` or `the connection limit of role app`."""
    in_use: int
    """By clients, the session that counted them left out."""
    reserved: int
    """Kept for superusers and privileged roles: not to be had by a service, so used up."""
    limit: int

    @property
    def percent(self) -> float:
        """The share that is used up; at most 100, also where superusers are in reserved places."""
        return round(min(1.0, (self.in_use + self.reserved) / max(1, self.limit)) * 100, 1)

    def __str__(self) -> str:
        kept = f" and {self.reserved} reserved" if self.reserved else ""
        return f"{self.in_use} connections{kept} of {self.limit}"


@dataclass(frozen=True, slots=True)
class ConnectionsObservation:
    """How many connections there are, held against each limit that there is for them."""

    limits: tuple[ConnectionLimit, ...]
    """`max_connections` first; then those that the role and the database have, if any."""
    where: str


@dataclass(frozen=True, slots=True)
class ClientSession:
    """What a client's session does, without what it asks."""

    pid: int
    user: str
    application: str
    database: str
    state: str
    """Such as `active` or `idle in transaction (aborted)`."""
    age_s: float
    """How long it has been in this state; of an active one, how long its query has been running."""
    blocked_by: tuple[int, ...]
    """The processes that hold the lock that it waits for."""

    def __str__(self) -> str:
        waits = f", waiting for a lock of pid {', '.join(map(str, self.blocked_by))}" if self.blocked_by else ""
        name = f", application {self.application}" if self.application else ""
        return f"pid {self.pid} (user {self.user}{name}, database {self.database}) {self.state} for {self.age_s:.1f} s{waits}"


@dataclass(frozen=True, slots=True)
class SessionsObservation:
    """The clients' sessions in one state, on the whole server."""

    sessions: tuple[ClientSession, ...]
    """At most five, the oldest first."""
    looked_into: int
    """How many clients' sessions there are of which the state is known, whatever it is."""
    hidden: int
    """How many may be in the state for all that this role is shown."""
    untracked: int
    """How many run with `track_activities` off, so that the server itself does not know their state."""
    role: str
    """Of this connection, quoted where SQL needs it."""
    where: str

    @property
    def oldest_s(self) -> float:
        """The age of the oldest; 0 where there is none."""
        return self.sessions[0].age_s if self.sessions else 0.0

    def older_than(self, age_s: float) -> tuple[str, ...]:
        """Returns the sessions above this age, as text."""
        return tuple(str(each) for each in self.sessions if each.age_s > age_s)

    def require_all(self) -> None:
        """Every session was looked into.

        Raises:
            NotMeasured: the oldest of those that were says nothing about the others.
        """
        if self.hidden:
            raise NotMeasured(
                f"{self.where} hides the state of {_sessions(self.hidden)} of other roles from role {self.role}",
                f"GRANT pg_monitor TO {self.role}; it reads statistics, and no table.",
            )
        if self.untracked:
            raise NotMeasured(
                f"{self.where} does not track the state of {_sessions(self.untracked)}",
                "Set track_activities = on, for the server, the database and the role.",
            )


def _sessions(count: int) -> str:
    return "1 session" if count == 1 else f"{count} sessions"


# What other roles' sessions do is NULL for a role without pg_read_all_stats: their kind too. Of what is then left,
# background processes have no user, and walsenders and the launcher of logical replication no database.
_HIDDEN = "backend_type IS NULL AND usesysid IS NOT NULL AND datid IS NOT NULL"

_COUNT = f"""WITH clients AS MATERIALIZED (SELECT usesysid, datid FROM pg_catalog.pg_stat_activity
        WHERE pid <> pg_backend_pid() AND (backend_type = 'client backend' OR {_HIDDEN}))
    SELECT current_setting('max_connections')::int,
        current_setting('superuser_reserved_connections')::int
            + coalesce(nullif(current_setting('reserved_connections', true), '')::int, 0),
        (SELECT count(*) FROM clients),
        r.rolname, CASE WHEN r.rolsuper THEN -1 ELSE r.rolconnlimit END,
        (SELECT count(*) FROM clients WHERE usesysid = r.oid),
        d.datname, d.datconnlimit, (SELECT count(*) FROM clients WHERE datid = d.oid)
    FROM pg_catalog.pg_roles r, pg_catalog.pg_database d
    WHERE r.rolname = session_user AND d.datname = current_database()"""  # noqa: S608 - of constants alone

_TOTALS = f"""SELECT count(*) FILTER (WHERE backend_type = 'client backend'),
        count(*) FILTER (WHERE {_HIDDEN}),
        count(*) FILTER (WHERE backend_type = 'client backend' AND state = 'disabled'), quote_ident(current_user)
    FROM pg_catalog.pg_stat_activity WHERE pid <> pg_backend_pid()"""  # noqa: S608 - of constants alone

_OLDEST = """SELECT pid, usename, application_name, datname, state, age,
        CASE WHEN wait_event_type = 'Lock' THEN pg_blocking_pids(pid) ELSE '{}' END
    FROM (SELECT pid, usename, application_name, datname, state, wait_event_type,
            greatest(0, extract(epoch FROM clock_timestamp() - CASE WHEN state LIKE 'idle%%' THEN state_change ELSE query_start END))::float8
                AS age
        FROM pg_catalog.pg_stat_activity
        WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND state = ANY(%s)
        ORDER BY age DESC NULLS LAST LIMIT %s) oldest ORDER BY age DESC NULLS LAST"""

STATES: dict[Kind, list[str]] = {
    "active": ["active", "fastpath function call"],
    "idle in transaction": ["idle in transaction", "idle in transaction (aborted)"],
}
"""Source: PostgreSQL, pg_stat_activity."""


def connections(session: PostgresSession) -> ConnectionsObservation:
    """Returns how much of each limit on connections is used up.

    Autovacuum, parallel workers and walsenders have places of their own. A role that is not shown what other roles'
    sessions are takes each for a client's.

    Raises:
        NotMeasured: the server did not answer.
    """
    with session.reading() as cursor:
        row = cursor.execute(_COUNT).fetchone()
    if row is None:  # such as a pool's own name for a database
        raise NotMeasured(f"{session.where} does not know its own database or role", "Connect without the pool.")
    limit, reserved, in_use, role, role_limit, of_role, database, database_limit, of_database = row
    found = [ConnectionLimit("max_connections", in_use, reserved, limit)]
    if role_limit > 0:
        found.append(ConnectionLimit(f"the connection limit of role {role}", of_role, 0, role_limit))
    if database_limit > 0:
        found.append(ConnectionLimit(f"the connection limit of database {database}", of_database, 0, database_limit))
    return ConnectionsObservation(tuple(found), session.where)


def sessions(session: PostgresSession, kind: Kind) -> SessionsObservation:
    """Returns the clients' sessions that are in one state, the oldest first; the asking one left out.

    Raises:
        NotMeasured: the server did not answer.
    """
    with session.reading() as cursor:
        # One transaction: both queries see the same snapshot of the statistics.
        looked_into, hidden, untracked, role = cursor.execute(_TOTALS).fetchone() or (0, 0, 0, "")
        rows = cursor.execute(_OLDEST, (STATES[kind], MOST_SESSIONS)).fetchall()
    found = tuple(
        ClientSession(
            pid, user or "?", application or "", database or "?", state, round(age or 0.0, 3), tuple(blockers)
        )
        for pid, user, application, database, state, age, blockers in rows
    )
    return SessionsObservation(found, looked_into - untracked, hidden, untracked, role, session.where)
