"""Measurements against limits: what holds, what does not, and what the message says."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness import wire
from readiness.config.quantity import Duration
from readiness.evidence import Evidence, Measure
from readiness.model import Measurement


@pytest.fixture
def measure() -> Measure:
    return Measure(Evidence("readiness.toml [health]"))


@pytest.mark.parametrize(
    ("value", "limits", "holds"),
    [
        (5, {"at_most": 5}, True),
        (5.1, {"at_most": 5}, False),
        (5, {"at_least": 5}, True),
        (4.9, {"at_least": 5}, False),
        (0, {"at_most": 0}, True),
        (1, {"at_most": 0}, False),
        (None, {"at_most": 5}, False),
        (None, {"equals": "x"}, False),
        (math.nan, {"at_most": 5}, False),
        (math.inf, {"at_least": 5}, True),
        ("7", {"at_most": 9}, False),
        (True, {"at_most": 9}, False),
        (True, {"equals": True}, True),
        (1, {"equals": True}, False),
        ("a", {"equals": "a"}, True),
        ("18.1", {"satisfies": ">=14,<19"}, True),
        ("13.9", {"satisfies": ">=14"}, False),
        (7, {}, True),
        (None, {}, True),
    ],
)
def test_limits(measure: Measure, value: object, limits: dict[str, object], holds: bool) -> None:
    """Bounds are inclusive; what is no number is within none."""
    assert measure("x", value, **limits).holds is holds  # type: ignore[arg-type] # test data


@pytest.mark.parametrize(
    ("given", "argument", "error"),
    [
        ({"name": 5}, "name", TypeError),
        ({"unit": 5}, "unit", TypeError),
        ({"value": object()}, "value", TypeError),
        ({"equals": [1]}, "equals", TypeError),
        ({"satisfies": 14}, "satisfies", TypeError),
        ({"at_most": "5"}, "at_most", TypeError),
        ({"at_least": True}, "at_least", TypeError),
        ({"at_most": math.nan}, "at_most", ValueError),
        ({"at_least": -math.inf}, "at_least", ValueError),
    ],
)
def test_argument_of_another_kind(
    measure: Measure, given: dict[str, object], argument: str, error: type[Exception]
) -> None:
    """It is refused by its name, and nothing of it is recorded."""
    with pytest.raises(error, match=rf"as {argument}, not "):
        measure(**{"name": "x", "value": 1} | given)  # type: ignore[arg-type] # test data
    assert not measure.evidence.measurements


def test_detail_that_is_no_text(measure: Measure) -> None:
    """What cannot be told is not recorded either: each measurement has its message."""
    with pytest.raises(TypeError):
        measure("x", 1, detail=[5])  # type: ignore[list-item] # test data
    assert measure.evidence.violations() == []
    assert not measure.evidence.measurements


def test_message_names_value_limit_and_source(measure: Measure) -> None:
    """What was observed, what was expected, who says so, and where it was."""
    measure("latency p95", 812.3456, unit="ms", at_most=500, key="within", where="GET http://h/x")
    assert measure.evidence.violations() == [
        "latency p95: observed 812.346 ms, expected at most 500 ms (readiness.toml [health] within), at GET http://h/x"
    ]


def test_same_name_twice_keeps_both_messages(measure: Measure) -> None:
    """Two replies of one endpoint, each with its own place."""
    measure("status", 500, equals=200, where="GET /a")
    measure("status", 503, equals=200, where="GET /b")
    assert [line.rpartition(" ")[2] for line in measure.evidence.violations()] == ["/a", "/b"]


def test_quantities_become_plain_numbers(measure: Measure) -> None:
    """A duration of the configuration may be measured as it is."""
    seen = measure("age", Duration.parse("2s"), unit="s", at_most=Duration.parse("5s"))
    assert type(seen.value) is float
    assert wire.from_builtins(wire.to_builtins(seen), Measurement) == seen


def test_values_that_no_report_can_carry_are_refused(measure: Measure) -> None:
    """Found in the check that did it, not in the report."""
    with pytest.raises(TypeError, match=r"measure\('x'\) takes text, a number or a truth value as value, not dict"):
        measure("x", {})  # type: ignore[arg-type] # the error under test


@given(st.one_of(st.integers(), st.floats(), st.text(), st.booleans(), st.none()))
def test_every_measurement_survives_the_wire(value: object) -> None:
    """NaN, infinities and lone surrogates included."""
    seen = Measure(Evidence("x"))("n", value)  # type: ignore[arg-type] # drawn from the allowed types
    carried = wire.to_builtins(seen)
    assert wire.to_json(carried).decode()
