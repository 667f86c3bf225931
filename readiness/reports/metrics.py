"""`metrics.prom`: the decision as samples, for the textfile collector of Prometheus' node exporter.

Samples carry no times, which that collector refuses: `readiness_run_finished_timestamp_seconds` tells the age. What was
not observed has no sample, so that an alert on it can use `absent()`; a zero would look like evidence.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterable

from readiness.model import Answer, Decision, Finding, Outcome, Verdict
from readiness.reports.findings import BASELINE, KINDS, kind_of
from readiness.reports.interface import Document, Writer
from readiness.reports.json import decision_from
from readiness.reports.text import visible

PLACEHOLDER_GATE = "placeholder-audit"
_OBSERVED = frozenset({Outcome.PASSED, Outcome.FAILED, Outcome.ADVISORY, Outcome.WAIVED})

Labels = tuple[tuple[str, str], ...]


class _Family:
    """The samples of one name; two of the same labels would make the collector refuse the whole file."""

    def __init__(self, name: str, about: str, kind: str = "gauge") -> None:
        self.name, self.about, self.kind = name, about, kind
        self.samples: dict[Labels, float] = {}

    def set(self, value: float, **labels: str) -> None:
        """One sample; of two for the same labels the larger one stands."""
        key = tuple(labels.items())
        self.samples[key] = max(value, self.samples[key]) if key in self.samples else value

    def text(self) -> str:
        """The samples with what they mean; empty where there are none."""
        if not self.samples:
            return ""
        head = f"# HELP {self.name} {self.about}\n# TYPE {self.name} {self.kind}\n"
        return head + "".join(f"{self.name}{_shown(key)} {_number(value)}\n" for key, value in self.samples.items())


def render(document: Document) -> bytes:
    """Returns the file, in the text format of version 0.0.4."""
    decision = decision_from(document)
    families = [
        *_of_run(decision),
        *_of_gates(decision),
        _of_findings(decision),
        *_of_baseline(decision),
        _placeholders(decision),
    ]
    return "".join(family.text() for family in families).encode()


def _common(decision: Decision) -> dict[str, str]:
    return {"environment": decision.environment.name, "service": decision.service.name}


def _of_run(decision: Decision) -> Iterable[_Family]:
    common, run = _common(decision), decision.run
    go = _Family("readiness_decision", "1 for GO, 0 for NO-GO.")
    go.set(decision.decision is Answer.GO, **common)
    partial = _Family("readiness_partial", "1 where the decision covers only the gates that the run was narrowed to.")
    partial.set(decision.partial, **common)
    yield from (go, partial)
    try:
        finished = dt.datetime.fromisoformat(run.finished).timestamp()
    except (ValueError, OverflowError):
        finished = math.nan
    stamp = _Family("readiness_run_finished_timestamp_seconds", "When the run finished, in seconds since 1970.")
    stamp.set(finished, **common)
    took = _Family("readiness_run_duration_seconds", "How long the run took.")
    took.set(run.duration_s, **common)
    info = _Family("readiness_run_info", "The run and the commit that was judged.")
    info.set(1, **common, run=run.id, commit=decision.service.commit, dirty=str(decision.service.dirty).lower())
    yield from (stamp, took, info)


def _of_gates(decision: Decision) -> Iterable[_Family]:
    common = _common(decision)
    verdicts = _Family("readiness_gate_verdict", "1 for the verdict of the gate, 0 for the others.")
    required = _Family("readiness_gate_required", "1 where the decision stands on the gate.")
    for gate in decision.gates:
        required.set(gate.required, **common, gate=gate.name)
        for verdict in Verdict:
            verdicts.set(gate.verdict is verdict, **common, gate=gate.name, verdict=str(verdict))
    checks = _Family("readiness_checks", "Checks by what they came to.")
    for (name, outcome), number in Counter((check.gate, check.outcome) for check in decision.checks).items():
        checks.set(number, **common, gate=name, outcome=str(outcome))
    yield from (verdicts, required, checks)


def _of_findings(decision: Decision) -> _Family:
    """Of gates that were observed in full: of others the number says too little."""
    findings = _Family("readiness_findings", f"Findings by what they count as; {BASELINE}: known and accepted.")
    for gate, found in _observed(decision).items():
        counts = Counter(kind_of(finding) for finding in found)
        for kind in KINDS:
            findings.set(counts[kind], **_common(decision), gate=gate, severity=kind)
    return findings


def _of_baseline(decision: Decision) -> Iterable[_Family]:
    if decision.baseline is None:
        return
    entries = _Family("readiness_baseline_entries", "Entries of the baseline by what became of them.")
    result = decision.baseline
    for state in ("known", "expired", "vanished", "unobserved"):
        entries.set(getattr(result, state), **_common(decision), state=state)
    yield entries


def _placeholders(decision: Decision) -> _Family:
    # Untyped, because linters keep the ending _count for histograms; runbooks and their alerts have this name.
    family = _Family("placeholder_critical_count", "Placeholders that block the release.", "untyped")
    found = _observed(decision).get(PLACEHOLDER_GATE)
    if found is not None:
        family.set(sum(finding.blocks for finding in found), **_common(decision))
    return family


def _observed(decision: Decision) -> dict[str, list[Finding]]:
    """Returns the findings of each gate whose every check has looked; of one that failed without any it has not."""
    findings: dict[str, list[Finding]] = {}
    unseen = {
        check.gate
        for check in decision.checks
        if check.outcome not in _OBSERVED or (check.outcome is not Outcome.PASSED and not check.findings)
    }
    for check in decision.checks:
        if check.gate not in unseen:
            findings.setdefault(check.gate, []).extend(check.findings)
    return findings


def _shown(labels: Labels) -> str:
    pairs = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels)
    return f"{{{pairs}}}" if pairs else ""


def _escaped(text: str) -> str:
    return visible(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(float(value))


WRITER = Writer("metrics.prom", render)
