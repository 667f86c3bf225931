"""A first look that costs nothing: where every table can be typed as it stands, JSON Schema need not be asked.

Importing `jsonschema` takes as long as a small test run. It is worth that to list all errors at once, and only then.
So this look may say no to a valid file, and never yes to one that the schema refuses; a test holds the two together.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from readiness.config import merging, model
from readiness.config.quantity import Quantity, Ratio
from readiness.config.schema import ENVIRONMENT_NAME, FIXED, HEADER_NAME, KINDS
from readiness.gate import Gate

Decode = Callable[[type, Any], Any]


def is_plainly_valid(document: Any, gates: Sequence[Gate], own: Sequence[str], decode: Decode) -> bool:
    """Returns whether the file is valid for sure, for each of its environments."""
    names = [*(gate.name for gate in gates), *own]
    environments = document.get("env")
    waivers = document.get("waiver")
    return (
        not set(document) - {*FIXED, "waiver", "env", *names}
        and not _has_empty(document)
        and isinstance(environments, dict)
        and bool(environments)
        and (waivers is None or (isinstance(waivers, list) and all(isinstance(each, dict) for each in waivers)))
        and all(isinstance(document.get(name, {}), dict) for name in (*FIXED, *names))
        and all(_fits(document[gate.name], gate.table, decode) for gate in gates if gate.name in document)
        and all(
            isinstance(table, dict)
            and all(isinstance(table.get(gate, {}), dict) for gate in names)
            and re.search(ENVIRONMENT_NAME, name) is not None
            and fits(merging.effective(document, name, names), gates, decode)
            for name, table in environments.items()
        )
    )


def fits(tree: dict[str, Any], gates: Sequence[Gate], decode: Decode) -> bool:
    """Returns whether each table of an effective configuration is valid for sure."""
    where = tree["where"]
    return (
        not _has_empty({**tree, "waiver": tree["waiver"] or None})
        and where.get("kind") in list(KINDS)
        and all(re.search(HEADER_NAME, name) is not None for name in _table(where.get("headers")))
        and all(type(waiver.get("expires")) is dt.date for waiver in tree["waiver"])
        and all(_fits(tree[name], table, decode) for name, table in FIXED.items() if name in tree)
        and all(_fits(waiver, model.Waiver, decode) for waiver in tree["waiver"])
        and _fits(where, model.EnvironmentTable, decode)
        and all(_fits(tree["gates"][gate.name], gate.table, decode) for gate in gates if gate.name in tree["gates"])
    )


def _fits(value: Any, shape: Any, decode: Decode) -> bool:
    def strict(kind: type, item: Any) -> Any:
        decoded = decode(kind, item)
        # Not every limit may be nothing, nor every share more than all; which, is for the schema to say.
        if isinstance(decoded, Quantity) and (decoded <= 0 or (isinstance(decoded, Ratio) and decoded > 1)):
            raise ValueError(item)
        return decoded

    try:
        msgspec.convert(value, shape, dec_hook=strict)
    except (msgspec.ValidationError, ValueError):
        return False
    return True


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _has_empty(value: Any) -> bool:
    """Empty texts and lists are errors in most places; in which, is for the schema to say."""
    if isinstance(value, dict):
        return any(_has_empty(item) for item in value.values())
    if isinstance(value, list):
        return not value or any(_has_empty(item) for item in value)
    return bool(value == "")
