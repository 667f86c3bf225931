"""From raw samples to counts per interval: the fast path, the rules for single targets, and that both agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.rollout import timeline
from readiness.rollout.interface import Counts, Mark, Measured, Missing
from readiness.rollout.samples import Edges
from readiness.rollout.series import Grid, Series
from readiness.rollout.timeline import NOTHING_YET, CounterHistory, HistogramHistory

STEP = 15.0
GRID = Grid(tuple(STEP * number for number in range(4, 9)), STEP)
"""Four intervals, from 60 s to 120 s."""


def series(
    values: Sequence[float], target: str = "a", status: str = "200", start: float = 0.0, skip: Sequence[int] = ()
) -> Series:
    """Returns a counter that was scraped every 15 s from `start` on; `skip` are the scrapes that are missing."""
    kept = [number for number in range(len(values)) if number not in skip]
    times = tuple(start + STEP * number for number in kept)
    return Series(target, "hits", {"status": status, "instance": target}, times, tuple(values[n] for n in kept))


def history(total: Sequence[Series], bad: Sequence[Series] = (), starts: Sequence[Series] = ()) -> CounterHistory:
    """Returns one arm's counters, of which the bad ones are known to exist."""
    return CounterHistory(total, bad, None, {each.target: each for each in starts})


def rising(by: float, *, first: float = 100.0, count: int = 9) -> list[float]:
    """Returns a counter's values."""
    return [first + by * number for number in range(count)]


def numbers(measured: Sequence[Measured]) -> list[tuple[int, int] | None]:
    """Returns requests and bad ones; None where nothing was measured."""
    return [(each.requests, each.bad) if isinstance(each, Counts) else None for each in measured]


def singly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every target is looked at on its own."""
    monkeypatch.setattr(timeline, "pick_of", lambda *_: None)


def test_what_rose_is_added_up() -> None:
    """Over all series of all targets."""
    total = [series(rising(10)), series(rising(2), status="500"), series(rising(5), target="b")]
    counts, owed = history(total, [series(rising(2), status="500")]).counts(GRID)
    assert numbers(counts) == [(17, 2)] * 4
    assert owed == 0


def test_jitter_does_not_matter() -> None:
    """A scrape counts for the next edge, whenever in the interval it was made."""
    late = series(rising(10), start=9.0)
    assert numbers(history([late]).counts(GRID)[0]) == [(10, 0)] * 4


def test_one_target_misses_a_scrape(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its requests are counted with those of the next one, and nothing is lost."""
    total = [series(rising(10), skip=[6]), series(rising(5), target="b")]
    counts, _ = history(total).counts(GRID)
    assert sum(each.requests for each in counts if isinstance(each, Counts)) == 60
    assert not any(each.lost for each in counts if isinstance(each, Counts))


def test_all_targets_miss_scrapes() -> None:
    """The intervals are missing, and the next counts make them good."""
    counts, owed = history([series(rising(10), skip=[5, 6])]).counts(GRID)
    assert numbers(counts) == [None, None, (30, 0), (10, 0)]
    assert isinstance(counts[2], Counts)
    assert counts[2].covers == 3
    assert Mark.BRIDGED in counts[2].marks
    assert owed == 0


def test_what_is_owed_goes_on_from_look_to_look() -> None:
    """Intervals that were missing at the end of a look are made good in the next."""
    counts, owed = history([series(rising(10, count=7), skip=[6])]).counts(Grid(GRID.edges[:3], STEP))
    assert owed == 1
    later, _ = history([series(rising(10), skip=[6])]).counts(Grid(GRID.edges[2:], STEP), owed)
    assert numbers([*counts, *later]) == [(10, 0), None, (20, 0), (10, 0)]
    assert isinstance(later[0], Counts)
    assert later[0].covers == 2


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_what_is_no_count_is_never_made_good(value: float) -> None:
    """What was counted between two such values is unknown, and the next counts do not say otherwise."""
    values = rising(10)
    values[5] = value
    counts, owed = history([series(values)]).counts(GRID)
    assert numbers(counts) == [None, None, (10, 0), (10, 0)]
    assert isinstance(counts[2], Counts)
    assert counts[2].covers == 1
    assert owed == 0


def test_a_restart_counts_from_zero() -> None:
    """What the new process has counted is a lower bound."""
    values = [*rising(10, count=6), 4, 14, 24]
    counts, _ = history([series(values)]).counts(GRID)
    assert numbers(counts) == [(10, 0), (4, 0), (10, 0), (10, 0)]
    assert isinstance(counts[1], Counts)
    assert counts[1].marks == (Mark.RESET,)


def test_a_restart_that_is_back_at_its_height_is_known_by_its_start() -> None:
    """The counter did not fall, but the process is another one."""
    started = Series("a", "process_start_time_seconds", {}, tuple(STEP * n for n in range(9)), (0.0,) * 6 + (80.0,) * 3)
    counts, _ = history([series([0, 10, 20, 30, 40, 50, 60, 70, 80])], starts=[started]).counts(GRID)
    assert numbers(counts) == [(10, 0), (60, 0), (10, 0), (10, 0)]


def test_a_new_pod_is_counted_from_its_start() -> None:
    """Where it says when it has started; else its first value is left out, and known to be."""
    old, new = series(rising(10)), series([7, 17, 27], target="b", start=90.0)
    started = Series("b", "process_start_time_seconds", {}, (90.0, 105.0, 120.0), (80.0,) * 3)
    assert numbers(history([old, new], starts=[started]).counts(GRID)[0]) == [(10, 0), (17, 0), (20, 0), (20, 0)]
    counts, _ = history([old, new]).counts(GRID)
    assert numbers(counts) == [(10, 0), (10, 0), (20, 0), (20, 0)]
    assert isinstance(counts[1], Counts)
    assert counts[1].marks == (Mark.UNKNOWN,)


def test_a_pod_that_leaves_takes_requests_with_it() -> None:
    """After three intervals it is given up, and what it counted in its busiest one is the estimate."""
    gone = series(rising(10, count=5), target="b")
    counts, _ = history([series(rising(3)), gone]).counts(GRID)
    assert [each.lost for each in counts if isinstance(each, Counts)] == [0, 0, 0, 10]


def test_a_load_balancer_is_refused() -> None:
    """Counters that fall and are back again, twice, are those of several processes."""
    (first, *_), _ = history([series([50, 9, 60, 10, 70, 11, 80, 12, 90])]).counts(GRID)
    assert isinstance(first, Missing)
    assert "several processes" in first.reason


def test_no_series_at_all() -> None:
    """Nothing is measured, and nothing is zero."""
    counts, owed = history([]).counts(GRID)
    assert numbers(counts) == [None] * 4
    assert owed == 4


def test_no_errors_are_told_from_no_counter() -> None:
    """Requests without any series of the bad events' metric are not measured."""
    untold = Missing("no counter of errors")
    assert CounterHistory([series(rising(10))], [], untold).counts(GRID)[0] == [untold] * 4
    assert numbers(history([series(rising(10))]).counts(GRID)[0]) == [(10, 0)] * 4


def waiting(total: Sequence[Series], *, skip: Sequence[int] = (), target: str = "a", upto: int = 9) -> CounterHistory:
    """Returns one arm's counters, of which a target has answered every 15 s, but for some scrapes."""
    return replace(history(total), answered={target: [STEP * n for n in range(upto) if n not in skip]})


def test_targets_that_answer_and_have_no_series_have_had_no_requests() -> None:
    """What was not scraped is missing, and made good by a later scrape that has none either."""
    assert waiting([]).counts(GRID) == ([NOTHING_YET] * 4, 0)
    counts, owed = waiting([], skip=[5, 6]).counts(GRID)
    assert numbers(counts) == [None, None, (0, 0), (0, 0)]
    assert isinstance(counts[2], Counts)
    assert (counts[2].covers, owed) == (3, 0)


def test_the_first_value_of_a_series_is_new_where_its_target_had_answered() -> None:
    """However many scrapes ago that was."""
    late = series([30, 40], start=105.0)
    counts, _ = waiting([late]).counts(GRID)
    assert counts == [NOTHING_YET, NOTHING_YET, Counts(30, 0, marks=(Mark.NEW,)), Counts(10, 0)]
    counts, _ = waiting([late], skip=[5, 6, 7, 8]).counts(GRID)
    assert numbers(counts) == [None, None, (30, 0), (10, 0)]
    assert isinstance(counts[2], Counts)
    assert counts[2].covers == 3
    counts, _ = history([late]).counts(GRID)
    assert numbers(counts) == [None, None, (0, 0), (10, 0)]
    assert isinstance(counts[2], Counts)
    assert counts[2].covers == 1


def test_targets_without_requests_do_not_speak_for_those_that_have_gone() -> None:
    """Another one answers, has no series, and makes nothing good of what the last one took with it."""
    gone = series(rising(10, count=4), target="b")
    counts, _ = waiting([gone]).counts(GRID)
    assert numbers(counts) == [None, None, None, (0, 0)]
    assert isinstance(counts[3], Counts)
    assert counts[3].covers == 1
    # Nor where nobody answers in the very interval in which it is given up.
    longer = Grid(tuple(STEP * number for number in range(4, 13)), STEP)
    counts, _ = waiting([gone], skip=[8], upto=13).counts(longer)
    assert numbers(counts) == [None] * 4 + [(0, 0)] * 4
    assert all(isinstance(each, Counts) and each.covers == 1 for each in counts[4:])


def latencies(count: Sequence[float], promote: Sequence[float], rollback: Sequence[float]) -> HistogramHistory:
    """Returns one target's histogram."""
    parts = [[series(values)] for values in (count, promote, rollback)]
    return HistogramHistory(parts[0], parts[1], parts[2], Edges(2.0, 5.0, is_exact=True))


@pytest.mark.parametrize("is_single", [False, True])
def test_histograms_count_what_is_slower(is_single: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Than the edge for promotion, and than the one for rollback."""
    if is_single:
        singly(monkeypatch)
    counts, _ = latencies(rising(10), rising(8), rising(9)).counts(GRID)
    assert counts == [Counts(10, 2, 1)] * 4


def test_histograms_are_reset_as_a_whole() -> None:
    """Their count decides; buckets that fall without it are refused."""
    count, fast = [*rising(10, count=6), 4, 14, 24], [*rising(8, count=6), 3, 11, 19]
    assert latencies(count, fast, count).counts(GRID)[0][1] == Counts(4, 1, 0, marks=(Mark.RESET,))
    fell = latencies(rising(10), [*rising(8, count=6), 3, 11, 19], rising(10)).counts(GRID)[0][1]
    assert isinstance(fell, Missing)
    assert "have fallen although" in fell.reason


def test_histograms_of_which_an_edge_is_missing() -> None:
    """Are not there."""
    without = HistogramHistory([series(rising(10))], [], [], Edges(2.0, 5.0, is_exact=True))
    assert numbers(without.counts(GRID)[0]) == [None] * 4


@st.composite
def arms(draw: st.DrawFn) -> tuple[list[Series], list[Series]]:
    """Targets that come, go, restart, miss scrapes and are scraped at any time of the interval."""
    total, bad = [], []
    for number in range(draw(st.integers(1, 4))):
        steps = draw(st.lists(st.integers(0, 30), min_size=12, max_size=12))
        restart = draw(st.one_of(st.none(), st.integers(2, 10)))
        first, last = draw(st.integers(0, 6)), draw(st.integers(7, 12))
        skip = draw(st.sets(st.integers(0, 11), max_size=3)) if draw(st.booleans()) else set()
        start = draw(st.floats(0, 14))
        values, errors, height, wrong = [], [], draw(st.integers(0, 100)), 0
        for at, step in enumerate(steps):
            if at == restart and step < height:  # one that nobody could notice would make bad events without requests
                height, wrong = 0, 0
            height, wrong = height + step, wrong + step // 3
            values.append(float(height))
            errors.append(float(wrong))
        skipped = [at for at in range(12) if at in skip or not first <= at < last]
        if len(skipped) < 12:
            total.append(series(values, f"t{number}", start=start, skip=skipped))
            bad.append(series(errors, f"t{number}", "500", start=start, skip=skipped))
    return total, bad


def answering(total: Sequence[Series], bad: Sequence[Series]) -> CounterHistory:
    """Returns the arm whose every target has answered ten scrapes before its first series, and at all of them."""
    times = {each.target: each.times_s for each in total}
    early = {target: [found[0] - STEP * n for n in range(10, 0, -1)] for target, found in times.items()}
    return replace(history(total, bad), answered={target: [*early[target], *found] for target, found in times.items()})


@settings(deadline=None, max_examples=150)
@given(arms())
def test_both_ways_to_count_agree(arm: tuple[list[Series], list[Series]]) -> None:
    """What is added up in bulk is what the rules for single scrapes say, mark by mark."""
    grid = Grid(tuple(STEP * number for number in range(3, 12)), STEP)
    for made in (history(*arm), answering(*arm)):
        fast = made.counts(grid)
        with pytest.MonkeyPatch.context() as patched:
            singly(patched)
            slow = made.counts(grid)
        assert fast == slow


@settings(deadline=None, max_examples=100)
@given(arms(), st.integers(4, 10), st.booleans())
def test_looks_may_be_split(arm: tuple[list[Series], list[Series]], at: int, has_answered: bool) -> None:
    """Two looks, each of which sees the samples until its end, count what one look counts."""
    edges = tuple(STEP * number for number in range(3, 12))
    made = answering(*arm) if has_answered else history(*arm)
    whole, _ = made.counts(Grid(edges, STEP))
    known: list[list[Series]] = []
    for part in arm:
        cut = [_until(each, edges[at - 3]) for each in part]
        known.append([each for each in cut if each is not None])
    seen = {target: [time for time in times if time <= edges[at - 3]] for target, times in made.answered.items()}
    cut_off = replace(history(*known), answered=seen)
    first, owed = cut_off.counts(Grid(edges[: at - 2], STEP)) if at > 3 else ([], 0)
    second, _ = made.counts(Grid(edges[at - 3 :], STEP), owed)
    got: list[Any] = [_without_usual(each) for each in (*first, *second)]
    assert got == [_without_usual(each) for each in whole]


def _until(each: Series, end_s: float) -> Series | None:
    kept = [(time, value) for time, value in zip(each.times_s, each.values, strict=True) if time <= end_s]
    return each._replace(times_s=tuple(t for t, _ in kept), values=tuple(v for _, v in kept)) if kept else None


def _without_usual(measured: Measured) -> object:
    """How much is lost is an estimate from what was seen so far; that something is lost is not."""
    if isinstance(measured, Missing):
        return measured
    return (measured.requests, measured.bad, measured.covers, measured.lost > 0, measured.marks)
