"""What one arm says of a metric in a window of time, as a Prometheus is asked for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from readiness.config.selectors import Matcher, Selector
from readiness.rollout.family import why_untold
from readiness.rollout.interface import Arm, Missing
from readiness.rollout.latencies import Reading, selector_at
from readiness.rollout.series import Series, Target
from readiness.rollout.source import Overlap, Wanted
from readiness.rollout.timeline import CounterHistory, HistogramHistory, History
from readiness.rollout.window import Window, refuse_copies

Reads: TypeAlias = Mapping[Arm, Mapping[str, History]]
"""What each arm says of each metric."""


def refuse_overlap(reads: Reads, arms: Mapping[Arm, Sequence[Matcher]]) -> None:
    """A series that is in both arms would be compared with itself.

    Raises:
        Overlap: there is one.
    """
    canary, baseline = (_by_target(reads.get(arm, {}).values()) for arm in (Arm.CANARY, Arm.BASELINE))
    for target in canary.keys() & baseline.keys():
        counted = {frozenset(each.labels.items()) for each in canary[target]}
        for each in baseline[target]:
            if frozenset(each.labels.items()) in counted:
                raise Overlap(each.key, arms)


def _by_target(histories: Iterable[History]) -> dict[Target, list[Series]]:
    found: dict[Target, list[Series]] = defaultdict(list)
    for history in histories:
        for group in history.groups:
            for each in group:
                found[each.target].append(each)
    return found


@dataclass(frozen=True, slots=True)
class ArmQuery:
    """Asks for the series of one arm."""

    window: Window
    matchers: Sequence[Matcher]
    """The labels of the arm."""
    starts: Mapping[Target, Series]
    """Process start times of its targets."""
    warm: Callable[[Iterable[Series]], list[Series]]
    """Returns what was sampled after the targets' warm-up."""

    def history(self, wanted: Wanted, reading: Reading | None) -> CounterHistory | HistogramHistory:
        """Returns what the arm says of a metric; `reading` is how its histogram is read."""
        if wanted.total is not None and wanted.bad is not None:
            total = self._raw(wanted.total)
            bad = self._raw(wanted.bad)
            untold = None if bad or not total else self._untold(wanted.bad, total)
            return CounterHistory(total, bad, untold, self.starts)
        assert wanted.histogram is not None  # noqa: S101 - it has one or the other; for the type checker
        assert reading is not None  # noqa: S101 - every histogram has one; for the type checker
        if reading.is_native:
            parts = self.window.native(wanted.histogram.narrowed(self.matchers), reading, self._told)
            return HistogramHistory(*parts, reading.edges, self.starts)
        name = wanted.histogram.name
        count = self._raw(wanted.histogram.renamed(f"{name}_count"), name)
        promote = self._raw(selector_at(wanted.histogram, reading.promote_les), name)
        rollback = promote
        if reading.rollback_les != reading.promote_les:
            rollback = self._raw(selector_at(wanted.histogram, reading.rollback_les), name)
        return HistogramHistory(count, promote, rollback, reading.edges, self.starts)

    def _raw(self, selector: Selector, name: str | None = None) -> list[Series]:
        return self._told(self.window.raw(selector.narrowed(self.matchers), name))

    def _told(self, found: list[Series]) -> list[Series]:
        refuse_copies(found)
        return self.warm(found)

    def _untold(self, bad: Selector, total: Sequence[Series]) -> Missing | None:
        """Returns why no series of bad events does not mean that there are none; what was read is not asked for again."""
        if total[0].name == bad.name and why_untold(bad, (each.labels for each in total)) is None:
            return None
        found = self.window.instant(str(Selector(bad.name, tuple(self.matchers))))
        return why_untold(bad, (each.labels for each in found))
