"""PostgreSQL is reachable, fast enough, current and can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from readiness import check

if TYPE_CHECKING:
    from readiness.config.model import Database
    from readiness.evidence import Measure
    from readiness.probes.interface import LatencyObservation
    from readiness.probes.postgres import ConnectObservation, TableObservation, WriteObservation

RUNBOOK = "database connection"


@check("database/connects", observe=lambda database: database.connect(), runbook=RUNBOOK)
def test_connects(seen: ConnectObservation, table: Database, measure: Measure) -> None:
    """A new connection is made in time.

    Holds when: a fresh connection, authentication included, takes no longer than the limit.
    Why it matters: an exhausted or overloaded server refuses or delays exactly this.
    Measured by: one connection, opened and closed.
    If it fails: look at the number of connections against max_connections, and at the network in between.
    Source: [database] connect-within.
    """
    measure(
        "connect", seen.elapsed_ms, unit="ms", at_most=table.connect_within.ms, key="connect-within", where=seen.where
    )


@check("database/answers", observe=lambda database: database.answers(), runbook=RUNBOOK)
def test_answers(seen: LatencyObservation, table: Database, measure: Measure) -> None:
    """A trivial query is answered in time.

    Holds when: the 95th percentile of `SELECT 1` is within the limit.
    Why it matters: it is the floor under the time of each request that reads the database.
    Measured by: five queries over one connection.
    If it fails: look for long-running queries, lock waits and a saturated host.
    Source: [database] query-within.
    """
    measure("SELECT 1 p95", seen.p95_ms, unit="ms", at_most=table.query_within.ms, key="query-within", where=seen.where)


@check("database/server-version", needs="server-version", observe=lambda database: database.connect(), runbook=RUNBOOK)
def test_server_version(seen: ConnectObservation, table: Database, measure: Measure) -> None:
    """The server is of a version that the release supports.

    Holds when: the server's version is in the range.
    Why it matters: a release that is tested on one major version is not tested on another.
    Measured by: the version that the server reports on connecting.
    If it fails: deploy to the right server, or widen the range after testing on that version.
    Source: [database] server-version.
    """
    measure(
        "server version", seen.server_version, satisfies=table.server_version, key="server-version", where=seen.where
    )


@check("database/accepts-writes", writes=True, observe=lambda database: database.accepts_writes(), runbook=RUNBOOK)
def test_accepts_writes(seen: WriteObservation, measure: Measure) -> None:
    """The database takes a write, which is rolled back.

    Holds when: a transaction that writes gets as far as its rollback.
    Why it matters: a standby, a full disk or a read-only switch answers every read and loses every order.
    Measured by: one transaction, rolled back; never on a protected target.
    If it fails: the server's own words are in the evidence; look for a standby, a full disk or missing privileges.
    Source: contract of the gate.
    """
    measure("write", seen.error or "accepted", equals="accepted", where=seen.where)


@check("database/table", each="name in tables", observe=lambda database, name: database.table(name), runbook=RUNBOOK)
def test_table(seen: TableObservation, name: str, measure: Measure) -> None:
    """The table exists and can be read.

    Holds when: the table is found and a SELECT of one row is permitted.
    Why it matters: a migration that was not run or a missing grant shows up with the first user.
    Measured by: one SELECT of at most one row.
    If it fails: run the migrations, or grant SELECT to the service's role.
    Source: [database] tables.
    """
    where = f"{seen.where}: {seen.error}" if seen.error else seen.where
    measure(f"table {name} exists", seen.exists, equals=True, key="tables", where=where)
    measure(f"table {name} readable", seen.readable, equals=True, key="tables", where=where)
