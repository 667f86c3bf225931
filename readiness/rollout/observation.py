"""One stage observed until it is decided or the time is over, and what is kept of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from readiness.errors import NotMeasured
from readiness.rollout.interface import Action, Look
from readiness.rollout.judge import Judge
from readiness.rollout.judgement import NOT_MEASURED, Code, Judgement, MetricState, Reason
from readiness.rollout.source import Hopeless, Reader
from readiness.rollout.spec import RolloutSpec, minutes_text
from readiness.rollout.trajectory import Trajectory, point_of_judge, rounded

SCHEMA = "readiness-rollout/1"
GIVE_UP_S = 60.0
GIVE_UP_LOOKS = 4
"""Where nothing could be read for so long from the beginning on, nothing will be."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What one stage came to."""

    stage: float
    judgement: Judgement
    ended: str
    """Why it ended, in words."""
    continues: str
    """Which earlier observation it went on with, in words; empty for none."""
    unreadable: str
    """Why nothing could be read at the end; empty where it could."""
    document: dict[str, Any] = field(repr=False)
    """What the report has of it, as JSON builtins."""

    @property
    def stage_text(self) -> str:
        """The stage as the configuration writes it."""
        return share_text(self.stage)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, in words."""
        return tuple(_told(each) for each in self.judgement.reasons)

    @property
    def unmeasured_remedy(self) -> str:
        """What to do about what could not be measured; empty where the reason says it."""
        return "" if self.unreadable else "Compare the selectors of [rollout] with what the targets say at /metrics."

    @staticmethod
    def legible(evidence: float) -> float:
        """Returns evidence with the digits that mean something."""
        return round(float(f"{min(evidence, 1e9):.5g}"), 6)

    def unmeasured(self, metric: str | None = None) -> tuple[str, ...]:
        """Returns what could not be measured at the last look: of one metric, or of all."""
        if self.unreadable:
            return (self.unreadable,)
        if not self.judgement.is_unmeasured:
            return ()
        found = (each for each in self.judgement.reasons if each.code in NOT_MEASURED)
        return tuple(_told(each) for each in found if metric is None or each.metric in {"", metric})

    def of_the_data(self) -> tuple[str, ...]:
        """Returns what is wrong with the measurement itself."""
        return tuple(_told(each) for each in self.judgement.reasons if each.code in DATA)

    def of_the_metric(self, name: str) -> tuple[str, ...]:
        """Returns what speaks against a metric, or is missing for it."""
        found = [each.text for each in self.judgement.reasons if each.metric == name and each.code not in DATA]
        lacking = self.state_of(name).missing
        if self.judgement.action is Action.ROLLBACK and lacking:
            found.append(f"rolled back before it was shown: {lacking}")
        return tuple(found)

    def state_of(self, name: str) -> MetricState:
        """Returns what is known of one metric."""
        return next(each for each in self.judgement.metrics if each.name == name)


DATA = frozenset({Code.LOST, Code.NO_TRAFFIC, Code.NO_BASELINE, Code.TARGETS_DOWN, Code.RESTARTS, Code.CANARY_DOWN})
"""Reasons that speak of what was measured, and not of what it says."""


def _told(reason: Reason) -> str:
    return f"{reason.metric}: {reason.text}" if reason.metric else reason.text


@dataclass(slots=True)
class Watch:
    """Looks at a stage again and again.

    At the end of the time to observe, what is still held is said to be inconclusive; where other limits end it, it is
    only cut short.

    Args:
        spec: what it is judged by.
        reader: looks.
        stage: the canary's share of the traffic, 0 to 1.
        observe_s: how long it is looked at, from the first look on that could be read.
        limits: metric to what the report says of its limits.
        keep: called with the document after each look; it is stored and shown.
        clock: monotonic seconds.
        pause: waits for so many seconds.
        gives_up: whether nothing that can be read ends it after a minute. Not in a replay: it costs no waiting.
    """

    spec: RolloutSpec
    reader: Reader
    stage: float
    observe_s: float
    limits: dict[str, dict[str, Any]]
    keep: Callable[[dict[str, Any]], None]
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    gives_up: bool = True
    judge: Judge = field(init=False)
    trajectory: Trajectory = field(init=False, default_factory=Trajectory)
    continues: str = field(init=False, default="")
    _has_read: bool = field(init=False, default=False)
    _followed: Judge | None = field(init=False, default=None)
    """The judge of an earlier stage, until the first look tells whether the same canary is still there."""

    def __post_init__(self) -> None:
        self.judge = Judge(self.spec)

    def go_on(self, document: dict[str, Any], words: str) -> bool:
        """Returns whether the observation goes on with an earlier one of the same stage and configuration."""
        try:
            judge = self._restored(document)
            points = document["rollout"]["trajectory"]
            if judge.stage != self.stage or not self.reader.restore(document["reader"]):
                return False
        except (ValueError, KeyError, TypeError, AttributeError):
            return False  # of another configuration, or no longer what was written
        self.judge, self.trajectory, self.continues, self._has_read = judge, Trajectory(list(points)), words, True
        return True

    def follow(self, document: dict[str, Any], words: str) -> bool:
        """Returns whether the evidence of an earlier stage of the same configuration goes on to count.

        Its judge goes on, with the part of alpha that it began with, so that all stages together spend no more than the
        rollout may. The stage's own counts begin anew.
        """
        try:
            judge = self._restored(document)
        except (ValueError, KeyError, TypeError, AttributeError):
            return False
        if judge.has_decided or judge.covered_to_s is None:
            return False
        self._followed, self.continues = judge, words
        return True

    def _restored(self, document: dict[str, Any]) -> Judge:
        # A stage that went on with another one's evidence has the alpha of that one.
        state = document["judge"]
        return Judge.restore(replace(self.spec, alpha=float(state["spec"]["alpha"])), state)

    def run(self, for_s: float, why: str) -> Observation:
        """Returns what the stage came to.

        Args:
            for_s: how long there is at most, whatever the time to observe.
            why: what sets that limit, in words.
        """
        started = began = self.clock()
        looks = 0
        while True:
            looks += 1
            had_read = self._has_read
            look, is_hopeless = self._look()
            judgement = self._judge(look)
            self.trajectory.add(judgement)
            now, wait_s = self.clock(), self.reader.wait_s()
            if not had_read and (self._has_read or not self.gives_up):
                began = now
            ended = _why_it_ends(judgement.action, is_hopeless=is_hopeless)
            is_waiting = self.gives_up and not self._has_read
            if not ended and is_waiting and looks >= GIVE_UP_LOOKS and now - started >= GIVE_UP_S:
                ended = f"nothing could be read for {now - started:.0f} s"
            if not ended and now + wait_s > began + self.observe_s:
                ended = "the time to observe was over"
                judgement = _inconclusive(judgement, self.observe_s)
            if not ended and now + wait_s > started + for_s:
                ended = f"{why} was over"
            observation = self._observation(judgement, look, ended)
            self.keep(self._kept(observation, looks))
            if ended:
                return observation
            self.pause(wait_s)

    def _look(self) -> tuple[Look, bool]:
        try:
            return self.reader.look(), False
        except Hopeless as error:
            return Look(time.time(), self.stage, unreadable=_words(error)), True

    def _judge(self, look: Look) -> Judgement:
        if look.unreadable is None:
            self._has_read = True
        elif not self._has_read:
            # Before anything was read there is nothing to owe, and this machine's clock may be another one.
            return Judge(self.spec).look(look)
        if self._followed is not None:
            look = self._settle(self._followed, look)
        if self.judge.stage is None and len(look.intervals) > 1:
            look = self._judge_past(look)
        return self.judge.look(look)

    def _settle(self, followed: Judge, look: Look) -> Look:
        """Returns what is new in the look; goes on with an earlier stage's judge, or for good with one that knows nothing.

        Not where all of the canary has started since: that is another release, or nobody knows. What was counted then is
        not counted again.
        """
        if look.deployed_s is None and not look.intervals:
            return look  # the next one may know
        self._followed = None
        covered_s = followed.covered_to_s or 0.0
        if look.deployed_s is None or look.deployed_s > covered_s:
            self.continues = (
                "begins anew: the canary's processes have all started since the last run, or do not say when"
            )
            return look
        followed.end_stage()
        self.judge = followed
        slack_s = self.spec.interval_s / 2
        return replace(look, intervals=tuple(each for each in look.intervals if each.start_s >= covered_s - slack_s))

    def _judge_past(self, look: Look) -> Look:
        """What was before the run is counted, and drawn, interval by interval; returns what is left of the look."""
        for interval in look.intervals[:-1]:
            self.judge.count(replace(look, time_s=interval.end_s, intervals=(interval,), alerts=()))
            self.trajectory.put(point_of_judge(self.judge, interval.end_s))
        return replace(look, intervals=look.intervals[-1:])

    def _observation(self, judgement: Judgement, look: Look, ended: str) -> Observation:
        document = {
            "stage": share_text(self.stage),
            "action": str(judgement.action),
            "metrics": [{**state, **self.limits.get(state["name"], {})} for state in judgement.to_json()["metrics"]],
            "reasons": [
                {"code": str(each.code), "metric": each.metric, "text": each.text} for each in judgement.reasons
            ],
            "evidence": rounded(judgement.evidence),
            "threshold": judgement.threshold,
            "p": rounded(judgement.p),
            "elapsed_s": round(judgement.elapsed_s, 3),
            "scrapes": judgement.scrapes,
            "interval_s": self.spec.interval_s,
            **_targets(look),
            "ended": ended,
            "continues": self.continues,
            "trajectory": self.trajectory.to_json(judgement),
        }
        return Observation(self.stage, judgement, ended, self.continues, look.unreadable or "", document)

    def _kept(self, observation: Observation, looks: int) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "saved_s": time.time(),
            "looks": looks,
            "rollout": observation.document,
            "judgement": observation.judgement.to_json(),
            "unreadable": observation.unreadable,
            "judge": (self._followed or self.judge).state(),
            "reader": self.reader.state(),
        }


def _targets(look: Look) -> dict[str, Any]:
    """Returns how many targets answer; nothing where nobody knows, because nothing could be read."""
    arms = {"canary": look.canary, "baseline": look.baseline}
    known = {arm: [each.up, each.known] for arm, each in arms.items()}
    return {} if look.unreadable is not None else {"targets": known}


def _why_it_ends(action: Action, *, is_hopeless: bool) -> str:
    if is_hopeless:
        return "what is there does not fit the configuration"
    return "" if action is Action.HOLD else "it was decided"


def _inconclusive(judgement: Judgement, observe_s: float) -> Judgement:
    over = f"the stage's {minutes_text(observe_s)} min are over without an answer"
    return replace(judgement, reasons=(Reason(Code.INCONCLUSIVE, f"inconclusive: {over}"), *judgement.reasons))


def _words(error: NotMeasured) -> str:
    return f"{error.cause.rstrip('.')}. {error.remedy}".strip()


def share_text(share: float) -> str:
    """Returns a share as the configuration writes it."""
    return f"{round(share * 100, 6):g}%"


def observation_from(kept: dict[str, Any], stage: float) -> Observation:
    """Returns the observation that another process has made and kept.

    Raises:
        ValueError: it is not in the format.
    """
    import msgspec

    document = kept["rollout"]
    judgement = msgspec.convert(kept["judgement"], Judgement)
    return Observation(stage, judgement, document["ended"], document["continues"], kept["unreadable"], document)
