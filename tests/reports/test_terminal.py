from __future__ import annotations

import inspect
from dataclasses import replace

import pytest
from hypothesis import given, settings

from readiness.model import Answer, Decision, Reason
from readiness.reports import terminal
from readiness.reports.json import document
from tests.reports import samples
from tests.reports.strategies import decisions


def text(decision: Decision, width: int = 100) -> str:
    lines = terminal.panel(document(decision), width, folder="reports/staging", files=["report.html", "junit.xml"])
    return "\n".join(line for line, _ in lines)


def test_decision_is_the_first_line() -> None:
    """The decision, what it is of and where, in its colour."""
    line, markup = terminal.panel(document(samples.go()), 100)[0]
    assert line == "GO  compliance-report-generator | 4f1c9e2ab7d0 | staging"
    assert markup == {"green": True, "bold": True}
    line, markup = terminal.panel(document(samples.no_go()), 100)[0]
    assert line.startswith("NO-GO  ")
    assert markup == {"red": True, "bold": True}


def test_panel_of_a_no_go() -> None:
    """Why, each reason, each gate with its counts, the waivers to look at, and where the reports are."""
    shown = text(samples.no_go())
    for part in (
        "  placeholder-audit/critical [failed] 2 critical placeholders are left in 31 files",
        "  redis/memory [not-run] not run: the deadline of 15m had passed",
        "  placeholder-audit  fail            1 failed, 1 advisory, 24 ms, findings: 2 blocking",
        "  flags              not-configured  no checks, 0 ms",
        "  health/endpoint[/health/db] [expired] ended 1 day ago (2026-11-20)",
        "  redis/* [unused] ends in 40 days (2026-12-31); over-broad: it covers every check of a gate",
        "Reports: reports/staging (report.html, junit.xml)",
    ):
        assert part in shown.splitlines(), part


def test_twenty_reasons_are_listed() -> None:
    """Of many reasons the first are shown and the rest counted."""
    reasons = tuple(Reason("", "", "failed", f"reason {number}.") for number in range(25))
    shown = text(replace(samples.go(), decision=Answer.NO_GO, reasons=reasons))
    assert "reason 19" in shown
    assert "reason 20" not in shown
    assert "  and 5 more in report.json" in shown


def test_end_of_a_log_stands_on_lines_of_its_own() -> None:
    """Its last lines say why, and what to do follows; neither is cut off by what came before."""
    log = "".join(f"\n    line {number} {'x' * 80}" for number in range(8))
    said = (
        f"The environment did not come up: it ended.\nThe end of service.log:{log}\n      File x\n"
        "    ModuleNotFoundError: lost\nCorrect `service`."
    )
    reasons = (Reason("", "", "environment", said),)
    lines = text(replace(samples.go(), decision=Answer.NO_GO, reasons=reasons), 60).splitlines()
    start = lines.index("    The end of service.log:")
    assert "line" not in " ".join(lines[:start])
    assert [line[:14] for line in lines[start + 1 : start + 4]] == [f"      > line {number}" for number in (5, 6, 7)]
    assert lines[start + 4 : start + 7] == [
        "      >   File x",
        "      > ModuleNotFoundError: lost",
        "    Correct `service`.",
    ]
    assert max(map(len, lines[start:])) <= 60


def test_partial_run_says_what_it_covers() -> None:
    """A GO of some gates cannot be taken for a GO of all."""
    assert "The decision covers only these gates: health, redis." in text(samples.partial())


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("name", ["go", "no-go", "partial", "incomplete"])
def test_lines_keep_to_the_width(name: str, width: int) -> None:
    """Lines are wrapped between words; only the headline and single words may be longer."""
    for line, _ in terminal.panel(document(samples.SAMPLES[name]()), width)[1:]:
        assert len(line) <= width or " " not in line.strip()


@given(decisions())
@settings(max_examples=60, deadline=None)
def test_no_text_commands_the_terminal(decision: Decision) -> None:
    """Escape sequences, carriage returns and bidi overrides are written out; each line is one."""
    for line, markup in terminal.panel(document(decision), 80, folder="reports"):
        assert line.isprintable() or set(line) - {" "}
        assert len(line.splitlines()) <= 1
        assert not set(line) & {chr(code) for code in [*range(32), 0x7F, 0x9B, 0x202E]}
        assert set(markup) <= set(MARKUP)


MARKUP = ("bold", "light", "blink", "invert", "red", "green", "yellow", "blue", "purple", "cyan", "white")


def test_markup_is_what_pytest_knows(pytestconfig: pytest.Config) -> None:
    """The words of the markup are those of pytest's terminal writer."""
    reporter = pytestconfig.pluginmanager.getplugin("terminalreporter")
    assert "markup" in inspect.signature(reporter.write_line).parameters
    for _, markup in terminal.panel(document(samples.no_go()), 80):
        reporter._tw.markup("x", **markup)
