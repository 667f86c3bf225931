"""From the file to what holds for one environment: tables merge deeply, lists replace."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from readiness.config.schema import STORES

Place: TypeAlias = tuple[str | int, ...]
"""Keys and indices from the top of a document to one place in it."""
Tree: TypeAlias = dict[str, Any]


def merge(base: Any, override: Any) -> Any:
    """Returns `override` over `base`: tables merge key by key, anything else replaces. Neither is changed."""
    if not (isinstance(base, dict) and isinstance(override, dict)):
        return override
    return {**base, **{key: merge(base[key], item) if key in base else item for key, item in override.items()}}


def effective(document: Mapping[str, Any], environment: str, gates: Sequence[str]) -> Tree:
    """Returns what holds for one environment: `service`, `policy`, `waiver`, `where` and `gates`, values as written.

    `baseline` is there where the file has that table. Whatever has not the shape it should have is left out; that was reported when the file was looked at.
    """
    raw = _table(_table(document.get("env")).get(environment))
    where = {key: item for key, item in raw.items() if not _is_override(key, item, gates)}
    if raw.get("kind") == "live":
        where |= {name: {"url": raw[name]["url"]} for name in STORES if "url" in _table(raw.get(name))}
    merged = {}
    for gate in gates:
        base, override = document.get(gate), _override(raw, gate)
        if isinstance(base, dict) or override is not None:
            merged[gate] = merge(_table(base), override or {})
    waivers = document.get("waiver", [])
    baseline = document.get("baseline")
    return {
        "service": _table(document.get("service")),
        "policy": _table(document.get("policy")),
        **({"baseline": baseline} if isinstance(baseline, dict) else {}),
        "waiver": [each for each in waivers if isinstance(each, dict)] if isinstance(waivers, list) else [],
        "where": where,
        "gates": merged,
    }


def origin(document: Mapping[str, Any], environment: str, path: Place) -> Place:
    """Returns where in the file the place `path` of the effective configuration is written, or would be."""
    if path[:1] == ("where",):
        return ("env", environment, *path[1:])
    if path[:1] != ("gates",):
        return path
    above, base = ("env", environment, *path[1:]), path[1:]
    is_gate = len(base) == 1
    if _stands(document, above):
        return above
    if is_gate or _stands(document, base):
        return base
    return (*origin(document, environment, path[:-1]), path[-1])


def digest(tree: Tree) -> str:
    """Returns the sha256 of a configuration, independent of the order of its keys."""
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _table(value: Any) -> Tree:
    return value if isinstance(value, dict) else {}


def _is_override(key: str, item: Any, gates: Sequence[str]) -> bool:
    return key in gates and isinstance(item, dict)


def _override(raw: Tree, gate: str) -> Tree | None:
    """The gate's keys inside an environment; a table that only holds the address does not configure the gate."""
    table = raw.get(gate)
    if not isinstance(table, dict):
        return None
    if raw.get("kind") != "live" or gate not in STORES or "url" not in table:
        return table
    return {key: item for key, item in table.items() if key != "url"} or None


def _stands(document: Any, path: Place) -> bool:
    for key in path:
        try:
            document = document[key]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _plain(value: Any) -> str:
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    raise TypeError(f"TOML holds no {type(value).__name__}")
