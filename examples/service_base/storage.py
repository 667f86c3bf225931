"""PostgreSQL. Every call ends within the time limit."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from service_base.bounded import BoundedThreads
from service_base.metrics import DB_OPERATIONS, POOL_SIZE
from service_base.settings import Settings

T = TypeVar("T")
log = logging.getLogger(__name__)


class Unavailable(Exception):
    """The database did not do what was asked, or not in time."""


class Storage:
    """A bounded pool of connections to PostgreSQL."""

    def __init__(self, settings: Settings) -> None:
        """Prepare the pool; nothing connects before the first call."""
        limit_s = settings.call_timeout_s
        self._pool_size = settings.pool_size
        self._reachable = True
        self._engine = create_engine(
            settings.database_url,
            poolclass=QueuePool,
            pool_size=settings.pool_size,
            max_overflow=0,
            pool_timeout=limit_s,
            pool_pre_ping=True,  # connections of a restarted server are replaced
            connect_args={
                "connect_timeout": max(2, round(limit_s)),
                "application_name": settings.service,
                "options": f"-c statement_timeout={round(limit_s * 1000)}",
            },
        )
        self._threads = BoundedThreads(settings.pool_size, limit_s)
        POOL_SIZE.set_function(self.free_connections)

    async def open(self, connections: int) -> None:
        """Have this many connections, as far as the database gives them: the first users do not wait for theirs."""

        def hold() -> None:
            with contextlib.ExitStack() as held:
                for _ in range(min(connections, self._pool_size)):
                    held.enter_context(self._engine.connect())

        with contextlib.suppress(SQLAlchemyError, TimeoutError):
            await self._threads.run(hold)

    async def answer(self) -> None:
        """Have PostgreSQL answer a query, or raise `Unavailable`."""
        await self.call("ping", "none", lambda db: db.execute(text("SELECT 1")).one())

    async def revision(self) -> str:
        """Return the migration that the database is at, or raise `Unavailable`."""
        query = text("SELECT version_num FROM alembic_version")
        found = await self.call("revision", "alembic_version", lambda db: db.execute(query).scalar())
        if found is None:
            raise Unavailable("the table alembic_version is empty")
        return str(found)

    async def call(self, operation: str, table: str, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns, run in a transaction of its own, or raise `Unavailable`."""

        def call() -> T:
            with self._engine.begin() as connection:
                return work(connection)

        try:
            result = await self._threads.run(call)
        except (SQLAlchemyError, TimeoutError) as error:
            self._reachable = False
            DB_OPERATIONS.labels(operation, table, "error").inc()
            reason = str(error).splitlines()[0] if str(error) else "timed out"
            log.warning("database: %s failed: %s", operation, reason)
            raise Unavailable(f"{operation} failed") from error
        self._reachable = True
        DB_OPERATIONS.labels(operation, table, "ok").inc()
        return result

    def free_connections(self) -> int:
        """Return how many connections can be handed out now, 0 when unreachable."""
        if not self._reachable:
            return 0
        pool = self._engine.pool
        in_use = pool.checkedout() if isinstance(pool, QueuePool) else 0
        return max(0, self._pool_size - in_use)

    def close(self) -> None:
        """Give the idle connections back."""
        self._engine.dispose()
