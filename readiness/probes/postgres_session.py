"""Connections to one PostgreSQL server, bounded in time on both sides."""

from __future__ import annotations

import math
import socket
import threading
import time
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from readiness.errors import NotMeasured
from readiness.probes.deadline import Deadline, in_thread, watchdog
from readiness.redact import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from readiness.probes.interface import Budget

    Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]
    Cursor: TypeAlias = psycopg.Cursor[tuple[Any, ...]]

GRACE_S = 0.5
"""The server's own statement timeout comes this much earlier than ours, so that its better message is seen."""

TAG = "/* readiness */"
"""Ends each query, so that pg_stat_statements tells ours from the service's; a comment before it might be cut off."""
LOCK_WAIT_S = 0.5
"""Nothing is asked that an ordinary reader of the table would not get at once; behind a migration it is given up."""

_BEGIN = """BEGIN {}; SELECT set_config('statement_timeout', '{}ms', true), set_config('lock_timeout', '{}ms', true),
    set_config('idle_in_transaction_session_timeout', '{}ms', true)"""
"""Sent at once: with a client library's own BEGIN each observation would take another round trip."""


class PostgresSession:
    """Opens connections, and keeps one for reading, which threads use one after the other.

    Args:
        dsn: URL or key=value text.
        connect_timeout_s: bound of one connection, name resolution, TLS and authentication included.
        query_timeout_s: bound of one transaction on an open connection.
        budget: seconds left of the whole run.

    Raises:
        NotMeasured: the text is not the address of a database.
    """

    def __init__(self, dsn: str, *, connect_timeout_s: float, query_timeout_s: float, budget: Budget) -> None:
        from readiness.probes.postgres_failure import connection_parameters, place_of

        self._dsn = Secret(dsn)
        self.where = place_of(connection_parameters(dsn))
        self._connect_timeout_s = connect_timeout_s
        self._query_timeout_s = query_timeout_s
        self._budget = budget
        self._lock = threading.Lock()
        self._shared: Connection | None = None

    def close(self) -> None:
        """The shared connection is closed; the next read opens a new one."""
        with self._lock:
            self._drop()

    def keep(self, connection: Connection) -> None:
        """The connection becomes the shared one, or is closed where there is one or where it is in use."""
        if self._lock.acquire(blocking=False):
            try:
                if self._shared is None:
                    self._shared = connection
                    return
            finally:
                self._lock.release()
        connection.close()

    def answer_of(self, refusal: psycopg.Error) -> str:
        """Returns the server's words where they are its answer; raises where it gave none."""
        from readiness.probes.postgres_failure import is_answer, server_words

        if is_answer(refusal):
            return server_words(refusal, self._dsn)
        raise refusal

    def open(self) -> tuple[Connection, float]:
        """Returns a fresh connection and the milliseconds it took."""
        import psycopg

        from readiness.probes.postgres_failure import connect_failure, connection_parameters

        deadline = Deadline(self._connect_timeout_s, self._budget)

        def connect() -> tuple[Connection, float]:
            # In here, so that no frame of an error that is shown holds the password.
            parameters = connection_parameters(self._dsn.reveal())
            # Rounded up: libpq counts in seconds and takes 1 for 2. The thread's deadline is the exact one.
            parameters |= {"connect_timeout": max(2, math.ceil(deadline.limit_s))}
            parameters["application_name"] = "readiness"  # whoever watches the server sees who asks
            parameters.setdefault("client_encoding", "utf8")  # text of a SQL_ASCII database would come as bytes
            started = time.perf_counter()
            # No prepared statements: behind a pooling proxy the next transaction may be on another server process.
            connection = psycopg.connect(
                **parameters, autocommit=True, prepare_threshold=None, cursor_factory=_tagging_cursor()
            )
            return connection, (time.perf_counter() - started) * 1000

        try:
            return in_thread(connect, deadline, late=lambda result: result[0].close())
        except TimeoutError:
            cause = f"no connection to {self.where} within {deadline}"
            remedy = "Check that the server is not overloaded or stopped, and that no firewall drops the packets."
            raise NotMeasured(cause, deadline.remedy(remedy)) from None
        except (psycopg.Error, OSError) as error:
            raise connect_failure(error, self.where, self._dsn) from None

    @contextmanager
    def reading(self) -> Iterator[Cursor]:
        """A read-only transaction on the shared connection, for this thread alone."""
        waiting = Deadline(self._query_timeout_s, self._budget)
        if not self._lock.acquire(timeout=waiting.left()):
            cause = f"{self.where} was still busy with another observation after {waiting}"
            raise NotMeasured(cause, waiting.remedy("Find out which query takes so long."))
        try:
            if self._shared is None or self._shared.closed:
                self._shared, _ = self.open()
            try:
                with self.bounded(self._shared) as cursor:
                    yield cursor
            except NotMeasured:
                self._drop()
                raise
        finally:
            self._lock.release()

    @contextmanager
    def bounded(self, connection: Connection, *, read_only: bool = True) -> Iterator[Cursor]:
        """A transaction with limits on both sides, rolled back at the end."""
        import psycopg

        from readiness.probes.postgres_failure import query_failure

        deadline = Deadline(self._query_timeout_s + GRACE_S, self._budget)
        limit_ms = max(1, int((deadline.limit_s - GRACE_S) * 1000))
        mode = "READ ONLY" if read_only else ""
        begin = _BEGIN.format(mode, limit_ms, min(limit_ms, int(LOCK_WAIT_S * 1000)), limit_ms)
        descriptor = socket.fromfd(connection.pgconn.socket, socket.AF_INET, socket.SOCK_STREAM)
        # A stopped server answers no cancel request either; only the end of the connection ends the wait for it.
        with descriptor, watchdog(deadline, lambda: _shut(descriptor)) as dog:
            try:
                with connection.cursor() as cursor:
                    cursor.execute(begin)
                    yield cursor
                connection.rollback()
            except psycopg.Error as error:
                raise query_failure(error, self.where, self._dsn, deadline if dog.has_fired else None) from None
            finally:
                with suppress(psycopg.Error):
                    connection.rollback()

    def _drop(self) -> None:
        if self._shared is not None:
            self._shared.close()
            self._shared = None


@cache
def _tagging_cursor() -> type[Cursor]:
    import psycopg
    from psycopg import sql

    class TaggingCursor(psycopg.Cursor[tuple[Any, ...]]):
        def execute(self, query: Any, *args: Any, **options: Any) -> Self:
            if isinstance(query, sql.Composable):
                return super().execute(query + sql.SQL(f" {TAG}"), *args, **options)
            return super().execute(f"{query} {TAG}", *args, **options)

    return TaggingCursor


def _shut(descriptor: socket.socket) -> None:
    with suppress(OSError):
        descriptor.shutdown(socket.SHUT_RDWR)
