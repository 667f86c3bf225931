"""The JSON Schema that editors use."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from typing import Any

import jsonschema
import pytest

from readiness.config.schema import config_schema
from readiness.config.validation import violations
from readiness.gate import builtin_gates
from tests.config.samples import FULL, MINIMAL

SCHEMA = config_schema(builtin_gates())


def plain(value: Any) -> Any:
    """TOML as an editor hands it to its validator."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else value


def is_valid(text: str) -> bool:
    return bool(jsonschema.Draft202012Validator(SCHEMA).is_valid(plain(tomllib.loads(text))))


def test_schema_is_a_schema() -> None:
    """Draft 2020-12, with a name of its own, and JSON throughout."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["$id"] == "urn:pytest-readiness:config:1"
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_full_example_is_valid() -> None:
    """Everything that the full example shows, with references where the example has them."""
    assert violations(tomllib.loads(FULL), SCHEMA) == []
    assert is_valid(FULL)


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    return SCHEMA["$defs"][reference.removeprefix("#/$defs/")] if reference else schema


def leaves(schema: dict[str, Any], path: str = "") -> dict[str, dict[str, Any]]:
    """Every key that the schema knows, by its path."""
    schema = resolve(schema)
    found = {}
    for key, part in schema.get("properties", {}).items():
        inner = f"{path}.{key}".strip(".")
        found[inner] = part
        found |= leaves(part, inner)
    for part in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(part, dict):
            found |= leaves(part, path)
    for branch in schema.get("anyOf", []):
        found |= leaves(branch, path)
    return found


def keys_of(value: Any, path: str = "") -> set[str]:
    """Every key of a document, by its path; names of environments and free payload left out."""
    if isinstance(value, list):
        return {key for item in value for key in keys_of(item, path)}
    if not isinstance(value, dict) or path.endswith((".json", ".headers")):
        return set()
    found = set()
    for key, item in value.items():
        inner = path if path == "env" else f"{path}.{key}".strip(".")
        found |= {inner} | keys_of(item, inner)
    return found


def test_every_key_of_the_full_example_is_known() -> None:
    """By its own path, not only because something around it is open."""
    assert keys_of(tomllib.loads(FULL)) <= set(leaves(SCHEMA)) | {"env"}


def test_tables_are_closed() -> None:
    """No object takes unknown keys, but for free payload."""
    open_ = [name for name, part in SCHEMA["$defs"].items() if part.get("additionalProperties") is not False]
    assert open_ == []
    assert SCHEMA["additionalProperties"] is False


def test_descriptions_come_from_the_docstrings() -> None:
    """What stands under a field is what a user reads while typing; defaults are told as well."""
    known = leaves(SCHEMA)
    assert known["health.within"]["description"] == (
        "Limit of the 95th percentile of `samples` requests to one endpoint."
    )
    assert known["health.within"]["default"] == "500ms"
    assert known["health.samples"]["default"] == 5
    assert known["env.ready"]["description"] == "Polled until it answers 2xx."
    assert known["waiver.expires"]["description"] == "Last valid day, UTC."
    assert resolve(SCHEMA["properties"]["health"])["description"].startswith("The service answers, soon enough")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("[health]\nwithin = '500ms'", True),
        ("[health]\nwithin = '${WITHIN}'", True),
        ("[health]\nwithin = 500", False),
        ("[health]\nwithin = '0s'", False),
        ("[health]\nwithin = 'soon'", False),
        ("[health]\nendpoints = []", False),
        ("[health]\nendpoints = ['https://h/health']", False),
        ("[health]\nendpoint = ['/health']", False),
        ("[redis]\nmax-memory = '101%'", False),
        ("[tls]", False),
        ("[env.y]\nkind = 'live'\nurl = '${URL}'\n[env.y.health]\nsamples = 3", True),
        ("[env.y]\nkind = 'embedded'\nurl = 'https://h'", False),
        ("[env.y]\nkind = 'cloud'", False),
        ("[[waiver]]\ncheck = 'a/b'\nreason = 'r'\nowner = 'o'\nexpires = 2026-12-31", True),
        ("[[waiver]]\ncheck = 'a/b'\nreason = 'r'\nowner = 'o'", False),
    ],
)
def test_editors_see_what_the_loader_sees(line: str, expected: bool) -> None:
    """The published schema alone finds mistakes of shape, with any validator."""
    assert is_valid(f"{MINIMAL}\n{line}\n") is expected
