"""Versions against advisories, as OSV's schema and PEP 440 say."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from readiness.static.dependencies.matching import (
    Affected,
    IncomparableError,
    fixes,
    is_affected,
    merged,
    read_affected,
)
from tests.static.dependencies.advisory_data import Record, advisory


def affected(record: Record, package: str = "shoplib") -> Affected:
    return read_affected(record, lambda ecosystem: ecosystem == "PyPI")[package]


@pytest.mark.parametrize(
    ("events", "inside", "outside"),
    [
        ([("introduced", "1.0"), ("fixed", "1.4.2")], ["1.0", "1.0.0", "1.4.1", "1.4.2rc1", "1.0.post1"], ["0.9", "1.0rc1", "1.4.2", "2"]),
        ([("introduced", "0"), ("fixed", "2")], ["0.0.1", "0.dev0", "1.9.9", "2.0b1"], ["2", "2.0.0", "2.0.post1"]),
        ([("introduced", "1.0"), ("last_affected", "1.4")], ["1.0", "1.4", "1.4.0"], ["1.4.1", "1.4.post1", "0.1"]),
        ([("introduced", "0")], ["0", "99!1"], []),
        ([("introduced", "1"), ("fixed", "2"), ("introduced", "3"), ("fixed", "4")], ["1", "3.5"], ["0.5", "2", "2.5", "4"]),
        ([("fixed", "4"), ("introduced", "3"), ("fixed", "2"), ("introduced", "1")], ["1", "3.5"], ["0.5", "2.5", "4"]),
        ([("fixed", "2")], [], ["1", "2", "3"]),
        ([("introduced", "1!0"), ("fixed", "1!2")], ["1!1"], ["5", "1!2"]),
    ],
)  # fmt: skip
def test_ranges(events: list[tuple[str, str]], inside: list[str], outside: list[str]) -> None:
    """Introduced counts, fixed does not, last_affected does; several ranges, in any order; epochs; pre- and post-releases."""
    about = affected(advisory("X", "shoplib", *events))
    assert [version for version in inside if not is_affected(version, about)] == []
    assert [version for version in outside if is_affected(version, about)] == []


def test_named_versions() -> None:
    """A version that is named is affected in whatever way it is written, beside ranges that do not hold it."""
    about = affected(advisory("X", "shoplib", ("introduced", "5"), versions=("1.0", "2004d", "1.1.0RC1")))
    for version in ("1.0", "1.0.0", "v1.0", "2004d", "1.1.0rc1", "6"):
        assert is_affected(version, about), version
    assert not is_affected("1.1", about)


def test_local_versions_are_as_affected_as_public_ones() -> None:
    """How a package was built does not mend it."""
    about = affected(advisory("X", "shoplib", ("introduced", "0"), ("fixed", "2.0"), versions=("1.5",)))
    assert is_affected("1.5+cpu", about)
    assert is_affected("1.9+local.7", about)
    assert not is_affected("2.0+cu118", about)


@pytest.mark.parametrize(
    ("version", "record"),
    [
        ("2004d", advisory("X", "shoplib", ("introduced", "0"), ("fixed", "2"))),
        ("1.0", advisory("X", "shoplib", ("introduced", "one"), ("fixed", "2"))),
        ("1.0", advisory("X", "shoplib")),
    ],
)
def test_what_cannot_be_compared_is_said(version: str, record: Record) -> None:
    """No order, or commits only: neither affected nor not."""
    with pytest.raises(IncomparableError):
        is_affected(version, affected(record))


def test_withdrawn_and_foreign_advisories_say_nothing() -> None:
    """A withdrawn advisory, and one about another ecosystem's package of that name, are none."""
    for record in (advisory("X", withdrawn="2026-01-01T00:00:00Z"), advisory("X", ecosystem="npm")):
        assert read_affected(record, lambda ecosystem: ecosystem == "PyPI") == {}


def test_two_entries_for_one_package_add_up() -> None:
    """An advisory may name a package once for each range."""
    record = advisory("X", "shoplib", ("introduced", "1"), ("fixed", "2"))
    record["affected"] += advisory("X", "shoplib", ("introduced", "5"), ("fixed", "6"))["affected"]
    about = affected(record)
    assert [version for version in ("1", "3", "5") if is_affected(version, about)] == ["1", "5"]
    assert [str(version) for version in fixes("1", about)] == ["2", "6"]


def test_ranges_of_commits_do_not_count() -> None:
    """Beside a range of versions, one of commits is left out."""
    record = advisory("X", "shoplib", ("introduced", "1"), ("fixed", "2"))
    record["affected"][0]["ranges"].append({"type": "GIT", "events": [{"introduced": "0"}, {"fixed": "abc"}]})
    assert not is_affected("3", affected(record))


def test_aliases_are_one_problem() -> None:
    """Two that name each other, or the same third, are one; in whatever order they come."""
    records = [
        Affected("PYSEC-1", ["CVE-1"], (), ()),
        Affected("PYSEC-2", ["CVE-2"], (), ()),
        Affected("GHSA-1", ["CVE-1"], (), ()),
        Affected("CVE-2", [], (), ()),
        Affected("GHSA-2", ["PYSEC-2"], (), ()),
    ]
    for order in (records, records[::-1]):
        groups = {frozenset(each.id for each in group) for group in merged(order)}
        assert groups == {frozenset({"PYSEC-1", "GHSA-1"}), frozenset({"PYSEC-2", "CVE-2", "GHSA-2"})}


VERSIONS = st.builds(
    lambda release, suffix: ".".join(map(str, release)) + suffix,
    st.lists(st.integers(0, 4), min_size=1, max_size=3),
    st.sampled_from(["", "a1", "rc1", ".post1", ".dev1"]),
)


@given(low=VERSIONS, high=VERSIONS, version=VERSIONS)
def test_a_range_is_the_interval_that_it_says(low: str, high: str, version: str) -> None:
    """Affected if and only if low <= version < high, for any three versions of which low < high."""
    if Version(low) >= Version(high):
        return
    about = Affected("X", (), [[("introduced", low), ("fixed", high)]], ())
    assert is_affected(version, about) == (Version(low) <= Version(version) < Version(high))


def test_a_fix_in_version_0_is_one() -> None:
    """Only the introduction at 0 stands for the beginning."""
    about = Affected("X", (), [[("introduced", "0a1"), ("fixed", "0")]], ())
    assert not is_affected("0", about)
    assert is_affected("0a1", about)


JSON = st.recursive(st.none() | st.booleans() | st.text(max_size=4) | st.integers(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["package", "ecosystem", "name", "ranges", "type", "events", "introduced", "fixed", "versions"]), inner, max_size=4), max_leaves=12)  # fmt: skip


@given(inner=JSON, version=VERSIONS)
def test_any_record_is_read_or_refused(inner: object, version: str) -> None:
    """Whatever stands in an advisory, it is read, or it is said that it cannot be compared; nothing else is raised."""
    for record in ({"id": "X", "affected": inner}, {"id": "X", "affected": [inner]}, {"id": "X", "aliases": inner}):
        for about in read_affected(record, lambda _ecosystem: True).values():
            with contextlib.suppress(IncomparableError):
                is_affected(version, about)
