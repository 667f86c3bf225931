"""What must hold for any traffic: dropping data never promotes, and how the same events are told does not matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.rollout.interface import Action, Arm, Counts, Interval, Look, Measured, Missing, Scrape, Targets
from readiness.rollout.judge import Judge
from readiness.rollout.judgement import Judgement
from readiness.rollout.samples import CounterMetric, Pair, counter_counts
from readiness.rollout.series import Grid, Series
from readiness.rollout.spec import MetricSpec, RolloutSpec
from readiness.rollout.timeline import CounterHistory
from tests.rollout.looks import SPEC, STEP_S, Four, actions, counted, interval, judge_all, look, looks, traffic

DROPPED = Missing("dropped")
LOOSE = RolloutSpec((MetricSpec("errors", promote_below=0.2, rollback_above=0.5),))
"""Limits that are easily met, so that promotion is near and what is dropped could bring it about."""


def _none(each: Look) -> tuple[Interval, ...]:
    return tuple(replace(i, canary={"errors": DROPPED}, baseline={"errors": DROPPED}) for i in each.intervals)


def _without(arm: str) -> Callable[[Look], Look]:
    def drop(each: Look) -> Look:
        return replace(each, intervals=tuple(replace(i, **{arm: {"errors": DROPPED}}) for i in each.intervals))

    return drop


def _half(each: Look) -> Look:
    """Half of the canary's pods went with what they had counted, all of the bad events first."""

    def less(measured: Measured) -> Measured:
        if isinstance(measured, Missing) or not measured.requests:
            return measured
        lost = max(1, measured.requests // 2)
        kept = measured.requests - lost
        return Counts(kept, max(0, measured.bad - lost), lost=lost)

    return replace(
        each, intervals=tuple(replace(i, canary={"errors": less(i.canary["errors"])}) for i in each.intervals)
    )


DROPS: dict[str, Callable[[Look], Look]] = {
    "unreadable": lambda each: replace(each, unreadable="dropped"),
    "both arms": lambda each: replace(each, intervals=_none(each)),
    "canary": _without("canary"),
    "baseline": _without("baseline"),
    "half of the pods": _half,
    "no target answers": lambda each: replace(each, canary=Targets(0, 2), intervals=_none(each)),
}
COUNTS = st.tuples(
    st.sampled_from((0, 5, 40, 40, 40)), st.sampled_from((0, 0, 0, 0, 1, 3, 40)),
    st.sampled_from((0, 40, 400, 400)), st.sampled_from((0, 0, 2, 40, 400)),
)  # fmt: skip
PATCHES = st.dictionaries(st.integers(0, 24), COUNTS, max_size=6)


def _fours(patches: dict[int, Four]) -> list[Four]:
    fours: list[Four] = [(40, 0, 400, 2)] * 25
    for number, (n_c, k_c, n_b, k_b) in patches.items():
        fours[number] = (n_c, min(n_c, k_c), n_b, min(n_b, k_b))
    return fours


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(PATCHES, st.dictionaries(st.integers(0, 24), st.sampled_from(sorted(DROPS)), min_size=1, max_size=5))
def test_dropping_data_never_promotes(patches: dict[int, Four], drops: dict[int, str]) -> None:
    """Whatever is taken away, at no look does hold or rollback become promote."""
    whole = looks(_fours(patches))
    dropped = [DROPS[drops[n]](each) if n in drops else each for n, each in enumerate(whole)]
    for before, after in zip(actions(whole, LOOSE), actions(dropped, LOOSE), strict=True):
        assert after is not Action.PROMOTE or before is Action.PROMOTE


SCRAPES = 26


def _arm(steps: list[tuple[int, int]], first: int, dropped: set[int]) -> CounterHistory:
    """Returns one pod that answers each scrape but some, and whose counters come with their first event."""
    kept = [number for number in range(SCRAPES) if number not in dropped]
    sums = [(sum(n for n, _ in steps[first:at]), sum(k for _, k in steps[first:at])) for at in range(SCRAPES)]
    parts = []
    for index, status in enumerate(("200", "500")):
        samples = [(number * STEP_S, float(sums[number][index])) for number in kept if sums[number][index]]
        times, values = zip(*samples, strict=True) if samples else ((), ())
        parts.append([Series("pod", "hits", {"status": status}, times, values)] if samples else [])
    return CounterHistory([*parts[0], *parts[1]], parts[1], answered={"pod": [number * STEP_S for number in kept]})


def _scraped(fours: list[Four], first: int, dropped: dict[Arm, set[int]]) -> list[Look]:
    grid = Grid([number * STEP_S + 1 for number in range(SCRAPES)], STEP_S)
    canary, _ = _arm([(n - k, k) for n, k, _, _ in fours], first, dropped[Arm.CANARY]).counts(grid)
    baseline, _ = _arm([(n - k, k) for _, _, n, k in fours], 0, dropped[Arm.BASELINE]).counts(grid)
    return [look(number, interval(number, *both)) for number, both in enumerate(zip(canary, baseline, strict=True))]


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(PATCHES, st.integers(0, 20), st.tuples(*[st.sets(st.integers(1, 25), min_size=1, max_size=4)] * 2))
def test_scrapes_that_are_dropped_hide_nothing_from_a_promotion(
    patches: dict[int, Four], first: int, dropped: tuple[set[int], set[int]]
) -> None:
    """It knows of every request and every error, also where the counters of a pod come with its first request.

    Two intervals that are counted as one may be weighed otherwise; but nothing of them is missing.
    """
    fours = _fours(patches)
    whole = _scraped(fours, first, {Arm.CANARY: set(), Arm.BASELINE: set()})
    less = _scraped(fours, first, {Arm.CANARY: dropped[0], Arm.BASELINE: dropped[1]})
    for before, after in zip(judge_all(whole, LOOSE), judge_all(less, LOOSE), strict=True):
        assert after.action is not Action.PROMOTE or _counted(after) == _counted(before)


def _counted(judgement: Judgement) -> list[tuple[int, ...]]:
    return [
        (each.canary_requests, each.canary_bad, each.baseline_requests, each.baseline_bad) for each in judgement.metrics
    ]


def test_late_first_requests_promote_in_the_end() -> None:
    """They are no gap, so that the property is not empty."""
    none: dict[Arm, set[int]] = {Arm.CANARY: set(), Arm.BASELINE: set()}
    for first in (0, 5, 15):
        assert actions(_scraped(_fours({}), first, none), LOOSE)[-1] is Action.PROMOTE


def test_the_property_is_not_empty() -> None:
    """Without drops such traffic is promoted, and with any of them it is not any more."""
    whole = looks(_fours({}))
    assert actions(whole, LOOSE)[-1] is Action.PROMOTE
    for name, drop in DROPS.items():
        assert actions([*whole[:12], drop(whole[12]), *whole[13:]], LOOSE)[-1] is Action.HOLD, name


@settings(max_examples=100, deadline=None)
@given(PATCHES, st.sets(st.integers(0, 23), min_size=1, max_size=5))
def test_reading_late_is_as_good_as_reading_in_time(patches: dict[int, Four], late: set[int]) -> None:
    """What a look could not read and the next one brings leads to the same action there."""
    whole = looks(_fours(patches))
    told: list[Look] = []
    owed: list[Interval] = []
    for number, each in enumerate(whole):
        owed += each.intervals
        if number in late:
            told.append(replace(each, unreadable="timed out"))
        else:
            told.append(replace(each, intervals=tuple(owed)))
            owed = []
    for number, (before, after) in enumerate(zip(actions(whole, LOOSE), actions(told, LOOSE), strict=True)):
        assert number in late or before is after


@settings(max_examples=100, deadline=None)
@given(PATCHES, st.integers(1, 24))
def test_a_restart_of_the_judge_changes_nothing(patches: dict[int, Four], cut: int) -> None:
    """The same actions from the saved state."""
    whole = looks(_fours(patches))
    judge = Judge(LOOSE)
    for each in whole[:cut]:
        judge.look(each)
    judge = Judge.restore(LOOSE, judge.state())
    assert [judge.look(each).action for each in whole[cut:]] == actions(whole, LOOSE)[cut:]


# --- the same events, told otherwise ----------------------------------------------------------------------------

CASES: dict[str, list[Four]] = {
    "healthy": traffic(1, 40),
    "healthy, 1 %": traffic(2, 40, base=0.008),
    "five times": traffic(3, 40, base=0.005, factor=5),
    "ten times": traffic(4, 40, base=0.005, factor=10),
    "half fail": traffic(5, 40, factor=500),
    "little traffic": traffic(6, 40, rps=0.5),
    "large": traffic(7, 40, rps=100.0, base=0.002),
}


def _halved(number: int, four: Four) -> tuple[Interval, Interval]:
    first = tuple(each // 2 for each in four)
    second = tuple(whole - half for whole, half in zip(four, first, strict=True))
    made = (
        counted(number, (first[0], first[1], first[2], first[3])),
        counted(number, (second[0], second[1], second[2], second[3])),
    )
    middle = made[0].start_s + STEP_S / 2
    return replace(made[0], end_s=middle), replace(made[1], start_s=middle)


@pytest.mark.parametrize("case", sorted(CASES))
def test_splitting_intervals_in_two_does_not_change_the_action(case: str) -> None:
    """Scraped twice as often, the same events end the stage alike."""
    fours = CASES[case]
    split = [look(n, *_halved(n, four)) for n, four in enumerate(fours)]
    assert actions(split)[-1] is actions(looks(fours))[-1]


class _Pods:
    """Counters of several pods, from which one arm's counts are read back."""

    def __init__(self, names: list[str], *, resets: frozenset[int] = frozenset()) -> None:
        self.names = names
        self.resets = resets
        self.values = dict.fromkeys(names, (0, 0))
        self.started = dict.fromkeys(names, 0.0)

    def counts(self, number: int, n: int, k: int) -> Measured:
        pairs = []
        for index, name in enumerate(self.names):
            before = self._scrape(name, number)
            share_n, share_k = _share(n, index, len(self.names)), _share(k, index, len(self.names))
            if number in self.resets:
                self.values[name] = (0, 0)
                self.started[name] = number * STEP_S + 1
            ok, bad = self.values[name]
            self.values[name] = (ok + share_n - share_k, bad + share_k)
            pairs.append(Pair(before, self._scrape(name, number + 1), number * STEP_S))
        return counter_counts(pairs, CounterMetric(frozenset({"ok", "bad"}), frozenset({"bad"}), None))

    def _scrape(self, name: str, number: int) -> Scrape:
        ok, bad = self.values[name]
        return Scrape(name, number * STEP_S, {"ok": float(ok), "bad": float(bad)}, {}, self.started[name])


def _share(whole: int, index: int, parts: int) -> int:
    return whole // parts + (index < whole % parts)


def _through(fours: list[Four], canary: _Pods, baseline: _Pods) -> list[Look]:
    return [
        look(number, interval(number, canary.counts(number, n_c, k_c), baseline.counts(number, n_b, k_b)))
        for number, (n_c, k_c, n_b, k_b) in enumerate(fours)
    ]


@pytest.mark.parametrize("case", sorted(CASES))
def test_names_and_number_of_pods_do_not_change_an_action(case: str) -> None:
    """Three pods called otherwise, or five, or one: the same actions at every look."""
    fours = CASES[case]
    expected = actions(looks(fours))
    for names in (["a"], ["x-1", "x-2", "x-3"], ["q", "p", "o", "n", "m"]):
        assert actions(_through(fours, _Pods(names), _Pods([*names, "z"]))) == expected


@pytest.mark.parametrize("case", sorted(CASES))
def test_a_replayed_reset_does_not_change_an_action(case: str) -> None:
    """Every pod restarts right after a scrape and counts from zero."""
    fours = CASES[case]
    canary = _Pods(["a", "b"], resets=frozenset({5, 21}))
    assert actions(_through(fours, canary, _Pods(["c", "d"], resets=frozenset({9})))) == actions(looks(fours))


@settings(max_examples=50, deadline=None)
@given(PATCHES)
def test_order_and_names_of_metrics_do_not_change_an_action(patches: dict[int, Four]) -> None:
    """Two metrics, the other way round."""

    def told(first: str, second: str) -> list[Action]:
        spec = RolloutSpec((MetricSpec(first, 0.2, 0.5), MetricSpec(second, 0.2, 0.5)))
        fours, calm = _fours(patches), (40, 0, 400, 2)
        made = []
        for number, four in enumerate(fours):
            one, other = counted(number, four), counted(number, calm)
            swap = first > second
            busy, quiet = (second, first) if swap else (first, second)
            arms = {
                arm: {busy: getattr(one, arm)["errors"], quiet: getattr(other, arm)["errors"]}
                for arm in ("canary", "baseline")
            }
            made.append(look(number, replace(one, canary=arms["canary"], baseline=arms["baseline"])))
        return actions(made, spec)

    assert told("a", "b") == told("z", "y")


def test_spec_of_the_metamorphic_cases_ends_in_every_action() -> None:
    """They are no row of holds."""
    assert {actions(looks(fours), SPEC)[-1] for fours in CASES.values()} == set(Action)
