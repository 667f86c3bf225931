"""The fixtures of checks. Registered as a plugin only in an active run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from readiness.config.base import Table
    from readiness.environment.interface import Target
    from readiness.evidence import Findings, Measure
    from readiness.execution import Execution
    from readiness.probes.flags.probe import FlagsProbe
    from readiness.probes.http import HttpProbe
    from readiness.probes.postgres import PostgresProbe
    from readiness.probes.redis import RedisProbe
    from readiness.static.repository import Repository
    from readiness.watching import RolloutProbe

EXECUTION = pytest.StashKey["Execution"]()
"""Where the run keeps what the fixtures hand out."""


def _execution(request: pytest.FixtureRequest) -> Execution:
    return request.config.stash[EXECUTION]


@pytest.fixture
def env(request: pytest.FixtureRequest) -> Target:
    """The target under judgement: name, kind, whether it is protected, and its addresses."""
    return _execution(request).observer.target


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Path:
    """The folder of the configuration, from which its relative paths start."""
    return _execution(request).collection.settings.folder


@pytest.fixture
def http(request: pytest.FixtureRequest) -> HttpProbe:
    """The service over HTTP: `http.get("/path")` and so on, with the environment's address and headers."""
    probe: HttpProbe = _execution(request).observer.probe("http")
    return probe


@pytest.fixture
def database(request: pytest.FixtureRequest) -> PostgresProbe:
    """The environment's PostgreSQL, read-only unless a method says otherwise."""
    probe: PostgresProbe = _execution(request).observer.probe("database")
    return probe


@pytest.fixture
def cache(request: pytest.FixtureRequest) -> RedisProbe:
    """The environment's Redis."""
    probe: RedisProbe = _execution(request).observer.probe("cache")
    return probe


@pytest.fixture
def flags(request: pytest.FixtureRequest) -> FlagsProbe:
    """The feature flags that the table `[flags]` names."""
    probe: FlagsProbe = _execution(request).observer.probe("flags")
    return probe


@pytest.fixture
def repository(request: pytest.FixtureRequest) -> Repository:
    """The files beside the configuration, scanned once for all static gates; it needs no target."""
    return _execution(request).observer.repository


@pytest.fixture
def rollout(request: pytest.FixtureRequest) -> RolloutProbe:
    """The rollout that the table `[rollout]` names, at the stage of this run; observed once, whoever asks."""
    probe: RolloutProbe = _execution(request).observer.probe("rollout")
    return probe


@pytest.fixture
def table(request: pytest.FixtureRequest) -> Table | None:
    """The table of the check's gate in the configuration; None for a gate without one."""
    return _execution(request).table_of(request.node)


@pytest.fixture
def seen() -> Any:
    """What `@check(observe=...)` observed; put in place just before the check is called."""
    return None


@pytest.fixture
def measure(request: pytest.FixtureRequest) -> Measure:
    """`measure(name, value, unit=..., at_most=...)` records a value and holds it against its limit."""
    return _execution(request).measure_of(request.node)


@pytest.fixture
def findings(request: pytest.FixtureRequest) -> Findings:
    """`findings.add([...])` records located problems; blocking ones fail the check."""
    return _execution(request).findings_of(request.node)
