"""What the page shows, as text and counts: the template only places it."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterable, Mapping

from readiness.model import CheckResult, Decision, GateResult, Outcome, Reason
from readiness.reports import findings
from readiness.reports.html.finding_view import finding_sections
from readiness.reports.html.page import Blocker, Evidence, Fact, Gate, Measured, Page, Status, WaiverRow
from readiness.reports.html.rollout import rollout_part
from readiness.reports.interface import Document
from readiness.reports.json import decision_from
from readiness.reports.overview import NotableWaiver, Overview, in_order_of_attention, overview
from readiness.reports.rollout import GATE
from readiness.reports.text import (
    clip,
    count_of,
    counts_text,
    duration_text,
    expiry_text,
    limit_text,
    one_line,
    safe_href,
    time_text,
    value_text,
    visible,
)

BLOCKERS = 10
LISTED = 500
"""Checks that the page lists; with more, those that passed are only counted."""
WITH_EVIDENCE = 100
"""Checks whose evidence the page holds once it lists no passed ones; the others are one line each."""
_MEASUREMENTS = 30
_TEXT = 4_000
"""Characters of one text of evidence."""

_TONES = {
    "failed": "bad", "unmeasured": "bad", "not-run": "bad", "advisory": "warn", "waived": "warn", "passed": "good",
    "fail": "bad", "not-configured": "bad", "warn": "warn", "pass": "good",
}  # fmt: skip


def page_of(document: Document, base: str = "") -> Page:
    """Returns the page's content; `base` as for `render`."""
    decision = decision_from(document)
    seen = overview(decision)
    names = [one_line(part, 120) for part in (decision.service.name, decision.environment.name) if part]
    blockers = tuple(_blockers(decision, seen, base))
    stage = str((document.get("rollout") or {}).get("stage", ""))
    return Page(
        headline=seen.headline,
        tone="good" if seen.is_go else "bad",
        title=" · ".join([seen.headline, *names]),
        subtitle=" · ".join(names),
        coverage=seen.coverage,
        because=visible(seen.because),
        further=visible(" ".join(seen.why[1:])),
        facts=tuple(_facts(decision)),
        blockers=blockers,
        more_blockers=max(len(seen.reasons) - BLOCKERS, 0),
        gates=tuple(_gates(decision, base, stage)),
        totals=counts_text(seen.counts),
        baseline=_baseline_text(decision),
        waivers=tuple(_waiver_row(decision, waiver) for waiver in seen.waivers[:LISTED]),
        more_waivers=max(len(seen.waivers) - LISTED, 0),
        versions=tuple(Fact(one_line(name, 60), one_line(text, 200)) for name, text in decision.run.versions.items()),
        rollout=rollout_part(document.get("rollout")),
    )


def anchor_of(check: str) -> str:
    """Returns the id of a check's evidence in the page: the same in every report, no two checks the same.

    `redis/ping` becomes `check_redis_ping`; an id with other characters is slugged and gets a digest, since two of
    them could look alike.
    """
    if re.fullmatch(r"[a-z0-9-]+(/[a-z0-9-]+)?", check):
        return f"check_{check.replace('/', '_')}"
    slug = re.sub(r"[^a-z0-9]+", "-", check.lower()).strip("-")[:60]
    digest = hashlib.sha256(check.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"check_{slug}_{digest}"


def _gate_anchor(gate: str) -> str:
    return anchor_of(gate).replace("check", "gate", 1)


def _status(word: str, *, blocks: bool = True) -> Status:
    tone = _TONES.get(word, "bad")
    # Red is kept for what stands in the way of the release.
    return Status(one_line(word, 40), tone if blocks or tone == "good" else "warn")


def _facts(decision: Decision) -> Iterable[Fact]:
    service, environment, run = decision.service, decision.environment, decision.run
    yield Fact("Service", one_line(service.name, 200) or "unknown")
    dirty = ", with uncommitted changes" if service.dirty else ""
    yield Fact("Commit", f"{one_line(service.commit[:12], 40)}{dirty}" if service.commit else "unknown")
    protected = ", protected" if environment.protected else ""
    yield Fact("Environment", f"{one_line(environment.name, 100)} ({one_line(environment.kind, 40)}{protected})")
    if service.owner:
        yield Fact("Owner", one_line(service.owner, 200))
    yield Fact("Started", time_text(run.started))
    yield Fact("Finished", time_text(run.finished))
    workers = "" if run.workers == 1 else f", {run.workers} workers"
    yield Fact("Took", f"{duration_text(run.duration_s)}{workers}")
    yield Fact("Run", one_line(run.id, 100))


def _baseline_text(decision: Decision) -> str:
    known = decision.baseline
    return f"{one_line(known.file, 200)}, {findings.baseline_text(known)}" if known is not None else ""


def _blockers(decision: Decision, seen: Overview, base: str) -> Iterable[Blocker]:
    checks = {check.id: check for check in decision.checks}
    gates = {gate.name for gate in decision.gates}
    reachable = _listed_ids(decision)
    for reason in seen.reasons[:BLOCKERS]:
        check = checks.get(reason.check)
        yield Blocker(
            where=one_line(reason.check or reason.gate or "the run", 160),
            anchor=_evidence_anchor(reason, gates, reachable),
            status=_status(reason.outcome),
            text=one_line(findings.without_list(reason.text, check.findings if check else ()), 400),
            runbook=safe_href(check.runbook, base) if check and check.runbook else "",
        )


def _evidence_anchor(reason: Reason, gates: set[str], reachable: set[str]) -> str:
    if reason.check in reachable:
        return anchor_of(reason.check)
    return _gate_anchor(reason.gate) if reason.gate in gates else ""


def _listed(decision: Decision) -> list[CheckResult]:
    """Returns the checks that the page lists, in the order of attention."""
    checks = in_order_of_attention(decision.checks)
    if len(checks) <= LISTED:
        return checks
    return [check for check in checks if check.outcome is not Outcome.PASSED][:LISTED]


def _listed_ids(decision: Decision) -> set[str]:
    return {check.id for check in _listed(decision)}


def _gates(decision: Decision, base: str, stage: str) -> Iterable[Gate]:
    listed = _listed(decision)
    all_listed = len(listed) == len(decision.checks)
    by_gate: dict[str, list[Evidence]] = {}
    taken: set[str] = set()
    optional = {gate.name for gate in decision.gates if not gate.required}
    titles = {rule.id: rule.title for rule in decision.rules}
    for number, check in enumerate(listed):
        shown = _evidence(
            check,
            decision,
            base,
            command=_command(check, decision, stage),
            anchor=_unique(anchor_of(check.id), taken),
            is_open=number < BLOCKERS and check.outcome in (Outcome.FAILED, Outcome.UNMEASURED),
            is_brief=not all_listed and number >= WITH_EVIDENCE,
            blocks=check.gate not in optional,
            titles=titles,
        )
        by_gate.setdefault(check.gate, []).append(shown)
    known = {gate.name for gate in decision.gates}
    # A check of a gate that the document does not list would vanish otherwise.
    stray = [
        _stray_gate(name, decision.checks)
        for name in dict.fromkeys(check.gate for check in decision.checks)
        if name not in known
    ]
    found = findings.by_gate(decision)
    for gate in [*decision.gates, *stray]:
        checks = by_gate.pop(gate.name, [])  # taken, so that two gates of one name do not list them twice
        passed = tuple(check for check in checks if check.status.word == Outcome.PASSED)
        attention = tuple(check for check in checks if check.status.word != Outcome.PASSED)
        yield Gate(
            name=one_line(gate.name, 100),
            anchor=_unique(_gate_anchor(gate.name), taken),
            title=one_line(gate.title, 300),
            required=gate.required,
            status=_status(gate.verdict, blocks=gate.required),
            counts=counts_text(gate.outcomes),
            findings=findings.counts_text(found.get(gate.name, {})),
            took=duration_text(gate.duration_s),
            attention=attention,
            passed=passed,
            unlisted=_unlisted(gate, len(attention), len(passed)),
        )


def _stray_gate(name: str, checks: Iterable[CheckResult]) -> GateResult:
    from readiness.model import Verdict

    outcomes: dict[str, int] = {}
    for check in checks:
        if check.gate == name:
            outcomes[check.outcome] = outcomes.get(check.outcome, 0) + 1
    return GateResult(name, "", False, Verdict.UNMEASURED, outcomes)


def _unlisted(gate: GateResult, attention: int, passed: int) -> str:
    all_passed = gate.outcomes.get(Outcome.PASSED, 0)
    more = sum(gate.outcomes.values()) - all_passed - attention
    parts = []
    if more > 0:
        parts.append(f"{count_of(more, 'more check')} that did not pass")
    if all_passed > passed:
        parts.append(f"{count_of(all_passed - passed, 'check')} that passed")
    return f"{' and '.join(parts)}: in report.json" if parts else ""


def _unique(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    taken.add(name)
    return name


def _evidence(
    check: CheckResult,
    decision: Decision,
    base: str,
    *,
    command: str,
    anchor: str,
    is_open: bool,
    is_brief: bool,
    blocks: bool,
    titles: Mapping[str, str],
) -> Evidence:
    message = findings.without_list(check.message or "", check.findings)
    return Evidence(
        id=one_line(check.id, 300),
        anchor=anchor,
        title=one_line(check.title, 300),
        status=_status(check.outcome, blocks=blocks and check.severity == "blocking"),
        notes=tuple(_notes(check)),
        took=duration_text(check.duration_s),
        message=one_line(message, 200) if is_brief else clip(message, _TEXT),
        measurements=tuple(_measured(check)),
        more_measurements=max(len(check.measurements) - _MEASUREMENTS, 0),
        findings=finding_sections(check.findings, titles),
        remedy=clip(check.remedy or "", _TEXT),
        runbook=one_line(check.runbook or "", 300),
        runbook_address=safe_href(check.runbook or "", base),
        waiver=_waiver_text(check, decision.run.finished),
        command=command,
        is_open=is_open,
        is_brief=is_brief,
    )


def _notes(check: CheckResult) -> Iterable[str]:
    if check.severity == "advisory":
        yield "advisory"
    if check.attempts > 1:
        yield f"passed on attempt {check.attempts}" if check.outcome is Outcome.PASSED else f"{check.attempts} attempts"


def _measured(check: CheckResult) -> Iterable[Measured]:
    for each in check.measurements[:_MEASUREMENTS]:
        limit = limit_text(each.limit, each.unit)
        status = Status("holds" if each.holds else "does not hold", "good" if each.holds else "bad")
        yield Measured(one_line(each.name, 200), value_text(each.value, each.unit), limit, status if limit else None)


def _waiver_text(check: CheckResult, finished: str) -> str:
    use = check.waiver
    if use is None:
        return ""
    ticket = f" ({one_line(use.ticket, 100)})" if use.ticket else ""
    return f"Accepted by {one_line(use.owner, 200)}{ticket}, {expiry_text(finished, use.expires)}: {one_line(use.reason, 1000)}"


def _command(check: CheckResult, decision: Decision, stage: str) -> str:
    """Returns the command that repeats the check, quoted for a POSIX shell; empty where nobody could run it.

    That is a check without a node id, and one of a rollout whose stage the report does not know.
    """
    if not check.node_id or (check.gate == GATE and not stage):
        return ""
    words = ["pytest", f"--env={decision.environment.name}", *([f"--stage={stage}"] if stage else []), check.node_id]
    return " ".join(shlex.quote(one_line(word)) for word in words)


def _waiver_row(decision: Decision, waiver: NotableWaiver) -> WaiverRow:
    result, use = waiver.result, waiver.use
    tone = "warn" if waiver.is_notable else "neutral"
    parts = [one_line(result.note, 500)] if result.note else []
    if use:
        parts.insert(
            0,
            f"{one_line(use.reason, 500)} ({one_line(use.owner, 200)}{', ' + one_line(use.ticket, 100) if use.ticket else ''})",
        )
    ends = expiry_text(decision.run.finished, result.expires)
    return WaiverRow(one_line(result.check, 300), Status(str(result.state), tone), ends, "; ".join(parts) or "")
