"""Ways to break PostgreSQL."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg

from tests.faults.proxy import delaying
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.targets import Break, Changes, Targets

PASSWORD = "s3cret-role"


def role(*statements: str, grants: str = "SELECT ON audit_logs") -> Break:
    """The service has a role to which this was done; `{role}` is its name."""

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        create = [f"CREATE ROLE troubled LOGIN PASSWORD '{PASSWORD}'", f"GRANT {grants} TO troubled"]
        targets.postgres.run(*create, *(statement.format(role="troubled") for statement in statements))
        try:
            yield {"database.url": targets.dsn("troubled", PASSWORD)}
        finally:
            targets.postgres.run("DROP OWNED BY troubled", "DROP ROLE troubled")

    return breaks


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
def read_only(targets: Targets) -> Iterator[Changes]:
    """Somebody has switched the server to read-only."""
    with targets.servers.postgres(default_transaction_read_only="on") as server:
        yield {"database.url": server.dsn(), "database.tables": ["pg_catalog.pg_class"]}


@contextmanager
def standby(targets: Targets) -> Iterator[Changes]:
    """The address leads to a standby."""
    with targets.servers.postgres(standby=True) as server:
        yield {"database.url": server.dsn("postgres"), "database.tables": ["pg_catalog.pg_class"]}


@contextmanager
def without_table(targets: Targets) -> Iterator[Changes]:
    """The migration that makes the table was not run."""
    targets.postgres.run("ALTER TABLE audit_logs RENAME TO audit_logs_later")
    try:
        yield {}
    finally:
        targets.postgres.run("ALTER TABLE audit_logs_later RENAME TO audit_logs")
