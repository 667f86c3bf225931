"""A gate's declaration: one word names its checks, its file, its table and its section of the report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from readiness.config.base import Table

RESERVED = (
    "unit-tests",
    "code-quality",
    "metrics",
    "logs",
    "tls",
    "api-security",
    "kubernetes",
    "compose",
    "queue",
    "freshness",
    "backup",
    "runbook",
    "sign-off",
)
"""Names of gates to come; a table of that name is refused with "not available yet"."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What `pytest_readiness_gates()` returns one of for each gate."""

    name: str
    """The table's name, the prefix of the check ids and the section of the report."""
    title: str
    """What holds when the gate passes, in one line."""
    table: type[Table]
    """The type of the gate's table in the configuration."""
    file: Path | None
    """The check file; None while the gate has none, which no run can pass."""
    needs: str = ""
    """What of the environment its checks need: `url`, `database`, `redis` or nothing."""


def checks_folder() -> Path:
    """Returns the folder of the built-in check files: in the wheel, else the sibling of an editable install."""
    package = Path(__file__).parent
    installed = package / "checks"
    return installed if installed.is_dir() else package.parent / "checks"


def builtin_gates() -> tuple[Gate, ...]:
    """Returns the gates of this package, in the order of the report."""
    from readiness.config import model, rollout_tables, static_tables

    folder = checks_folder()

    def declare(name: str, title: str, table: type[Table], needs: str = "") -> Gate:
        file = folder / f"test_{name.replace('-', '_')}.py"
        return Gate(name, title, table, file if file.is_file() else None, needs)

    return (
        declare("config-lint", "Configuration files are valid and agree with each other", static_tables.ConfigLint),
        declare("placeholder-audit", "Nothing that was to be filled in is blank", static_tables.PlaceholderAudit),
        declare("security-scan", "No known vulnerability and no credential is shipped", static_tables.SecurityScan),
        declare("health", "The service answers, and is the release to be judged", model.Health, "url"),
        declare("database", "PostgreSQL is reachable, current and has room", model.Database, "database"),
        declare("redis", "Redis answers, has room and keeps what it should", model.Redis, "redis"),
        declare("flags", "Feature flags are served, well defined and behave", model.Flags),
        declare("rollout", "The canary is no worse than the baseline", rollout_tables.Rollout),
    )
