from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from readiness.model import Answer, Decision, Outcome, Reason, Severity
from readiness.reports.overview import INCOMPLETE, contradiction, overview
from tests.reports import samples
from tests.reports.strategies import decisions


def test_sentence_of_a_no_go() -> None:
    """Why, which checks, what else to know, and how much ran."""
    assert overview(samples.no_go()).sentence == (
        "2 blocking checks failed (placeholder-audit/critical, health/endpoint[/health/db]), "
        "1 could not be measured (redis/ping), 1 did not run (redis/memory). "
        "Gate flags is required but not configured. Add a table [flags] to the configuration. "
        "1 advisory check failed without blocking. 1 check passed only after a retry. "
        "1 waiver in use, it ends in 4 days. 1 waiver expired. 1 waiver unused. 11 of 12 checks ran."
    )


def test_sentence_of_a_go() -> None:
    """A GO says what it stands on."""
    assert overview(samples.go()).sentence == (
        "All 5 required gates were judged, and no blocking check stands in the way. 14 of 14 checks ran."
    )


def test_failures_beyond_three_are_counted() -> None:
    """The sentence stays one that can be read."""
    assert "and 97 more)" in overview(samples.large(300, 100)).sentence


@pytest.mark.parametrize("outcome", ["unmeasured", "not-run", "not-configured", "interrupted", "deadline", "crashed"])
def test_missing_evidence_alone_is_incomplete(outcome: str) -> None:
    """Nothing was shown to be bad: the headline says so, and is a NO-GO all the same."""
    decision = replace(samples.go(), decision=Answer.NO_GO, reasons=(Reason("", "", outcome, "x"),))
    assert overview(decision).headline == INCOMPLETE


@pytest.mark.parametrize("outcome", ["failed", "flaky", "withheld", "reports"])
def test_what_was_seen_to_be_bad_is_no_go(outcome: str) -> None:
    """A failure is the message, whatever else is missing."""
    decision = replace(samples.incomplete(), reasons=(Reason("", "", outcome, "x"),))
    checks = tuple(replace(check, outcome=Outcome.PASSED) for check in decision.checks)
    assert overview(replace(decision, checks=checks)).headline == "NO-GO"


def test_gates_that_are_not_required_do_not_stand_in_the_way() -> None:
    """A failure outside the required gates is told, not counted among the blockers."""
    decision = samples.go()
    checks = tuple(
        replace(check, outcome=Outcome.FAILED) if check.id == "redis/ping" else check for check in decision.checks
    )
    gates = tuple(replace(gate, required=gate.name != "redis") for gate in decision.gates)
    seen = overview(replace(decision, checks=checks, gates=gates))
    assert seen.is_go
    assert "1 check of gates that are not required did not pass." in seen.sentence


@given(decisions())
@settings(max_examples=60, deadline=None)
def test_a_no_go_always_has_a_reason(decision: Decision) -> None:
    """No report shows a NO-GO without saying why."""
    seen = overview(replace(decision, decision=Answer.NO_GO, reasons=()))
    assert seen.reasons
    assert seen.because
    assert not seen.is_go


@given(decisions())
@settings(max_examples=60, deadline=None)
def test_counts_add_up(decision: Decision) -> None:
    """Each check is counted once."""
    seen = overview(decision)
    assert sum(seen.counts.values()) == seen.total == len(decision.checks)
    assert seen.ran == seen.total - seen.counts.get("not-run", 0)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.UNMEASURED, Outcome.NOT_RUN])
def test_a_go_against_its_evidence_is_noticed(outcome: Outcome) -> None:
    """A blocking check that did not pass contradicts a GO."""
    decision = samples.go()
    checks = (replace(decision.checks[0], outcome=outcome), *decision.checks[1:])
    assert contradiction(replace(decision, checks=checks)) == f"config-lint/syntax is {outcome}"
    assert not contradiction(decision)


def test_a_go_without_evidence_is_noticed() -> None:
    """No gate, a gate without a check, or a reason against it contradict a GO; an advisory failure does not."""
    decision = samples.go()
    assert contradiction(replace(decision, gates=(), checks=())) == "no required gate was judged"
    assert contradiction(replace(decision, checks=decision.checks[:3])) == "gate health ran no check"
    assert contradiction(replace(decision, reasons=(Reason("", "", "", ""),)))
    advisory = replace(decision.checks[0], severity=Severity.ADVISORY, outcome=Outcome.ADVISORY)
    assert not contradiction(replace(decision, checks=(advisory, *decision.checks[1:])))
    assert not contradiction(samples.no_go())
