"""`summary.md`: what a pull request or a job's summary page shows. GitHub drops a summary over 1 MiB whole."""

from __future__ import annotations

import re
from pathlib import Path

from readiness.errors import ReportError
from readiness.model import CheckResult, Decision, Outcome
from readiness.reports.findings import EXCERPT, QUIET, baseline_text, by_gate, counts_of, grouped, kind_of, without_list
from readiness.reports.findings import counts_text as findings_text
from readiness.reports.interface import Document, Writer
from readiness.reports.json import decision_from
from readiness.reports.overview import Overview, in_order_of_attention, overview
from readiness.reports.rollout import Rollout, metric_text, sentences
from readiness.reports.text import (
    count_of,
    counts_text,
    duration_text,
    expiry_text,
    limit_text,
    one_line,
    safe_href,
    time_text,
    value_text,
)

BUDGET = 900_000
"""Bytes that a summary may take."""
GITHUB_LIMIT = 1024 * 1024
"""Bytes over which GitHub drops a step's summary."""
_TAIL = 400
"""Bytes kept for the lines that say how much is missing."""
_CELL = 500
"""Characters of one text."""
_FINDINGS = 20

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~$!])")
_LINK = re.compile(r"(?i)(https?|ftp|mailto|xmpp|www)([:.])")
"""What GitHub makes a link of without being asked."""
_ICONS = {"GO": "✅", "NO-GO": "❌", "NO-GO (incomplete)": "❌"}
_VERDICT_ICONS = {"pass": "✅", "warn": "⚠️", "waived": "⚠️", "fail": "❌", "unmeasured": "❌", "not-configured": "❌"}


def render(document: Document, budget: int = BUDGET) -> bytes:
    """Returns the summary; failures come first, and what has no room is counted.

    Args:
        document: content of `report.json`.
        budget: bytes it may take; the decision is there even where that is too few.
    """
    decision = decision_from(document)
    seen = overview(decision)
    page = _Page(budget)
    page.add(_head(decision, seen), always=True)
    page.add_table(
        "### Why not",
        "| Check | Outcome | Reason |",
        [_reason_row(*each) for each in _reasons(decision, seen)],
        "reason",
    )
    page.add(_rollout(document.get("rollout")))
    page.add_table("### Gates", "| Gate | Verdict | Checks | Time |", _gate_rows(decision), "gate")
    page.add_table("### Waivers", "| Check | State | Ends | Note |", _waiver_rows(decision, seen), "waiver")
    not_passed = [check for check in in_order_of_attention(decision.checks) if check.outcome is not Outcome.PASSED]
    if not_passed:
        page.add_list("### Evidence", [_evidence(check) for check in not_passed], "check that did not pass")
    return page.text.encode()


def append_step_summary(document: Document, path: Path) -> None:
    """The summary stands at the end of the file at `path`, which is that of `$GITHUB_STEP_SUMMARY`.

    Args:
        document: content of the `report.json` that was published, so that no secret is in it.
        path: the file; others may have written to it.

    Raises:
        ReportError: where it cannot be written.
    """
    try:
        used = path.stat().st_size if path.exists() else 0
        text = render(document, min(BUDGET, GITHUB_LIMIT - used - 1))
        with path.open("ab") as file:
            file.write((b"\n" if used else b"") + text)
    except OSError as error:
        raise ReportError(
            f"the step summary {path} cannot be written: {error.strerror}", "Unset GITHUB_STEP_SUMMARY to do without."
        ) from error


def escape(text: str, limit: int = _CELL) -> str:
    """Returns the text on one line as Markdown that shows exactly it: no table, link, image, HTML or emphasis."""
    line = one_line(text, limit).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = _LINK.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", line))
    # GitHub would notify whoever is mentioned; a comment between sign and name is the way to prevent it.
    return re.sub(r"(?<!\w)@(?=\w)", "@<!-- -->", line)


def _code(text: str) -> str:
    return f"<code>{escape(text, 200)}</code>"


class _Page:
    """Text that grows until its budget in bytes is used up."""

    def __init__(self, budget: int) -> None:
        self.text = ""
        self._left = budget

    def add(self, part: str, *, always: bool = False) -> bool:
        size = len(part.encode())
        if size > self._left - _TAIL and not always:
            return False
        self.text += part
        self._left -= size
        return True

    def add_table(self, title: str, header: str, rows: list[str], noun: str) -> None:
        if rows:
            rule = "|" + " --- |" * (header.count("|") - 1)
            self._add_parts(f"\n{title}\n\n{header}\n{rule}\n", [f"{row}\n" for row in rows], noun)

    def add_list(self, title: str, parts: list[str], noun: str) -> None:
        self._add_parts(f"\n{title}\n", parts, noun)

    def _add_parts(self, opening: str, parts: list[str], noun: str) -> None:
        if not self.add(opening):
            return
        shown = 0
        for part in parts:
            if not self.add(part):
                break
            shown += 1
        more = len(parts) - shown
        if more:
            self.add(f"\nand {more:,} more in `report.json` (a {noun} each)\n", always=True)


def _head(decision: Decision, seen: Overview) -> str:
    service, run = decision.service, decision.run
    commit = (
        f"commit {_code(service.commit[:12])}{' with changes' if service.dirty else ''}"
        if service.commit
        else "no commit known"
    )
    facts = f"**{escape(service.name, 100)}**, {commit}, environment **{escape(decision.environment.name, 100)}**"
    if decision.baseline is not None:
        known = f"Baseline {_code(decision.baseline.file)}: {escape(baseline_text(decision.baseline))}."
        facts = f"{facts}\n\n{known}"
    when = f"Run {_code(run.id)}, {escape(time_text(run.finished))}, {duration_text(run.duration_s)}."
    coverage = f"\n> **{escape(seen.coverage)}**\n" if seen.coverage else ""
    return (
        f"## {_ICONS[seen.headline]} {seen.headline}\n\n{facts}\n{coverage}\n{escape(seen.sentence, 2000)}\n\n{when}\n"
    )


def _reasons(decision: Decision, seen: Overview) -> list[tuple[str, str, str]]:
    found = {check.id: check.findings for check in decision.checks if check.findings}
    return [
        (reason.check or reason.gate or "run", reason.outcome, without_list(reason.text, found.get(reason.check, ())))
        for reason in seen.reasons
    ]


def _rollout(rollout: Rollout | None) -> str:
    if rollout is None:
        return ""
    first, *more = sentences(rollout)
    lines = [f"- {escape(each)}" for each in more]
    lines += [
        f"- {_code(str(each.get('name', '')))} {escape(metric_text(each))}" for each in rollout.get("metrics", ())
    ]
    return "\n".join(["\n### Rollout", "", f"**{escape(first)}**", "", *lines, ""])


def _reason_row(where: str, outcome: str, text: str) -> str:
    return f"| {_code(where)} | {escape(outcome)} | {escape(text)} |"


def _gate_rows(decision: Decision) -> list[str]:
    rows, findings = [], by_gate(decision)
    for gate in decision.gates:
        icon = _VERDICT_ICONS[gate.verdict] if gate.required or gate.verdict == "pass" else "⚠️"
        verdict = f"{icon} {gate.verdict}{'' if gate.required else ' (not required)'}"
        counts = counts_text(gate.outcomes)
        if found := findings.get(gate.name):
            counts += f"; findings: {findings_text(found)}"
        cells = [_code(gate.name), verdict, escape(counts), duration_text(gate.duration_s)]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def _waiver_rows(decision: Decision, seen: Overview) -> list[str]:
    rows = []
    for waiver in seen.waivers:
        result, use = waiver.result, waiver.use
        why = [f"{use.owner}: {use.reason}"] if use else []
        note = "; ".join([*why, result.note] if result.note else why)
        ends = expiry_text(decision.run.finished, result.expires)
        rows.append(f"| {_code(result.check)} | {result.state} | {escape(ends)} | {escape(note)} |")
    return rows


def _evidence(check: CheckResult) -> str:
    lines = [f"\n{_code(check.id)} **{check.outcome}** {escape(check.title, 200)}\n"]
    if check.message:
        lines.append(f"- {escape(without_list(check.message, check.findings))}")
    for measured in check.measurements[:_FINDINGS]:
        limit = limit_text(measured.limit, measured.unit)
        shown = escape(f"{measured.name}: {value_text(measured.value, measured.unit)}")
        holds = "holds" if measured.holds else "**does not hold**"
        lines.append(f"- {shown}" + (f", limit {escape(limit)}: {holds}" if limit else ""))
    lines += _findings(check)
    if check.waiver:
        use = check.waiver
        lines.append(f"- waived until {escape(use.expires, 20)} by {escape(use.owner, 100)}: {escape(use.reason)}")
    if check.remedy:
        lines.append(f"- **What to do:** {escape(check.remedy)}")
    if check.runbook:
        address = safe_href(check.runbook)
        lines.append(f"- [Runbook](<{address}>)" if address else f"- Runbook: {_code(check.runbook)}")
    return "\n".join(lines) + "\n"


def _findings(check: CheckResult) -> list[str]:
    if not check.findings:
        return []
    lines = [f"- {count_of(len(check.findings), 'finding')}: {escape(findings_text(counts_of(check.findings)))}"]
    loud = [found for found in check.findings if kind_of(found) not in QUIET]
    shown = 0
    for group in grouped(loud, _FINDINGS):
        for found in group.listed:
            shown += 1
            kind = "" if group.kind == "blocking" else f" ({group.kind})"
            excerpt = f" {_code(one_line(found.excerpt, EXCERPT))}" if found.excerpt else ""
            lines.append(f"- {_code(found.place)} {escape(found.rule, 200)}{kind}: {escape(found.text)}{excerpt}")
        if group.listed and group.remedy:
            lines.append(f"- **{escape(group.rule, 200)}:** {escape(group.remedy)}")
    more = len(check.findings) - shown
    return [*lines, f"- and {count_of(more, 'more finding')} in {_code('report.json')}"] if more else lines


WRITER = Writer("summary.md", render)
