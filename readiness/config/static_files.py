"""The files that the tables of the static gates name: they are there, and inside the configuration's folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from readiness.config import security_tables
from readiness.config.base import Table
from readiness.config.merging import Place
from readiness.config.static_tables import ConfigLint, Paths, SecurityScan

GLOB = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Named:
    """A path that a table names."""

    place: Place
    path: str
    """Without a pattern's last parts: the folder it starts in."""
    is_schema: bool = False


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a table, whatever the files are."""

    place: Place
    text: str
    remedy: str


def named_files(tables: Mapping[str, Table]) -> Iterator[Named]:
    """Yields every path that has to exist."""
    for gate, table in tables.items():
        top: Place = ("gates", gate)
        if isinstance(table, Paths):
            yield from _fixed((*top, "paths"), table.paths)
        if isinstance(table, ConfigLint):
            for pattern, schema in table.schemas.items():
                yield Named((*top, "schemas", pattern), schema, is_schema=True)
        if isinstance(table, SecurityScan):
            yield from _of_security(top, table)


def _of_security(top: Place, table: SecurityScan) -> Iterator[Named]:
    if table.secrets is not None:
        yield from _fixed((*top, "secrets", "paths"), table.secrets.paths)
        if table.secrets.baseline is not None:
            yield Named((*top, "secrets", "baseline"), table.secrets.baseline)
    if table.bandit is not None:
        yield from _fixed((*top, "bandit", "paths"), table.bandit.paths)
        if table.bandit.config is not None:
            yield Named((*top, "bandit", "config"), table.bandit.config)
    if table.workflows is not None:
        yield from _fixed((*top, "workflows", "paths"), table.workflows.paths)
    if table.dependencies is not None:
        for key in ("requirements", "lock", "pyproject"):
            yield from _fixed((*top, "dependencies", key), getattr(table.dependencies, key) or ())
        if table.dependencies.database is not None:
            yield Named((*top, "dependencies", "database"), table.dependencies.database)


def _fixed(place: Place, paths: Sequence[str]) -> Iterator[Named]:
    for index, path in enumerate(paths):
        parts = path.split("/")
        fixed = next((at for at, part in enumerate(parts) if not GLOB.isdisjoint(part)), len(parts))
        yield Named((*place, index), "/".join(parts[:fixed]) or ("/" if path.startswith("/") else "."))


def wrong_tables(tables: Mapping[str, Table]) -> Iterator[Wrong]:
    """Yields what is wrong although each table has its shape."""
    for gate, table in tables.items():
        top: Place = ("gates", gate)
        if isinstance(table, Paths):
            yield from _outside((*top, "paths"), table.paths)
        if not isinstance(table, SecurityScan):
            continue
        if all(getattr(table, name) is None for name in table.__struct_fields__):
            text = "the table names nothing to scan, so that nothing would be judged."
            yield Wrong(top, text, 'Add secrets = { paths = ["."] }, bandit, dependencies or workflows.')
        for name in ("secrets", "bandit", "workflows"):
            part = getattr(table, name)
            if part is not None:
                yield from _outside((*top, name, "paths"), part.paths)
        if table.dependencies is not None:
            for key, text, remedy in security_tables.contradictions(table.dependencies):
                yield Wrong((*top, "dependencies", *key), text, remedy)


def _outside(place: Place, paths: Sequence[str]) -> Iterator[Wrong]:
    for index, path in enumerate(paths):
        normal = os.path.normpath(path)
        if os.path.isabs(normal) or normal == ".." or normal.startswith("../"):  # noqa: PTH117 - text, not a path
            text = "the path leads out of the configuration's folder, and findings are named by their path in it."
            yield Wrong((*place, index), text, "Name a path below it, or put the configuration further up.")
