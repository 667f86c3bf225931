"""Looks for the judge, made of plain numbers."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from readiness.rollout.interface import Action, Alert, Counts, Interval, Look, Measured, Missing, Targets
from readiness.rollout.judge import Judge
from readiness.rollout.judgement import Judgement
from readiness.rollout.spec import MetricSpec, RolloutSpec

STEP_S = 15.0
START_S = 1_000_000.0
ERRORS = MetricSpec("errors", promote_below=0.01, rollback_above=0.1)
SPEC = RolloutSpec((ERRORS,))
Four = tuple[int, int, int, int]
"""Requests and bad ones of the canary, then of the baseline."""
HEALTHY: Four = (300, 0, 2700, 3)


def interval(number: int, canary: Measured, baseline: Measured, name: str = "errors") -> Interval:
    """Returns the interval with that number, from 0."""
    start = START_S + number * STEP_S
    return Interval(start, start + STEP_S, {name: canary}, {name: baseline})


def counted(number: int, four: Four) -> Interval:
    """Returns an interval in which both arms were measured."""
    n_c, k_c, n_b, k_b = four
    return interval(number, Counts(n_c, k_c), Counts(n_b, k_b))


def look(
    number: int,
    *intervals: Interval,
    stage: float = 0.1,
    canary: Targets = Targets(1, 1),  # noqa: B008 - frozen
    baseline: Targets = Targets(3, 3),  # noqa: B008 - frozen
    unreadable: str | None = None,
    alerts: tuple[Alert, ...] | None = (),
) -> Look:
    """Returns the look at the end of the interval with that number."""
    time_s = START_S + (number + 1) * STEP_S
    return Look(time_s, stage, intervals, canary, baseline, unreadable, alerts)


def looks(fours: Iterable[Four], *, first: int = 0, stage: float = 0.1) -> list[Look]:
    """Returns one look per interval."""
    return [look(number, counted(number, four), stage=stage) for number, four in enumerate(fours, first)]


def judge_all(given: Iterable[Look], spec: RolloutSpec = SPEC) -> list[Judgement]:
    """Returns what a fresh judge says to each look."""
    judge = Judge(spec)
    return [judge.look(each) for each in given]


def actions(given: Iterable[Look], spec: RolloutSpec = SPEC) -> list[Action]:
    """Returns what a fresh judge wants after each look."""
    return [judgement.action for judgement in judge_all(given, spec)]


def codes(judgement: Judgement) -> set[str]:
    """Returns why."""
    return {str(reason.code) for reason in judgement.reasons}


def traffic(
    seed: int, count: int, *, rps: float = 20.0, base: float = 0.001, factor: float = 1.0, weight: float = 0.1
) -> list[Four]:
    """Returns random counts: binomial, of a canary that is `factor` times as bad as the baseline."""
    rng = random.Random(seed)
    n_c, n_b = round(rps * weight * STEP_S), round(rps * (1 - weight) * STEP_S)
    return [(n_c, _binomial(rng, n_c, min(1.0, factor * base)), n_b, _binomial(rng, n_b, base)) for _ in range(count)]


def _binomial(rng: random.Random, n: int, p: float) -> int:
    return sum(rng.random() < p for _ in range(n))


def unmeasured(given: Sequence[Look], number: int) -> list[Look]:
    """Returns the looks, one of them with both arms missing."""
    gone = Missing("dropped")
    return [look(n, interval(n, gone, gone), stage=each.stage) if n == number else each for n, each in enumerate(given)]
