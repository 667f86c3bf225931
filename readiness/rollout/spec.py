"""What a rollout is judged by: metrics with their limits, stages, error rates. Validated once, before any look."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

ALPHA = 0.01
"""The chance of any false rollback in a rollout."""
FIRST_STAGE_SHARE = 0.7
"""Part of alpha that the first stage may spend: most faults show there. The other stages share the rest alike."""
MARGIN = 1.25
"""Odds ratio up to which a difference is too small to matter."""
RULE_WINDOW_S = 300.0
"""How long a limit must be broken where the configuration does not say."""


_TENTHS_BELOW_S = 600.0


def minutes_text(seconds: float) -> str:
    """Returns a time in minutes, with a tenth where there are few."""
    minutes = seconds / 60
    return f"{round(minutes, 1):g}" if seconds < _TENTHS_BELOW_S else f"{minutes:,.0f}"


class PromotionMode(StrEnum):
    """What promotion asks of a limit."""

    EVIDENCE = "evidence"
    """That a rate at or above the limit is refuted, at 5 %."""
    POINT = "point"
    """That the observed share is below it, over at least 100 requests. Weak: it promotes a release at the limit half of the time."""


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One metric: a share of bad events among requests."""

    name: str
    promote_below: float | None = None
    """Share of bad events that must be undercut; None: the metric can only hold and roll back."""
    rollback_above: float | None = None
    """Share of (severe) events that is a breach."""
    rollback_for_s: float = RULE_WINDOW_S
    weight: float = 1.0
    """Share of the error rate that is spent on it, relative to the other metrics."""

    def problems(self) -> tuple[str, ...]:
        """Returns what is wrong with it, in words."""
        found = []
        for name, share in (("promote-below", self.promote_below), ("rollback-above", self.rollback_above)):
            if share is not None and not 0 < share < 1:
                found.append(f"metric '{self.name}': {name} is {share}; expected a share above 0 and below 1")
        if not found and None not in (self.promote_below, self.rollback_above):
            found += self._order()
        if self.rollback_for_s <= 0 or self.weight <= 0:
            found.append(f"metric '{self.name}': rollback-for and weight must be above 0")
        return tuple(found)

    def _order(self) -> list[str]:
        if self.promote_below is None or self.rollback_above is None or self.promote_below <= self.rollback_above:
            return []
        text = f"promote-below ({self.promote_below:.4g}) is above rollback-above ({self.rollback_above:.4g})"
        return [f"metric '{self.name}': {text}: one release could be promoted and rolled back at once"]


@dataclass(frozen=True, slots=True)
class RolloutSpec:
    """A whole rollout."""

    metrics: tuple[MetricSpec, ...]
    stages: tuple[float, ...] = (0.1, 0.25, 0.5, 0.75, 1.0)
    interval_s: float = 15.0
    """Time between two scrapes."""
    alpha: float = ALPHA
    """The chance of any false rollback that what is judged by this may spend; see `of_stage`."""
    margin: float = MARGIN
    mode: PromotionMode = PromotionMode.EVIDENCE
    has_baseline: bool = True
    """False: the user has said that there is nothing to compare with."""
    without_baseline: float = 0.25
    """The largest weight that a canary without a baseline may be promoted to."""
    rollback_on_shared: bool = False
    """Roll back too when the baseline breaks the same limit."""
    tolerated_loss: float = 0.0
    """Share of a stage's requests whose outcome may stay unknown without blocking promotion."""
    deployed_s: float | None = None
    """When the canary was deployed; critical alerts in the 10 minutes after it roll back. None: when the reader says, else with the stage."""
    stage_s: float = 600.0
    """How long a stage may take, its past included."""

    def __post_init__(self) -> None:
        found = self.problems()
        if found:
            raise ValueError("; ".join(found))

    def problems(self) -> tuple[str, ...]:
        """Returns everything that is wrong with it, in words."""
        found = [text for metric in self.metrics for text in metric.problems()]
        names = [metric.name for metric in self.metrics]
        found += [
            f"metric '{name}' is there twice" for name in sorted({name for name in names if names.count(name) > 1})
        ]
        if all(metric.promote_below is None for metric in self.metrics):
            found.append("no metric has a promote-below: without positive evidence nothing can ever be promoted")
        if (
            not self.stages
            or list(self.stages) != sorted(set(self.stages))
            or not all(0 < each <= 1 for each in self.stages)
        ):
            found.append("stages must be shares above 0 and up to 1, rising")
        if not 0 < self.alpha <= 0.5 or self.margin < 1 or self.interval_s <= 0:  # noqa: PLR2004 - half: no test at all above
            found.append("alpha must be within 0 and 0.5, margin at least 1, and the interval above 0")
        return tuple(found)

    def of_stage(self, stage: float) -> Self:
        """Returns what one stage of the rollout is judged by.

        Each stage is judged anew, by a run that knows nothing of the others, and so may spend only its part of alpha: the
        parts add up to the whole.

        Raises:
            ValueError: it is none of the stages.
        """
        number = next((n for n, each in enumerate(self.stages) if math.isclose(each, stage)), None)
        if number is None:
            raise ValueError(f"{stage} is none of the stages {self.stages}")
        if len(self.stages) == 1:
            return self
        part = (1 - FIRST_STAGE_SHARE) / (len(self.stages) - 1) if number else FIRST_STAGE_SHARE
        return replace(self, alpha=self.alpha * part)

    def next_stage(self, stage: float) -> float:
        """Returns the weight that a promotion leads to; the whole after the last stage."""
        return next((each for each in self.stages if each > stage + 1e-9), 1.0)
