"""What a baseline does to findings and a run to a baseline: it accepts what is known, and nothing else."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.baseline import compared, key_of, outcome, updated
from readiness.config.baseline import Baseline, Entry
from readiness.decision import Rules, settle
from readiness.evidence import Evidence, Findings, Measure
from readiness.model import BaselineResult, CheckResult, Finding, FindingSeverity, Outcome, Severity

TODAY = dt.date(2026, 11, 21)
GATE = "config-lint"


def finding(
    name: str = "a", line: int = 3, severity: FindingSeverity = FindingSeverity.BLOCKING, *, mark: str | None = None
) -> Finding:
    """Returns a finding whose fingerprint follows from its name."""
    given = f"{name}{name}" * 8 if mark is None else mark
    return Finding(
        f"{GATE}/{name}", f"{name}.yaml", line, 1, severity, f"{name} is wrong", "Mend it.", fingerprint=given
    )


def entry(name: str = "a", **fields: object) -> Entry:
    """Returns the entry that knows that finding."""
    return Entry(key_of(GATE, finding(name)), **fields)  # type: ignore[arg-type] # keywords of the dataclass


def check(*findings: Finding, outcome: Outcome = Outcome.FAILED, name: str = "syntax", gate: str = GATE) -> CheckResult:
    """Returns a check with these findings."""
    return CheckResult(f"{gate}/{name}", gate, "t", Severity.BLOCKING, outcome, findings=findings)


def marked(findings: tuple[Finding, ...], *entries: Entry, gate: str = GATE) -> tuple[Finding, ...]:
    return compared(findings, gate, Baseline("known.json", entries), TODAY)


# --- findings ---------------------------------------------------------------------------------------------------


def test_known_findings_do_not_block_and_new_ones_do() -> None:
    """Wherever their line has moved to."""
    known, new = marked((finding("a", line=900), finding("b")), entry("a"))
    assert (known.is_known, known.blocks) == (True, False)
    assert known.severity is FindingSeverity.BLOCKING, "what it is stays what it is"
    assert (new.is_known, new.blocks) == (False, True)


@pytest.mark.parametrize(
    "other",
    [
        replace(finding("a"), rule="config-lint/b"),
        replace(finding("a"), path="b.yaml"),
        replace(finding("a"), path="x/a.yaml"),
        replace(finding("a"), fingerprint="bb" * 8),
        replace(finding("a"), fingerprint=""),
    ],
)
def test_each_part_of_a_finding_counts(other: Finding) -> None:
    """Another rule, another file or another fingerprint is another finding."""
    assert marked((other,), entry("a"))[0].blocks


def test_another_gate_is_another_finding() -> None:
    """An entry accepts nothing of a gate that it does not name."""
    assert marked((finding("a"),), entry("a"), gate="security-scan")[0].blocks


def test_a_second_one_is_new() -> None:
    """Who copies what is known adds a finding, unless the entry counts them."""
    assert [each.blocks for each in marked((finding(),) * 3, entry())] == [False, True, True]
    assert [each.blocks for each in marked((finding(),) * 3, entry(count=2))] == [False, False, True]


def test_an_expired_entry_accepts_nothing() -> None:
    """It blocks again, and the message says since when."""
    (known,) = marked((finding(),), entry(expires=TODAY, owner="me", reason="old"))
    assert known.is_known
    (late,) = marked((finding(),), entry(expires=TODAY - dt.timedelta(1), owner="me", reason="old"))
    assert late.blocks
    assert late.baseline is not None
    assert (late.baseline.owner, late.baseline.reason, late.baseline.expires) == ("me", "old", "2026-11-20")
    evidence = Evidence("x", findings=[late])
    assert evidence.violations() == [
        "a.yaml:3:1: a is wrong (config-lint/a; its baseline entry was valid until 2026-11-20)"
    ]


def evidence_with(*entries: Entry) -> Evidence:
    return Evidence("x", compare=partial(compared, gate=GATE, baseline=Baseline("known.json", entries), today=TODAY))


def test_evidence_violates_nothing_where_all_is_known() -> None:
    """A check with nothing but known findings holds, and they are its evidence."""
    evidence = evidence_with(entry("a"))
    Findings(evidence).add([finding("a")])
    assert evidence.violations() == []
    assert not evidence.is_empty


def test_limits_are_not_accepted() -> None:
    """That no file was read fails the check, whatever is known."""
    evidence = evidence_with(entry("a"))
    Measure(evidence)("files read", 0, at_least=1)
    Findings(evidence).add([finding("a")])
    assert evidence.violations() == ["files read: observed 0, expected at least 1 (x)"]


def test_nothing_observed_stays_nothing_observed() -> None:
    """A baseline is no evidence."""
    assert evidence_with(entry("a")).is_empty


@given(
    st.sampled_from([Outcome.UNMEASURED, Outcome.NOT_RUN, Outcome.FAILED]),
    st.lists(st.sampled_from("abc"), max_size=4),
    st.lists(st.sampled_from("abc"), max_size=3, unique=True),
)
@settings(deadline=None)
def test_no_outcome_turns_into_a_pass(came_to: Outcome, found: list[str], known: list[str]) -> None:
    """What a check came to for another reason than its findings is not touched."""
    findings = marked(tuple(map(finding, found)), *map(entry, known))
    assert settle(check(*findings, outcome=came_to), Rules("staging", TODAY)).outcome is came_to


# --- the baseline after a run -----------------------------------------------------------------------------------


def test_a_run_says_what_became_of_the_baseline() -> None:
    """Known, expired, vanished, and of gates of which nothing can be said."""
    elsewhere = Entry(replace_gate(entry("d"), "security-scan"))
    entries = (entry("a"), entry("b", expires=dt.date(2020, 1, 1)), entry("c"), elsewhere)
    seen = check(*marked((finding("a"), finding("b"), finding("e")), *entries))
    unseen = check(gate="security-scan", outcome=Outcome.UNMEASURED)
    assert outcome([seen, unseen], Baseline("known.json", entries), TODAY) == BaselineResult(
        "known.json", 4, 1, 1, 1, 1
    )


def replace_gate(known: Entry, gate: str):  # type: ignore[no-untyped-def] # a key
    return known.key._replace(gate=gate)


@pytest.mark.parametrize("came_to", [Outcome.UNMEASURED, Outcome.NOT_RUN])
def test_nothing_vanishes_from_a_gate_that_was_not_observed(came_to: Outcome) -> None:
    """One check that did not look is enough; nor does it vanish from a gate that was not run at all."""
    baseline = Baseline("known.json", (entry("a"),))
    looked = check(outcome=Outcome.PASSED)
    for checks in ([looked, check(outcome=came_to, name="schema")], []):
        result = outcome(checks, baseline, TODAY)
        assert (result.vanished, result.unobserved) == (0, 1)
        for adds in (False, True):
            assert updated(baseline.entries, checks, TODAY, adds=adds).entries == baseline.entries
    assert outcome([looked], baseline, TODAY).vanished == 1


def test_write_adds_what_blocks_and_forgets_what_vanished() -> None:
    """What warns or informs needs no entry."""
    found = (finding("a"), finding("n"), finding("w", severity=FindingSeverity.ADVISORY))
    update = updated((entry("a", owner="me"), entry("gone")), [check(*found)], TODAY, adds=True)
    assert update.entries == (entry("a", owner="me"), entry("n"))
    assert (update.added, update.removed, update.kept) == (1, 1, 1)


def test_prune_adds_nothing() -> None:
    """Only what vanished goes; an entry of a finding that only warns here stays, since it may block elsewhere."""
    found = (finding("n"), finding("w", severity=FindingSeverity.ADVISORY))
    update = updated((entry("gone"), entry("w")), [check(*found)], TODAY, adds=False)
    assert update.entries == (entry("w"),)
    assert (update.added, update.removed, update.kept) == (0, 1, 1)


def test_write_does_not_renew() -> None:
    """What was accepted until a day stays so, and is told."""
    ended = entry("a", expires=dt.date(2026, 1, 1))
    update = updated((ended,), [check(*marked((finding("a"),), ended))], TODAY, adds=True)
    assert update.entries == (ended,)
    assert update.expired == 1


def test_what_cannot_be_listed_is_told() -> None:
    """A finding without a fingerprint, and what was not looked at, stay new."""
    unread = Finding(f"{GATE}/unreadable-file", "b", 0, 0, FindingSeverity.BLOCKING, "t", "r", fingerprint="ab" * 8)
    update = updated((), [check(finding(mark=""), finding(mark=""), unread)], TODAY, adds=True)
    assert update.entries == ()
    assert list(update.unlisted.values()) == [2, 1]


def test_a_repeated_finding_is_counted_by_check() -> None:
    """Two checks that report the same one share an entry; one that reports it twice needs two."""
    twice = check(finding("a"), finding("a"))
    once = check(finding("a"), name="schema")
    assert updated((), [once, once], TODAY, adds=True).entries == (entry("a"),)
    assert updated((), [twice, once], TODAY, adds=True).entries == (entry("a", count=2),)


names = st.lists(st.sampled_from("abcdef"), max_size=8)


@given(names, names, names)
@settings(deadline=None)
def test_after_write_nothing_blocks_and_one_more_does(before: list[str], found: list[str], later: list[str]) -> None:
    """Writing accepts exactly what is there; whatever comes on top of it blocks."""
    known = tuple(entry(name) for name in dict.fromkeys(before))
    update = updated(known, [check(*map(finding, found))], TODAY, adds=True)
    assert not any(each.blocks for each in marked(tuple(map(finding, found)), *update.entries))
    assert {each.key.rule.partition("/")[2] for each in update.entries} == set(found)
    added = [each for each in marked(tuple(map(finding, found + later)), *update.entries) if each.blocks]
    assert len(added) >= len([name for name in later if name not in found])
    assert updated(update.entries, [check(*map(finding, found))], TODAY, adds=True).entries == update.entries
