"""`junit.xml`: one case per check, for every CI server; and never all green on a NO-GO.

One file for all: valid for the schemas of Jenkins' xunit plugin and of Maven Surefire, which refuse a report for one
attribute that they do not know. So there is one root suite, times have three decimals, the gate is the `group` of a case
and the end of its class name, and what other servers have attributes for, such as file and line, is in `system-out`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from readiness.model import CheckResult, Decision, Outcome
from readiness.reports.findings import EXCERPT, QUIET, counts_of, counts_text, grouped, in_order, kind_of, without_list
from readiness.reports.interface import Document, Writer
from readiness.reports.json import decision_from
from readiness.reports.overview import Overview, overview
from readiness.reports.text import clip, limit_text, one_line, value_text, visible

_BODY = 8_000
"""Characters of evidence in one case; GitLab takes 30 MB a file."""
_LISTED = 50
"""Findings and reasons that a case lists."""
_TAGS = {
    Outcome.FAILED: "failure",
    Outcome.UNMEASURED: "error",
    Outcome.NOT_RUN: "error",
    Outcome.ADVISORY: "skipped",
    Outcome.WAIVED: "skipped",
}


@dataclass(frozen=True, slots=True)
class _Case:
    suite: str
    name: str
    seconds: float
    tag: str = ""
    kind: str = ""
    message: str = ""
    body: str = ""
    facts: tuple[tuple[str, str], ...] = ()


def render(document: Document) -> bytes:
    """Returns the XML.

    Args:
        document: content of `report.json`.
    """
    decision = decision_from(document)
    seen = overview(decision)
    cases = [_case(check) for check in decision.checks]
    orphan = _decision_case(decision, seen, cases)
    root = _suite(decision, seen, [*([orphan] if orphan else []), *cases])
    ET.indent(root, " ")
    # A str, then encoded here: ElementTree would write surrogates as references that no parser accepts.
    text = ET.tostring(root, encoding="unicode")
    return f"<?xml version='1.0' encoding='utf-8'?>\n{text}\n".encode()


def _case(check: CheckResult) -> _Case:
    return _Case(
        suite=check.gate,
        name=check.id.removeprefix(f"{check.gate}/"),
        seconds=check.duration_s,
        tag=_TAGS.get(check.outcome, ""),
        kind=str(check.outcome),
        message=_message(check),
        body=clip("\n".join(_evidence(check)), _BODY),
        facts=tuple(_facts(check)),
    )


def _facts(check: CheckResult) -> Iterable[tuple[str, str]]:
    yield from (("check", check.id), ("outcome", str(check.outcome)), ("severity", str(check.severity)))
    if check.attempts != 1:
        yield "attempts", str(check.attempts)
    if check.findings:
        yield "findings", counts_text(counts_of(check.findings))
    first = next(iter(in_order(check.findings)), None)
    yield "place", first.place if first else check.node_id.partition("::")[0]


def _message(check: CheckResult) -> str:
    text = (
        one_line(without_list(check.message or "", check.findings), 300)
        or one_line(check.title, 300)
        or str(check.outcome)
    )
    if check.outcome is Outcome.WAIVED and check.waiver:
        use = check.waiver
        return f"waived until {use.expires} by {use.owner}: {one_line(use.reason, 200)} ({text})"
    if check.outcome is Outcome.ADVISORY:
        return f"advisory, does not block: {text}"
    return f"{check.outcome}: {text}" if check.outcome in (Outcome.UNMEASURED, Outcome.NOT_RUN) else text


def _evidence(check: CheckResult) -> Iterable[str]:
    if check.message:
        yield without_list(check.message, check.findings)
    for measured in check.measurements[:_LISTED]:
        limit = limit_text(measured.limit, measured.unit)
        holds = f", limit {limit}: {'holds' if measured.holds else 'does not hold'}" if limit else ""
        yield f"{one_line(measured.name)}: {value_text(measured.value, measured.unit)}{holds}"
    yield from _findings(check)
    if check.remedy:
        yield f"What to do: {check.remedy}"
    if check.runbook:
        yield f"Runbook: {one_line(check.runbook)}"


def _findings(check: CheckResult) -> Iterable[str]:
    if not check.findings:
        return
    yield f"Findings: {counts_text(counts_of(check.findings))}"
    loud = [found for found in check.findings if kind_of(found) not in QUIET]
    shown = 0
    for group in grouped(loud, _LISTED):
        for found in group.listed:
            shown += 1
            kind = "" if group.kind == "blocking" else f" ({group.kind})"
            yield f"{one_line(found.place)}: {one_line(found.rule)}{kind}: {one_line(found.text, 300)}"
            if found.excerpt:
                yield f"    > {one_line(found.excerpt, EXCERPT)}"
        if group.listed and group.remedy:
            yield f"{one_line(group.rule)}: {one_line(group.remedy, 300)}"
    more = len(check.findings) - shown
    if more:
        yield f"and {more} more findings in report.json"


def _decision_case(decision: Decision, seen: Overview, cases: list[_Case]) -> _Case | None:
    """Returns a case for the reasons that no red case tells; None where each has one."""
    if seen.is_go:
        return None
    red = {check.id for check, case in zip(decision.checks, cases, strict=True) if case.tag in ("failure", "error")}
    untold = [reason for reason in seen.reasons if reason.check not in red]
    if red and not untold:
        return None
    lines = [
        one_line(f"{reason.gate} {reason.check}".strip() + ": " + reason.text, 500).lstrip(": ") for reason in untold
    ]
    shown = lines[:_LISTED] + ([f"and {len(lines) - _LISTED} more in report.json"] if len(lines) > _LISTED else [])
    message = f"{seen.headline}: {lines[0] if lines else seen.sentence}"
    return _Case(
        "readiness", "decision", 0.0, "error", "decision", one_line(message, 300), clip("\n".join(shown), _BODY)
    )


def _suite(decision: Decision, seen: Overview, cases: list[_Case]) -> ET.Element:
    root = ET.Element("testsuite", {"name": _attribute(f"readiness {decision.environment.name}")} | _totals(cases))
    facts = {
        "decision": seen.headline,
        "environment": decision.environment.name,
        "run": decision.run.id,
        "started": decision.run.started,
        "commit": decision.service.commit,
    }
    properties = ET.SubElement(root, "properties")
    for name, value in facts.items():
        if value:
            ET.SubElement(properties, "property", {"name": name, "value": _attribute(value)})
    for case, name in zip(cases, _unique_names(decision, cases), strict=True):
        root.append(_element(decision, case, name))
    return root


def _element(decision: Decision, case: _Case, name: str) -> ET.Element:
    attributes = {
        "classname": _class_name(decision, case),
        "name": name,
        "group": _attribute(case.suite),
        "time": _seconds(case.seconds),
    }
    element = ET.Element("testcase", attributes)
    if case.tag:
        # The schema of Surefire knows no `type` on `skipped`.
        kind = {} if case.tag == "skipped" else {"type": _attribute(case.kind)}
        ET.SubElement(element, case.tag, {"message": _attribute(case.message)} | kind).text = visible(case.body)
    if case.facts:
        lines = [f"{key}: {one_line(value, 500)}" for key, value in case.facts]
        ET.SubElement(element, "system-out").text = visible("\n".join(lines))
    return element


def _class_name(decision: Decision, case: _Case) -> str:
    # With the environment, so that one pipeline can show two of them without merging their cases.
    return _attribute(f"readiness.{decision.environment.name}.{case.suite}")


def _unique_names(decision: Decision, cases: list[_Case]) -> list[str]:
    """Returns the cases' names; a repeated one gets a number, since GitLab ignores a second case of one name."""
    last: dict[tuple[str, str], int] = {}
    names = []
    for case in cases:
        class_name, wanted = _class_name(decision, case), _attribute(case.name)
        name, number = wanted, last.get((class_name, wanted), 0)
        while (class_name, name) in last:
            number += 1
            name = f"{wanted} #{number + 1}"
        last[class_name, wanted] = number
        last.setdefault((class_name, name), 0)
        names.append(name)
    return names


def _totals(cases: list[_Case]) -> dict[str, str]:
    counts = {plural: str(sum(case.tag == tag for case in cases)) for plural, tag in _COUNTED.items()}
    return {"tests": str(len(cases)), **counts, "time": _seconds(sum(_finite(case.seconds) for case in cases))}


_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def _attribute(text: str) -> str:
    return one_line(text)


def _finite(seconds: float) -> float:
    return abs(seconds) if math.isfinite(seconds) and 0 <= seconds < 1e9 else 0.0  # noqa: PLR2004 - thirty years; abs for -0.0


def _seconds(seconds: float) -> str:
    return f"{_finite(seconds):.3f}"


WRITER = Writer("junit.xml", render)
