"""PostgreSQL is reachable, fast enough, current, can be used and is not near its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from readiness import check

if TYPE_CHECKING:
    from pathlib import Path

    from readiness.config.model import Database
    from readiness.evidence import Measure
    from readiness.probes.interface import LatencyObservation
    from readiness.probes.postgres import ConnectObservation, PostgresProbe, WriteObservation
    from readiness.probes.postgres_activity import ConnectionsObservation, SessionsObservation
    from readiness.probes.postgres_replication import ReplicationObservation
    from readiness.probes.postgres_statistics import DeadlockMark, StatementsObservation
    from readiness.probes.postgres_tables import MigrationObservation, TableObservation

RUNBOOK = "database connection"
SHOWN = 5
"""How many migrations a message names."""


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


@check(
    "database/migrations",
    needs="migrations",
    observe=lambda database, table: database.migrations(table.migrations.version_table),
    runbook="database migrations",
)
def test_migrations(seen: MigrationObservation, table: Database, folder: Path, measure: Measure) -> None:
    """The database has the migrations of the release, each of them and no other.

    Holds when: the revisions in alembic's table are the heads of the migrations in the repository.
    Why it matters: a release that meets yesterday's tables, or tomorrow's, fails with its first request.
    Measured by: one SELECT, and the migration scripts, which are read and never run: a script that computes its
        revision cannot be judged.
    If it fails: run `alembic upgrade head` against this database before the release; several heads are first joined
        with `alembic merge heads`. A revision that the repository lacks was applied by another release: deploy that
        one, or downgrade.
    Source: [database] migrations; alembic, "Working with Branches".
    """
    assert table.migrations is not None
    history = seen.history(folder / table.migrations.path, folder)
    unknown = [each for each in seen.revisions if each not in history.revisions]
    pending = history.pending(seen.revisions)
    detail = [seen.missing] if seen.missing else []
    detail += [f"no script in the repository is revision {each}" for each in unknown]
    if len(history.heads) > 1:
        detail.append(f"the repository has {len(history.heads)} heads that no later migration joins")
    if pending and not unknown and not seen.missing:
        named = ", ".join(str(each) for each in pending[:SHOWN])
        detail.append(f"not applied: {named}{f' and {len(pending) - SHOWN} more' if len(pending) > SHOWN else ''}")
    measure(
        "revision in the database",
        ", ".join(seen.revisions) or "none",
        equals=", ".join(history.wanted(seen.revisions)),
        key="migrations",
        where=seen.where,
        detail=detail,
    )


@check("database/connections", observe=lambda database: database.connections(), runbook=RUNBOOK)
def test_connections(seen: ConnectionsObservation, table: Database, measure: Measure) -> None:
    """There is room for more connections.

    Holds when: the share of max_connections that is in use or reserved for superusers is within the limit; so is that
        of a connection limit which the role or the database has.
    Why it matters: the next replica, or the next peak, is refused when the last one is taken.
    Measured by: pg_stat_activity, without the connection that asks. Where the role is not shown what other sessions
        are, each counts as a client's.
    If it fails: look in pg_stat_activity for who holds them; make pools smaller, put PgBouncer in between, or raise
        max_connections.
    Source: [database] max-connections.
    """
    for each in seen.limits:
        measure(
            f"share of {each.name}",
            each.percent,
            unit="%",
            at_most=round(float(table.max_connections) * 100, 6),
            key="max-connections",
            where=seen.where,
            detail=[str(each)],
        )


@check("database/long-queries", observe=lambda database: database.sessions("active"), runbook="long-running queries")
def test_long_queries(seen: SessionsObservation, table: Database, measure: Measure) -> None:
    """No query has been running for long.

    Holds when: the oldest active query of any client of the server is within the limit.
    Why it matters: it holds locks and a connection, keeps vacuum from its work, and a migration waits behind it.
    Measured by: pg_stat_activity; background processes, walsenders and this check itself are left out. The text of a
        query is never read.
    If it fails: find out what the named process does and whose it is; end it with pg_cancel_backend(pid), or with
        pg_terminate_backend(pid).
    Source: [database] max-query-age.
    """
    limit_s = float(table.max_query_age)
    oldest = measure(
        "oldest active query",
        seen.oldest_s,
        unit="s",
        at_most=limit_s,
        key="max-query-age",
        where=seen.where,
        detail=seen.older_than(limit_s),
    )
    measure("sessions looked into", seen.looked_into)
    if oldest.holds:
        seen.require_all()


@check(
    "database/idle-in-transaction",
    observe=lambda database: database.sessions("idle in transaction"),
    runbook="idle in transaction connections",
)
def test_idle_in_transaction(seen: SessionsObservation, table: Database, measure: Measure) -> None:
    """No session has been idle inside a transaction for long.

    Holds when: the session of any client of the server that has been idle in a transaction for longest is within the
        limit.
    Why it matters: it holds its locks and a connection while it does nothing, and keeps vacuum from its work.
    Measured by: pg_stat_activity, since the last change of the session's state.
    If it fails: mend the program that forgets to commit; end the named process with pg_terminate_backend(pid), and
        set idle_in_transaction_session_timeout.
    Source: [database] max-idle-in-transaction.
    """
    limit_s = float(table.max_idle_in_transaction)
    longest = measure(
        "longest idle in transaction",
        seen.oldest_s,
        unit="s",
        at_most=limit_s,
        key="max-idle-in-transaction",
        where=seen.where,
        detail=seen.older_than(limit_s),
    )
    measure("sessions looked into", seen.looked_into)
    if longest.holds:
        seen.require_all()


@check(
    "database/replication-lag",
    needs="max-replication-lag",
    observe=lambda database, table: database.replication(float(table.max_replication_lag)),
    runbook="replication lag",
)
def test_replication_lag(seen: ReplicationObservation, table: Database, measure: Measure) -> None:
    """Each standby follows its primary closely.

    Holds when: there is at least one standby, each one is streaming, and each has replayed within the limit what had
        been written when the check began. Connected to a standby, the same of that one.
    Why it matters: reads from a standby that lags are stale, and a failover to it loses what it has not received.
    Measured by: watching how long the standbys take to get there, at most 15 s; pg_stat_replication on a primary,
        pg_stat_wal_receiver on a standby. A physical slot that nobody reads is a standby that is gone; logical
        subscribers and backups are not counted.
    If it fails: look at the standby's log, at pg_is_wal_replay_paused() there, and at the network in between; drop the
        slot of a standby that will not come back.
    Source: [database] max-replication-lag.
    """
    assert table.max_replication_lag is not None
    if seen.is_primary:
        measure("standbys", len(seen.standbys), at_least=1, key="max-replication-lag", where=seen.where)
    for each in seen.standbys:
        measure(f"standby {each.name}", each.state, equals="streaming", key="max-replication-lag", where=seen.where)
        if each.lag_s is not None:
            measure(
                f"lag of standby {each.name}",
                each.lag_s,
                unit="s",
                at_most=float(table.max_replication_lag),
                key="max-replication-lag",
                where=seen.where,
                detail=["still behind when the watch ended"] if each.is_behind else [],
            )


@check(
    "database/deadlocks",
    needs="max-deadlocks",
    observe=lambda database: database.deadlock_mark(),
    runbook="deadlocks",
)
def test_deadlocks(seen: DeadlockMark, database: PostgresProbe, table: Database, measure: Measure) -> None:
    """Transactions have not locked each other out lately.

    Holds when: the deadlocks in this database since an earlier run are within the limit.
    Why it matters: each one has cost a user's transaction, and shows that locks are taken in different orders.
    Measured by: the counter in pg_stat_database, held against what an earlier run on this machine has read: the newest
        that is an hour old, so that running again does not make a failure go away, and at most seven days. Where there
        is none it is counted from the start of the run to its end, and the evidence says so; where the statistics
        were reset, from there.
    If it fails: the server's log names the statements of each deadlock; have them take their locks in one order. After
        an hour without another one the check passes again.
    Source: [database] max-deadlocks.
    """
    counted = database.deadlocks(seen)
    measure(
        f"deadlocks {counted.since}",
        counted.count,
        at_most=table.max_deadlocks,
        key="max-deadlocks",
        where=counted.where,
    )
    measure("observed for", round(counted.observed_s, 3), unit="s")


@check(
    "database/query-time",
    needs="max-mean-query",
    observe=lambda database: database.statements(),
    runbook="database query performance",
)
def test_query_time(seen: StatementsObservation, table: Database, measure: Measure) -> None:
    """No statement is slow on average.

    Holds when: the mean time of each statement in this database that was called at least five times is within the
        limit.
    Why it matters: a statement that lacks an index is slow for each user, and becomes slower with each row.
    Measured by: pg_stat_statements, since its last reset; without the text of any statement.
    If it fails: `SELECT query FROM pg_stat_statements WHERE queryid = ...` shows the statement; EXPLAIN (ANALYZE,
        BUFFERS) shows where its time goes. After mending it, pg_stat_statements_reset() starts a new mean.
    Source: [database] max-mean-query; PostgreSQL, F.32 pg_stat_statements.
    """
    assert table.max_mean_query is not None
    measure(
        "slowest mean query time",
        seen.statements[0].mean_ms,
        unit="ms",
        at_most=table.max_mean_query.ms,
        key="max-mean-query",
        where=seen.where,
        detail=seen.slower_than(table.max_mean_query.ms),
    )
    measure("statements judged", seen.counted)
