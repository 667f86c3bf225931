"""The stretch of time that one look reads from a Prometheus, as series of targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from readiness.config.selectors import Selector
from readiness.rollout.latencies import Reading, native_values
from readiness.rollout.prometheus_api import Found, PrometheusApi
from readiness.rollout.series import GONE, STALE, Series, Target
from readiness.rollout.source import Hopeless

REPLICA_LABELS = ("prometheus_replica", "replica", "__replica__", "receive_replica")
"""What tells the copies apart that several Prometheus have of one pod's series."""


class Window:
    """The stretch of time that one look reads."""

    def __init__(self, api: PrometheusApi, interval_s: float, start_s: float, end_s: float) -> None:
        self._api = api
        self.end_s = end_s
        # The sample before the first edge, and targets that are still being given up.
        self._length_s = end_s - start_s + (GONE + 1 + STALE) * interval_s

    def instant(self, expression: str) -> list[Found]:
        """Returns what an expression says at its end."""
        return self._api.query(expression, self.end_s)

    def raw(self, selector: Selector, name: str | None = None) -> list[Series]:
        """Returns the raw samples of a selector; `name` is what the series are called instead of their own."""
        found = self._api.query(f"{selector}[{round(self._length_s * 1000)}ms]", self.end_s)
        called = selector.name if name is None else name
        return [Series(target_of(each.labels), called, each.labels, each.times_s, each.values) for each in found]

    def past(self, selector: Selector, length_s: float) -> list[Found]:
        """Returns the raw samples of so long a time before its end."""
        return self._api.query(f"{selector}[{round(length_s * 1000)}ms]", self.end_s)

    def native(
        self, selector: Selector, reading: Reading, told: Callable[[list[Series]], list[Series]]
    ) -> tuple[list[Series], list[Series], list[Series]]:
        """Returns observations, and those faster than either edge, of a native histogram."""
        parts: tuple[list[Series], list[Series], list[Series]] = ([], [], [])
        for each in self._api.query(f"{selector}[{round(self._length_s * 1000)}ms]", self.end_s):
            for part, values in zip(parts, native_values(each.natives, reading.edges), strict=True):
                part.append(Series(target_of(each.labels), selector.name, each.labels, each.times_s, values))
        return told(parts[0]), told(parts[1]), told(parts[2])


def target_of(labels: Mapping[str, str]) -> Target:
    """Returns the pod that a series comes from: its instance, and its job where several scrape it."""
    instance = labels.get("instance") or labels.get("pod") or ""
    return f"{labels.get('job', '')}/{instance}"


def refuse_copies(series: Sequence[Series]) -> None:
    """Several Prometheus that scrape the same pods would have every request counted several times.

    Raises:
        Hopeless: a label says that this is so.
    """
    for label in REPLICA_LABELS:
        copies: dict[Target, str] = {}
        for each in series:
            value = each.labels.get(label)
            if value is not None and copies.setdefault(each.target, value) != value:
                raise Hopeless(
                    f"{each.target} is there once for each {label}, so that every request would be counted several times",
                    f'Name one of them in `canary` and `baseline`, such as {label}="{value}", or have them deduplicated.',
                )
