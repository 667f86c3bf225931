"""`report.sarif`: findings and failed checks as SARIF 2.1.0, as GitHub code scanning takes it.

It takes at most 25,000 results and 10 MB gzipped; what has no room is counted in a notification and in the properties
of the run. Paths are relative to the top of the repository, where the report knows it. What a waiver or the baseline
accepts is there, suppressed.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from posixpath import dirname, normpath
from typing import Any
from urllib.parse import quote

from readiness.model import CheckResult, Decision, Finding, FindingSeverity, Outcome, RuleInfo, Severity, WaiverUse
from readiness.reports.findings import EXCERPT, note_of, without_list
from readiness.reports.interface import Document, Writer
from readiness.reports.json import decision_from
from readiness.reports.markdown import escape
from readiness.reports.overview import INCOMPLETE, overview
from readiness.reports.text import count_of, one_line, safe_href, visible

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_RESULTS = 25_000
MOST_BYTES = 10_000_000
"""Of the file gzipped."""
CONFIG = "readiness.toml"
"""Where a problem without a place is shown, unless the report names the configuration."""
FINGERPRINT = "primaryLocationLineHash"
DECISION_RULE = "readiness/decision"
_TEXT = 1_000
"""Characters of a text; GitHub shows so many."""
_LEVELS = {"blocking": "error", "advisory": "warning", "information": "note"}
_ORDER = ("error", "warning", "note")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Result:
    """One result, before it is known whether there is room for it."""

    rule: str
    level: str
    text: str
    path: str
    line: int
    column: int
    fingerprint: str
    excerpt: str = ""
    suppression: str | None = None
    """Why it is accepted; None where it is not."""
    remedy: str = ""
    gate: str = ""
    title: str = ""
    """Of its rule, where nothing is documented of it."""


def render(document: Document, *, most_results: int = MOST_RESULTS, most_bytes: int = MOST_BYTES) -> bytes:
    """Returns the file.

    Args:
        document: content of `report.json`.
        most_results: results that it holds at most; what blocks comes first.
        most_bytes: bytes that it has at most once gzipped.
    """
    decision = decision_from(document)
    every = sorted(_results(decision), key=lambda each: (each.suppression is not None, _ORDER.index(each.level)))
    room = min(len(every), most_results)
    while True:
        data = _file(decision, every[:room], len(every) - room)
        if room == 0 or len(data) <= most_bytes:  # gzip adds a few bytes to what cannot be compressed
            return data
        size = len(gzip.compress(data, 6, mtime=0))
        if size <= most_bytes:
            return data
        room = min(room - 1, int(room * most_bytes / size * 0.95))


# --- what is told -----------------------------------------------------------------------------------------------


def _results(decision: Decision) -> Iterator[_Result]:
    seen: Counter[tuple[str, str]] = Counter()
    config = decision.run.config or CONFIG
    for check in decision.checks:
        for finding in check.findings:
            yield _of_finding(check, finding, config, seen)
        if check.outcome is not Outcome.PASSED and not any(finding.blocks for finding in check.findings):
            yield _of_check(check, config)
    ids = {check.id for check in decision.checks if check.outcome is not Outcome.PASSED}
    for reason in () if overview(decision).is_go else overview(decision).reasons:
        if reason.check not in ids:
            where = f"{reason.gate} {reason.check}".strip()
            text = f"{where}: {reason.text}" if where else reason.text
            mark = _hash("decision", reason.gate, reason.check, reason.outcome)
            yield _Result(DECISION_RULE, "error", text, config, 1, 0, mark, gate="readiness")


def _of_finding(check: CheckResult, finding: Finding, config: str, seen: Counter[tuple[str, str]]) -> _Result:
    mark = finding.fingerprint or _hash(finding.rule, finding.path, finding.excerpt or finding.text)
    seen[finding.rule, mark] += 1
    accepted = note_of(finding) or "known from the baseline" if finding.is_known else _waived(check.waiver)
    is_advisory = check.severity is Severity.ADVISORY and finding.severity is FindingSeverity.BLOCKING
    path = _path(finding.path, config)
    text = finding.text if path else f"{finding.place}: {finding.text}"
    return _Result(
        rule=finding.rule or check.id.partition("[")[0],
        level="warning" if is_advisory else _LEVELS[finding.severity],
        text=f"{text} {finding.remedy}".strip(),
        path=path or config,
        line=finding.line if path else 1,
        column=finding.column if path else 0,
        fingerprint=f"{mark}:{seen[finding.rule, mark]}",
        excerpt=finding.excerpt,
        suppression=accepted,
        remedy=finding.remedy,
        gate=check.gate,
        title=finding.text,
    )


def _of_check(check: CheckResult, config: str) -> _Result:
    level = "error" if check.severity is Severity.BLOCKING else "warning"
    message = without_list(check.message or check.title, check.findings)
    text = f"{check.id} is {check.outcome}: {message}. {check.remedy or ''}".strip()
    rule = check.id.partition("[")[0]
    return _Result(
        rule=rule,
        level=level,
        text=text,
        path=config,
        line=1,
        column=0,
        fingerprint=f"{_hash('check', check.id)}:1",
        suppression=_waived(check.waiver),
        remedy=check.remedy or "",
        gate=check.gate,
    )


def _waived(waiver: WaiverUse | None) -> str | None:
    if waiver is None:
        return None
    ticket = f", {waiver.ticket}" if waiver.ticket else ""
    return f"waived until {waiver.expires} by {waiver.owner}{ticket}: {waiver.reason}"


def _path(path: str, config: str) -> str:
    """Returns the path from the top of the repository; empty where it does not lead into it."""
    found = normpath("/".join(part for part in (dirname(config), path) if part)) if path else "."
    return "" if found in (".", "..") or found.startswith(("../", "/")) or path.startswith("/") else found


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:32]


# --- how it is told ---------------------------------------------------------------------------------------------


def _file(decision: Decision, results: Sequence[_Result], omitted: int) -> bytes:
    rules = _rules(decision, results)
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    seen, run = overview(decision), decision.run
    name = one_line(decision.environment.name, 100)
    invocation: Json = {"executionSuccessful": seen.headline != INCOMPLETE}
    if omitted:
        text = f"{count_of(omitted, 'result')} had no room in this file; report.json has them all."
        invocation["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": text}}]
    driver: Json = {"name": "pytest-readiness", "rules": rules}
    if version := run.versions.get("pytest-readiness"):
        driver["version"] = one_line(version, 100)
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "automationDetails": {"id": f"readiness/{name}/"},
                "invocations": [invocation],
                "columnKind": "unicodeCodePoints",
                "results": [_result(each, index[one_line(each.rule, 200)]) for each in results],
                "properties": {
                    "decision": seen.headline,
                    "environment": name,
                    "run": one_line(run.id, 100),
                    "finished": one_line(run.finished, 40),
                    "commit": one_line(decision.service.commit, 80),
                    "omittedResults": omitted,
                },
            }
        ],
    }
    return json.dumps(log, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace") + b"\n"


def _result(each: _Result, rule_index: int) -> Json:
    region: Json = {"startLine": max(each.line, 1)}
    if each.line > 0 and each.column > 0:
        region["startColumn"] = each.column
    if each.excerpt:
        region["snippet"] = {"text": one_line(each.excerpt, EXCERPT)}
    accepted = [] if each.suppression is None else [each.suppression]
    return {
        "ruleId": one_line(each.rule, 200),
        "ruleIndex": rule_index,
        "level": each.level,
        "message": {"text": _plain(each.text) or one_line(each.rule, 200)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(each.path)}, "region": region}}],
        "partialFingerprints": {FINGERPRINT: one_line(each.fingerprint, 240)},
        # On each of them: by the standard none may lack it where one has it.
        "suppressions": [
            {"kind": "external", "status": "accepted", "justification": one_line(why, _TEXT)} for why in accepted
        ],
    }


def _rules(decision: Decision, results: Iterable[_Result]) -> list[Json]:
    documented = {rule.id: rule for rule in decision.rules}
    titles = {check.id.partition("[")[0]: check.title for check in decision.checks}
    titles[DECISION_RULE] = "The release may go"
    found: dict[str, Json] = {}
    for each in results:
        id_ = one_line(each.rule, 200)
        if id_ not in found:
            known = documented.get(each.rule) or RuleInfo(id_, each.title or titles.get(each.rule, ""), "", each.remedy)
            found[id_] = _rule(id_, known, each)
    return list(found.values())


def _rule(id_: str, known: RuleInfo, first: _Result) -> Json:
    title = _plain(known.title).rstrip(".") or id_ or "a check"
    parts = [("Why it matters", known.why), ("What to do", known.remedy), ("Source", known.source)]
    told = [(heading, text) for heading, text in parts if text]
    lines = [f"{title}.", *(f"{heading}: {_plain(text)}" for heading, text in told)]
    marked = [f"**{escape(title)}.**", *(f"**{heading}:** {escape(text)}" for heading, text in told)]
    shown: Json = {
        "id": id_,
        "shortDescription": {"text": title},
        "fullDescription": {"text": _plain(known.why) or title},
        "help": {"text": "\n\n".join(lines), "markdown": "\n\n".join(marked)},
        "defaultConfiguration": {"level": first.level},
        "properties": {"tags": [one_line(first.gate, 60) or "readiness"]},
    }
    if address := safe_href(known.source):
        shown["helpUri"] = address
    return shown


def _plain(text: str) -> str:
    # `[text](target)` is a link in a message of SARIF, and text that was found in a file is to be none.
    return one_line(text, _TEXT).replace("](", "] (")


def _uri(path: str) -> str:
    return quote(visible(path).encode("utf-8", "backslashreplace"), safe="/-._~")


WRITER = Writer("report.sarif", render)
