"""The absolute rules of the runbooks: "a bad share above T for d", a canary that is down, critical alerts.

"Bad fraction above T for d" fires when all hold: the pooled share over d is above T; at least 80 % of the scrapes of d
are there; at least 10 requests; and P(Bin(n, T/2) >= k) is at most `SURE`, so that a handful of requests at half the
limit do not fire it. It must hold without the two worst intervals too: "for d" is no spike. A gap does not restart its
clock. Where the baseline is ill too, or too little is known of it to tell, it is a shared incident.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self, TypeAlias

SPIKE = 2
"""Intervals that a spike as long as one of them falls into."""
COVERAGE = 0.8
"""Share of a window's scrapes that must be there."""
FEWEST_REQUESTS = 10
SURE = 0.01
"""Largest chance of as many bad events at half the limit."""
APART = 0.001
"""Largest chance of the canary's part of all bad events, were they spread like the requests, to blame the canary alone."""
DOWN_SCRAPES = 3
DOWN_S = 60.0
ALERT_S = 600.0
"""Critical alerts roll back in the first 10 minutes after the deployment."""


class RuleState(StrEnum):
    """What a rule says now."""

    QUIET = "quiet"
    FIRING = "firing"
    UNKNOWN = "unknown"
    """Too few scrapes in its window: it does not fire, and blocks promotion."""
    SHARED = "shared-incident"
    """It would fire, and the baseline is ill too."""


def binomial_tail(n: int, p: float, k: int) -> float:
    """Returns P(Bin(n, p) >= k), to about 1e-9 relative.

    The terms are summed from the one next to the mean's side outward until they no longer count, about the square
    root of n of them.
    """
    if k <= 0:
        return 1.0
    if k > n or p <= 0:
        return 0.0
    if p >= 1:
        return 1.0
    if k > n * p:
        return min(1.0, _terms(n, p, k, upward=True))
    return max(0.0, 1.0 - _terms(n, p, k - 1, upward=False))


def _terms(n: int, p: float, start: int, *, upward: bool) -> float:
    log = math.lgamma(n + 1) - math.lgamma(start + 1) - math.lgamma(n - start + 1)
    term = math.exp(log + start * math.log(p) + (n - start) * math.log1p(-p))
    odds, total, at = p / (1 - p), 0.0, start
    while term > total * 1e-17:
        total += term
        if upward:
            term *= (n - at) / (at + 1) * odds
            at += 1
        else:
            term *= at / ((n - at + 1) * odds)
            at -= 1
    return total


def breaches(n: int, k: int, limit: float) -> bool:
    """Returns whether a share is above half the limit beyond chance, from enough requests."""
    return n >= FEWEST_REQUESTS and binomial_tail(n, limit / 2, k) <= SURE


Part: TypeAlias = tuple[int, int]
"""Requests and bad ones of an arm in an interval."""


class Window:
    """Requests and bad ones of both arms in the last `length_s`, interval by interval."""

    __slots__ = (
        "baseline_bad",
        "baseline_requests",
        "canary_bad",
        "canary_requests",
        "intervals",
        "length_s",
        "scrapes",
    )

    def __init__(self, length_s: float) -> None:
        self.length_s = length_s
        self.intervals: deque[tuple[float, Part | None, Part]] = deque()
        self.scrapes = self.canary_requests = self.canary_bad = self.baseline_requests = self.baseline_bad = 0

    def add(self, end_s: float, canary: Part | None, baseline: Part | None) -> None:
        """The interval that ended then is in it, and what is too old is out; None for an arm that was not measured."""
        self.intervals.append((end_s, canary, baseline or (0, 0)))
        self._sum(canary, baseline or (0, 0), 1)
        start_s = end_s - self.length_s + 1e-6
        while self.intervals[0][0] <= start_s:
            _, old_canary, old_baseline = self.intervals.popleft()
            self._sum(old_canary, old_baseline, -1)

    def _sum(self, canary: Part | None, baseline: Part, sign: int) -> None:
        if canary is not None:
            self.scrapes += sign
            self.canary_requests += sign * canary[0]
            self.canary_bad += sign * canary[1]
        self.baseline_requests += sign * baseline[0]
        self.baseline_bad += sign * baseline[1]

    def coverage(self, interval_s: float) -> float:
        """Returns the share of the canary's scrapes that are there."""
        return self.scrapes / max(1, int(self.length_s / interval_s + 1e-6))

    def is_baseline_above(self, share: float) -> bool:
        """Returns whether the baseline's share of bad requests is above another one, be it by chance."""
        return self.baseline_bad > share * self.baseline_requests

    def to_json(self) -> dict[str, Any]:
        """Returns its state as JSON builtins."""
        return {"length_s": self.length_s, "intervals": [list(each) for each in self.intervals]}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Self:
        """Returns it as it was."""
        self = cls(state["length_s"])
        for end_s, canary, baseline in state["intervals"]:
            self.add(end_s, None if canary is None else tuple(canary), tuple(baseline))
        return self


def judge_share(window: Window, limit: float, interval_s: float) -> RuleState:
    """Returns what the rule "a bad share above the limit for the window's length" says now."""
    if window.coverage(interval_s) < COVERAGE:
        return RuleState.UNKNOWN
    n, k = window.canary_requests, window.canary_bad
    if n < FEWEST_REQUESTS or k <= limit * n or not (breaches(n, k, limit) and lasts(window, limit)):
        return RuleState.QUIET
    return RuleState.SHARED if may_be_shared(window, limit) else RuleState.FIRING


def lasts(window: Window, limit: float) -> bool:
    """Returns whether the same holds without the two worst intervals: it is no spike."""
    parts = sorted((part for _, part, _ in window.intervals if part), key=lambda part: limit * part[0] - part[1])
    kept = parts[SPIKE:]
    n, k = sum(n for n, _ in kept), sum(k for _, k in kept)
    return k > limit * n and binomial_tail(n, limit / 2, k) <= SURE


def may_be_shared(window: Window, limit: float) -> bool:
    """Returns whether the baseline breaks the limit too, or cannot be told apart from a canary that does.

    With little traffic a shared incident shows in few of the baseline's requests, or in none. So the canary's part of
    all bad events must be above its part of the requests beyond chance, interval by interval, since its weight may have
    changed within the window. A baseline without requests says nothing.
    """
    if not window.baseline_requests:
        return False
    if breaches(window.baseline_requests, window.baseline_bad, limit):
        return True
    total, expected = window.canary_bad + window.baseline_bad, 0.0
    for _, canary, (n_b, k_b) in window.intervals:
        n_c, k_c = canary or (0, 0)
        if k_c or k_b:
            expected += (k_c + k_b) * n_c / max(1, n_c + n_b)
    # A sum of unlike chances scatters less than the binomial of their mean.
    return binomial_tail(total, min(1.0, expected / total), window.canary_bad) > APART


@dataclass(slots=True)
class Presence:
    """Since when no target of the canary answers."""

    scrapes: int = 0
    since_s: float | None = None

    def add(self, time_s: float, *, is_up: bool) -> None:
        """A look has seen whether any target answers."""
        if is_up:
            self.scrapes, self.since_s = 0, None
            return
        self.scrapes += 1
        self.since_s = time_s if self.since_s is None else self.since_s

    def is_down(self, time_s: float) -> bool:
        """Returns whether it has been away for 3 scrapes and a minute."""
        return self.since_s is not None and self.scrapes >= DOWN_SCRAPES and time_s - self.since_s >= DOWN_S
