"""Looks at a rollout through a Prometheus: the raw samples of ranges, never its rates.

`rate()` drops the first value of every new series, and a canary's pods are nothing but new series. What could not be
read at one look is read at the next: Prometheus keeps it.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import sub
from typing import Any

from readiness.config.selectors import Matcher, Selector, parse_selector
from readiness.errors import NotMeasured
from readiness.rollout.alerts import firing
from readiness.rollout.histories import ArmQuery, Reads, refuse_overlap
from readiness.rollout.interface import Arm, Interval, Look, Measured, Missing, Targets
from readiness.rollout.latencies import Reading, discover, provisional
from readiness.rollout.prometheus_api import PrometheusApi
from readiness.rollout.samples import START_TIME
from readiness.rollout.series import STALE, Grid, Series, Target, answered_by
from readiness.rollout.source import Hopeless, Wanted, absent_of
from readiness.rollout.timeline import History
from readiness.rollout.window import Window

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
        self._deployed_s: float | None = None

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
            Hopeless: a limit can never be observed at the edges that there are, or both arms have a series in common.
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
        reads = self._read(window, ups)
        refuse_overlap(reads, self._wish.arms)
        targets = {arm: _targets(ups[arm], reads[arm], end_s, interval_s) for arm in self._wish.arms}
        alerts = () if self._wish.alerts is None else firing(window, self._wish.alerts, self._deployed_s)
        # From here on nothing is asked any more: where anything could not be read, the whole look is made again.
        self._has_seen_canary |= targets[Arm.CANARY].known > 0
        if not self._has_seen_canary:
            raise self._unknown()
        has_begun = self._covered_s is not None or targets[Arm.CANARY].up > 0
        intervals = self._count(reads, grid) if has_begun and grid is not None else ()
        self._note_targets(reads, ups, end_s)
        if has_begun:
            self._covered_s = edges[-1]
        baseline = targets.get(Arm.BASELINE, NO_BASELINE)
        absent = absent_of(intervals[-1], self._wish.metrics, self._wish.arms) if intervals else {}
        return Look(
            now_s,
            self._wish.stage,
            intervals,
            targets[Arm.CANARY],
            baseline,
            alerts=alerts,
            deployed_s=self._deployed_s,
            absent=absent,
        )

    def _unknown(self) -> NotMeasured:
        up = self._wish.up.narrowed(self._wish.arms[Arm.CANARY])
        return NotMeasured(
            f"nothing is known of the canary: no series of {up}, and nothing was scraped of it",
            "Compare `canary` of [rollout] with the labels of its targets in Prometheus.",
        )

    def _read(self, window: Window, ups: Mapping[Arm, Sequence[Series]]) -> Reads:
        """Returns what each arm says of each metric."""
        readings = {each.name: self._reading(window, each) for each in self._wish.metrics if each.histogram is not None}
        found: dict[Arm, dict[str, History]] = {}
        for arm, matchers in self._wish.arms.items():
            starts = {each.target: each for each in window.raw(Selector(START_TIME, tuple(matchers)))}
            if arm is Arm.CANARY:
                self._note_deployment(starts.values(), window.end_s)
            warm = partial(self._warm, starts)
            query = ArmQuery(window, matchers, starts, warm)
            histories = {each.name: query.history(each, readings.get(each.name)) for each in self._wish.metrics}
            said = (each for history in histories.values() for each in history.groups[0])
            answered = answered_by(itertools.chain(warm(ups[arm]), warm(starts.values()), said), self._wish.up.name)
            found[arm] = {name: replace(each, answered=answered) for name, each in histories.items()}
        return found

    def _reading(self, window: Window, wanted: Wanted) -> Reading:
        """Returns how a histogram is read; settled for the rollout as soon as the canary has one."""
        reading = self._readings.get(wanted.name)
        if reading is None:
            reading = discover(wanted, self._wish.arms, window.instant)
            if reading is None:
                return provisional(wanted, self._wish.arms, window.instant)
            self._readings[wanted.name] = reading
        return reading

    def _count(self, reads: Reads, grid: Grid) -> tuple[Interval, ...]:
        """Returns the counts, interval by interval."""
        arms: dict[Arm, list[dict[str, Measured]]] = {arm: [{} for _ in range(grid.size)] for arm in Arm}
        for arm, histories in reads.items():
            for name, history in histories.items():
                counts, self._owed[name, arm] = history.counts(grid, self._owed.get((name, arm), 0))
                for interval, measured in zip(arms[arm], counts, strict=True):
                    interval[name] = _told(measured, history, grid.interval_s)
        return tuple(
            Interval(start_s, end_s, canary, baseline)
            for (start_s, end_s), canary, baseline in zip(
                itertools.pairwise(grid.edges), arms[Arm.CANARY], arms[Arm.BASELINE], strict=True
            )
        )

    def _note_deployment(self, starts: Iterable[Series], end_s: float) -> None:
        """The canary was deployed when the first of the processes that are there was started."""
        oldest_s = end_s - STALE * self._wish.interval_s
        found = [each.values[-1] for each in starts if each.times_s[-1] >= oldest_s]
        known = [] if self._deployed_s is None else [self._deployed_s]
        self._deployed_s = min((*found, *known), default=None)

    def _note_targets(self, reads: Reads, ups: Mapping[Arm, Sequence[Series]], end_s: float) -> None:
        # What is there at the first look is taken to be old.
        since_s = 0.0 if self._covered_s is None else end_s
        for arm, histories in reads.items():
            for target in itertools.chain(_answered(histories), (each.target for each in ups[arm])):
                self._first_seen.setdefault(target, since_s)

    def _warm(self, starts: Mapping[Target, Series], found: Iterable[Series]) -> list[Series]:
        """Returns what was sampled after the targets' warm-up."""
        if not self._wish.warm_up_s:
            return list(found)
        return [cut for each in found if (cut := each.since(self._warm_from(each.target, starts))) is not None]

    def _warm_from(self, target: Target, starts: Mapping[Target, Series]) -> float:
        started = starts.get(target)
        if started is not None:
            return started.values[-1] + self._wish.warm_up_s
        return self._first_seen.get(target, 0.0 if self._covered_s is None else self._covered_s) + self._wish.warm_up_s

    def state(self) -> dict[str, Any]:
        """Returns what a later reader needs to go on, as JSON builtins."""
        return {
            "covered_s": self._covered_s,
            "owed": [[name, str(arm), owed] for (name, arm), owed in self._owed.items()],
            "readings": {name: reading.to_json() for name, reading in self._readings.items()},
            "first_seen": self._first_seen,
            "deployed_s": self._deployed_s,
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
        self._deployed_s = state["deployed_s"]
        return True


def _first_sign(ups: Iterable[Series], otherwise_s: float) -> float:
    """Returns when the canary was first up in the window."""
    first = [time for each in ups for time, value in zip(each.times_s, each.values, strict=True) if value >= 1]
    return min(first, default=otherwise_s)


def _answered(histories: Mapping[str, History]) -> Mapping[Target, Sequence[float]]:
    """Returns when each target of an arm answered, which is the same for all of its metrics."""
    return next(iter(histories.values())).answered


def _targets(ups: Sequence[Series], histories: Mapping[str, History], end_s: float, interval_s: float) -> Targets:
    """Returns how many targets answer: what `up` says, else what was scraped of them lately."""
    oldest_s = end_s - STALE * interval_s
    if ups:
        fresh = [each.values[-1] >= 1 for each in ups if each.times_s[-1] >= oldest_s]
        return Targets(sum(fresh), len(fresh))
    answered = _answered(histories)
    return Targets(sum(times[-1] >= oldest_s for times in answered.values()), len(answered))


def _told(measured: Measured, history: History, interval_s: float) -> Measured:
    """Returns the counts, or what is missing with its most likely reason."""
    if not isinstance(measured, Missing) or measured.remedy:
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
