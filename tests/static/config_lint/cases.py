"""Examples of what a rule finds and of what it must not: `Case`s by rule, each a file or a few of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import dedent

from readiness.static.config_lint import drift
from readiness.static.config_lint.options import Options
from readiness.static.config_lint.semantics import RULES as SEMANTIC_RULES
from readiness.static.config_lint.semantics import semantics
from readiness.static.interface import Hit
from readiness.static.source import Source

PRODUCTION = Options("production", is_production=True)
STAGING = Options("staging")
RULES = {rule.id.partition("/")[2]: rule for rule in (*SEMANTIC_RULES, *drift.RULES)}


@dataclass(frozen=True)
class Cases:
    """What a rule finds, and what looks like it."""

    finds: tuple[Mapping[str, str], ...]
    passes: tuple[Mapping[str, str], ...]


def one(path: str, *texts: str) -> tuple[dict[str, str], ...]:
    """Returns one case per text, each a file of that path."""
    return tuple({path: text} for text in texts)


def lint(files: Mapping[str, str], options: Options = PRODUCTION) -> list[tuple[str, Hit]]:
    """Returns all that is found in the files, facts carried as JSON between the two steps as in a run."""
    found: list[tuple[str, Hit]] = []
    facts = {}
    for path, text in files.items():
        source = Source(path, dedent(text).encode())
        found += [(path, hit) for hit in semantics(source, options)]
        facts[path] = json.loads(json.dumps(drift.drift_facts(source, options)))
    found += drift.drift({path: each for path, each in facts.items() if each}, options)
    return found


def rules_in(files: Mapping[str, str], options: Options = PRODUCTION) -> set[str]:
    """Returns the names of the rules that find something."""
    return {hit.rule.partition("/")[2] for _, hit in lint(files, options)}


def severities(files: Mapping[str, str], rule: str, options: Options = PRODUCTION) -> list[str]:
    """Returns the severity of each finding of a rule."""
    return [
        hit.severity or str(RULES[rule].severity)
        for _, hit in lint(files, options)
        if hit.rule == f"config-lint/{rule}"
    ]
