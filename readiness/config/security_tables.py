"""The parts of the table `[security-scan]` that have an engine of their own: code, dependencies, workflows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, field

from readiness.config.base import Limit, NonEmptyText, Table
from readiness.config.quantity import Duration

Level: TypeAlias = Literal["low", "medium", "high"]
Names: TypeAlias = Annotated[list[NonEmptyText], Meta(min_length=1)]


class Bandit(Table, frozen=True):
    """Static security analysis of Python code."""

    paths: Names
    exclude: list[NonEmptyText] = []
    """Patterns as in `.gitignore`; tests need none."""
    tests: bool = False
    """Whether tests are scanned as well."""
    engine: Literal["bandit", "ruff"] = "bandit"
    severity: Level = "medium"
    confidence: Level = "medium"
    """Of bandit's findings; ruff knows none."""
    config: NonEmptyText | None = None
    """bandit's own configuration, or ruff's. Default for bandit: .bandit, else [tool.bandit] in pyproject.toml, else bandit.yaml."""


class Dependencies(Table, frozen=True):
    """Known vulnerabilities of what is declared, locked and installed."""

    requirements: Names | None = None
    """Requirements files of pip; those that they name with -r and -c are read as well."""
    lock: Names | None = None
    """pylock.toml, poetry.lock, uv.lock, pdm.lock or Pipfile.lock."""
    pyproject: Names | None = None
    """Files whose [project] declares dependencies."""
    installed: bool = False
    """Whether what is installed beside pytest is judged; it also says which version of an open requirement there is."""
    own: list[NonEmptyText] = []
    """Packages of the user's own, which no public advisory is about."""
    engine: Literal["osv", "safety", "pip-audit"] = "osv"
    database: NonEmptyText | None = None
    """Advisories on this machine: an OSV export (all.zip or its folder), a clone of pypa/advisory-database, or safety's."""
    key: NonEmptyText | None = None
    """safety's, in place of a database; safety then asks its makers' server."""
    max_age: Limit = field(default_factory=lambda: Duration.parse("7d"))
    """How long ago the newest advisory may have changed."""


class Workflows(Table, frozen=True):
    """Static security analysis of GitHub workflows and actions."""

    paths: Names = field(default_factory=lambda: [".github"])
    severity: Literal["informational", "low", "medium", "high"] = "medium"
    confidence: Level = "medium"
    persona: Literal["regular", "pedantic", "auditor"] = "regular"


def contradictions(table: Dependencies) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yields place in the table, text and remedy."""
    if not (table.requirements or table.lock or table.pyproject or table.installed):
        text = "nothing is named whose dependencies could be judged."
        yield (), text, 'Add requirements = ["requirements.txt"], lock, pyproject, or installed = true.'
    if table.engine == "pip-audit":
        if table.database is not None:
            yield ("database",), "pip-audit asks a server and reads no database.", "Take it out, or the engine."
    elif table.database is None and not (table.engine == "safety" and table.key is not None):
        also = " or key" if table.engine == "safety" else ""
        text = f"the engine {table.engine} needs a database{also}, and none is named."
        yield ("database",), text, 'Add database = "vulnerabilities/", or set engine = "pip-audit" to ask a server.'
    if table.key is not None and table.engine != "safety":
        yield ("key",), "only the engine safety has a key.", 'Take it out, or set engine = "safety".'
