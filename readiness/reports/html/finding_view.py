"""The findings of one check as the page shows them: by rule, what blocks first, what does nothing on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from readiness.model import Finding
from readiness.reports.findings import EXCERPT, QUIET, Group, counts_of, counts_text, grouped, kind_of, note_of
from readiness.reports.html.page import FindingSection, Place, RuleFindings, Status
from readiness.reports.text import count_of, one_line

LISTED = 30
"""Findings of one check that the page lists; all are counted."""
QUIETLY_LISTED = 10
"""The same of those that do nothing, of each kind."""
RULES = 30
"""Rules of one check that the page names."""
_TONES = {"blocking": "bad", "advisory": "warn"}
_TITLES = {"baseline": "known from the baseline, accepted", "information": "for information"}


def finding_sections(findings: Sequence[Finding], titles: Mapping[str, str]) -> tuple[FindingSection, ...]:
    """Returns the findings of one check; `titles` is rule to what holds when it finds nothing."""
    counts = counts_of(findings)
    loud = {kind: number for kind, number in counts.items() if kind not in QUIET}
    sections = []
    if loud:
        title = f"{count_of(sum(loud.values()), 'finding')}: {counts_text(loud)}"
        sections.append(_section(title, [f for f in findings if kind_of(f) not in QUIET], LISTED, titles))
    for kind in QUIET:
        if kind in counts:
            title = f"{count_of(counts[kind], 'finding')} {_TITLES[kind]}"
            chosen = [finding for finding in findings if kind_of(finding) == kind]
            sections.append(_section(title, chosen, QUIETLY_LISTED, titles, is_quiet=True))
    return tuple(sections)


def _section(
    title: str, findings: Sequence[Finding], limit: int, titles: Mapping[str, str], *, is_quiet: bool = False
) -> FindingSection:
    groups = grouped(findings, limit)[:RULES]
    more = len(findings) - sum(len(group.listed) for group in groups)
    rules = tuple(_rule(group, titles, is_quiet=is_quiet) for group in groups)
    return FindingSection(title, is_quiet, rules, f"and {more} more findings in report.json" if more else "")


def _rule(group: Group, titles: Mapping[str, str], *, is_quiet: bool) -> RuleFindings:
    tone = "neutral" if is_quiet else _TONES[group.kind]
    return RuleFindings(
        rule=one_line(group.rule, 200),
        title=one_line(titles.get(group.rule, ""), 300),
        status=Status(group.kind, tone),
        number=f"{group.number:,}",
        remedy=one_line(group.remedy, 1000),
        places=tuple(_place(found, group) for found in group.listed),
    )


def _place(found: Finding, group: Group) -> Place:
    return Place(
        where=one_line(found.place, 400),
        text=one_line(found.text, 1000),
        excerpt=one_line(found.excerpt, EXCERPT),
        remedy="" if group.remedy else one_line(found.remedy, 1000),
        note=note_of(found),
    )
