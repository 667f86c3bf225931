"""The configuration's kind decides which environment it is; making one contacts nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from readiness import wire
from readiness.config.model import Containers, Embedded, Live, Store
from readiness.environment import factory
from readiness.environment.embedded import EmbeddedEnvironment
from readiness.environment.interface import Target
from readiness.environment.live import LiveEnvironment
from readiness.errors import UsageError
from readiness.redact import Secret
from tests.environment.conftest import settings


def test_live(tmp_path: Path) -> None:
    """The target is what the table says: no slash at the end of the address, secrets revealed, and in no repr."""
    where = Live(
        url="https://staging.example.com/",
        instances=["http://10.0.0.1:8000/", "http://[::1]:8000"],
        headers={"Authorization": Secret("Bearer s3cret")},
        database=Store(url=Secret("postgresql://db.invalid/app")),
        redis=Store(url=Secret("redis://cache.invalid/0")),
        protected=False,
    )
    environment = factory.create(settings(where, tmp_path))
    assert isinstance(environment, LiveEnvironment)
    target = environment.provision()
    assert (target.name, target.kind, target.protected) == ("local", "live", False)
    assert target.url == "https://staging.example.com"
    assert target.instances == ("http://10.0.0.1:8000", "http://[::1]:8000")
    assert wire.from_builtins(json.loads(wire.to_json(target)), Target) == target
    assert target.headers == {"Authorization": "Bearer s3cret"}
    assert target.database_url == "postgresql://db.invalid/app"
    assert target.redis_url == "redis://cache.invalid/0"
    assert not any(secret in repr(target) for secret in ("s3cret", "db.invalid", "cache.invalid"))
    assert environment.casualties() == ()
    assert environment.logs() == {}
    environment.close()


def test_live_with_nothing_but_its_name(tmp_path: Path) -> None:
    """What is not configured is None, and nothing is written to it."""
    target = factory.create(settings(Live(), tmp_path)).provision()
    assert (target.url, target.database_url, target.redis_url, target.headers) == (None, None, None, {})
    assert target.protected


def test_embedded_starts_no_server_yet(embedded: Callable[..., Any]) -> None:
    """Only its guardian runs; there are no logs, no casualties, and closing it leaves nothing."""
    environment = embedded(Embedded())
    assert isinstance(environment, EmbeddedEnvironment)
    assert environment.logs() == {}
    assert environment.casualties() == ()
    environment.close()


def test_containers(tmp_path: Path) -> None:
    """Not available yet: said before anything is started."""
    with pytest.raises(UsageError, match="'containers' are not available yet") as caught:
        factory.create(settings(Containers(), tmp_path))
    assert "[env.local]" in caught.value.remedy
