"""What every report says first, worked out once, so that terminal, HTML, Markdown and JUnit can never disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from readiness.model import (
    Answer,
    CheckResult,
    Decision,
    Outcome,
    Reason,
    Severity,
    WaiverResult,
    WaiverState,
    WaiverUse,
)
from readiness.reports.text import OUTCOME_ORDER, count_of, days_between, excerpted, one_line

INCOMPLETE = "NO-GO (incomplete)"
"""Nothing was shown to be bad, but evidence is missing."""

_MISSING = frozenset(
    {
        *("unmeasured", "not-run", "not-configured"),
        *("collection", "crashed", "deadline", "environment", "internal error", "interrupted"),
    }
)
"""Outcomes, verdicts and troubles of a run that say that evidence is missing."""
_BAD = frozenset({"failed", "fail", "flaky"})
_SATISFIED = frozenset({Outcome.PASSED, Outcome.WAIVED})
_NAMED = 3
"""How many checks the one sentence names."""


class NotableWaiver(NamedTuple):
    """One waiver of the configuration, joined with what its use in this run says of it."""

    result: WaiverResult
    use: WaiverUse | None
    """None where it waived nothing."""
    waived: tuple[str, ...]
    """Ids of the checks that it waived."""
    days_left: int | None
    is_notable: bool
    """True where somebody should look: expired, unused, over-broad, or ending within a week."""


class Overview(NamedTuple):
    """The decision in words and numbers."""

    headline: str
    """`GO`, `NO-GO` or `NO-GO (incomplete)`."""
    why: tuple[str, ...]
    """Sentences; the first says why, the last how much ran."""
    because: str
    """The first of them without the names of checks, for where a list of them follows."""
    coverage: str
    """What a partial run covers; empty for a whole one."""
    counts: dict[str, int]
    """Outcome to number of checks, in the order of attention."""
    ran: int
    total: int
    reasons: tuple[Reason, ...]
    """Why it is a NO-GO; never empty for one."""
    waivers: tuple[NotableWaiver, ...]

    @property
    def is_go(self) -> bool:
        """True for GO alone."""
        return self.headline == "GO"

    @property
    def sentence(self) -> str:
        """The sentences on one line."""
        return " ".join(self.why)


def overview(decision: Decision) -> Overview:
    """Returns what every report says first."""
    counts = Counter(str(check.outcome) for check in decision.checks)
    ran = sum(1 for check in decision.checks if check.outcome is not Outcome.NOT_RUN)
    reasons = decision.reasons
    if decision.decision is Answer.NO_GO and not reasons:
        reasons = (Reason("", "", Outcome.NOT_RUN, "No reason was recorded; without evidence it is a NO-GO."),)
    waivers = _waivers(decision)
    missing = _outcomes(decision)
    because = _because(decision, reasons, missing)
    sentences = [*because, *_further(decision), *_about_waivers(waivers)]
    total = len(decision.checks)
    sentences.append(f"{ran:,} of {count_of(total, 'check')} ran.")
    return Overview(
        headline=_headline(decision, reasons),
        why=tuple(sentences),
        because=_told(missing, named=False) if missing else because[0],
        coverage=_coverage(decision),
        counts={name: counts[name] for name in OUTCOME_ORDER if counts[name]},
        ran=ran,
        total=total,
        reasons=reasons,
        waivers=waivers,
    )


def in_order_of_attention(checks: Iterable[CheckResult]) -> list[CheckResult]:
    """Returns the checks with failures first and passes last; otherwise in their own order."""
    return sorted(checks, key=lambda check: (OUTCOME_ORDER.index(check.outcome), check.severity is Severity.ADVISORY))


def unproven(decision: Decision) -> list[CheckResult]:
    """Returns the blocking checks of required gates that are neither passed nor waived, in the order of attention."""
    optional = {gate.name for gate in decision.gates if not gate.required}
    return in_order_of_attention(
        check
        for check in decision.checks
        if check.severity is Severity.BLOCKING and check.gate not in optional and check.outcome not in _SATISFIED
    )


def contradiction(decision: Decision) -> str:
    """Returns why a GO cannot be one; empty where it can.

    A second look at what `readiness.decision` has settled: a file that says GO is never written beside evidence
    against it.
    """
    if decision.decision is not Answer.GO:
        return ""
    if decision.reasons:
        return "a reason against it was recorded"
    required = [gate.name for gate in decision.gates if gate.required]
    if not required:
        return "no required gate was judged"
    against = unproven(decision)
    if against:
        return f"{against[0].id} is {against[0].outcome}"
    empty = [name for name in required if not any(check.gate == name for check in decision.checks)]
    return f"gate {empty[0]} ran no check" if empty else ""


def _headline(decision: Decision, reasons: tuple[Reason, ...]) -> str:
    if decision.decision is Answer.GO:
        return "GO"
    seen = {reason.outcome for reason in reasons} | {str(check.outcome) for check in unproven(decision)}
    return INCOMPLETE if seen & _MISSING and not seen & _BAD else "NO-GO"


def _outcomes(decision: Decision) -> dict[str, list[str]]:
    """Returns outcome to ids of the checks that stand in the way."""
    grouped: dict[str, list[str]] = {}
    for check in unproven(decision):
        grouped.setdefault(check.outcome, []).append(check.id)
    return grouped


def _because(decision: Decision, reasons: tuple[Reason, ...], missing: dict[str, list[str]]) -> list[str]:
    if decision.decision is Answer.GO:
        required = sum(gate.required for gate in decision.gates)
        kind = "selected" if decision.partial else "required"
        gates = f"The {kind} gate was" if required == 1 else f"All {required} {kind} gates were"
        return [f"{gates} judged, and no blocking check stands in the way."]
    sentences = [_told(missing, named=True)] if missing else []
    told = {check for ids in missing.values() for check in ids}
    other = [reason for reason in reasons if reason.check not in told]
    if other:
        more = f" And {count_of(len(other) - 1, 'more reason')}." if len(other) > 1 else ""
        sentences.append(f"{one_line(excerpted(other[0].text).before, 200).rstrip('.')}.{more}")
    return sentences


def _told(missing: dict[str, list[str]], *, named: bool) -> str:
    verbs = {"failed": "failed", "unmeasured": "could not be measured", "not-run": "did not run"}
    parts: list[str] = []
    for outcome, ids in missing.items():
        number = f"{len(ids):,}" if parts else count_of(len(ids), "blocking check")
        names = ", ".join(one_line(check, 80) for check in ids[:_NAMED])
        more = f", and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else ""
        parts.append(f"{number} {verbs.get(outcome, outcome)}" + (f" ({names}{more})" if named else ""))
    return ", ".join(parts) + "."


def _further(decision: Decision) -> list[str]:
    sentences = []
    optional = {gate.name for gate in decision.gates if not gate.required}
    outside = sum(
        check.gate in optional and check.severity is Severity.BLOCKING and check.outcome not in _SATISFIED
        for check in decision.checks
    )
    if outside:
        sentences.append(f"{count_of(outside, 'check')} of gates that are not required did not pass.")
    advisory = [check for check in decision.checks if check.severity is Severity.ADVISORY]
    failed = sum(check.outcome is Outcome.ADVISORY for check in advisory)
    if failed:
        sentences.append(f"{count_of(failed, 'advisory check')} failed without blocking.")
    unseen = sum(check.outcome in (Outcome.UNMEASURED, Outcome.NOT_RUN) for check in advisory)
    if unseen:
        sentences.append(f"{count_of(unseen, 'advisory check')} gave no evidence.")
    known = sum(finding.is_known for check in decision.checks for finding in check.findings)
    if known:
        sentences.append(f"{count_of(known, 'finding')} of the baseline {'does' if known == 1 else 'do'} not block.")
    flaky = sum(check.outcome is Outcome.PASSED and check.attempts > 1 for check in decision.checks)
    if flaky:
        sentences.append(f"{count_of(flaky, 'check')} passed only after a retry.")
    return sentences


def _about_waivers(waivers: tuple[NotableWaiver, ...]) -> list[str]:
    used = [waiver for waiver in waivers if waiver.result.state is WaiverState.ACTIVE]
    sentences = []
    if used:
        nearest = min((waiver.days_left for waiver in used if waiver.days_left is not None), default=None)
        ends = (
            "" if nearest is None else f", {'it' if len(used) == 1 else 'the first'} ends in {count_of(nearest, 'day')}"
        )
        sentences.append(f"{count_of(len(used), 'waiver')} in use{ends}.")
    for state in (WaiverState.EXPIRED, WaiverState.UNUSED):
        number = sum(waiver.result.state is state for waiver in waivers)
        if number:
            verb = {WaiverState.EXPIRED: "expired", WaiverState.UNUSED: "unused"}[state]
            sentences.append(f"{count_of(number, 'waiver')} {verb}.")
    return sentences


def _coverage(decision: Decision) -> str:
    if not decision.partial:
        return ""
    names = [one_line(gate.name, 60) for gate in decision.gates]
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")  # noqa: PLR2004 - the built-in gates and two
    which = f"only {'this gate' if len(names) == 1 else 'these gates'}: {shown}" if names else "no gate at all"
    return f"Partial run. The decision covers {which}. It says nothing of the others."


def _waivers(decision: Decision) -> tuple[NotableWaiver, ...]:
    by_pattern: dict[str, list[CheckResult]] = {}
    for check in decision.checks:
        if check.waiver is not None:
            by_pattern.setdefault(check.waiver.check, []).append(check)
    notable = []
    for result in decision.waivers:
        waived = by_pattern.get(result.check, [])
        days = days_between(decision.run.finished, result.expires)
        soon = days is not None and days <= 7 and result.state is WaiverState.ACTIVE  # noqa: PLR2004 - a week to renew it
        looks_odd = result.state is not WaiverState.ACTIVE or bool(result.note) or soon
        use = waived[0].waiver if waived else None
        notable.append(NotableWaiver(result, use, tuple(check.id for check in waived), days, looks_odd))
    return tuple(notable)
