"""What a release manager can rely on in every built-in check: a pass has evidence, a failure has words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from readiness.mark import sections_of, title_of
from tests.faults.declared import declared_checks
from tests.faults.entry import base

if TYPE_CHECKING:
    from tests.project import Judged

SECTIONS = ("Holds when", "Why it matters", "Measured by", "If it fails", "Source")
CHECKS = sorted(declared_checks())


@pytest.mark.slow
@pytest.mark.parametrize("id_", CHECKS)
def test_a_pass_has_a_measurement_with_a_limit(id_: str, healthy: Judged) -> None:
    """A check that passed says what it observed, where the limit was, and that it holds."""
    found = [check for check in healthy.report["checks"] if base(check["id"]) == id_]
    assert found
    for check in found:
        limited = [measurement for measurement in check["measurements"] if measurement["limit"]]
        assert limited, f"{check['id']} passed without a measurement that has a limit"
        assert all(measurement["holds"] and measurement["value"] is not None for measurement in limited)


@pytest.mark.parametrize("id_", CHECKS)
def test_docstring_is_complete(id_: str) -> None:
    """The docstring, which `readiness explain` and the report show, has a title and each section, in order."""
    function = declared_checks()[id_]
    sections = sections_of(function)
    assert tuple(sections) == SECTIONS
    assert all(sections.values()), sections
    assert title_of(function) != function.__name__.removeprefix("test_").replace("_", " "), "a title is missing"
