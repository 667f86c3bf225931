"""Critical alerts that fire, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from readiness.config.selectors import Selector
from readiness.rollout.interface import Alert
from readiness.rollout.recording import LOOKBACK_S
from readiness.rollout.window import Window

SHORTEST_S = 1800.0
"""So far back is read at least: where nobody says when the canary was deployed."""
LONGEST_S = 6 * 3600.0
"""So far back at most; what has fired for longer is not known to be younger than a deployment before that."""


def firing(window: Window, selector: Selector, deployed_s: float | None) -> tuple[Alert, ...]:
    """Returns the alerts that fire at the end of a window, each since when, as far back as to the deployment.

    Args:
        window: asks.
        selector: of critical alerts.
        deployed_s: when the canary was deployed; None where nobody says.
    """
    now = window.instant(str(selector))
    if not now:
        return ()
    past_s = 0.0 if deployed_s is None else window.end_s - deployed_s
    length_s = min(max(past_s, SHORTEST_S), LONGEST_S) + LOOKBACK_S
    times = {frozenset(each.labels.items()): each.times_s for each in window.past(selector, length_s)}
    first_s = window.end_s - length_s
    found = {
        Alert(
            each.labels.get("alertname", "an alert without a name"),
            _since(times.get(frozenset(each.labels.items()), ()), first_s),
        )
        for each in now
    }
    return tuple(sorted(found, key=lambda each: (each.name, each.since_s or 0.0)))


def _since(times_s: Sequence[float], first_s: float) -> float | None:
    """Returns since when it fires without a pause; None where that may be before what was read.

    A pause that Prometheus itself looks back over, such as a restart of it, is none.
    """
    starts = [late for early, late in pairwise((first_s, *times_s)) if late - early > LOOKBACK_S]
    return starts[-1] if starts else None
