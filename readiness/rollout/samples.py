"""From scrapes to integers: requests and bad ones, per metric, arm and interval."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from readiness.errors import NotMeasured
from readiness.rollout.deltas import counter_increase, histogram_increase
from readiness.rollout.interface import Counts, Histogram, Labels, Mark, Measured, Missing, Sample, Scrape

START_TIME = "process_start_time_seconds"
INTEGER_NOISE = 1e-6
"""Share by which a count may differ from an integer: sums of floats."""

SILENT = Missing("none of its targets answered")
MOST_RACING = 2
"""Requests that may be counted as bad and not yet as requests when a scrape falls between the two."""


def series_key(name: str, labels: Labels) -> str:
    """Returns the text form of a series, the same for the same labels."""
    if not labels:
        return name
    inner = ",".join(f'{label}="{_escape(value)}"' for label, value in sorted(labels))
    return f"{name}{{{inner}}}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def scrape_of(target: str, time_s: float, samples: Iterable[Sample]) -> Scrape:
    """Returns one target's scrape: values by series, histograms put together, start and creation times aside."""
    values: dict[str, float] = {}
    created: dict[str, float] = {}
    buckets: dict[str, dict[float, float]] = {}
    counts: dict[str, float] = {}
    started = None
    for sample in samples:
        name, labels = sample.name, sample.labels
        if name == START_TIME:
            started = sample.value
        elif name.endswith("_created"):
            base = name.removesuffix("_created")
            created[series_key(base, labels)] = created[series_key(f"{base}_total", labels)] = sample.value
        elif name.endswith("_bucket") and (edge := dict(labels).get("le")) is not None:
            others = tuple(pair for pair in labels if pair[0] != "le")
            buckets.setdefault(series_key(name.removesuffix("_bucket"), others), {})[_edge(edge)] = sample.value
        else:
            key = series_key(name, labels)
            if key in values:
                raise NotMeasured(f"{target} says {key} twice in one scrape")
            values[key] = sample.value
            if name.endswith("_count"):
                counts[series_key(name.removesuffix("_count"), labels)] = sample.value
    histograms = {key: _histogram(found, counts.get(key)) for key, found in buckets.items()}
    return Scrape(target, time_s, values, histograms, started, created)


def _edge(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise NotMeasured(f'a bucket\'s edge is le="{text}", which is no number') from None


def _histogram(buckets: Mapping[float, float], count: float | None) -> Histogram:
    edges = tuple(sorted(buckets))
    cumulative = tuple(buckets[edge] for edge in edges)
    return Histogram(edges, cumulative, cumulative[-1] if count is None else count)


@dataclass(frozen=True, slots=True)
class Edges:
    """The bucket edges that a latency metric is read at."""

    promote: float
    """The largest edge up to the limit: it counts too many as slow, never too few."""
    rollback: float
    """The smallest edge from the limit on: it counts too few as slow."""
    is_exact: bool
    """Whether both limits are edges themselves."""


def choose_edges(edges: Collection[float], promote_s: float | None, rollback_s: float | None) -> Edges:
    """Returns the edges that serve two limits; never an interpolation.

    Args:
        edges: those that both arms have.
        promote_s: the limit for promotion in the histogram's unit; None: that of rollback.
        rollback_s: the limit for rollback; None: that of promotion.

    Raises:
        ValueError: a limit can never be observed: it is above the largest finite edge, or below the smallest.
    """
    finite = sorted(each for each in edges if math.isfinite(each))
    wanted_promote = rollback_s if promote_s is None else promote_s
    wanted_rollback = promote_s if rollback_s is None else rollback_s
    if wanted_promote is None or wanted_rollback is None:
        raise ValueError("no limit is given: set promote-slower-than or rollback-slower-than")
    known = ", ".join(f"{each:g}" for each in finite) or "none"
    if not finite or max(wanted_promote, wanted_rollback) > finite[-1]:
        text = f"the limit {max(wanted_promote, wanted_rollback):g} is above the largest finite edge, so it could never fire"
        raise ValueError(f"{text}; edges: {known}. Lower the limit, or add a bucket at it")
    if wanted_promote < finite[0]:
        raise ValueError(
            f"the limit {wanted_promote:g} is below the smallest edge; edges: {known}. Raise it, or add a bucket"
        )
    promote = max(each for each in finite if each <= wanted_promote)
    rollback = min(each for each in finite if each >= wanted_rollback)
    return Edges(promote, rollback, (promote, rollback) == (wanted_promote, wanted_rollback))


@dataclass(frozen=True, slots=True)
class CounterMetric:
    """Which series of one target belong to a metric; the selectors are the reader's business."""

    total: frozenset[str]
    bad: frozenset[str]
    """Those of `total`'s events, or of an error counter beside it, that are bad."""
    untold: Missing | None
    """Why no series of bad events would not mean that there are none; see `family`."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two scrapes of one target, an interval apart."""

    before: Scrape | None
    """None where the target was not there before."""
    after: Scrape | None
    """None where it did not answer, or has gone."""
    since_s: float
    """The time of the earlier scrape of the arm."""
    is_gone: bool = False
    """Whether it has left for good: what it counted since `before` will never be known."""
    usual: int = 1
    """Requests that it had in its busiest interval, to estimate what was lost with it."""


def counter_counts(pairs: Sequence[Pair], metric: CounterMetric) -> Measured:
    """Returns an arm's counts of a metric made of two counters."""
    total, bad, lost = 0.0, 0.0, 0
    marks: set[Mark] = set()
    try:
        for pair in pairs:
            if pair.after is None:
                lost += max(pair.usual, 1) if pair.is_gone else 0
                continue
            pair_total, pair_marks = _sum(pair, metric.total)
            pair_bad, bad_marks = _sum(pair, metric.bad)
            pair_marks |= bad_marks
            if Mark.LOST in pair_marks:
                lost += max(pair.usual, 1)
            total, bad, marks = total + pair_total, bad + pair_bad, marks | pair_marks
        answered = [pair.after for pair in pairs if pair.after is not None]
        if not answered:
            return SILENT
        if not any(metric.total & each.values.keys() for each in answered):
            marks.add(Mark.ABSENT)
        if total > 0 and metric.untold is not None and not any(metric.bad & each.values.keys() for each in answered):
            return metric.untold
        return _counts(total, bad, None, lost, marks)
    except NotMeasured as error:
        return Missing(error.cause, error.remedy)


def _sum(pair: Pair, series: Iterable[str]) -> tuple[float, set[Mark]]:
    total, marks = 0.0, set()
    for each in series:
        assert pair.after is not None  # noqa: S101 - the caller has looked; for the type checker
        risen = counter_increase(pair.before, pair.after, each, since_s=pair.since_s)
        total += risen.value
        if risen.mark is not None:
            marks.add(risen.mark)
    return total, marks


def histogram_counts(pairs: Sequence[Pair], series: Collection[str], edges: Edges) -> Measured:
    """Returns an arm's counts of a latency metric: requests, and those slower than the two edges."""
    total, slow, severe, lost, seen = 0.0, 0.0, 0.0, 0, False
    marks: set[Mark] = set()
    try:
        for pair in pairs:
            if pair.after is None:
                lost += max(pair.usual, 1) if pair.is_gone else 0
                continue
            for each in series:
                risen, mark = histogram_increase(pair.before, pair.after, each, since_s=pair.since_s)
                seen |= each in pair.after.histograms
                if mark is not None:
                    marks.add(mark)
                    lost += max(pair.usual, 1) if mark is Mark.LOST else 0
                if risen is not None:
                    total += risen.count
                    slow += slower_than(risen, edges.promote, each)
                    severe += slower_than(risen, edges.rollback, each)
        if all(pair.after is None for pair in pairs):
            return SILENT
        if not seen:
            marks.add(Mark.ABSENT)
        return _counts(total, slow, severe, lost, marks)
    except NotMeasured as error:
        return Missing(error.cause, error.remedy)


def slower_than(histogram: Histogram, edge: float, series: str = "the histogram") -> float:
    """Returns how many observations are above an edge.

    Raises:
        NotMeasured: the histogram has no such edge.
    """
    try:
        return histogram.count - histogram.cumulative[histogram.edges.index(edge)]
    except ValueError:
        raise NotMeasured(f"{series} has no edge {edge:g}", "Give both releases the same buckets.") from None


def _counts(total: float, bad: float, severe: float | None, lost: int, marks: set[Mark]) -> Measured:
    values = [round(each) for each in (total, bad, *(() if severe is None else (severe,)))]
    for exact, number in zip((total, bad, severe), values, strict=False):
        if exact is not None and abs(exact - number) > INTEGER_NOISE * max(1.0, exact):
            text = f"a count is {exact:g}, which is no whole number"
            return Missing(text, "Judge by counters, not by rates or gauges.")
    excess = max(values[1:]) - values[0]
    if excess > max(MOST_RACING, values[0] // 10):
        text = f"{max(values[1:])} bad events in {values[0]} requests"
        return Missing(text, "Let `bad` select from what `total` counts.")
    # A scrape is not atomic: a request may be in the error counter before it is in the other one.
    values[0] += max(excess, 0)
    return Counts(values[0], values[1], None if severe is None else values[2], 1, lost, tuple(sorted(marks)))


def is_warm(scrape: Scrape, first_seen_s: float, warm_up_s: float) -> bool:
    """Returns whether a target has run long enough to be judged; younger ones are in neither arm."""
    started = first_seen_s if scrape.started_s is None else scrape.started_s
    return scrape.time_s - started >= warm_up_s


def shared_edges(canary: Iterable[Histogram], baseline: Iterable[Histogram]) -> frozenset[float]:
    """Returns the edges that every histogram of both arms has."""
    every = [frozenset(each.edges) for each in (*canary, *baseline)]
    return frozenset.intersection(*every) if every else frozenset()
