"""Which checks a waiver means, and until when."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.config.model import Waiver
from readiness.config.waivers import gate_part, has_expired, is_over_broad, matches


@pytest.mark.parametrize(
    ("pattern", "check", "expected"),
    [
        ("redis/ping", "redis/ping", True),
        ("redis/ping", "redis/ping-pong", False),
        ("redis/*", "redis/hit-rate", True),
        ("redis/*", "redis-cluster/ping", False),
        ("*/connects", "database/connects", True),
        ("*", "database/connects", True),
        ("health/endpoint", "health/endpoint[/health/db]", True),
        ("health/end*", "health/endpoint[/health/db]", True),
        ("health/endpoint[/health/db]", "health/endpoint[/health/db]", True),
        ("health/endpoint[/health/db]", "health/endpoint[/health]", False),
        ("health/endpoint[/health/db]", "health/endpointh", False),
        ("health/endpoint[/health/*]", "health/endpoint[/health/db]", True),
        ("health/endpoint[*]", "health/endpoint", False),
        ("health/endpoint?", "health/endpoint1", False),
        ("health.endpoint", "health/endpoint", False),
        ("Health/endpoint", "health/endpoint", False),
        ("*/endpoint", "health/endpoint[/a]", True),
        ("health/*[/a]", "health/endpoint[/a]", True),
        ("", "health/endpoint", False),
    ],
)
def test_matches(pattern: str, check: str, expected: bool) -> None:
    """`*` is any text, brackets are part of ids, and an id without a parameter means all of them."""
    assert matches(pattern, check) is expected


@given(st.text(min_size=1))
def test_every_id_matches_itself(check: str) -> None:
    """No character of an id has a meaning of its own, but for `*`, which matches itself too."""
    assert matches(check, check)


@pytest.mark.parametrize(("days", "expected"), [(-1, False), (0, False), (1, True)])
def test_last_valid_day_is_inclusive(days: int, expected: bool) -> None:
    """On the day itself the waiver still counts."""
    waiver = Waiver(check="a/b", reason="r", owner="o", expires=dt.date(2026, 12, 31))
    assert has_expired(waiver, dt.date(2026, 12, 31) + dt.timedelta(days=days)) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", True),
        ("*/*", True),
        ("health/*", True),
        ("health/**", True),
        ("health*", True),
        ("health/endpoint", False),
        ("health/end*", False),
        ("health/endpoint[*]", False),
        ("*/connects", False),
        ("health", False),
    ],
)
def test_over_broad(pattern: str, expected: bool) -> None:
    """A pattern for every check of a gate hides what nobody has seen yet."""
    assert is_over_broad(pattern) is expected


@pytest.mark.parametrize(
    ("pattern", "gate"),
    [("health/endpoint", "health"), ("*/connects", "*"), ("*", "*"), ("*lth/x", "*lth"), ("a", "a")],
)
def test_gate_part(pattern: str, gate: str) -> None:
    """What of a pattern stands for the gate."""
    assert gate_part(pattern) == gate
