"""Everything that is counted of one metric, interval by interval: evidence, windows, and what is owed."""

from __future__ import annotations

from typing import Any

from readiness.rollout.evidence import Dispersion, Wealth, rate_logs, rate_odds, relative_logs
from readiness.rollout.interface import Arm, Counts, Interval, Mark, Measured, Missing
from readiness.rollout.promotion import Promotion
from readiness.rollout.rules import RuleState, Window, judge_share
from readiness.rollout.spec import MetricSpec, RolloutSpec

NOT_SENT = Missing("not among what was read")
CLOCK_S = 300.0
"""A fresh clock starts so often, and with each stage: a fault that comes late is not weighed against a healthy past."""
LIMIT_SHARE = 0.05
"""Share of a metric's stake that is bet on "above its rollback limit"; the rest on "worse than the baseline"."""


class Tally:
    """One metric's counts and evidence.

    An arm that was `Missing` is owed: the next counts that cover it too make it good, and until then the other arm's
    counts wait, so that the arms are always compared over the same time. What is never made good blocks the stage.
    """

    def __init__(self, metric: MetricSpec, rollout: RolloutSpec) -> None:
        self.metric = metric
        self.rollout = rollout
        self.relative = Wealth()
        self.dispersion = Dispersion()
        self.phi = 1.0
        self.owed = {Arm.CANARY: 0, Arm.BASELINE: 0}
        self.why = {Arm.CANARY: NOT_SENT, Arm.BASELINE: NOT_SENT}
        self.waiting = [0, 0, 0, 0]
        limit = metric.rollback_above
        self.limit = None if limit is None else Wealth()
        self._odds = () if limit is None else rate_odds(limit)
        self.window = Window(metric.rollback_for_s)
        self.start_stage()

    def start_stage(self) -> None:
        """The stage's own counts start anew; evidence against the canary goes on."""
        below = self.metric.promote_below
        self.promotion = None if below is None else Promotion(below)
        self.stage = [0, 0, 0, 0]
        self.began = self._values
        self.lost = 0
        self.has_gap = False
        self.last_request_s: float | None = None

    def add(self, interval: Interval, *, starts_clock: bool) -> None:
        """The interval's counts are in."""
        name = self.metric.name
        self.relative.start_interval(starts_clock=starts_clock)
        if self.limit is not None:
            self.limit.start_interval(starts_clock=starts_clock)
        baseline = self._receive(Arm.BASELINE, interval.baseline.get(name, NOT_SENT))
        canary = self._receive(Arm.CANARY, interval.canary.get(name, NOT_SENT))
        most = max(canary.requests if canary else 0, baseline.requests if baseline else 0)
        self.phi = self.dispersion.phi(most)
        if self.limit is not None:
            self.window.add(interval.end_s, _part(canary), _part(baseline))
        if baseline is not None:
            self._add_baseline(baseline)
        if canary is not None:
            self._add_canary(canary, interval.end_s, baseline)
        if not (self.owed[Arm.CANARY] or self.owed[Arm.BASELINE]):
            n_c, k_c, n_b, k_b = self.waiting
            self.waiting = [0, 0, 0, 0]
            if k_c or k_b:
                phi = self.dispersion.phi(max(n_c, n_b))
                self.relative.bet(relative_logs(n_c, k_c, n_b, k_b, self.rollout.margin), phi, self.rollout.alpha, k_c)
            elif n_c:
                self.relative.strong = 0
        if baseline is not None:
            self.dispersion.add(baseline.requests, baseline.bad)

    def _receive(self, arm: Arm, measured: Measured) -> Counts | None:
        if isinstance(measured, Missing):
            self.owed[arm] += 1
            self.why[arm] = measured
            return None
        if 0 < self.owed[arm] >= measured.covers:
            self.miss()
        self.owed[arm] = 0
        self.lost += measured.lost
        return measured

    def forget(self) -> None:
        """Nothing is owed any more, and no counts of one arm wait for the other's."""
        self.owed = dict.fromkeys(Arm, 0)
        self.waiting = [0, 0, 0, 0]

    def miss(self) -> None:
        """An interval of an arm will never be known: what the other arm counted in it is not compared either."""
        self.has_gap = True
        self.waiting = [0, 0, 0, 0]

    def _add_baseline(self, counts: Counts) -> None:
        self.stage[2] += counts.requests
        self.stage[3] += counts.bad
        self.waiting[2] += counts.requests
        self.waiting[3] += counts.bad

    def _add_canary(self, counts: Counts, end_s: float, baseline: Counts | None) -> None:
        n, k = counts.requests, counts.bad
        self.stage[0] += n
        self.stage[1] += k
        self.waiting[0] += n
        self.waiting[1] += k
        if n:
            self.last_request_s = end_s
        if self.promotion is not None:
            # Of lost requests nothing good is known: here they count as bad.
            self.promotion.add(n + counts.lost, k + counts.lost, self.phi)
        if self.limit is not None and n and not self._is_baseline_ill(baseline):
            severe = _severe(counts)
            self.limit.bet(rate_logs(n, severe, self._odds), self.phi, self.rollout.alpha, severe)

    def _is_baseline_ill(self, now: Counts | None) -> bool:
        """An incident that both arms share is not held against the canary: no bet while the baseline is above T/2."""
        half = (self.metric.rollback_above or 1.0) / 2
        return self.window.is_baseline_above(half) or (now is not None and _severe(now) > half * now.requests)

    @property
    def rule(self) -> RuleState | None:
        """What the absolute rule says now; None without one."""
        limit = self.metric.rollback_above
        return None if limit is None else judge_share(self.window, limit, self.rollout.interval_s)

    @property
    def _values(self) -> list[float]:
        return [each.value for each in (self.relative, self.limit) if each is not None]

    @property
    def suspicion(self) -> float:
        """The evidence for being worse, or above the limit; 0 where this stage speaks against it.

        What an earlier stage has left does not shrink where nothing is bad any more: then it has not grown in this one,
        and the canary shows no larger share of bad requests than the baseline.
        """
        n_c, k_c, n_b, k_b = self.stage
        is_no_worse = k_c * n_b <= k_b * n_c
        pairs = zip(self._values, self.began, strict=True)
        return max((now for now, then in pairs if now > then or not is_no_worse), default=0.0)

    @property
    def evidence(self) -> float:
        """This metric's part of the evidence for rollback."""
        if self.limit is None:
            return self.relative.value
        return (1 - LIMIT_SHARE) * self.relative.value + LIMIT_SHARE * self.limit.value

    def to_json(self) -> dict[str, Any]:
        """Returns its state as JSON builtins."""
        return {
            "relative": self.relative.to_json(),
            "limit": None if self.limit is None else self.limit.to_json(),
            "dispersion": self.dispersion.to_json(),
            "phi": self.phi,
            "owed": {str(arm): owed for arm, owed in self.owed.items()},
            "why": {str(arm): [why.reason, why.remedy] for arm, why in self.why.items()},
            "waiting": self.waiting,
            "window": self.window.to_json(),
            "promotion": None if self.promotion is None else self.promotion.to_json(),
            "stage": self.stage,
            "began": self.began,
            "lost": self.lost,
            "has_gap": self.has_gap,
            "last_request_s": self.last_request_s,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """It is as it was when `to_json` was called."""
        self.relative = Wealth.from_json(state["relative"])
        self.limit = None if state["limit"] is None else Wealth.from_json(state["limit"])
        self.dispersion = Dispersion(**state["dispersion"])
        self.phi = state["phi"]
        self.owed = {arm: state["owed"][arm] for arm in Arm}
        self.why = {arm: Missing(*state["why"][arm]) for arm in Arm}
        self.waiting, self.stage = list(state["waiting"]), list(state["stage"])
        self.window = Window.from_json(state["window"])
        self.promotion = None if state["promotion"] is None else Promotion.from_json(state["promotion"])
        self.began = list(state["began"])
        self.lost, self.has_gap, self.last_request_s = state["lost"], state["has_gap"], state["last_request_s"]


def _severe(counts: Counts) -> int:
    return counts.bad if counts.severe is None else counts.severe


def _part(counts: Counts | None) -> tuple[int, int] | None:
    return None if counts is None else (counts.requests, _severe(counts))


def was_reset(interval: Interval) -> bool:
    """Returns whether a process of the canary has restarted in the interval."""
    return any(isinstance(each, Counts) and Mark.RESET in each.marks for each in interval.canary.values())
