"""PostgreSQL: audit rows and reports. Every call ends within the time limit."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    insert,
    text,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from compliance_kit.bounded import BoundedThreads
from compliance_kit.metrics import DB_OPERATIONS
from compliance_kit.settings import Settings

T = TypeVar("T")
log = logging.getLogger(__name__)

metadata = MetaData()
# Only what is written here; `migrations/` has every column and owns the tables.
audit_logs = Table(
    "audit_logs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("correlation_id", Text),
    Column("event", Text),
    Column("feature", Text),
    Column("actor", Text),
    Column("detail", JSON),
)
compliance_reports = Table(
    "compliance_reports",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("audit_log_id", Integer),
    Column("mapping_name", Text),
    Column("score", Float),
    Column("body", JSON),
)


class Unavailable(Exception):
    """The database did not do what was asked, or not in time."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Who did what, under which correlation id."""

    event: str
    feature: str
    actor: str
    correlation_id: str | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report to keep."""

    mapping_name: str
    score: float
    body: dict[str, Any]


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
                "application_name": "compliance-kit",
                "options": f"-c statement_timeout={round(limit_s * 1000)}",
            },
        )
        self._threads = BoundedThreads(settings.pool_size, limit_s)

    async def answer(self) -> None:
        """Have PostgreSQL answer a query, or raise `Unavailable`."""
        await self._call("ping", "none", lambda db: db.execute(text("SELECT 1")).one())

    async def revision(self) -> str:
        """Return the migration that the database is at, or raise `Unavailable`."""
        query = text("SELECT version_num FROM alembic_version")
        found = await self._call("revision", "alembic_version", lambda db: db.execute(query).scalar())
        if found is None:
            raise Unavailable("the table alembic_version is empty")
        return str(found)

    async def record(self, audit: AuditRow, report: ReportRow | None) -> int:
        """Write the audit row, and the report that belongs to it, or neither.

        Returns:
            The id of the audit row.
        """

        def write(db: Connection) -> int:
            statement = insert(audit_logs).values(
                correlation_id=audit.correlation_id,
                event=audit.event,
                feature=audit.feature,
                actor=audit.actor,
                detail=audit.detail,
            )
            audit_id = int(db.execute(statement.returning(audit_logs.c.id)).scalar_one())
            if report is not None:
                db.execute(
                    insert(compliance_reports).values(
                        audit_log_id=audit_id,
                        mapping_name=report.mapping_name,
                        score=report.score,
                        body=report.body,
                    )
                )
            return audit_id

        table = "audit_logs" if report is None else "compliance_reports"
        return await self._call("compliance_query", table, write)

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

    async def _call(self, operation: str, table: str, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns, run in a transaction of its own."""

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
