"""The JSON Schema of `readiness.toml`, made from the types in `config.model`.

Two of them: `config_schema` is published, for editors and for the first look at a file. It judges each table where it
stands, so nothing that another table may add is required, and a text may hold `${NAME}`. `effective_schema` judges what
is left when everything has been merged for one environment and each variable has its value.

The published one describes every key with the docstring under its field. Python throws those away, so they are read
from the source of the class with `ast`: a string expression right after an annotated assignment belongs to that field.
"""

from __future__ import annotations

import itertools
import typing
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from readiness.config import base, model
from readiness.config.quantity import Quantity
from readiness.errors import UsageError
from readiness.gate import Gate
from readiness.redact import Secret

Schema = dict[str, Any]

REFERENCE = r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"
"""A reference to an environment variable, in any dialect of regular expressions."""
ENVIRONMENT_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*(?!\n)$"
"""It becomes a folder's name below `reports/`."""
HEADER_NAME = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?!\n)$"
KINDS: dict[str, type[base.Table]] = {"embedded": model.Embedded, "containers": model.Containers, "live": model.Live}
STORES = ("database", "redis")
"""Gates whose name is also that of an address in a live environment."""
FIXED: dict[str, type[base.Table]] = {
    "service": model.Service,
    "policy": model.Policy,
    "baseline": model.BaselineTable,
}


def config_schema(gates: Sequence[Gate], own: Sequence[str] = (), *, describe: bool = True) -> Schema:
    """Returns the JSON Schema (draft 2020-12) of the configuration file.

    Args:
        gates: the gates whose tables are allowed.
        own: gates of the user's own check files; their tables hold any keys.
        describe: give each key its description, which takes longer than all the rest.

    Raises:
        UsageError: where a plugin's gate has a name that the configuration needs for itself.
    """
    refuse_taken_names(gates)
    names, components = _components(gates)
    if describe:
        _describe(names, components)
    components = {name: _lenient(part) for name, part in components.items()}
    # One definition per gate, since each environment may override each gate.
    overrides = {f"gate.{gate.name}": _partial(components[names[gate.table]], components) for gate in gates}
    overrides |= {f"gate.{name}": {"type": "object", "description": "A gate of the user's own."} for name in own}
    components |= overrides
    tables = {name.removeprefix("gate."): _ref(name) for name in overrides}
    kinds = [_environment(components[names[kind]], tables, components) for kind in KINDS.values()]
    schema: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:pytest-readiness:config:1",
        "title": "readiness.toml",
        "description": "What a release of this service must satisfy, and where that is judged.",
        "type": "object",
        "properties": {
            **{name: _ref(names[table]) for name, table in FIXED.items()},
            "waiver": {"type": "array", "minItems": 1, "items": _ref(names[model.Waiver])},
            "env": {
                "type": "object",
                "description": "The environments that can be judged, by name.",
                "minProperties": 1,
                "propertyNames": {"pattern": ENVIRONMENT_NAME, "title": "environment name"},
                "additionalProperties": {"anyOf": kinds},
            },
            **tables,
        },
        "required": ["service", "env"],
        "additionalProperties": False,
    }
    return schema | {"$defs": _used(schema, components)}


def effective_schema(gates: Iterable[Gate], kind: str, own: Sequence[str] = ()) -> Schema:
    """Returns the schema of a merged configuration: `service`, `policy`, `waiver`, `where` and `gates`."""
    gates = list(gates)
    names, components = _components(gates)
    tables: Schema = {gate.name: _ref(names[gate.table]) for gate in gates}
    tables |= {name: {"type": "object"} for name in own}
    where = _ref(names[KINDS[kind]]) if kind in KINDS else {}
    return {
        "type": "object",
        "properties": {
            **{name: _ref(names[table]) for name, table in FIXED.items()},
            "waiver": {"type": "array", "items": _ref(names[model.Waiver])},
            "where": where,
            "gates": {"type": "object", "properties": tables},
        },
        "$defs": components,
    }


# --- from types to schemas --------------------------------------------------------------------------------------


def _components(gates: Iterable[Gate]) -> tuple[dict[type, str], dict[str, Schema]]:
    """Returns the name of each struct among the components, and the components."""
    tables = [*FIXED.values(), model.Waiver, *KINDS.values(), *(gate.table for gate in gates)]
    structs = list(_structs(tables))
    refs, components = msgspec.json.schema_components(structs, schema_hook=_hook, ref_template="#/$defs/{name}")
    names = {struct: _target(ref) for struct, ref in zip(structs, refs, strict=True)}
    tidied: dict[str, Schema] = {name: _tidy(part) for name, part in components.items()}
    headers = tidied[names[model.Live]]["properties"]["headers"]
    headers["propertyNames"] = {"pattern": HEADER_NAME, "title": "header name"}
    return names, tidied


def _hook(kind: type) -> Schema:
    if issubclass(kind, Quantity):
        examples = [text.strip('"') for text in kind.examples.replace(" or ", ", ").split(", ")]
        return {"title": kind.__name__, "type": "string", "pattern": kind.pattern(), "examples": examples}
    if issubclass(kind, Secret):
        return {"title": "Secret", "type": "string", "minLength": 1}
    raise NotImplementedError(f"a configuration table cannot hold a {kind.__name__}")


def _tidy(schema: Any) -> Any:
    """TOML has no null and an empty list is an error; dates are written as dates."""
    if isinstance(schema, list):
        return [_tidy(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: _tidy(part) for key, part in schema.items() if not (key == "default" and part in (None, [], {}, ""))}
    if "anyOf" in schema:
        branches = [branch for branch in schema["anyOf"] if branch != {"type": "null"}]
        if len(branches) == 1:
            schema = {key: part for key, part in schema.items() if key != "anyOf"}
            schema = branches[0] | schema
        else:
            schema["anyOf"] = branches
    if schema.get("type") == "array":
        schema.setdefault("minItems", 1)
    if schema.get("format") == "date":
        schema |= {"pattern": r"^\d{4}-\d{2}-\d{2}(?!\n)$", "title": "date, such as 2026-12-31"}
    schema.pop("discriminator", None)
    return schema


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _target(ref: Schema) -> str:
    return str(ref["$ref"]).rpartition("/")[2]


def _lenient(schema: Any) -> Any:
    """A text may hold `${NAME}`, whatever is asked of its value."""
    if isinstance(schema, list):
        return [_lenient(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    lenient = {key: _lenient(part) for key, part in schema.items() if key != "propertyNames"}
    lenient |= {key: part for key, part in schema.items() if key == "propertyNames"}
    if isinstance(lenient.get("pattern"), str) and lenient["pattern"] != base.NOT_BLANK:  # which a reference is not
        lenient["pattern"] = f"(?:{lenient['pattern']})|{REFERENCE}"
        lenient.pop("format", None)
    return lenient


def _partial(schema: Schema, components: dict[str, Schema]) -> Schema:
    """The same table without required keys, also in tables inside it: another table may add them. Lists replace."""
    if "$ref" in schema:
        schema = components[_target(schema)] | {key: part for key, part in schema.items() if key != "$ref"}
    if "anyOf" in schema:
        return schema
    schema = {key: part for key, part in schema.items() if key != "required"}
    if "properties" in schema:
        schema["properties"] = {key: _partial(part, components) for key, part in schema["properties"].items()}
    return schema


def _environment(kind: Schema, tables: dict[str, Schema], components: dict[str, Schema]) -> Schema:
    """One kind of environment with the gates it may override; `database` and `redis` of a live one hold its address."""
    properties = dict(kind["properties"])
    for name, table in tables.items():
        own = properties.get(name)
        if own is None:
            properties[name] = table
        elif (address := _partial(own, components)).get("type") == "object":
            override = components[_target(table)]
            properties[name] = override | {"properties": address["properties"] | override["properties"]}
        else:  # `redis` of containers is an image as text, and a table overrides the gate
            properties[name] = {"anyOf": [own, table]}
    return kind | {"properties": properties}


def refuse_taken_names(gates: Sequence[Gate]) -> None:
    """Every gate has a name of its own, and none that the configuration needs for itself.

    Raises:
        UsageError: where a plugin's gate has such a name.
    """
    fields = {field.encode_name for kind in KINDS.values() for field in msgspec.structs.fields(kind)} - set(STORES)
    taken = {*FIXED, "waiver", "env", "kind"} | fields
    names = [gate.name for gate in gates]
    for name in names:
        if name in taken or names.count(name) > 1:
            raise UsageError(
                f"a plugin adds a gate named {name!r}, a name that is in use already.",
                "Give the gate that its hook pytest_readiness_gates() returns another name.",
            )


def _used(schema: Schema, components: dict[str, Schema]) -> dict[str, Schema]:
    """The components that `schema` refers to, directly or through each other."""
    used: dict[str, Schema] = {}
    waiting = list(_refs(schema))
    while waiting:
        name = waiting.pop()
        if name not in used:
            used[name] = components[name]
            waiting += _refs(components[name])
    return dict(sorted(used.items()))


def _refs(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield _target(schema)
        for part in schema.values():
            yield from _refs(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _refs(part)


# --- descriptions -----------------------------------------------------------------------------------------------


def _describe(names: dict[type, str], components: dict[str, Schema]) -> None:
    """Each key has the docstring under its field, and the default that only the type knows."""
    for table, name in names.items():
        properties = components[name]["properties"]
        documented = _field_docs(table)
        for field in msgspec.structs.fields(table):
            part = properties[field.encode_name]
            if field.name in documented:
                part["description"] = documented[field.name]
            factory: Any = field.default_factory
            if callable(factory) and isinstance(default := factory(), Quantity):
                part["default"] = default.text


def _structs(kinds: Iterable[Any]) -> Iterator[type[msgspec.Struct]]:
    """Every struct that the tables are made of, each once."""
    seen: set[Any] = set()
    waiting = list(kinds)
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            if kind not in seen:
                seen.add(kind)
                waiting += typing.get_type_hints(kind, include_extras=True).values()
                yield kind
        else:
            waiting += typing.get_args(kind)


def _field_docs(table: type) -> dict[str, str]:
    """Field to the docstring under it, those of base classes included; empty where the source is not at hand."""
    import ast
    import inspect
    import textwrap

    found: dict[str, str] = {}
    for each in reversed(table.__mro__):
        if not issubclass(each, base.Table) or each is base.Table:
            continue
        try:
            body = ast.parse(textwrap.dedent(inspect.getsource(each))).body[0]
        except (OSError, TypeError, SyntaxError):
            continue
        statements = body.body if isinstance(body, ast.ClassDef) else []
        for field, doc in itertools.pairwise(statements):
            match field, doc:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[name] = inspect.cleandoc(text)
    return found
