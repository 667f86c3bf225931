"""The judge, look by look: every row of what must never promote, of the limits and of several metrics."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from readiness.rollout.interface import Action, Alert, Arm, Counts, Interval, Look, Mark, Measured, Missing, Targets
from readiness.rollout.judge import Judge
from readiness.rollout.rules import RuleState
from readiness.rollout.spec import MetricSpec, PromotionMode, RolloutSpec
from tests.rollout.looks import (
    ERRORS,
    HEALTHY,
    SPEC,
    START_S,
    STEP_S,
    actions,
    codes,
    counted,
    interval,
    judge_all,
    look,
    looks,
    traffic,
)

GONE = Missing("no series", "look at /metrics")
PROMOTE, HOLD, ROLLBACK = Action.PROMOTE, Action.HOLD, Action.ROLLBACK


# --- promotion --------------------------------------------------------------------------------------------------


def test_a_healthy_canary_is_promoted_after_five_minutes_and_ten_scrapes() -> None:
    """And not before, however much evidence there is."""
    found = actions(looks([HEALTHY] * 22))
    assert found == [HOLD] * 19 + [PROMOTE] * 3
    assert codes(judge_all(looks([HEALTHY] * 19))[-1]) == {"too-early"}


def test_promotion_needs_ten_scrapes() -> None:
    """Five minutes of one scrape a minute are not enough."""
    spec = replace(SPEC, interval_s=60.0)
    minutes = [
        Look(START_S + (n + 1) * 60, 0.1, (Interval(START_S + n * 60, START_S + (n + 1) * 60, *_same(n)),))
        for n in range(12)
    ]
    assert actions(minutes, spec).index(PROMOTE) == 9


def _same(_: int) -> tuple[dict[str, Measured], dict[str, Measured]]:
    return {"errors": Counts(1200, 0)}, {"errors": Counts(10_000, 3)}


def test_too_little_traffic_is_never_promoted() -> None:
    """Three requests an interval for the whole stage are no evidence for a limit of 1 %."""
    found = judge_all(looks([(3, 0, 27, 0)] * 45))
    assert {each.action for each in found} == {HOLD}
    assert "evidence" in found[-1].metrics[0].missing


def test_a_rate_at_the_limit_is_not_promoted() -> None:
    """3 of 300 is 1 %, and not below it."""
    assert set(actions(looks([(300, 3, 2700, 27)] * 40))) == {HOLD}


def test_a_new_stage_needs_its_own_evidence() -> None:
    """Load may break what little traffic did not: five minutes again."""
    given = looks([HEALTHY] * 20) + looks([(750, 1, 2250, 3)] * 20, first=20, stage=0.25)
    found = actions(given)
    assert found[19] is PROMOTE
    assert found[20:39] == [HOLD] * 19
    assert found[39] is PROMOTE


def test_suspicion_holds() -> None:
    """Evidence of 5 that it is worse is too little to roll back and too much to promote."""
    spec = RolloutSpec((MetricSpec("errors", promote_below=0.5),))
    found = judge_all(looks([(300, 1, 2700, 3)] * 12 + [(300, 2, 2700, 1)] * 2 + [(300, 1, 2700, 6)] * 8), spec)[-1]
    assert 5 <= found.evidence < 100
    assert found.action is HOLD
    assert codes(found) == {"suspicion"}


def test_weak_mode_promotes_on_a_share() -> None:
    """A hundred requests without an error, which prove little."""
    spec = replace(SPEC, mode=PromotionMode.POINT)
    few = [(6, 0, 54, 0)] * 20
    assert actions(looks(few), spec)[-1] is PROMOTE
    assert actions(looks(few))[-1] is HOLD


# --- no evidence never promotes ---------------------------------------------------------------------------------


def _after_healthy(last: Look) -> tuple[Action, set[str]]:
    judge = Judge(SPEC)
    for each in looks([HEALTHY] * 25):
        judge.look(each)
    found = judge.look(last)
    return found.action, codes(found)


@pytest.mark.parametrize(
    ("last", "code"),
    [
        (look(25, counted(25, HEALTHY), unreadable="Prometheus answered 503"), "unreadable"),
        (look(25, interval(25, GONE, Counts(2700, 3))), "missing"),
        (look(25, interval(25, Counts(300, 0), GONE)), "missing"),
        (look(25, interval(25, Counts(300, 0), Counts(2700, 3), name="other")), "missing"),
        (look(25), "missing"),
        (look(25, counted(25, HEALTHY), canary=Targets(0, 2)), "targets-down"),
        (look(25, counted(25, HEALTHY), canary=Targets(0, 0)), "targets-down"),
        (look(25, counted(25, HEALTHY), canary=Targets(1, 2)), "targets-down"),
        (look(25, counted(25, HEALTHY), baseline=Targets(0, 0)), "no-baseline"),
        (look(25, counted(25, HEALTHY), alerts=None), "alerts-unknown"),
        (look(25, counted(25, HEALTHY), alerts=(Alert("LowDisk"),)), "forbidden"),
        (look(25, interval(25, Counts(300, 0, lost=5), Counts(2700, 3))), "data-lost"),
        (look(26, counted(26, HEALTHY)), "data-lost"),
    ],
)
def test_a_look_without_evidence_holds_and_says_so(last: Look, code: str) -> None:
    """After 25 healthy looks, each of which but the first 19 promoted."""
    action, found = _after_healthy(last)
    assert action is HOLD
    assert code in found


def test_unmeasured_is_told_from_failed() -> None:
    """What could not be read makes the check unmeasured; a canary that is not shown to be healthy does not."""
    found = judge_all([look(0, unreadable="timed out"), *looks([(3, 0, 27, 0)] * 3, first=1)])
    assert found[0].is_unmeasured
    few = judge_all(looks([(3, 0, 27, 0)] * 20))[-1]
    assert few.action is HOLD
    assert not few.is_unmeasured


def test_no_traffic_holds() -> None:
    """The canary is up, and nobody asks it anything; also after a healthy start."""
    found = judge_all(looks([(0, 0, 3000, 3)] * 41))[-1]
    assert found.action is HOLD
    assert "no-traffic" in codes(found)
    found = judge_all(looks([HEALTHY] * 10 + [(0, 0, 3000, 3)] * 15))[-1]
    assert found.action is HOLD
    assert "no-traffic" in codes(found)


def test_a_canary_that_is_away_for_three_scrapes_and_a_minute_is_rolled_back() -> None:
    """While it has weight; looks that could not be read prove nothing about it."""
    away = [look(n, interval(n, GONE, Counts(2700, 3)), canary=Targets(0, 2)) for n in range(6)]
    assert actions(away) == [HOLD] * 4 + [ROLLBACK] * 2
    assert "canary-down" in codes(judge_all(away)[-1])
    unread = [look(n, unreadable="timed out", canary=Targets(0, 2)) for n in range(20)]
    assert set(actions(unread)) == {HOLD}
    weightless = [look(n, canary=Targets(0, 0), stage=0.0) for n in range(20)]
    assert set(actions(weightless)) == {HOLD}


def test_without_a_baseline_only_the_limits_judge() -> None:
    """They roll back; nothing promotes, unless the rollout was declared to have none."""
    fine = [look(n, interval(n, Counts(300, 0), GONE), baseline=Targets(0, 0)) for n in range(30)]
    assert set(actions(fine)) == {HOLD}
    ill = [look(n, interval(n, Counts(300, 60), GONE), baseline=Targets(0, 0)) for n in range(30)]
    assert ROLLBACK in actions(ill)


@pytest.mark.parametrize(("stage", "expected"), [(0.1, PROMOTE), (0.25, HOLD)])
def test_without_a_declared_baseline_promotion_ends_at_a_quarter(stage: float, expected: Action) -> None:
    """From 10 % to 25 % and no further."""
    spec = replace(SPEC, has_baseline=False)
    fine = [look(n, interval(n, Counts(300, 0), GONE), baseline=Targets(0, 0), stage=stage) for n in range(30)]
    assert actions(fine, spec)[-1] is expected
    assert actions(fine, replace(spec, without_baseline=1.0))[-1] is PROMOTE
    silent = [look(n, interval(n, Counts(0, 0), GONE), baseline=Targets(0, 0), stage=0.1) for n in range(30)]
    assert "no-traffic" in codes(judge_all(silent, spec)[-1])


def test_a_rule_without_its_scrapes_blocks_promotion() -> None:
    """A window of ten minutes is not covered by five."""
    spec = RolloutSpec((replace(ERRORS, rollback_for_s=600.0),))
    found = judge_all(looks([HEALTHY] * 40), spec)
    assert found[25].metrics[0].rule is RuleState.UNKNOWN
    assert codes(found[25]) == {"rule-unknown"}
    assert [each.action for each in found].index(PROMOTE) == 31


def test_restarts_of_the_canary_hold() -> None:
    """One is a restart, three are a crash loop whose last errors nobody scraped."""
    restarted = [
        look(n, interval(n, Counts(300, 0, marks=(Mark.RESET,) if n in {3, 7, 9} else ()), Counts(2700, 3)))
        for n in range(25)
    ]
    assert "restarts" in codes(judge_all(restarted)[-1])
    assert actions([*restarted[:9], *looks([HEALTHY] * 16, first=9)])[-1] is PROMOTE


# --- missing and made good --------------------------------------------------------------------------------------


def test_intervals_that_are_read_later_are_as_good_as_in_time() -> None:
    """A Prometheus that was away for two looks still has their samples."""
    given = looks([HEALTHY] * 20)
    late = [
        *given[:10],
        *(look(n, unreadable="timed out") for n in (10, 11)),
        look(12, *(counted(n, HEALTHY) for n in (10, 11, 12))),
        *given[13:],
    ]
    assert actions(late)[-1] is PROMOTE


def test_counts_that_cover_a_missed_scrape_make_it_good() -> None:
    """The counters went on counting; both arms are compared over the same time."""
    bridged = looks([HEALTHY] * 20)
    bridged[10] = look(10, interval(10, GONE, Counts(2700, 3)))
    bridged[11] = look(11, interval(11, Counts(600, 0, covers=2), Counts(2700, 3)))
    found = judge_all(bridged)
    assert [each.metrics[0].is_measured for each in found[9:12]] == [True, False, True]
    assert found[-1].action is PROMOTE
    bridged[11] = look(11, interval(11, Counts(300, 0), Counts(2700, 3)))
    assert "data-lost" in codes(judge_all(bridged)[-1])


def test_an_incident_while_one_arm_is_missing_still_cancels() -> None:
    """The baseline's bad events wait for the canary's, so that nobody is compared with another time."""
    spec = RolloutSpec((MetricSpec("errors", promote_below=0.01),))
    given = looks([HEALTHY] * 20)
    given[10] = look(10, interval(10, Counts(300, 90), GONE))
    given[11] = look(11, interval(11, Counts(300, 90), Counts(5400, 1620, covers=2)))
    found = judge_all(given, spec)
    assert max(each.evidence for each in found) < 2


def test_a_tolerated_loss_does_not_block() -> None:
    """Where pods come and go all the time, a share of lost requests may be allowed on purpose; it still counts as bad."""
    given = looks([HEALTHY] * 25)
    given[5] = look(5, interval(5, Counts(300, 0, lost=2), Counts(2700, 3)))
    assert actions(given)[-1] is HOLD
    assert actions(given, replace(SPEC, tolerated_loss=0.01))[-1] is PROMOTE
    given[5] = look(5, interval(5, Counts(300, 0, lost=200), Counts(2700, 3)))
    assert actions(given, replace(SPEC, tolerated_loss=0.01))[-1] is HOLD


def test_intervals_are_never_counted_twice() -> None:
    """A reader that sends an interval again is told."""
    judge = Judge(SPEC)
    judge.look(look(0, counted(0, HEALTHY)))
    with pytest.raises(ValueError, match="counted twice"):
        judge.look(look(1, counted(0, HEALTHY), counted(1, HEALTHY)))


# --- rollback ---------------------------------------------------------------------------------------------------


def test_half_of_all_requests_failing_is_rolled_back_within_four_intervals() -> None:
    """From ten requests an interval on; one bad interval does nothing."""
    found = actions(looks([(10, 5, 90, 0)] * 4))
    assert found[0] is HOLD
    assert found[3] is ROLLBACK
    spike = looks([HEALTHY] * 10 + [(300, 150, 2700, 3)] + [HEALTHY] * 40)
    assert ROLLBACK not in actions(spike)


def test_a_limit_broken_for_five_minutes_is_rolled_back() -> None:
    """15 % above a limit of 10 %, in a release that has always been so bad next to one that has little traffic."""
    spec = replace(SPEC, margin=5.0)
    found = judge_all(looks([(30, 5, 270, 12)] * 20), spec)
    assert found[-1].action is ROLLBACK
    assert codes(found[-1]) >= {"limit-broken"} or codes(found[-1]) >= {"rolled-back-before"}


def test_no_traffic_names_the_selector_that_matches_nothing() -> None:
    """It may be that which is wrong: in the canary, else in the baseline."""
    absent = {Arm.CANARY: {"errors": "requests{a}"}, Arm.BASELINE: {"errors": "requests{b}"}}
    for four, says in (
        (
            (0, 0, 300, 0),
            "the canary has had no requests in this stage: its targets answer, and have no series of requests{a}",
        ),
        (
            (30, 0, 0, 0),
            "the baseline has had no requests in this stage: its targets answer, and have no series of requests{b}",
        ),
    ):
        found = Judge(SPEC).look(replace(look(0, counted(0, four)), absent=absent))
        assert any(says in each.text for each in found.reasons)


def test_a_shared_incident_holds() -> None:
    """Both arms fail alike: the canary is not to blame, and nothing is promoted; unless configured to roll back."""
    ill = looks([HEALTHY] * 25 + [(300, 90, 2700, 810)] * 20)
    found = judge_all(ill)
    assert {each.action for each in found[30:]} == {HOLD}
    assert "shared-incident" in codes(found[-1])
    assert actions(ill, replace(SPEC, rollback_on_shared=True))[-1] is ROLLBACK


def test_a_critical_alert_soon_after_the_deployment_is_rolled_back() -> None:
    """Where it began in the 10 minutes after it; else it only holds, and is named."""
    for since_s, deployed_s, action in (
        (START_S + 60, None, ROLLBACK),  # nobody says: the stage's start counts
        (START_S - 60, None, HOLD),
        (START_S + 60, START_S - 300, ROLLBACK),
        (START_S - 60, START_S - 300, ROLLBACK),
        (START_S - 300, START_S - 200, HOLD),
        (START_S + 301, START_S - 300, HOLD),
        (None, START_S - 300, HOLD),
    ):
        alert = Alert("ApiDown", since_s)
        given = [look(n, counted(n, HEALTHY), alerts=(alert,) if n == 30 else ()) for n in range(32)]
        found = judge_all([replace(each, deployed_s=deployed_s) for each in given])
        assert found[30].action is action, (since_s, deployed_s)
        assert "ApiDown" in found[30].reasons[0].text
        assert found[31].action is (ROLLBACK if action is ROLLBACK else PROMOTE)


def test_a_canary_was_deployed_when_its_first_process_started() -> None:
    """A later restart of all of them is no deployment; what the specification says counts before all."""
    alert = (Alert("ApiDown", START_S + 100),)
    first, later = START_S - 3600, START_S
    for spec, action in ((SPEC, HOLD), (replace(SPEC, deployed_s=START_S), ROLLBACK)):
        judge = Judge(spec)
        judge.look(replace(look(0, counted(0, HEALTHY)), deployed_s=first))
        judge = Judge.restore(spec, json.loads(json.dumps(judge.state())))
        assert judge.look(replace(look(1, counted(1, HEALTHY), alerts=alert), deployed_s=later)).action is action


def test_the_time_that_was_observed_is_never_negative() -> None:
    """Where nothing could be read there is none."""
    judgement = Judge(SPEC).look(look(0, unreadable="refused"))
    assert any(each.text.startswith("0 s and 0 scrapes") for each in judgement.reasons)


def test_a_rollback_is_final() -> None:
    """What comes after it, also in a restored judge, changes nothing."""
    judge = Judge(SPEC)
    for each in looks([(300, 150, 2700, 3)] * 6):
        judge.look(each)
    judge = Judge.restore(SPEC, json.loads(json.dumps(judge.state())))
    found = [judge.look(each) for each in looks([HEALTHY] * 30, first=6)]
    assert {each.action for each in found} == {ROLLBACK}
    assert "rolled-back-before" in codes(found[-1])


def test_a_shift_within_the_margin_is_not_rolled_back() -> None:
    """By design: 20 % more errors are too small to matter."""
    fours = [(3000, 18, 27_000, 135)] * 160
    assert ROLLBACK not in actions(looks(fours))


# --- several metrics --------------------------------------------------------------------------------------------


def _many(count: int, bad: int) -> list[Look]:
    return [
        look(
            n,
            Interval(
                START_S + n * STEP_S,
                START_S + (n + 1) * STEP_S,
                {f"m{i}": Counts(300, 30 if i == 0 and bad else 0) for i in range(count)},
                {f"m{i}": Counts(2700, 3) for i in range(count)},
            ),
        )
        for n in range(25)
    ]


def test_a_broken_metric_is_not_diluted() -> None:
    """Nineteen healthy metrics beside it cost it a few intervals, and nothing more."""
    alone, among = (
        actions(_many(count, 1), RolloutSpec(tuple(MetricSpec(f"m{i}", 0.01) for i in range(count)))).index(ROLLBACK)
        for count in (1, 20)
    )
    assert alone <= among <= alone + 2


def test_every_metric_must_be_shown_to_be_healthy() -> None:
    """One that has no requests holds the others."""
    spec = RolloutSpec((MetricSpec("m0", 0.01), MetricSpec("m1", 0.01)))
    given = _many(2, 0)
    assert actions(given, spec)[-1] is PROMOTE
    one = [
        replace(each, intervals=tuple(replace(i, canary={**i.canary, "m1": Counts(0, 0)}) for i in each.intervals))
        for each in given
    ]
    found = judge_all(one, spec)[-1]
    assert found.action is HOLD
    assert {reason.metric for reason in found.reasons} == {"m1"}


def test_weights_share_the_error_rate() -> None:
    """The evidence of the whole is the weighted mean of the metrics'."""
    spec = RolloutSpec((MetricSpec("m0", 0.01, weight=3), MetricSpec("m1", 0.01, weight=1)))
    found = judge_all(_many(2, 1)[:2], spec)[-1]
    first, second = (state.evidence for state in found.metrics)
    assert found.evidence == pytest.approx(0.75 * first + 0.25 * second)


def test_severe_events_fire_the_rule_and_bad_ones_do_not() -> None:
    """p95 over 2 s holds; only p95 over 5 s rolls back."""
    spec = RolloutSpec((MetricSpec("latency", promote_below=0.05, rollback_above=0.05),))

    def with_severe(severe: int) -> list[Look]:
        return [look(n, interval(n, Counts(300, 60, severe), Counts(2700, 540, 0), "latency")) for n in range(25)]

    assert set(actions(with_severe(0), spec)) == {HOLD}
    assert ROLLBACK in actions(with_severe(60), spec)


# --- state and trajectory ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [1, 7, 19, 20, 33])
def test_a_judge_goes_on_from_its_state(cut: int) -> None:
    """Saved as text after any look and restored: the same trajectory to the last digit."""
    given = looks(traffic(3, 20, factor=3)) + looks(traffic(4, 20, weight=0.25), first=20, stage=0.25)
    whole = [each.to_json() for each in judge_all(given)]
    first = Judge(SPEC)
    for each in given[:cut]:
        first.look(each)
    second = Judge.restore(SPEC, json.loads(json.dumps(first.state())))
    assert [second.look(each).to_json() for each in given[cut:]] == whole[cut:]


def test_state_of_another_rollout_is_refused() -> None:
    """Other limits, other evidence: it would be no e-process."""
    state = Judge(SPEC).state()
    with pytest.raises(ValueError, match="another rollout configuration"):
        Judge.restore(replace(SPEC, margin=1.5), state)


def test_trajectory_is_json() -> None:
    """Every point goes through text unchanged, and says why in words."""
    for each in judge_all(looks([(300, 150, 2700, 3)] * 6)):
        point = each.to_json()
        assert json.loads(json.dumps(point)) == point
        assert all(reason["text"] for reason in point["reasons"])
        assert point["action"] in {"promote", "hold", "rollback"}
