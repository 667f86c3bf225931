"""Observes a PostgreSQL server: bounded in time, read-only, leaving nothing behind."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from readiness.errors import NotMeasured
from readiness.probes.interface import LatencyObservation
from readiness.probes.postgres_session import PostgresSession

if TYPE_CHECKING:
    from collections.abc import Sequence

    from readiness.probes.interface import Budget
    from readiness.probes.postgres_session import Cursor

KINDS = {"r": "table", "p": "partitioned table", "v": "view", "m": "materialized view", "f": "foreign table"}
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
class TableObservation:
    """Whether a table is there and can be read by the role that the service uses."""

    name: str
    """As asked for."""
    exists: bool
    readable: bool
    kind: str
    """`table`, `partitioned table`, `view`, `materialized view` or `foreign table`; empty where there is none."""
    schema: str
    """Where it was found; empty where it was not."""
    found_in: tuple[str, ...]
    """Every schema with a relation of that name, also those outside the search path."""
    error: str | None
    """Why it is missing or cannot be read; None where it can."""
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

    Raises:
        NotMeasured: the text is not the address of a database.
    """

    def __init__(
        self, dsn: str, *, connect_timeout_s: float = 5.0, budget: Budget, query_timeout_s: float = 10.0
    ) -> None:
        self._session = PostgresSession(
            dsn, connect_timeout_s=connect_timeout_s, query_timeout_s=query_timeout_s, budget=budget
        )
        self._where = self._session.where

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
        """Returns whether a table, view or foreign table exists and can be read.

        Args:
            name: `name`, found through the search path, or `schema.name`; exactly as stored, so `Users` is not
                `users`. A part with a dot in it stands in double quotes.

        Raises:
            NotMeasured: it could not be found out, also because the table is locked.
        """
        import psycopg
        from psycopg import sql

        schema, relation = _table_name(name)
        with self._session.reading() as cursor:
            found = cursor.execute(_FIND, (schema, relation, list(KINDS))).fetchall()
            here = [(found_schema, kind) for found_schema, kind, is_meant in found if is_meant]
            schemas = tuple(entry[0] for entry in found)
            if not here:
                elsewhere = f"; there is one in {', '.join(schemas)}" if schemas else ""
                absent = f"there is no table {name}{' in the search path' if schema is None else ''}{elsewhere}"
                return TableObservation(name, False, False, "", "", schemas, absent, self._where)
            found_schema, kind = here[0]
            error: str | None = None
            try:
                cursor.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(found_schema, relation)))
            except psycopg.Error as refusal:
                error = self._session.answer_of(refusal)
        return TableObservation(name, True, error is None, KINDS[kind], found_schema, schemas, error, self._where)

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


_FIND = """SELECT n.nspname, c.relkind::text, coalesce(n.nspname = %s, pg_table_is_visible(c.oid))
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = %s AND c.relkind::text = ANY(%s) ORDER BY n.nspname"""

_WRITABLE_SCHEMA = """SELECT (SELECT n.nspname FROM pg_catalog.pg_namespace n
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND has_schema_privilege(n.oid, 'CREATE')
    ORDER BY array_position(current_schemas(false), n.nspname), n.nspname LIMIT 1)"""


def _write(cursor: Cursor, schema: str | None) -> None:
    from psycopg import sql

    if schema is None:
        cursor.execute("SELECT lo_from_bytea(0, 'readiness')")
        return
    table = sql.Identifier(schema, f"readiness_{secrets.token_hex(8)}")
    cursor.execute(sql.SQL("CREATE TABLE {} (value integer)").format(table))
    cursor.execute(sql.SQL("INSERT INTO {} VALUES (1)").format(table))


def _value(cursor: Cursor) -> Any:
    row = cursor.fetchone()
    return row[0] if row else None


def _table_name(name: str) -> tuple[str | None, str]:
    part = r'"(?:[^"]|"")+"|[^".]+'
    match = re.fullmatch(rf"(?:({part})\.)?({part})", name)
    if match is None:
        raise NotMeasured(
            f"{name[:80]!r} is not the name of a table", 'Write name or schema.name; with a dot in it, "na.me".'
        )
    parts = [text[1:-1].replace('""', '"') if text and text.startswith('"') else text for text in match.groups()]
    return parts[0], str(parts[1])
