"""Secrets stay out of the reports: taken out of the document's texts, then looked for in every finished file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from readiness.model import (
    Answer,
    BaselineResult,
    BaselineUse,
    CheckResult,
    Decision,
    EnvironmentInfo,
    Finding,
    FindingSeverity,
    GateResult,
    Limit,
    Measurement,
    Outcome,
    Reason,
    RuleInfo,
    RunInfo,
    ServiceInfo,
    Severity,
    Verdict,
    WaiverResult,
    WaiverState,
    WaiverUse,
)
from readiness.reports.interface import Document, Redactor

_WORDS: dict[str, frozenset[str]] = {
    "schema": frozenset({"readiness-report/1"}),
    "decision": frozenset(Answer),
    "outcome": frozenset(Outcome) | frozenset(Verdict),
    "severity": frozenset(Severity) | frozenset(FindingSeverity),
    "verdict": frozenset(Verdict),
    "state": frozenset(WaiverState),
    "action": frozenset({"promote", "hold", "rollback"}),
    "started": frozenset(),
    "finished": frozenset(),
}
"""Keys whose values are words of the layout."""


def redact_document(document: Document, redactor: Redactor) -> Document:
    """Returns the document with every secret taken out of its texts.

    The layout itself stays: a password such as `service` or `failed` is a weak one, and must not cost the report.
    """
    if not redactor.names:
        return document
    found: Document = _redact("", document, redactor)
    return found


def _redact(key: str, value: Any, redactor: Redactor) -> Any:
    if isinstance(value, dict):
        free = key == "versions"
        return {
            (redactor.redact(name) if free else name): _redact(name, item, redactor) for name, item in value.items()
        }
    if isinstance(value, list):
        return [_redact(key, item, redactor) for item in value]
    if isinstance(value, str) and value not in _WORDS.get(key, frozenset()):
        return redactor.redact(value)
    return value


def leaks(
    files: Mapping[str, bytes], fixed: Mapping[str, Iterable[bytes]], redactor: Redactor
) -> list[tuple[str, str]]:
    """Returns which file would have shown which secret, by name.

    Args:
        files: name to content.
        fixed: name to renderings of the same file without any content. A secret that stands in one of them is a word
            of the layout, such as `check`: there it says nothing, and finding it again proves nothing.
        redactor: knows the secrets.
    """
    found = []
    for name, data in files.items():
        secrets = redactor.find(data)
        if secrets:
            words = {secret for blank in fixed.get(name, ()) for secret in redactor.find(blank)}
            found += [(name, secret) for secret in dict.fromkeys(secrets) if secret not in words]
    return found


def blanks() -> tuple[Decision, ...]:
    """Returns decisions without any content that make the writers say most of what they can say by themselves."""
    go = _blank(Answer.GO, (Outcome.PASSED,), partial=False)
    return go, _blank(Answer.NO_GO, tuple(Outcome), partial=True)


def _blank(answer: Answer, outcomes: tuple[Outcome, ...], *, partial: bool) -> Decision:
    measured = Measurement("", None, "", Limit(0.0, 0.0, 0, ""), holds=answer is Answer.GO)
    findings = tuple(
        Finding("", "", 1, 1, severity, "", "", " ", "", use)
        for severity in FindingSeverity
        for use in (None, BaselineUse(False, " ", " ", "2000-01-02"), BaselineUse(True, " ", " ", "1999-01-02"))
    )
    checks = tuple(
        CheckResult(
            "",
            "",
            "",
            severity,
            outcome,
            2,
            0.0,
            "",
            "",
            "",
            (measured,),
            found,
            WaiverUse("", "", "", "", ""),
            "",
        )
        for outcome in outcomes
        for severity in Severity
        for found in (findings, ())
    )
    verdicts = (Verdict.PASS,) if answer is Answer.GO else tuple(Verdict)
    counts = {str(outcome): 2 * len(Severity) for outcome in outcomes}
    stamp = "2000-01-01T00:00:00Z"
    return Decision(
        decision=answer,
        partial=partial,
        reasons=() if answer is Answer.GO else (Reason("", "", "", ""), Reason("", "", "", "")),
        service=ServiceInfo("", "", "0", dirty=True),
        environment=EnvironmentInfo("", "", protected=True),
        run=RunInfo("", stamp, stamp, 0.0, 2, {"": ""}),
        gates=tuple(
            GateResult("", "", required, verdict, counts) for verdict in verdicts for required in (True, False)
        ),
        checks=checks,
        waivers=tuple(WaiverResult("", state, "2000-01-02", "") for state in WaiverState),
        baseline=BaselineResult("", 2, 2, 2, 2, 2),
        rules=(RuleInfo("", "", " ", " ", " "),),
    )
