from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings

from readiness.model import Answer, Decision, Finding, FindingSeverity, Outcome, Reason
from readiness.reports import html
from readiness.reports.html.view import LISTED, WITH_EVIDENCE, anchor_of
from readiness.reports.json import document
from tests.reports import samples
from tests.reports.page import Node, parse
from tests.reports.strategies import decisions


def page(decision: Decision, base: str = "") -> Node:
    return parse(html.render(document(decision), base))


def rendered(decision: Decision) -> str:
    return html.render(document(decision)).decode()


OURS = """
html head meta title link style body svg symbol path use header div h1 p main strong dl dt dd section h2 h3 ol ul li span
a code table thead tbody tr th td details summary pre footer
"""
TAGS = frozenset(OURS.split())


def assert_harmless(root: Node) -> None:
    for node in root.all():
        assert node.tag in TAGS, f"an element that the template does not have: {node.tag}"
        handlers = [name for name in node.attributes if name.startswith("on") or name in ("style", "src", "srcset")]
        assert not handlers, f"<{node.tag}> has {handlers}"
        for name in ("href", "xlink:href"):
            address = node.attributes.get(name, "#")
            fine = (
                ("#", "https://", "http://", "data:image/svg+xml,") if node.tag != "a" else ("#", "https://", "http://")
            )
            assert address.startswith(fine), f"<{node.tag}> leads to {address}"
    assert len(root.all("style")) == 1
    identifiers = [node.attributes["id"] for node in root.all() if "id" in node.attributes]
    assert len(identifiers) == len(set(identifiers)), "an id stands twice"
    links = [node.attributes["href"][1:] for node in root.all("a") if node.attributes["href"].startswith("#")]
    assert set(links) <= set(identifiers), "a link leads to no place in the page"


@pytest.mark.parametrize(
    ("name", "headline"),
    [
        ("go", "GO"), ("partial", "GO"), ("no-go", "NO-GO"), ("large", "NO-GO"), ("incomplete", "NO-GO (incomplete)"),
        ("nothing-judged", "NO-GO (incomplete)"),
    ],
)  # fmt: skip
def test_decision_is_text_in_heading_and_title(name: str, headline: str) -> None:
    """The one word that matters is read without style, script or colour."""
    root = page(samples.SAMPLES[name]())
    assert root.one("h1").text == headline
    assert root.one("title").text == f"{headline} · compliance-report-generator · staging"
    icon = root.one("header").one("use").attributes["href"]
    assert icon == ("#icon-good" if headline == "GO" else "#icon-bad")


def test_nothing_can_be_loaded_or_run() -> None:
    """The policy forbids everything but the page's own style, and there is nothing else to forbid."""
    root = page(samples.no_go())
    style = root.one("style").text
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policies = [each for each in root.all("meta") if each.attributes.get("http-equiv") == "Content-Security-Policy"]
    assert policies[0].attributes["content"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert not root.all("script")
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_samples_are_harmless(name: str) -> None:
    """Elements and attributes are those of the template, ids are unique, links lead somewhere."""
    assert_harmless(page(samples.SAMPLES[name]()))


@given(decisions())
@settings(max_examples=40, deadline=None)
def test_any_text_stays_text(decision: Decision) -> None:
    """No text, wherever it comes from, becomes an element, an attribute or an address."""
    assert_harmless(page(decision))


@pytest.mark.parametrize("text", samples.HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    """Markup in any field is shown as what it is."""
    root = page(samples.hostile([text]))
    assert_harmless(root)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00-\x08\x1b]", root.text), "text that is not what it looks"


def test_markup_is_shown_as_it_was_written() -> None:
    """An attempt is visible in the page, letter by letter."""
    assert "<script>alert(1)</script>" in page(samples.hostile(["<script>alert(1)</script>"])).text


@pytest.mark.parametrize(
    ("runbook", "base", "address"),
    [
        ("https://runbooks.dogan.ai/release#redis", "", "https://runbooks.dogan.ai/release#redis"),
        ("docs/runbook.md#redis", "../..", "../../docs/runbook.md#redis"),
        ("docs/runbook.md#redis", "", None),
        ("javascript:alert(1)", "../..", None),
        ("JaVaScRiPt:alert(1)", "../..", None),
        ("java\nscript:alert(1)", "../..", None),
        (" javascript:alert(1)", "../..", None),
        ("data:text/html,x", "../..", None),
        ("//evil.example/x", "../..", None),
        ("\\\\evil.example\\x", "../..", None),
        ("/etc/passwd", "../..", None),
        ("http://[broken", "../..", None),
    ],
)
def test_only_addresses_of_runbooks_are_links(runbook: str, base: str, address: str | None) -> None:
    """A runbook that is an http address or a path in the repository is a link; anything else is only shown."""
    decision = samples.no_go()
    checks = tuple(replace(check, runbook=runbook) if check.id == "redis/ping" else check for check in decision.checks)
    found = page(replace(decision, checks=checks), base)
    body = next(node for node in found.all() if node.attributes.get("id") == "check_redis_ping")
    assert [node.attributes["href"] for node in body.all("a")] == ([address] if address else [])
    assert " ".join(runbook.split()) in " ".join(body.text.split())


def test_blockers_come_first_and_lead_to_their_evidence() -> None:
    """What stands in the way is listed before the gates, each with its outcome, its reason and a link."""
    root = page(samples.no_go())
    rows = root.one("ol", "blockers").all("li")
    assert [row.all("code")[0].text for row in rows] == [
        "placeholder-audit/critical", "health/endpoint[/health/db]", "redis/ping", "redis/memory", "flags",
    ]  # fmt: skip
    assert rows[2].text.split()[0] == "unmeasured"
    assert "connection refused" in rows[2].text
    assert rows[2].all("a")[0].attributes["href"] == "#check_redis_ping"
    assert rows[4].all("a")[0].attributes["href"] == "#gate_flags"
    text = rendered(samples.no_go())
    assert text.index("What stands in the way") < text.index(">Gates<") < text.index("Checks and their evidence")


def test_at_most_ten_blockers_are_listed() -> None:
    """Of many reasons the page shows ten and counts the rest."""
    decision = samples.go()
    reasons = tuple(Reason("", "", "failed", f"reason {number}") for number in range(25))
    root = page(replace(decision, decision=Answer.NO_GO, reasons=reasons))
    assert len(root.one("ol", "blockers").all("li")) == 10
    assert "and 15 more in report.json" in root.text


def test_evidence_of_a_failure_is_complete() -> None:
    """Value, limit, place, remedy, runbook, waiver and the command that repeats the check are there."""
    text = page(samples.no_go(), "../..").text
    for part in (
        "812.37 ms", "at most 500 ms", "does not hold", "3 attempts", "docs/runbook.md:8:3", "placeholder-audit/contact",
        "the on-call contact is still", "Look at the connection pool", "docs/runbook.md#database-is-slow",
        "Accepted by security@dogan.ai (SEC-12), ends in 4 days (2026-11-25): no fixed release yet",
        "pytest --env=staging 'checks/test_health.py::test_endpoint[/health/db]'", "passed on attempt 2",
    ):  # fmt: skip
        assert part in text


def test_released_thing_is_named() -> None:
    """Service, commit, environment, run and times in UTC stand above the evidence."""
    facts = dict(
        zip(
            (node.text for node in page(samples.no_go()).all("dt")),
            (node.text for node in page(samples.no_go()).all("dd")),
            strict=True,
        )
    )
    assert facts == {
        "Service": "compliance-report-generator",
        "Commit": "4f1c9e2ab7d0, with uncommitted changes",
        "Environment": "staging (live, protected)",
        "Owner": "platform@dogan.ai",
        "Started": "2026-11-21 13:00:00 UTC",
        "Finished": "2026-11-21 13:00:12 UTC",
        "Took": "12.3 s",
        "Run": "20261121-130000-5f3a",
    }


def test_partial_run_says_what_it_covers() -> None:
    """A GO of some gates cannot be taken for a GO of all."""
    assert "The decision covers only these gates: health, redis." in page(samples.partial()).one("p", "coverage").text
    assert not page(samples.go()).all("p", "coverage")


def test_many_checks_stay_bounded() -> None:
    """Beyond what a browser shows at once, what did not pass is listed up to a number, and passes are counted."""
    root = page(samples.large(10_000, 100))
    assert len(root.all(css="check")) == 100
    assert len(root.all()) < 5_000
    assert "1,414 checks that passed: in report.json" in root.text
    assert "All checks: 100 failed, 9,900 passed" in root.text


def test_many_failures_stay_bounded() -> None:
    """Of thousands of failures the page lists some, shows the evidence of the first, and counts the rest."""
    root = page(samples.large(3_500, 3_500))
    assert len(root.all(css="check")) == LISTED
    assert len(root.all("details")) == WITH_EVIDENCE
    rest = sum(
        int(found.replace(",", "")) for found in re.findall(r"([\d,]+) more checks? that did not pass", root.text)
    )
    assert rest == 3_500 - LISTED
    assert_harmless(root)


def test_evidence_of_one_check_is_bounded() -> None:
    """A check with thousands of findings and a huge message does not make a huge page."""
    decision = samples.go()
    finding = Finding("rule", "path", 1, 1, FindingSeverity.BLOCKING, "text " * 1000, "")
    check = replace(decision.checks[0], outcome=Outcome.FAILED, message="x" * 10**6, findings=(finding,) * 5000)
    text = rendered(replace(decision, decision=Answer.NO_GO, checks=(check,)))
    assert len(text) < 100_000
    assert "and 4970 more findings in report.json" in text


@pytest.mark.parametrize(
    ("check", "anchor"),
    [
        ("redis/ping", "check_redis_ping"),
        ("health/endpoint[/health/db]", "check_health-endpoint-health-db_690942ecc3"),
    ],
)
def test_anchors_are_stable(check: str, anchor: str) -> None:
    """A deep link of last week still leads to the same check."""
    assert anchor_of(check) == anchor


def test_anchors_differ_where_slugs_are_the_same() -> None:
    """Two ids that look alike once slugged have links of their own."""
    alike = ["health/endpoint[/a/b]", "health/endpoint[/a-b]", "health/endpoint[a b]", "health/endpoint[/A/B]"]
    assert len({anchor_of(check) for check in alike}) == 4


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_contrast_is_enough(scheme: int) -> None:
    """Every text is at least 4.5 times lighter or darker than what it stands on (WCAG 2.2 AA)."""
    blocks = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", html._style(), re.DOTALL)
    ]
    colours = blocks[0] | blocks[scheme]
    grounds = {"good": "good-soft", "bad": "bad-soft", "warn": "warn-soft"}
    pairs = [(text, ground) for text in ("text", "muted", "link") for ground in ("page", "card", "code")]
    pairs += [*grounds.items(), ("on-status", "good-band"), ("on-status", "bad-band")]
    for text, ground in pairs:
        low, high = sorted((luminance(colours[text]), luminance(colours[ground])))
        assert (high + 0.05) / (low + 0.05) >= 4.5, f"{text} on {ground}"
