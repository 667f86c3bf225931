"""How much counters have risen between two scrapes of one target: six rules, as pure functions.

1. Not smaller, same process start: the difference.
2. Smaller, or the start has moved: the new value, marked `reset` (a lower bound).
3. New series: its value, if the target answered the first scrape or has started after it; else unknown and left out.
4. Gone series: no delta, marked `lost`.
5. Start times that alternate: a load balancer answers for several processes. Refused.
6. Histograms: resets are decided on `_count`; buckets that fall without one are refused.

Not `rate()`: it drops the first value of every new series, and a canary's pods are nothing but new series.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from readiness.errors import NotMeasured
from readiness.rollout.interface import Histogram, Mark, Scrape

START_TOLERANCE_S = 2.0
"""Start times are derived from the boot time, which the clock's corrections move by up to a second or two."""
FALLS_OF_A_BALANCER = 2
"""A counter that falls and is back above its old height one scrape later, twice: several processes take turns."""


@dataclass(frozen=True, slots=True)
class Increase:
    """What one series has added."""

    value: float
    """0 where it is unknown."""
    mark: Mark | None = None


class LoadBalanced(NotMeasured):
    """Several processes answer at one address, so that differences between scrapes mean nothing."""

    def __init__(self, target: str) -> None:
        super().__init__(
            f"{target} is answered by several processes in turn: their start times or counters alternate between scrapes",
            "Name the pods' own addresses instead of a service's or load balancer's; with several workers in one pod, "
            "use the client library's multiprocess mode.",
        )


def has_moved(before_s: float | None, after_s: float | None) -> bool:
    """Returns whether a start time is another one; not where one of them is unknown."""
    return before_s is not None and after_s is not None and abs(after_s - before_s) > START_TOLERANCE_S


def has_restarted(before: Scrape, after: Scrape) -> bool:
    """Returns whether the process has started anew between two scrapes of a target."""
    return has_moved(before.started_s, after.started_s)


def is_load_balanced(starts_s: Sequence[float | None], values: Sequence[float] = ()) -> bool:
    """Returns whether several processes answer at one address.

    Args:
        starts_s: the process start times of the last scrapes, oldest first.
        values: a counter's values at the same scrapes, for targets that do not say when they started.
    """
    known = [each for each in starts_s if each is not None]
    # A process cannot start before the one that it replaced.
    if any(after < before - START_TOLERANCE_S for before, after in pairwise(known)):
        return True
    triples = zip(values, values[1:], values[2:], strict=False)
    return sum(1 for first, second, third in triples if second < first <= third) >= FALLS_OF_A_BALANCER


def counter_increase(before: Scrape | None, after: Scrape, series: str, *, since_s: float) -> Increase:
    """Returns what a counter has added between two scrapes of its target.

    Args:
        before: the earlier scrape; None where the target was not scraped then.
        after: the later scrape.
        series: the series' text form.
        since_s: the time of the earlier scrape, also where this target had none.

    Raises:
        NotMeasured: a value is not a number, infinite or negative.
    """
    new = after.values.get(series)
    if new is None:
        return Increase(0.0, Mark.LOST if before is not None and series in before.values else None)
    _require_count(series, new)
    old = None if before is None else before.values.get(series)
    if before is None or old is None:
        return _new_series(before, after, series, new, since_s)
    _require_count(series, old)
    created = has_moved(before.created_s.get(series), after.created_s.get(series))
    if new < old or created or has_restarted(before, after):
        return Increase(new, Mark.RESET)
    return Increase(new - old)


def _new_series(before: Scrape | None, after: Scrape, series: str, new: float, since_s: float) -> Increase:
    born = max((each for each in (after.started_s, after.created_s.get(series)) if each is not None), default=None)
    if before is not None or (born is not None and born > since_s):
        return Increase(new, Mark.NEW)
    return Increase(0.0, Mark.UNKNOWN)


def histogram_increase(
    before: Scrape | None, after: Scrape, series: str, *, since_s: float
) -> tuple[Histogram | None, Mark | None]:
    """Returns what a histogram has added, as a histogram; None where that is unknown or it has gone.

    Raises:
        NotMeasured: its buckets fall although its count does not, or they are not cumulative, or its edges have changed.
    """
    new = after.histograms.get(series)
    if new is None:
        return None, Mark.LOST if before is not None and series in before.histograms else None
    _require_histogram(series, new)
    old = None if before is None else before.histograms.get(series)
    if before is None or old is None:
        mark = _new_series(before, after, series, new.count, since_s).mark
        return (None if mark is Mark.UNKNOWN else new), mark
    created = has_moved(before.created_s.get(series), after.created_s.get(series))
    if new.count < old.count or created or has_restarted(before, after):
        return new, Mark.RESET
    if new.edges != old.edges:
        raise NotMeasured(f"the edges of {series} at {after.target} have changed without a restart")
    added = tuple(late - early for early, late in zip(old.cumulative, new.cumulative, strict=True))
    risen = Histogram(new.edges, added, new.count - old.count)
    if any(each < 0 for each in added):
        raise NotMeasured(
            f"buckets of {series} at {after.target} have fallen although its _count has not",
            "Scrape one process per address, and do not clear single series of a histogram.",
        )
    _require_histogram(series, risen)
    return risen, None


def _require_histogram(series: str, histogram: Histogram) -> None:
    _require_count(series, histogram.count)
    for value in histogram.cumulative:
        _require_count(series, value)
    rising = (*histogram.cumulative, histogram.count)
    if any(after < before for before, after in pairwise(rising)):
        raise NotMeasured(f"the buckets of {series} are not cumulative: a higher edge counts fewer than a lower one")


def _require_count(series: str, value: float) -> None:
    if not 0 <= value < math.inf:
        raise NotMeasured(f"{series} is {value}, which is no count", "Judge by counters, not by gauges.")
