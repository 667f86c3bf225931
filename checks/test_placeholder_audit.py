"""Nothing that was to be filled in is still blank."""

from __future__ import annotations

from typing import TYPE_CHECKING

from readiness import check

if TYPE_CHECKING:
    from readiness.evidence import Findings, Measure
    from readiness.static.interface import Scan

RUNBOOK = "sign-off"
MOST_NAMED = 10
"""Places that a message names."""


@check("placeholder-audit/critical", observe=lambda repository: repository.scan("placeholder-audit"), runbook=RUNBOOK)
def test_critical(seen: Scan, measure: Measure, findings: Findings) -> None:
    """No placeholder is left where production would use it.

    Holds when: no value that ships is one that was to be replaced: contacts and rotations of a runbook, hosts of
        documentation, CHANGEME, default credentials, keys of a sandbox. What it means for the environment under judgement
        is each rule's business; what could not be read is a finding.
    Why it matters: nobody notices before the number is dialled, or the password is tried.
    Measured by: reading every text file of the paths that `.gitignore` and `exclude` leave, values rather than lines.
    If it fails: fill in what the finding points to. To accept one on purpose, name its file in `allow`, or write on its
        line `readiness: allow RULE -- why`.
    Source: [placeholder-audit] paths, allow, exclude, max-file-size.
    """
    found = seen.of("placeholder-audit/critical")
    measure("files read", seen.files, at_least=1, key="paths")
    measure("files unchanged since they were read", seen.cached)
    measure("files not looked at", seen.unscanned, detail=seen.notes)
    measure("placeholder_critical_count", sum(finding.severity == "blocking" for finding in found))
    findings.add(found)


@check(
    "placeholder-audit/warning",
    severity="advisory",
    observe=lambda repository: repository.scan("placeholder-audit"),
    runbook=RUNBOOK,
)
def test_warning(seen: Scan, measure: Measure, findings: Findings) -> None:
    """No placeholder is left at all.

    Holds when: nothing is left that should be looked at before it grows old: bodies that are not implemented, template
        variables that nobody rendered, markers of unfinished work beyond their budget.
    Why it matters: each was meant to be temporary.
    Measured by: the same reading as `placeholder-audit/critical`.
    If it fails: finish it, or accept it by its rule.
    Source: [placeholder-audit] paths, allow.
    """
    measure("files read", seen.files, at_least=1, key="paths")
    found = findings.add(seen.of("placeholder-audit/warning"))
    left = [finding for finding in found if finding.severity != "information" and not finding.is_known]
    measure(
        "placeholders left", len(left), at_most=0, detail=[f"{each.path}:{each.line}" for each in left[:MOST_NAMED]]
    )
