"""PostgreSQL: audit rows and reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    Table,
    Text,
    insert,
)

from compliance_kit.flags import Evaluation
from service_base.storage import Storage

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


report_audit_logs = Table(
    "report_audit_logs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("report_id", Integer),
    Column("event", Text),
)
feature_flag_evaluations = Table(
    "feature_flag_evaluations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("audit_log_id", Integer),
    Column("flag_name", Text),
    Column("enabled", Boolean),
    Column("reason", Text),
)


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


class ReportStorage(Storage):
    """The tables of this service."""

    async def record(self, audit: AuditRow, flag: Evaluation, report: ReportRow | None) -> int:
        """Write the audit row, what the flag decided, and the report that belongs to it, or nothing.

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
            decided = {"flag_name": flag.flag, "enabled": flag.enabled, "reason": flag.reason}
            db.execute(insert(feature_flag_evaluations).values(audit_log_id=audit_id, **decided))
            if report is not None:
                statement = insert(compliance_reports).values(
                    audit_log_id=audit_id,
                    mapping_name=report.mapping_name,
                    score=report.score,
                    body=report.body,
                )
                report_id = db.execute(statement.returning(compliance_reports.c.id)).scalar_one()
                db.execute(insert(report_audit_logs).values(report_id=report_id, event="generated"))
            return audit_id

        table = "audit_logs" if report is None else "compliance_reports"
        return await self.call("compliance_query", table, write)
