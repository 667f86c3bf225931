"""Where a document differs from its schema: every violation at once, each with its place."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from readiness.config.merging import Place
from readiness.config.schema import Schema
from readiness.config.wording import Fault, Violation, explain, kinds_of

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError


def violations(document: Any, schema: Schema) -> list[Violation]:
    """Returns everything about `document` that `schema` does not allow, in words, in the order of the document."""
    found: dict[tuple[Place, str], Violation] = {}
    for fault in faults(document, schema):
        for violation in explain(fault):
            found.setdefault((violation.path, violation.text), violation)
    return sorted(found.values(), key=lambda violation: _position(document, violation.path))


def faults(document: Any, schema: Schema) -> Iterator[Fault]:
    """Yields everything about `document` that `schema` does not allow."""
    validator = _validator_class()(schema)
    for error in validator.iter_errors(_jsonable(document)):
        yield from _faults(error, schema, validator)


def schema_error(schema: Any) -> str | None:
    """Returns what is wrong with a JSON Schema; None where it is one."""
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    if not isinstance(schema, (dict, bool)):
        return "a JSON Schema is an object"
    try:
        validator: Any = validator_for(schema, default=_validator_class())
        validator.check_schema(schema)
    except SchemaError as error:
        return f"{error.json_path}: {error.message}"[:200].rstrip(".")
    return None


@functools.cache
def _validator_class() -> Any:
    from jsonschema import Draft202012Validator, validators

    def is_integer(_: object, value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", is_integer)  # JSON Schema takes 5.0 for one
    extend: Any = validators.extend
    return extend(Draft202012Validator, type_checker=types)


def _position(document: Any, path: Place) -> tuple[int, ...]:
    """Where a place stands among its neighbours, level by level; what is missing comes last."""
    position = []
    for key in path:
        if isinstance(key, int):
            position.append(key)
        else:
            keys = list(document) if isinstance(document, dict) else []
            position.append(keys.index(key) if key in keys else len(keys))
        try:
            document = document[key]
        except (KeyError, IndexError, TypeError):
            document = None
    return tuple(position)


def _jsonable(value: Any) -> Any:
    """Dates as JSON has them."""
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def _faults(error: ValidationError, root: Schema, validator: Any) -> Iterator[Fault]:
    """Of alternatives, the faults of the one that the writer had in mind: by `kind`, else by type."""
    found: Any = error  # its attributes are unset only until it was raised by a validator
    if found.validator == "anyOf":
        branches = [_resolve(branch, root) for branch in found.validator_value]
        index = _intended(found.instance, branches, validator)
        if index is not None:
            for inner in found.context:
                if inner.schema_path[0] == index:
                    yield from _faults(inner, root, validator)
            return
        yield Fault(tuple(found.absolute_path), found.instance, "anyOf", branches, {"anyOf": branches})
        return
    path: Place = tuple(found.absolute_path)
    if "propertyNames" in found.absolute_schema_path:
        yield Fault((*path, found.instance), found.instance, "propertyNames", found.validator_value, found.schema)
    else:
        yield Fault(path, found.instance, found.validator, found.validator_value, found.schema)


def _intended(value: Any, branches: Sequence[Schema], validator: Any) -> int | None:
    if isinstance(value, dict):
        kinds = [kinds_of(branch) for branch in branches]
        for index, known in enumerate(kinds):
            if value.get("kind") in known:
                return index
        if any(kinds):
            return None
    fitting = [index for index, branch in enumerate(branches) if validator.is_type(value, branch.get("type", "object"))]
    return fitting[0] if len(fitting) == 1 else None


def _resolve(schema: Schema, root: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    target: Schema = root["$defs"][str(schema["$ref"]).rpartition("/")[2]]
    return target
