"""What a file says about variables and keys: which it has, sets and asks for. Names only: no value leaves the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from readiness.static.config_lint.compose import is_compose
from readiness.static.config_lint.dockerfile import instructions, is_dockerfile, variables
from readiness.static.config_lint.drift_kubernetes import kubernetes_facts
from readiness.static.config_lint.drift_reads import Read, javascript_reads, python_reads, substituted
from readiness.static.config_lint.kubernetes import is_manifest
from readiness.static.config_lint.lint import Lint, is_allowed, mapping, sequence
from readiness.static.config_lint.prometheus import is_dashboard
from readiness.static.config_lint.workflows import is_workflow
from readiness.static.paths import environment_of

if TYPE_CHECKING:
    from readiness.static.config_lint.options import Options
    from readiness.static.paths import PathClass
    from readiness.static.source import Source

UNDEFINED = "config-lint/undefined-variable"
LARGEST = 2_000_000
"""Bytes of a configuration file that is looked at for names."""
MOST_NAMES = 5000
_DEEPEST = 20
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,200}")
_SHOUTED = re.compile(r"[A-Z][A-Z0-9_]{1,200}")
_HOLDERS = re.compile(r"(?:extra_?)?env(?:ironment)?(?:_?var(?:iable)?)?s?|variables|secrets")
"""Keys below which names are those of variables, in manifests of any platform."""
_BASE = re.compile(
    r"(?:^|/)(?:[^/]*(?:values|config|settings|application|appsettings|flags)|default|defaults|base|common|env)\.(?:ya?ml|json|toml|ini|cfg)$"
)
_TEMPLATE = re.compile(
    r"(?:^|/)(?:\.env[.\w-]*\.(?:example|template|sample|dist)|\.env\.(?:example|template|sample|dist)[.\w-]*|(?:example|sample|template)\.env|env\.(?:example|template|sample))$"
)
_NO_SETTINGS = re.compile(
    r"(?:^|/)(?:kustomization|chart|helmfile|package|tsconfig[^/]*|openapi|swagger)\.(?:ya?ml|json)$", re.IGNORECASE
)
_JAVASCRIPT = (".js", ".mjs", ".cjs", ".ts", ".mts", ".tsx", ".jsx", ".vue", ".svelte")
_TOOLING = re.compile(
    r"(?:^|/)(?:setup|noxfile|conftest|fabfile|tasks|manage)\.py$|(?:^|/)(?:scripts?|tools?|hack|ci|\.github|build|bin|utils/dev)/|\.config\.[cm]?[jt]s$"
)
"""Run by developers, whose shell has what they need."""


def wants(path: str) -> bool:
    """Returns whether a file can say something about drift, by its path, besides those that are parsed."""
    return path.endswith((".py", *_JAVASCRIPT)) or is_dockerfile(path)


def is_template_of_env(path: str) -> bool:
    """Returns whether a file is the sample of a `.env`."""
    return bool(_TEMPLATE.search(path.lower()))


def drift_facts(source: Source, options: Options) -> dict[str, Any] | None:
    """Returns the names that a file has, sets and asks for; None where it says nothing. JSON builtins only.

    Keys: `keys` of a file that has a counterpart in another environment; `sets`, names of variables; `reads`,
    `[name, line, column, needed]`; `opaque`, where variables come from outside of the repository; and what
    `kubernetes_facts` says.
    """
    kind = options.class_of(source.path)
    if not kind.ships and not is_template_of_env(source.path):
        return None
    facts: dict[str, Any] = {}
    if source.path.endswith(".py"):
        reads, sets = python_reads(source.data)
        facts = {"reads": _rows(source, kind, reads), "sets": sets}
    elif source.path.endswith(_JAVASCRIPT):
        facts = {"reads": _rows(source, kind, javascript_reads(source.data))}
    elif is_dockerfile(source.path):
        facts = {"sets": _of_dockerfile(source.text)}
    elif len(source.data) <= LARGEST:
        facts = _of_configuration(Lint(source, options), kind)
    return {key: value for key, value in facts.items() if value} or None


def _rows(source: Source, kind: PathClass, reads: list[Read]) -> list[list[Any]]:
    """Returns reads as JSON; none of what is not deployed, or of what a comment accepts."""
    if not kind.ships or _TOOLING.search(source.path):
        return []
    return [
        [read.name, read.line, read.column, read.is_needed]
        for read in reads
        if not is_allowed(source, read.line, UNDEFINED)
    ]


def _of_dockerfile(text: str) -> list[str]:
    """Returns the names that `ENV` and `ARG` give a value or declare."""
    found = (variables(arguments) for _, name, arguments in instructions(text) if name != "FROM")
    return sorted({name for each in found for name, _ in each if _VARIABLE.fullmatch(name)})[:MOST_NAMES]


def _of_configuration(lint: Lint, kind: PathClass) -> dict[str, Any]:
    parsed, path = lint.source.parsed, lint.source.path
    if parsed is None or parsed.is_template:
        return {}
    if parsed.kind == "env":
        names = [str(name)[:200] for value in parsed.values for name in mapping(value)][:MOST_NAMES]
        return {"keys": names, "sets": names, "is_env": True}
    values = [value for value in parsed.values if isinstance(value, dict) and not is_dashboard(value)]
    facts: dict[str, Any] = {"sets": sorted({name for value in values for name in _variables(value)})[:MOST_NAMES]}
    facts |= kubernetes_facts(lint)
    if len(values) == 1 and is_compose(path, values[0]):
        facts |= _of_compose(lint, values[0], kind)
    elif len(values) == 1 and _has_counterparts(path, values[0]):
        facts["keys"] = list(_key_paths(values[0]))[:MOST_NAMES]
    return facts


def _has_counterparts(path: str, value: object) -> bool:
    if is_manifest(value) or is_workflow(path) or _NO_SETTINGS.search(path):
        return False
    return environment_of(path) is not None or bool(_BASE.search(path.lower()))


def _key_paths(value: object) -> Iterator[str]:
    """Yields the path of each key, those of mappings before what is in them; lists are not compared."""
    left: list[tuple[tuple[str, ...], object]] = [((), value)]
    while left:
        at, each = left.pop()
        for key, below in mapping(each).items():
            here = (*at, str(key)[:200])
            yield "\x1f".join(here)
            if isinstance(below, dict) and len(here) < _DEEPEST:
                left.append((here, below))


def _variables(value: object) -> Iterator[str]:
    """Yields the names below `env`, `environment` and the like, however the format writes them, and a ConfigMap's data."""
    left: list[tuple[object, int]] = [(value, 0)]
    while left:
        each, depth = left.pop()
        for key, below in mapping(each).items():
            word = str(key).lower()
            if _HOLDERS.fullmatch(word) or (word in ("data", "stringdata") and "kind" in mapping(each)):
                yield from _names(below)
            if isinstance(below, dict | list) and depth < _DEEPEST:
                left.append((below, depth + 1))
        if depth < _DEEPEST:
            left += [(below, depth + 1) for below in sequence(each) if isinstance(below, dict | list)]


def _names(value: object) -> Iterator[str]:
    for key in mapping(value):
        if isinstance(key, str) and _SHOUTED.fullmatch(key):
            yield key
    for each in sequence(value):
        name = mapping(each).get("name", mapping(each).get("key"))
        if isinstance(name, str) and _VARIABLE.fullmatch(name):
            yield name
        elif isinstance(each, str) and "=" in each:
            yield each.partition("=")[0].strip()[:200]


def _of_compose(lint: Lint, value: object, kind: PathClass) -> dict[str, Any]:
    """Returns the variables that a compose file takes from outside, and whether a file of them is not part of it."""
    parsed = lint.source.parsed
    needed: dict[str, bool] = {}
    for scalar in parsed.scalars() if parsed else ():
        if isinstance(scalar.value, str) and "$" in scalar.value:
            for name, has_default in substituted(scalar.value):
                needed[name] = needed.get(name, False) or not has_default
    # The first place, found in the text: composing the file for its positions would cost more than all the rest.
    reads = [
        Read(name, *_place(lint.source.text, name), is_needed=True)
        for name, is_needed in list(needed.items())[:MOST_NAMES]
        if is_needed
    ]
    files = [mapping(service).get("env_file") for service in mapping(mapping(value).get("services")).values()]
    return {"reads": _rows(lint.source, kind, reads), "env_files": any(files)}


def _place(text: str, name: str) -> tuple[int, int]:
    at = max(text.find("${" + name), text.find("$" + name))
    return (text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)) if at >= 0 else (0, 0)
