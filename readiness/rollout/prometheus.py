"""Looks at a rollout through a Prometheus: the raw samples of ranges, never its rates.

`rate()` drops the first value of every new series, and a canary's pods are nothing but new series. What could not be
read at one look is read at the next: Prometheus keeps it.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import sub
from typing import Any

from readiness.config.selectors import Matcher, Selector, parse_selector
from readiness.errors import NotMeasured
from readiness.rollout.family import why_untold
from readiness.rollout.interface import Arm, Interval, Look, Measured, Missing, Targets
from readiness.rollout.latencies import Reading, discover, selector_at
from readiness.rollout.prometheus_api import PrometheusApi
from readiness.rollout.samples import START_TIME
from readiness.rollout.series import STALE, Grid, Series, Target
from readiness.rollout.source import Hopeless, Wanted
from readiness.rollout.timeline import CounterHistory, HistogramHistory, History
from readiness.rollout.window import Window, refuse_copies

SETTLE_S = 5.0
"""A scrape is stamped when it begins, and can be read when it has ended: so long the last edge lies back at least."""
MOST_INTERVALS = 960
"""That one look reads; what is older, after an outage of hours, is given up."""
NO_BASELINE = Targets(0, 0)
SPARSE = 1.3
"""Samples so many intervals apart are those of another scrape interval."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is read for a rollout, and how."""

    metrics: tuple[Wanted, ...]
    arms: Mapping[Arm, Sequence[Matcher]]
    stage: float
    interval_s: float
    up: Selector = parse_selector("up")  # noqa: RUF009 - frozen
    alerts: Selector | None = None
    warm_up_s: float = 0.0
    look_back_s: float = 0.0


class PrometheusReader:
    """Reads one rollout.

    Args:
        api: the Prometheus.
        wish: what is read.
        clock: monotonic seconds.
    """

    def __init__(self, api: PrometheusApi, wish: Wish, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._wish = wish
        self._clock = clock
        self._offset_s: float | None = None
        self._covered_s: float | None = None
        self._owed: dict[tuple[str, Arm], int] = {}
        self._readings: dict[str, Reading] = {}
        self._first_seen: dict[Target, float] = {}
        self._settle_s = min(SETTLE_S, wish.interval_s / 3)
        self._has_seen_canary = False

    @property
    def now_s(self) -> float:
        """The time on the server's clock; on this machine's where the server has never answered."""
        return time.time() if self._offset_s is None else self._clock() + self._offset_s

    def wait_s(self) -> float:
        """Returns how long it takes until another edge of the grid can be read."""
        if self._covered_s is None:
            return self._wish.interval_s
        return max(0.0, self._covered_s + self._wish.interval_s + self._settle_s - self.now_s)

    def close(self) -> None:
        """Nothing is asked any more."""
        self._api.http.close()

    def look(self) -> Look:
        """Returns all that is new.

        Raises:
            Hopeless: a limit can never be observed at the edges that there are.
        """
        try:
            if self._offset_s is None:
                self._offset_s = self._api.now_s() - self._clock()
            return self._look(self.now_s)
        except Hopeless:
            raise
        except NotMeasured as error:
            return Look(self.now_s, self._wish.stage, unreadable=f"{error.cause}. {error.remedy}".strip())

    def _look(self, now_s: float) -> Look:
        end_s = now_s - self._settle_s
        interval_s = self._wish.interval_s
        start_s = end_s - self._wish.look_back_s if self._covered_s is None else self._covered_s
        steps = int((end_s - start_s) / interval_s + 1e-6)
        if steps > MOST_INTERVALS:
            start_s += (steps - MOST_INTERVALS) * interval_s
            steps = MOST_INTERVALS
        edges = [start_s + number * interval_s for number in range(steps + 1)]
        window = Window(self._api, interval_s, edges[0], end_s)
        ups = {arm: window.raw(self._wish.up.narrowed(matchers)) for arm, matchers in self._wish.arms.items()}
        if self._covered_s is None:
            # The judgement begins when the canary is there: before, nothing can be owed.
            first_s = _first_sign(ups[Arm.CANARY], edges[0])
            edges = [edge for edge in edges if edge >= first_s] or edges[-1:]
        grid = Grid(edges, interval_s) if len(edges) > 1 else None
        reads = self._read(window)
        targets = {arm: _targets(ups[arm], reads[arm], end_s, interval_s) for arm in self._wish.arms}
        alerts = self._alerts(window)
        # From here on nothing is asked any more: where anything could not be read, the whole look is made again.
        self._has_seen_canary |= targets[Arm.CANARY].known > 0
        if not self._has_seen_canary:
            raise self._unknown()
        has_begun = self._covered_s is not None or targets[Arm.CANARY].up > 0
        intervals = self._count(reads, grid) if has_begun and grid is not None else ()
        self._note_targets(reads, end_s)
        if has_begun:
            self._covered_s = edges[-1]
        baseline = targets.get(Arm.BASELINE, NO_BASELINE)
        return Look(now_s, self._wish.stage, intervals, targets[Arm.CANARY], baseline, alerts=alerts)

    def _unknown(self) -> NotMeasured:
        up = self._wish.up.narrowed(self._wish.arms[Arm.CANARY])
        return NotMeasured(
            f"nothing is known of the canary: no series of {up}, and none of its metrics",
            "Compare `canary` of [rollout] with the labels of its targets in Prometheus.",
        )

    def _read(self, window: Window) -> dict[Arm, dict[str, History | Missing]]:
        """Returns what each arm says of each metric."""
        for wanted in self._wish.metrics:
            if wanted.histogram is not None and wanted.name not in self._readings:
                reading = discover(wanted, self._wish.arms, window.instant)
                if reading is not None:
                    self._readings[wanted.name] = reading
        found: dict[Arm, dict[str, History | Missing]] = {}
        for arm, matchers in self._wish.arms.items():
            starts = {each.target: each for each in window.raw(Selector(START_TIME, tuple(matchers)))}
            found[arm] = {each.name: self._history(window, each, matchers, starts) for each in self._wish.metrics}
        return found

    def _count(self, reads: Mapping[Arm, Mapping[str, History | Missing]], grid: Grid) -> tuple[Interval, ...]:
        """Returns the counts, interval by interval."""
        arms: dict[Arm, list[dict[str, Measured]]] = {arm: [{} for _ in range(grid.size)] for arm in Arm}
        for arm, histories in reads.items():
            for name, history in histories.items():
                if isinstance(history, Missing):
                    counts: list[Measured] = [history] * grid.size
                    self._owed[name, arm] = -1
                else:
                    counts, self._owed[name, arm] = history.counts(grid, self._owed.get((name, arm), 0))
                for interval, measured in zip(arms[arm], counts, strict=True):
                    interval[name] = _told(measured, history, grid.interval_s)
        return tuple(
            Interval(start_s, end_s, canary, baseline)
            for (start_s, end_s), canary, baseline in zip(
                itertools.pairwise(grid.edges), arms[Arm.CANARY], arms[Arm.BASELINE], strict=True
            )
        )

    def _note_targets(self, reads: Mapping[Arm, Mapping[str, History | Missing]], end_s: float) -> None:
        # What is there at the first look is taken to be old.
        since_s = 0.0 if self._covered_s is None else end_s
        for target in _last_seen(each for histories in reads.values() for each in histories.values()):
            self._first_seen.setdefault(target, since_s)

    def _history(
        self,
        window: Window,
        wanted: Wanted,
        matchers: Sequence[Matcher],
        starts: Mapping[Target, Series],
    ) -> History | Missing:
        reading = self._readings.get(wanted.name)

        def warm(found: Iterable[Series]) -> list[Series]:
            series = list(found)
            refuse_copies(series)
            if not self._wish.warm_up_s:
                return series
            return [cut for each in series if (cut := each.since(self._warm_from(each.target, starts))) is not None]

        if wanted.total is not None and wanted.bad is not None:
            total = warm(window.raw(wanted.total.narrowed(matchers)))
            bad = warm(window.raw(wanted.bad.narrowed(matchers)))
            untold = None if bad or not total else _untold(window, wanted.bad, matchers, total)
            return CounterHistory(total, bad, untold, starts)
        if reading is None or wanted.histogram is None:
            return Missing("no series of the histogram", f"Compare {wanted.histogram} with what is at /metrics.")
        narrowed = wanted.histogram.narrowed(matchers)
        if reading.is_native:
            return HistogramHistory(*window.native(narrowed, reading, warm), reading.edges, starts)
        name = wanted.histogram.name
        count = warm(window.raw(narrowed.renamed(f"{name}_count"), name))
        promote = warm(window.raw(selector_at(narrowed, reading.promote_les), name))
        rollback = promote
        if reading.rollback_les != reading.promote_les:
            rollback = warm(window.raw(selector_at(narrowed, reading.rollback_les), name))
        return HistogramHistory(count, promote, rollback, reading.edges, starts)

    def _warm_from(self, target: Target, starts: Mapping[Target, Series]) -> float:
        started = starts.get(target)
        if started is not None:
            return started.values[-1] + self._wish.warm_up_s
        return self._first_seen.get(target, 0.0 if self._covered_s is None else self._covered_s) + self._wish.warm_up_s

    def _alerts(self, window: Window) -> tuple[str, ...] | None:
        if self._wish.alerts is None:
            return ()
        found = window.instant(str(self._wish.alerts))
        return tuple(sorted({each.labels.get("alertname", "an alert without a name") for each in found}))

    def state(self) -> dict[str, Any]:
        """Returns what a later reader needs to go on, as JSON builtins."""
        return {
            "covered_s": self._covered_s,
            "owed": [[name, str(arm), owed] for (name, arm), owed in self._owed.items()],
            "readings": {name: reading.to_json() for name, reading in self._readings.items()},
            "first_seen": self._first_seen,
        }

    def restore(self, state: dict[str, Any]) -> bool:
        """Returns whether it goes on from there: not after a long pause, nor where all of the canary is newer."""
        covered_s = state["covered_s"]
        try:
            self._offset_s = self._api.now_s() - self._clock()
            if covered_s is None or not 0 <= self.now_s - covered_s <= MOST_INTERVALS * self._wish.interval_s:
                return False
            found = self._api.query(str(Selector(START_TIME, tuple(self._wish.arms[Arm.CANARY]))), self.now_s)
        except NotMeasured:
            return False
        if found and min(each.values[0] for each in found) > covered_s:
            return False
        self._covered_s = covered_s
        self._owed = {(name, Arm(arm)): owed for name, arm, owed in state["owed"]}
        self._readings = {name: Reading.from_json(each) for name, each in state["readings"].items()}
        self._first_seen = dict(state["first_seen"])
        return True


def _first_sign(ups: Iterable[Series], otherwise_s: float) -> float:
    """Returns when the canary was first up in the window."""
    first = [time for each in ups for time, value in zip(each.times_s, each.values, strict=True) if value >= 1]
    return min(first, default=otherwise_s)


def _last_seen(histories: Iterable[History | Missing]) -> dict[Target, float]:
    """Returns each target of the metrics with the time of its last sample."""
    found: dict[Target, float] = {}
    for history in histories:
        for each in () if isinstance(history, Missing) else history.groups[0]:
            found[each.target] = max(found.get(each.target, 0.0), each.times_s[-1])
    return found


def _untold(window: Window, bad: Selector, matchers: Sequence[Matcher], total: Sequence[Series]) -> Missing | None:
    """Returns why no series of bad events does not mean that there are none; what was read is not asked for again."""
    if total[0].name == bad.name and why_untold(bad, (each.labels for each in total)) is None:
        return None
    found = window.instant(str(Selector(bad.name, tuple(matchers))))
    return why_untold(bad, (each.labels for each in found))


def _targets(
    ups: Sequence[Series], histories: Mapping[str, History | Missing], end_s: float, interval_s: float
) -> Targets:
    """Returns how many targets answer: what `up` says, else whose metrics were scraped lately."""
    oldest_s = end_s - STALE * interval_s
    if ups:
        fresh = [each.values[-1] >= 1 for each in ups if each.times_s[-1] >= oldest_s]
        return Targets(sum(fresh), len(fresh))
    last = _last_seen(histories.values())
    return Targets(sum(time >= oldest_s for time in last.values()), len(last))


def _told(measured: Measured, history: History | Missing, interval_s: float) -> Measured:
    """Returns the counts, or what is missing with its most likely reason."""
    if not isinstance(measured, Missing) or isinstance(history, Missing) or measured.remedy:
        return measured
    spacings = [
        statistics.median(map(sub, each.times_s[1:], each.times_s))
        for each in history.groups[0]
        if len(each.times_s) > 1
    ]
    if spacings and min(spacings) > SPARSE * interval_s:
        text = f"its targets are scraped every {min(spacings):.0f} s, and `every` of [rollout] is {interval_s:g} s"
        return Missing(text, f'Set every = "{min(spacings):.0f}s".')
    return measured
