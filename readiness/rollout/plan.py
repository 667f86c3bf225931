"""How long each stage needs at today's traffic, and what to change where that is too long. It never passes by itself.

The logarithm of the evidence is a sum over intervals; its mean and variance follow from the rates, and nine rollouts
out of ten are faster than its mean less 1.28 standard deviations. One alternative alone is looked at, the best one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from readiness.rollout.evidence import CAPS, FIRST_CLOCK, MULTIPLES, WEIGHTS
from readiness.rollout.obstacles import FEWEST_SCRAPES, SHORTEST_S
from readiness.rollout.promotion import ENOUGH, POINT_REQUESTS, SHARES
from readiness.rollout.spec import MetricSpec, PromotionMode, RolloutSpec, minutes_text
from readiness.rollout.tally import LIMIT_SHARE

FACTORS = (2.0, 5.0, 10.0)
"""Regressions that the plan speaks of: so many times the bad events of today."""
_Z = 1.2816
_LONGEST_S = 7 * 86400.0
"""What takes longer is said to be out of reach."""
_WEIGHTS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
_FEWEST_STRONG = next(n for n in range(1, 9) if sum(CAPS[:n]) + math.log(FIRST_CLOCK) / math.log(100) > 1)
"""Intervals that even the clearest fault needs, because of the caps."""


@dataclass(frozen=True, slots=True)
class MetricPlan:
    """One metric in one stage; None where it is out of reach."""

    name: str
    bad_share: float
    promote_s: float | None
    catch_s: dict[str, float | None]
    """Factor, such as `5x`, to the time in which nine regressions of ten are rolled back."""


@dataclass(frozen=True, slots=True)
class StagePlan:
    """One stage."""

    stage: float
    canary_rps: float
    baseline_rps: float
    metrics: tuple[MetricPlan, ...]
    advice: tuple[str, ...]
    """What to change where the stage is too short; empty where it is not."""

    @property
    def promote_s(self) -> float | None:
        """The time after which nine healthy releases of ten are promoted, by the slowest metric."""
        times = [each.promote_s for each in self.metrics]
        known = [each for each in times if each is not None]
        return max(known) if len(known) == len(times) and known else None

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON builtins."""
        return asdict(self)


def plan(spec: RolloutSpec, rps: float, bad_shares: Mapping[str, float]) -> tuple[StagePlan, ...]:
    """Returns what each stage needs.

    Args:
        spec: the rollout.
        rps: requests a second of the whole service.
        bad_shares: metric to its share of bad requests today, 0 to 1.
    """
    return tuple(_stage(spec.of_stage(stage), stage, rps, bad_shares) for stage in spec.stages)


def _stage(spec: RolloutSpec, stage: float, rps: float, bad_shares: Mapping[str, float]) -> StagePlan:
    canary, baseline = rps * stage, rps * (1 - stage)
    metrics = []
    for metric in spec.metrics:
        share = bad_shares[metric.name]
        promote = seconds_to_promote(metric, canary, share, spec)
        caught = {f"{f:g}x": seconds_to_catch(metric, (canary, baseline), share, f, spec) for f in FACTORS}
        metrics.append(MetricPlan(metric.name, share, promote, caught))
    return StagePlan(stage, canary, baseline, tuple(metrics), tuple(_advice(spec, stage, metrics, rps)))


def seconds_to_promote(metric: MetricSpec, rps: float, share: float, spec: RolloutSpec) -> float | None:
    """Returns the time after which nine healthy canaries of ten are promoted; None where that is out of reach."""
    least = max(SHORTEST_S, FEWEST_SCRAPES * spec.interval_s)
    limit = metric.promote_below
    if limit is None:
        return least if rps > 0 else None
    if share >= limit or rps <= 0:
        return None
    if spec.mode is PromotionMode.POINT:
        return max(least, POINT_REQUESTS / rps)
    goal = math.log(ENOUGH * len(SHARES))
    times = []
    for q in SHARES:
        good = math.log((1 - q * limit) / (1 - limit))
        if q > 0:
            bad = math.log(q)
            times.append(_time(rps * (share * bad + (1 - share) * good), rps * share * (bad - good) ** 2, goal))
        elif share * rps * goal / (good * rps) < -math.log(0.9):
            times.append(goal / (good * rps))
    return _bounded(times, least)


def seconds_to_catch(
    metric: MetricSpec, rps: tuple[float, float], share: float, factor: float, spec: RolloutSpec
) -> float | None:
    """Returns the time in which nine regressions of ten are rolled back by comparison with the baseline.

    Args:
        metric: the metric, with its weight among those of `spec`.
        rps: requests a second of the canary and of the baseline.
        share: the baseline's share of bad requests.
        factor: how many times that the canary's share is.
        spec: the stage.
    """
    canary, baseline = rps
    bad_c, bad_b = canary * min(1.0, factor * share), baseline * share
    if bad_c <= 0 or baseline <= 0:
        return None
    stake = metric.weight / sum(each.weight for each in spec.metrics)
    stake *= (1.0 if metric.rollback_above is None else 1 - LIMIT_SHARE) * FIRST_CLOCK
    times = []
    for multiple, weight in zip(MULTIPLES, WEIGHTS, strict=True):
        odds = spec.margin * canary
        both = math.log((odds + baseline) / (multiple * odds + baseline))
        from_canary = math.log(multiple) + both
        mean = bad_c * from_canary + bad_b * both
        variance = bad_c * from_canary**2 + bad_b * both**2
        times.append(_time(mean, variance, math.log(1 / (spec.alpha * stake * weight))))
    return _bounded(times, _FEWEST_STRONG * spec.interval_s)


def _time(mean: float, variance: float, goal: float) -> float | None:
    """Solves t mean - z sqrt(t variance) = goal for t, in seconds."""
    if mean <= 0:
        return None
    root = (_Z * math.sqrt(variance) + math.sqrt(_Z * _Z * variance + 4 * mean * goal)) / (2 * mean)
    return root * root


def _bounded(times: Iterable[float | None], least: float) -> float | None:
    best = min((each for each in times if each is not None), default=None)
    return None if best is None or best > _LONGEST_S else max(best, least)


def _advice(spec: RolloutSpec, stage: float, metrics: list[MetricPlan], rps: float) -> Iterable[str]:
    for metric, planned in zip(spec.metrics, metrics, strict=True):
        limit, needed = metric.promote_below, planned.promote_s
        if limit is not None and planned.bad_share >= limit:
            yield f"{metric.name}: today's {planned.bad_share:.3%} is not below the limit of {limit:.3%}: nothing is ever promoted"
        elif needed is None:
            yield f"{metric.name}: cannot be shown to be below its limit at this traffic: send synthetic load"
        elif needed > spec.stage_s:
            times = needed / spec.stage_s
            larger = _larger_weight(spec, metric, rps, planned.bad_share) if stage == spec.stages[0] else None
            weight = f", or start with {larger:.0%} instead of {stage:.0%}" if larger else ""
            load = f"add synthetic load to {times:.1f} times the canary's requests"
            yield f"{metric.name}: needs {minutes_text(needed)} min of the {minutes_text(spec.stage_s)} to promote: {load}{weight}, or give it that time"
        slow = planned.catch_s.get("10x")
        if stage < 1 and planned.bad_share > 0 and (slow is None or slow > spec.stage_s):
            text = "not at all" if slow is None else f"only in {minutes_text(slow)} min"
            yield f"{metric.name}: ten times the bad events of today are found {text} by comparison; rely on the limits, or add load"


def _larger_weight(spec: RolloutSpec, metric: MetricSpec, rps: float, share: float) -> float | None:
    for weight in _WEIGHTS:
        needed = seconds_to_promote(metric, rps * weight, share, spec)
        if weight > spec.stages[0] and needed is not None and needed <= spec.stage_s:
            return weight
    return None
