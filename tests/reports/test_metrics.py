"""`metrics.prom`: what Prometheus' own tool accepts, and no number for what was not observed."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given, settings

from readiness.model import Answer, Decision, FindingSeverity, GateResult, Outcome, Verdict
from readiness.reports import metrics
from readiness.reports.json import document
from tests.reports import samples
from tests.reports.strategies import decisions

SAMPLE = re.compile(r'([a-z_]+)\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\} (NaN|[+-]Inf|[-+.e\d]+)')


def values(decision: Decision) -> dict[str, float]:
    """Returns each sample by name and labels, without those that all have; fails where a line is none."""
    found: dict[str, float] = {}
    for line in metrics.render(document(decision)).decode().splitlines():
        if not line.startswith(("# HELP ", "# TYPE ")):
            match = SAMPLE.fullmatch(line)
            assert match, line
            labels = re.sub(r'(environment|service)="(?:[^"\\]|\\.)*",?', "", match[2])
            assert f"{match[1]} {labels}" not in found, "the collector refuses a file that says one thing twice"
            found[f"{match[1]} {labels}"] = float(match[3])
    return found


def promtool() -> str:
    """Returns the tool that Prometheus checks such files with."""
    path = shutil.which("promtool")
    assert path, "These tests need promtool. Install it: apt-get install prometheus"
    return path


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_prometheus_accepts_it(name: str) -> None:
    """Without an error and without a remark."""
    data = metrics.render(document(samples.SAMPLES[name]()))
    done = subprocess.run([promtool(), "check", "metrics"], input=data, capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@given(decisions())
@settings(max_examples=60, deadline=None)
def test_any_decision_is_well_formed(decision: Decision) -> None:
    """Labels are escaped, no line is broken, no sample is there twice."""
    assert values(decision)["readiness_decision "] == (decision.decision is Answer.GO)


def test_the_decision_and_its_gates() -> None:
    """Decision, verdict per gate, when, and how long it took."""
    found = values(samples.no_go())
    assert found["readiness_decision "] == 0
    assert found["readiness_partial "] == 0
    assert found["readiness_run_finished_timestamp_seconds "] == 1795266012
    assert found["readiness_run_duration_seconds "] == 12.3
    verdicts = {key: value for key, value in found.items() if key.startswith('readiness_gate_verdict gate="redis"')}
    assert len(verdicts) == len(Verdict)
    assert [key for key, value in verdicts.items() if value] == [
        'readiness_gate_verdict gate="redis",verdict="unmeasured"'
    ]
    assert found['readiness_checks gate="health",outcome="passed"'] == 4
    assert values(samples.go())["readiness_decision "] == 1


def test_labels_are_escaped() -> None:
    """A quote, a backslash and a line feed end no label."""
    decision = replace(samples.go(), environment=replace(samples.STAGING, name='a"b\\c\nd'))
    assert rb'environment="a\"b\\c\nd"' in metrics.render(document(decision))


def with_placeholders(outcome: Outcome, count: int) -> Decision:
    found = samples.findings(count)
    check = samples.check("placeholder-audit/critical", "t", outcome, findings=found)
    return samples.build(Answer.NO_GO, [check], [])


def test_critical_placeholders_are_counted() -> None:
    """Under the name that runbooks alert on: what blocks, and neither what is known nor what only warns."""
    decision = with_placeholders(Outcome.FAILED, 70)
    found = values(decision)
    blocking = sum(each.blocks for each in samples.findings(70))
    assert found["placeholder_critical_count "] == blocking > 0
    assert found['readiness_findings gate="placeholder-audit",severity="blocking"'] == blocking
    assert found['readiness_findings gate="placeholder-audit",severity="baseline"'] == 7
    assert values(with_placeholders(Outcome.PASSED, 0))["placeholder_critical_count "] == 0


@pytest.mark.parametrize(
    ("outcome", "count"), [(Outcome.UNMEASURED, 0), (Outcome.NOT_RUN, 0), (Outcome.UNMEASURED, 9), (Outcome.FAILED, 0)]
)
def test_what_was_not_observed_has_no_sample(outcome: Outcome, count: int) -> None:
    """A zero would look like evidence; nor is there one for a gate that did not run."""
    for decision in (with_placeholders(outcome, count), samples.partial()):
        found = values(decision)
        assert "placeholder_critical_count " not in found
        assert not any("placeholder" in key for key in found if key.startswith("readiness_findings"))


def test_what_became_of_the_baseline() -> None:
    """By state; nothing where there is none."""
    found = values(samples.many_findings())
    assert found['readiness_baseline_entries state="vanished"'] == 9
    assert not any("baseline_entries" in key for key in values(samples.go()))


def test_gates_of_one_name_are_one() -> None:
    """The collector refuses a whole file for a sample that is there twice."""
    gate = GateResult("health", "", True, Verdict.PASS)
    values(replace(samples.go(), gates=(gate, replace(gate, verdict=Verdict.FAIL))))


def test_severities_are_all_told() -> None:
    """Each severity of a finding has its sample, also where its number is 0."""
    found = values(with_placeholders(Outcome.FAILED, 20))
    told = {key.rpartition("=")[2].strip('"') for key in found if key.startswith("readiness_findings")}
    assert told == {str(severity) for severity in FindingSeverity} | {"baseline"}
