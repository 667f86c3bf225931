"""JSON documents that were observed: a value by pointer, a subset match, a JSON Schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from readiness.errors import NotMeasured
from readiness.model import Scalar

MOST_LISTED = 20
"""So many mismatches are named; one broken service must not write a report of megabytes."""
MOST_SHOWN = 80
"""So many characters of a value are shown."""


class DocumentError(AssertionError):
    """The answer was read and is not what was expected of it: the check is failed, not unmeasured."""


def resolve(document: Any, pointer: str) -> Any:
    """Returns the value that a JSON Pointer points at; the empty pointer is the whole document.

    Raises:
        DocumentError: there is nothing at that place; says what is there instead.
        ValueError: it is not a pointer.

    Source: RFC 6901.
    """
    if not re.fullmatch(r"(/([^~/]|~[01])*)*", pointer):
        raise ValueError(f"{pointer!r} is not a JSON Pointer; it is empty or begins with '/', such as '/status/db'")
    value = document
    seen = ""
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and re.fullmatch(r"0|[1-9]\d{0,9}", key) and int(key) < len(value):
            value = value[int(key)]
        else:
            raise DocumentError(f"nothing at {pointer}: {seen or 'the document'} is {_contents(value)}")
        seen += f"/{step}"
    return value


def _contents(value: Any) -> str:
    if isinstance(value, dict):
        names = ", ".join(str(name)[:MOST_SHOWN] for name in islice(value, MOST_LISTED)) or "nothing"
        return f"an object with {names}{', ...' if len(value) > MOST_LISTED else ''}"
    return f"a list of {len(value)}" if isinstance(value, list) else shown(value)


def shown(value: Any) -> str:
    """Returns a value as JSON, cut off where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def subset_values(expected: Any, actual: Any, path: str = "") -> Iterator[tuple[str, Scalar, Scalar]]:
    """Yields JSON Pointer, expected and observed value of each value that `expected` names, to be measured one by one.

    An object may have more keys than expected. A list must have as many items, each compared in its place.
    What is missing is observed as None; null, objects and lists that cannot be compared value by value come as text.
    """
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for key, value in expected.items():
            inner = f"{path}/{token(key)}"
            if key in actual:
                yield from subset_values(value, actual[key], inner)
            else:
                yield inner, _scalar(value), None
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from subset_values(one, other, f"{path}/{index}")
    else:
        same_kind = isinstance(expected, str) == isinstance(actual, str)
        yield path or "/", _scalar(expected), _scalar(actual) if same_kind else f"{_kind(actual)} {shown(actual)}"


def _scalar(value: Any) -> Scalar:
    return value if isinstance(value, (str, int, float)) else shown(value)


def _kind(value: Any) -> str:
    kinds = {str: "the text", bool: "the truth value", dict: "the object", list: "the list", type(None): "the value"}
    return kinds.get(type(value), "the number")


def schema_errors(document: Any, schema: Any, folder: Path | None = None) -> list[str]:
    """Returns where the document does not satisfy the JSON Schema, by JSON Pointer; empty where it does.

    References are followed inside the schema, to the specification's own documents and, where the schema is a file, to
    other files in `folder`, relative to the file that refers to them. Nothing is ever fetched.

    Args:
        document: as parsed from JSON.
        schema: the schema itself, or the path of the file that holds it.
        folder: where the files may be that the schema refers to; by default the schema's own folder.

    Raises:
        NotMeasured: the schema cannot be read, is no JSON Schema, refers to what cannot be had or does not end.
    """
    from jsonschema.exceptions import SchemaError

    from readiness.probes.references import UnfollowableError, validator_of

    remedy = "Correct the schema, or name another one for this endpoint."
    try:
        validator = (
            validator_of(read_schema(schema), schema, folder) if isinstance(schema, Path) else validator_of(schema)
        )
        return _bounded(
            f"{''.join(f'/{token(step)}' for step in error.absolute_path) or 'the document'}: {cut(error.message)}"
            for error in validator(document)
        )
    except SchemaError as error:
        raise NotMeasured(f"the schema is not a valid JSON Schema: {cut(error.message)}", remedy) from None
    except UnfollowableError as error:
        raise NotMeasured(f"the schema refers to {cut(error.reference)}, {error.why}", error.remedy or remedy) from None
    except RecursionError:
        raise NotMeasured("the schema or the document is nested too deeply to be compared", remedy) from None


def read_schema(path: Path) -> Any:
    """Returns what the file of a schema holds.

    Raises:
        NotMeasured: it cannot be read, or is not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise NotMeasured(f"the schema {path} cannot be read: {error.strerror}", "Correct its path.") from None
    except (ValueError, RecursionError) as error:
        raise NotMeasured(f"the schema {path} is not JSON: {cut(str(error))}", "Correct the file.") from None


def _bounded(lines: Iterator[str]) -> list[str]:
    named = list(islice(lines, MOST_LISTED))
    return [*named, f"and more than these {MOST_LISTED}"] if next(lines, None) is not None else named


def cut(text: str) -> str:
    """Returns the text, cut off where it is too long for a message."""
    return text if len(text) <= 3 * MOST_SHOWN else f"{text[: 3 * MOST_SHOWN]}..."


def token(key: object) -> str:
    """Returns a key as a JSON Pointer has it."""
    return str(key).replace("~", "~0").replace("/", "~1")
