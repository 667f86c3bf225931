"""`config-lint/schema`: each document of a known kind satisfies its JSON Schema.

Of a document without a schema it is said that it was not held against one; it is never called valid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from readiness.model import FindingSeverity
from readiness.static.config_lint import store
from readiness.static.config_lint.explain import Complaint, complaints
from readiness.static.config_lint.manifests import Unknown, schema_of
from readiness.static.config_lint.recognise import recognise
from readiness.static.documents.yaml import YamlDocument
from readiness.static.interface import Hit, Rule

if TYPE_CHECKING:
    from jsonschema_rs import Validator

    from readiness.static.documents import Keys, Parsed
    from readiness.static.source import Source

Find: TypeAlias = "Callable[[], Validator | Unknown]"
"""Finds a schema, or raises NoSchema."""
CHECK = "config-lint/schema"
RULE = "config-lint/schema-mismatch"
KUBERNETES_RULE = "config-lint/kubernetes-version"
PATTERN_RULE = "config-lint/schema-pattern"
VALIDATED = "validated"
_ADVISORY = frozenset(
    {
        "changie",
        "citation-file-format",
        "codecov",
        "dependabot",
        "github-discussion",
        "github-issue-config",
        "github-issue-forms",
        "mergify",
        "readthedocs",
        "renovate",
    }
)
"""Kinds that serve those who write the code; a release does not depend on them."""
_TRUTHS = frozenset({"yes", "no", "on", "off"})
_MOST_PER_DOCUMENT = 20
_MOST_PER_FILE = 200
_MOST_DEPTH = 200

RULES: tuple[Rule, ...] = (
    Rule(
        RULE,
        CHECK,
        FindingSeverity.BLOCKING,
        "Every document of a known kind satisfies its JSON Schema",
        "A key that is misspelt or stands in the wrong place is rejected at deployment, or ignored so that its default holds.",
        "Correct the key or the value that the finding names.",
        "The schema of its kind; [config-lint] schemas",
    ),
    Rule(
        KUBERNETES_RULE,
        CHECK,
        FindingSeverity.BLOCKING,
        "Every object of Kubernetes is of a version and kind that Kubernetes serves",
        "The API server rejects an object whose version was removed or whose kind is misspelt.",
        "Move it to the version that the finding names or to its successor, or correct the kind.",
        "Kubernetes, Deprecated API Migration Guide",
    ),
    Rule(
        PATTERN_RULE,
        CHECK,
        FindingSeverity.BLOCKING,
        "Every pattern of [config-lint] schemas matches a document, and its schema can be used",
        "A pattern that matches nothing validates nothing, and looks like a check that passes.",
        "Correct the pattern or the schema, or take the entry out.",
    ),
)


@dataclass(frozen=True, slots=True)
class UserSchema:
    """An entry of `schemas` in the configuration."""

    pattern: str
    file: str
    text: str
    """The schema itself, so that it is read once."""


@dataclass(slots=True)
class Validated:
    """What became of a file's documents."""

    hits: list[Hit] = field(default_factory=list)
    documents: Counter[str] = field(default_factory=Counter)
    """`validated`, or why not, to the number of documents."""
    patterns: list[str] = field(default_factory=list)
    """Of the user's, which have matched."""


def validate(source: Source, parsed: Parsed, users: tuple[UserSchema, ...] = (), flags_file: str = "") -> Validated:
    """Returns which documents of a file break their schemas.

    Args:
        source: the file.
        parsed: its documents.
        users: the schemas of the configuration that match its path; they come before those that are known.
        flags_file: path of the flags file, if the configuration names one.
    """
    result = Validated(patterns=[user.pattern for user in users if parsed.values])
    for number, document in enumerate(parsed.values):
        if document is None:
            continue
        if users:
            for user in users:
                _hold_users(source, number, document, user, result)
            continue
        kind = "flags" if source.path == flags_file else recognise(source.path, parsed.kind, document)
        for keys, value in _objects(kind, document):
            name, find = _schema(kind, value)
            _hold(_Value(source, (number, keys), value, name or parsed.kind), find, result)
    del result.hits[_MOST_PER_FILE:]
    return result


def _hold_users(source: Source, number: int, document: object, user: UserSchema, result: Validated) -> None:
    """Holds a document against a schema of the user's; one that cannot be used is a finding."""
    try:
        usable = store.users(user.text)
    except store.NoSchema as problem:
        text = f"the schema {user.file}, which [config-lint] schemas names for this file, cannot be used: {problem}"
        result.hits.append(_hit(source, (number, ()), text, PATTERN_RULE))
        result.documents["its schema cannot be used"] += 1
        return
    _hold(_Value(source, (number, ()), document, f"schema {user.file}"), lambda: usable, result)


def _objects(kind: str, document: Any) -> Iterator[tuple[Keys, Any]]:
    """Yields what has a schema of its own: the document, or the items of a Kubernetes list."""
    items = document.get("items") if kind == "kubernetes" and document.get("kind") == "List" else None
    if isinstance(items, list):
        yield from ((("items", index), item) for index, item in enumerate(items) if isinstance(item, dict))
    else:
        yield (), document


def _schema(kind: str, value: Any) -> tuple[str, Find]:
    """Returns what a document is called, and how its schema is found."""
    if kind == "kubernetes":
        version, name = str(value.get("apiVersion")), str(value.get("kind"))
        return f"{version} {name}"[:100], lambda: schema_of(version, name)
    if kind == "openapi":
        version = str(value.get("openapi", value.get("swagger")))
        return f"openapi {version}"[:40], lambda: store.openapi(version[:20])
    if not kind:
        return "", _none
    return kind, lambda: store.validator(kind)


def _none() -> Validator:
    raise store.NoSchema("no schema is known")


class _Value(NamedTuple):
    """What is held against a schema, and where it stands."""

    source: Source
    at: tuple[int, Keys]
    value: Any
    name: str


def _hold(held: _Value, find: Find, result: Validated) -> None:
    """Holds a value against its schema, and counts what came of it."""
    source, (document, keys), value, name = held
    try:
        schema = find()
        if isinstance(schema, Unknown):
            result.documents[VALIDATED] += 1
            result.hits.append(_hit(source, (document, (*keys, schema.key)), schema.text, KUBERNETES_RULE))
            return
        errors = _errors(schema, value)
    except store.NoSchema as problem:
        result.documents[f"{name}: {problem}"] += 1
        return
    result.documents[VALIDATED] += 1
    said: set[Complaint] = set()
    for complaint in errors:
        inner = (*keys, *complaint.keys)
        if complaint in said or _is_made_by_reader(source, document, inner):
            continue
        said.add(complaint)
        where = ".".join(map(str, inner)) or "the document"
        text = f"{where[:200]}: {complaint.text}, says the {'' if name.startswith('schema ') else 'schema of '}{name}"
        hit = _hit(source, (document, inner), text, RULE)
        result.hits.append(replace(hit, severity="advisory") if name in _ADVISORY else hit)


def _errors(schema: Validator, value: Any) -> list[Complaint]:
    """Returns the complaints about a value, within a limit.

    Raises:
        NoSchema: the value has a shape that no schema can be held against.
    """
    try:
        try:
            if schema.is_valid(value):
                return []
        except ValueError:  # keys that are no text, dates, sets
            value = _plain(value, 0)
            if schema.is_valid(value):
                return []
        return list(islice(complaints(schema.iter_errors(value)), _MOST_PER_DOCUMENT))
    except (ValueError, RecursionError) as problem:
        raise store.NoSchema(f"it cannot be held against its schema ({type(problem).__name__})") from None


def _plain(value: Any, depth: int) -> Any:
    """Returns the value as JSON has it: keys as text, sets as lists, dates as text."""
    if depth > _MOST_DEPTH:
        raise store.NoSchema("it is nested too deep to be validated")
    if isinstance(value, dict):
        return {key if isinstance(key, str) else _key(key): _plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner, depth + 1) for inner in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _key(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else "null" if key is None else str(key)


def _is_made_by_reader(source: Source, document: int, keys: Keys) -> bool:
    """Returns whether the value depends on its reader, so that its shape here says nothing.

    A tag such as `!reference` makes it, or it is a bare `off`, which is false for readers of YAML 1.1; that has a rule of
    its own.
    """
    parsed = source.parsed
    if not isinstance(parsed, YamlDocument):
        return False
    if "!" in parsed.text and parsed.nodes.has_tag(document, keys):
        return True
    return parsed.nodes.bare(document, keys).lower() in _TRUTHS


def _hit(source: Source, at: tuple[int, Keys], text: str, rule: str) -> Hit:
    document, keys = at
    line, column = source.parsed.locate(document, keys) if source.parsed else (0, 0)
    return Hit(rule, line, column, f"{text}.", f"{'.'.join(map(str, keys))}: {text}")
