from __future__ import annotations

import pytest
from hypothesis import given

from readiness.model import Limit, Scalar
from readiness.reports import text
from tests.reports.strategies import anything


@given(anything)
def test_visible_text_can_be_carried_by_xml_and_utf8(raw: str) -> None:
    """Nothing is left that XML forbids, UTF-8 cannot encode or a terminal obeys; and nothing more is changed then."""
    shown = text.visible(raw)
    shown.encode()
    assert all(char in "\n\t" or char >= " " for char in shown)
    assert not set(shown) & set("\x7f\x9b\u202e\u2066\u200b\ufeff\ufffe\uffff")
    assert text.visible(shown) == shown


@given(anything)
def test_one_line_is_one(raw: str) -> None:
    """No character breaks the line, for any reader."""
    assert len(text.one_line(raw).splitlines()) <= 1
    assert len(text.one_line(raw, 10)) <= 10


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\r\nb\tc\x00", "a\nb\tc\\x00"),
        ("level\u202e", "level\\u202e"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("zażółć 日本 👩\u200d💻", "zażółć 日本 👩\u200d💻"),
    ],
)
def test_hidden_characters_are_shown(raw: str, shown: str) -> None:
    """What acts unseen is written out; what people write is left alone."""
    assert text.visible(raw) == shown


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (12.1, "ms", "12.1 ms"), (500.0, "ms", "500 ms"), (93.2, "%", "93.2%"), (True, "", "yes"), (None, "", "none"),
        (1_234_567, "", "1234567"), (float("inf"), "s", "inf s"), ("17.2", "", "17.2"), (0.1 + 0.2, "s", "0.3 s"),
    ],
)  # fmt: skip
def test_values_read_well(value: Scalar, unit: str, shown: str) -> None:
    """Numbers are shown without binary noise, and with their unit."""
    assert text.value_text(value, unit) == shown


@pytest.mark.parametrize(
    ("limit", "shown"),
    [
        (None, ""), (Limit(), ""), (Limit(at_most=500), "at most 500 ms"), (Limit(equals=200), "equal to 200 ms"),
        (Limit(at_least=1, at_most=2), "at least 1 ms and at most 2 ms"), (Limit(satisfies=">=14"), ">=14"),
        (Limit(equals=False), "equal to no ms"),
    ],
)  # fmt: skip
def test_limits_read_well(limit: Limit | None, shown: str) -> None:
    """Every bound that is set is told."""
    assert text.limit_text(limit, "ms") == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0123, "12 ms"), (12.34, "12.3 s"), (245, "4 min 5 s"), (7260, "2 h 1 min"), (float("nan"), "unknown"),
        (-1, "unknown"),
    ],
)  # fmt: skip
def test_durations_read_well(seconds: float, shown: str) -> None:
    """A duration has the unit that one would say it in."""
    assert text.duration_text(seconds) == shown


@pytest.mark.parametrize(
    ("expires", "shown"),
    [
        ("2026-11-25", "ends in 4 days (2026-11-25)"), ("2026-11-22", "ends in 1 day (2026-11-22)"),
        ("2026-11-21", "ends today (2026-11-21)"), ("2026-11-20", "ended 1 day ago (2026-11-20)"), ("soon", "soon"),
    ],
)  # fmt: skip
def test_expiry_is_counted_from_the_end_of_the_run(expires: str, shown: str) -> None:
    """The report of a day says the same for ever; the clock is not asked."""
    assert text.expiry_text("2026-11-21T23:59:59Z", expires) == shown


def test_counts_come_in_the_order_of_attention() -> None:
    """Failures first, passes last, nothing that did not occur."""
    assert text.counts_text({"passed": 1200, "failed": 2, "waived": 0}) == "2 failed, 1,200 passed"
    assert text.counts_text({}) == "no checks"
