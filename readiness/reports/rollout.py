"""The rollout in words: what each report and the live line say of it."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from readiness.reports.text import duration_text, one_line

Rollout: TypeAlias = Mapping[str, Any]
"""The part `rollout` of `report.json`; of a run that was cut short some of it may be missing."""

GATE = "rollout"

_WORDS = {
    "promote": "Promote: the canary may have more traffic.",
    "hold": "Hold: neither health nor harm is shown.",
    "rollback": "Roll back: the canary does harm.",
}
FLOOR, CEILING = 1e-3, 1e6
"""Of the evidence that is told apart: three hundred digits say no more than a million does."""
_WHOLE = 1000.0
"""From here on nobody needs what comes after the point."""
_REASONS = 12
_TEXT = 400
_LIVE_LINES = 4
_LIVE_TEXT = 130
"""Columns of what is missing where there is no width to keep to."""
_SHORTEST = 10
_BETWEEN = " | "


def headline(rollout: Rollout) -> str:
    """Returns stage and action in one sentence."""
    action = str(rollout.get("action", ""))
    return f"Stage {one_line(str(rollout.get('stage', '?')), 20)}. {_WORDS.get(action, one_line(action, 40))}"


def sentences(rollout: Rollout) -> list[str]:
    """Returns why, in words: the headline first, then what was observed, then each reason."""
    lines = [headline(rollout)]
    elapsed = rollout.get("elapsed_s")
    if elapsed is not None:
        ended = one_line(str(rollout.get("ended") or "it was cut short"), 200)
        lines.append(
            f"Observed for {duration_text(float(elapsed))} in {rollout.get('scrapes', 0)} scrapes, until {ended}."
        )
    if rollout.get("continues"):
        lines.append(f"It {one_line(str(rollout['continues']), 200)}.")
    reasons = list(rollout.get("reasons", ()))
    for each in reasons[:_REASONS]:
        text = _reason_text(each)
        lines.append(f"{text}." if each.get("metric") else f"{text[:1].upper()}{text[1:]}.")
    if len(reasons) > _REASONS:
        lines.append(f"And {len(reasons) - _REASONS} more in report.json.")
    return lines


def metric_text(metric: Mapping[str, Any]) -> str:
    """Returns one metric's state in words."""
    parts = []
    for arm in ("canary", "baseline"):
        requests, bad = metric.get(f"{arm}_requests", 0), metric.get(f"{arm}_bad", 0)
        share = f" ({share_text(bad / requests)})" if requests else ""
        parts.append(f"{arm} {bad:,} of {requests:,} {metric.get('kind', 'bad')}{share}")
    return "; ".join(parts)


def share_text(share: float) -> str:
    """Returns a share in percent, with the digits that it needs."""
    return f"{share * 100:.3g} %"


def evidence_text(value: float) -> str:
    """Returns evidence with the digits that mean something."""
    return f"over {CEILING:,.0f}" if value > CEILING else f"below {FLOOR:g}" if value < FLOOR else _digits(value)


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= _WHOLE else f"{value:.3g}"


def live_line(rollout: Rollout) -> str:
    """Returns all that is said while the observation goes on, where a line may be as long as it takes."""
    head, metrics, tail = _live_parts(rollout)
    return _BETWEEN.join([*head, *metrics, *tail])


def live_lines(rollout: Rollout, width: int) -> list[str]:
    """Returns the same for a terminal: a few lines, none longer than `width`.

    Parts are left out where they do not fit, and never cut: half a number is another one. How much else is missing
    gives way first, then the metrics, those that are nearest to promotion before the others.
    """
    head, metrics, tail = _live_parts(rollout, width)
    metrics = [each for each in metrics if len(each) <= width]
    while len(lines := _filled([*head, *metrics, *tail], width)) > _LIVE_LINES:
        if len(tail) > 1 or not metrics:
            tail.pop()
        else:
            metrics.pop()
    return lines


def _live_parts(rollout: Rollout, width: int = _LIVE_TEXT) -> tuple[list[str], list[str], list[str]]:
    """Returns what is always said, then the metrics that are furthest from promotion first, then what is missing."""
    metrics = sorted(rollout.get("metrics", ()), key=_promotion)
    most: Mapping[str, Any] = max(metrics, key=lambda each: int(each.get("canary_requests", 0)), default={})
    elapsed = duration_text(float(rollout.get("elapsed_s", 0)))
    evidence, threshold = float(rollout.get("evidence", 1.0)), float(rollout.get("threshold", 100.0))
    head = [
        f"rollout {rollout.get('stage', '')}: {rollout.get('action', '')} after {elapsed}",
        f"worse {_figure(evidence)} of {threshold:g}",
        f"requests {most.get('canary_requests', 0):,} canary, {most.get('baseline_requests', 0):,} baseline",
    ]
    return head, [_live_metric(each) for each in metrics], _live_missing(rollout, width)


def _promotion(metric: Mapping[str, Any]) -> float:
    found = metric.get("promotion")
    return math.inf if found is None else float(found)


def _live_metric(metric: Mapping[str, Any]) -> str:
    below = "" if metric.get("promotion") is None else f", below limit {_figure(_promotion(metric))} of 20"
    return f"{one_line(str(metric.get('name', '')))} worse {_figure(float(metric.get('evidence', 1.0)))}{below}"


def _live_missing(rollout: Rollout, width: int) -> list[str]:
    """Returns the first thing that is missing besides evidence, cut between words, and how many more there are."""
    missing = [each for each in rollout.get("reasons", ()) if each.get("code") not in _SEEN_ALREADY]
    if not missing or rollout.get("action") != "hold":
        return []
    missing.sort(key=lambda each: each.get("code") in _PASSES)
    text = textwrap.shorten(f"missing: {_reason_text(missing[0])}", max(width, _SHORTEST), placeholder=" …")
    return [text, f"and {len(missing) - 1} more"] if len(missing) > 1 else [text]


def _reason_text(reason: Mapping[str, Any]) -> str:
    metric = f"{one_line(str(reason['metric']), 60)}: " if reason.get("metric") else ""
    return f"{metric}{one_line(str(reason['text']), _TEXT).rstrip('.')}"


def _figure(evidence: float) -> str:
    return f">{CEILING:,.0f}" if evidence > CEILING else f"<{FLOOR:g}" if evidence < FLOOR else _digits(evidence)


def _filled(parts: Sequence[str], width: int) -> list[str]:
    """Returns lines of as many parts as fit beside each other, in their order; a part that fits into none is left out."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(_BETWEEN) + len(part) <= width:
            lines[-1] += _BETWEEN + part
        elif len(part) <= width:
            lines.append(part)
    return lines


_SEEN_ALREADY = frozenset({"not-shown-to-be-below-limit", "inconclusive"})
"""What the figures of the line say, and what says nothing that is missing."""
_PASSES = frozenset({"rule-unknown"})
"""What the first minutes bring with them."""
