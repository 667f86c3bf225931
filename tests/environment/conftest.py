"""Environments that are surely closed, a cluster cache of their own, and a look at what runs."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from readiness.config.model import EnvironmentTable, Policy, Service, Settings
from readiness.environment import factory
from readiness.environment.embedded import EmbeddedEnvironment

SERVICE = Path(__file__).with_name("service.py")
PATIENCE_S = 15.0
"""More than anything here may take; reaching it is a failure."""


def wait_until(holds: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Returns as soon as it holds; fails where it does not within that time."""
    until = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > until:
            pytest.fail(f"did not come true within {within_s:g} s: {holds}")
        time.sleep(0.01)


def settings(where: EnvironmentTable, folder: Path) -> Settings:
    """Returns a configuration of nothing but an environment named local, in that folder."""
    return Settings(
        file=folder / "readiness.toml",
        service=Service(name="sample"),
        policy=Policy(),
        waivers=(),
        environment="local",
        where=where,
        gates={},
        known_gates=(),
    )


def run_folder(environment: EmbeddedEnvironment) -> Path:
    """Returns the folder that an environment has all its files in."""
    return environment.logs()["postgresql.log"].parent


def started_for(folder: Path) -> list[psutil.Process]:
    """Returns the processes that have a run folder in their command line, their environment or as current folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            seen = [*process.cmdline(), process.cwd(), process.environ().get("RUN_FOLDER", "")]
            if any(str(folder) in text for text in seen):
                found.append(process)
        except psutil.Error:
            continue
    return found


def service_command(*options: str) -> list[str]:
    """Returns how to start the sample service."""
    return [sys.executable, str(SERVICE), "{port}", *options]


@pytest.fixture(scope="session")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder for all tests, so that one cluster is initialised, and the user's own is left alone."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def cache(clusters: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder, in effect."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(clusters))
    return clusters / "readiness"


@pytest.fixture
def embedded(cache: Path, tmp_path: Path) -> Iterator[Callable[..., EmbeddedEnvironment]]:
    """Makes embedded environments from their table; all are closed at the end."""
    made: list[EmbeddedEnvironment] = []

    def make(where: Any, **options: Any) -> EmbeddedEnvironment:
        environment = factory.create(settings(where, options.pop("folder", tmp_path)), **options)
        assert isinstance(environment, EmbeddedEnvironment)
        made.append(environment)
        return environment

    yield make
    for environment in made:
        environment.close()


@pytest.fixture
def is_root() -> bool:
    """Whether the tests run as root, who may start processes as somebody else."""
    return os.geteuid() == 0
