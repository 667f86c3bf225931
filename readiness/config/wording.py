"""Violations of a schema in words that their reader can act on. Shows no value that could be a secret."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from math import isfinite
from typing import Any, NamedTuple

from readiness.config.base import NOT_BLANK
from readiness.config.merging import Place
from readiness.config.quantity import Duration, Quantity, Ratio
from readiness.config.schema import Schema
from readiness.config.suggest import known_names
from readiness.gate import RESERVED

NOT_YET = "the gate '{}' is not available yet."
_SECRET_KEY = re.compile(r"pass|pwd|token|secret|(?:^|[-_])key$|auth|cookie|credential", re.IGNORECASE)
_TYPES = {
    "object": "a table",
    "array": "a list",
    "string": "text in quotes",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
_KINDS_BY_KEY = {
    **dict.fromkeys(("url", "headers", "protected"), "'live'"),
    **dict.fromkeys(("postgres", "image", "container-port"), "'containers'"),
    **dict.fromkeys(("service", "prepare", "ready", "ready-within"), "'embedded' or 'containers'"),
}
_ADD_TABLE = {
    "service": 'Add [service] with name = "...".',
    "env": 'Add a table such as [env.local] with kind = "embedded".',
}
_LONGEST_SHOWN = 80
_IN_MILLISECONDS = 100
"""From here on a bare number was probably meant in milliseconds."""
_HOW_TO_WRITE = {
    "object": "Write it as a table: { key = ... }.",
    "array": 'Write it as a list: ["..."].',
    "string": "Put it in double quotes.",
    "integer": "Write it as a whole number, without quotes.",
    "boolean": "Write true or false, without quotes.",
}
_ADD_KIND = 'Add kind = "live", or another of these.'


class Fault(NamedTuple):
    """What a validator saw."""

    path: Place
    value: Any
    rule: str
    """The schema's keyword that does not hold."""
    expected: Any
    """The keyword's value."""
    schema: Schema


class Violation(NamedTuple):
    """What the reader of a configuration is told."""

    path: Place
    text: str
    remedy: str
    rule: str


_Said = Iterator[tuple[Place, str, str]]


def explain(fault: Fault) -> Iterator[Violation]:
    """Yields the violations that one fault stands for, such as one per unknown key."""
    for path, text, remedy in _SAY.get(fault.rule, _other)(fault):
        yield Violation(path, text, remedy, fault.rule)


def explain_hidden(fault: Fault, names: Sequence[str]) -> Violation:
    """Returns what is said where the value came through variables: never anything of the value itself."""
    choices = [str(choice) for choice in fault.expected] if fault.rule == "enum" else []
    expected = f"one of {', '.join(choices)}" if choices else _expected(fault.schema)
    text = f"{hidden(names)} does not fit here; expected {expected}."
    return Violation(fault.path, text, "Change the variable, or write the value here.", fault.rule)


def hidden(names: Sequence[str]) -> str:
    """Returns how a value is called that must not be shown."""
    return f"the value of {' and '.join(f'${{{name}}}' for name in names)}" if names else "the text"


def kinds_of(schema: Schema) -> list[str]:
    """Returns the environment's kinds that the schema of a table is for; mostly none."""
    kinds: list[str] = schema.get("properties", {}).get("kind", {}).get("enum", [])
    return kinds


def shown(value: Any) -> str:
    """Returns a scalar as it would be written, cut where it is long, without credentials in an address."""
    if isinstance(value, str):
        text = re.sub(r"//\S*@", "//***@", value)
        return json.dumps(
            text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "...", ensure_ascii=False
        )
    return str(value) if isinstance(value, float) and not isfinite(value) else json.dumps(value)


# --- keys -------------------------------------------------------------------------------------------------------


def _unknown_keys(fault: Fault) -> _Said:
    known = list(fault.schema["properties"])
    in_environment = fault.path[:1] == ("env",) and len(fault.path[1:]) == 1
    for key, value in fault.value.items():
        if key in known:
            continue
        path = (*fault.path, key)
        if key in RESERVED and (in_environment or not fault.path):
            yield path, NOT_YET.format(key), "Take the table out until it is."
        elif in_environment and key in _KINDS_BY_KEY:
            kind = fault.value["kind"]
            text = f"'{key}' belongs to an environment of kind {_KINDS_BY_KEY[key]}, and this one is '{kind}'."
            yield path, text, "Take it out."
        else:
            what = "table" if not fault.path and isinstance(value, (dict, list)) else "key"
            yield path, f"unknown {what} '{key}'. {known_names(key, known)}", "Rename it or take it out."


def _missing_keys(fault: Fault) -> _Said:
    for key in fault.expected:
        if key in fault.value:
            continue
        path = (*fault.path, key)
        if not fault.path:
            yield path, f"the table '{key}' is missing.", _ADD_TABLE.get(key, f"Add a table [{key}].")
        else:
            yield path, f"'{key}' is missing and has no default.", f"Add {key} = ... to this table."


def _no_alternative(fault: Fault) -> _Said:
    kinds = [kind for branch in fault.expected for kind in kinds_of(branch)]
    if not kinds or not isinstance(fault.value, dict):
        expected = " or ".join(dict.fromkeys(_expected(branch) for branch in fault.expected))
        yield fault.path, f"found {_seen(fault)}, expected {expected}.", f"Write {expected}."
        return
    path, kind = (*fault.path, "kind"), fault.value.get("kind")
    if kind is None:
        yield path, f"'kind' is missing and has no default. {known_names('', kinds)}", _ADD_KIND
        return
    text = f"the kind {shown(kind)} is not known." if isinstance(kind, str) else f"{_sort(kind)} is no kind."
    yield path, f"{text} {known_names(str(kind), kinds)}", "Write one of these."
    yield from _foreign_keys(fault)


def _foreign_keys(fault: Fault) -> _Said:
    """Keys that no kind of environment knows; without a kind no single schema can tell."""
    known = list(dict.fromkeys(key for branch in fault.expected for key in branch["properties"]))
    rest = {"properties": dict.fromkeys(known)}
    keys = {key: item for key, item in fault.value.items() if key not in known}
    return _unknown_keys(Fault(fault.path, keys, "additionalProperties", False, rest))


def _wrong_name(fault: Fault) -> _Said:
    noun = str(fault.schema.get("title", "name"))
    remedy = "Use letters, digits and '-'."
    yield fault.path, f"{shown(fault.value)} is no {noun}.", remedy


# --- values -----------------------------------------------------------------------------------------------------


def _wrong_type(fault: Fault) -> _Said:
    quantity, value = _quantity(fault.schema), fault.value
    if quantity is not None and isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value):
        text = f"{value} has no unit; expected {_expected(fault.schema)}."
        yield fault.path, text, f'Write "{_with_unit(value, quantity)}".'
    else:
        remedy = _HOW_TO_WRITE.get(str(fault.expected), "Write it so.")
        if quantity is not None:
            remedy = "Write a number and its unit."
        elif fault.expected == "array" and isinstance(value, dict):  # such as [waiver]
            name = ".".join(str(key) for key in fault.path)
            remedy = f"Write [[{name}]], with two brackets on each side: there may be several."
        if "url" in fault.schema.get("properties", {}):
            remedy = f'Write {fault.path[-1]}.url = "...".'
        yield fault.path, f"found {_seen(fault)}, expected {_expected(fault.schema)}.", remedy


def _wrong_text(fault: Fault) -> _Said:
    if fault.expected == NOT_BLANK:
        yield from _empty(fault)
        return
    quantity = _quantity(fault.schema)
    if quantity is not None:
        yield from _wrong_quantity(fault, quantity)
        return
    expected, value = _expected(fault.schema), str(fault.value)
    remedy = f"Write {expected}."
    if fault.schema.get("title", "").startswith("path on the service"):
        if "//" in value:
            remedy = f"Write only the path, {_path_of(value)}; the host comes from the environment's url."
        elif not re.search(r"\s", value):
            remedy = f'Write "/{value}".'
    yield fault.path, f"found {_seen(fault)}, expected {expected}.", remedy


def _wrong_quantity(fault: Fault, quantity: type[Quantity]) -> _Said:
    value, seen, name = str(fault.value), _seen(fault), quantity.__name__.lower()
    try:
        number = float(quantity.parse(value))
    except ValueError:
        expected = _expected(fault.schema)
        if re.fullmatch(r"\s*\d+(?:\.\d+)?\s*", value):
            text, remedy = f"{seen} has no unit; expected {expected}.", f'Write "{_with_unit(float(value), quantity)}".'
        else:
            text, remedy = f"found {seen}, expected {expected}.", "Write a number and its unit."
        yield fault.path, text, remedy
        return
    if number == 0:
        yield fault.path, f"{seen} is zero, and nothing can keep such a limit.", f"Write a {name} above zero."
    else:
        yield fault.path, f"{seen} is more than the whole, and could never trip.", f"Write a {name} of at most 100%."


def _wrong_choice(fault: Fault) -> _Said:
    choices = [str(choice) for choice in fault.expected]
    yield fault.path, f"{_seen(fault)} is not known. {known_names(str(fault.value), choices)}", "Write one of these."


def _empty(fault: Fault) -> _Said:
    if isinstance(fault.value, list):
        yield fault.path, "the list is empty, so nothing would be looked at.", "Name at least one, or take the key out."
    elif isinstance(fault.value, dict):
        yield fault.path, "the table is empty.", _ADD_TABLE.get(str(fault.path[-1]) if fault.path else "", "Add to it.")
    else:
        what = "blank" if fault.value else "empty"
        yield fault.path, f"the text is {what}.", "Write it, or take the key out."


def _out_of_bounds(fault: Fault) -> _Said:
    bound = f"{'at least' if fault.rule == 'minimum' else 'at most'} {fault.expected}"
    yield fault.path, f"found {_seen(fault)}, expected {bound}.", f"Write a number of {bound}."


def _other(fault: Fault) -> _Said:
    yield fault.path, f"{_seen(fault)} does not satisfy '{fault.rule}'.", "`readiness schema` shows what does."


_SAY: dict[str, Callable[[Fault], _Said]] = {
    "additionalProperties": _unknown_keys,
    "required": _missing_keys,
    "anyOf": _no_alternative,
    "propertyNames": _wrong_name,
    "type": _wrong_type,
    "pattern": _wrong_text,
    "enum": _wrong_choice,
    "minItems": _empty,
    "minProperties": _empty,
    "minLength": _empty,
    "minimum": _out_of_bounds,
    "maximum": _out_of_bounds,
}

# --- parts of sentences -----------------------------------------------------------------------------------------


def _expected(schema: Schema) -> str:
    quantity = _quantity(schema)
    if quantity is not None:
        return f"a {quantity.__name__.lower()}, such as {quantity.examples}"
    if schema.get("type") == "string" and schema.get("title") not in (None, "Secret"):
        noun = str(schema["title"])
        return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
    return _TYPES.get(str(schema.get("type", "object")), "something else")


def _seen(fault: Fault) -> str:
    """The value; or only what it is, where it may be a secret or hold one."""
    value = fault.value
    is_container = isinstance(value, (dict, list)) or fault.expected in ("object", "array")  # all headers as one text
    key = next((key for key in reversed(fault.path) if isinstance(key, str)), "")
    is_secret = '"Secret"' in json.dumps(fault.schema) or _SECRET_KEY.search(key)
    return _sort(value) if is_container or is_secret else shown(value)


def _sort(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "text"
    return "a table" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a number"


def _path_of(value: str) -> str:
    if "@" in value:
        return "/health"
    return "/" + re.sub(r"[\s?#].*", "", value.partition("//")[2].partition("/")[2], flags=re.DOTALL)


def _quantity(schema: Schema) -> type[Quantity] | None:
    waiting = list(Quantity.__subclasses__())
    while waiting:
        kind = waiting.pop()
        if kind.__name__ == schema.get("title"):
            return kind
        waiting += kind.__subclasses__()
    return None


def _with_unit(value: float, quantity: type[Quantity]) -> str:
    if issubclass(quantity, Ratio):
        return f"{value * 100 if 0 < value < 1 else value:g}%"
    if issubclass(quantity, Duration):
        return f"{value:g}{'ms' if value >= _IN_MILLISECONDS else 's'}"
    return f"{value:g}{'MiB' if 'MiB' in quantity.units else next(iter(quantity.units))}"
