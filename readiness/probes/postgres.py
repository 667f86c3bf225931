"""Observes a PostgreSQL server: bounded in time, read-only, leaving nothing behind."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from readiness.errors import NotMeasured
from readiness.probes import postgres_activity, postgres_replication, postgres_statistics, postgres_tables
from readiness.probes.interface import LatencyObservation
from readiness.probes.marks import Marks
from readiness.probes.postgres_session import PostgresSession

if TYPE_CHECKING:
    from collections.abc import Sequence

    from readiness.probes.interface import Budget
    from readiness.probes.postgres_activity import ConnectionsObservation, Kind, SessionsObservation
    from readiness.probes.postgres_replication import ReplicationObservation
    from readiness.probes.postgres_session import Cursor
    from readiness.probes.postgres_statistics import DeadlockMark, DeadlockObservation, StatementsObservation
    from readiness.probes.postgres_tables import MigrationObservation, TableObservation

MOST_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class ConnectObservation:
    """A fresh connection, and who answered it."""

    elapsed_ms: float
    """Name resolution, TCP, TLS and authentication together."""
    server_version: str
    """As the server says it, such as `18.1` or `17.2 (Debian 17.2-1.pgdg120+1)`."""
    version_number: tuple[int, ...]
    """Such as `(18, 1)`."""
    is_in_recovery: bool
    """True for a standby, which takes no writes."""
    uses_tls: bool
    where: str


@dataclass(frozen=True, slots=True)
class WriteObservation:
    """Whether a transaction that wrote something got as far as its rollback."""

    accepted: bool
    error: str | None
    """The server's words; None where the write was accepted."""
    method: str
    """What was written: `table` or `large object`."""
    is_in_recovery: bool
    elapsed_ms: float
    """From BEGIN to ROLLBACK; of a refused write, to the refusal."""
    where: str


class PostgresProbe:
    """Asks one PostgreSQL database. Thread safe: reads share one connection, one after the other.

    Works through a transaction-pooling proxy: each read is a transaction of its own, its limits are set with SET
    LOCAL, and nothing is prepared on the server.

    Args:
        dsn: URL or key=value text; a SQLAlchemy URL such as `postgresql+asyncpg://` works as well.
        connect_timeout_s: bound of one connection, name resolution, TLS and authentication included.
        budget: seconds left of the whole run.
        query_timeout_s: bound of one observation on an open connection.
        marks: what earlier runs have read of counters; default in the user's cache folder.

    Raises:
        NotMeasured: the text is not the address of a database.
    """

    def __init__(
        self,
        dsn: str,
        *,
        connect_timeout_s: float = 5.0,
        budget: Budget,
        query_timeout_s: float = 10.0,
        marks: Marks | None = None,
    ) -> None:
        self._session = PostgresSession(
            dsn, connect_timeout_s=connect_timeout_s, query_timeout_s=query_timeout_s, budget=budget
        )
        self._where = self._session.where
        self._marks = marks if marks is not None else Marks()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def reach(self) -> None:
        """The server takes a connection with the credentials of the environment.

        Raises:
            NotMeasured: it does not; says why.
        """
        self.connect()

    def close(self) -> None:
        """The shared connection is closed; a later observation opens a new one."""
        self._session.close()

    def connect(self) -> ConnectObservation:
        """Returns how long a fresh connection takes and who answers it.

        Raises:
            NotMeasured: there was no connection.
        """
        connection, elapsed_ms = self._session.open()
        try:
            with self._session.bounded(connection) as cursor:
                in_recovery = _value(cursor.execute("SELECT pg_is_in_recovery()"))
            number = connection.info.server_version
            observation = ConnectObservation(
                elapsed_ms,
                server_version=connection.info.parameter_status("server_version") or str(number),
                # Since version 10 the number is major * 10000 + minor; before it had three parts.
                version_number=(number // 10000, number % 10000)
                if number >= 100000  # noqa: PLR2004 - 10.0, as libpq encodes it
                else (number // 10000, number // 100 % 100, number % 100),
                is_in_recovery=in_recovery,
                uses_tls=connection.pgconn.ssl_in_use,
                where=self._where,
            )
        except BaseException:
            connection.close()
            raise
        self._session.keep(connection)
        return observation

    def answers(self, samples: int = 5) -> LatencyObservation:
        """Returns how long `SELECT 1` takes on an open connection.

        Raises:
            NotMeasured: one of the queries was not answered.
        """
        latencies: list[float] = []
        with self._session.reading() as cursor:
            for _ in range(samples):
                started = time.perf_counter()
                cursor.execute("SELECT 1").fetchone()
                latencies.append((time.perf_counter() - started) * 1000)
        return LatencyObservation(tuple(latencies), f"SELECT 1 on {self._where}")

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Returns the rows of a query, which runs in a read-only transaction.

        Args:
            query: one SELECT or VALUES, with `%s` for each parameter.
            parameters: their values.

        Raises:
            NotMeasured: the query failed, took too long or has over 10000 rows.
        """
        with self._session.reading() as cursor, cursor.connection.cursor(name="readiness") as portal:
            # A cursor on the server: the library would otherwise hold the whole result before the first row is seen.
            found = portal.execute(query.encode(), parameters or None).fetchmany(MOST_ROWS + 1)
        if len(found) > MOST_ROWS:
            raise NotMeasured(f"the query on {self._where} has over {MOST_ROWS} rows", "Aggregate or limit it.")
        return found

    def table(self, name: str) -> TableObservation:
        """Returns whether a table can be read; see `postgres_tables.table`."""
        return postgres_tables.table(self._session, name)

    def migrations(self, version_table: str = "alembic_version") -> MigrationObservation:
        """Returns the revisions that were applied; see `postgres_tables.migrations`."""
        return postgres_tables.migrations(self._session, version_table)

    def connections(self) -> ConnectionsObservation:
        """Returns how many connections there are; see `postgres_activity.connections`."""
        return postgres_activity.connections(self._session)

    def sessions(self, kind: Kind) -> SessionsObservation:
        """Returns the clients' sessions in one state; see `postgres_activity.sessions`."""
        return postgres_activity.sessions(self._session, kind)

    def replication(self, watch_s: float) -> ReplicationObservation:
        """Returns the standbys and how far behind they are; see `postgres_replication.replication`."""
        return postgres_replication.replication(self._session, watch_s)

    def deadlock_mark(self) -> DeadlockMark:
        """Returns what deadlocks are counted from; see `postgres_statistics.deadlock_mark`."""
        return postgres_statistics.deadlock_mark(self._session, self._marks)

    def deadlocks(self, mark: DeadlockMark) -> DeadlockObservation:
        """Returns the deadlocks since then; see `postgres_statistics.deadlocks`."""
        return postgres_statistics.deadlocks(self._session, mark, self._marks)

    def statements(self) -> StatementsObservation:
        """Returns the slowest statements; see `postgres_statistics.statements`."""
        return postgres_statistics.statements(self._session)

    def accepts_writes(self) -> WriteObservation:
        """Returns whether the database takes a write, which is rolled back.

        A table is created and filled where the role may create one, because it takes the path of an ordinary
        write: catalog, new file, log. Where it may not, as is right for the role of a service, a large object is
        written: any role may, and its bytes go through the same log. A temporary table would prove nothing, since
        it is not logged, and pg_is_in_recovery() alone says nothing of a full disk or a read-only switch.
        On a connection of its own, that is closed; the rollback leaves nothing behind.

        Raises:
            NotMeasured: the connection was lost or the server did not answer.
        """
        import psycopg

        connection, _ = self._session.open()
        method = "table"
        error: str | None = None
        in_recovery = False
        try:
            with self._session.bounded(connection, read_only=False) as cursor:
                in_recovery = _value(cursor.execute("SELECT pg_is_in_recovery()"))
                schema = _value(cursor.execute(_WRITABLE_SCHEMA))
                method = "table" if schema else "large object"
                started = time.perf_counter()
                try:
                    _write(cursor, schema)
                except psycopg.Error as refusal:
                    error = self._session.answer_of(refusal)
                connection.rollback()
                elapsed_ms = (time.perf_counter() - started) * 1000
        finally:
            connection.close()
        return WriteObservation(error is None, error, method, in_recovery, elapsed_ms, self._where)


_WRITABLE_SCHEMA = """SELECT (SELECT n.nspname FROM pg_catalog.pg_namespace n
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND has_schema_privilege(n.oid, 'CREATE')
    ORDER BY array_position(current_schemas(false), n.nspname), n.nspname LIMIT 1)"""


def _write(cursor: Cursor, schema: str | None) -> None:
    from psycopg import sql

    if schema is None:
        number = int(_value(cursor.execute("SELECT lo_from_bytea(0, 'readiness')")))
        # Before version 16 large objects could be written in a read-only transaction; comments never.
        cursor.execute(f"COMMENT ON LARGE OBJECT {number} IS 'readiness'")
        return
    table = sql.Identifier(schema, f"readiness_{secrets.token_hex(8)}")
    cursor.execute(sql.SQL("CREATE TABLE {} (value integer)").format(table))
    cursor.execute(sql.SQL("INSERT INTO {} VALUES (1)").format(table))


def _value(cursor: Cursor) -> Any:
    row = cursor.fetchone()
    return row[0] if row else None
