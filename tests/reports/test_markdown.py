from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from readiness.errors import ReportError
from readiness.model import Answer, Decision, Reason
from readiness.reports import markdown
from readiness.reports.json import document
from tests.reports import samples
from tests.reports.strategies import decisions

GITHUB = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def tokens(decision: Decision) -> list[Token]:
    found = []
    for token in GITHUB.parse(markdown.render(document(decision)).decode()):
        found += [token, *(token.children or [])]
    return found


def assert_shape(decision: Decision) -> None:
    """What Markdown makes of the text is what the writer wrote: its own headings, tables and nothing else."""
    found = tokens(decision)
    assert {token.content for token in found if token.type == "html_inline"} <= {"<code>", "</code>", "<!-- -->"}
    kinds = {token.type for token in found}
    assert not kinds & {"html_block", "image", "fence", "code_block", "code_inline", "hr", "em_open", "s_open"}
    links = [str(token.attrs["href"]) for token in found if token.type == "link_open"]
    assert all(link.startswith(("https://", "http://")) for link in links)
    headings = [found[at + 1].content for at, token in enumerate(found) if token.type == "heading_open"]
    assert {heading.partition(" ")[2] if heading[0] in "✅❌" else heading for heading in headings} <= {
        "GO", "NO-GO", "NO-GO (incomplete)", "Why not", "Gates", "Waivers", "Evidence",
    }  # fmt: skip
    rows = sum(token.type == "tr_open" for token in found)
    tables = sum(token.type == "table_open" for token in found)
    reasons = max(len(decision.reasons), decision.decision is Answer.NO_GO)
    assert rows - tables == reasons + len(decision.gates) + len(decision.waivers)


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_samples_keep_their_shape(name: str) -> None:
    """Tables have the rows that they should, and no text becomes markup."""
    assert_shape(samples.SAMPLES[name]())


@pytest.mark.parametrize("text", samples.HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    """Markup in any field is shown as what it is."""
    assert_shape(samples.hostile([text]))


@given(decisions())
@settings(max_examples=80, deadline=None)
def test_any_text_stays_text(decision: Decision) -> None:
    """No text, wherever it comes from, breaks a table or becomes markup."""
    assert_shape(decision)


@given(st.text("`*_[]()<>#+-.!|~\\&@:$=1aw/ \n", max_size=40))
@settings(max_examples=300, deadline=None)
def test_escaped_text_is_shown_letter_by_letter(text: str) -> None:
    """What a reader sees is what was written, but for white space."""
    inline = GITHUB.parseInline(f"x {markdown.escape(text)} x")[0].children or []
    assert {token.type for token in inline} <= {"text", "text_special", "html_inline"}
    shown = "".join(token.content for token in inline if token.type != "html_inline")
    assert " ".join(shown.split()) == " ".join(f"x {text} x".split())


def test_decision_comes_first() -> None:
    """The first line is the decision, the first table why."""
    lines = markdown.render(document(samples.no_go())).decode().splitlines()
    assert lines[0] == "## ❌ NO-GO"
    assert [line for line in lines if line.startswith("### ")] == [
        "### Why not",
        "### Gates",
        "### Waivers",
        "### Evidence",
    ]
    assert markdown.render(document(samples.go())).decode().startswith("## ✅ GO\n")


def test_budget_is_kept() -> None:
    """However much failed, the summary stays below what GitHub drops, says the decision, and counts the rest."""
    decision = samples.large(20_000, 20_000)
    written = markdown.render(document(decision))
    assert 800_000 < len(written) <= markdown.BUDGET
    text = written.decode()
    assert text.startswith("## ❌ NO-GO\n")
    assert "more in `report.json`" in text


@pytest.mark.parametrize("budget", [0, 500, 2_000, 5_000])
def test_small_budget_keeps_the_decision(budget: int) -> None:
    """Where there is hardly any room the decision is there all the same, and almost nothing else."""
    text = markdown.render(document(samples.large(300, 300)), budget).decode()
    assert text.startswith("## ❌ NO-GO\n")
    assert len(text.encode()) <= max(budget, 1_500)


def test_step_summary_is_appended(tmp_path: Path) -> None:
    """What other steps wrote stays."""
    path = tmp_path / "summary"
    path.write_text("# Build\n")
    markdown.append_step_summary(document(samples.go()), path)
    text = path.read_text("utf-8")
    assert text.startswith("# Build\n\n## ✅ GO\n")


def test_step_summary_fits_beside_what_is_there(tmp_path: Path) -> None:
    """GitHub drops a summary over 1 MiB whole, so what others wrote counts."""
    path = tmp_path / "summary"
    path.write_text("x" * 1_000_000)
    markdown.append_step_summary(document(samples.large(5_000, 5_000)), path)
    assert path.stat().st_size <= markdown.GITHUB_LIMIT


def test_step_summary_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """The message names the file and how to do without."""
    with pytest.raises(ReportError, match=r"Is a directory\nUnset GITHUB_STEP_SUMMARY"):
        markdown.append_step_summary(document(samples.go()), tmp_path)


def test_mentions_notify_nobody() -> None:
    """A name after an at sign is not one that GitHub would notify; an address stays readable."""
    decision = replace(samples.go(), decision=Answer.NO_GO, reasons=(Reason("", "", "", "cc @octocat, a@b.example"),))
    assert "cc @<!-- -->octocat, a@b.example" in markdown.render(document(decision)).decode()
