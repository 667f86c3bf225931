"""Ways to break PostgreSQL."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from readiness.probes.postgres import PostgresProbe
from tests.contrib import contrib_install
from tests.faults.proxy import delaying
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.targets import Break, Changes, Targets
    from tests.servers import Postgres, Servers

    Connection = psycopg.Connection[tuple[object, ...]]

PASSWORD = "s3cret-role"
MIGRATIONS = {
    "first": 'revision = "0001"\ndown_revision = None\n',
    "second": 'revision: str = "0002"\ndown_revision: str | None = "0001"\n',
}
"""The scripts of the repository: name to source."""
IN_USE = ("SELECT count(*) FROM audit_logs",) * 5
ENOUGH_S = 0.3
"""How old a session is before the check looks at it; the limits are below."""


@contextmanager
def primary(servers: Servers, password: str) -> Iterator[Postgres]:
    """A migrated server in use, whose role `app` has this password and may see statistics; it has no standby."""
    install = contrib_install()
    with servers.postgres(install=install, shared_preload_libraries="pg_stat_statements", max_connections=40) as server:
        server.run(
            f"CREATE ROLE app LOGIN PASSWORD '{password}'",
            "GRANT pg_monitor TO app",
            "CREATE EXTENSION pg_stat_statements",
            "CREATE TABLE audit_logs (id integer)",
            "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)",
            "INSERT INTO alembic_version VALUES ('0002')",
            "GRANT SELECT ON audit_logs, alembic_version TO app",
            *IN_USE,
        )
        yield server


def role(*statements: str, held: int = 0, others: int = 0) -> Break:
    """The service has a role to which this was done; `{role}` is its name.

    Args:
        statements: what was done.
        held: how many connections of the role are open besides.
        others: how many connections of another one are.
    """

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        create = [f"CREATE ROLE troubled LOGIN PASSWORD '{PASSWORD}'", "GRANT pg_monitor TO troubled"]
        grant = "GRANT SELECT ON audit_logs, alembic_version TO troubled"
        targets.postgres.run(*create, grant, *(statement.format(role="troubled") for statement in statements))
        dsn = targets.dsn("troubled", PASSWORD)
        try:
            with ExitStack() as stack:
                wait_until(lambda: _clients(targets.postgres) == 0, what="the end of other sessions")
                for address in [dsn] * held + [targets.postgres.dsn()] * others:
                    stack.enter_context(psycopg.connect(address, autocommit=True))
                yield {"database.url": dsn}
        finally:
            targets.postgres.run("DROP OWNED BY troubled", "DROP ROLE troubled")

    return breaks


def _clients(server: Postgres) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    return _ask(server, query)


def _ask(server: Postgres, query: str, *parameters: object) -> int:
    with psycopg.connect(server.dsn("postgres")) as connection:
        row = connection.execute(query.encode(), parameters).fetchone()
        assert row is not None
        return int(row[0])


def slow(*, connect_s: float = 0.0, answer_s: float = 0.0, **limits: str) -> Break:
    """The network is slow, measured against limits that a healthy one keeps."""

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        with delaying(targets.postgres.port, connect_s=connect_s, answer_s=answer_s) as port:
            changed = {f"database.{name.replace('_', '-')}": value for name, value in limits.items()}
            yield {"database.url": targets.dsn(port=port), **changed}

    return breaks


@contextmanager
def wrong_password(targets: Targets) -> Iterator[Changes]:
    """The service has a password that was changed."""
    yield {"database.url": targets.dsn(password="s3cret-old")}


@contextmanager
def exhausted(targets: Targets) -> Iterator[Changes]:
    """Each connection that the server has is in use."""
    with targets.servers.postgres(max_connections=2, superuser_reserved_connections=0) as server:
        held: list[psycopg.Connection[tuple[object, ...]]] = []

        def are_held() -> bool:
            with suppress(psycopg.OperationalError):  # that of the server's setup may not have ended yet
                held.append(psycopg.connect(server.dsn()))
            return len(held) == 2

        try:
            wait_until(are_held, what="taking every connection")
            yield {"database.url": server.dsn()}
        finally:
            for connection in held:
                connection.close()


@contextmanager
def killed(targets: Targets) -> Iterator[Changes]:
    """The server was killed."""
    with targets.servers.postgres() as server:
        server.kill()
        yield {"database.url": server.dsn()}


@contextmanager
def _changed(server: Postgres, setting: str, value: str) -> Iterator[None]:
    """The server has another setting, and all new sessions know."""

    def is_set() -> bool:
        with psycopg.connect(server.dsn()) as connection:
            return connection.execute(f"SHOW {setting}".encode()).fetchone() == (value,)

    server.run(f"ALTER SYSTEM SET {setting} = '{value}'", "SELECT pg_reload_conf()")
    try:
        wait_until(is_set, what=f"{setting} = {value}")
        yield
    finally:
        server.run(f"ALTER SYSTEM RESET {setting}", "SELECT pg_reload_conf()")
        wait_until(lambda: not is_set(), what=f"{setting} as before")


@contextmanager
def read_only(targets: Targets) -> Iterator[Changes]:
    """Somebody has switched the server to read-only."""
    with _changed(targets.postgres, "default_transaction_read_only", "on"):
        yield {}


@contextmanager
def standby(targets: Targets) -> Iterator[Changes]:
    """The address leads to the standby."""
    yield {"database.url": targets.dsn(port=targets.standby.port)}


@contextmanager
def without_table(targets: Targets) -> Iterator[Changes]:
    """The migration that makes the table was not run."""
    with _renamed(targets.postgres, "audit_logs"):
        yield {}


@contextmanager
def _renamed(server: Postgres, table: str) -> Iterator[None]:
    server.run(f"ALTER TABLE {table} RENAME TO {table}_later")
    try:
        yield
    finally:
        server.run(f"ALTER TABLE {table}_later RENAME TO {table}")


# --- migrations -------------------------------------------------------------------------------------------------


def revision(applied: str | None) -> Break:
    """Alembic has noted this revision alone, or none at all."""

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        insert = [f"INSERT INTO alembic_version VALUES ('{applied}')"] if applied else []
        targets.postgres.run("DELETE FROM alembic_version", *insert)
        try:
            yield {}
        finally:
            targets.postgres.run("DELETE FROM alembic_version", "INSERT INTO alembic_version VALUES ('0002')")

    return breaks


@contextmanager
def without_versions(targets: Targets) -> Iterator[Changes]:
    """Alembic was never run."""
    with _renamed(targets.postgres, "alembic_version"):
        yield {}


def script(text: str) -> Break:
    """The repository has another migration."""

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        file = targets.project.write("migrations/versions/another.py", text)
        try:
            yield {}
        finally:
            file.unlink()

    return breaks


# --- sessions ---------------------------------------------------------------------------------------------------


def holding(user: str, count: int) -> Break:
    """A client holds this many connections."""

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        with ExitStack() as stack:
            for _ in range(count):
                stack.enter_context(psycopg.connect(targets.dsn(user), autocommit=True))
            yield {}

    return breaks


@contextmanager
def _aged(server: Postgres, session: Connection) -> Iterator[None]:
    """Another session has been doing what it does for a while."""
    query = """SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND state <> 'idle'
        AND extract(epoch FROM clock_timestamp() - greatest(state_change, query_start)) > %s"""
    wait_until(lambda: _ask(server, query, session.info.backend_pid, ENOUGH_S), what="a session of that age")
    yield


def running(query: str, *, holding: str = "SELECT 1", **limits: str) -> Break:
    """A query runs for long; before it another session has run `holding` and gone to sleep."""

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        with (
            psycopg.connect(targets.postgres.dsn(), autocommit=True) as holder,
            psycopg.connect(targets.dsn(), autocommit=True) as session,
        ):
            holder.execute(holding.encode())

            def run() -> None:
                with suppress(psycopg.errors.QueryCanceled):
                    session.execute(query.encode())

            thread = threading.Thread(target=run)
            thread.start()
            try:
                with _aged(targets.postgres, session):
                    yield _keys(limits)
            finally:
                holder.execute("SELECT pg_cancel_backend(%s)", (session.info.backend_pid,))
                thread.join()

    return breaks


def forgetting(**limits: str) -> Break:
    """A client has forgotten to commit."""

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        with psycopg.connect(targets.dsn()) as session:
            session.execute("SELECT 1")
            with _aged(targets.postgres, session):
                yield _keys(limits)

    return breaks


def _keys(limits: dict[str, str]) -> Changes:
    return {f"database.{name.replace('_', '-')}": value for name, value in limits.items()}


# --- replication ------------------------------------------------------------------------------------------------

LAG: Changes = {"database.max-replication-lag": "500ms"}
WRITTEN = ("SET synchronous_commit = on", "INSERT INTO audit_logs VALUES (1)")
"""Also on the disk, which is when it is sent."""


@contextmanager
def alone(targets: Targets) -> Iterator[Changes]:
    """The only standby was never set up."""
    with primary(targets.servers, PASSWORD) as server:
        yield {"database.url": server.dsn(user="app", password=PASSWORD)}


@contextmanager
def orphaned(targets: Targets) -> Iterator[Changes]:
    """The address leads to a standby whose primary was killed."""
    with primary(targets.servers, PASSWORD) as server, targets.servers.postgres(of=server) as copy:
        server.kill()
        query = "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'"
        wait_until(lambda: _ask(copy, query) == 0, what="the end of streaming")
        yield {"database.url": copy.dsn(user="app", password=PASSWORD)}


@contextmanager
def paused(targets: Targets) -> Iterator[Changes]:
    """Somebody has paused the standby's replay."""
    query = "SELECT (pg_get_wal_replay_pause_state() = 'paused')::int"
    _on_standby(targets, "SELECT pg_wal_replay_pause()")
    try:
        # It looks for the request between two records.
        targets.postgres.run(*WRITTEN)
        wait_until(lambda: _ask(targets.standby, query), what="a paused replay")
        targets.postgres.run(*WRITTEN)
        yield LAG
    finally:
        _on_standby(targets, "SELECT pg_wal_replay_resume()")


def _on_standby(targets: Targets, statement: str) -> None:
    with psycopg.connect(targets.standby.dsn("postgres"), autocommit=True) as connection:
        connection.execute(statement.encode())


@contextmanager
def standby_stopped(targets: Targets) -> Iterator[Changes]:
    """All of the standby's processes are stopped; the primary takes it for streaming until its timeout."""
    main = targets.standby.process.pid
    pids = [*map(int, Path(f"/proc/{main}/task/{main}/children").read_text().split())]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        targets.postgres.run(*WRITTEN)
        yield LAG
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextmanager
def unused_slot(targets: Targets) -> Iterator[Changes]:
    """A standby that has a slot is not there."""
    targets.postgres.run("SELECT pg_create_physical_replication_slot('gone')")
    try:
        yield {}
    finally:
        targets.postgres.run("SELECT pg_drop_replication_slot('gone')")


# --- statistics -------------------------------------------------------------------------------------------------


@contextmanager
def _judged_before(targets: Targets) -> Iterator[Changes]:
    """A database of its own, healthy, of which an earlier run has read the counter; two deadlocks follow."""
    server, name = targets.postgres, "locked"
    wait_until(lambda: _clients(server) == 0, what="the end of other sessions")
    server.run(f"CREATE DATABASE {name} TEMPLATE app", database="postgres")
    try:
        server.run(*IN_USE, database=name)
        dsn = targets.dsn().rpartition("/")[0] + f"/{name}"
        with PostgresProbe(dsn, budget=lambda: 60.0) as probe:
            probe.deadlocks(probe.deadlock_mark())
        yield {"database.url": dsn}
    finally:
        server.run(f"DROP DATABASE {name} WITH (FORCE)", database="postgres")


@contextmanager
def deadlocked(targets: Targets) -> Iterator[Changes]:
    """Since the last run two pairs of transactions have locked each other out."""
    with _judged_before(targets) as changes:
        for count in (1, 2):
            deadlock(targets.postgres, "locked", count)
        yield changes


@contextmanager
def deadlocked_after_reset(targets: Targets) -> Iterator[Changes]:
    """Since the last run the statistics were reset, and then a deadlock occurred."""
    with _judged_before(targets) as changes:
        targets.postgres.run("SELECT pg_stat_reset()", database="locked")
        deadlock(targets.postgres, "locked", 1)
        yield changes


def deadlock(server: Postgres, database: str, count: int) -> None:
    """Two transactions lock each other out, and the server has counted it: `count` in all."""
    met = threading.Barrier(2)

    def lock(first: int, second: int) -> None:
        with (
            suppress(psycopg.errors.DeadlockDetected),
            psycopg.connect(server.dsn(database), options="-c deadlock_timeout=10ms") as connection,
        ):
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (first,))
            met.wait(10)
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (second,))

    threads = [threading.Thread(target=lock, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    query = "SELECT deadlocks FROM pg_stat_database WHERE datname = %s"
    wait_until(lambda: _ask(server, query, database) == count, what=f"{count} counted deadlocks")


@contextmanager
def slow_statement(targets: Targets) -> Iterator[Changes]:
    """A statement of the service is slow each time."""
    with psycopg.connect(targets.dsn(), autocommit=True) as connection:
        for _ in range(5):
            connection.execute("SELECT pg_sleep(0.03)")
    yield {"database.max-mean-query": "20ms"}


@contextmanager
def without_extension(targets: Targets) -> Iterator[Changes]:
    """Nobody has installed pg_stat_statements in the database."""
    targets.postgres.run("DROP EXTENSION pg_stat_statements")
    try:
        yield {}
    finally:
        targets.postgres.run("CREATE EXTENSION pg_stat_statements")


@contextmanager
def unused(targets: Targets) -> Iterator[Changes]:
    """The service was not used yet."""
    targets.postgres.run("SELECT pg_stat_statements_reset()")
    try:
        yield {}
    finally:
        targets.postgres.run(*IN_USE)


@contextmanager
def statements_revoked(targets: Targets) -> Iterator[Changes]:
    """The role may not read what the server counts of statements."""
    targets.postgres.run("REVOKE SELECT ON pg_stat_statements FROM PUBLIC")
    try:
        yield {}
    finally:
        targets.postgres.run("GRANT SELECT ON pg_stat_statements TO PUBLIC")
