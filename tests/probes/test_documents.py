"""Pointers, subset matches and schemas."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.errors import NotMeasured
from readiness.evidence import Evidence, Measure
from readiness.probes.documents import DocumentError, resolve, schema_errors, subset_values

if TYPE_CHECKING:
    from pathlib import Path

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab~/0", max_size=3), inner, max_size=3),
    max_leaves=8,
)

RFC = {"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, 'k"l': 6, " ": 7, "m~n": 8}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", RFC), ("/foo", ["bar", "baz"]), ("/foo/0", "bar"), ("/", 0), ("/a~1b", 1), ("/c%d", 2), ("/e^f", 3), ("/g|h", 4),
        ("/i\\j", 5), ('/k"l', 6), ("/ ", 7), ("/m~0n", 8),
    ],
)  # fmt: skip
def test_pointers_of_the_rfc(pointer: str, value: object) -> None:
    """Every example of RFC 6901, section 5, resolves as it says."""
    assert resolve(RFC, pointer) == value


@pytest.mark.parametrize(
    ("pointer", "said"),
    [
        ("/version", "the document is an object with foo, "),
        ("/foo/2", "/foo is a list of 2"),
        ("/foo/-", "/foo is a list of 2"),
        ("/foo/00", "/foo is a list of 2"),
        ("/foo/-1", "/foo is a list of 2"),
        ("/foo/99999999999999999999", "/foo is a list of 2"),
        ("/foo/0/b", '/foo/0 is "bar"'),
    ],
)
def test_a_pointer_to_nothing_fails_the_check(pointer: str, said: str) -> None:
    """Nothing at that place is an AssertionError that says what is there instead."""
    with pytest.raises(DocumentError) as caught:
        resolve(RFC, pointer)
    assert f"nothing at {pointer}: " in str(caught.value)
    assert said in str(caught.value)
    assert isinstance(caught.value, AssertionError)


@pytest.mark.parametrize("pointer", ["version", "/a~2", "/a~", "#/a"])
def test_what_is_no_pointer_is_refused(pointer: str) -> None:
    """A pointer that RFC 6901 does not allow is a mistake of the check's author."""
    with pytest.raises(ValueError, match="is not a JSON Pointer"):
        resolve({}, pointer)


def mismatches(expected: object, actual: object) -> list[str]:
    """Where a measurement of the values would not hold."""
    measure = Measure(Evidence("x"))
    for pointer, wanted, found in subset_values(expected, actual):
        measure(pointer, found, equals=wanted)
    return [seen.name for seen in measure.evidence.measurements if not seen.holds]


@given(JSON)
def test_a_document_contains_itself(document: object) -> None:
    """Nothing differs from what it was read from."""
    assert mismatches(document, json.loads(json.dumps(document))) == []


@given(st.dictionaries(st.text("ab~/0", max_size=3), JSON, min_size=1, max_size=4), st.data())
def test_what_is_missing_is_noticed(document: dict[str, object], data: st.DataObject) -> None:
    """A key that was lost is one mismatch, and one that was added none."""
    lost = data.draw(st.sampled_from(sorted(document)))
    assert len(mismatches(document, {key: value for key, value in document.items() if key != lost})) == 1
    assert mismatches(document, {**document, "more": 1}) == []


# --- schemas ----------------------------------------------------------------------------------------------------

SCHEMA = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"enum": ["up"]}, "a/b": {"type": "integer"}},
}


def test_a_schema_s_errors_are_named_by_their_place(tmp_path: Path) -> None:
    """A satisfied schema has no errors; others are at their pointer. A file serves as well as its content."""
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(SCHEMA))
    for schema in (SCHEMA, file):
        assert schema_errors({"status": "up"}, schema) == []
        assert schema_errors({}, schema) == ["the document: 'status' is a required property"]
        assert schema_errors({"status": "down", "a/b": "x"}, schema) == [
            "/status: 'down' is not one of ['up']",
            "/a~1b: 'x' is not of type 'integer'",
        ]


def test_a_schema_s_errors_are_bounded() -> None:
    """A large document that is all wrong makes a short message."""
    lines = schema_errors(["x" * 10_000] * 1000, {"items": {"type": "integer"}})
    assert len(lines) == 21
    assert max(map(len, lines)) < 300


def test_references_stay_within_the_schema() -> None:
    """A reference inside works, so does the specification's own schema; nothing is fetched from elsewhere."""
    inside = {"$ref": "#/$defs/up", "$defs": {"up": {"const": "up"}}}
    assert schema_errors("up", inside) == []
    assert schema_errors("down", inside) == ["the document: 'up' was expected"]
    assert schema_errors({"type": "object"}, {"$ref": "https://json-schema.org/draft/2020-12/schema"}) == []
    for reference in ("http://127.0.0.1:1/schema.json", "file:///etc/hostname", "other.json", "#/$defs/none"):
        with pytest.raises(NotMeasured, match="which is not in it"):
            schema_errors({}, {"$ref": reference})


def test_a_schema_that_cannot_be_used_is_unmeasured(tmp_path: Path) -> None:
    """No schema, no judgement: missing, not JSON, not a schema, without end."""
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    cases: list[tuple[Any, str]] = [
        (tmp_path / "none.json", "cannot be read"),
        (broken, "is not JSON"),
        ({"type": "nonsense"}, "not a valid JSON Schema"),
        ([], "not a valid JSON Schema"),
        ({"$ref": "#"}, "nested too deeply"),
    ]
    for schema, cause in cases:
        with pytest.raises(NotMeasured, match=cause):
            schema_errors({}, schema)


@pytest.mark.parametrize(
    ("expected", "actual", "values"),
    [
        ({"status": "up"}, {"status": "down", "more": 1}, [("/status", "up", "down")]),
        ({"status": "up"}, {}, [("/status", "up", None)]),
        ({"a": {"b/c": [1, True]}}, {"a": {"b/c": [1.0, 1]}}, [("/a/b~1c/0", 1, 1.0), ("/a/b~1c/1", True, 1)]),
        ({"a": None}, {"a": None}, [("/a", "null", "null")]),
        ({"a": "null"}, {"a": None}, [("/a", "null", "the value null")]),
        ({"a": [1]}, {"a": [1, 2]}, [("/a", "[1]", "[1, 2]")]),
        ({"a": 1}, {"a": "1"}, [("/a", 1, 'the text "1"')]),
        ({"a": {}}, {"a": {"b": 1}}, []),
        ({"a": {}}, {"a": 1}, [("/a", "{}", 1)]),
        ({"a": 1}, [1], [("/", '{"a": 1}', "[1]")]),
    ],
)
def test_subset_values(expected: object, actual: object, values: list[tuple[str, object, object]]) -> None:
    """Each expected value with what was observed in its place; nothing that differs looks the same."""
    assert list(subset_values(expected, actual)) == values
