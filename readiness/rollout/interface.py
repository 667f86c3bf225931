"""What the readers hand to the judge, and what it answers with: samples and scrapes below, counts and looks above.

    Sample -> Scrape -> (deltas) -> Counts per target -> (samples) -> Counts per arm -> Interval -> Look -> Judge -> Action

Readers make `Scrape`s, or samples of a range selector; `deltas` and `samples` turn them into integers; the judge sees
only `Look`s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""Label names and values, sorted by name, without `__name__`."""


class Action(StrEnum):
    """What to do with the canary now."""

    PROMOTE = "promote"
    HOLD = "hold"
    ROLLBACK = "rollback"


class Arm(StrEnum):
    """The two releases that run side by side."""

    CANARY = "canary"
    BASELINE = "baseline"


class Mark(StrEnum):
    """What is known about the quality of a count."""

    RESET = "reset"
    """The process has restarted: the count is a lower bound."""
    NEW = "new"
    """A series was first seen and counted from zero."""
    UNKNOWN = "unknown"
    """A series was first seen, and how much of it belongs to this interval is unknown: it was left out."""
    ABSENT = "absent"
    """Its targets answered and have no series of it: nothing was counted yet. Most counters come with their first event."""
    LOST = "lost"
    """A series or a target has gone, with what it counted since its last scrape."""
    BRIDGED = "bridged"
    """A scrape was missed; the next one counted both intervals."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one series, as a line of `/metrics` or a pair of a Prometheus matrix says it."""

    name: str
    """The metric's name with its suffix, such as `api_requests_total` or `latency_seconds_bucket`."""
    labels: Labels
    value: float
    timestamp_s: float
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """One histogram at one moment: cumulative counts at its edges."""

    edges: tuple[float, ...]
    """Upper edges, rising; the last may be infinity."""
    cumulative: tuple[float, ...]
    """How many observations were at most the edge."""
    count: float
    """`_count`; decides resets for the whole histogram."""


@dataclass(frozen=True, slots=True)
class Scrape:
    """What one target said at one moment."""

    target: str
    """The pod's own address or instance label; never that of a load balancer."""
    time_s: float
    values: Mapping[str, float]
    """Series to value. The key is the series' text form `name{a="b"}`, see `samples.series_key`."""
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    """Series without `le` to histogram, keyed by the base name: `latency_seconds{endpoint="/x"}`."""
    started_s: float | None = None
    """`process_start_time_seconds`; None where the target does not say."""
    created_s: Mapping[str, float] = field(default_factory=dict)
    """Series to its `_created` time, for those that have one."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Events of one metric in one arm during one interval; integers only."""

    requests: int
    bad: int
    """Those that promotion and the comparison of the arms count."""
    severe: int | None = None
    """Those that the rollback rule counts, where it has another edge than promotion; None: the same as `bad`."""
    covers: int = 1
    """How many intervals these events come from: this one, and those before it that were `Missing` and are made good."""
    lost: int = 0
    """Upper estimate of requests whose outcome will never be known. They never count as good: they block promotion."""
    marks: tuple[Mark, ...] = ()

    def __post_init__(self) -> None:
        severe = self.bad if self.severe is None else self.severe
        if not (0 <= self.bad <= self.requests and 0 <= severe <= self.requests and self.covers >= 1 <= self.lost + 1):
            raise ValueError(
                f"impossible counts: {self.requests} requests, {self.bad} bad, {severe} severe, {self.lost} lost"
            )


@dataclass(frozen=True, slots=True)
class Missing:
    """A metric of an arm was not measured in an interval. Absence of evidence is never evidence."""

    reason: str
    """What was seen: `no series of 'api_errors_total' in the canary`, `NaN`, `several series without an aggregation`."""
    remedy: str = ""


Measured: TypeAlias = Counts | Missing


@dataclass(frozen=True, slots=True)
class Interval:
    """One scrape interval: what each arm counted between two moments."""

    start_s: float
    end_s: float
    canary: Mapping[str, Measured]
    """Metric to counts. A metric that is not in it is missing."""
    baseline: Mapping[str, Measured]


@dataclass(frozen=True, slots=True)
class Targets:
    """How many targets of an arm answered."""

    up: int
    known: int
    """Those that should answer; pods that were removed on purpose are not among them. 0: the arm is absent."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A critical alert that fires."""

    name: str
    since_s: float | None = None
    """Since when, without a pause; None where that is not known: since before what was read."""


@dataclass(frozen=True, slots=True)
class Look:
    """All that is new since the last look."""

    time_s: float
    stage: float
    """The canary's share of the traffic, 0 to 1."""
    intervals: tuple[Interval, ...] = ()
    """In order, without overlap. Several where an earlier look could not read them: a reader that can fetch them later does."""
    canary: Targets = Targets(1, 1)
    baseline: Targets = Targets(1, 1)
    unreadable: str | None = None
    """Why nothing could be read: Prometheus unreachable, a 5xx, warnings. Then the counts of this look are ignored."""
    alerts: tuple[Alert, ...] | None = ()
    """Critical alerts that fire now; None where they are judged by and could not be read."""
    deployed_s: float | None = None
    """When the canary was deployed: the earliest start of its processes; None where they do not say."""
    absent: Mapping[Arm, Mapping[str, str]] = field(default_factory=dict)
    """Metric to the selector of its requests, for those of which the targets of an arm answer and have no series."""
    unassigned: tuple[str, ...] = ()
    """Addresses that do not answer, and of which nobody knows which arm they are in."""
