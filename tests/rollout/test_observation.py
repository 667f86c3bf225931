"""One stage observed to its end: when it ends, what is kept, and what a later run goes on with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from readiness.rollout.interface import Action, Counts, Interval, Look, Targets
from readiness.rollout.observation import Observation, Watch, observation_from, share_text
from readiness.rollout.source import Hopeless
from readiness.rollout.spec import MetricSpec, RolloutSpec
from readiness.rollout.trajectory import MOST_VALUES, Trajectory, point_of
from tests.rollout.looks import HEALTHY, SPEC, START_S, STEP_S, Four, judge_all, look, looks

SICK: Four = (300, 150, 2700, 3)
HEALTHY_PAST = look(39, *(each.intervals[0] for each in looks([HEALTHY] * 40)))


class Reader:
    """Says what a test has written, one look after the other; time passes only while it is waited for."""

    def __init__(self, given: Iterable[Look | Hopeless]) -> None:
        self._given: Iterator[Look | Hopeless] = iter(given)
        self.now_s = 0.0
        self.at: float | None = None
        self.may_go_on = True

    def look(self) -> Look:
        """Returns the next look, or fails as it was told."""
        found = next(self._given)
        if isinstance(found, Hopeless):
            raise found
        self.at = found.time_s
        return found

    def wait_s(self) -> float:
        """Returns the time between two looks."""
        return STEP_S

    def state(self) -> dict[str, Any]:
        """Returns where it stands."""
        return {"at": self.at}

    def restore(self, state: dict[str, Any]) -> bool:
        """Returns whether it goes on."""
        self.at = state["at"]
        return self.may_go_on

    def close(self) -> None:
        """Nothing is open."""

    def pause(self, for_s: float) -> None:
        """The time passes."""
        self.now_s += for_s


def watch(
    reader: Reader,
    spec: RolloutSpec = SPEC,
    kept: list[dict[str, Any]] | None = None,
    *,
    observe_s: float = 1e6,
) -> Watch:
    """Returns what observes the stage through this reader."""
    keep = [] if kept is None else kept
    limits: dict[str, dict[str, Any]] = {"errors": {"promote_below": 0.01}}
    return Watch(spec, reader, 0.1, observe_s, limits, keep.append, lambda: reader.now_s, reader.pause)


def observe(
    given: Iterable[Look | Hopeless], for_s: float = 3600, kept: list[dict[str, Any]] | None = None
) -> Observation:
    """Returns what a stage came to."""
    return watch(Reader(given), kept=kept).run(for_s, "the time")


def test_it_ends_when_it_is_promoted() -> None:
    """At once: more looks are not taken."""
    kept: list[dict[str, Any]] = []
    found = observe(looks([HEALTHY] * 60), kept=kept)
    assert found.judgement.action is Action.PROMOTE
    assert found.ended == "it was decided"
    assert len(kept) == 20
    assert found.document["action"] == "promote"
    assert found.document["stage"] == "10%"
    assert found.document["metrics"][0]["promote_below"] == 0.01


def test_it_ends_when_it_is_rolled_back() -> None:
    """At once as well."""
    found = observe(looks([HEALTHY, *([SICK] * 60)]))
    assert found.judgement.action is Action.ROLLBACK
    assert found.judgement.scrapes <= 6


def test_it_ends_when_the_time_is_over() -> None:
    """It stays hold, and another look would have come too late."""
    found = observe(looks([HEALTHY] * 60), for_s=62)
    assert found.judgement.action is Action.HOLD
    assert found.ended == "the time was over"
    assert found.judgement.scrapes == 5


def test_a_stage_without_an_answer_is_inconclusive() -> None:
    """Said once its time to observe is over, and not before; neither of what was decided nor of what was cut short."""
    kept: list[dict[str, Any]] = []
    few = looks([(3, 0, 27, 0)] * 60)
    found = watch(Reader(few), kept=kept, observe_s=600).run(3600, "the time of the run")
    assert found.judgement.action is Action.HOLD
    assert found.ended == "the time to observe was over"
    assert found.reasons[0] == "inconclusive: the stage's 10 min are over without an answer"
    assert "inconclusive" not in json.dumps(kept[:-1])
    assert observation_from(json.loads(json.dumps(kept[-1])), 0.1) == found
    assert "inconclusive" not in json.dumps(watch(Reader(few), observe_s=600).run(300, "the time").document)
    decided = watch(Reader([HEALTHY_PAST]), observe_s=1).run(3600, "the time")
    assert decided.judgement.action is Action.PROMOTE


def test_the_time_to_observe_begins_with_what_could_be_read() -> None:
    """Before, there was nothing to observe."""
    gone = [look(number, unreadable="refused") for number in range(2)]
    given = [*gone, *looks([(3, 0, 27, 0)] * 60, first=2)]
    assert watch(Reader(given), observe_s=600).run(3600, "the time").judgement.scrapes == 41


def test_what_is_hopeless_ends_it() -> None:
    """With the reason as what could not be read."""
    found = observe([*looks([HEALTHY]), Hopeless("the limit is above the largest edge", "Lower it.")])
    assert found.ended == "what is there does not fit the configuration"
    assert found.unreadable == "the limit is above the largest edge. Lower it."
    assert found.judgement.is_unmeasured


def test_nothing_that_can_be_read_ends_it_early() -> None:
    """A minute and four looks of nothing, from the beginning on."""
    gone = [look(number, unreadable="refused") for number in range(100)]
    found = observe(gone)
    assert found.ended == "nothing could be read for 60 s"
    assert found.judgement.is_unmeasured
    later = observe([*looks([HEALTHY]), *[look(number, unreadable="refused") for number in range(1, 100)]], for_s=600)
    assert later.ended == "the time was over"


def test_the_clock_of_this_machine_does_not_matter() -> None:
    """Looks that could not read anything are stamped by it, and may be later than what comes after them."""
    early = [Look(START_S + 1e6, 0.1, unreadable="refused")] * 2
    assert observe([*early, *looks([HEALTHY] * 60)]).judgement.action is Action.PROMOTE


def test_what_is_kept_is_json_and_whole() -> None:
    """Another process reads from it what the stage came to."""
    kept: list[dict[str, Any]] = []
    found = observe(looks([HEALTHY] * 3), for_s=40, kept=kept)
    again = observation_from(json.loads(json.dumps(kept[-1])), 0.1)
    assert again == found


def test_another_run_goes_on() -> None:
    """With the evidence, the trajectory and the time of what was cut short."""
    kept: list[dict[str, Any]] = []
    given = looks([HEALTHY] * 60)
    watch(Reader(given[:8]), kept=kept).run(8 * STEP_S - 1, "the time")
    second = watch(Reader(given[8:]), kept=(later := []))
    assert second.go_on(json.loads(json.dumps(kept[-1])), "goes on with run 1")
    found = second.run(3600, "the time")
    assert found.judgement == observe(given).judgement
    assert found.continues == "goes on with run 1"
    assert len(found.document["trajectory"]) == len(kept) + len(later)


ROLLOUT = replace(SPEC, stages=(0.1, 0.25))
BEFORE_S = START_S - 60


def deployed(given: Iterable[Look], at_s: float | None = BEFORE_S) -> list[Look]:
    """Returns looks that know when the canary was started."""
    return [replace(each, deployed_s=at_s) for each in given]


def second_stage(kept: dict[str, Any], given: list[Look], spec: RolloutSpec = ROLLOUT) -> Watch:
    """Returns what observes the second stage after a first one that was kept so."""
    reader = Reader(given)
    made = Watch(spec.of_stage(0.25), reader, 0.25, 1e6, {}, [].append, lambda: reader.now_s, reader.pause)
    made.follow(json.loads(json.dumps(kept)), "goes on with stage 10%")
    return made


def first_stage(given: list[Look]) -> tuple[Observation, dict[str, Any]]:
    """Returns what a first stage came to, and what was kept of it."""
    kept: list[dict[str, Any]] = []
    found = watch(Reader(given), ROLLOUT.of_stage(0.1), kept).run(3600, "the time")
    return found, kept[-1]


SLIGHTLY: Four = (300, 3, 2700, 7)
"""Worse than the baseline, and below every limit."""


def test_evidence_goes_on_through_the_stages() -> None:
    """With the first stage's part of alpha; what promotion needs is shown anew."""
    first, kept = first_stage(deployed(looks([HEALTHY] * 60)))
    assert first.judgement.action is Action.PROMOTE
    begins = first.judgement.scrapes
    rest = deployed(looks([SLIGHTLY] * 200, first=begins, stage=0.25))
    found = second_stage(kept, rest).run(3600, "the time")
    assert found.continues == "goes on with stage 10%"
    assert found.judgement.threshold == pytest.approx(first.judgement.threshold)
    alone = second_stage({}, rest).run(3600, "the time")
    assert alone.continues == ""
    assert alone.judgement.threshold > first.judgement.threshold
    one = second_stage(kept, rest[:1]).run(1, "the time").judgement
    assert one.metrics[0].canary_requests == 300, "the stage's own counts"
    assert one.metrics[0].evidence < 1 < first.judgement.scrapes


def test_a_stage_that_came_to_no_answer_may_be_judged_again() -> None:
    """The evidence of its first run counts, and its time begins anew."""
    given = deployed(looks([(3, 0, 27, 0)] * 80))
    kept: list[dict[str, Any]] = []
    watch(Reader(given[:40]), kept=kept).run(39 * STEP_S, "the time")
    again = watch(Reader(given[40:]))
    assert again.follow(json.loads(json.dumps(kept[-1])), "goes on")
    found = again.run(5 * STEP_S, "the time")
    assert found.continues == "goes on"
    assert found.judgement.scrapes == 6


def test_what_was_counted_before_is_not_counted_again() -> None:
    """A look that reaches back into the stage before brings only what is new; a pause between stages owes nothing."""
    first, kept = first_stage(deployed(looks([HEALTHY] * 60)))
    begins = first.judgement.scrapes
    given = looks([HEALTHY] * 60, first=begins - 5, stage=0.25)
    past = replace(given[7], intervals=tuple(each.intervals[0] for each in given[:8]))
    found = second_stage(kept, deployed([past, *given[8:]])).run(3600, "the time")
    assert found.continues == "goes on with stage 10%"
    assert found.document["trajectory"][0]["time_s"] >= START_S + begins * STEP_S
    for pause in (1, 2, 3, 40):
        later = deployed(looks([HEALTHY] * 60, first=begins + pause, stage=0.25))
        again = second_stage(kept, later).run(3600, "the time")
        assert (again.judgement.action, again.judgement.scrapes) == (Action.PROMOTE, 20)


def test_what_was_owed_and_away_is_forgotten_between_stages() -> None:
    """A canary that was away at the end of the last run, and an interval that was missing then, are of that run."""
    away = [replace(look(number, stage=0.1), canary=Targets(0, 1)) for number in range(20, 22)]
    _, kept = held(deployed([*looks([HEALTHY] * 10), *away]), 12)
    back = deployed(looks([HEALTHY] * 60, first=500, stage=0.25))
    down = replace(back[0], canary=Targets(0, 1))
    assert second_stage(kept, [down, *back[1:]]).run(1, "the time").judgement.action is Action.HOLD
    assert second_stage(kept, back).run(3600, "the time").judgement.action is Action.PROMOTE


def held(given: list[Look], count: int) -> tuple[Observation, dict[str, Any]]:
    """Returns what a first stage came to that was cut short after so many looks, and what was kept of it."""
    kept: list[dict[str, Any]] = []
    found = watch(Reader(given), ROLLOUT.of_stage(0.1), kept).run((count - 1) * STEP_S, "the time")
    assert found.judgement.action is Action.HOLD
    return found, kept[-1]


def test_a_blip_at_the_start_does_not_block_every_run_after_it() -> None:
    """Where the stage that is judged shows nothing bad, what an earlier run has left keeps it from nothing."""
    blip = looks([(30, 3, 270, 0), (30, 3, 270, 0), *[(300, 0, 2700, 0)] * 100])
    _, kept = held(deployed(blip), 60)
    assert kept["rollout"]["reasons"][0]["code"] == "suspicion"
    again = second_stage(kept, deployed(looks([(300, 0, 2700, 0)] * 60, first=80, stage=0.25)))
    assert again.run(3600, "the time").judgement.action is Action.PROMOTE
    worse = second_stage(kept, deployed(looks([(300, 1, 2700, 5)] * 60, first=80, stage=0.25)))
    assert worse.run(59 * STEP_S, "the time").judgement.action is Action.HOLD


def test_a_stage_that_went_on_may_itself_be_cut_short() -> None:
    """With the alpha of the stage that it went on with; and an earlier stage's evidence outlives a start that is blind."""
    first, kept = first_stage(deployed(looks([HEALTHY] * 60)))
    begins = first.judgement.scrapes
    rest = deployed(looks([HEALTHY] * 60, first=begins, stage=0.25))
    second = second_stage(kept, rest)
    later: list[dict[str, Any]] = []
    second.keep = later.append
    second.run(5 * STEP_S, "the time")
    third = second_stage({}, rest[6:])
    assert third.go_on(json.loads(json.dumps(later[-1])), "goes on with run 2")
    assert third.run(3600, "the time").judgement.threshold == pytest.approx(first.judgement.threshold)
    blind = second_stage(kept, [look(begins, unreadable="refused", stage=0.25)])
    blind.keep = later.append
    blind.run(1, "the time")
    assert second_stage(later[-1], rest).run(3600, "the time").continues == "goes on with stage 10%"


@pytest.mark.parametrize("why", ["another release", "nobody knows"])
def test_another_canary_is_judged_by_itself(why: str) -> None:
    """All of its processes have started since; or nobody says when they did."""
    first, kept = first_stage(deployed(looks([HEALTHY] * 60)))
    begins = first.judgement.scrapes
    at_s = START_S + (begins + 1) * STEP_S if why == "another release" else None
    found = second_stage(kept, deployed(looks([HEALTHY] * 60, first=begins, stage=0.25), at_s)).run(3600, "the time")
    assert found.continues.startswith("begins anew: ")
    assert found.judgement.threshold == pytest.approx(1 / ROLLOUT.of_stage(0.25).alpha)
    assert found.judgement.action is Action.PROMOTE


def test_nothing_goes_on_after_a_rollback_or_with_another_configuration() -> None:
    """It is final; and other limits are another question."""
    _, kept = first_stage(deployed(looks([SICK] * 60)))
    assert not watch(Reader([])).follow(json.loads(json.dumps(kept)), "goes on")
    _, kept = first_stage(deployed(looks([HEALTHY] * 60)))
    other = RolloutSpec((MetricSpec("errors", promote_below=0.02),))
    assert not watch(Reader([]), other).follow(json.loads(json.dumps(kept)), "goes on")
    assert not watch(Reader([])).follow({"judge": {"spec": {"alpha": "much"}}}, "goes on")


@pytest.mark.parametrize("spoil", ["spec", "stage", "reader", "nonsense"])
def test_another_run_begins_anew(spoil: str) -> None:
    """With another configuration or stage, where the reader cannot, and where the state is broken."""
    kept: list[dict[str, Any]] = []
    watch(Reader(looks([HEALTHY] * 3)), kept=kept).run(40, "the time")
    reader = Reader(looks([HEALTHY] * 3))
    spec = RolloutSpec((MetricSpec("errors", promote_below=0.02),)) if spoil == "spec" else SPEC
    second = watch(reader, spec)
    second.stage = 0.5 if spoil == "stage" else 0.1
    reader.may_go_on = spoil != "reader"
    document = {"judge": None} if spoil == "nonsense" else kept[-1]
    assert not second.go_on(document, "goes on")
    assert second.run(40, "the time").continues == ""


def test_the_past_is_drawn_interval_by_interval() -> None:
    """A first look that brings the stage's past is judged as a whole, and plotted in steps."""
    found = observe([HEALTHY_PAST])
    (whole,) = judge_all([HEALTHY_PAST])
    assert found.judgement.action is whole.action is Action.PROMOTE
    assert found.judgement.scrapes == 40
    assert len(found.document["trajectory"]) == 40
    assert found.document["trajectory"][-1] == point_of(found.judgement)


def test_a_trajectory_stays_small() -> None:
    """Thinned as it grows, for many looks as for many metrics; its first and last point are there."""
    (judgement,) = judge_all(looks([HEALTHY]))
    long = Trajectory()
    for number in range(10_000):
        long.add(_at(judgement, float(number)))
    points = long.to_json(_at(judgement, 9_999.0))
    assert 1000 <= len(points) <= 2001
    assert (points[0]["time_s"], points[-1]["time_s"]) == (0.0, 9_999.0)
    wide = Trajectory()
    many = _at(judgement, 0.0, metrics=judgement.metrics * 50)
    for _ in range(1000):
        wide.add(many)
    assert len(wide.points) * 50 <= MOST_VALUES


def _at(judgement: Any, time_s: float, **more: Any) -> Any:
    return replace(judgement, time_s=time_s, **more)


def test_shares_are_written_as_in_the_configuration() -> None:
    """Without binary noise."""
    assert [share_text(each) for each in (0.1, 0.25, 0.075, 1.0, 0.07)] == ["10%", "25%", "7.5%", "100%", "7%"]


def test_targets_are_in_the_document() -> None:
    """How many of how many answer."""
    down = Look(START_S, 0.1, (Interval(START_S - STEP_S, START_S, {"errors": Counts(1, 0)}, {}),), Targets(1, 2))
    assert observe([down], for_s=1).document["targets"] == {"canary": [1, 2], "baseline": [1, 1]}


def test_targets_that_nobody_has_read_are_not_in_the_document() -> None:
    """Nothing could be read, and so nobody knows."""
    assert "targets" not in observe([look(0, unreadable="refused")], for_s=1).document
