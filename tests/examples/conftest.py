"""Real PostgreSQL and Redis from wheels, and the service itself as a process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from readiness.environment.servers import free_ports
from tests.examples.systems import SYSTEMS, System
from tests.servers import Process, Servers
from tests.waiting import wait_until

KIT = Path(__file__).resolve().parents[2] / "examples" / "compliance-kit"
sys.path[:0] = [str(KIT), str(KIT.parent)]  # for the tests of its pure modules, and of service_base's


@dataclass(frozen=True)
class Backends:
    """A PostgreSQL, migrated, and a Redis."""

    postgres: Process
    redis: Process
    database_url: str
    redis_url: str

    def alembic(self, *arguments: str) -> None:
        """Run alembic with the example's migrations."""
        subprocess.run(
            [sys.executable, "-m", "alembic", *arguments],
            cwd=KIT,
            env={**os.environ, "DATABASE_URL": self.database_url},
            check=True,
            capture_output=True,
        )


@contextlib.contextmanager
def running_backends(servers: Servers) -> Iterator[Backends]:
    """Yield fresh backends."""
    with servers.postgres() as postgres, servers.redis() as redis:
        backends = Backends(postgres.process, redis.process, postgres.dsn(), f"{redis.url}/0")
        backends.alembic("upgrade", "head")
        yield backends


@pytest.fixture(scope="session")
def backends(servers: Servers) -> Iterator[Backends]:
    """The backends that every test may use and none may break."""
    with running_backends(servers) as running:
        yield running


@pytest.fixture
def own_backends(servers: Servers) -> Iterator[Backends]:
    """Backends of one test, which it may break."""
    with running_backends(servers) as running:
        yield running


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

    def start(backends: Backends, *, faults: str = "", wait: bool = True, folder: Path = KIT, **env: str) -> Service:
        (port,), output = free_ports(1), factory.mktemp("service") / "stdout"
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
                cwd=folder,
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

        wait_until(is_up, 20, "the start of the service")
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


@pytest.fixture(scope="session")
def systems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, System]:
    """A copy of each example, by name."""
    return {name: System(name, tmp_path_factory.mktemp(name)) for name in SYSTEMS}
