"""Which series that was scraped is a part of which metric, in which arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from readiness.config.selectors import Matcher, parse_selector
from readiness.rollout.family import why_untold
from readiness.rollout.interface import Arm, Missing, Scrape
from readiness.rollout.samples import START_TIME
from readiness.rollout.source import Wanted

HISTOGRAM_PARTS = frozenset({"_bucket", "_count", "_created"})


class Parts:
    """Remembers for each series, by its text form, what it is a part of; each is looked at once.

    Args:
        metrics: what is counted.
        arms: the labels of each arm.
    """

    def __init__(self, metrics: Sequence[Wanted], arms: Mapping[Arm, Sequence[Matcher]]) -> None:
        self._metrics = metrics
        self._arms = arms
        self._places: dict[str, frozenset[tuple[str, Arm, str]]] = {}
        self.shared: str | None = None
        """A series that counts for both arms, if there is one."""
        self._labels: dict[str, frozenset[str]] = {}

    def wants(self, name: str) -> bool:
        """Returns whether samples of this name are looked at."""
        return name == START_TIME or any(_is_part(each, name) for each in self._metrics)

    def add(self, scrape: Scrape) -> None:
        """The series of the scrape are known."""
        for key in (*scrape.values, *scrape.histograms):
            if key not in self._places:
                self._note(key, is_histogram=key in scrape.histograms)

    def keys(self, metric: str, arm: Arm, part: str) -> frozenset[str]:
        """Returns the series of a part: `total`, `bad`, `histogram`, or `family`, which has the name of `bad`."""
        return frozenset(key for key, places in self._places.items() if (metric, arm, part) in places)

    def why_untold(self, metric: Wanted, arm: Arm) -> Missing | None:
        """Returns why no series of bad events does not mean that there are none."""
        assert metric.bad is not None  # noqa: S101 - the caller has looked; for the type checker
        return why_untold(metric.bad, (self._labels[key] for key in self.keys(metric.name, arm, "family")))

    def is_in(self, key: str, arm: Arm) -> bool:
        """Returns whether a series counts for an arm."""
        return any(place[1] is arm for place in self._places.get(key, ()))

    def _note(self, key: str, *, is_histogram: bool) -> None:
        series = parse_selector(key)
        labels = {each.label: each.value for each in series.matchers}
        self._labels[key] = frozenset(labels)
        self._places[key] = frozenset(self._places_of(series.name, labels, is_histogram=is_histogram))
        if len({arm for _, arm, part in self._places[key] if part != "family"}) > 1:
            self.shared = key

    def _places_of(self, name: str, labels: dict[str, str], *, is_histogram: bool) -> list[tuple[str, Arm, str]]:
        found = []
        for arm, matchers in self._arms.items():
            if not all(each.holds(labels.get(each.label, "")) for each in matchers):
                continue
            for metric in self._metrics:
                wanted = {"histogram": metric.histogram} if is_histogram else {"total": metric.total, "bad": metric.bad}
                for part, selector in wanted.items():
                    if selector is not None and selector.selects(name, labels):
                        found.append((metric.name, arm, part))
                if metric.bad is not None and not is_histogram and name == metric.bad.name:
                    found.append((metric.name, arm, "family"))
        return found


def _is_part(metric: Wanted, name: str) -> bool:
    if metric.histogram is not None:
        base = metric.histogram.name
        return name.startswith(base) and name.removeprefix(base) in HISTOGRAM_PARTS
    return any(
        each is not None and name in {each.name, f"{each.name.removesuffix('_total')}_created"}
        for each in (metric.total, metric.bad)
    )
