"""Absolute rules: exact tails, windows, shared incidents, presence."""

from __future__ import annotations

import json
import math
import time
from fractions import Fraction

import pytest

from readiness.rollout.rules import Presence, RuleState, Window, binomial_tail, judge_share

STEP_S = 15.0


def exact_tail(n: int, p: Fraction, k: int) -> Fraction:
    return sum((math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1)), Fraction(0))


@pytest.mark.parametrize("p", [Fraction(1, 20), Fraction(1, 4), Fraction(1, 1000), Fraction(9, 10)])
@pytest.mark.parametrize("n", [1, 10, 37, 200])
def test_tail_is_that_of_exact_fractions(n: int, p: Fraction) -> None:
    """For every k, on both sides of the mean."""
    for k in range(0, n + 2, 1 + n // 20):
        assert binomial_tail(n, float(p), k) == pytest.approx(float(exact_tail(n, p, k)), rel=1e-9, abs=1e-14)


def test_tail_of_many_requests_is_quick() -> None:
    """A hundred million requests take no longer than a person waits for a key."""
    started = time.perf_counter()
    assert 0 < binomial_tail(100_000_000, 0.05, 5_005_000) < 0.02
    assert binomial_tail(100_000_000, 0.05, 4_900_000) == pytest.approx(1)
    assert time.perf_counter() - started < 0.5


def test_tail_at_its_edges() -> None:
    """Nothing is certain to be reached, more than everything never."""
    assert binomial_tail(10, 0.5, 0) == 1
    assert binomial_tail(10, 0.5, 11) == 0
    assert binomial_tail(0, 0.5, 1) == 0
    assert binomial_tail(10, 1.0, 10) == 1


def window(parts: list[tuple[tuple[int, int] | None, tuple[int, int] | None]], length_s: float = 300.0) -> Window:
    made = Window(length_s)
    for number, (canary, baseline) in enumerate(parts, 1):
        made.add(number * STEP_S, canary, baseline)
    return made


def state(canary: tuple[int, int] | None, baseline: tuple[int, int] | None, count: int = 20) -> RuleState:
    return judge_share(window([(canary, baseline)] * count), 0.1, STEP_S)


@pytest.mark.parametrize(
    ("canary", "baseline", "expected"),
    [
        ((30, 6), (270, 0), RuleState.FIRING),
        ((30, 3), (270, 0), RuleState.QUIET),  # exactly at the limit, not above
        ((30, 6), (270, 54), RuleState.SHARED),
        ((30, 6), (270, 16), RuleState.SHARED),  # the baseline is above half the limit
        ((30, 6), None, RuleState.FIRING),  # a baseline that says nothing exculpates nobody
        ((30, 6), (0, 0), RuleState.FIRING),
        ((0, 0), (270, 0), RuleState.QUIET),
    ],
)
def test_rule_fires_above_the_limit_unless_the_baseline_is_ill_too(
    canary: tuple[int, int], baseline: tuple[int, int] | None, expected: RuleState
) -> None:
    """Twenty equal intervals of five minutes."""
    assert state(canary, baseline) is expected


def test_rule_needs_ten_requests() -> None:
    """A handful is no share."""
    few = [((1, 1), (9, 0))] * 9 + [((0, 0), (9, 0))] * 11
    assert judge_share(window(few), 0.1, STEP_S) is RuleState.QUIET
    assert judge_share(window([((1, 1), (9, 0))] * 10 + [((0, 0), (9, 0))] * 10), 0.1, STEP_S) is RuleState.FIRING


def test_rule_needs_more_than_chance_at_half_the_limit() -> None:
    """2 of 15 is above 10 %, and would be seen at 5 % one time in six."""
    few = [((1, 1), (9, 0))] * 2 + [((1, 0), (9, 0))] * 13 + [((0, 0), (9, 0))] * 5
    assert judge_share(window(few), 0.1, STEP_S) is RuleState.QUIET


def test_rule_is_unknown_under_80_percent_of_its_scrapes() -> None:
    """It neither fires nor says that all is well."""
    assert state((30, 30), (270, 0), count=15) is RuleState.UNKNOWN
    assert state((30, 30), (270, 0), count=16) is RuleState.FIRING


def test_a_gap_does_not_restart_the_clock() -> None:
    """Four of twenty scrapes are missing in the middle of an outage: it fires."""
    parts: list[tuple[tuple[int, int] | None, tuple[int, int] | None]] = [((30, 15), (270, 0))] * 20
    parts[8:12] = [(None, (270, 0))] * 4
    assert judge_share(window(parts), 0.1, STEP_S) is RuleState.FIRING


def test_a_spike_does_not_fire() -> None:
    """Five minutes above the limit because of thirty seconds are not five minutes above the limit."""
    spiky = [((30, 0), (270, 0))] * 18 + [((30, 30), (270, 0))] * 2
    assert judge_share(window(spiky), 0.05, STEP_S) is RuleState.QUIET


def test_what_is_older_than_the_window_is_out() -> None:
    """Old faults are forgotten, and old health does not dilute."""
    made = window([((30, 30), (270, 0))] * 20 + [((30, 0), (270, 0))] * 20)
    assert (made.canary_requests, made.canary_bad, made.scrapes) == (600, 0, 20)


def test_a_change_of_weight_within_the_window_makes_nobody_guilty() -> None:
    """An incident after the step from 10 % to 50 % of the traffic hits the canary's requests of that time equally."""
    parts: list[tuple[tuple[int, int] | None, tuple[int, int] | None]] = [((3, 0), (27, 0))] * 14
    parts += [((15, 5), (15, 4))] * 6
    assert judge_share(window(parts), 0.1, STEP_S) is RuleState.SHARED


def test_window_goes_on_from_json() -> None:
    """Through text, with arms that were not measured."""
    made = window([((30, 1), (270, 2)), (None, (270, 1)), ((30, 3), None)])
    again = Window.from_json(json.loads(json.dumps(made.to_json())))
    assert (again.to_json(), again.scrapes, again.canary_bad, again.baseline_bad) == (made.to_json(), 2, 4, 3)


def test_presence_needs_three_scrapes_and_a_minute() -> None:
    """A restart of a few seconds is no outage; one answer ends it."""
    presence = Presence()
    found = []
    for number in range(6):
        presence.add(number * STEP_S, is_up=False)
        found.append(presence.is_down(number * STEP_S))
    assert found == [False, False, False, False, True, True]
    presence.add(6 * STEP_S, is_up=True)
    assert not presence.is_down(6 * STEP_S)
    slow = Presence()
    slow.add(0, is_up=False)
    slow.add(60, is_up=False)
    assert not slow.is_down(60)
