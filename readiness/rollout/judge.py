"""The judge: one look at a time, promote, hold or roll back. No clock and no network: a look brings its time.

A rollback is final. Promotion needs positive evidence for everything at one look, and every interval of the stage: what
is missing blocks it, whatever it would have said, so that dropping data never turns hold or rollback into promote.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from readiness.rollout.interface import Action, Arm, Interval, Look
from readiness.rollout.judgement import Code, Judgement, MetricState, Reason
from readiness.rollout.obstacles import in_the_way, missing_for, names_of
from readiness.rollout.rules import ALERT_S, Presence, RuleState
from readiness.rollout.spec import RolloutSpec, minutes_text
from readiness.rollout.tally import CLOCK_S, Tally, was_reset

STATE_SCHEMA = "readiness-rollout-state/2"


class Judge:
    """Judges one rollout, or one stage of it.

    Args:
        spec: what it is judged by.
    """

    def __init__(self, spec: RolloutSpec) -> None:
        self.spec = spec
        self.tallies = tuple(Tally(metric, spec) for metric in spec.metrics)
        weights = [metric.weight for metric in spec.metrics]
        self._weights = [each / sum(weights) for each in weights]
        self.presence = Presence()
        self.stage: float | None = None
        self.stage_start_s = 0.0
        self.covered_to_s: float | None = None
        self.scrapes = 0
        self.restarts = 0
        self.peak = 1.0
        self.deployed_s = spec.deployed_s
        self._clock_s: float | None = None
        self._final: tuple[Reason, ...] = ()

    @property
    def evidence(self) -> float:
        """The evidence over all metrics: a weighted mean, so that it is an e-process under any dependence between them."""
        return sum(weight * tally.evidence for weight, tally in zip(self._weights, self.tallies, strict=True))

    def look(self, look: Look) -> Judgement:
        """Returns what to do after this look.

        Raises:
            ValueError: its intervals overlap what was counted before, or are not in order.
        """
        self.count(look)
        return self._judge(look)

    def count(self, look: Look) -> None:
        """What the look brought is counted, and not yet judged.

        Raises:
            ValueError: its intervals overlap what was counted before, or are not in order.
        """
        if self.spec.deployed_s is None and look.deployed_s is not None:
            self.deployed_s = min(look.deployed_s, look.deployed_s if self.deployed_s is None else self.deployed_s)
        intervals = () if look.unreadable is not None else look.intervals
        if look.stage != self.stage:
            self._start_stage(look, intervals)
        if look.unreadable is not None and self.covered_to_s is None:
            self.covered_to_s = look.time_s - self.spec.interval_s
        for interval in intervals:
            self._add(interval)
        if look.unreadable is None and look.stage > 0:
            self.presence.add(look.time_s, is_up=look.canary.up > 0)

    def against(self, look: Look) -> tuple[Reason, ...]:
        """Returns what demands a rollback after what was counted; empty where nothing does."""
        if not self._final:
            found = tuple(self._against(look))
            self._final = (*found, _before(look)) if found else ()
            return found
        return self._final

    @property
    def has_decided(self) -> bool:
        """Whether it has demanded a rollback, which is final."""
        return bool(self._final)

    def end_stage(self) -> None:
        """The next look begins a stage, also one of the same weight: what is needed for promotion is shown anew.

        Of the time until then nothing is known, nor owed.
        """
        self.stage = self.covered_to_s = None
        self.presence = Presence()
        for tally in self.tallies:
            tally.forget()

    def _start_stage(self, look: Look, intervals: tuple[Interval, ...]) -> None:
        start = intervals[0].start_s if intervals else look.time_s
        # Counting goes on from the last stage where it follows at once; after a pause it starts anew.
        if self.covered_to_s is not None and start - self.covered_to_s > 2 * self.spec.interval_s:
            self.covered_to_s = start if look.unreadable is None else start - self.spec.interval_s
        self.stage, self.stage_start_s = look.stage, start
        self.scrapes = self.restarts = 0
        self._clock_s = None
        for tally in self.tallies:
            tally.start_stage()

    def _add(self, interval: Interval) -> None:
        slack = self.spec.interval_s / 2
        if self.covered_to_s is None:
            self.covered_to_s = interval.start_s
        if interval.end_s <= interval.start_s or interval.start_s < self.covered_to_s - slack:
            text = f"an interval from {interval.start_s} to {interval.end_s} s"
            raise ValueError(f"{text} follows what was counted up to {self.covered_to_s} s: it would be counted twice")
        is_gap = interval.start_s > self.covered_to_s + slack
        starts_clock = self._clock_s is None or interval.start_s - self._clock_s >= CLOCK_S
        if starts_clock:
            self._clock_s = interval.start_s
        for tally in self.tallies:
            if is_gap:
                tally.miss()
            tally.add(interval, starts_clock=starts_clock)
        if not self.scrapes:
            # Read late: the stage has begun before the first look that could be read.
            self.stage_start_s = min(self.stage_start_s, interval.start_s)
        self.covered_to_s = interval.end_s
        self.scrapes += 1
        self.restarts += was_reset(interval)
        self.peak = max(self.peak, self.evidence)

    def _judge(self, look: Look) -> Judgement:
        rules = [tally.rule for tally in self.tallies]
        missing = [missing_for(tally, self.spec.mode) for tally in self.tallies]
        elapsed = self.elapsed_s(look)
        against = self.against(look)
        if against:
            action, reasons = Action.ROLLBACK, against
        else:
            reasons = tuple(in_the_way(self, look, rules, missing))
            action = Action.HOLD if reasons else Action.PROMOTE
            reasons = reasons or (Reason(Code.SHOWN, "every metric is shown to be below its limit, and none is worse"),)
        states = tuple(map(self._state, self.tallies, rules, missing))
        threshold = 1 / self.spec.alpha
        p = min(1.0, 1 / self.peak)
        return Judgement(
            action, look.time_s, look.stage, self.evidence, threshold, p, elapsed, self.scrapes, reasons, states
        )

    def elapsed_s(self, look: Look) -> float:
        """Returns how much of the stage was observed."""
        return max(0.0, (self.covered_to_s or look.time_s) - self.stage_start_s)

    def _against(self, look: Look) -> Iterator[Reason]:
        if self.peak >= 1 / self.spec.alpha:
            yield self._worst()
        for tally in self.tallies:
            rule = tally.rule
            if rule is not RuleState.FIRING and rule is not RuleState.SHARED:
                continue
            name, window = tally.metric.name, tally.window
            what = f"{window.canary_bad} of {window.canary_requests} requests in {window.length_s:.0f} s are bad"
            if rule is RuleState.FIRING:
                yield Reason(Code.RULE, f"{what}; the limit is {tally.metric.rollback_above:.3g}", name)
            elif self.spec.rollback_on_shared:
                yield Reason(Code.SHARED_ROLLBACK, f"{what}, in the baseline too", name)
        if look.unreadable is None and self.presence.is_down(look.time_s):
            since = look.time_s - (self.presence.since_s or look.time_s)
            yield Reason(Code.CANARY_DOWN, f"no target of the canary has answered for {since:.0f} s")
        # One that is older than the deployment is none of its faults; it forbids promotion all the same.
        deployed_s = self.stage_start_s if self.deployed_s is None else self.deployed_s
        new = [each for each in look.alerts or () if each.since_s and 0 < each.since_s - deployed_s <= ALERT_S]
        if new:
            text = f"critical within {minutes_text(ALERT_S)} min of the deployment: {names_of(new)}"
            yield Reason(Code.ALERT, text)

    def _worst(self) -> Reason:
        weighted = [weight * tally.evidence for weight, tally in zip(self._weights, self.tallies, strict=True)]
        worst = self.tallies[weighted.index(max(weighted))]
        canary_n, canary_k, baseline_n, baseline_k = worst.stage
        shares = f"canary {canary_k} of {canary_n} bad, baseline {baseline_k} of {baseline_n} in this stage"
        text = f"evidence {self.peak:.3g} of {1 / self.spec.alpha:.3g}: {shares}"
        return Reason(Code.EVIDENCE, text, worst.metric.name)

    def _state(self, tally: Tally, rule: RuleState | None, missing: str) -> MetricState:
        return MetricState(
            name=tally.metric.name,
            canary_requests=tally.stage[0],
            canary_bad=tally.stage[1],
            baseline_requests=tally.stage[2],
            baseline_bad=tally.stage[3],
            evidence=tally.relative.value,
            p=min(1.0, 1 / tally.relative.peak),
            limit_evidence=None if tally.limit is None else tally.limit.value,
            promotion=None if tally.promotion is None else tally.promotion.value,
            rule=rule,
            phi=tally.phi,
            lost=tally.lost,
            is_measured=not (tally.owed[Arm.CANARY] or (self.spec.has_baseline and tally.owed[Arm.BASELINE])),
            missing=missing,
        )

    def state(self) -> dict[str, Any]:
        """Returns all that it knows as JSON builtins, for a later run to go on with."""
        return {
            "schema": STATE_SCHEMA,
            "spec": _fingerprint(self.spec),
            "stage": self.stage,
            "stage_start_s": self.stage_start_s,
            "covered_to_s": self.covered_to_s,
            "scrapes": self.scrapes,
            "restarts": self.restarts,
            "peak": self.peak,
            "deployed_s": self.deployed_s,
            "clock_s": self._clock_s,
            "presence": asdict(self.presence),
            "final": [[str(each.code), each.text, each.metric] for each in self._final],
            "tallies": [tally.to_json() for tally in self.tallies],
        }

    @classmethod
    def restore(cls, spec: RolloutSpec, state: dict[str, Any]) -> Judge:
        """Returns the judge that `state` was taken from.

        Raises:
            ValueError: the state is of another format or was made with another specification.
        """
        if state.get("schema") != STATE_SCHEMA or state.get("spec") != _fingerprint(spec):
            raise ValueError(
                "the saved state belongs to another rollout configuration; start the rollout's judgement anew"
            )
        self = cls(spec)
        for name in ("stage", "stage_start_s", "covered_to_s", "scrapes", "restarts", "peak", "deployed_s"):
            setattr(self, name, state[name])
        self._clock_s = state["clock_s"]
        self.presence = Presence(**state["presence"])
        self._final = tuple(Reason(Code(code), text, metric) for code, text, metric in state["final"])
        for tally, saved in zip(self.tallies, state["tallies"], strict=True):
            tally.restore(saved)
        return self


def _before(look: Look) -> Reason:
    return Reason(Code.ROLLED_BACK, f"decided at {look.time_s:.0f} s; a rollback is final")


def _fingerprint(spec: RolloutSpec) -> dict[str, Any]:
    builtins: dict[str, Any] = json.loads(json.dumps(asdict(spec)))
    del builtins["stage_s"]  # how long it is observed changes nothing of what was seen
    return builtins
