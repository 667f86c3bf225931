"""Code, dependencies, files and workflows hold no known vulnerability and no credential."""

from __future__ import annotations

from typing import TYPE_CHECKING

from readiness import NotMeasured, check

if TYPE_CHECKING:
    from readiness.evidence import Findings, Measure
    from readiness.static.dependencies.interface import Audit
    from readiness.static.interface import Scan

RUNBOOK = "security"


@check("security-scan/code", needs="bandit", observe=lambda repository: repository.code(), runbook=RUNBOOK)
def test_code(seen: Scan, measure: Measure, findings: Findings) -> None:
    """The Python code does nothing that is known to be unsafe.

    Holds when: the engine finds nothing of the severity and the confidence that the table names, or above. Its own
        configuration and `# nosec` are honoured.
    Why it matters: an injected command or an unverified certificate is a way in.
    Measured by: bandit, or ruff's S rules, on every Python file of the paths.
    If it fails: make the edit that the finding names, or accept it on its line with `# nosec` and the rule.
    Source: [security-scan] bandit.
    """
    measure("files read", seen.files, at_least=1, key="bandit.paths")
    measure("files unchanged since they were read", seen.cached)
    measure("files not looked at", seen.unscanned, detail=seen.notes)
    findings.add(seen.of("security-scan/code"))


@check(
    "security-scan/dependencies",
    needs="dependencies",
    observe=lambda repository: repository.dependencies(),
    runbook=RUNBOOK,
)
def test_dependencies(seen: Audit, measure: Measure, findings: Findings) -> None:
    """No dependency has a known vulnerability.

    Holds when: none of the versions that are declared, locked or installed is in an advisory. A dependency without an
        exact version, or that the engine skipped, and a database that is old, empty or out of reach, leave this
        unmeasured: nothing was found, since nothing was looked for.
    Why it matters: what is published is tried by everybody.
    Measured by: comparing each version with the advisories of the engine that the table names.
    If it fails: raise the version to one that the finding names; waive the advisory with an end where there is none yet.
    Source: [security-scan] dependencies; max-age default 7d.
    """
    measure("versions judged", seen.judged, at_least=1, key="dependencies", detail=seen.notes)
    if seen.advisories is not None:
        measure("advisories known", seen.advisories, at_least=1, key="dependencies.database")
    if seen.age_d is not None:
        measure("age of the newest advisory", seen.age_d, unit="d")
    for note in seen.notes:
        measure("note", note)
    findings.add(seen.of("security-scan/dependencies"))
    if seen.unmeasured:
        raise NotMeasured(
            ". ".join(seen.unmeasured),
            "Name a lock file in [security-scan] dependencies.lock, or set installed = true, for versions that are not known; "
            "name packages of your own in `own`; update the advisories.",
        )


@check(
    "security-scan/secrets",
    needs="secrets",
    observe=lambda repository: repository.scan("security-scan"),
    runbook=RUNBOOK,
)
def test_secrets(seen: Scan, measure: Measure, findings: Findings) -> None:
    """No credential is in the repository.

    Holds when: no file holds a key, a token, a private key or a connection string with its password that the baseline
        does not accept; what could not be read is a finding. A secret is shown by kind, place and hash alone.
    Why it matters: whoever can read the repository, now or in any copy of it, can use it.
    Measured by: reading every text file of the paths that `.gitignore` and `exclude` leave.
    If it fails: revoke the credential first, then take it out; it stays in the history.
    Source: [security-scan] secrets.
    """
    measure("files read", seen.files, at_least=1, key="secrets.paths")
    measure("files unchanged since they were read", seen.cached)
    measure("files not looked at", seen.unscanned, detail=seen.notes)
    findings.add(seen.of("security-scan/secrets"))


@check("security-scan/workflows", needs="workflows", observe=lambda repository: repository.workflows(), runbook=RUNBOOK)
def test_workflows(seen: Scan, measure: Measure, findings: Findings) -> None:
    """The workflows grant no more than they need and run nothing that strangers wrote.

    Holds when: the audit finds nothing of the severity and the confidence that the table names, or above; what is below
        warns. A file that cannot be read as a workflow is a finding. Its own configuration and ignores are honoured.
    Why it matters: a workflow holds the keys of every release.
    Measured by: zizmor, offline, on the workflows, actions and Dependabot's configuration below the paths.
    If it fails: make the edit that the finding names, or accept it on its line with `# zizmor: ignore[AUDIT]`.
    Source: [security-scan] workflows.
    """
    measure("files read", seen.files, at_least=1, key="workflows.paths")
    findings.add(seen.of("security-scan/workflows"))
