"""What a schema's complaint means, in words of our own: the library's quote the value, which may be a secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

Keys: TypeAlias = tuple[str | int, ...]

SUBSTITUTED = re.compile(r"\$\{|\$\(|\{\{|<%|%\{|^__\w+__$|^@@?\w+@@?$|^\$[A-Za-z_]\w*$|^<[\w -]+>$")
"""A text that a later step replaces, so that its shape is not the file's."""
_MOST_ERRORS = 500
_MOST_BRANCHES = 50
_MOST_DEPTH = 20
_LONGEST = 300
_FORMS = {
    r"^(?:0|(?=\d)(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?(?:\d+ms)?)$": "a duration such as 30s, 5m or 1h30m",
    r"^(?i:true|false|1|0|yes|no|on|off)(?:\s+#.*)?$": "true or false",
}
"""Patterns of our own schemas in words."""
_NAMES = {"integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false",
          "array": "a list", "object": "a mapping", "null": "empty"}  # fmt: skip


class Complaint(NamedTuple):
    """One reason why a value does not satisfy its schema."""

    keys: Keys
    """Of the value, or of the key that should not be there."""
    text: str


def complaints(errors: Iterable[ValidationError]) -> Iterable[Complaint]:
    """Yields what is wrong; of alternatives, of which none fits, the one that comes nearest."""
    for error in _own(list(islice(errors, _MOST_ERRORS))):
        yield from _explain(error, 0)


def _own(errors: list[ValidationError]) -> list[ValidationError]:
    """Returns the errors but those that only follow from another: where one key is wrong, no key counts as evaluated."""
    others = [error.instance_path for error in errors if error.kind.name != "unevaluatedProperties"]
    return [
        error
        for error in errors
        if error.kind.name != "unevaluatedProperties"
        or not any(path[: len(error.instance_path)] == error.instance_path for path in others)
    ]


def _explain(error: ValidationError, depth: int) -> Iterable[Complaint]:
    keys = tuple(error.instance_path)
    kind: Any = error.kind
    match kind.name:
        case "anyOf" | "oneOf" if depth < _MOST_DEPTH and hasattr(kind, "context"):
            yield from _alternatives(error, depth)
        case "additionalProperties" | "unevaluatedProperties":
            known = _known(error)
            for name in kind.unexpected[:20]:
                yield Complaint((*keys, name), f"'{_cut(name)}' is no key that may stand here{_near(name, known)}")
        case "propertyNames":
            yield Complaint(keys, f"a key is not of the form that keys here have: {_text(kind.error)}")
        case _:
            if not _is_substituted(error.instance):
                yield Complaint(keys, _text(error))


def _alternatives(error: ValidationError, depth: int) -> Iterable[Complaint]:
    """Yields the complaints of the alternative that was meant, as far as that can be told."""
    at = list(error.instance_path)
    kind: Any = error.kind
    branches: list[list[ValidationError]] = [branch for branch in kind.context[:_MOST_BRANCHES] if branch]
    if _is_substituted(error.instance):
        return
    shaped = [
        branch for branch in branches if not any(e.kind.name == "type" and list(e.instance_path) == at for e in branch)
    ]
    if not shaped:
        types = sorted(
            {each for branch in branches for e in branch if e.kind.name == "type" for each in _kind(e).types}
        )
        said = f"{_type(error.instance)} stands here, where {_types(types)} is expected" if types else _text(error)
        yield Complaint(tuple(at), said)
        return
    shaped = [branch for branch in shaped if not _is_reference(branch)] or shaped
    nearest = max(shaped, key=lambda branch: (max(len(e.instance_path) for e in branch), -len(branch)))
    options = [
        e for branch in shaped for e in branch if e.kind.name in ("enum", "const") and list(e.instance_path) == at
    ]
    if (
        len(options) > 1
        and max(len(e.instance_path) for e in nearest) == len(at)
        and not isinstance(error.instance, dict)
    ):
        yield Complaint(tuple(at), f"the value is none of those that are allowed here: {_listed(_options(options))}")
        return
    for inner in _own(nearest):
        yield from _explain(inner, depth + 1)


def _is_reference(branch: list[ValidationError]) -> bool:
    """Returns whether an alternative is a reference to what is defined elsewhere, which a value in place is not meant to be."""
    return any(error.kind.name == "required" and _kind(error).property == "$ref" for error in branch)


def _text(error: ValidationError) -> str:
    """Returns one complaint in words, without the value."""
    kind: Any = error.kind
    if kind.name == "type":
        return f"{_type(error.instance)} stands here, where {_types(kind.types)} is expected"
    say = _SAID.get(kind.name)
    return say(kind) if say else f"the value does not satisfy '{_cut(str(kind.name))}' of the schema"


def _too_short(kind: Any) -> str:
    return f"it is too short; at least {kind.limit} are needed"


def _too_long(kind: Any) -> str:
    return f"it is too long; at most {kind.limit} are allowed"


def _too_small(kind: Any) -> str:
    return f"the number is too small; the least is {kind.limit}"


def _too_large(kind: Any) -> str:
    return f"the number is too large; the most is {kind.limit}"


def _not_beside(_kind: Any) -> str:
    return "this may not stand here, or not together with what is beside it"


def _needs_another(_kind: Any) -> str:
    return "a key needs another one, which is missing"


_SAID: dict[str, Callable[[Any], str]] = {
    "required": lambda kind: f"the key '{_cut(kind.property)}' is missing",
    "enum": lambda kind: f"the value is none of those that are allowed here: {_listed(kind.options)}",
    "const": lambda kind: f"the value must be {_cut(str(kind.expected_value))}",
    "pattern": lambda kind: f"the text is not {_FORMS.get(kind.pattern) or 'of the form ' + _cut(kind.pattern)}",
    "format": lambda kind: f"the text is no {_cut(kind.format)}",
    "minimum": _too_small,
    "exclusiveMinimum": _too_small,
    "maximum": _too_large,
    "exclusiveMaximum": _too_large,
    "minLength": _too_short,
    "minItems": _too_short,
    "minProperties": _too_short,
    "maxLength": _too_long,
    "maxItems": _too_long,
    "maxProperties": _too_long,
    "uniqueItems": lambda _: "an item of the list stands there twice",
    "not": _not_beside,
    "falseSchema": _not_beside,
    "dependentRequired": _needs_another,
    "dependencies": _needs_another,
    "oneOf": lambda _: "the value fits several alternatives that exclude each other",
}
"""Keyword of the schema to what it asks for."""


def _known(error: ValidationError) -> list[str]:
    return [key for key in error.instance if isinstance(key, str)] if isinstance(error.instance, dict) else []


def _near(name: str, known: Iterable[str]) -> str:
    """Returns a hint where the key differs from one beside it in nothing but its spelling."""
    others = [key for key in known if key != name][:200]
    found = get_close_matches(name[:60], others, n=1, cutoff=0.85)
    return f"; '{_cut(found[0])}' stands beside it" if found else ""


def _options(errors: Iterable[ValidationError]) -> list[Any]:
    kinds = [_kind(error) for error in errors]
    return [value for kind in kinds for value in (kind.options if kind.name == "enum" else [kind.expected_value])]


def _kind(error: ValidationError) -> Any:
    """Returns the kind of an error, whose attributes depend on its name."""
    return error.kind


def _listed(options: list[Any]) -> str:
    shown = list(dict.fromkeys(str(option) for option in options))
    more = f" and {len(shown) - 12} more" if len(shown) > 12 else ""  # noqa: PLR2004 - as many as a line holds
    return _cut(", ".join(shown[:12])) + more


def _types(types: Iterable[str]) -> str:
    names = [str(each) for each in types]
    return " or ".join(_NAMES.get(each, each) for each in names if each != "null" or len(names) == 1)


def _type(value: object) -> str:
    """Returns what a value is, as messages call it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return "text" if isinstance(value, str) else "a list" if isinstance(value, list) else "a mapping"


def _is_substituted(value: object) -> bool:
    """Returns whether another program makes the value."""
    if isinstance(value, dict) and len(value) == 1:  # `{name}` of a text that is formatted
        ((key, inner),) = value.items()
        return inner is None and isinstance(key, str) and key.isidentifier()
    return isinstance(value, str) and bool(SUBSTITUTED.search(value[:2000]))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
