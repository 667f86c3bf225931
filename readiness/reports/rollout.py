"""The rollout in words: what each report and the live line say of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from readiness.reports.text import duration_text, one_line

Rollout: TypeAlias = Mapping[str, Any]
"""The part `rollout` of `report.json`; of a run that was cut short some of it may be missing."""

_WORDS = {
    "promote": "Promote: the canary may have more traffic.",
    "hold": "Hold: neither health nor harm is shown.",
    "rollback": "Roll back: the canary does harm.",
}
FLOOR, CEILING = 1e-3, 1e6
"""Of the evidence that is told apart: three hundred digits say no more than a million does."""
_REASONS = 12
_TEXT = 400


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
        metric = f"{one_line(str(each['metric']), 60)}: " if each.get("metric") else ""
        text = one_line(str(each["text"]), _TEXT).rstrip(".")
        lines.append(f"{metric}{text}." if metric else f"{text[:1].upper()}{text[1:]}.")
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
    return f"over {CEILING:,.0f}" if value > CEILING else f"below {FLOOR:g}" if value < FLOOR else f"{value:.3g}"


def live_line(rollout: Rollout, width: int = 0) -> str:
    """Returns what the terminal shows while the observation goes on.

    Args:
        rollout: as far as it has come.
        width: columns that there are; the metrics that are furthest give way where they are few. 0: as many as it takes.
    """
    metrics = sorted(rollout.get("metrics", ()), key=lambda each: float(each.get("promotion") or 0.0))
    most: Mapping[str, Any] = max(metrics, key=lambda each: int(each.get("canary_requests", 0)), default={})
    head = [
        f"rollout {rollout.get('stage', '')}: {rollout.get('action', '')} after {duration_text(float(rollout.get('elapsed_s', 0)))}",
        f"requests {most.get('canary_requests', 0):,} canary, {most.get('baseline_requests', 0):,} baseline",
        f"against {evidence_text(float(rollout.get('evidence', 1.0)))} of {float(rollout.get('threshold', 100.0)):g}",
    ]
    missing = [each for each in rollout.get("reasons", ()) if each.get("code") not in _SEEN_ALREADY]
    tail = []
    if missing and rollout.get("action") == "hold":
        tail.append(f"missing: {one_line(str(missing[-1]['text']), 60 if width else 120)}")
    shown = [_live_metric(each) for each in metrics]
    while width and shown and len(" | ".join([*head, *shown, *tail])) > width:
        shown.pop()
    return " | ".join([*head, *shown, *tail])


def _live_metric(metric: Mapping[str, Any]) -> str:
    promotion = metric.get("promotion")
    below = "" if promotion is None else f", below limit {evidence_text(float(promotion))} of 20"
    return f"{metric.get('name', '')} worse {evidence_text(float(metric.get('evidence', 1.0)))}{below}"


_SEEN_ALREADY = frozenset({"not-shown-to-be-below-limit"})
"""What the figures of the line say."""
