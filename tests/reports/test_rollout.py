"""What the reports say of a rollout: words, a table and plots, from what was observed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from readiness.reports import html, json, markdown, terminal
from readiness.reports.html.rollout import DRAWN, rollout_part
from readiness.reports.rollout import evidence_text, live_line, live_lines, sentences
from tests.reports import samples
from tests.reports.page import parse
from tests.rollout.looks import HEALTHY, looks
from tests.rollout.test_observation import SICK, observe


def observed(fours: list[tuple[int, int, int, int]], for_s: float = 1e6) -> dict[str, Any]:
    """Returns the rollout's part of a report."""
    return observe(looks(fours), for_s=for_s).document


PROMOTED = observed([HEALTHY] * 30)
HELD = observed([HEALTHY] * 8, for_s=100)
ROLLED_BACK = observed([HEALTHY] * 5 + [SICK] * 10)


@pytest.mark.parametrize("rollout", [PROMOTED, HELD, ROLLED_BACK])
def test_reports_of_a_rollout_are_valid(rollout: dict[str, Any]) -> None:
    """They satisfy the published schema, and can be read back."""
    document = json.document(samples.go(), rollout=rollout)
    Draft202012Validator(json.report_schema()).validate(document)
    assert json.decision_from(document) == samples.go()


@pytest.mark.parametrize(
    ("rollout", "says"),
    [
        (PROMOTED, "Stage 10%. Promote: the canary may have more traffic."),
        (HELD, "Stage 10%. Hold: neither health nor harm is shown."),
        (ROLLED_BACK, "Stage 10%. Roll back: the canary does harm."),
    ],
)
def test_each_report_says_why(rollout: dict[str, Any], says: str) -> None:
    """The action first, then what was observed and each reason; the same words everywhere."""
    document = json.document(samples.no_go(), rollout=rollout)
    page = parse(html.render(document)).text
    summary = re.sub(r"\\", "", markdown.render(document).decode())
    lines = " ".join(text.strip() for text, _ in terminal.panel(document, 500))
    for each in (says, *sentences(rollout)[1:]):
        assert each in page
        assert each in lines
        assert each.replace("<", "&lt;") in summary


def test_reports_without_a_rollout_do_not_speak_of_one() -> None:
    """Nothing is shown of what did not run."""
    document = json.document(samples.go())
    assert b"Rollout" not in html.render(document)
    assert b"Rollout" not in markdown.render(document)


def test_checks_are_repeated_at_their_stage() -> None:
    """Where the report knows it; a command that is refused for want of one is not shown."""
    decision = samples.no_go()
    first = replace(decision.checks[0], gate="rollout", node_id="checks/test_rollout.py::test_decision")
    decision = replace(decision, checks=(first,))
    assert (
        f"pytest --env=staging --stage=10% {first.node_id}"
        in parse(html.render(json.document(decision, rollout=HELD))).text
    )
    assert first.node_id not in parse(html.render(json.document(decision))).text


def test_plots_can_be_read_without_seeing_them() -> None:
    """Each is named, and described in words that hold its figures."""
    part = rollout_part(ROLLED_BACK)
    assert part is not None
    against, below, share = part.plots
    assert against.title == "Evidence that the canary is worse"
    assert "It rolls back at 100." in against.description
    assert "Each has to reach 20 to promote." in below.description
    assert share.title == "errors: share of bad requests"
    assert re.search(r"canary ends at \d+(\.\d+)? %; baseline ends at 0\.111 %", share.description)
    root = parse(html.render(json.document(samples.no_go(), rollout=ROLLED_BACK)))
    assert "Evidence that the canary is worse over time, on a logarithmic scale." in root.text


@pytest.mark.parametrize("rollout", [PROMOTED, HELD, ROLLED_BACK])
def test_lines_stay_inside_their_plots(rollout: dict[str, Any]) -> None:
    """Whatever the evidence: it is cut where nothing is to be seen any more."""
    part = rollout_part(rollout)
    assert part is not None
    for plot in part.plots:
        for line in plot.lines:
            for point in line.points.split():
                x, y = map(float, point.split(","))
                assert 0 <= x <= 640
                assert 0 <= y <= 220


def test_evidence_that_is_gone_is_drawn_below_all_other() -> None:
    """Zero is not the 1 that says nothing; that is what a metric has where a point says none."""
    *before, last = PROMOTED["trajectory"]
    first = {**before[0], "metrics": []}
    gone = {**last, "metrics": [{**last["metrics"][0], "promotion": 0.0}]}
    part = rollout_part({**PROMOTED, "trajectory": [first, *before[1:], gone]})
    assert part is not None
    below = part.plots[1]
    heights = [float(point.split(",")[1]) for point in below.lines[0].points.split()]
    assert heights[-1] == max(heights) > heights[0]
    assert "errors ends at below 0.001." in below.description


@pytest.mark.parametrize("rollout", [PROMOTED, HELD, ROLLED_BACK])
def test_scales_have_round_short_numbers(rollout: dict[str, Any]) -> None:
    """On a telephone the letters are as large as the room beside the plot allows."""
    part = rollout_part(rollout)
    assert part is not None
    against, below, share = part.plots
    for plot in part.plots:
        assert 3 <= len(plot.heights) <= 7
        assert all(len(each.label) <= 5 for each in plot.heights)
    assert {each.label for each in against.heights} >= {"1", "10", "100", "1k"}
    assert all(re.fullmatch(r"1(0?)(0?)[kM]?|0\.0*1", each.label) for each in below.heights)
    assert share.heights[0].label == "0 %"
    assert all(re.fullmatch(r"\d+(\.\d)? %", each.label) for each in share.heights)


def test_long_observations_are_drawn_with_few_points() -> None:
    """The page does not grow with the time."""
    points = [{**PROMOTED["trajectory"][0], "time_s": float(number)} for number in range(2000)]
    part = rollout_part({**PROMOTED, "trajectory": points})
    assert part is not None
    assert all(len(line.points.split()) <= DRAWN + 1 for plot in part.plots for line in plot.lines)


def test_a_single_look_has_no_plots() -> None:
    """A line has two ends."""
    part = rollout_part({**PROMOTED, "trajectory": PROMOTED["trajectory"][:1]})
    assert part is not None
    assert part.plots == ()


@pytest.mark.parametrize("text", samples.HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    """Reasons quote what a Prometheus said."""
    reasons = [{"code": "unreadable", "metric": "", "text": text}]
    rollout = {**HELD, "reasons": reasons, "ended": text, "continues": text}
    document = json.document(samples.no_go(), rollout=rollout)
    page = html.render(document)
    assert b"<script" not in page
    assert b"<img" not in page
    markdown.render(document).decode()
    assert not any("\x1b" in line or "\n" in line for line, _ in terminal.panel(document, 100))


def test_the_live_line_has_what_matters() -> None:
    """Requests of both arms, evidence for and against, and what is missing."""
    line = live_line(HELD)
    assert line.startswith("rollout 10%: hold after 1 min")
    for part in ("canary", "baseline", "of 100", "errors worse 0.", ", below limit >1,000,000 of 20", "missing: "):
        assert part in line
    assert live_line({})


METRICS = [
    {**HELD["metrics"][0], "name": name, "promotion": promotion}
    for name, promotion in (("timeouts", 14.25), ("errors", 3.217), ("latency", 7.5), ("alerts", None))
]
FAR: dict[str, Any] = {**HELD, "metrics": METRICS, "evidence": 0.954, "elapsed_s": 725.0}


@pytest.mark.parametrize("width", [59, 79, 119])
def test_what_is_live_fits_the_terminal(width: int) -> None:
    """At any width all but the nearest metrics are there, and nothing is cut."""
    lines = live_lines(FAR, width)
    assert len(lines) <= 4
    assert all(len(line) <= width for line in lines)
    parts = " | ".join(lines).split(" | ")
    assert parts[:2] == ["rollout 10%: hold after 12 min 5 s", "worse 0.954 of 100"]
    assert parts[2] == "requests 2,100 canary, 18,900 baseline"
    assert parts[3].startswith("errors worse ")
    assert parts[3].endswith(", below limit 3.22 of 20")
    assert "missing: 105 s and 7 scrapes; promotion needs 300 s and 10" in parts
    assert set(parts) <= set(live_line(FAR).split(" | "))


def test_what_is_missing_is_cut_between_words() -> None:
    """A long reason gives way, and says how many more there are."""
    reasons = [
        {"code": "unreadable", "metric": "errors", "text": "Prometheus refuses " + "port 12345 " * 20},
        {"code": "too-early", "metric": "", "text": "30 s"},
    ]
    *_, text = live_lines({**FAR, "reasons": reasons}, 79)
    assert re.fullmatch(r"missing: errors: Prometheus refuses( port 12345)+( port)? …", text)
    *_, text, more = live_lines({**FAR, "metrics": [], "reasons": reasons}, 79)
    assert text.startswith("missing: errors: Prometheus refuses")
    assert more == "and 1 more"
    assert all(len(line) <= 20 for line in live_lines({**FAR, "reasons": reasons}, 20))


def test_evidence_is_written_with_the_digits_that_mean_something() -> None:
    """A number with three hundred digits says no more than over a million."""
    assert [evidence_text(each) for each in (1e300, 656_212.8, 12.3456, 1e-9)] == [
        "over 1,000,000",
        "656,213",
        "12.3",
        "below 0.001",
    ]
