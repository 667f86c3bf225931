"""Servers for the probes: one of each kind that no test harms, and others to be broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Postgres, RedisServer, Servers

ADMIN = "CREATE ROLE admin SUPERUSER LOGIN PASSWORD 's3cret-admin'"


@pytest.fixture(scope="session")
def postgres(servers: Servers) -> Iterator[Postgres]:
    """One server for all tests that do it no harm."""
    with servers.postgres() as server:
        server.run(
            ADMIN,
            "CREATE TABLE audit_logs (id integer)",
            "INSERT INTO audit_logs VALUES (1)",
            "CREATE SCHEMA billing",
            'CREATE TABLE billing."Odd ""Name.x" (id integer)',
            "CREATE TABLE billing.invoices (id integer)",
            "CREATE VIEW recent AS SELECT * FROM audit_logs",
            "CREATE MATERIALIZED VIEW empty_view AS SELECT 1 AS one WITH NO DATA",
            "CREATE ROLE app LOGIN PASSWORD 's3cret-app'",
            "CREATE TABLE secret_table (id integer)",
        )
        yield server


@pytest.fixture
def standby(servers: Servers) -> Iterator[Postgres]:
    """A server in recovery: it answers reads and takes no write."""
    with servers.postgres(standby=True) as server:
        yield server


@pytest.fixture
def own_postgres(servers: Servers) -> Iterator[Postgres]:
    """A server of its own with few connections, for a test that breaks it."""
    with servers.postgres(max_connections=20) as server:
        server.run(ADMIN)
        yield server


@pytest.fixture(scope="session")
def redis_server(servers: Servers) -> Iterator[RedisServer]:
    """One server for all tests that do it no harm."""
    with servers.redis() as server:
        yield server


@pytest.fixture
def own_redis(servers: Servers) -> Iterator[RedisServer]:
    """A server of its own, for a test that breaks it."""
    with servers.redis() as server:
        yield server


@pytest.fixture
def guarded_redis(servers: Servers) -> Iterator[RedisServer]:
    """A server that wants the password `s3cret`."""
    with servers.redis(requirepass="s3cret") as server:
        yield server
