"""Looks at a rollout by scraping the pods' own `/metrics`, all at once, as often as Prometheus would."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from readiness.config.selectors import Matcher
from readiness.rollout.addresses import Source
from readiness.rollout.deltas import LoadBalanced
from readiness.rollout.interface import Arm, Interval, Look, Measured, Missing, Scrape, Targets
from readiness.rollout.latencies import chosen
from readiness.rollout.parts import Parts
from readiness.rollout.samples import (
    CounterMetric,
    Edges,
    Pair,
    counter_counts,
    histogram_counts,
    is_warm,
    shared_edges,
)
from readiness.rollout.series import GONE
from readiness.rollout.source import Hopeless, Overlap, Wanted, absent_of
from readiness.rollout.timeline import bridging

AT_ONCE = 8
"""Targets that are asked at the same time."""
TIMEOUT_S = 10.0
NO_EDGES = Edges(0.0, 0.0, is_exact=False)
"""Of a histogram that no target has, so that nothing is read at them."""
LONGEST_PAUSE = 20
"""Intervals after which a later run does not go on with an earlier one."""


class ScrapingReader:
    """Scrapes one rollout.

    Args:
        sources: the pods.
        metrics: what is counted.
        arms: the labels of each arm.
        stage: the canary's share of the traffic.
        interval_s: time between two scrapes.
        warm_up_s: younger targets are in neither arm.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        metrics: Sequence[Wanted],
        arms: Mapping[Arm, Sequence[Matcher]],
        *,
        stage: float,
        interval_s: float,
        warm_up_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sources = list(sources)
        self._metrics = list(metrics)
        self._arms = dict(arms)
        self._stage = stage
        self._interval_s = interval_s
        self._warm_up_s = warm_up_s
        self._clock = clock
        self._offset_s = time.time() - clock()
        self._covered_s: float | None = None
        self._owed: dict[tuple[str, Arm], int] = {}
        self._edges: dict[str, Edges] = {}
        self._settled: set[str] = set()
        """Histograms whose edges stay as they are."""
        self._parts = Parts(metrics, arms)
        self._pool = ThreadPoolExecutor(AT_ONCE, "readiness-scrape")

    def close(self) -> None:
        """Nothing is scraped any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for source in self._sources:
            source.http.close()

    def wait_s(self) -> float:
        """Returns how long it takes until the next scrape is due."""
        if self._covered_s is None:
            return self._interval_s
        return max(0.0, self._covered_s + self._interval_s - self._now())

    def _now(self) -> float:
        return self._clock() + self._offset_s

    def look(self) -> Look:
        """Returns what all targets say now.

        Raises:
            Hopeless: an address is answered by several processes, a limit can never be observed, or both arms have a
                series in common.
        """
        now_s = self._now()
        scrapes = list(self._pool.map(lambda each: self._scrape(each, now_s), self._sources))
        if not any(scrapes):
            first = next((each.failure for each in self._sources if each.failure), "no address is named")
            return Look(now_s, self._stage, unreadable=f"no target could be scraped: {first}")
        since_s = self._covered_s
        pairs = self._pairs(scrapes, now_s, now_s if since_s is None else since_s)
        members = {arm: [each for each in self._sources if self._is_in(each, arm)] for arm in self._arms}
        targets = {arm: Targets(sum(not each.missed for each in found), len(found)) for arm, found in members.items()}
        unassigned = tuple(each.shown for each in self._sources if self._is_unassigned(each))
        if not members[Arm.CANARY]:
            silent = "".join(f"; {each} does not answer" for each in unassigned)
            text = f"no target is one of the canary's: compare `canary` with their labels{silent}"
            return Look(now_s, self._stage, unreadable=text)
        self._refuse()
        self._settle_edges()
        intervals: tuple[Interval, ...] = ()
        if since_s is not None:
            counts = {arm: self._counts(pairs, arm) for arm in self._arms}
            intervals = (Interval(since_s, now_s, counts[Arm.CANARY], counts.get(Arm.BASELINE, {})),)
        if since_s is not None or targets[Arm.CANARY].up:
            self._covered_s = now_s
        absent = absent_of(intervals[-1], self._metrics, self._arms) if intervals else {}
        baseline = targets.get(Arm.BASELINE, Targets(0, 0))
        return Look(
            now_s,
            self._stage,
            intervals,
            targets[Arm.CANARY],
            baseline,
            deployed_s=self._oldest_start_s(scrapes),
            absent=absent,
            unassigned=unassigned,
        )

    def _oldest_start_s(self, scrapes: Sequence[Scrape | None]) -> float | None:
        """Returns the earliest start of the canary's processes; None where they do not say."""
        found = zip(self._sources, scrapes, strict=True)
        canary = [scrape for source, scrape in found if scrape is not None and self._is_in(source, Arm.CANARY)]
        return min((each.started_s for each in canary if each.started_s is not None), default=None)

    # --- one target ---

    def _scrape(self, source: Source, now_s: float) -> Scrape | None:
        return source.scrape(now_s, min(TIMEOUT_S, max(self._interval_s, 1.0)), self._parts.wants)

    def _is_in(self, source: Source, arm: Arm) -> bool:
        """By the labels that it was given, and else by those of its series."""
        labels = source.own_labels
        if all(each.label in labels for each in self._arms[arm]):
            return all(each.holds(labels[each.label]) for each in self._arms[arm])
        return any(self._parts.is_in(key, arm) for key in source.series)

    def _is_unassigned(self, source: Source) -> bool:
        """Returns whether it does not answer, and neither its labels nor what it has said tell which arm it is in."""
        wanted = {each.label for matchers in self._arms.values() for each in matchers}
        return bool(source.missed) and not source.series and not wanted <= source.own_labels.keys()

    def _pairs(self, scrapes: Sequence[Scrape | None], now_s: float, since_s: float) -> list[tuple[Source, Pair]]:
        pairs = []
        for source, scrape in zip(self._sources, scrapes, strict=True):
            before = source.known
            if scrape is None:
                source.missed += 1
                pairs.append(
                    (source, Pair(before, None, since_s, is_gone=before is not None and source.missed == GONE))
                )
                continue
            source.missed = 0
            source.recent.append(scrape)
            if source.first_s is None:
                source.first_s = 0.0 if self._covered_s is None else now_s  # what is there at first is taken to be old
            self._parts.add(scrape)
            if not is_warm(scrape, source.first_s, self._warm_up_s):
                source.known = None
                continue
            source.known = scrape
            pairs.append((source, Pair(before, scrape, since_s)))
        return pairs

    # --- one metric ---

    def _counts(self, pairs: Sequence[tuple[Source, Pair]], arm: Arm) -> dict[str, Measured]:
        found: dict[str, Measured] = {}
        for metric in self._metrics:
            keys = self._parts.keys(metric.name, arm, "total" if metric.histogram is None else "histogram")
            own = [
                (source, pair) for source, pair in pairs if _has(pair, keys) or (not keys and self._is_in(source, arm))
            ]
            told = [
                Pair(
                    pair.before, pair.after, pair.since_s, is_gone=pair.is_gone, usual=source.usual.get(metric.name, 1)
                )
                for source, pair in own
            ]
            measured = self._measured(metric, arm, keys, told)
            for source, pair in own:
                alone = self._measured(metric, arm, keys, [pair])
                if not isinstance(alone, Missing):
                    source.usual[metric.name] = max(source.usual.get(metric.name, 1), alone.requests)
            owed = self._owed.get((metric.name, arm), 0)
            if isinstance(measured, Missing):
                is_silent = all(pair.after is None for pair in told)
                self._owed[metric.name, arm] = owed + 1 if is_silent and owed >= 0 else -1
            else:
                measured = bridging(measured, -1 if self._has_left(keys) else owed)
                self._owed[metric.name, arm] = 0
            found[metric.name] = measured
        return found

    def _measured(self, metric: Wanted, arm: Arm, keys: frozenset[str], pairs: Sequence[Pair]) -> Measured:
        if metric.histogram is None:
            bad = self._parts.keys(metric.name, arm, "bad")
            untold = None if bad else self._parts.why_untold(metric, arm)
            return counter_counts(pairs, CounterMetric(keys, bad, untold))
        return histogram_counts(pairs, keys, self._edges.get(metric.name, NO_EDGES))

    def _has_left(self, keys: frozenset[str]) -> bool:
        """Returns whether a target has gone with what it had counted, which those that are there do not make good."""
        return any(
            each.missed >= GONE
            and each.known is not None
            and not keys.isdisjoint((*each.known.values, *each.known.histograms))
            for each in self._sources
        )

    def _settle_edges(self) -> None:
        """Each histogram is read at edges that both arms have; settled as soon as the canary has it."""
        for metric in self._metrics:
            if metric.histogram is None or metric.name in self._settled:
                continue
            canary, baseline = (
                self._histograms(self._parts.keys(metric.name, arm, "histogram")) for arm in (Arm.CANARY, Arm.BASELINE)
            )
            if canary or baseline:
                self._edges[metric.name] = chosen(metric, shared_edges(canary, baseline))
            if canary:
                self._settled.add(metric.name)

    def _histograms(self, keys: frozenset[str]) -> list[Any]:
        return [
            each.known.histograms[key]
            for each in self._sources
            if each.known is not None
            for key in keys & each.known.histograms.keys()
        ]

    def _refuse(self) -> None:
        """What makes every count meaningless is refused."""
        shared = self._parts.shared
        if shared is not None:
            raise Overlap(shared, self._arms)
        for source in self._sources:
            if source.is_load_balanced:
                refusal = LoadBalanced(source.target)
                raise Hopeless(refusal.cause, refusal.remedy)

    # --- another run ---

    def state(self) -> dict[str, Any]:
        """Returns what a later reader needs to go on, as JSON builtins."""
        from readiness import wire

        return {
            "covered_s": self._covered_s,
            "owed": [[name, str(arm), owed] for (name, arm), owed in self._owed.items()],
            "edges": {
                name: [each.promote, each.rollback, each.is_exact]
                for name, each in self._edges.items()
                if name in self._settled
            },
            "known": {each.url: wire.to_builtins(each.known) for each in self._sources if each.known is not None},
        }

    def restore(self, state: dict[str, Any]) -> bool:
        """Returns whether it goes on from there: not after a long pause, nor where all of the canary is newer."""
        import msgspec

        covered_s = state["covered_s"]
        if covered_s is None or not 0 <= self._now() - covered_s <= LONGEST_PAUSE * self._interval_s:
            return False
        now_s = self._now()
        scrapes = [self._scrape(source, now_s) for source in self._sources]
        for source, scrape in zip(self._sources, scrapes, strict=True):
            if scrape is not None:
                self._parts.add(scrape)
                source.recent.append(scrape)
        if (started_s := self._oldest_start_s(scrapes)) is not None and started_s > covered_s:
            return False
        for source in self._sources:
            if source.url in state["known"]:
                source.known = msgspec.convert(state["known"][source.url], Scrape, strict=False)
                source.first_s = 0.0
                # One that does not answer any more is in the arm that it was in.
                self._parts.add(source.known)
                source.recent.appendleft(source.known)
        self._covered_s = covered_s
        self._owed = {(name, Arm(arm)): owed for name, arm, owed in state["owed"]}
        self._edges = {name: Edges(*each) for name, each in state["edges"].items()}
        self._settled = set(self._edges)
        return True


def _has(pair: Pair, keys: frozenset[str]) -> bool:
    """Returns whether a target has, or had, any of these series."""
    return any(
        scrape is not None and not keys.isdisjoint((*scrape.values, *scrape.histograms))
        for scrape in (pair.before, pair.after)
    )
