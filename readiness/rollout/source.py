"""What is read for a rollout, and by whom: the configuration's table as selectors and limits, and the form of a reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from readiness.config.rollout_tables import Rollout, RolloutMetric, SlowerThan
from readiness.config.selectors import Matcher, Selector, parse_matchers, parse_selector
from readiness.errors import NotMeasured
from readiness.rollout.interface import Arm, Counts, Interval, Look, Mark
from readiness.rollout.spec import RULE_WINDOW_S, MetricSpec, PromotionMode, RolloutSpec

SCALES = {"s": 1.0, "ms": 1000.0}


class Hopeless(NotMeasured):
    """It could not be observed, and waiting will not help: the configuration and what is there do not fit."""


class Overlap(Hopeless):
    """A series counts for both arms, so that the canary would be compared with itself."""

    def __init__(self, series: str, arms: Mapping[Arm, Sequence[Matcher]]) -> None:
        canary, baseline = (", ".join(map(str, arms[arm])) for arm in (Arm.CANARY, Arm.BASELINE))
        super().__init__(
            f"{series} is in both arms: `canary` ({canary}) and `baseline` ({baseline}) of [rollout] both select it",
            "Let `baseline` leave the canary's series out.",
        )


class Answer(Protocol):
    """What came back over HTTP."""

    @property
    def status(self) -> int:
        """Such as 200."""

    @property
    def body(self) -> bytes:
        """Decompressed, bounded in size."""

    @property
    def headers(self) -> Mapping[str, str]:
        """By name in any case."""


class Http(Protocol):
    """Asks one HTTP server, bounded in time and memory. Raises NotMeasured where there is no answer."""

    @property
    def address(self) -> str:
        """As it may be shown."""

    @property
    def header_names(self) -> tuple[str, ...]:
        """Names of the headers that are sent with every request."""

    def request(
        self,
        method: str,
        path: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        """Returns the answer, whatever its status."""

    def close(self) -> None:
        """All connections are closed."""


class Reader(Protocol):
    """Looks at a rollout, again and again."""

    def look(self) -> Look:
        """Returns all that is new since the last look; what could not be read is said in it.

        Raises:
            Hopeless: nothing will ever be read this way.
        """

    def wait_s(self) -> float:
        """Returns how long it takes until another look brings something new."""

    def state(self) -> dict[str, Any]:
        """Returns what a later reader needs to go on where this one stands, as JSON builtins."""

    def restore(self, state: dict[str, Any]) -> bool:
        """Returns whether it goes on from there; not where that is too long ago, or another release is there now."""

    def close(self) -> None:
        """Nothing is read any more."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is counted for one metric: two counters, or a histogram with limits in its own unit."""

    name: str
    total: Selector | None = None
    bad: Selector | None = None
    histogram: Selector | None = None
    promote_edge: float | None = None
    rollback_edge: float | None = None

    @property
    def requests(self) -> Selector:
        """What counts all of its requests."""
        if self.histogram is not None:
            return self.histogram.renamed(f"{self.histogram.name}_count")
        assert self.total is not None  # noqa: S101 - it has one or the other; for the type checker
        return self.total


def wanted_of(table: Rollout) -> tuple[Wanted, ...]:
    """Returns what is counted for each metric of a table that was validated."""
    return tuple(_wanted(metric) for metric in table.metric)


def _wanted(metric: RolloutMetric) -> Wanted:
    if metric.histogram is None:
        total, bad = parse_selector(metric.total or ""), parse_selector(metric.bad or "")
        return Wanted(metric.name, total, bad)
    scale = SCALES[metric.unit]
    promote, rollback = (
        None if rule is None else round(float(rule.edge) * scale, 9)
        for rule in (metric.promote_slower_than, metric.rollback_slower_than)
    )
    return Wanted(metric.name, None, None, parse_selector(metric.histogram), promote, rollback)


def arms_of(table: Rollout) -> dict[Arm, tuple[Matcher, ...]]:
    """Returns the labels of each arm; without a baseline only those of the canary."""
    arms = {Arm.CANARY: parse_matchers(table.canary)}
    return arms if table.baseline is None else {**arms, Arm.BASELINE: parse_matchers(table.baseline)}


def spec_of(table: Rollout, stage: float) -> RolloutSpec:
    """Returns what one stage is judged by."""
    spec = rollout_spec_of(table).of_stage(stage)
    # With everything on the canary there is nothing left to compare it with, which has to be said to be all right.
    return replace(spec, has_baseline=False) if stage >= 1 and table.without_baseline >= 1 else spec


def rollout_spec_of(table: Rollout) -> RolloutSpec:
    """Returns what the whole rollout is judged by."""
    return RolloutSpec(
        metrics=tuple(_metric(each) for each in table.metric),
        stages=tuple(float(each) for each in table.stages),
        interval_s=float(table.every),
        alpha=float(table.false_rollbacks),
        margin=table.margin,
        mode=PromotionMode(table.mode),
        has_baseline=table.baseline is not None,
        without_baseline=float(table.without_baseline),
        rollback_on_shared=table.rollback_on_shared,
        tolerated_loss=float(table.tolerated_loss),
        stage_s=float(table.observe) + float(table.look_back),
    )


def _metric(metric: RolloutMetric) -> MetricSpec:
    promote, rollback = metric.promote_below, metric.rollback_above
    if metric.histogram is not None:
        promote, rollback = _side(metric.promote_slower_than, "below"), _side(metric.rollback_slower_than, "above")
    return MetricSpec(
        metric.name,
        None if promote is None else float(promote),
        None if rollback is None else float(rollback),
        RULE_WINDOW_S if metric.rollback_for is None else float(metric.rollback_for),
        metric.weight,
    )


def _side(rule: SlowerThan | None, side: str) -> Any:
    return None if rule is None else getattr(rule, side)


def absent_of(
    interval: Interval, metrics: Sequence[Wanted], arms: Mapping[Arm, Sequence[Matcher]]
) -> dict[Arm, dict[str, str]]:
    """Returns for each arm the metrics of which its targets had no series, with the selector that matched nothing."""
    measured = {Arm.CANARY: interval.canary, Arm.BASELINE: interval.baseline}
    return {
        arm: {
            each.name: str(each.requests.narrowed(matchers))
            for each in metrics
            if isinstance(counts := measured[arm].get(each.name), Counts) and Mark.ABSENT in counts.marks
        }
        for arm, matchers in arms.items()
    }
