"""Raw samples of series over a window of time, and which of them stand for the edges of a grid."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter, le, sub
from typing import Any, NamedTuple, TypeAlias

from readiness.rollout.deltas import has_moved
from readiness.rollout.samples import series_key

STALE = 1.6
"""A scrape counts for an edge of the grid while it is younger than so many intervals: scrapes come with some jitter."""
GONE = 3
"""A target that has not been seen for so many intervals is taken to have left for good."""

Target: TypeAlias = str
"""The pod's own address, by which it is told which series are scraped together."""


class Series(NamedTuple):
    """Raw samples of one series, oldest first; a tuple, because there are ten thousand of them."""

    target: Target
    name: str
    """Of the metric; of a histogram its base name, so that its parts have one key."""
    labels: Mapping[str, str]
    times_s: Sequence[float]
    values: Sequence[float]
    """As many as there are times, and not none."""

    @property
    def key(self) -> str:
        """Its text form, for those few that are looked at one by one."""
        return series_key(self.name, tuple(each for each in self.labels.items() if each[0] not in ("__name__", "le")))

    def since(self, start_s: float) -> Series | None:
        """Returns what was sampled from then on; None where nothing was."""
        at = bisect_right(self.times_s, start_s - 1e-9)
        if at == 0:
            return self
        return self._replace(times_s=self.times_s[at:], values=self.values[at:]) if at < len(self.times_s) else None


class Grid(NamedTuple):
    """Moments an interval apart."""

    edges: Sequence[float]
    """Seconds since the epoch; two or more."""
    interval_s: float

    @property
    def size(self) -> int:
        """How many intervals it has."""
        return len(self.edges) - 1

    def is_fresh(self, edge: float, time_s: float) -> bool:
        """Returns whether what was scraped then counts for an edge."""
        return edge - time_s <= STALE * self.interval_s

    def is_leaving(self, edge: float, time_s: float) -> bool:
        """Returns whether a target that was last seen then is given up at this edge, and was not at the one before."""
        return GONE < (edge - time_s) / self.interval_s <= GONE + 1


Pick: TypeAlias = Callable[[Sequence[float]], tuple[float, ...]]
"""From a series' values to those at the edges."""


def by_target(groups: Sequence[Iterable[Series]]) -> Mapping[Target, list[list[Series]]]:
    """Returns each target's series, group by group."""
    found: dict[Target, list[list[Series]]] = defaultdict(lambda: [[] for _ in groups])
    for number, group in enumerate(groups):
        for each in group:
            found[each.target][number].append(each)
    return found


def answered_by(series: Iterable[Series], up: str) -> dict[Target, list[float]]:
    """Returns when each target answered a scrape: whenever it said something, of itself or of others that it is `up`."""
    times: dict[Target, set[float]] = defaultdict(set)
    for each in series:
        if each.name == up:
            times[each.target].update(
                time
                for time, value in zip(each.times_s, each.values, strict=False)  # a native histogram has no values
                if value >= 1
            )
        else:
            times[each.target].update(each.times_s)
    return {target: sorted(found) for target, found in times.items() if found}


def pick_of(parts: Sequence[Sequence[Series]], starts: Series | None, grid: Grid) -> Pick | None:
    """Returns what picks the samples at the grid's edges; None where single samples have to be looked at.

    Args:
        parts: a target's series.
        starts: its process start times, where it says them.
        grid: the edges.
    """
    series = [each for part in parts for each in part]
    times = series[0].times_s
    if any(each.times_s != times for each in series):
        return None
    if starts is not None and has_moved(min(starts.values), max(starts.values)):
        return None
    positions = [bisect_right(times, edge) - 1 for edge in grid.edges]
    # An interval without a scrape of its own is not one without requests.
    if positions[0] < 0 or any(after == before for before, after in itertools.pairwise(positions)):
        return None
    if not all(grid.is_fresh(edge, times[at]) for edge, at in zip(grid.edges, positions, strict=True)):
        return None
    picker: Any = itemgetter(*positions)
    return picker  # type: ignore[no-any-return] # a tuple, since there are two edges or more


def rises(parts: Sequence[Sequence[Series]], pick: Pick, grid: Grid) -> list[list[float]] | None:
    """Returns what each part has risen by, interval by interval; None where a series falls or is no count.

    The values are added up before they are subtracted, which is exact for integers below 2**53.
    """
    found = []
    for part in parts:
        for each in part:
            # NaN is not in order with anything; infinity can only be the last of rising values.
            values = each.values
            if not (values[0] >= 0 and values[-1] < math.inf and all(map(le, values, values[1:]))):
                return None
        totals = list(map(sum, zip(*(pick(each.values) for each in part), strict=True)))
        found.append(list(map(sub, totals[1:], totals)) if totals else [0.0] * grid.size)
    return found


def value_at(series: Series, moment_s: float) -> float | None:
    """Returns what was sampled at exactly this moment; None where nothing was: the series has gone or is not there yet."""
    at = bisect_right(series.times_s, moment_s) - 1
    return series.values[at] if at >= 0 and series.times_s[at] == moment_s else None


def last_before(times_s: Sequence[float], moment_s: float) -> float | None:
    """Returns the last time that is not after a moment."""
    at = bisect_right(times_s, moment_s) - 1
    return times_s[at] if at >= 0 else None
