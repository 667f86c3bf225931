"""The PostgreSQL probe against real servers, healthy and broken."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from readiness.errors import NotMeasured
from readiness.probes.postgres import PostgresProbe
from readiness.probes.postgres_failure import connection_parameters, place_of
from tests.probes import peers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers import Postgres

    Probes = Callable[..., PostgresProbe]

SLACK_S = 5.0


@pytest.fixture
def probe() -> Iterator[Probes]:
    with ExitStack() as stack:

        def make(dsn: str, **options: Any) -> PostgresProbe:
            return stack.enter_context(PostgresProbe(dsn, **{"budget": lambda: 60.0, **options}))

        yield make


# --- healthy ----------------------------------------------------------------------------------------------------


def test_a_connection_is_timed_and_the_server_named(postgres: Postgres, probe: Probes) -> None:
    """Time, version and role of the server that answers are there."""
    seen = probe(postgres.dsn()).connect()
    assert 0 < seen.elapsed_ms < 10_000
    assert seen.server_version.startswith("18")
    assert seen.version_number[0] == 18
    assert (seen.is_in_recovery, seen.uses_tls) == (False, False)
    assert seen.where == f"PostgreSQL at 127.0.0.1:{postgres.port}/app"


def test_each_connect_is_a_fresh_connection(postgres: Postgres, probe: Probes) -> None:
    """The time of a connection is never that of one which was open already; reads then share the first."""
    with probe(postgres.dsn()) as database:
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'readiness'"
        database.connect()
        database.connect()
        pids = {database.rows("SELECT pg_backend_pid()")[0] for _ in range(3)}
        assert len(pids) == 1
        assert database.rows(count) == [(1,)]


def test_select_1_is_sampled(postgres: Postgres, probe: Probes) -> None:
    """As many latencies are there as were asked for."""
    seen = probe(postgres.dsn()).answers(7)
    assert len(seen.samples_ms) == 7
    assert 0 < seen.p95_ms < 10_000
    assert seen.where.startswith("SELECT 1 on PostgreSQL at 127.0.0.1:")


def test_reads_cannot_write_and_are_limited(postgres: Postgres, probe: Probes) -> None:
    """A read runs in a read-only transaction with limits of its own, and leaves none of them in the session."""
    database = probe(postgres.dsn(), query_timeout_s=7)
    settings = "SELECT current_setting('transaction_read_only'), current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('application_name')"
    assert database.rows(settings) == [("on", "7s", "500ms", "readiness")]
    with pytest.raises(NotMeasured, match="read-only transaction"):
        database.rows("SELECT nextval(pg_get_serial_sequence('audit_logs', 'id')), lo_creat(-1)")
    assert database.rows("SELECT 1 + %s", (1,)) == [(2,)]
    assert database.rows("SELECT 'a' LIKE '%'") == [(True,)]


def test_threads_share_the_connection_in_turn(postgres: Postgres, probe: Probes) -> None:
    """Eight threads observe at once, and each gets its own answer."""
    database = probe(postgres.dsn())
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: database.rows("SELECT %s::int", (number,)), range(40)))
    assert answers == [[(number,)] for number in range(40)]


def test_too_many_rows_are_not_read(postgres: Postgres, probe: Probes) -> None:
    """A query without end is stopped at its limit, whatever the server would send."""
    database = probe(postgres.dsn())
    with pytest.raises(NotMeasured, match="over 10000 rows"):
        database.rows("SELECT generate_series(1, 1000000000)")
    assert len(database.answers(1).samples_ms) == 1


@pytest.mark.parametrize("scheme", ["postgresql+asyncpg", "postgres+psycopg2", "postgres"])
def test_a_sqlalchemy_address_works(scheme: str, postgres: Postgres, probe: Probes) -> None:
    """DATABASE_URL often names a SQLAlchemy driver, which libpq does not know."""
    assert probe(postgres.dsn().replace("postgresql", scheme, 1)).answers(1).samples_ms


# --- tables -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "schema"),
    [
        ("audit_logs", "table", "public"),
        ("public.audit_logs", "table", "public"),
        ("recent", "view", "public"),
        ("billing.invoices", "table", "billing"),
        ('billing."Odd ""Name.x"', "table", "billing"),
        ('"billing"."invoices"', "table", "billing"),
        ("pg_catalog.pg_class", "table", "pg_catalog"),
    ],
)
def test_a_table_is_found_and_read(name: str, kind: str, schema: str, postgres: Postgres, probe: Probes) -> None:
    """Tables and views are found by name or schema, quoted where they must be."""
    seen = probe(postgres.dsn()).table(name)
    assert (seen.exists, seen.readable, seen.kind, seen.schema, seen.error) == (True, True, kind, schema, None)


@pytest.mark.parametrize(
    ("name", "error", "found_in"),
    [
        ("nowhere", "there is no table nowhere in the search path", ()),
        ("public.invoices", "there is no table public.invoices; there is one in billing", ("billing",)),
        ("invoices", "in the search path; there is one in billing", ("billing",)),
        ("AUDIT_LOGS", "there is no table AUDIT_LOGS", ()),
        ("x'; DROP TABLE audit_logs; --", "there is no table x'", ()),
    ],
)
def test_a_missing_table_is_an_observation(
    name: str, error: str, found_in: tuple[str, ...], postgres: Postgres, probe: Probes
) -> None:
    """That a table is missing is known for certain; where it is instead is said."""
    seen = probe(postgres.dsn()).table(name)
    assert (seen.exists, seen.readable, seen.found_in) == (False, False, found_in)
    assert error in str(seen.error)


def test_a_table_that_may_not_be_read_is_an_observation(postgres: Postgres, probe: Probes) -> None:
    """A missing grant is said in the server's words, and the connection stays usable."""
    database = probe(postgres.dsn(user="app", password="s3cret-app"))
    seen = database.table("secret_table")
    assert (seen.exists, seen.readable, seen.error) == (True, False, "permission denied for table secret_table")
    assert "permission denied for schema" in str(database.table("billing.invoices").error)
    assert "has not been populated" in str(probe(postgres.dsn()).table("empty_view").error)


@pytest.mark.parametrize("name", ["", "a.b.c", ".", "a.", '"', 'a"b'])
def test_what_is_no_table_name_is_unmeasured(name: str, postgres: Postgres, probe: Probes) -> None:
    """A name that cannot be one is said to be none."""
    with pytest.raises(NotMeasured, match="is not the name of a table"):
        probe(postgres.dsn()).table(name)


def test_a_locked_table_is_unmeasured_in_time(postgres: Postgres, probe: Probes) -> None:
    """A migration that holds the lock keeps nobody waiting beyond the limit."""
    with psycopg.connect(postgres.dsn()) as holder:
        holder.execute("LOCK TABLE audit_logs IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(NotMeasured, match=r"did not get a lock in time|did not finish the query in time"):
            probe(postgres.dsn(), query_timeout_s=0.5).table("audit_logs")
        holder.rollback()


# --- writes -----------------------------------------------------------------------------------------------------

STATE = "SELECT (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_largeobject_metadata), (SELECT count(*) FROM pg_tables)"


@pytest.mark.parametrize(("user", "method"), [("admin", "table"), ("app", "large object")])
def test_a_write_is_accepted_and_leaves_nothing(user: str, method: str, postgres: Postgres, probe: Probes) -> None:
    """Both ways of writing go through, and the database is as it was before."""
    watcher = probe(postgres.dsn())
    before = watcher.rows(STATE)
    seen = probe(postgres.dsn(user=user, password=f"s3cret-{user}")).accepts_writes()
    assert (seen.accepted, seen.error, seen.method, seen.is_in_recovery) == (True, None, method, False)
    assert watcher.rows(STATE) == before


@pytest.mark.slow
@pytest.mark.parametrize(("user", "command"), [("admin", "CREATE TABLE"), ("app", "lo_from_bytea")])
def test_a_read_only_database_refuses(user: str, command: str, own_postgres: Postgres, probe: Probes) -> None:
    """A read-only switch is observed as a refusal in the server's words; reads go on."""
    own_postgres.run(
        "CREATE ROLE app LOGIN PASSWORD 's3cret-app'",
        "ALTER SYSTEM SET default_transaction_read_only = on",
        "SELECT pg_reload_conf()",
    )
    database = probe(own_postgres.dsn(user=user, password=f"s3cret-{user}"))
    seen = database.accepts_writes()
    assert not seen.accepted
    assert command in str(seen.error)
    assert "read-only transaction" in str(seen.error)
    assert database.answers(1).samples_ms


@pytest.mark.slow
def test_a_standby_says_what_it_is_and_refuses(standby: Postgres, probe: Probes) -> None:
    """A server in recovery is named as one, answers reads, and refuses the write in its own words."""
    database = probe(standby.dsn("postgres"))
    assert database.connect().is_in_recovery
    assert database.answers(1).samples_ms
    assert database.table("pg_catalog.pg_class").readable
    seen = database.accepts_writes()
    assert (seen.accepted, seen.is_in_recovery) == (False, True)
    assert "read-only transaction" in str(seen.error)


# --- what cannot be observed ------------------------------------------------------------------------------------


def everything(database: PostgresProbe) -> list[Callable[[], object]]:
    return [
        database.connect,
        database.answers,
        database.accepts_writes,
        lambda: database.table("audit_logs"),
        lambda: database.rows("SELECT 1"),
    ]


def all_unmeasured(database: PostgresProbe, cause: str, limit_s: float) -> None:
    for observe in everything(database):
        started = time.monotonic()
        with pytest.raises(NotMeasured, match=cause) as caught:
            observe()
        assert time.monotonic() - started < limit_s + SLACK_S
        assert caught.value.remedy
        assert "s3cret" not in str(caught.value)


def test_a_wrong_password_is_named(postgres: Postgres, probe: Probes) -> None:
    """A refused password is told apart from a server that is down, and is not shown."""
    all_unmeasured(probe(postgres.dsn(password="s3cret-wrong")), "refused the user or the password", 5)
    all_unmeasured(probe(f"postgresql://admin@127.0.0.1:{postgres.port}/app"), "refused the user or the password", 5)
    all_unmeasured(probe(postgres.dsn(user="nobody")), "refused the user or the password", 5)


def test_a_wrong_database_is_named(postgres: Postgres, probe: Probes) -> None:
    """A database that does not exist is named with its server."""
    all_unmeasured(
        probe(postgres.dsn("nowhere")), r"PostgreSQL at 127.0.0.1:\d+/nowhere: the database does not exist", 5
    )


def test_a_refused_connection_is_named(probe: Probes) -> None:
    """Nothing listens, and that is what is said."""
    with peers.refusing() as url:
        port = url.rpartition(":")[2]
        all_unmeasured(
            probe(f"postgresql://u:s3cret@127.0.0.1:{port}/app"), r"refused the connection: nothing listens", 5
        )


def test_a_name_that_does_not_resolve_is_named(probe: Probes) -> None:
    """DNS is the cause, not the server."""
    all_unmeasured(
        probe("postgresql://u:s3cret@nothing.invalid/app"),
        r"host name of PostgreSQL at nothing\.invalid:5432/app does not resolve",
        5,
    )


def test_a_server_without_tls_is_named(postgres: Postgres, probe: Probes) -> None:
    """sslmode=require against a plain server is a matter of TLS."""
    all_unmeasured(probe(f"{postgres.dsn()}?sslmode=require"), "does not speak TLS, which sslmode demands", 5)


def test_what_is_not_postgresql_is_named(probe: Probes) -> None:
    """A web server on the port is not taken for a database."""
    with peers.plain_text() as url:
        port = url.rpartition(":")[2]
        all_unmeasured(
            probe(f"postgresql://u:s3cret@127.0.0.1:{port}/app?sslmode=disable"),
            "is not PostgreSQL|closed the connection",
            5,
        )


@pytest.mark.slow
def test_exhausted_connections_are_named(own_postgres: Postgres, probe: Probes) -> None:
    """With every connection taken the cause is their number."""
    own_postgres.run("CREATE ROLE app LOGIN PASSWORD 's3cret-app'")
    dsn = own_postgres.dsn(user="app", password="s3cret-app")
    with ExitStack() as stack:
        with suppress(psycopg.OperationalError):
            while True:
                stack.enter_context(psycopg.connect(dsn))
        all_unmeasured(probe(dsn), "has no connection left", 5)


@pytest.mark.slow
def test_a_server_that_never_answers_is_bounded(own_postgres: Postgres, probe: Probes) -> None:
    """A stopped server takes the connection and says nothing: the limit below libpq's 2 seconds is kept."""
    own_postgres.stop()
    all_unmeasured(probe(own_postgres.dsn(), connect_timeout_s=0.4), "no connection to .* within 400 ms", 0.4)
    with pytest.raises(NotMeasured, match="within 200 ms, what was left of the run") as caught:
        probe(own_postgres.dsn(), budget=lambda: 0.2).connect()
    assert "--readiness-deadline" in caught.value.remedy
    own_postgres.process.send_signal(signal.SIGCONT)


@pytest.mark.slow
def test_a_server_process_that_never_answers_is_bounded(postgres: Postgres, probe: Probes) -> None:
    """A stopped server process cannot be cancelled by the server; our end of the connection ends the wait."""
    database = probe(postgres.dsn(), query_timeout_s=0.3)
    pid = database.rows("SELECT pg_backend_pid()")[0][0]
    os.kill(pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        with ThreadPoolExecutor(3) as pool:
            failures = [pool.submit(database.answers) for _ in range(3)]
            causes = sorted(str(each.exception()) for each in failures if each.exception() is not None)
        assert time.monotonic() - started < 2 + SLACK_S
        assert any("gave no answer within 800 ms" in cause for cause in causes)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert database.answers(1).samples_ms


def test_a_slow_query_is_ended_by_the_server(postgres: Postgres, probe: Probes) -> None:
    """The server's own timeout comes first, and the connection goes on working."""
    database = probe(postgres.dsn(), query_timeout_s=0.3)
    with pytest.raises(NotMeasured, match="did not finish the query in time"):
        database.rows("SELECT pg_sleep(30)")
    assert database.answers(1).samples_ms


@pytest.mark.slow
def test_a_server_that_was_killed_is_unmeasured(own_postgres: Postgres, probe: Probes) -> None:
    """A connection that was lost is unmeasured; so is everything after it."""
    database = probe(own_postgres.dsn())
    database.answers()
    own_postgres.process.send_signal(signal.SIGQUIT)
    own_postgres.process.wait(30)
    with pytest.raises(NotMeasured, match=r"closed the connection|ended the connection|crashed"):
        database.answers()
    all_unmeasured(database, "refused the connection", 5)


def test_a_terminated_connection_is_unmeasured_once(postgres: Postgres, probe: Probes) -> None:
    """A lost connection is not hidden by a second attempt; the next observation opens a new one."""
    database = probe(postgres.dsn())
    pid = database.rows("SELECT pg_backend_pid()")[0][0]
    postgres.run(f"SELECT pg_terminate_backend({pid}, 5000)")
    with pytest.raises(NotMeasured, match=r"ended the connection|closed the connection"):
        database.answers()
    assert database.answers(1).samples_ms


def test_a_peer_that_accepts_and_drips_is_bounded(probe: Probes) -> None:
    """A peer that answers byte by byte does not extend the limit."""

    def talk(client: socket.socket, stopped: threading.Event) -> None:
        client.recv(1000)
        while not stopped.wait(0.05):
            client.sendall(b"N")

    with peers.serving(talk) as server:
        port = server.getsockname()[1]
        all_unmeasured(
            probe(f"postgresql://u:s3cret@127.0.0.1:{port}/app", connect_timeout_s=0.5), "PostgreSQL at", 0.5
        )


def test_no_frame_of_an_error_holds_the_password(probe: Probes) -> None:
    """A traceback with local variables shows nothing of the address but its place."""
    with peers.refusing() as url:
        port = url.rpartition(":")[2]
        database = probe(f"postgresql://u:s3cret@127.0.0.1:{port}/app")
        with pytest.raises(NotMeasured) as caught:
            database.answers()
    trace = caught.value.__traceback__
    frames = traceback.TracebackException(
        NotMeasured, caught.value, trace.tb_next if trace else None, capture_locals=True
    )
    shown = "".join(frames.format())
    assert "probes" in shown
    assert "s3cret" not in shown


@pytest.mark.parametrize(
    "dsn",
    [
        "",
        "mysql://u:s3cret@h/d",
        "postgresql://u:s3cret@h:port:port/d?x=s3cret",
        "s3cret",
        "host=a s3cret",
        "postgresql://u:s3%zzcret@h/d",
    ],
)
def test_an_address_that_cannot_be_used_is_not_repeated(dsn: str) -> None:
    """A mistyped address is refused without showing it."""
    with pytest.raises(NotMeasured, match="address of the database cannot be read") as caught:
        PostgresProbe(dsn, budget=lambda: 60.0)
    assert "s3" not in str(caught.value)


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        ("postgresql://u:s3cret@db.example:6432/app?sslmode=verify-full", "PostgreSQL at db.example:6432/app"),
        ("postgresql://u:s3cret@[::1]/app", "PostgreSQL at [::1]:5432/app"),
        ("postgresql://u:s3cret@a,b:5433/app", "PostgreSQL at a:5432,b:5433/app"),
        ("host=/run/postgresql dbname=app password=s3cret", "PostgreSQL at /run/postgresql:5432/app"),
        ("postgresql://", "PostgreSQL at localhost:5432"),
    ],
)
def test_only_host_port_and_database_are_shown(dsn: str, shown: str) -> None:
    """The place of a server is shown without user, password and options."""
    assert place_of(connection_parameters(dsn)) == shown
