"""What each look came to, one after the other, thinned so that it stays small."""

from __future__ import annotations

from typing import Any

from readiness.rollout.interface import Action
from readiness.rollout.judge import Judge
from readiness.rollout.judgement import Judgement

MOST_POINTS = 2000
"""Of a trajectory; then every other one is left out."""
MOST_VALUES = 10_000
"""Points times metrics."""


class Trajectory:
    """What each look came to, thinned so that it stays small."""

    def __init__(self, points: list[dict[str, Any]] | None = None, stride: int = 1) -> None:
        self.points = points or []
        self.stride = stride
        self._skipped = 0

    def add(self, judgement: Judgement) -> None:
        """The look is part of it."""
        self.put(point_of(judgement))

    def put(self, point: dict[str, Any]) -> None:
        """The point is part of it; of long ones only every second, fourth, eighth ..."""
        if self.points and self._skipped < self.stride - 1:
            self._skipped += 1
            return
        self._skipped = 0
        self.points.append(point)
        if len(self.points) > max(100, min(MOST_POINTS, MOST_VALUES // max(1, len(point["metrics"])))):
            self.points = self.points[::2]
            self.stride *= 2

    def to_json(self, judgement: Judgement) -> list[dict[str, Any]]:
        """Returns the points; the last one is that of `judgement`, thinned out or not."""
        last = point_of(judgement)
        return [*self.points, last] if not self.points or self.points[-1] != last else self.points


def point_of(judgement: Judgement) -> dict[str, Any]:
    """Returns one look as the trajectory has it."""
    return {
        "time_s": round(judgement.time_s, 3),
        "action": str(judgement.action),
        "evidence": rounded(judgement.evidence),
        "metrics": [
            {
                "name": each.name,
                "canary": [each.canary_requests, each.canary_bad],
                "baseline": [each.baseline_requests, each.baseline_bad],
                "evidence": rounded(each.evidence),
                "promotion": None if each.promotion is None else rounded(each.promotion),
            }
            for each in judgement.metrics
        ],
    }


def point_of_judge(judge: Judge, time_s: float) -> dict[str, Any]:
    """Returns the same of what was counted and not judged."""
    return {
        "time_s": round(time_s, 3),
        "action": str(Action.HOLD),
        "evidence": rounded(judge.evidence),
        "metrics": [
            {
                "name": each.metric.name,
                "canary": each.stage[:2],
                "baseline": each.stage[2:],
                "evidence": rounded(each.relative.value),
                "promotion": None if each.promotion is None else rounded(each.promotion.value),
            }
            for each in judge.tallies
        ],
    }


def rounded(value: float) -> float:
    """Returns evidence with the digits that mean something."""
    return float(f"{value:.5g}")
