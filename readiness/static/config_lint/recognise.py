"""What kind of configuration a document is, by its file's name and by what is in it: one table."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

Test: TypeAlias = Callable[[dict[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of document."""

    name: str
    """As messages call it, and as its schema is called in the store; `kubernetes` has one for each of its kinds."""
    path: re.Pattern[str] | None = None
    """Of files that hold nothing else; matched against the path from the repository's top."""
    holds: Test | None = None
    """Whether a mapping is of this kind, in a file of any name."""
    formats: frozenset[str] = frozenset({"yaml"})
    both: bool = False
    """Whether name and content must fit."""


def recognise(path: str, kind: str, document: object) -> str:
    """Returns the name of the document's kind; empty for none that is known.

    Args:
        path: of the file.
        kind: the format.
        document: its value.
    """
    mapping = document if isinstance(document, dict) else {}
    for entry in KINDS:
        if kind not in entry.formats:
            continue
        named = entry.path is not None and bool(entry.path.search(path))
        if entry.both:
            if named and entry.holds is not None and entry.holds(mapping):
                return entry.name
        elif named or (entry.holds is not None and mapping and entry.holds(mapping)):
            return entry.name
    return ""


def _named(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|/){pattern}$")


def _is_kubernetes(value: dict[str, Any]) -> bool:
    return isinstance(value.get("apiVersion"), str) and isinstance(value.get("kind"), str)


_COMPOSE_KEYS = frozenset(
    {"version", "name", "services", "networks", "volumes", "configs", "secrets", "include", "models"}
)


def _is_compose(value: dict[str, Any]) -> bool:
    services = value.get("services")
    if not isinstance(services, dict) or not services:
        return False
    known = all(key in _COMPOSE_KEYS or str(key).startswith("x-") for key in value)
    mappings = [service for service in services.values() if isinstance(service, dict)]
    return known and len(mappings) == len(services) and any("image" in each or "build" in each for each in mappings)


def _is_rules(value: dict[str, Any]) -> bool:
    groups = value.get("groups")
    if not isinstance(groups, list) or "apiVersion" in value:
        return False
    return any(
        isinstance(rule, dict) and ("alert" in rule or "record" in rule)
        for group in groups[:20]
        if isinstance(group, dict) and isinstance(group.get("rules"), list)
        for rule in group["rules"][:20]
    )


def _is_prometheus(value: dict[str, Any]) -> bool:
    jobs = value.get("scrape_configs")
    others = {"clients", "positions", "receivers", "integrations", "metrics"}  # of promtail, collectors and agents
    return (
        isinstance(jobs, list)
        and not others & set(value)
        and any(isinstance(j, dict) and "job_name" in j for j in jobs)
    )


def _is_alertmanager(value: dict[str, Any]) -> bool:
    route, receivers = value.get("route"), value.get("receivers")
    return isinstance(route, dict) and isinstance(receivers, list) and "receiver" in route


def _is_dashboard(value: dict[str, Any]) -> bool:
    return (
        isinstance(value.get("panels"), list)
        and "title" in value
        and bool({"schemaVersion", "templating", "uid"} & set(value))
    )


def _has(*keys: str) -> Test:
    return lambda value: all(key in value for key in keys)


_JSON_TOO = frozenset({"yaml", "json"})

KINDS: tuple[Kind, ...] = (
    Kind("github-workflows", _named(r"\.(?:github|gitea|forgejo)/workflows/[^/]+\.ya?ml")),
    Kind("github-workflows", holds=_has("on", "jobs")),
    Kind("github-actions", _named(r"action\.ya?ml"), _has("name", "runs"), both=True),
    Kind("dependabot", _named(r"\.github/dependabot\.ya?ml")),
    Kind("github-issue-config", _named(r"\.github/ISSUE_TEMPLATE/config\.ya?ml")),
    Kind("github-issue-forms", _named(r"\.github/ISSUE_TEMPLATE/[^/]+\.ya?ml")),
    Kind("github-discussion", _named(r"\.github/DISCUSSION_TEMPLATE/[^/]+\.ya?ml")),
    Kind("gitlab-ci", _named(r"(?:[^/]*\.)?gitlab-ci\.ya?ml")),
    Kind("azure-pipelines", _named(r"\.?azure-pipelines\.ya?ml")),
    Kind("bamboo-spec", _named(r"bamboo-specs/[^/]+\.ya?ml")),
    Kind("bitbucket-pipelines", _named(r"bitbucket-pipelines\.ya?ml")),
    Kind("buildkite", _named(r"\.buildkite/pipeline(?:\.[^/]+)?\.ya?ml")),
    Kind("changie", _named(r"\.changie\.ya?ml")),
    Kind("circle-ci", _named(r"\.circleci/config\.ya?ml")),
    Kind("citation-file-format", _named(r"CITATION\.cff")),
    Kind("cloudbuild", _named(r"cloudbuild\.(?:ya?ml|json)"), formats=_JSON_TOO),
    Kind("codecov", _named(r"\.?codecov\.ya?ml")),
    Kind("mergify", _named(r"\.?mergify(?:/config)?\.ya?ml")),
    Kind("readthedocs", _named(r"\.readthedocs\.ya?ml")),
    Kind("renovate", _named(r"(?:renovate|\.renovaterc)\.json"), formats=frozenset({"json"})),
    Kind("snapcraft", _named(r"snapcraft\.yaml"), _has("name", "parts"), both=True),
    Kind("taskfile", _named(r"[Tt]askfile(?:\.dist)?\.ya?ml")),
    Kind("travis", _named(r"\.travis\.ya?ml")),
    Kind("woodpecker-ci", _named(r"\.woodpecker(?:/[^/]+)?\.ya?ml")),
    Kind("kubernetes", holds=_is_kubernetes, formats=_JSON_TOO),
    Kind("compose", _named(r"(?:docker-)?compose(?:[._-][\w.-]*)?\.ya?ml"), formats=_JSON_TOO),
    Kind("compose", holds=_is_compose),
    Kind("prometheus-rules", holds=_is_rules, formats=_JSON_TOO),
    Kind("prometheus", holds=_is_prometheus),
    Kind("alertmanager", holds=_is_alertmanager),
    Kind("grafana-dashboard", holds=_is_dashboard, formats=frozenset({"json"})),
    Kind("openapi", holds=lambda value: isinstance(value.get("openapi", value.get("swagger")), str), formats=_JSON_TOO),
    Kind("pyproject", _named(r"pyproject\.toml"), formats=frozenset({"toml"})),
    Kind("alembic", _named(r"alembic\.ini"), formats=frozenset({"ini"})),
    Kind("flags", _named(r"feature[_-]?flags/flags\.json"), _has("flags"), formats=frozenset({"json"}), both=True),
)
"""In the order in which they are tried: the first that fits."""
