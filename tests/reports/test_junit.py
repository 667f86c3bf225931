from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import xmlschema
from hypothesis import given, settings

from readiness.model import Answer, Decision, Outcome, Reason, Severity
from readiness.redact import Redactor
from readiness.reports import junit
from readiness.reports.json import document
from readiness.reports.publish import publish
from tests.reports import samples
from tests.reports.strategies import decisions

PROFILE = Path(__file__).parent / "xsd" / "profile.xsd"
OTHERS = [Path(path) for path in os.environ.get("READINESS_JUNIT_XSD", "").split(os.pathsep) if path]
SCHEMAS = {path.name: xmlschema.XMLSchema(path) for path in (PROFILE, *OTHERS)}


def tree(decision: Decision) -> ET.Element:
    return ET.fromstring(junit.render(document(decision)))


def cases(root: ET.Element) -> dict[str, ET.Element]:
    found = {f"{case.get('classname')} {case.get('name')}": case for case in root.iter("testcase")}
    assert len(found) == sum(1 for _ in root.iter("testcase")), "a case's name is not unique"
    return found


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("name", samples.SAMPLES)
def test_published_file_is_valid(name: str, schema: str, tmp_path: Path) -> None:
    """A server that validates takes the file that a run publishes, whatever is in it."""
    publish(samples.SAMPLES[name](), tmp_path, Redactor())
    SCHEMAS[schema].validate((tmp_path / "junit.xml").read_text("utf-8"))


@given(decisions())
@settings(max_examples=60, deadline=None)
def test_any_text_makes_a_valid_file(decision: Decision) -> None:
    """Characters that XML forbids, and numbers that it has no word for, do not break the file."""
    text = junit.render(document(decision)).decode()
    for schema in SCHEMAS.values():
        schema.validate(text)
    assert len(cases(ET.fromstring(text))) >= len(decision.checks)


@given(decisions())
@settings(max_examples=60, deadline=None)
def test_counts_are_right(decision: Decision) -> None:
    """What the suite says of its cases is what a reader counts."""
    root = tree(decision)
    inside = list(root.iter("testcase"))
    found = Counter(child.tag for case in inside for child in case)
    said = {tag: int(root.attrib[key]) for key, tag in junit._COUNTED.items()}
    assert said == {tag: found[tag] for tag in said}
    assert int(root.attrib["tests"]) == len(inside)


@given(decisions())
@settings(max_examples=60, deadline=None)
def test_no_go_is_never_all_green(decision: Decision) -> None:
    """Whatever the reason for a NO-GO is, a server that looks only at this file turns red."""
    root = tree(replace(decision, decision=Answer.NO_GO))
    assert int(root.attrib["failures"]) + int(root.attrib["errors"]) > 0


def test_each_outcome_has_its_element() -> None:
    """Failed is a failure, what was not observed is an error, what was accepted is skipped and says why."""
    found = cases(tree(samples.no_go()))

    def kind(gate: str, name: str) -> tuple[str, str]:
        children = [child for child in found[f"readiness.staging.{gate} {name}"] if child.tag != "system-out"]
        return (children[0].tag, children[0].get("message", "")) if children else ("", "")

    assert kind("health", "endpoint[/health]") == ("", "")
    assert kind("placeholder-audit", "critical") == ("failure", "2 critical placeholders are left in 31 files")
    assert kind("redis", "ping")[0] == "error"
    assert kind("redis", "memory")[0] == "error"
    tag, message = kind("placeholder-audit", "warning")
    assert (tag, message) == ("skipped", "advisory, does not block: 5 placeholders are left in examples")
    tag, message = kind("security-scan", "dependencies")
    assert tag == "skipped"
    assert message.startswith("waived until 2026-11-25 by security@dogan.ai: no fixed release yet")


def test_a_reason_without_a_check_is_a_case() -> None:
    """That a gate is not configured is an error of a case of its own."""
    case = cases(tree(samples.no_go()))["readiness.staging.readiness decision"]
    error = case.find("error")
    assert error is not None
    assert "Gate flags is required but not configured" in error.get("message", "")
    assert "redis/ping" not in (error.text or ""), "that reason has a red case already"


def test_a_reason_against_a_check_that_passed_is_a_case() -> None:
    """A flaky pass that makes a NO-GO is told, since its own case is green."""
    decision = samples.go()
    flaky = replace(
        decision, decision=Answer.NO_GO, reasons=(Reason("", "redis/ping", "flaky", "passed only after a retry"),)
    )
    assert "readiness.staging.readiness decision" in cases(tree(flaky))


def test_a_go_has_one_case_per_check() -> None:
    """Nothing is added to a GO."""
    assert len(cases(tree(samples.go()))) == len(samples.go().checks)


def test_cases_tell_what_the_schemas_have_no_attribute_for() -> None:
    """The whole id, how it came out, and a finding's place, else the check's file, are in a case's output."""
    found = cases(tree(samples.no_go()))

    def facts(case: str) -> list[str]:
        return found[f"readiness.staging.{case}"].findtext("system-out", "").splitlines()

    assert facts("placeholder-audit critical")[:3] == [
        "check: placeholder-audit/critical",
        "outcome: failed",
        "severity: blocking",
    ]
    assert facts("placeholder-audit critical")[-1] == "place: docs/runbook.md:8:3"
    assert facts("redis ping")[-1] == "place: checks/test_redis.py"


def test_the_suite_says_what_was_judged() -> None:
    """The decision, the environment and the commit are properties of the suite."""
    root = tree(samples.no_go())
    facts = {each.get("name"): each.get("value") for each in root.iterfind("properties/property")}
    assert facts["environment"] == "staging"
    assert facts["started"] == samples.no_go().run.started
    assert set(facts) == {"decision", "environment", "run", "started", "commit"}


def test_evidence_is_bounded() -> None:
    """A case with a very long message stays small."""
    decision = samples.go()
    check = replace(decision.checks[0], outcome=Outcome.FAILED, message="x" * 1_000_000, severity=Severity.BLOCKING)
    size = len(junit.render(document(replace(decision, decision=Answer.NO_GO, checks=(check,)))))
    assert size < 20_000


def test_repeated_ids_stay_apart() -> None:
    """Two checks of one id are two cases, since a server drops the second one of a name."""
    decision = samples.go()
    twice = replace(decision, checks=(decision.checks[0],) * 3)
    assert [name.partition(" ")[2] for name in cases(tree(twice))] == ["syntax", "syntax #2", "syntax #3"]
