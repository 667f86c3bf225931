"""Findings as the reports show them: counted exactly, what blocks first, those of one rule together, lists capped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from readiness.model import BaselineResult, Decision, Finding
from readiness.reports.text import count_of, one_line

BASELINE = "baseline"
KINDS = ("blocking", "advisory", BASELINE, "information")
"""What a finding counts as, in the order of every list: those that the baseline knows do nothing, whatever they were."""
QUIET = (BASELINE, "information")
"""Counted, and shown to who asks."""
EXCERPT = 160
"""Characters of an excerpt."""
_WORDS = {"information": "for information"}


class Group(NamedTuple):
    """Findings of one rule and kind."""

    rule: str
    kind: str
    number: int
    remedy: str
    """What to do about each of them; empty where that differs."""
    listed: tuple[Finding, ...]
    """As many as there is room for."""


def kind_of(finding: Finding) -> str:
    """Returns what the finding counts as."""
    return BASELINE if finding.is_known else str(finding.severity)


def counts_of(findings: Iterable[Finding]) -> dict[str, int]:
    """Returns kind to number, in the order of attention; only those that occur."""
    seen = Counter(kind_of(finding) for finding in findings)
    return {kind: seen[kind] for kind in KINDS if seen[kind]}


def counts_text(counts: Mapping[str, int]) -> str:
    """Returns `2 blocking, 31 baseline, 5 for information`; empty where there are none."""
    return ", ".join(f"{number:,} {_WORDS.get(kind, kind)}" for kind, number in counts.items())


def by_gate(decision: Decision) -> dict[str, dict[str, int]]:
    """Returns gate to the counts of its findings."""
    findings: dict[str, list[Finding]] = {}
    for check in decision.checks:
        findings.setdefault(check.gate, []).extend(check.findings)
    return {gate: counts_of(found) for gate, found in findings.items()}


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Returns what blocks first, otherwise in the order in which it was found."""
    return sorted(findings, key=lambda finding: KINDS.index(kind_of(finding)))


def grouped(findings: Sequence[Finding], limit: int) -> list[Group]:
    """Returns the findings by rule: what blocks first, then the rules with most of them.

    Args:
        findings: of one check.
        limit: how many are listed at most; each rule has its turn, so that none crowds out the others.
    """
    by_rule: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault((kind_of(finding), finding.rule), []).append(finding)
    ordered = sorted(by_rule.items(), key=lambda item: (KINDS.index(item[0][0]), -len(item[1])))
    room = _shares([len(found) for _, found in ordered], limit)
    groups = []
    for ((kind, rule), found), share in zip(ordered, room, strict=True):
        remedies = {finding.remedy for finding in found}
        remedy = remedies.pop() if len(remedies) == 1 else ""
        groups.append(Group(rule, kind, len(found), remedy, tuple(found[:share])))
    return groups


def _shares(wanted: list[int], limit: int) -> list[int]:
    """Returns how much of `limit` each gets: as much as the others, as long as it wants more."""
    shares = [0] * len(wanted)
    while limit > 0 and (hungry := [at for at, want in enumerate(wanted) if shares[at] < want]):
        portion = max(limit // len(hungry), 1)
        for at in hungry[:limit]:
            given = min(portion, wanted[at] - shares[at], limit)
            shares[at] += given
            limit -= given
    return shares


def without_list(text: str, findings: Iterable[Finding]) -> str:
    """Returns a check's message with the number of its findings in place of their list, which is shown by itself."""
    blocking = [finding for finding in findings if finding.blocks]
    at = text.find(f"{blocking[0].place}: ") if blocking else -1
    if at < 0:
        return text
    files = len({finding.path for finding in blocking})
    count = f"{count_of(len(blocking), 'finding')} in {count_of(files, 'file')}"
    before = text[:at].strip()
    return f"{before}; {count}" if before else count


def note_of(finding: Finding) -> str:
    """Returns what the baseline says of the finding; empty where it says nothing that is worth a word."""
    use = finding.baseline
    if use is None:
        return ""
    who = [one_line(text, 200) for text in (use.owner, use.reason) if text]
    if use.incomplete:
        who.append("accepts nothing before it has an owner, a reason and a last day")
    if use.expires:
        who.append(f"{'expired, was valid' if use.expired else 'valid'} until {one_line(use.expires, 20)}")
    return f"baseline: {', '.join(who)}" if who else ""


def baseline_text(result: BaselineResult) -> str:
    """Returns what became of the baseline, such as `214 entries: 212 known, 2 vanished`."""
    counts = (
        (result.known, "known"),
        (result.expired, "expired or incomplete"),
        (result.vanished, "vanished (readiness baseline prune)"),
        (result.unobserved, "of gates that were not observed in full"),
    )
    told = ", ".join(f"{number:,} {word}" for number, word in counts if number)
    return f"{count_of(result.entries, 'entry', 'entries')}{': ' if told else ''}{told}"
