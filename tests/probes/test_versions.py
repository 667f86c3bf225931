"""Versions of servers against ranges."""

from __future__ import annotations

import pytest

from readiness.errors import NotMeasured
from readiness.probes.versions import satisfies


@pytest.mark.parametrize(
    ("version", "requirement", "holds"),
    [
        ("18.1", ">=14,<19", True),
        ("18.1", ">=14", True),
        ("13.9", ">=14", False),
        ("9.6.24", ">=14", False),
        ("17.2 (Debian 17.2-1.pgdg120+1)", ">=17,<18", True),
        ("19beta1", ">=19", False),
        ("19beta1", ">=18", True),
        ("19devel", ">=19", False),
        ("19rc1", ">=19", False),
        ("7.2.4", " >= 6 , < 8 ", True),
        ("6.2.10", ">=6.2.9", True),
        ("v1.2.3", "==1.2.3", True),
        ("14.5", "~=14.2", True),
        ("18.1", "!=18.1", False),
        ("7.2.4-rc1+build", "==7.2.4", True),
    ],
)
def test_a_version_is_held_against_a_range(version: str, requirement: str, holds: bool) -> None:
    """Numbers are compared as numbers, additions of packagers are left out, a beta comes before its release."""
    assert satisfies(version, requirement) is holds


@pytest.mark.parametrize("version", ["", "unknown", "beta"])
def test_a_version_that_cannot_be_read_is_unmeasured(version: str) -> None:
    """No number, no judgement."""
    with pytest.raises(NotMeasured, match="in which there is no number"):
        satisfies(version, ">=1")


@pytest.mark.parametrize("requirement", ["14", ">=", "latest", ">=14 <19"])
def test_what_is_no_range_is_refused(requirement: str) -> None:
    """A range that cannot be read is a mistake, not a comparison that happens to be false."""
    with pytest.raises(ValueError, match="is not a version range"):
        satisfies("14.1", requirement)
