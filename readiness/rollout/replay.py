"""A Prometheus whose time is another one: the past of a real one, or a recording, asked as if it were now."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from readiness.config.selectors import Selector, parse_selector
from readiness.errors import NotMeasured, ReadinessError
from readiness.rollout.alerts import LONGEST_S
from readiness.rollout.interface import Arm
from readiness.rollout.prometheus import Wish
from readiness.rollout.prometheus_api import Found, PrometheusApi
from readiness.rollout.recording import LOOKBACK_S, Recording
from readiness.rollout.samples import START_TIME
from readiness.rollout.series import GONE, STALE
from readiness.rollout.source import Answer

CHUNK = 60
"""Intervals that are asked for at once."""
_RANGE = re.compile(r"(.*)\[(\d+)(ms|s|m)\]", re.DOTALL)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_COUNT = re.compile(r"count (by \(le\) )?\((.*)\)|count\((.*)\)", re.DOTALL)


class PastUnreadableError(ReadinessError):
    """The past could not be read. It is nothing that the judge would have seen, so that it ends the backtest."""


class Moment:
    """The time of a replay: it stands still until it is moved."""

    def __init__(self, now_s: float, step_s: float = 0.0) -> None:
        self.now_s = now_s
        self._step_s = step_s

    def clock(self) -> float:
        """Returns it, for what wants a clock."""
        return self.now_s

    def move(self, by_s: float) -> None:
        """It is later by so much, and by no less than a step."""
        self.now_s += max(by_s, self._step_s, 1e-3)


class PastApi(PrometheusApi):
    """The past of a Prometheus. Raw samples are fetched for many looks at once; all else is asked as it is.

    Args:
        live: the Prometheus.
        moment: the time of the replay.
        interval_s: between two scrapes.
        end_s: nothing after it is asked.
    """

    def __init__(self, live: PrometheusApi, moment: Moment, interval_s: float, end_s: float) -> None:
        super().__init__(live.http)
        self._live = live
        self._moment = moment
        self._chunk_s = CHUNK * interval_s
        self._end_s = end_s
        self._chunks: dict[str, tuple[float, float, list[Found]]] = {}

    def now_s(self) -> float:
        """Returns the time of the replay."""
        return self._moment.now_s

    def query(self, expression: str, time_s: float | None) -> list[Found]:
        """Returns what Prometheus would have answered then.

        Raises:
            PastUnreadableError: it does not answer now.
        """
        at_s = self._moment.now_s if time_s is None else time_s
        ranged = _RANGE.fullmatch(expression)
        if ranged is None:
            return self._ask(expression, at_s)
        text, start_s = ranged[1], at_s - float(ranged[2]) * _UNITS[ranged[3]]
        from_s, to_s, found = self._chunks.get(text, (0.0, 0.0, []))
        if not (from_s <= start_s and at_s <= to_s):
            from_s, to_s = start_s - 1e-3, max(at_s, min(at_s + self._chunk_s, self._end_s))
            found = self._ask(f"{text}[{round((to_s - from_s) * 1000)}ms]", to_s)
            self._chunks[text] = (from_s, to_s, found)
        return [cut for each in found if (cut := _cut(each, start_s, at_s)) is not None]

    def _ask(self, expression: str, time_s: float) -> list[Found]:
        try:
            return self._live.query(expression, time_s)
        except NotMeasured as error:
            raise PastUnreadableError(f"the past could not be read: {error.cause}", error.remedy) from None


def _cut(found: Found, start_s: float, end_s: float) -> Found | None:
    first, last = bisect_left(found.times_s, start_s), bisect_right(found.times_s, end_s)
    if first >= last:
        return None
    cut = slice(first, last)
    return Found(found.labels, found.times_s[cut], found.values[cut], found.natives[cut])


class RecordedApi(PrometheusApi):
    """A recording that answers as a Prometheus does, as far as the judge asks.

    Args:
        recording: what is known.
        moment: the time of the replay.
    """

    def __init__(self, recording: Recording, moment: Moment) -> None:
        super().__init__(_NoHttp())
        self._recording = recording
        self._moment = moment

    def now_s(self) -> float:
        """Returns the time of the replay."""
        return self._moment.now_s

    def query(self, expression: str, time_s: float | None) -> list[Found]:
        """Returns what Prometheus would have answered then."""
        at_s = self._moment.now_s if time_s is None else time_s
        ranged = _RANGE.fullmatch(expression)
        if ranged is not None:
            start_s = at_s - float(ranged[2]) * _UNITS[ranged[3]]
            kept = self._recording.select(parse_selector(ranged[1]))
            return [cut for each in kept if (cut := each.between(start_s, at_s)) is not None]
        counted = _COUNT.fullmatch(expression)
        if counted is None:
            return [Found(labels, (at_s,), (value,)) for labels, value in self._recording.instant(expression, at_s)]
        found = self._recording.instant(counted[2] or counted[3], at_s)
        if counted[1]:
            by_edge = Counter(labels.get("le", "") for labels, _ in found)
            return [Found({"le": edge}, (at_s,), (float(count),)) for edge, count in by_edge.items()]
        return [Found({}, (at_s,), (float(len(found)),))] if found else []


class _NoHttp:
    """Nothing is asked."""

    address = "the recording"
    header_names = ()

    def request(
        self,
        method: str,
        path: str,
        *,
        form: Mapping[str, str] | None = None,  # noqa: ARG002 - the form of `Http`
        headers: Mapping[str, str] | None = None,  # noqa: ARG002 - the form of `Http`
        timeout_s: float | None = None,  # noqa: ARG002 - the form of `Http`
    ) -> Answer:
        """Raises, since a recording asks nobody."""
        raise AssertionError(f"{method} {path}: a recording asks nobody")

    def close(self) -> None:
        """There is nothing to close."""


# --- recording ------------------------------------------------------------------------------------------------------


def selectors_of(wish: Wish) -> list[Selector]:
    """Returns what a recording has to hold for a rollout."""
    found = [] if wish.alerts is None else [wish.alerts]
    for matchers in (wish.arms[arm] for arm in Arm if arm in wish.arms):
        found += [wish.up.narrowed(matchers), Selector(START_TIME, tuple(matchers))]
        for each in wish.metrics:
            if each.total is not None and each.bad is not None:
                found += [each.total.narrowed(matchers), each.bad.narrowed(matchers)]
                if each.bad.name != each.total.name:  # whether there is any such counter
                    found.append(Selector(each.bad.name, tuple(matchers)))
            elif each.histogram is not None:
                names = (f"{each.histogram.name}_bucket", f"{each.histogram.name}_count", each.histogram.name)
                found += [each.histogram.narrowed(matchers).renamed(name) for name in names]
    return list({str(each): each for each in found}.values())


def fetch(live: PrometheusApi, wish: Wish, start_s: float, end_s: float) -> Iterator[Found]:
    """Yields every raw sample that a backtest of that time reads, chunk by chunk; no sample of a series twice.

    Raises:
        PastUnreadableError: Prometheus does not answer.
    """
    at_s = start_s - (GONE + 2 + STALE) * wish.interval_s
    while at_s < end_s:
        to_s = min(at_s + CHUNK * wish.interval_s, end_s)
        seen: set[tuple[tuple[str, str], ...]] = set()
        for selector in selectors_of(wish):
            # Since when an alert fires matters, however long before.
            from_s = at_s - (LONGEST_S + LOOKBACK_S if selector is wish.alerts and at_s < start_s else 0.0)
            try:
                found = live.query(f"{selector}[{round((to_s - from_s) * 1000)}ms]", to_s)
            except NotMeasured as error:
                raise PastUnreadableError(f"the past could not be read: {error.cause}", error.remedy) from None
            yield from _not_seen(found, seen)
        at_s = to_s


def _not_seen(found: Iterable[Found], seen: set[tuple[tuple[str, str], ...]]) -> Iterator[Found]:
    for each in found:
        key = tuple(sorted(each.labels.items()))
        if key not in seen:
            seen.add(key)
            yield each
