"""Findings in the reports: every one counted, the same numbers everywhere, lists capped, what blocks first."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.model import BaselineResult, BaselineUse, Finding, FindingSeverity
from readiness.reports import html, junit, markdown, terminal
from readiness.reports.findings import (
    KINDS,
    baseline_text,
    by_gate,
    counts_of,
    counts_text,
    grouped,
    in_order,
    kind_of,
    note_of,
    without_list,
)
from readiness.reports.json import document
from tests.reports import samples
from tests.reports.page import parse

FINDINGS = st.lists(
    st.builds(
        Finding,
        rule=st.sampled_from(["a/x", "a/y", "a/z"]),
        path=st.just("p"),
        line=st.integers(0, 9),
        column=st.integers(0, 9),
        text=st.just("t"),
        remedy=st.sampled_from(["r", "s"]),
        baseline=st.none() | st.builds(BaselineUse),
    ),
    max_size=60,
)


@given(FINDINGS, st.integers(0, 70))
@settings(deadline=None)
def test_groups_hold_everything_and_list_what_there_is_room_for(found: list[Finding], limit: int) -> None:
    """Numbers add up, the room is used up, and no rule is left out while another has more than one."""
    groups = grouped(found, limit)
    assert sum(group.number for group in groups) == len(found)
    assert sum(len(group.listed) for group in groups) == min(limit, len(found))
    listed = [len(group.listed) for group in groups]
    for group, share in zip(groups, listed, strict=True):
        assert share == group.number or all(other <= share + 1 for other in listed)
        assert all(kind_of(each) == group.kind and each.rule == group.rule for each in group.listed)
    assert [KINDS.index(group.kind) for group in groups] == sorted(KINDS.index(group.kind) for group in groups)
    assert counts_of(found) == {kind: n for kind in KINDS if (n := sum(kind_of(each) == kind for each in found))}
    assert [kind_of(each) for each in in_order(found)] == sorted(map(kind_of, found), key=KINDS.index)


def test_places() -> None:
    """As an editor opens them; a whole file has no line."""
    found = samples.findings(1)[0]
    assert replace(found, path="a.yaml", line=3, column=4).place == "a.yaml:3:4"
    assert replace(found, path="a.yaml", line=3, column=0).place == "a.yaml:3"
    assert replace(found, path="a.yaml", line=0, column=0).place == "a.yaml"


@pytest.mark.parametrize(
    ("use", "note"),
    [
        (None, ""),
        (BaselineUse(False), ""),
        (BaselineUse(False, "me"), "baseline: me"),
        (BaselineUse(False, "me", "old", "2027-01-01"), "baseline: me, old, valid until 2027-01-01"),
        (BaselineUse(True, expires="2020-01-01"), "baseline: expired, was valid until 2020-01-01"),
        (
            BaselineUse(False, incomplete=True),
            "baseline: accepts nothing before it has an owner, a reason and a last day",
        ),
    ],
)
def test_notes(use: BaselineUse | None, note: str) -> None:
    """Who accepted it, why, and until when, as far as the entry says."""
    assert note_of(replace(samples.findings(1)[0], baseline=use)) == note


def test_baseline_in_words() -> None:
    """What is nothing is left out."""
    assert baseline_text(BaselineResult("f", 0, 0, 0, 0, 0)) == "0 entries"
    assert baseline_text(BaselineResult("f", 1, 1, 0, 0, 0)) == "1 entry: 1 known"
    assert baseline_text(BaselineResult("f", 2140, 2137, 1, 1, 1)) == (
        "2,140 entries: 2,137 known, 1 expired or incomplete, 1 vanished (readiness baseline prune), "
        "1 of gates that were not observed in full"
    )


def test_the_list_in_a_message_is_replaced_by_its_number() -> None:
    """The findings are shown by themselves, and what else is in the message stays."""
    check = samples.many_findings().checks[0]
    blocking = [each for each in check.findings if each.blocks]
    files = len({each.path for each in blocking})
    shown = without_list(check.message or "", check.findings)
    assert shown == f"files read: observed 3, expected at least 5; {len(blocking)} findings in {files} files"
    assert without_list("as it is", check.findings) == "as it is"
    assert without_list(f"{blocking[0].place}: {blocking[0].text}", blocking[:1]) == "1 finding in 1 file"


def rendered(count: int = 1_000) -> tuple[dict[str, str], dict[str, int]]:
    """Returns the reports that people read, and the numbers that each must say of the check that failed."""
    decision = samples.many_findings(count)
    made = document(decision)
    panel = "\n".join(line for line, _ in terminal.panel(made, 400))
    texts = {
        "terminal": panel,
        "summary.md": markdown.render(made).decode(),
        "junit.xml": ET.tostring(ET.fromstring(junit.render(made)), encoding="unicode"),
        "report.html": parse(html.render(made)).text,
    }
    return texts, by_gate(decision)["placeholder-audit"]


@pytest.mark.parametrize("name", ["terminal", "summary.md", "junit.xml", "report.html"])
def test_each_report_counts_all_and_lists_some(name: str) -> None:
    """The numbers are exact and the same; file, line, column, rule, text, excerpt and remedy of the first are there."""
    texts, counts = rendered()
    text = texts[name]
    assert counts_text(counts) in text
    first = next(each for each in samples.many_findings().checks[0].findings if each.blocks)
    for part in (first.place, first.rule, "is still to be changed", first.remedy, "which nobody has filled in so far"):
        assert part in text, part
    assert "2027-03-31" in text or name != "report.html", "the page shows who asks what is accepted, and until when"
    assert len(text) < 60_000


def test_the_page_shows_what_does_nothing_on_request() -> None:
    """Closed, by kind, with its number; what blocks is open."""
    page = parse(html.render(document(samples.many_findings())))
    counts = by_gate(samples.many_findings())["placeholder-audit"]
    quiet = page.all("details", "quiet")
    assert not any("open" in each.attributes for each in quiet)
    titles = [each.one("summary").text for each in quiet]
    assert titles[:2] == [
        f"{counts['baseline']} findings known from the baseline, accepted",
        f"{counts['information']} findings for information",
    ]
    assert "blocking" not in "".join(each.text for each in quiet if each.all(css="badge"))


def test_excerpts_are_redacted() -> None:
    """A secret that a file holds and the run knows is masked as in every other text."""
    from readiness.redact import Redactor
    from readiness.reports.withholding import redact_document

    redactor = Redactor()
    redactor.add("TOKEN", "hunter2-hunter2-x9Zq")
    decision = samples.many_findings(10)
    check = decision.checks[0]
    shown = replace(check.findings[0], excerpt="token: hunter2-hunter2-x9Zq")
    made = redact_document(document(replace(decision, checks=(replace(check, findings=(shown,)),))), redactor)
    assert made["checks"][0]["findings"][0]["excerpt"] == "token: ***"


def test_information_is_quiet_in_the_terminal() -> None:
    """It is counted, and no line of it is shown."""
    texts, _ = rendered(40)
    assert "a comment says what is still to be done" not in texts["terminal"]
    assert FindingSeverity.INFORMATION in "for information"
