"""The first look may say no to a valid file, and never yes to one that the schema refuses."""

from __future__ import annotations

import copy
import datetime as dt
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.config import merging
from readiness.config.loading import _decode
from readiness.config.quick import fits, is_plainly_valid
from readiness.config.schema import config_schema, effective_schema
from readiness.config.validation import faults, violations
from readiness.gate import builtin_gates
from tests.config.samples import FULL, MINIMAL

GATES = builtin_gates()
NAMES = [gate.name for gate in GATES]
SCHEMA = config_schema(GATES, describe=False)
ODD = st.one_of(
    st.sampled_from(["", "0s", "101%", "5", "x", "${X}", "/a", "live", ">=1", "http://h", "1.0", "\n"]),
    st.sampled_from([0, 1, -1, 5.0, True, [], {}, [""], {"a": 1}, dt.date(2027, 1, 1), dt.datetime(2027, 1, 1)]),  # noqa: DTZ001 - a local date-time of TOML
)
DOCUMENTS = [tomllib.loads(FULL), tomllib.loads(MINIMAL)]


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a document."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


@st.composite
def mutants(draw: st.DrawFn) -> dict[str, Any]:
    """A valid document with a few values replaced, keys removed or added."""
    document: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(DOCUMENTS)))
    for _ in range(draw(st.integers(1, 3))):
        if not document:
            break
        path = draw(st.sampled_from([place for place in places(document) if place]))
        above: Any = document
        for key in path[:-1]:
            above = above[key]
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                above[path[-1]] = copy.deepcopy(draw(ODD))
            case "remove":
                del above[path[-1]]
            case _ if isinstance(above, dict):
                above[draw(st.sampled_from(["x", "url", "within", "health", "kind", "headers"]))] = copy.deepcopy(
                    draw(ODD)
                )
    return document


@settings(max_examples=150, deadline=None)
@given(mutants())
def test_never_yes_to_what_the_schema_refuses(document: dict[str, Any]) -> None:
    """Both looks, on documents that are nearly right."""
    if is_plainly_valid(document, GATES, (), _decode):
        assert violations(document, SCHEMA) == []
        for name, table in document["env"].items():
            tree = merging.effective(document, name, NAMES)
            assert list(faults(tree, effective_schema(GATES, str(table["kind"])))) == []
            assert fits(tree, GATES, _decode)


def test_plain_file_is_seen_as_such() -> None:
    """Else the first look would be of no use."""
    assert is_plainly_valid(tomllib.loads(MINIMAL), GATES, (), _decode)


def test_valid_file_needs_no_jsonschema(tmp_path: Path) -> None:
    """A run with a valid configuration does not pay for the list of errors."""
    (tmp_path / "readiness.toml").write_text(MINIMAL)
    program = """
import sys
from pathlib import Path
from readiness.config.loading import load
from readiness.gate import builtin_gates
from readiness.redact import Redactor
load("x", start=Path.cwd(), path=None, environ={}, gates=builtin_gates(), redactor=Redactor())
assert "jsonschema" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path)
