"""The rollout as the page shows it: words, a table, and plots as coordinates; the template places them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from readiness.reports.html.page import Status
from readiness.reports.rollout import CEILING, FLOOR, Rollout, evidence_text, headline, sentences, share_text
from readiness.reports.text import one_line, value_text

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 28
DRAWN = 300
"""Points of a line; more are not seen."""
PLOTTED = 12
"""Metrics with plots; the others are in the table."""
_TICKS = 6
_ABOVE = 0.1
"""Room above the threshold for its label, in powers of ten."""
SHOWS = 20.0
"""Evidence that promotes."""
_TONES = {"promote": "good", "hold": "warn", "rollback": "bad"}


class Line(NamedTuple):
    """One line of a plot."""

    points: str
    """As `points` of an SVG polyline wants them."""
    style: int
    """Number of its colour and dashes."""
    label: str


class Mark(NamedTuple):
    """A limit or a tick: a height or a place, and what it says."""

    at: float
    label: str
    is_left: bool = False
    """Whether a limit says it at its left end, so that two labels do not meet."""


class Plot(NamedTuple):
    """One plot."""

    anchor: str
    title: str
    description: str
    """What it shows, in words, for who cannot see it."""
    lines: tuple[Line, ...]
    limits: tuple[Mark, ...]
    heights: tuple[Mark, ...]
    moments: tuple[Mark, ...]


class MetricRow(NamedTuple):
    """One metric of the table."""

    name: str
    canary: str
    baseline: str
    against: str
    below: str
    missing: str


class RolloutPart(NamedTuple):
    """All that the template needs."""

    status: Status
    headline: str
    sentences: tuple[str, ...]
    metrics: tuple[MetricRow, ...]
    plots: tuple[Plot, ...]


def rollout_part(rollout: Rollout | None) -> RolloutPart | None:
    """Returns the rollout's part of the page; None where none ran."""
    if rollout is None:
        return None
    action = str(rollout.get("action", "hold"))
    metrics = list(rollout.get("metrics", ()))
    return RolloutPart(
        Status(one_line(action, 20), _TONES.get(action, "warn")),
        headline(rollout),
        tuple(sentences(rollout)[1:]),
        tuple(_row(each) for each in metrics),
        tuple(_plots(rollout, metrics)),
    )


def _row(metric: Mapping[str, Any]) -> MetricRow:
    promotion = metric.get("promotion")
    return MetricRow(
        one_line(str(metric.get("name", "")), 60),
        _share(metric, "canary"),
        _share(metric, "baseline"),
        evidence_text(float(metric.get("evidence", 1.0))),
        "no limit" if promotion is None else evidence_text(float(promotion)),
        one_line(str(metric.get("missing", "")), 300),
    )


def _share(metric: Mapping[str, Any], arm: str) -> str:
    requests, bad = int(metric.get(f"{arm}_requests", 0)), int(metric.get(f"{arm}_bad", 0))
    return f"{share_text(bad / requests)} ({bad:,} of {requests:,})" if requests else "no requests"


def _plots(rollout: Rollout, metrics: Sequence[Mapping[str, Any]]) -> list[Plot]:
    points = _thinned(list(rollout.get("trajectory", ())))
    if len(points) < 2:  # noqa: PLR2004 - a line has two ends
        return []
    names = [str(each.get("name", "")) for each in metrics][:PLOTTED]
    threshold = float(rollout.get("threshold", 100.0))
    series = {"all metrics": [float(each["evidence"]) for each in points]}
    if len(names) > 1:
        series |= {name: _values(points, name, "evidence") for name in names}
    words = f"It rolls back at {value_text(threshold)}."
    title = "Evidence that the canary is worse"
    plots = [_evidence(("rollout_against", title, words), points, series, threshold)]
    below = {name: _values(points, name, "promotion") for name in names if _is_promoted(metrics, name)}
    if below:
        words = f"Each has to reach {SHOWS:g} to promote."
        title = "Evidence that it is below its limit"
        plots.append(_evidence(("rollout_below", title, words), points, below, SHOWS))
    for number, metric in enumerate(metrics[:PLOTTED]):
        plots.append(_shares(f"rollout_share_{number}", metric, points))
    return plots


def _is_promoted(metrics: Sequence[Mapping[str, Any]], name: str) -> bool:
    return any(each.get("name") == name and each.get("promotion") is not None for each in metrics)


def _thinned(points: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    step = max(1, math.ceil(len(points) / DRAWN))
    return [*points[:-1:step], points[-1]] if points else []


def _of(point: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next((each for each in point["metrics"] if each["name"] == name), {})
    return found


def _values(points: Sequence[Mapping[str, Any]], name: str, key: str) -> list[float]:
    found = (_of(point, name).get(key) for point in points)
    return [1.0 if each is None else float(each) for each in found]  # 1 says nothing, 0 a lot


def _evidence(
    called: tuple[str, str, str],
    points: Sequence[Mapping[str, Any]],
    series: Mapping[str, Sequence[float]],
    threshold: float,
) -> Plot:
    anchor, title, words = called
    clipped = {name: [math.log10(min(max(each, FLOOR), CEILING)) for each in values] for name, values in series.items()}
    low = math.floor(min(0.0, *(min(each) for each in clipped.values())))
    high = math.ceil(max(math.log10(threshold) + _ABOVE, *(max(each) for each in clipped.values())))
    last = "; ".join(f"{name} ends at {evidence_text(values[-1])}" for name, values in series.items())
    heights = tuple(
        Mark(_height(power, low, high), _power_text(power))
        for power in range(low, high + 1)
        if (high - low) <= 6 or (power - low) % 2 == 0  # noqa: PLR2004 - more labels would touch
    )
    return Plot(
        anchor,
        title,
        f"{title} over time, on a logarithmic scale. {words} {last}.",
        _lines(points, clipped, low, high),
        (Mark(_height(math.log10(threshold), low, high), value_text(threshold)),),
        heights,
        _moments(points),
    )


def _shares(anchor: str, metric: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> Plot:
    name = one_line(str(metric.get("name", "")), 60)
    series: dict[str, list[float]] = {"canary": [], "baseline": []}
    for point in points:
        for arm, values in series.items():
            requests, bad = _of(point, str(metric.get("name", ""))).get(arm, (0, 0))
            values.append(100 * bad / requests if requests else 0.0)
    limits = {
        "to promote": metric.get("promote_below"),
        "to roll back": metric.get("rollback_above"),
    }
    known = {words: 100 * float(each) for words, each in limits.items() if each is not None}
    high = 1.15 * max(1e-6, *known.values(), *(max(each) for each in series.values()))
    what = "slow" if metric.get("kind") == "slow" else "bad"
    last = "; ".join(f"{arm} ends at {values[-1]:.3g} %" for arm, values in series.items())
    said = ", ".join(f"{words} {each:.3g} %" for words, each in known.items())
    return Plot(
        anchor,
        f"{name}: share of {what} requests",
        f"Share of {what} requests of each arm since the stage began. {last}. Limits: {said or 'none'}.",
        _lines(points, series, 0.0, high),
        tuple(
            Mark(_height(each, 0.0, high), f"{words} {each:.3g} %", is_left=words == "to promote")
            for words, each in known.items()
        ),
        tuple(Mark(_height(each, 0.0, high), f"{each:g} %") for each in _ticks(high)),
        _moments(points),
    )


def _power_text(power: int) -> str:
    """Returns a power of ten in five characters at most, which is the room beside a plot on a telephone."""
    thousands = max(0, power // 3)
    return f"{10.0 ** (power - 3 * thousands):g}{('', 'k', 'M')[thousands]}"


def _ticks(high: float) -> list[float]:
    """Returns three to six round numbers from 0 up to `high`."""
    power = 10.0 ** math.floor(math.log10(high))
    step = next(each * power for each in (0.2, 0.5, 1.0, 2.0) if high / (each * power) < _TICKS)
    return [float(f"{number * step:.6g}") for number in range(math.floor(high / step) + 1)]


def _lines(
    points: Sequence[Mapping[str, Any]], series: Mapping[str, Sequence[float]], low: float, high: float
) -> tuple[Line, ...]:
    found = []
    for number, (name, values) in enumerate(series.items()):
        places = zip((_place(points, each) for each in points), values, strict=True)
        text = " ".join(f"{x:.1f},{_height(value, low, high):.1f}" for x, value in places)
        found.append(Line(text, number % 6, one_line(name, 60)))
    return tuple(found)


def _place(points: Sequence[Mapping[str, Any]], point: Mapping[str, Any]) -> float:
    first, last = float(points[0]["time_s"]), float(points[-1]["time_s"])
    return LEFT + (WIDTH - LEFT - RIGHT) * (float(point["time_s"]) - first) / max(last - first, 1e-9)


def _height(value: float, low: float, high: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / max(high - low, 1e-9), 1)


def _moments(points: Sequence[Mapping[str, Any]]) -> tuple[Mark, ...]:
    marks = []
    for point in (points[0], points[len(points) // 2], points[-1]):
        moment = dt.datetime.fromtimestamp(float(point["time_s"]), dt.UTC)
        marks.append(Mark(round(_place(points, point), 1), moment.strftime("%H:%M:%S")))
    return tuple(marks)
