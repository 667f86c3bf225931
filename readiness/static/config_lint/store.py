"""The schemas: where each comes from, and the compiled validator of it. Nothing is ever fetched."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema_rs import Registry, Validator

OWN = Path(__file__).parent / "schemas"
FLAG = Path(__file__).parents[2] / "probes" / "flags" / "flag.schema.json"
"""The schema that the flags gate holds each definition against."""
_OWN_KINDS = frozenset({"prometheus-rules", "prometheus", "alertmanager", "grafana-dashboard", "alembic"})
_VENDORED = {"compose": "compose-spec"}
"""Kinds that are called otherwise among the schemas of check-jsonschema."""
_OPENAPI = {"2.": "v2.0", "3.0": "v3.0", "3.1": "v3.1", "3.2": "v3.2"}


class NoSchema(Exception):  # noqa: N818 - not an error of the document, but a limit that is said
    """The document cannot be validated; the text says why."""


@cache
def validator(kind: str) -> Validator:
    """Returns the compiled schema of a kind.

    Raises:
        NoSchema: there is none.
    """
    make = _SPECIAL.get(kind)
    if make is not None:
        return make()
    if kind in _OWN_KINDS:
        return compiled((OWN / f"{kind}.json").read_text("utf-8"))
    folder = package_folder("check_jsonschema")
    if folder is None:
        raise NoSchema("the package check-jsonschema is not installed")
    file = folder / "builtin_schemas" / "vendor" / f"{_VENDORED.get(kind, kind)}.json"
    if not file.is_file():
        raise NoSchema("no schema is known for it")
    return compiled(file.read_text("utf-8"))


@cache
def openapi(version: str) -> Validator:
    """Returns the schema of an OpenAPI version such as `3.0.3`.

    Raises:
        NoSchema: the version is not known.
    """
    name = next((name for start, name in _OPENAPI.items() if version.startswith(start)), None)
    if name is None:
        raise NoSchema("no schema is known for this version of OpenAPI")
    return compiled((OWN / "openapi" / f"{name}.json").read_text("utf-8"))


@cache
def users(text: str) -> Validator:
    """Returns the schema of a file that the configuration names.

    Raises:
        NoSchema: it is no schema, or refers to another file.
    """
    try:
        return compiled(text)
    except _module().ReferencingError as problem:
        raise NoSchema("it refers to another file, and nothing is fetched; put all of it into one") from problem
    except (ValueError, TypeError, RecursionError) as problem:
        refers = "not present in a registry" in str(problem)
        why = (
            "it refers to another file, and nothing is fetched; put all of it into one"
            if refers
            else "it is no JSON Schema"
        )
        raise NoSchema(why) from problem


def compiled(schema: Any, **options: Any) -> Validator:
    """Returns the schema as a validator that contacts nothing."""
    made: Validator = _module().validator_for(schema, offline=True, **options)
    return made


def package_folder(name: str) -> Path | None:
    """Returns the folder of an installed package, which is not imported; None where it is not installed."""
    found = find_spec(name)
    places = found.submodule_search_locations if found else None
    return Path(places[0]) if places else None


@cache
def _module() -> Any:
    """Returns the validating library."""
    import jsonschema_rs

    return jsonschema_rs


def _pyproject() -> Validator:
    """Returns the schema of `pyproject.toml` with the formats of packaging; tools' own tables are theirs, but setuptools'."""
    folder = package_folder("validate_pyproject")
    if folder is None:
        raise NoSchema("the package validate-pyproject is not installed")
    from validate_pyproject import formats

    whole = json.loads((folder / "pyproject_toml.schema.json").read_text("utf-8"))
    project = json.loads((folder / "project_metadata.schema.json").read_text("utf-8"))
    setuptools = json.loads((folder / "plugins" / "setuptools.schema.json").read_text("utf-8"))
    whole["properties"]["project"] = {"$ref": project["$id"]}
    whole["properties"]["tool"] = {"type": "object", "properties": {"setuptools": {"$ref": setuptools["$id"]}}}
    # Names of classifiers are left out: that format would download a list where none is installed.
    known = {
        name.replace("_", "-"): function
        for name, function in vars(formats).items()
        if name.startswith(("pep5", "pep4", "python_", "import_name")) and callable(function)
    }
    registry = _module().Registry([(schema["$id"], schema) for schema in (project, setuptools)], _module().Draft7)
    return compiled(whole, registry=registry, formats=known, validate_formats=True)


def _flags() -> Validator:
    """Returns the schema of a flags file: a mapping of names to definitions."""
    flag = json.loads(FLAG.read_text("utf-8"))
    definitions = flag.pop("$defs", {})
    flags = {"type": "object", "minProperties": 1, "additionalProperties": flag}
    return compiled({"type": "object", "required": ["flags"], "properties": {"flags": flags}, "$defs": definitions})


_SPECIAL: dict[str, Callable[[], Validator]] = {"pyproject": _pyproject, "flags": _flags}


@cache
def registry_of(folder: Path) -> Registry:
    """Returns the definitions that the Kubernetes schemas of a folder refer to."""
    definitions = json.loads((folder / "_definitions.json").read_text("utf-8"))
    made: Registry = _module().Registry([(definitions["$id"], definitions)])
    return made
