"""What a repository holds that a `readiness.toml` is made from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from readiness.scaffold import deployment, files, manifests
from readiness.scaffold.apps import AppFacts, Start, app_facts, starts
from readiness.scaffold.deployment import Mention, Store
from readiness.scaffold.manifests import Alembic, Project
from readiness.scaffold.repository import Repository, repository
from readiness.scaffold.routes import (
    Endpoints,
    FlagEndpoints,
    RouteFacts,
    flag_endpoints,
    health_endpoints,
    route_facts,
)
from readiness.scaffold.source import is_worth_parsing, parse, scope_of
from readiness.scaffold.toml import shown

_POSTGRES_DRIVERS = frozenset(
    {"psycopg", "psycopg2", "psycopg2-binary", "psycopg-binary", "asyncpg", "pg8000", "aiopg"}
)
_REDIS_CLIENTS = frozenset({"redis", "aioredis", "django-redis", "flask-redis", "valkey"})
_POSTGRES_SOURCE = re.compile(rb"postgres(?:ql)?(?:\+\w+)?://|django\.db\.backends\.postgresql")
_READS_URL = re.compile(rb"\bdatabase_url\b|\benv\.db\(|dj_database_url", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Kept:
    """A PostgreSQL or Redis that the service uses."""

    where: str
    """What says so."""
    major: int | None = None
    """Major version that a compose file runs."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found, and what was left out."""

    name: str
    """Name of the service; empty where not even the folder has one."""
    project: Project
    owner: str
    owner_from: str
    runbook: str
    starts: tuple[Start, ...]
    """Applications, the most likely one first."""
    mentions: tuple[Mention, ...]
    endpoints: Endpoints
    alembics: tuple[Alembic, ...]
    postgres: Kept | None
    redis: Kept | None
    flags: str
    """The file that defines feature flags; empty where there is none."""
    flag_names: tuple[str, ...]
    """The flags in it; none where it has a form that the gate does not read."""
    flag_endpoints: FlagEndpoints | None
    variables: dict[str, str]
    """Names of environment variables, each with the file that names it."""
    reads_database_url: bool
    repository: Repository
    """What the gates that read files look at."""
    notes: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """True where nothing of a service was recognised."""
        return not (
            self.starts or self.mentions or self.endpoints.certain or self.alembics or self.postgres or self.redis
        )


@dataclass(slots=True)
class _Python:
    """What all of the Python source says."""

    apps: list[AppFacts]
    routes: list[RouteFacts]
    tops: dict[str, str]
    """Imported distribution's module to the first file that imports it."""
    postgres_in: str = ""
    reads_database_url: bool = False


def survey(root: Path) -> Survey:
    """Returns what the folder `root` holds. Reads files, within bounds; executes nothing and contacts nothing."""
    tree = files.find(root)
    services = deployment.compose_services(tree)
    mentions = deployment.mentions(tree, services)
    said = manifests.project(tree)
    asked = dict(reversed(list(manifests.requirements(tree))))
    variables = manifests.variables(tree)
    runbook = manifests.runbook(tree)
    owner, owner_from = manifests.owner(tree, runbook, said)
    migrations = manifests.alembics(tree)
    flags = manifests.flags_file(tree)
    source = _read_python(tree)  # last: where the time runs out, the few files above have been read
    # Imports are evidence as good as requirements, but which file asks for a driver says more to people.
    postgres = _kept(deployment.postgres_of(services), _POSTGRES_DRIVERS, asked, source.tops)
    redis = _kept(deployment.redis_of(services), _REDIS_CLIENTS, asked, source.tops)
    if postgres is None and source.postgres_in:
        postgres = Kept(source.postgres_in)
    return Survey(
        name=said.name or root.resolve().name,
        project=said,
        owner=owner,
        owner_from=owner_from,
        runbook=runbook,
        starts=starts(source.apps, tree, mentions),
        mentions=mentions,
        endpoints=health_endpoints(source.routes),
        alembics=migrations,
        postgres=postgres or _named(variables, "POSTGRES_", "PG"),
        redis=redis or _named(variables, "REDIS_"),
        flags=flags,
        flag_names=manifests.flag_names(tree, flags),
        flag_endpoints=flag_endpoints(source.routes),
        variables=variables,
        reads_database_url=source.reads_database_url,
        repository=repository(tree, declares=manifests.declares(tree)),
        notes=tuple(tree.notes),
    )


def _read_python(tree: files.Files) -> _Python:
    found = _Python([], [], {})
    for name in tree.names:
        if not name.endswith(".py") or files.is_aside(name):
            continue
        data = tree.read(name)
        found.reads_database_url = found.reads_database_url or _READS_URL.search(data) is not None
        if not found.postgres_in and _POSTGRES_SOURCE.search(data):
            found.postgres_in = name
        if not is_worth_parsing(data):
            continue
        module = parse(data)
        if module is None:
            tree.note(f"{shown(name)} is not Python that can be parsed")
            continue
        scope = scope_of(name, module)
        for top in sorted(scope.tops):
            found.tops.setdefault(top, name)
        found.apps.append(app_facts(module, scope))
        found.routes.append(route_facts(module, scope))
    return found


def _kept(store: Store | None, clients: Iterable[str], asked: dict[str, str], tops: dict[str, str]) -> Kept | None:
    if store is not None:
        return Kept(f"{store.file} runs {store.image}", store.major)
    for places, verb in ((asked, "asks for"), (tops, "imports")):
        for client in sorted(clients):
            if client in places:
                return Kept(f"{places[client]} {verb} {client}")
    return None


def _named(variables: dict[str, str], *prefixes: str) -> Kept | None:
    for name, file in variables.items():
        if name.startswith(prefixes):
            return Kept(f"{file} names {name}")
    return None
