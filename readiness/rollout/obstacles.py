"""What stands in the way of promotion after a look, in words. Nothing does: then the canary is promoted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from readiness.rollout.interface import Alert, Arm, Look
from readiness.rollout.judgement import Code, Reason
from readiness.rollout.promotion import ENOUGH, POINT_REQUESTS
from readiness.rollout.rules import RuleState
from readiness.rollout.spec import PromotionMode, minutes_text

if TYPE_CHECKING:
    from readiness.rollout.judge import Judge
    from readiness.rollout.tally import Tally

FEWEST_SCRAPES = 10
SHORTEST_S = 300.0
SUSPICIOUS = 5.0
"""Evidence for being worse that forbids promotion."""
MOST_RESTARTS = 3
"""Intervals of a stage in which a canary process restarted: errors before a crash are often never scraped."""
SILENT = 7.0
"""Requests that would have come since the last one at the stage's rate: none did, by chance once in a thousand."""


def in_the_way(judge: Judge, look: Look, rules: Sequence[RuleState | None], missing: Sequence[str]) -> Iterator[Reason]:
    """Returns every reason to hold, given what each rule says and what each metric lacks."""
    if look.unreadable is not None:
        yield Reason(Code.UNREADABLE, look.unreadable)
    if look.alerts is None:
        yield Reason(Code.ALERTS_UNKNOWN, "critical alerts could not be read")
    elif look.alerts:
        yield Reason(Code.FORBIDDEN, f"critical alerts fire: {names_of(look.alerts)}")
    if look.unreadable is None:
        yield from _targets(judge, look)
    for tally, rule, lack in zip(judge.tallies, rules, missing, strict=True):
        yield from _metric(judge, look, tally, rule)
        if lack:
            yield Reason(Code.NOT_SHOWN, lack, tally.metric.name)
    yield from _stage(judge, look)


def _targets(judge: Judge, look: Look) -> Iterator[Reason]:
    spec = judge.spec
    if look.canary.up < max(look.canary.known, 1):
        yield Reason(Code.TARGETS_DOWN, f"{look.canary.up} of {look.canary.known} canary targets answer")
    for address in look.unassigned:
        text = f"{address} does not answer, and nobody knows which track it is in; give it its labels in `scrape`"
        yield Reason(Code.TARGETS_DOWN, text)
    if not spec.has_baseline:
        following = spec.next_stage(look.stage)
        if following > spec.without_baseline + 1e-9:
            text = (
                f"without a baseline no promotion past {spec.without_baseline:.0%}; the next stage is {following:.0%}"
            )
            yield Reason(Code.NO_BASELINE, text)
    elif look.baseline.up == 0:
        yield Reason(Code.NO_BASELINE, "no target of the baseline answers: there is nothing to compare with")


def _metric(judge: Judge, look: Look, tally: Tally, rule: RuleState | None) -> Iterator[Reason]:
    name, spec = tally.metric.name, judge.spec
    arms = (Arm.CANARY, Arm.BASELINE) if spec.has_baseline else (Arm.CANARY,)
    for arm in arms:
        if tally.owed[arm]:
            why = tally.why[arm]
            yield Reason(Code.MISSING, f"{arm}: {why.reason}{f' ({why.remedy})' if why.remedy else ''}", name)
    if tally.has_gap:
        yield Reason(Code.LOST, "an interval of this stage was never measured; judge the stage anew", name)
    if tally.lost > spec.tolerated_loss * (tally.stage[0] + tally.stage[2]):
        text = f"about {tally.lost} requests of this stage went with a target or series before they were read"
        yield Reason(Code.LOST, f"{text}; judge the stage anew, or allow a share of them", name)
    if judge.scrapes and not any(tally.owed[arm] for arm in arms):
        yield from _traffic(judge, look, tally)
    if rule is RuleState.UNKNOWN:
        yield Reason(Code.RULE_UNKNOWN, f"under 80 % of the scrapes of {tally.window.length_s:.0f} s are there", name)
    elif rule in {RuleState.SHARED, RuleState.FIRING}:
        yield Reason(Code.SHARED, "the limit is broken, and in the baseline too", name)
    if (worst := tally.suspicion) >= SUSPICIOUS:
        yield Reason(
            Code.SUSPICION, f"evidence {worst:.3g} that it is worse; promotion needs less than {SUSPICIOUS:.0f}", name
        )


def _traffic(judge: Judge, look: Look, tally: Tally) -> Iterator[Reason]:
    requests, last, now = tally.stage[0], tally.last_request_s, judge.covered_to_s or 0.0
    if not requests or last is None:
        yield Reason(Code.NO_TRAFFIC, f"no traffic: the canary {_none(look, Arm.CANARY, tally)}", tally.metric.name)
    elif judge.spec.has_baseline and not tally.stage[2]:
        yield Reason(Code.NO_TRAFFIC, f"the baseline {_none(look, Arm.BASELINE, tally)}", tally.metric.name)
    elif requests * (now - last) > SILENT * max(last - judge.stage_start_s, judge.spec.interval_s):
        yield Reason(Code.NO_TRAFFIC, f"no traffic for {now - last:.0f} s", tally.metric.name)


def _none(look: Look, arm: Arm, tally: Tally) -> str:
    """Returns that there were no requests, and the selector where it may be that which is wrong."""
    selector = look.absent.get(arm, {}).get(tally.metric.name)
    why = "" if selector is None else f": its targets answer, and have no series of {selector}"
    return f"has had no requests in this stage{why}"


def _stage(judge: Judge, look: Look) -> Iterator[Reason]:
    elapsed = judge.elapsed_s(look)
    if judge.scrapes < FEWEST_SCRAPES or elapsed < SHORTEST_S - 1e-6:
        text = f"{elapsed:.0f} s and {judge.scrapes} scrapes; promotion needs {SHORTEST_S:.0f} s and {FEWEST_SCRAPES}"
        if judge.spec.stage_s < max(SHORTEST_S, FEWEST_SCRAPES * judge.spec.interval_s) + judge.spec.interval_s:
            text += f", which `observe` and `look-back` never come to: {minutes_text(judge.spec.stage_s)} min together"
        yield Reason(Code.TOO_EARLY, text)
    if judge.restarts >= MOST_RESTARTS:
        text = f"canary processes restarted in {judge.restarts} intervals of this stage"
        yield Reason(Code.RESTARTS, f"{text}: what they did before is only partly known")
    if not look.intervals and look.unreadable is None:
        yield Reason(Code.MISSING, "this look brought no counts")


def names_of(alerts: Iterable[Alert]) -> str:
    """Returns the names of alerts, each once."""
    return ", ".join(sorted({each.name for each in alerts}))


def missing_for(tally: Tally, mode: PromotionMode) -> str:
    """Returns what a metric lacks for promotion; empty where nothing."""
    promotion = tally.promotion
    if promotion is None or promotion.has_enough(is_weak=mode is PromotionMode.POINT):
        return ""
    if not promotion.requests:
        return "no requests yet"
    share = f"{promotion.bad} of {promotion.requests} requests are bad; the limit is {promotion.limit:.3g}"
    if not promotion.is_below:
        return share
    if mode is PromotionMode.POINT:
        return f"{promotion.requests} of {POINT_REQUESTS} requests"
    return f"evidence {promotion.value:.3g} of {ENOUGH:.0f} for being below the limit: {share}"
