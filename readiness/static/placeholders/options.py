"""What the table of the gate says, read once: strictness, what is allowed, what is switched on."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from readiness.static.ignoring import compiled
from readiness.static.placeholders import weight

if TYPE_CHECKING:
    from readiness.config.static_tables import PlaceholderAudit
    from readiness.static.ignoring import Spec

_DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Allowed:
    """A rule that is not applied to some files."""

    rule: str
    """Its id."""
    paths: tuple[str, ...]
    """Patterns as in `.gitignore`; empty for every file."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the audit does."""

    environment: str = "production"
    strict: bool = True
    """Whether what is critical blocks in this environment."""
    runbook: str = ""
    """Path of the service's runbook, which is one whatever its name and headings."""
    allowed_paths: tuple[str, ...] = ()
    allowed_rules: tuple[Allowed, ...] = ()
    enabled: frozenset[str] = frozenset()
    max_markers: int | None = None
    max_age_days: int | None = None

    def allows_path(self, path: str) -> bool:
        """Returns whether placeholders are wanted in the file."""
        return matches(self.allowed_paths, path)

    def allows_rule(self, rule: str, path: str) -> bool:
        """Returns whether the rule is not applied to the file."""
        return any(each.rule == rule and (not each.paths or matches(each.paths, path)) for each in self.allowed_rules)


def read(table: PlaceholderAudit, environment: str, runbook: str) -> Options:
    """Returns the options of a run.

    Args:
        table: the gate's.
        environment: under judgement.
        runbook: path of the service's, as the configuration has it; may be empty.
    """
    tables = [each for each in table.allow if not isinstance(each, str)]
    return Options(
        environment=environment,
        strict=weight.is_strict(environment) if table.strict is None else table.strict,
        runbook=runbook,
        allowed_paths=tuple(each for each in table.allow if isinstance(each, str)),
        allowed_rules=tuple(Allowed(each.rule, tuple(each.paths)) for each in tables),
        enabled=frozenset(table.enable),
        max_markers=table.max_work_markers,
        max_age_days=None if table.max_marker_age is None else int(float(table.max_marker_age) // _DAY_S),
    )


def matches(patterns: tuple[str, ...], path: str) -> bool:
    """Returns whether a path matches one of the patterns, as in `.gitignore`."""
    spec = _compiled(patterns) if patterns else None
    return spec is not None and bool(spec.check_file(path).include)


@functools.lru_cache(maxsize=64)
def _compiled(patterns: tuple[str, ...]) -> Spec | None:
    return compiled(patterns)
