"""Flags in a file: what is written can be judged, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from readiness.errors import NotMeasured
from readiness.probes.documents import DocumentError
from readiness.probes.flags.file import FileSource
from tests.flag_service import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path


def source(folder: Path, text: str) -> FileSource:
    """Returns the source of a file with this text."""
    (folder / "flags.json").write_text(text)
    return FileSource(folder, "flags.json")


def test_what_is_defined_is_found(tmp_path: Path) -> None:
    """The file is read, and each definition in it judged."""
    flags = source(tmp_path, json.dumps({"flags": {"checkout": CHECKOUT}}))
    assert flags.service().flags == 1
    assert flags.definitions(()).problems == ()
    assert flags.presence("checkout").is_defined
    missing = flags.presence("chekout")
    assert not missing.is_defined
    assert "did you mean 'checkout'" in missing.said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[]", "holds no object"),
        ('{"flags": []}', "holds no object"),
        ('{"flags": {"a": {}, "a": {}}}', 'the key "a" is there twice'),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_file_that_holds_no_flags_is_a_failure(tmp_path: Path, text: str, says: str) -> None:
    """It was read, and is not what it should be."""
    with pytest.raises(DocumentError, match=r"flags\.json") as caught:
        source(tmp_path, text).service()
    assert says in str(caught.value)


def test_a_file_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    """The service would not find it either."""
    with pytest.raises(DocumentError, match=r"gone\.json cannot be read: No such file"):
        FileSource(tmp_path, "gone.json").service()


def test_no_flag_is_no_evidence(tmp_path: Path) -> None:
    """Nothing defined, nothing judged."""
    flags = source(tmp_path, '{"flags": {}}')
    assert flags.service().complaints == ("no flag is defined in it",)
    with pytest.raises(NotMeasured, match="no flag is defined"):
        flags.definitions(())


def test_nothing_evaluates_a_file(tmp_path: Path) -> None:
    """It is not guessed what a service would make of it."""
    with pytest.raises(NotMeasured, match="cannot be evaluated"):
        source(tmp_path, "{}").evaluator("checkout")
