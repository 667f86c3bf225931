"""Healthy targets for every gate, what a fault can do to them, and the run that judges them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from tests.faults import repository, security
from tests.faults.cache import warmed
from tests.faults.database import MIGRATIONS, primary
from tests.flag_service import FlagService
from tests.project import Answer, Judged, Project, Site, serving_site
from tests.rollout.prometheus import Rig, Running
from tests.rollout.told import told
from tests.servers import Postgres, RedisServer, Servers

ENVIRONMENT = "target"
RELEASE = "2.0.0"
PASSWORD = "s3cret-app"
HEAD = """
[service]
name = "shop"

[policy]
deadline = "60s"

[env.target]
kind = "live"
protected = false
"""

Changes: TypeAlias = Mapping[str, object]
"""Keys of the environment's table that are other than healthy, such as `database.url` or `redis.ping-within`."""


def says(document: object, status: int = 200) -> Answer:
    """Returns an answer of the service with a JSON document."""
    return status, "application/json", json.dumps(document)


class Targets:
    """One service, one PostgreSQL and one Redis, all healthy, each started when it is first needed.

    A fault breaks one of them for as long as it is judged, and leaves it as it was.
    """

    def __init__(self, folder: Path, servers: Servers, tables: Mapping[str, str], stack: ExitStack) -> None:
        """Nothing is started yet.

        Args:
            folder: an empty one.
            servers: for servers of a fault's own.
            tables: gate to its table in readiness.toml, without the header.
            stack: stops what was started.
        """
        self.servers = servers
        self.tables = tables
        self._folder = folder
        self._stack = stack
        self._runs = itertools.count(1)

    @cached_property
    def project(self) -> Project:
        """The repository that the runs are started in."""
        project = Project(self._folder, self.site)
        project.write("schemas/openapi.json", '{"type": "object", "properties": {"openapi": {"type": "string"}}}')
        for name, script in MIGRATIONS.items():
            project.write(f"migrations/versions/{name}.py", script)
        project.write("schemas/health.json", '{"properties": {"status": {"$ref": "parts/words.json#/$defs/status"}}}')
        project.write("schemas/parts/words.json", '{"$defs": {"status": {"enum": ["healthy"]}}}')
        for name, text in (repository.FILES | security.FILES).items():
            project.write(name, text)
        return project

    @cached_property
    def site(self) -> Site:
        """The service."""
        site = self._stack.enter_context(serving_site())
        site.answers |= {"/release": says({"version": RELEASE}), "/openapi.json": says({"openapi": "3.1.0"})}
        site.answers |= {
            "/degraded": says({"status": "degraded", "components": {"mail": {"status": "down"}}}),
            "/page": (200, "text/html; charset=utf-8", "<!doctype html><title>Shop</title>"),
            "/drained": (204, "", ""),
            "/text": (200, "text/plain", "OK\n"),
        }
        return site

    @cached_property
    def flags(self) -> FlagService:
        """The service's feature flags; what the repository's file defines is the same."""
        flags = FlagService()
        self.site.apps.append(flags.answer)
        self.project.write("feature_flags/flags.json", json.dumps({"flags": flags.flags}))
        return flags

    @property
    def flags_file(self) -> Path:
        """Where the repository defines its flags; there from the first use on of the service that serves them."""
        assert self.flags.flags
        return self._folder / "feature_flags" / "flags.json"

    @cached_property
    def postgres(self) -> Postgres:
        """A migrated server in use, with a table `audit_logs` that the role `app` may read; it may create nothing."""
        return self._stack.enter_context(primary(self.servers, PASSWORD))

    @cached_property
    def standby(self) -> Postgres:
        """It streams from `postgres`."""
        return self._stack.enter_context(self.servers.postgres(of=self.postgres))

    @cached_property
    def redis(self) -> RedisServer:
        """A server in use."""
        return self._stack.enter_context(warmed(self.servers))

    @cached_property
    def prometheus(self) -> Running:
        """It knows several rollouts, as if it had scraped them."""
        return told(self._stack.enter_context(Rig()))

    def dsn(self, user: str = "app", password: str = PASSWORD, port: int | None = None) -> str:
        """Returns an address of PostgreSQL, by default the one that the service has."""
        return self.postgres.dsn(user=user, password=password, port=port)

    def address(self, gate: str) -> Changes:
        """Returns the keys that say where a gate's target is; a gate that judges files has none."""
        known: dict[str, Callable[[], Changes]] = {
            "health": lambda: {"url": self.site.url},
            "database": lambda: {"database.url": self.dsn() if self.standby else ""},
            "redis": lambda: {"redis.url": self.redis.url},
            "flags": lambda: {"url": self.site.url if self.flags else ""},
            "rollout": lambda: {"rollout.prometheus": self.prometheus.url},
        }
        return known.get(gate, dict)()

    def judge(self, gates: Collection[str], changes: Changes | None = None) -> Judged:
        """Returns what a real run says of these gates' targets."""
        keys: dict[str, object] = {}
        for gate in gates:
            keys |= self.address(gate)
        lines = [f"{key} = {json.dumps(value)}" for key, value in (keys | dict(changes or {})).items()]
        tables = [f"[{gate}]\n{self.tables[gate].strip()}\n" for gate in gates]
        self.project.write("readiness.toml", "\n".join([HEAD.strip(), *lines, "", *tables]))
        reports = f"reports/{next(self._runs)}"  # later runs leave it as it is
        # Without the other plugins that are installed: finding and loading them takes a third of each run.
        args = (
            "-p",
            "readiness.plugin",
            f"--readiness-reports={reports}",
            *(["--stage=25"] if "rollout" in gates else []),
        )
        judged = self.project.judge(*args, env=ENVIRONMENT, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
        return replace(judged, folder=self._folder / reports)


Break: TypeAlias = Callable[[Targets], AbstractContextManager[Changes]]
"""Breaks a target for as long as the block lasts; gives what the run is told otherwise than when it is healthy."""
