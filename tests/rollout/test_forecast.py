"""The plan in words: what today's traffic is, what each stage needs with it, and what is said where it is not known."""

from __future__ import annotations

import re

import pytest

from readiness.rollout.forecast import Today, lines, refusal, today
from readiness.rollout.making import wish_of
from readiness.rollout.prometheus_api import Found, PrometheusApi
from tests.rollout.test_recording import table

NOW_S = 10_000.0


class Counting(PrometheusApi):
    """A Prometheus that knows sums by the selector in the question."""

    def __init__(self, sums: dict[str, float], scrapes: float = 1000.0) -> None:
        self.sums = sums
        self.scrapes = scrapes
        self.asked: list[str] = []

    def now_s(self) -> float:
        """Returns a time."""
        return NOW_S

    def query(self, expression: str, time_s: float | None) -> list[Found]:
        """Returns the sum that is known of a selector."""
        self.asked.append(expression)
        if expression.startswith("count by (le)"):
            return [Found({"le": le}, (NOW_S,), (1.0,)) for le in ("1", "2", "+Inf")]
        selector = re.sub(r".*\((.*?)\[.*", r"\1", expression)
        if selector not in self.sums:
            return []
        is_count = expression.startswith("max(count_over_time(")
        return [Found({}, (NOW_S,), (self.scrapes if is_count else self.sums[selector],))]


TRAFFIC = {
    'all_total{track="canary"}': 3600.0,
    'all_total{track="stable"}': 36_000.0,
    'bad_total{track="stable"}': 36.0,
    'bad_total{track="canary"}': 3.0,
    'took_count{track="stable"}': 36_000.0,
    'took_bucket{track="stable",le="2"}': 35_640.0,
}


def test_traffic_is_that_of_both_tracks() -> None:
    """Requests of both, and the share of bad ones in the baseline; a histogram's at the edge of promotion."""
    found = today(Counting(TRAFFIC), wish_of(table(), 0.25))
    assert found["errors"].rps == pytest.approx(11.0)
    assert found["errors"].share == pytest.approx(0.001)
    assert found["latency"].rps == pytest.approx(10.0)
    assert found["latency"].share == pytest.approx(0.01)


def test_hour_that_is_not_full_is_divided_by_what_there_is() -> None:
    """A Prometheus of five minutes does not make the traffic twelve times less."""
    found = today(Counting(TRAFFIC, scrapes=21.0), wish_of(table(), 0.25))
    assert found["errors"].minutes == 5.0
    assert found["errors"].rps == pytest.approx((36_000 + 3600) / 300)


def test_nothing_bad_is_taken_to_be_one() -> None:
    """A multiple of nothing can never be caught."""
    assert Today(1.0, 5000.0, 0.0, 60.0).share == 1 / 5000


def test_every_stage_and_metric_has_its_row() -> None:
    """Minutes to promote and to catch each regression, at the traffic of the metric."""
    rollout = table(stages=["10%", "25%", "100%"])
    text = "\n".join(lines(rollout, {"errors": Today(20.0, 72_000, 72, 60), "latency": Today(5.0, 18_000, 0, 60)}))
    assert "errors   20.0 requests/s; 72 of 72,000 bad (0.100%), in 60 min" in text
    assert "0 of 18,000 bad, taken to be one (0.006%)" in text
    rows = [
        line.split() for line in text.splitlines() if line.split()[:1] and line.split()[0] in {"10%", "25%", "100%"}
    ]
    assert [row[:2] for row in rows] == [[s, m] for s in ("10%", "25%", "100%") for m in ("errors", "latency")]
    promote = [float(row[2]) for row in rows if row[1] == "errors"]
    assert promote == sorted(promote, reverse=True)
    assert all(each >= 5 for each in promote)
    assert rows[4][3:] == ["-", "-", "-"], "at 100 % there is nothing to compare with"


def test_stage_that_is_too_short_says_what_to_change() -> None:
    """With little traffic: more load, more weight or more time, for the metric and stage that need it."""
    text = "\n".join(lines(table(stages=["10%", "50%"], observe="10m"), {"errors": Today(1.0, 3600, 0, 60)}))
    assert "10%: errors: needs " in text
    assert "synthetic load" in text
    assert "latency  no requests in the last hour" in text
    assert "can be neither promoted nor caught" in text


def test_without_traffic_there_is_no_table() -> None:
    """Zero requests are said, not divided by."""
    text = list(lines(table(), {}))
    assert text[-1].startswith("  What has no traffic")


def test_nobody_is_asked_with_what_stands_in_for_a_variable() -> None:
    """An address or a token that is not known is not tried; other missing variables do not matter."""
    assert "TOKEN" in refusal(table(prometheus="http://missing.invalid"), ["TOKEN"])
    assert "TOKEN" in refusal(table(headers={"Authorization": "Bearer missing"}), ["TOKEN"])
    assert refusal(table(), ["PRODUCTION_DATABASE_URL"]) == ""
    assert "names no `prometheus`" in refusal(table(prometheus=None, scrape=["http://pod-1:8000/metrics"]), [])
