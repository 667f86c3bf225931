"""What holds for one environment."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from readiness.config.merging import digest, effective, merge, origin

KEYS = st.sampled_from("abcd")
TABLES: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    KEYS,
    st.recursive(
        st.integers() | st.text(max_size=3) | st.booleans(),
        lambda inner: st.dictionaries(KEYS, inner, max_size=3) | st.lists(inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@given(TABLES, TABLES)
def test_merging_is_idempotent_and_changes_nothing(base: dict[str, Any], override: dict[str, Any]) -> None:
    """Overriding again with the same is no change, and neither table is touched."""
    before = copy.deepcopy((base, override))
    once = merge(base, override)
    assert merge(once, override) == once
    assert merge(once, once) == once
    assert merge(base, {}) == base
    assert merge({}, override) == override
    assert (base, override) == before


@given(TABLES, TABLES)
def test_override_wins(base: dict[str, Any], override: dict[str, Any]) -> None:
    """Each value that is no table replaces, lists whole; what the override does not name stays."""
    merged = merge(base, override)
    assert set(merged) == set(base) | set(override)
    for key, value in override.items():
        if not (isinstance(value, dict) and isinstance(base.get(key), dict)):
            assert merged[key] == value
    for key in set(base) - set(override):
        assert merged[key] == base[key]


def test_order_of_keys_is_that_of_the_base() -> None:
    """What is overridden keeps its place."""
    assert list(merge({"a": 1, "b": 2}, {"c": 3, "a": 4})) == ["a", "b", "c"]


@given(TABLES)
def test_malformed_documents_are_no_crash(table: dict[str, Any]) -> None:
    """Whatever the file holds, the effective configuration has its five parts."""
    for document in (table, {"env": table}, {"env": {"x": table}}, {"waiver": [table], "a": table, "policy": 3}):
        parts = effective(document, "x", ["a", "b", "database"])
        assert list(parts) == ["service", "policy", "waiver", "where", "gates"]
        assert len(digest(parts)) == 64


def test_origin_is_where_it_was_written() -> None:
    """A place in the effective configuration leads back to the table in the file."""
    document = {
        "health": {"within": "1s", "version": {"path": "/a"}},
        "env": {"x": {"health": {"samples": 3, "version": {"pointer": "/b"}}, "redis": {}}},
    }
    assert origin(document, "x", ("gates", "health", "within")) == ("health", "within")
    assert origin(document, "x", ("gates", "health", "samples")) == ("env", "x", "health", "samples")
    assert origin(document, "x", ("gates", "health", "version", "path")) == ("health", "version", "path")
    assert origin(document, "x", ("gates", "health", "missing")) == ("env", "x", "health", "missing")
    assert origin(document, "y", ("gates", "health", "missing")) == ("health", "missing")
    assert origin(document, "x", ("gates", "redis", "missing")) == ("env", "x", "redis", "missing")
    assert origin(document, "x", ("where", "url")) == ("env", "x", "url")
    assert origin(document, "x", ("policy", "required", 0)) == ("policy", "required", 0)
