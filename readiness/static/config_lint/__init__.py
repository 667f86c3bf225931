"""The gate config-lint: configuration files parse, have the shape that their readers expect, mean what they should, and agree.

Four checks share one reading of each file: `syntax`, `schema`, `semantics` and `drift`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readiness.model import FindingSeverity
from readiness.static.config_lint import drift, schema, semantics, syntax
from readiness.static.config_lint.options import Options
from readiness.static.config_lint.schema import UserSchema
from readiness.static.documents import kind_of, require
from readiness.static.interface import Found, Hit, Rule
from readiness.static.paths import is_production_environment

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

    from readiness.config.model import Settings
    from readiness.config.static_tables import ConfigLint
    from readiness.static.source import Source

RULES: tuple[Rule, ...] = (*syntax.RULES, *schema.RULES, *semantics.RULES, *drift.RULES)
VERSION = "1"
"""Raised with any change of what is found."""
_KINDS_NAMED = 12
_CHECK_OF = {rule.id: rule.check for rule in RULES}


@dataclass(frozen=True, slots=True)
class ConfigLintAnalyser:
    """Looks at configuration files, and at what reads their variables."""

    options: Options
    schemas: tuple[UserSchema, ...]
    flags_file: str
    version: str
    gate: str = "config-lint"

    def wants(self, path: str) -> bool:
        """Returns whether the file is a configuration file, or one that names variables of one."""
        return kind_of(path) is not None or drift.wants(path)

    def judges(self, path: str) -> bool:
        """Returns whether the file is a configuration file; the others are no evidence that any was looked at."""
        return kind_of(path) is not None

    def analyse(self, source: Source) -> Found:
        """Returns what is wrong with the file, and what others have to agree with."""
        hits = list(syntax.syntax(source))
        documents: dict[str, int] = {}
        matched: list[str] = []
        parsed = source.parsed
        if parsed is not None and parsed.is_template:
            documents = {"template": 1}
        elif parsed is not None:
            users = tuple(user for user in self.schemas if _matches(user.pattern, source.path))
            validated = schema.validate(source, parsed, users, self.flags_file)
            hits += validated.hits
            documents, matched = dict(validated.documents), validated.patterns
        hits = list(self._weighed(source, hits, is_asked_for=bool(matched)))
        hits += semantics.semantics(source, self.options)
        facts = {"documents": documents, "patterns": matched, "drift": drift.drift_facts(source, self.options)}
        return Found(tuple(_not_allowed(source, hits)), {name: value for name, value in facts.items() if value} or None)

    def _weighed(self, source: Source, hits: Iterable[Hit], *, is_asked_for: bool) -> Iterator[Hit]:
        """Yields the findings, which are only listed in a file that does not ship, such as a broken one that a test needs."""
        ships = is_asked_for or self.options.class_of(source.path).ships
        for hit in hits:
            yield hit if ships else replace(hit, severity=str(FindingSeverity.INFORMATION))

    def conclude(self, facts: Mapping[str, Any]) -> Iterable[tuple[str, Hit]]:
        """Yields what only several files together show."""
        yield from drift.conclude(
            {path: each["drift"] for path, each in facts.items() if each.get("drift")}, self.options
        )
        matched = {pattern for each in facts.values() for pattern in each.get("patterns", ())}
        for user in self.schemas:
            if user.pattern not in matched:
                text = f"the pattern '{user.pattern}' of [config-lint] schemas matches no document that was read."
                yield user.file, Hit(schema.PATTERN_RULE, 0, 0, text, user.pattern)

    def notes(self, facts: Mapping[str, Any]) -> Iterable[str]:
        """Yields what was not held against a schema, and why."""
        counts: Counter[str] = Counter()
        for each in facts.values():
            counts.update(each.get("documents", {}))
        templates, validated = counts.pop("template", 0), counts.pop(schema.VALIDATED, 0)
        yield f"{validated} documents were held against a schema"
        if templates:
            yield f"{templates} files are templates, which were not parsed"
        if counts:
            named = [f"{name} ({count})" for name, count in counts.most_common(_KINDS_NAMED)]
            more = f", and {len(counts) - _KINDS_NAMED} more kinds" if len(counts) > _KINDS_NAMED else ""
            yield f"{counts.total()} documents were not validated: {', '.join(named)}{more}"


def make(table: ConfigLint, *, environment: str, folder: Path, settings: Settings) -> ConfigLintAnalyser:
    """Returns the analyser of the gate.

    Args:
        table: its table of the configuration.
        environment: the one under judgement.
        folder: of the configuration.
        settings: of which the flags gate's file is read.

    Raises:
        ModuleNotFoundError: a package that it needs is not installed.
    """
    import jsonschema_rs

    require()
    options = Options(environment=environment, is_production=is_production_environment(environment))
    schemas = tuple(
        UserSchema(pattern, file, (folder / file).read_text("utf-8")) for pattern, file in table.schemas.items()
    )
    flags_file = getattr(settings.gates.get("flags"), "file", None) or ""
    parts = (VERSION, options, schemas, flags_file, sorted(rule.id for rule in RULES), _data_versions())
    version = hashlib.sha256(repr((*parts, jsonschema_rs.__name__)).encode()).hexdigest()[:16]
    return ConfigLintAnalyser(options, schemas, str(flags_file), version)


def _data_versions() -> list[str]:
    """Returns the versions of what the findings depend on."""
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for name in ("yaml-rs", "jsonschema-rs", "check-jsonschema", "kubernetes-validate", "validate-pyproject"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return found


@cache
def _pattern(pattern: str) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines([pattern])


def _matches(pattern: str, path: str) -> bool:
    return _pattern(pattern).match_file(path)


def _not_allowed(source: Source, hits: Iterable[Hit]) -> Iterator[Hit]:
    """Yields the findings that no comment with a reason accepts, on their line or alone on the one before."""
    if "readiness:" not in source.text:
        yield from hits
        return
    from readiness.static.allowing import allowed

    lines = source.text.split("\n")
    for hit in hits:
        own = allowed(lines[hit.line - 1], hit.rule) if 0 < hit.line <= len(lines) else None
        before = allowed(lines[hit.line - 2], hit.rule) if 1 < hit.line <= len(lines) + 1 else None
        if not ((own and own.counts) or (before and before.is_alone and before.counts)):
            yield hit
