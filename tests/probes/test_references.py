"""References between the files of a schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from readiness.errors import NotMeasured
from readiness.probes.documents import schema_errors

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, **files: Any) -> Path:
    """Writes schemas into a folder; returns the path of `top.json`."""
    for name, schema in files.items():
        file = folder / f"{name.replace('__', '/')}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(schema if isinstance(schema, str) else json.dumps(schema))
    return folder / "top.json"


STATUS = {"$defs": {"status": {"enum": ["up"]}, "deep": {"$ref": "../words.json"}}}


def test_references_lead_to_files_beside_the_one_that_refers(tmp_path: Path) -> None:
    """A reference is relative to its own file, as is one in the file that it leads to; and into a part of it."""
    top = write(
        tmp_path,
        top={
            "properties": {
                "status": {"$ref": "parts/status.json#/$defs/status"},
                "deep": {"$ref": "parts/status.json#/$defs/deep"},
                "self": {"$ref": "#/properties/status"},
            }
        },
        parts__status=STATUS,
        words={"type": "string"},
    )
    assert schema_errors({"status": "up", "deep": "x", "self": "up"}, top, tmp_path) == []
    assert schema_errors({"status": "down", "deep": 1, "self": "down"}, top, tmp_path) == [
        "/status: 'down' is not one of ['up']",
        "/deep: 1 is not of type 'string'",
        "/self: 'down' is not one of ['up']",
    ]


@pytest.mark.parametrize(
    "dialect", ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"]
)
def test_an_id_does_not_keep_its_file_from_referring(tmp_path: Path, dialect: str) -> None:
    """A schema that says where it is published refers to the copies beside it, in each dialect."""
    top = write(
        tmp_path,
        top={
            "$schema": dialect,
            "$id": "https://shop.example/schemas/top.json",
            "properties": {"a": {"$ref": "other.json"}, "b": {"$ref": "#/properties/c"}, "c": {"type": "integer"}},
        },
        other={"$schema": dialect, "$id": "https://shop.example/schemas/other.json", "type": "string"},
    )
    assert schema_errors({"a": 1, "b": "x"}, top) == [
        "/a: 1 is not of type 'string'",
        "/b: 'x' is not of type 'integer'",
    ]


def test_a_file_without_a_dialect_has_that_of_the_schema(tmp_path: Path) -> None:
    """Draft 7's `definitions` and tuples work in a file that does not repeat which draft it is."""
    top = write(
        tmp_path,
        top={"$schema": "http://json-schema.org/draft-07/schema#", "items": {"$ref": "other.json#/definitions/a"}},
        other={"definitions": {"a": {"type": "integer"}}},
    )
    assert schema_errors([1, "x"], top) == ["/1: 'x' is not of type 'integer'"]


def test_a_schema_in_a_folder_may_refer_to_all_of_the_configuration_s_folder(tmp_path: Path) -> None:
    """The configuration's folder is the bound, and not the schema's."""
    write(tmp_path, common={"type": "string"}, schemas__top={"$ref": "../common.json"})
    assert schema_errors(1, tmp_path / "schemas/top.json", tmp_path) == ["the document: 1 is not of type 'string'"]
    with pytest.raises(NotMeasured, match=r"common.json, which is outside of .*schemas"):
        schema_errors(1, tmp_path / "schemas/top.json")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("none.json", "refers to none.json, which cannot be read: No such file"),
        ("broken.json", "refers to broken.json, which is not JSON"),
        ("list.json", "refers to list.json, which is no JSON Schema"),
        ("wrong.json", "refers to wrong.json, which is not a valid JSON Schema: 'nonsense' is not valid"),
        ("other.json#/$defs/none", "none, which is not in it"),
        ("../outside.json", "outside.json, which is outside of"),
        ("%2e%2e/outside.json", "outside.json, which is outside of"),
        ("link.json", "outside.json, which is outside of"),
        ("/etc/hostname", "/etc/hostname, which is outside of"),
        ("file:///etc/hostname", "/etc/hostname, which is outside of"),
        ("http://127.0.0.1:1/schema.json", "refers to http://127.0.0.1:1/schema.json, which is not fetched"),
        ("#/$defs/none", "which is not in it"),
    ],
)
def test_a_reference_that_cannot_be_followed_is_named(tmp_path: Path, reference: str, said: str) -> None:
    """Missing, broken, outside of the folder, also through a link, or on the network: unmeasured, in words."""
    folder = tmp_path / "config"
    top = write(
        folder,
        top={"$ref": reference},
        broken="{",
        list=[],
        wrong={"type": "nonsense"},
        other={"$defs": {}},
    )
    write(tmp_path, outside={"type": "string"})
    (folder / "link.json").symlink_to(tmp_path / "outside.json")
    with pytest.raises(NotMeasured) as caught:
        schema_errors({}, top, folder)
    assert said in caught.value.cause
    assert caught.value.remedy


def test_a_reference_without_end_is_unmeasured(tmp_path: Path) -> None:
    """Two files that only refer to each other decide nothing."""
    top = write(tmp_path, top={"$ref": "other.json"}, other={"$ref": "top.json"})
    with pytest.raises(NotMeasured, match="nested too deeply"):
        schema_errors({}, top)
