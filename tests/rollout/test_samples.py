"""From scrapes to integers."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from readiness.errors import NotMeasured
from readiness.rollout.interface import Counts, Histogram, Mark, Missing, Sample, Scrape
from readiness.rollout.samples import (
    CounterMetric,
    Edges,
    Pair,
    choose_edges,
    counter_counts,
    histogram_counts,
    is_warm,
    scrape_of,
    series_key,
    shared_edges,
    slower_than,
)

OK, BAD = 'requests_total{code="200"}', 'requests_total{code="500"}'
METRIC = CounterMetric(frozenset({OK, BAD}), frozenset({BAD}), None)


def pod(name: str, time_s: float, ok: float, bad: float | None = None, started_s: float | None = 0.0) -> Scrape:
    return Scrape(name, time_s, {OK: ok, **({} if bad is None else {BAD: bad})}, {}, started_s)


def pair(name: str, before: tuple[float, float], after: tuple[float, float]) -> Pair:
    return Pair(pod(name, 0, *before), pod(name, 15, *after), 0.0)


def test_pods_and_series_add_up() -> None:
    """Requests over all codes, bad ones over the bad codes, over both pods."""
    pairs = [pair("a", (10, 1), (30, 2)), pair("b", (5, 0), (9, 3))]
    assert counter_counts(pairs, METRIC) == Counts(20 + 1 + 4 + 3, 1 + 3)


def test_names_and_order_of_pods_do_not_matter() -> None:
    """Relabelled or listed the other way round: the same integers."""
    pairs = [pair("a", (10, 1), (30, 2)), pair("b", (5, 0), (9, 3))]
    renamed = [pair("x-7f", (5, 0), (9, 3)), pair("x-9c", (10, 1), (30, 2))]
    assert counter_counts(pairs, METRIC) == counter_counts(renamed, METRIC)


def test_a_replayed_reset_counts_the_same() -> None:
    """A pod that restarts right after a scrape counts from zero what it would have counted from there."""
    plain = counter_counts([pair("a", (10, 1), (30, 2))], METRIC)
    restarted = [Pair(pod("a", 0, 10, 1), pod("a", 15, 20, 1, started_s=1e3), 0.0)]
    found = counter_counts(restarted, METRIC)
    assert isinstance(found, Counts)
    assert isinstance(plain, Counts)
    assert (found.requests, found.bad, found.marks) == (plain.requests, plain.bad, (Mark.RESET,))


def test_no_bad_series_is_zero_only_beside_its_family() -> None:
    """Without any series of that name, no errors and no counter look alike: it is missing, and named."""
    pairs = [Pair(pod("a", 0, 10), pod("a", 15, 30), 0.0)]
    assert counter_counts(pairs, METRIC) == Counts(20, 0)
    untold = Missing("no counter of errors")
    assert counter_counts(pairs, replace(METRIC, untold=untold)) == untold
    assert counter_counts([pair("a", (10, 1), (30, 2))], replace(METRIC, untold=untold)) == Counts(21, 1)


def test_an_arm_that_says_nothing_is_missing() -> None:
    """No answer; answers without the series are those of targets that have counted nothing yet."""
    assert isinstance(counter_counts([Pair(pod("a", 0, 10), None, 0.0)], METRIC), Missing)
    assert isinstance(counter_counts([], METRIC), Missing)
    empty = Scrape("a", 15, {}, {}, 0.0)
    assert counter_counts([Pair(empty, empty, 0.0)], METRIC) == Counts(0, 0, marks=(Mark.ABSENT,))
    assert counter_counts([Pair(empty, pod("a", 15, 3, 2), 0.0)], METRIC) == Counts(5, 2, marks=(Mark.NEW,))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_count_that_is_no_number_is_missing(value: float) -> None:
    """One pod's NaN spoils the arm's interval: the rest alone would look healthier than it is."""
    pairs = [pair("a", (10, 1), (30, 2)), pair("b", (5, 0), (value, 0))]
    assert isinstance(counter_counts(pairs, METRIC), Missing)


def test_a_pod_that_left_is_counted_as_lost() -> None:
    """What it did since its last scrape will never be known; its busiest interval says how much that may be."""
    gone = Pair(pod("b", 0, 5, 0), None, 0.0, is_gone=True, usual=12)
    found = counter_counts([pair("a", (10, 1), (30, 2)), gone], METRIC)
    assert found == Counts(21, 1, lost=12)


def test_a_fraction_is_no_count() -> None:
    """Rates and averages are refused; the noise of sums of floats is not."""
    assert isinstance(counter_counts([pair("a", (0, 0), (1.5, 0))], METRIC), Missing)
    assert counter_counts([pair("a", (0.1, 0), (0.1 + 3e6, 0))], METRIC) == Counts(3_000_000, 0)


def test_more_bad_than_requests_is_a_wrong_selector_or_a_race() -> None:
    """One request between two counters is a race; ten errors in two requests are a wrong selector."""
    other = replace(METRIC, total=frozenset({OK}))
    assert counter_counts([pair("a", (0, 0), (3, 4))], other) == Counts(4, 4)
    assert isinstance(counter_counts([pair("a", (0, 0), (2, 10))], other), Missing)


def latency(scale: float, *cumulative: float) -> Histogram:
    return Histogram((1 * scale, 2 * scale, 5 * scale, math.inf), cumulative, cumulative[-1])


def slow_counts(scale: float, promote: float, rollback: float) -> Counts | Missing:
    before = Scrape("a", 0, {}, {"h": latency(scale, 0, 0, 0, 0)}, 0.0)
    after = Scrape("a", 15, {}, {"h": latency(scale, 50, 80, 95, 100)}, 0.0)
    edges = choose_edges(latency(scale, 0, 0, 0, 0).edges, promote, rollback)
    return histogram_counts([Pair(before, after, 0.0)], ["h"], edges)


def test_slower_than_is_read_at_an_edge() -> None:
    """Twenty of a hundred are slower than 2 s, five slower than 5 s."""
    assert slow_counts(1, 2, 5) == Counts(100, 20, 5)


def test_units_do_not_matter() -> None:
    """Seconds or milliseconds: the same integers."""
    assert slow_counts(1, 2, 5) == slow_counts(1000, 2000, 5000)


@pytest.mark.parametrize(
    ("promote", "rollback", "expected"),
    [
        (2.0, 5.0, Edges(2.0, 5.0, True)),
        (3.0, 3.0, Edges(2.0, 5.0, False)),
        (None, 4.0, Edges(2.0, 5.0, False)),
        (1.5, None, Edges(1.0, 2.0, False)),
    ],
)
def test_a_limit_between_edges_counts_against_the_canary_and_never_for_it(
    promote: float | None, rollback: float | None, expected: Edges
) -> None:
    """The next lower edge serves promotion, the next higher one rollback; nothing is interpolated."""
    assert choose_edges((1.0, 2.0, 5.0, math.inf), promote, rollback) == expected


def test_a_limit_outside_the_edges_is_a_configuration_error() -> None:
    """Above the largest finite edge a rule could never fire; below the smallest, promotion has no edge."""
    with pytest.raises(ValueError, match=r"above the largest finite edge.*1, 2, 5"):
        choose_edges((1.0, 2.0, 5.0, math.inf), 2.0, 10.0)
    with pytest.raises(ValueError, match="below the smallest edge"):
        choose_edges((1.0, 2.0), 0.5, 2.0)


def test_both_arms_need_the_edge() -> None:
    """Releases with other buckets are compared at the edges they share, or not at all."""
    assert shared_edges([latency(1, 0, 0, 0, 0)], [Histogram((2.0, 5.0), (0, 0), 0)]) == {2.0, 5.0}
    with pytest.raises(NotMeasured, match="no edge 3"):
        slower_than(latency(1, 1, 2, 3, 4), 3.0)


def test_a_scrape_is_put_together_from_samples() -> None:
    """Start time, creation times and histograms are taken out of the lines; labels may come in any order."""
    samples = [
        Sample("process_start_time_seconds", (), 5.0, 9.0),
        Sample("requests_total", (("code", "200"),), 7.0, 9.0),
        Sample("requests_created", (("code", "200"),), 6.0, 9.0),
        *(Sample("t_bucket", (("e", "/x"), ("le", le)), count, 9.0) for le, count in (("+Inf", 4.0), ("0.5", 3.0))),
        Sample("t_count", (("e", "/x"),), 4.0, 9.0),
    ]
    scrape = scrape_of("pod", 9.0, samples)
    assert (scrape.started_s, scrape.values[OK], scrape.created_s[OK]) == (5.0, 7.0, 6.0)
    assert scrape.histograms == {'t{e="/x"}': Histogram((0.5, math.inf), (3.0, 4.0), 4.0)}
    assert series_key("m", (("b", "2"), ("a", 'x"\n\\'))) == 'm{a="x\\"\\n\\\\",b="2"}'


def test_a_series_said_twice_is_refused() -> None:
    """Two values for one series: neither is believed."""
    with pytest.raises(NotMeasured, match="twice"):
        scrape_of("pod", 0.0, [Sample("a_total", (), 1.0, 0.0), Sample("a_total", (), 2.0, 0.0)])


def test_a_young_pod_is_in_neither_arm() -> None:
    """By its start time, or by when it was first seen."""
    assert not is_warm(pod("a", 100, 1, started_s=50.0), 0.0, 60.0)
    assert is_warm(pod("a", 110, 1, started_s=50.0), 0.0, 60.0)
    assert not is_warm(pod("a", 110, 1, started_s=None), 80.0, 60.0)
