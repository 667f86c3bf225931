"""What each stage needs at today's traffic: against the judge itself."""

from __future__ import annotations

import json

import pytest

from readiness.rollout.interface import Action
from readiness.rollout.plan import plan, seconds_to_catch, seconds_to_promote
from readiness.rollout.spec import MetricSpec, PromotionMode, RolloutSpec, minutes_text
from tests.rollout.looks import STEP_S, actions, looks, traffic

ERRORS = MetricSpec("errors", promote_below=0.01)
SPEC = RolloutSpec((ERRORS,), stages=(0.1, 0.25, 0.5, 0.75))


def share_within(seconds: float, wanted: Action, rps: float, base: float, factor: float, runs: int = 60) -> float:
    """Returns the share of simulated rollouts that come to an action in that time, at 10 % of the traffic."""
    count = round(seconds / STEP_S + 0.499)
    return (
        sum(
            wanted in actions(looks(traffic(seed, count, rps=rps, base=base, factor=factor)), SPEC)
            for seed in range(runs)
        )
        / runs
    )


@pytest.mark.slow
@pytest.mark.parametrize(("rps", "factor"), [(20.0, 5.0), (20.0, 10.0), (100.0, 3.0)])
def test_regressions_are_caught_in_the_time_of_the_plan(rps: float, factor: float) -> None:
    """In about nine rollouts out of ten; the plan is neither far too hopeful nor useless."""
    seconds = seconds_to_catch(ERRORS, (0.1 * rps, 0.9 * rps), 0.005, factor, SPEC.of_stage(0.1))
    assert seconds is not None
    assert share_within(seconds, Action.ROLLBACK, rps, 0.005, factor) >= 0.8
    assert share_within(seconds / 3, Action.ROLLBACK, rps, 0.005, factor) <= 0.8


@pytest.mark.slow
@pytest.mark.parametrize("base", [0.0, 0.001, 0.002])
def test_healthy_canaries_are_promoted_in_the_time_of_the_plan(base: float) -> None:
    """In about nine stages out of ten."""
    seconds = seconds_to_promote(ERRORS, 2.0, base, SPEC)
    assert seconds is not None
    assert share_within(seconds, Action.PROMOTE, 20.0, base, 1.0) >= 0.8


def test_more_traffic_needs_less_time() -> None:
    """For promotion and for every regression, down to what the rules ask for in any case."""
    slow, fast = (plan(SPEC, rps, {"errors": 0.001})[0] for rps in (5.0, 50.0))
    assert slow.promote_s is not None
    assert fast.promote_s is not None
    assert slow.promote_s > fast.promote_s >= 300
    for factor in ("2x", "5x", "10x"):
        times = [each.metrics[0].catch_s[factor] for each in (slow, fast)]
        assert times[0] is not None
        assert times[1] is not None
        assert times[0] > times[1] >= 2 * STEP_S


def test_a_stage_that_is_too_short_says_what_to_change() -> None:
    """More load, a larger first weight, or more time; it never passes by itself."""
    first = plan(SPEC, 5.0, {"errors": 0.0005})[0]
    text = " ".join(first.advice)
    assert "synthetic load" in text
    assert "instead of 10%" in text
    assert "min of the 10" in text
    assert plan(SPEC, 500.0, {"errors": 0.001})[0].advice == ()


def test_what_can_never_be_promoted_is_said_before() -> None:
    """A service that is at its limit today."""
    first = plan(SPEC, 50.0, {"errors": 0.01})[0]
    assert first.promote_s is None
    assert "not below the limit" in first.advice[0]


def test_the_last_stage_has_no_baseline() -> None:
    """At 100 % nothing is compared."""
    last = plan(RolloutSpec((ERRORS,)), 50.0, {"errors": 0.001})[-1]
    assert set(last.metrics[0].catch_s.values()) == {None}
    assert json.loads(json.dumps(last.to_json()))["stage"] == 1.0


def test_weak_mode_needs_a_hundred_requests() -> None:
    """Or five minutes, whichever is longer."""
    spec = RolloutSpec((ERRORS,), mode=PromotionMode.POINT)
    assert seconds_to_promote(ERRORS, 10.0, 0.001, spec) == 300
    assert seconds_to_promote(ERRORS, 0.1, 0.001, spec) == 1000


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0"), (20, "0.3"), (90, "1.5"), (300, "5"), (599, "10"), (630, "10"), (72_000, "1,200")]
)
def test_minutes_are_written_with_a_tenth_where_there_are_few(seconds: float, text: str) -> None:
    """A stage of 20 s is not one of 0 minutes."""
    assert minutes_text(seconds) == text
