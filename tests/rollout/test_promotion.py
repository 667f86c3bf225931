"""Positive evidence that a rate is below its limit."""

from __future__ import annotations

import math
from itertools import product

import pytest

from readiness.rollout.promotion import ENOUGH, Promotion


def _value(limit: float, n: int, k: int, phi: float = 1.0) -> float:
    promotion = Promotion(limit)
    promotion.add(n, k, phi)
    return promotion.value


@pytest.mark.parametrize("phi", [1.0, 1.7, 6.0])
def test_evidence_is_not_expected_to_grow_at_or_above_the_limit(phi: float) -> None:
    """Exactly, for every outcome: expectation at most 1."""
    for limit, n, above in product((0.01, 0.05, 0.5), (1, 20, 50), (1.0, 1.3, 2.0)):
        rate = min(0.999, limit * above)
        expected = sum(
            math.comb(n, k) * rate**k * (1 - rate) ** (n - k) * _value(limit, n, k, phi) for k in range(n + 1)
        )
        assert expected <= 1 + 1e-9


def test_a_clean_canary_needs_about_three_hundred_requests_for_one_percent() -> None:
    """The rule of three, less what the other alternatives cost."""
    needed = next(n for n in range(1, 2000) if _value(0.01, n, 0) >= ENOUGH)
    assert 300 < needed < 450


def test_bad_events_cost_evidence() -> None:
    """And more requests bring it back."""
    assert _value(0.01, 500, 3) < 1 < ENOUGH < _value(0.01, 2000, 3)


def test_how_intervals_are_cut_does_not_matter() -> None:
    """Three intervals or one: the same evidence."""
    cut = Promotion(0.01)
    for n, k in ((100, 1), (300, 0), (250, 2)):
        cut.add(n, k, 1.0)
    assert cut.value == pytest.approx(_value(0.01, 650, 3))


def test_weak_mode_asks_for_a_hundred_requests_below_the_limit() -> None:
    """It promotes without evidence, and is labelled so."""
    promotion = Promotion(0.01)
    promotion.add(99, 0, 1.0)
    assert not promotion.has_enough(is_weak=True)
    promotion.add(1, 0, 1.0)
    assert promotion.has_enough(is_weak=True)
    assert not promotion.has_enough(is_weak=False)
    promotion.add(50, 2, 1.0)
    assert not promotion.has_enough(is_weak=True)


def test_it_goes_on_from_json() -> None:
    """The same evidence before and after."""
    promotion = Promotion(0.02)
    promotion.add(500, 2, 1.3)
    assert Promotion.from_json(promotion.to_json()).value == promotion.value
