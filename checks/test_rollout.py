"""The canary is no worse than the baseline, within its limits, and shown to be so before it gets more traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from readiness import NotMeasured, check

if TYPE_CHECKING:
    from readiness.config.rollout_tables import RolloutMetric
    from readiness.evidence import Measure
    from readiness.rollout.observation import Observation

RUNBOOK = "rollout canary rollback"


@check("rollout/data", observe=lambda rollout: rollout.observe(), alone=True, runbook=RUNBOOK)
def test_data(seen: Observation, measure: Measure) -> None:
    """The canary and the baseline were measured.

    Holds when: at the last look each metric was read in both arms, all targets of the canary answered, both arms had
        requests, and nothing of the stage is lost.
    Why it matters: what is not measured looks like what is healthy: no series of errors, and no errors, are the same zero.
    Measured by: the raw samples of the counters in Prometheus, or at the pods' own /metrics, every interval until the
        stage is decided or the time to observe is over; counted by pod, so that restarts and new pods are known as such.
    If it fails: the evidence names the metric, the arm and the selector; compare them with what the pods say at /metrics.
        Without traffic send some; a stage of which a part is lost is judged anew.
    Source: [rollout] prometheus, scrape, canary, baseline, every, metric.
    """
    if seen.unmeasured():
        raise NotMeasured("; ".join(seen.unmeasured()), seen.unmeasured_remedy)
    measure("scrapes", seen.judgement.scrapes, at_least=1, where=f"stage {seen.stage_text}")
    for each in seen.judgement.metrics:
        measure(f"requests of the canary ({each.name})", each.canary_requests)
        measure(f"requests of the baseline ({each.name})", each.baseline_requests)
    found = seen.of_the_data()
    measure("gaps in what was measured", len(found), at_most=0, detail=found)


@check(
    "rollout/{metric}", each="metric in metric", observe=lambda rollout: rollout.observe(), alone=True, runbook=RUNBOOK
)
def test_metric(seen: Observation, metric: RolloutMetric, measure: Measure) -> None:
    """The metric shows the canary to be healthy.

    Holds when: nothing says that the canary is worse than the baseline or above its rollback limit, and that it is below
        its promotion limit is shown at 5 %, from this stage's requests alone.
    Why it matters: thresholds on rates roll healthy releases back when traffic is low, and pass sick ones when it is none.
    Measured by: an e-process on the counts of bad requests of both arms, which may be looked at any number of times; at
        limits, an exact binomial test and a second e-process. Latencies are counts of requests slower than a bucket edge.
    If it fails: with evidence against it roll back and compare both arms' logs. With too little evidence observe longer,
        give the canary more traffic, or set limits that today's traffic can show.
    Source: [rollout] metric.
    """
    state = seen.state_of(metric.name)
    if seen.unmeasured(metric.name):
        raise NotMeasured("; ".join(seen.unmeasured(metric.name)), seen.unmeasured_remedy)
    for arm, bad, requests in (
        ("canary", state.canary_bad, state.canary_requests),
        ("baseline", state.baseline_bad, state.baseline_requests),
    ):
        if requests:
            detail = (f"{bad} of {requests} requests",)
            measure(f"bad requests of the {arm}", round(100 * bad / requests, 6), unit="%", detail=detail)
    measure("evidence that the canary is worse", seen.legible(state.evidence), where=f"stage {seen.stage_text}")
    if state.promotion is not None:
        measure("evidence that it is below its limit", seen.legible(state.promotion))
    found = seen.of_the_metric(metric.name)
    measure("reasons against promotion", len(found), at_most=0, detail=found)


@check("rollout/decision", observe=lambda rollout: rollout.observe(), alone=True, runbook=RUNBOOK)
def test_decision(seen: Observation, measure: Measure) -> None:
    """The canary is promoted to the next stage.

    Holds when: every metric is shown to be below its limit and none speaks against it, at one look, after at least 5
        minutes and 10 scrapes of this stage.
    Why it matters: only positive evidence promotes; an answer that was not found in time is no yes.
    Measured by: one evidence process over all metrics, so that the chance of rolling back a healthy release stays below
        [rollout] false-rollbacks however often it is looked at. A rollback ends the observation at once.
    If it fails: `rollback` means what it says. `hold` says what is missing: fix that, observe longer, or send traffic.
    Source: [rollout] stages, observe, mode, false-rollbacks; contract of the gate.
    """
    judgement = seen.judgement
    if judgement.is_unmeasured:
        raise NotMeasured(seen.unreadable or f"hold: {'; '.join(seen.reasons)}", seen.unmeasured_remedy)
    measure("evidence against the canary", seen.legible(judgement.evidence), where=f"stage {seen.stage_text}")
    measure("observed", round(judgement.elapsed_s, 3), unit="s")
    detail = (*seen.reasons, f"observed until {seen.ended}")
    measure("action", str(judgement.action), equals="promote", where=f"stage {seen.stage_text}", detail=detail)
