"""`report.sarif`: valid SARIF 2.1.0, within GitHub's limits, and nothing lost in silence."""

from __future__ import annotations

import gzip
import json as stdlib_json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest
from hypothesis import given, settings

from readiness.model import Answer, Decision, Finding, FindingSeverity, Outcome, Reason, Severity
from readiness.reports import sarif
from readiness.reports.json import document
from tests.reports import samples
from tests.reports.strategies import decisions

SCHEMA = stdlib_json.loads((Path(__file__).parent / "sarif" / "sarif-schema-2.1.0.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
Json = dict[str, Any]


def run_of(decision: Decision, **limits: int) -> Json:
    """Returns the one run of the file, which is valid."""
    log = stdlib_json.loads(sarif.render(document(decision), **limits))
    VALIDATOR.validate(log)
    (run,) = log["runs"]
    found: Json = run
    return found


def with_findings(*findings: Finding, **changes: Any) -> Decision:
    """Returns a NO-GO whose one failed check has these findings."""
    check = samples.check("config-lint/syntax", "Files parse", Outcome.FAILED, findings=findings, message="m")
    reason = Reason("config-lint", "config-lint/syntax", "failed", "m")
    return samples.build(Answer.NO_GO, [replace(check, **changes)], [], [reason])


def finding(path: str = "deploy/app.yaml", line: int = 3, column: int = 5, **changes: Any) -> Finding:
    made = Finding(
        "config-lint/x", path, line, column, FindingSeverity.BLOCKING, "It is wrong.", "Mend it.", "a: b", "ab" * 16
    )
    return replace(made, **changes)


def location(result: Json) -> Json:
    (where,) = result["locations"]
    place: Json = where["physicalLocation"]
    return place


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_samples_are_valid(name: str) -> None:
    """Against the schema of the standard."""
    run_of(samples.SAMPLES[name]())


@given(decisions())
@settings(max_examples=60, deadline=None)
def test_any_decision_is_valid_and_none_is_lost(decision: Decision) -> None:
    """Whatever text there is: each finding is a result, a NO-GO is never empty, and each result has what GitHub needs."""
    run = run_of(decision)
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    findings = sum(len(check.findings) for check in decision.checks)
    assert len(run["results"]) >= findings
    assert run["results"] or decision.decision is Answer.GO or findings
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"] is not None
        assert result["partialFingerprints"][sarif.FINGERPRINT]
        uri = urlsplit(location(result)["artifactLocation"]["uri"])
        assert not uri.scheme
        assert not uri.netloc
        assert not uri.path.startswith(("/", "../"))
        assert location(result)["region"]["startLine"] >= 1
    for rule in rules:
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
        assert rule["shortDescription"]["text"]


def test_a_finding_is_where_it_is() -> None:
    """Rule, level, text with remedy, place, excerpt and fingerprint."""
    (result,) = run_of(with_findings(finding()))["results"]
    assert result["level"] == "error"
    assert result["message"]["text"] == "It is wrong. Mend it."
    assert location(result) == {
        "artifactLocation": {"uri": "deploy/app.yaml"},
        "region": {"startLine": 3, "startColumn": 5, "snippet": {"text": "a: b"}},
    }
    assert result["partialFingerprints"] == {"primaryLocationLineHash": f"{'ab' * 16}:1"}
    assert result["suppressions"] == []


@pytest.mark.parametrize(
    ("config", "path", "uri"),
    [
        ("", "a b/ä#?.yaml", "a%20b/%C3%A4%23%3F.yaml"),
        ("readiness.toml", "deploy/app.yaml", "deploy/app.yaml"),
        ("services/shop/readiness.toml", "app.yaml", "services/shop/app.yaml"),
        ("services/shop/readiness.toml", "../lib/app.yaml", "services/lib/app.yaml"),
        ("services/shop/readiness.toml", "../../../app.yaml", "services/shop/readiness.toml"),
        ("shop/pyproject.toml", "/etc/app.yaml", "shop/pyproject.toml"),
        ("shop/pyproject.toml", "", "shop/pyproject.toml"),
        ("", ".", "readiness.toml"),
        ("", "https://h/x", "https%3A/h/x"),
        ("", "C:\\x.yaml", "C%3A%5Cx.yaml"),
    ],
)
def test_paths_start_at_the_top_of_the_repository(config: str, path: str, uri: str) -> None:
    """Wherever the configuration lies; what leads out of it is shown at the configuration, with its path in the text."""
    decision = with_findings(finding(path))
    (result,) = run_of(replace(decision, run=replace(decision.run, config=config)))["results"]
    assert location(result)["artifactLocation"]["uri"] == uri
    is_elsewhere = uri.endswith("toml")
    assert location(result)["region"]["startLine"] == (1 if is_elsewhere else 3)
    assert not is_elsewhere or path in unquote(result["message"]["text"])


def test_a_whole_file_is_its_first_line() -> None:
    """The standard knows no line 0."""
    (result,) = run_of(with_findings(finding(line=0, column=0, excerpt="")))["results"]
    assert location(result)["region"] == {"startLine": 1}


def test_fingerprints_survive_moved_lines_and_stay_apart() -> None:
    """With a fingerprint or without; of two that are alike the second gets a number."""

    def marks(*findings: Finding) -> list[str]:
        return [
            result["partialFingerprints"][sarif.FINGERPRINT] for result in run_of(with_findings(*findings))["results"]
        ]

    for mark in ("ab" * 16, ""):
        first, second = marks(finding(line=3, fingerprint=mark), finding(line=9, fingerprint=mark))
        assert first.removesuffix(":1") == second.removesuffix(":2")
        assert marks(finding(line=500, fingerprint=mark)) == [first]
    assert marks(finding(fingerprint="")) != marks(finding("other.yaml", fingerprint=""))


@pytest.mark.parametrize(
    ("severity", "of_check", "level"),
    [
        (FindingSeverity.BLOCKING, Severity.BLOCKING, "error"),
        (FindingSeverity.BLOCKING, Severity.ADVISORY, "warning"),
        (FindingSeverity.ADVISORY, Severity.BLOCKING, "warning"),
        (FindingSeverity.INFORMATION, Severity.BLOCKING, "note"),
    ],
)
def test_levels_say_what_blocks(severity: FindingSeverity, of_check: Severity, level: str) -> None:
    """An error stands in the way of the release."""
    results = run_of(with_findings(finding(severity=severity), severity=of_check))["results"]
    assert next(each for each in results if each["ruleId"] == "config-lint/x")["level"] == level


def test_what_is_accepted_is_suppressed() -> None:
    """By a waiver and by the baseline, each with who and until when; an entry that has expired suppresses nothing."""
    run = run_of(samples.no_go())
    told = {result["ruleId"]: result["suppressions"] for result in run["results"]}
    assert told["CVE-2026-1234"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "waived until 2026-11-25 by security@dogan.ai, SEC-12: no fixed release yet, feature disabled",
        }
    ]
    assert told["placeholder-audit/contact"] == []
    many = run_of(samples.many_findings(20))["results"]
    accepted = [result["suppressions"][0]["justification"] for result in many if result["suppressions"]]
    assert set(accepted) == {"baseline: security@dogan.ai, old cluster, valid until 2027-03-31"}
    assert len(accepted) == 4, "two of twenty, in two checks"


@pytest.mark.parametrize(
    ("outcome", "severity", "level"),
    [
        (Outcome.FAILED, Severity.BLOCKING, "error"),
        (Outcome.UNMEASURED, Severity.BLOCKING, "error"),
        (Outcome.NOT_RUN, Severity.BLOCKING, "error"),
        (Outcome.ADVISORY, Severity.ADVISORY, "warning"),
    ],
)
def test_a_check_without_findings_is_a_result(outcome: Outcome, severity: Severity, level: str) -> None:
    """At the configuration, with what was observed and what to do."""
    check = samples.check(
        "redis/ping", "Redis answers", outcome, severity=severity, message="refused", remedy="Start it."
    )
    (result,) = run_of(samples.build(Answer.NO_GO, [check], [], [Reason("redis", "redis/ping", outcome, "refused")]))[
        "results"
    ]
    assert (result["ruleId"], result["level"]) == ("redis/ping", level)
    assert result["message"]["text"] == f"redis/ping is {outcome}: refused. Start it."
    assert location(result)["artifactLocation"]["uri"] == "readiness.toml"


def test_a_check_that_failed_for_another_reason_than_its_findings_is_a_result() -> None:
    """Findings that only inform do not hide that a limit does not hold."""
    results = run_of(with_findings(finding(severity=FindingSeverity.INFORMATION)))["results"]
    assert [result["ruleId"] for result in results] == ["config-lint/syntax", "config-lint/x"]


def test_a_reason_without_a_check_is_a_result() -> None:
    """A NO-GO because of the run itself does not look clean."""
    (result,) = run_of(samples.nothing_judged())["results"]
    assert (result["ruleId"], result["level"]) == ("readiness/decision", "error")
    assert "nothing was judged" in result["message"]["text"]


def test_rules_say_what_is_documented() -> None:
    """As text and as Markdown, with a link where the source is one."""
    rules = {rule["id"]: rule for rule in run_of(samples.many_findings(20))["tool"]["driver"]["rules"]}
    known = rules["placeholder-audit/changeme"]
    assert known["shortDescription"]["text"] == "No value asks to be changed"
    assert known["fullDescription"]["text"] == "Everybody knows it."
    assert known["help"]["text"].startswith("No value asks to be changed.\n\nWhy it matters: Everybody knows it.")
    assert known["help"]["markdown"].startswith("**No value asks to be changed.**\n\n**Why it matters:**")
    assert known["helpUri"] == "https://example.org/rule"
    assert rules["placeholder-audit/contact"]["help"]["text"].startswith("a contact is still blank: [Add contact].")


def test_text_of_a_file_is_no_link() -> None:
    """A message may hold links, and those of a file that was scanned are not ours."""
    (result,) = run_of(with_findings(finding(text="[x](https://evil.example)", remedy="")))["results"]
    assert result["message"]["text"] == "[x] (https://evil.example)"


def test_results_are_capped_and_the_rest_is_counted() -> None:
    """What blocks comes first, what is accepted last; how many had no room is said."""
    run = run_of(samples.many_findings(100), most_results=60)
    assert len(run["results"]) == 60
    whole = run_of(samples.many_findings(100))
    left = len(whole["results"]) - 60
    assert run["properties"]["omittedResults"] == left
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"] == f"{left} results had no room in this file; report.json has them all."
    assert Counter(result["level"] for result in run["results"])["error"] > 40
    assert whole["properties"]["omittedResults"] == 0
    assert "toolExecutionNotifications" not in whole["invocations"][0]


def test_bytes_are_capped() -> None:
    """A file that GitHub would refuse for its size is cut, and says so."""
    decision = with_findings(*(finding(f"{number}.yaml", text=f"{number * 7919**9}" * 9) for number in range(300)))
    data = sarif.render(document(decision), most_bytes=6_000)
    assert len(gzip.compress(data, 6)) <= 6_000
    run = stdlib_json.loads(data)["runs"][0]
    assert 0 < len(run["results"]) < 300
    assert len(run["results"]) + run["properties"]["omittedResults"] == 300
    assert sarif.render(document(decision), most_bytes=10)


@pytest.mark.slow
def test_githubs_limits_are_kept() -> None:
    """Thirty thousand findings make a file that can be uploaded."""
    data = sarif.render(document(with_findings(*(finding(f"{number}.yaml") for number in range(30_000)))))
    run = stdlib_json.loads(data)["runs"][0]
    assert len(run["results"]) == 25_000
    assert run["properties"]["omittedResults"] == 5_000
    assert len(gzip.compress(data, 6)) <= 10_000_000


def test_the_same_report_makes_the_same_file() -> None:
    """And two environments do not replace each other's results."""
    decision = samples.no_go()
    assert sarif.render(document(decision)) == sarif.render(document(decision))
    assert run_of(decision)["automationDetails"]["id"] == "readiness/staging/"
