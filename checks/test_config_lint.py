"""Configuration files parse, match their schemas, mean what they should, and agree across environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from readiness import check

if TYPE_CHECKING:
    from readiness.evidence import Findings, Measure
    from readiness.static.interface import Scan

RUNBOOK = "configuration"


@check("config-lint/syntax", observe=lambda repository: repository.scan("config-lint"), runbook=RUNBOOK)
def test_syntax(seen: Scan, measure: Measure, findings: Findings) -> None:
    """Every configuration file parses, and in one way only.

    Holds when: each YAML, JSON, TOML, INI and `.env` file is well formed: no duplicate key, no tab where it means
        something else, no alias that multiplies without end, no value that YAML 1.1 and 1.2 read differently. Templates
        are recognised and not parsed; what could not be read is a finding.
    Why it matters: a file that does not parse stops a deployment half way; one that is read in two ways does so later.
    Measured by: reading every file of the paths that `.gitignore` and `exclude` leave.
    If it fails: mend the file where the finding points to; see `readiness explain RULE`.
    Source: [config-lint] paths, exclude, max-file-size.
    """
    measure("files read", seen.files, at_least=1, key="paths")
    measure("files unchanged since they were read", seen.cached)
    measure("files not looked at", seen.unscanned, detail=seen.notes)
    findings.add(seen.of("config-lint/syntax"))


@check("config-lint/schema", observe=lambda repository: repository.scan("config-lint"), runbook=RUNBOOK)
def test_schema(seen: Scan, measure: Measure, findings: Findings) -> None:
    """Every configuration file has the shape that its reader expects.

    Holds when: each file whose kind is known (compose, workflows, Kubernetes manifests, Prometheus rules and the like),
        or for which `schemas` names one, satisfies its JSON Schema. A document without a schema is counted as such, and
        is not called valid.
    Why it matters: a key that is misspelt is ignored in silence, and its default holds in production.
    Measured by: schemas that come with this package; nothing is fetched.
    If it fails: correct the key or the value that the finding names.
    Source: [config-lint] paths, schemas.
    """
    measure("files read", seen.files, at_least=1, key="paths")
    for note in seen.notes:
        measure("note", note)
    findings.add(seen.of("config-lint/schema"))


@check("config-lint/semantics", observe=lambda repository: repository.scan("config-lint"), runbook=RUNBOOK)
def test_semantics(seen: Scan, measure: Measure, findings: Findings) -> None:
    """Every configuration file means what production needs.

    Holds when: no rule about meaning finds anything that blocks: images have a tag, nothing is privileged, queries of
        alerts parse, no debug switch is on and no localhost is named in what production reads, flags do not contradict
        themselves. Missing limits and probes warn.
    Why it matters: such a file is valid, is deployed, and fails under load or at the first restart.
    Measured by: rules on the parsed values; `readiness explain RULE` says of each why and what to do.
    If it fails: make the edit that the finding names.
    Source: [config-lint] paths.
    """
    measure("files read", seen.files, at_least=1, key="paths")
    findings.add(seen.of("config-lint/semantics"))


@check("config-lint/drift", observe=lambda repository: repository.scan("config-lint"), runbook=RUNBOOK)
def test_drift(seen: Scan, measure: Measure, findings: Findings) -> None:
    """What one environment's file has, the others have too.

    Holds when: files of the same kind for several environments have the same keys, flags and variables, and each
        variable that is read is defined somewhere.
    Why it matters: a key that only staging has was tested there, and is missing in production.
    Measured by: comparing the files that differ only in the name of their environment.
    If it fails: add the key where it is missing, or take it out everywhere.
    Source: [config-lint] paths.
    """
    measure("files read", seen.files, at_least=1, key="paths")
    findings.add(seen.of("config-lint/drift"))
