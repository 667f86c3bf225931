"""Numbers with a unit."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.config.quantity import Duration, Quantity, Ratio, Size


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Duration, "500ms", 0.5),
        (Duration, " 1.5 s ", 1.5),
        (Duration, "30m", 1800),
        (Duration, "14d", 14 * 86400),
        (Ratio, "1%", 0.01),
        (Ratio, "99.9%", 0.999),
        (Size, "1GiB", 2**30),
        (Size, "5MB", 5e6),
    ],
)
def test_quantities(kind: type[Quantity], text: str, value: float) -> None:
    """A number in the base unit that remembers how it was written."""
    quantity = kind.parse(text)
    assert quantity == pytest.approx(value)
    assert str(quantity) == text.strip()
    assert re.search(kind.pattern(), text)


@pytest.mark.parametrize("text", ["500", "", "ms", "-1s", "1e3s", "5 sec", "1s\n2s", "٣s", 500, None, True])
def test_what_is_no_duration(text: object) -> None:
    """A bare number above all."""
    with pytest.raises(ValueError, match="expected a duration with its unit, such as"):
        Duration.parse(text)


@given(st.integers(0, 10**6), st.sampled_from(["", ".0", ".5", ".000"]), st.sampled_from(sorted(Duration.units)))
def test_positive_pattern_is_that_of_durations_above_zero(whole: int, rest: str, unit: str) -> None:
    """The schema refuses exactly the durations that are zero."""
    text = f"{whole}{rest}{unit}"
    assert bool(re.search(Duration.positive_pattern(), text)) is (Duration.parse(text) > 0)


@given(st.integers(0, 300), st.sampled_from(["", ".0", ".5", ".00"]))
def test_share_pattern_is_that_of_ratios_up_to_the_whole(whole: int, rest: str) -> None:
    """The schema refuses exactly the ratios above 100%."""
    text = f"{whole}{rest}%"
    assert bool(re.search(Ratio.share_pattern(), text)) is (Ratio.parse(text).percent <= 100)
