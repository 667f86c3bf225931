"""The six rules of differences between two scrapes."""

from __future__ import annotations

import math

import pytest

from readiness.errors import NotMeasured
from readiness.rollout.deltas import (
    LoadBalanced,
    counter_increase,
    histogram_increase,
    is_load_balanced,
)
from readiness.rollout.interface import Histogram, Mark, Scrape

SERIES = 'api_requests_total{status_code="200"}'


def scrape(
    value: float | None, time_s: float = 100.0, started_s: float | None = 10.0, created_s: float | None = None
) -> Scrape:
    values = {} if value is None else {SERIES: value}
    return Scrape("pod-1", time_s, values, {}, started_s, {} if created_s is None else {SERIES: created_s})


def risen(before: Scrape | None, after: Scrape) -> tuple[float, Mark | None]:
    found = counter_increase(before, after, SERIES, since_s=100.0)
    return found.value, found.mark


def test_rule_1_the_same_process_counts_the_difference() -> None:
    """Also where it has not moved, and where the start time wobbles with the clock."""
    assert risen(scrape(5), scrape(12, 115)) == (7, None)
    assert risen(scrape(5), scrape(5, 115)) == (0, None)
    assert risen(scrape(5), scrape(9, 115, started_s=11.5)) == (4, None)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (scrape(50), scrape(12, 115)),
        (scrape(5), scrape(12, 115, started_s=108.0)),
        (scrape(5, created_s=10.0), scrape(12, 115, created_s=108.0)),
    ],
    ids=["smaller", "start has moved", "created has moved"],
)
def test_rule_2_after_a_restart_the_new_value_counts(before: Scrape, after: Scrape) -> None:
    """It is a lower bound, and says so; even where the new value is the larger one."""
    assert risen(before, after) == (12, Mark.RESET)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (scrape(None), scrape(4, 115), (4, Mark.NEW)),
        (None, scrape(4, 115, started_s=104.0), (4, Mark.NEW)),
        (None, scrape(4, 115, started_s=None, created_s=104.0), (4, Mark.NEW)),
        (None, scrape(4, 115, started_s=10.0), (0, Mark.UNKNOWN)),
        (None, scrape(4, 115, started_s=None), (0, Mark.UNKNOWN)),
    ],
    ids=["target answered", "started after", "created after", "started before", "unknown"],
)
def test_rule_3_a_new_series_counts_where_it_began_in_this_interval(
    before: Scrape | None, after: Scrape, expected: tuple[float, Mark]
) -> None:
    """A pod that had been running for a day does not add its whole past."""
    assert risen(before, after) == expected


def test_rule_4_a_gone_series_is_lost() -> None:
    """No delta; nothing is said of one that never was."""
    assert risen(scrape(5), scrape(None, 115)) == (0, Mark.LOST)
    assert risen(scrape(None), scrape(None, 115)) == (0, None)


def test_rule_5_start_times_that_go_back_are_those_of_a_load_balancer() -> None:
    """A process that restarts is younger than before; one that is older again is another one."""
    assert is_load_balanced([10.0, 50.0, 10.0])
    assert is_load_balanced([50.0, 10.0])
    assert not is_load_balanced([10.0, 50.0, 90.0])
    assert not is_load_balanced([10.0, None, 11.0, 10.5])


def test_rule_5_counters_that_alternate_are_too() -> None:
    """Where a target does not say when it started, its values tell: crash loops rise from zero, alternation jumps back."""
    assert is_load_balanced([], [1000, 400, 1010, 405, 1020])
    assert not is_load_balanced([], [1000, 3, 20, 2, 30, 60])
    assert not is_load_balanced([], [2, 0, 3, 5, 9])
    assert "pods' own addresses" in LoadBalanced("http://svc:8000").remedy


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_what_is_no_count_is_refused(value: float) -> None:
    """NaN, infinity and negative values hold the rollout; they are never taken for zero."""
    with pytest.raises(NotMeasured):
        risen(scrape(5), scrape(value, 115))
    with pytest.raises(NotMeasured):
        risen(scrape(value), scrape(5, 115))


def with_histogram(*cumulative: float, started_s: float = 10.0, edges: tuple[float, ...] = (1.0, 2.0)) -> Scrape:
    return Scrape("pod-1", 0.0, {}, {"h": Histogram(edges, cumulative[:-1], cumulative[-1])}, started_s)


def test_rule_6_a_histogram_rises_as_a_whole() -> None:
    """Bucket by bucket, and resets are decided on its count."""
    found, mark = histogram_increase(with_histogram(5, 8, 10), with_histogram(9, 12, 15), "h", since_s=0)
    assert (found, mark) == (Histogram((1.0, 2.0), (4, 4), 5), None)
    found, mark = histogram_increase(with_histogram(5, 8, 10), with_histogram(6, 7, 7), "h", since_s=0)
    assert (found, mark) == (Histogram((1.0, 2.0), (6, 7), 7), Mark.RESET)
    found, mark = histogram_increase(with_histogram(5, 8, 10), with_histogram(6, 9, 11, started_s=50.0), "h", since_s=0)
    assert (found, mark) == (Histogram((1.0, 2.0), (6, 9), 11), Mark.RESET)


@pytest.mark.parametrize(
    ("after", "text"),
    [
        (with_histogram(4, 9, 12), "have fallen"),
        (with_histogram(9, 8, 12), "not cumulative"),
        (with_histogram(5, 8, 11, edges=(1.0, 3.0)), "edges of h at pod-1 have changed"),
        (with_histogram(5, 12, 11), "not cumulative"),
    ],
)
def test_rule_6_a_histogram_that_contradicts_itself_is_refused(after: Scrape, text: str) -> None:
    """Fewer of something than before, without a restart, is no count."""
    with pytest.raises(NotMeasured, match=text):
        histogram_increase(with_histogram(5, 8, 10), after, "h", since_s=0)


def test_rule_6_new_and_lost_histograms_follow_the_rules_of_counters() -> None:
    """New ones count from their target's start, gone ones are lost."""
    bare = Scrape("pod-1", 100.0, {}, {}, 10.0)
    assert histogram_increase(bare, with_histogram(5, 8, 10), "h", since_s=0)[1] is Mark.NEW
    assert histogram_increase(None, with_histogram(5, 8, 10), "h", since_s=50.0) == (None, Mark.UNKNOWN)
    assert histogram_increase(with_histogram(5, 8, 10), bare, "h", since_s=0) == (None, Mark.LOST)
