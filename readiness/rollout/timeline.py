"""From the raw samples of many series to counts per interval of a grid.

Almost every series only rises and is scraped with its target's others. Those are added up without looking at single
samples in Python; a target that restarts, comes, goes or misses a scrape is counted by the rules of `deltas`.
"""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import add
from typing import TypeAlias

from readiness.rollout.deltas import LoadBalanced, is_load_balanced
from readiness.rollout.interface import Counts, Histogram, Mark, Measured, Missing, Scrape
from readiness.rollout.samples import CounterMetric, Edges, Pair, counter_counts, histogram_counts
from readiness.rollout.series import GONE, Grid, Series, Target, by_target, last_before, pick_of, rises, value_at

NOTHING_YET = Counts(0, 0, marks=(Mark.ABSENT,))
Values: TypeAlias = Mapping[tuple[int, str], float]
"""What one scrape said: number of the group and key of the series to value."""


class History(ABC):
    """Everything that one arm says of one metric over a window of time."""

    starts: Mapping[Target, Series]
    """Process start times, for targets that say them."""
    answered: Mapping[Target, Sequence[float]]
    """When each target of the arm answered a scrape, whatever it said; rising."""

    @property
    @abstractmethod
    def groups(self) -> tuple[Sequence[Series], ...]:
        """The series that are added up to one number each; the first are those of the requests."""

    @abstractmethod
    def _of_rises(self, risen: Sequence[float]) -> Measured:
        """Returns counts from what each group has risen by."""

    @abstractmethod
    def _of_pairs(self, pairs: Sequence[Pair]) -> Measured:
        """Returns counts by the rules for targets that come, go and restart."""

    @abstractmethod
    def _scrape(self, target: Target, moment_s: float, values: Values, started_s: float | None) -> Scrape:
        """Returns one scrape of a target from its series' values."""

    def _is_whole(self, parts: Sequence[Sequence[Series]]) -> bool:  # noqa: ARG002 - some look at them
        """Returns whether a target says all that there is to say."""
        return True

    def counts(self, grid: Grid, owed: int = 0) -> tuple[list[Measured], int]:
        """Returns the arm's counts, one for each interval of the grid, and how many intervals are owed after it.

        Args:
            grid: moments that the samples go back beyond.
            owed: how many intervals before the grid could not be measured, up to its first edge; -1 where what
                happened in them will never be known.
        """
        total: list[list[float]] | None = None
        singly: list[list[Pair | Missing]] = []
        for target, parts in by_target(self.groups).items():
            starts = self.starts.get(target)
            pick = pick_of(parts, starts, grid) if self._is_whole(parts) else None
            risen = None if pick is None else rises(parts, pick, grid)
            if risen is None:
                singly.append(self._pairs(target, parts, grid))
            elif total is None:
                total = risen
            else:
                total = [list(map(add, *each)) for each in zip(total, risen, strict=True)]
        measured: list[Measured] = []
        for number in range(grid.size):
            pairs = [each[number] for each in singly]
            found = self._combined(None if total is None else [each[number] for each in total], pairs)
            # Only what nobody was asked for is made good by the next scrape; what was said and is no count never is.
            is_silent = total is None and all(isinstance(each, Pair) and each.after is None for each in pairs)
            if is_silent and self._has_answered(grid, number):
                age = self._age(grid.edges[number + 1], grid)
                found = NOTHING_YET if age > GONE + 1 else found
                # What the last target that had any took with it is not made good by one that has none, be it that
                # nobody answered in the interval in which it was given up.
                is_given_up = GONE + 1 < age < math.inf and (age <= GONE + 2 or owed > GONE)
                owed = -1 if is_given_up else owed
            if isinstance(found, Missing):
                owed = owed + 1 if is_silent and owed >= 0 else -1
            else:
                found = bridging(found, owed)
                owed = 0
            measured.append(found)
        return measured, owed

    def _has_answered(self, grid: Grid, number: int) -> bool:
        """Returns whether any target of the arm answered in an interval of the grid."""
        start_s, end_s = grid.edges[number], grid.edges[number + 1]
        for times in self.answered.values():
            last_s = last_before(times, end_s)
            if last_s is not None and grid.is_fresh(end_s, last_s) and last_s != last_before(times, start_s):
                return True
        return False

    def _age(self, edge: float, grid: Grid) -> float:
        """Returns how many intervals ago the last sample was; infinity where there was none yet."""
        series = (each for group in self.groups for each in group)
        last = [time for each in series if (time := last_before(each.times_s, edge)) is not None]
        return (edge - max(last)) / grid.interval_s if last else math.inf

    def _combined(self, risen: Sequence[float] | None, pairs: Sequence[Pair | Missing]) -> Measured:
        refused = next((each for each in pairs if isinstance(each, Missing)), None)
        if refused is not None:
            return refused
        real = [each for each in pairs if isinstance(each, Pair)]
        if risen is None:
            return self._of_pairs(real)
        steady = self._of_rises(risen)
        told = [each for each in real if each.after is not None or each.is_gone]
        if not told or isinstance(steady, Missing):
            return steady
        if all(each.after is None for each in told):
            return replace(steady, lost=steady.lost + sum(max(each.usual, 1) for each in told))
        return added(steady, self._of_pairs(told))

    def _pairs(self, target: Target, parts: Sequence[Sequence[Series]], grid: Grid) -> list[Pair | Missing]:
        """Returns a target's scrapes at the edges of the grid, two by two."""
        starts = self.starts.get(target)
        series = {(number, each.key): each for number, part in enumerate(parts) for each in part}
        if is_load_balanced(() if starts is None else starts.values) or any(
            is_load_balanced((), each.values) for each in series.values()
        ):
            refusal = LoadBalanced(target)
            return [Missing(refusal.cause, refusal.remedy)] * grid.size
        times = sorted({time for each in series.values() for time in each.times_s})
        # Before its first series came, it answered and had counted nothing: so all that the series says is new.
        empty = [time for time in self.answered.get(target, ()) if time < times[0]]
        moments = [last_before([*empty, *times], edge) for edge in grid.edges]
        scrapes = [None if moment is None else self._scrape_at(target, series, starts, moment) for moment in moments]
        usual = _busiest(parts[0], times)
        pairs: list[Pair | Missing] = []
        known = scrapes[0]
        for edge, scrape, since_s in zip(grid.edges[1:], scrapes[1:], grid.edges, strict=False):
            if scrape is None or scrape.time_s < times[0]:
                pairs.append(Pair(known, None, since_s))
                known = scrape
                continue
            is_new = known is None or scrape.time_s > known.time_s
            answered = scrape if is_new and grid.is_fresh(edge, scrape.time_s) else None
            leaves = grid.is_leaving(edge, scrape.time_s)
            pairs.append(Pair(known, answered, since_s, is_gone=leaves, usual=usual))
            known = known if answered is None else answered
        return pairs

    def _scrape_at(
        self, target: Target, series: Mapping[tuple[int, str], Series], starts: Series | None, moment_s: float
    ) -> Scrape:
        """Returns one scrape; a series that is not in it has gone, whatever it said before."""
        values = {key: found for key, each in series.items() if (found := value_at(each, moment_s)) is not None}
        started_s = None if starts is None else value_at(starts, last_before(starts.times_s, moment_s) or math.inf)
        return self._scrape(target, moment_s, values, started_s)


def _busiest(requests: Sequence[Series], times: Sequence[float]) -> int:
    """The most requests that a target had between two scrapes, to estimate what is lost with it."""
    totals = [sum(value_at(each, moment) or 0.0 for each in requests) for moment in times]
    risen = [late - early for early, late in itertools.pairwise(totals)]
    return int(max((each for each in risen if 0 <= each < math.inf), default=1.0))


@dataclass(frozen=True, slots=True)
class CounterHistory(History):
    """A metric made of two counters: requests, and the bad ones among them."""

    total: Sequence[Series]
    bad: Sequence[Series]
    untold: Missing | None = None
    """Why no series of bad events would not mean that there are none."""
    starts: Mapping[Target, Series] = field(default_factory=dict)
    answered: Mapping[Target, Sequence[float]] = field(default_factory=dict)

    @property
    def groups(self) -> tuple[Sequence[Series], ...]:
        """Requests, and the bad ones among them."""
        return self.total, self.bad

    def _of_rises(self, risen: Sequence[float]) -> Measured:
        after = {name: value for name, group, value in zip(GROUPS, self.groups, risen, strict=True) if group}
        metric = CounterMetric(frozenset(GROUPS[:1]), frozenset(GROUPS[1:]), self.untold)
        return counter_counts([_pair(dict.fromkeys(after, 0.0), after)], metric)

    def _of_pairs(self, pairs: Sequence[Pair]) -> Measured:
        # A series may be in both groups: as one of the requests it is not the same as one of the bad events.
        total, bad = (
            frozenset(f"{prefix}{each.key}" for each in group)
            for prefix, group in zip(GROUPS, self.groups, strict=True)
        )
        return counter_counts(pairs, CounterMetric(total, bad, self.untold))

    def _scrape(self, target: Target, moment_s: float, values: Values, started_s: float | None) -> Scrape:
        named = {f"{GROUPS[number]}{key}": value for (number, key), value in values.items()}
        return Scrape(target, moment_s, named, started_s=started_s)


GROUPS = ("", "bad: ")
"""Put before the keys of requests and of bad events."""


@dataclass(frozen=True, slots=True)
class HistogramHistory(History):
    """A latency metric: how many requests there were, and how many of them were as fast as two edges."""

    count: Sequence[Series]
    """`_count`; its keys are those of the base name."""
    to_promote: Sequence[Series]
    """Buckets at the edge for promotion, with the keys of `count`."""
    to_rollback: Sequence[Series]
    edges: Edges
    starts: Mapping[Target, Series] = field(default_factory=dict)
    answered: Mapping[Target, Sequence[float]] = field(default_factory=dict)

    @property
    def groups(self) -> tuple[Sequence[Series], ...]:
        """Requests, and those that were fast enough for either edge."""
        return self.count, self.to_promote, self.to_rollback

    def _is_whole(self, parts: Sequence[Sequence[Series]]) -> bool:
        return len(parts[0]) == len(parts[1]) == len(parts[2])

    def _of_rises(self, risen: Sequence[float]) -> Measured:
        if not self.count:
            return self._of_pairs([_pair({}, {})])
        scrapes = [
            Scrape("", float(moment), {}, {"the histogram": _histogram(self.edges, *values)})
            for moment, values in enumerate(((0.0, 0.0, 0.0), tuple(risen)))
        ]
        return histogram_counts([Pair(scrapes[0], scrapes[1], 0.0)], ["the histogram"], self.edges)

    def _of_pairs(self, pairs: Sequence[Pair]) -> Measured:
        return histogram_counts(pairs, [each.key for each in self.count], self.edges)

    def _scrape(self, target: Target, moment_s: float, values: Values, started_s: float | None) -> Scrape:
        found = {
            key: _histogram(self.edges, count, values.get((1, key)), values.get((2, key)))
            for (number, key), count in values.items()
            if number == 0
        }
        return Scrape(target, moment_s, {}, found, started_s)


def _histogram(edges: Edges, count: float, promote: float | None, rollback: float | None) -> Histogram:
    """Returns a histogram of two edges; one that a target does not have is not in it, and refused where it is needed."""
    at = {edge: value for edge, value in ((edges.promote, promote), (edges.rollback, rollback)) if value is not None}
    known = tuple(sorted(at))
    return Histogram(known, tuple(at[edge] for edge in known), count)


def _pair(before: Mapping[str, float], after: Mapping[str, float]) -> Pair:
    return Pair(Scrape("", 0.0, before), Scrape("", 1.0, after), 0.0)


def added(one: Measured, other: Measured) -> Measured:
    """Returns the counts of two groups of targets of one arm; what is missing of one is missing of both."""
    if isinstance(one, Missing) or isinstance(other, Missing):
        return one if isinstance(one, Missing) else other
    severe = None if one.severe is None or other.severe is None else one.severe + other.severe
    marks: tuple[Mark, ...] = tuple(sorted({*one.marks, *other.marks}))
    return Counts(
        one.requests + other.requests,
        one.bad + other.bad,
        severe,
        max(one.covers, other.covers),
        one.lost + other.lost,
        marks,
    )


def bridging(counts: Counts, owed: int) -> Counts:
    """Returns the counts, saying how many intervals they make good; owed is -1 where that can never be."""
    # What came with a target that was not there before covers nothing that was missed.
    if owed <= 0 or Mark.UNKNOWN in counts.marks:
        return counts
    return replace(counts, covers=owed + 1, marks=tuple(sorted({*counts.marks, Mark.BRIDGED})))
